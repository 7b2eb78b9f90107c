/*
 * An object set: what one fetch has brought, or some that add up. Reference counted; any number of
 * worker jobs may read one at a time, and whoever holds a reference may hand it to another thread.
 * Reading blocks: workers only, but for ref, unref, has and stats, which take no time worth a job.
 *
 * Whatever a set holds has the hash that its name says. What is in it is a stranger's all the same:
 * every reader here has a bound, and a message names the object and never more than that.
 *
 *	struct gitc_commit c;
 *	if (gitc_peel(o, &oid, &commit, err) || gitc_commit_read(o, &commit, &c, err)) ...
 *	gitc_commit_clear(&c);
 */
#ifndef GIT_OBJECTS_H
#define GIT_OBJECTS_H
#include "base/buf.h"
#include "base/err.h"
#include "git/oid.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gitc_objects;

struct gitc_objects *gitc_objects_ref(struct gitc_objects *o); /* returns o */
void gitc_objects_unref(struct gitc_objects *o); /* NULL is fine */
bool gitc_objects_has(const struct gitc_objects *o, const struct gitc_oid *oid);

/* An empty set on top of another one, of which it holds a reference: it has all of that, too. */
struct gitc_objects *gitc_objects_on(struct gitc_objects *base);
/* Has somebody looked for what neither it nor what it rests on has? */
bool gitc_objects_lack(const struct gitc_objects *o);
/* What it takes on the disk beside what n others take: they may lie upon the same. */
uint64_t gitc_objects_beside(
	const struct gitc_objects *o, struct gitc_objects *const *others, size_t n);
/* May another one be put on top of it? Not when there are many upon each other already, when what
   was added is more than what it was added to, when all of them are large, and when something is
   lacking. */
bool gitc_objects_may_grow(const struct gitc_objects *o);

enum gitc_type { GITC_COMMIT = 1, GITC_TREE, GITC_BLOB, GITC_TAG };

/* What it is called in messages: "commit", "tree", ... */
const char *gitc_type_name(enum gitc_type type);

/* err.code GITC_MISSING: it is not in the set. GITC_BAD_OBJECT: it is not of that type, or is
   malformed. Both ERR_RETRY. */
/* The commit that a tag leads to, over at most LIMIT_GIT_TAGS of them; a commit is its own. */
int gitc_peel(const struct gitc_objects *o, const struct gitc_oid *oid, struct gitc_oid *commit,
	struct err *err) must_check;

/* A blob, whole, appended to out. More than max bytes is GITC_TOO_LARGE. */
int gitc_blob_read(const struct gitc_objects *o, const struct gitc_oid *oid, struct buf *out,
	uint64_t max, struct err *err) must_check;

/* A blob in pieces: `begin` with its size, then `data` until all have come. Either may fail with
   *err filled; `begin` may be NULL. A large blob that is no delta is never whole in memory. */
struct gitc_blob_fns {
	int (*begin)(void *ctx, uint64_t size, struct err *err);
	int (*data)(void *ctx, const void *p, size_t n, struct err *err);
	void *ctx;
	/* What a blob that is a delta may take while it is put together; past it err->code is
	   -ENOBUFS. 0: any */
	uint64_t memory;
};
int gitc_blob_stream(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_blob_fns *fns, uint64_t max, const atomic_bool *stop,
	struct err *err) must_check;

/* What a set holds and takes, with all that is under it. */
struct gitc_objects_stats {
	uint64_t objects; /* of all packs */
	uint64_t bytes; /* on the disk, packs and indexes */
	uint64_t most; /* of that, those of the largest one: about what one commit takes */
};
void gitc_objects_stats(const struct gitc_objects *o, struct gitc_objects_stats *out);

#endif
