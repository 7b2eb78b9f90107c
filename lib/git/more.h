/*
 * More objects into a set that is there (fetch.h): blobs that a fetch with no_blobs has left out.
 * Loop thread.
 */
#ifndef GIT_MORE_H
#define GIT_MORE_H
#include "git/client.h"
#include "git/oid.h"

#include <stddef.h>
#include <stdint.h>

struct gitc_objects;
struct op;

struct gitc_more_req {
	struct gitc_target target;
	struct gitc_objects *into; /* a reference is held until the op is freed */
	const struct gitc_oid *want; /* what is there already is not asked for again; copied */
	size_t n_want; /* 0 to LIMIT_GIT_WANTS */
	uint64_t max_pack; /* bytes; 0: LIMIT_GIT_PACK */
};

struct op *gitc_more_start(struct gitc_client *c, const struct gitc_more_req *req);

#endif
