/*
 * The choice of a tag as a job on a worker: the tags of an ImageRepository are read from its file
 * (image/tags.h), one at a time, and go through the rules (image/choose.h).
 *
 * A list of tags may lack some that are there: pages race with a push, a replica of the registry
 * lags. So a lesser tag does not take the place of the one that won before only because the list
 * has lost that one: when the list lacks it, and it would win if it were there, the choice says so
 * (`behind`), and whoever asked finds out. It is no such case when the tag is excluded now.
 *
 *	op = choice_start(loop, &(struct choice_req){...});
 *	... when done: choice_take(op, &choice)
 */
#ifndef IMAGEPOLICY_CHOICE_H
#define IMAGEPOLICY_CHOICE_H
#include "controllers/imagepolicy/spec.h"
#include "image/catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct op;

/* Everything is copied. */
struct choice_req {
	const struct imagepolicy_spec *spec;
	const struct image_entry *entry;
	const struct store_root *root;
	const char *owner; /* of the job: a namespace */
	const char *before; /* the tag that won before, by these very rules; NULL: none */
};

#define CHOICE_NONE SIZE_MAX

struct choice {
	bool read; /* the list is there: what failed, if anything did, is the choice */
	bool empty; /* and holds no tag */
	bool behind; /* also after a failure */
	/* By build time: who takes part, the best by the policy's own order first; NULL: that is
	   not asked for, or nobody does. */
	struct choose_list *list;
	/* In it: the tag that won before, which the list of the image lacks; CHOICE_NONE: none.
	   Then `behind` is only said when there is nobody else. */
	size_t absent;
	/* After a failure only its counts, and not those of each. */
	struct choose_result result;
	uint64_t next_ms; /* until the first of those too young is old enough; 0: there is none */
};

/* Fails with ERR_STALL: a rule is none; with code -ENOENT: there is no list. */
struct op *choice_start(struct loop *loop, const struct choice_req *req);
/* Once; also after a failure. The list is the caller's, for free(). */
void choice_take(struct op *op, struct choice *out);

#endif
