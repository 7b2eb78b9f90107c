/*
 * The first move of a link, read: what the service can, and of v0 its refs. Inside lib/git only;
 * loop thread.
 */
#ifndef GIT_OPEN_H
#define GIT_OPEN_H
#include "git/caps.h"
#include "git/link.h"

struct gitc_reflist;

/* link and refs are borrowed until the op is done. */
struct op *gitc_open_start(struct gitc_client *c, struct gitc_link *link, enum gitc_service service,
	struct gitc_reflist *refs, uint64_t time_ms);
/* Borrowed from the op, which has succeeded. */
const struct gitc_caps *gitc_open_caps(const struct op *op);

#endif
