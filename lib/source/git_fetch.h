/*
 * A commit's objects, by its hash and nothing of its history. A server that lets nobody ask by hash
 * is asked for the ref that the commit is on, or for all branches, with their histories, within the
 * same bounds. Loop thread.
 *
 *	op = git_fetch_start(loop, &(struct git_fetch_req){.git = client, .target = target,
 *		.commit = &oid, .ref = "refs/heads/main"});
 *	... done, no error: struct gitc_objects *o = git_fetch_take(op);
 */
#ifndef SOURCE_GIT_FETCH_H
#define SOURCE_GIT_FETCH_H
#include "git/client.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct gitc_client;
struct gitc_objects;
struct loop;
struct op;

/* What the target points at has to stay there until the op is done; the rest is copied. */
struct git_fetch_req {
	struct gitc_client *git;
	struct gitc_target target;
	const struct gitc_oid *commit;
	const struct gitc_oid
		*tag; /* an annotated one that leads to it, which is wanted, too; NULL */
	const char *ref; /* what it is on, for servers that need to know; NULL or "": any branch */
	const char *branch; /* as in git/fetch.h */
	bool no_blobs; /* likewise */
	uint64_t max_pack; /* 0: LIMIT_GIT_PACK */
};

/* GITC_MISSING: no branch of the server has the commit. */
struct op *git_fetch_start(struct loop *l, const struct git_fetch_req *req);
/* A reference to the object set, the caller's from now on; once. */
struct gitc_objects *git_fetch_take(struct op *op);
/* req->commit was made here out of base, and pushed: who fetches it next gets it without a request.
   pack: what is new in it; lent until the op is freed. */
struct op *git_fetch_keep_start(
	const struct git_fetch_req *req, struct gitc_objects *base, const struct buf *pack);

#endif
