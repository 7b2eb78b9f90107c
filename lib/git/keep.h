/*
 * A commit that was made here and pushed: it is kept as if it had been fetched (fetch.h). On a
 * full disk what is kept and was not used for longest goes for it. Loop thread.
 */
#ifndef GIT_KEEP_H
#define GIT_KEEP_H
#include "git/fetch.h"

struct buf;
struct gitc_objects;
struct op;

struct gitc_keep_req {
	struct gitc_fetch_req as; /* the fetch that will be answered by it; it follows */
	struct gitc_objects *base; /* all of the commit that it was made of; referenced */
	const struct buf *pack; /* what is new; lent until the op is freed */
};

struct op *gitc_keep_start(struct gitc_client *c, const struct gitc_keep_req *req);

#endif
