/*
 * One pack on its way: asked for, and given to the indexer in worker jobs while it comes. The
 * transfer fills one buffer while a job reads the other, and pauses when both are full. Inside
 * lib/git only; loop thread. This is the only place of lib/git that joins a transfer and a worker.
 */
#ifndef GIT_PULL_H
#define GIT_PULL_H
#include "git/client.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct flight;
struct gitc_objects;
struct op;

struct gitc_pull_req {
	struct gitc_target target;
	const struct gitc_oid *want; /* copied */
	size_t n_want;
	unsigned depth;
	bool no_blobs, no_trees;
	uint64_t max_pack, max_objects; /* 0: the limits */
	struct gitc_objects *into; /* NULL: a new set. Referenced */
	/* All of the commit `have` is in it: a server that speaks version 2 sends what it lacks,
	   and the new set is on top of it. NULL: nothing is here. Referenced */
	struct gitc_objects *base;
	const struct gitc_oid *have; /* copied */
	/* Those who wait for it together: its lines of the log are the first one's, and each has a
	   time of its own. NULL: the target's timeout is that of all of it. Borrowed. */
	const struct flight *flight;
};

struct op *gitc_pull_start(struct gitc_client *c, const struct gitc_pull_req *req);
/* Borrowed from the op, which has succeeded. */
struct gitc_objects *gitc_pull_objects(const struct op *op);
/* Was one object wanted, of depth 1, and is it a commit? */
bool gitc_pull_is_commit(const struct op *op);
/* Its jobs are the process's own from now on: several owners want it. */
void gitc_pull_disown(struct op *op);

#endif
