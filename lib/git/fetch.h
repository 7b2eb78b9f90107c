/*
 * Objects of a repository: commits by their hashes with what they hold, in one pack, indexed and
 * proven while it comes (objects.h).
 *
 * Fetches that are the same (place, auth, wants, depth, filter, bounds) and in flight at a time are
 * one; each who waits has its own timeout and may leave. The last few object sets are kept: the
 * same fetch again costs nothing, not even a request, and of a commit that follows one of those
 * only comes what has changed: the new set is put on top of the old one (objects.h) and kept in its
 * place, or beside it when that is of another branch. Where that fails, all of it is fetched at
 * once. Whether all has come is seen by who reads it; what lacks something is not kept, so the next
 * fetch is whole. Loop thread.
 *
 *	op = gitc_fetch_start(client, &(struct gitc_fetch_req){.target = target, .want = &oid,
 *		.n_want = 1, .depth = 1});
 *	... done, no error: struct gitc_objects *o = gitc_fetch_take(op);
 *
 * GITC_NOT_OURS: the server gives no object by its hash; fetch a ref's own commit without a depth.
 */
#ifndef GIT_FETCH_H
#define GIT_FETCH_H
#include "git/client.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct gitc_objects;
struct op;

struct gitc_fetch_req {
	struct gitc_target target;
	const struct gitc_oid *want; /* commits or tags; copied */
	size_t n_want; /* 1 to LIMIT_GIT_WANTS */
	/* Commits of each history; 0: all. A server that cannot sends all. */
	unsigned depth;
	bool no_blobs; /* none, where the server can leave them out; else all come */
	bool no_trees; /* nor trees: commits and tags alone. Where it cannot, as no_blobs */
	/* `want` is one commit, of depth 1: it may follow another one that is here. */
	bool follows;
	/* The branch that it is on: the last commit of each is kept, and followed. NULL: of none */
	const char *branch;
	uint64_t max_pack; /* bytes that come; 0: LIMIT_GIT_PACK */
	uint64_t max_objects; /* 0: LIMIT_GIT_OBJECTS */
};

struct op *gitc_fetch_start(struct gitc_client *c, const struct gitc_fetch_req *req);
/* A reference to the object set, the caller's from now on; once. */
struct gitc_objects *gitc_fetch_take(struct op *op);

#endif
