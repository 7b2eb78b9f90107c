/*
 * An object out of a pack that lies in a file: its bytes inflated, and if it is a delta, put
 * together with what it is made of. All is bounded: an object that is a delta, and each it is made
 * of, has LIMIT_GIT_DELTA bytes at most, and LIMIT_GIT_DEPTH deltas lie upon each other. Workers;
 * the owner clears it. One thread at a time.
 */
#ifndef GIT_UNPACK_H
#define GIT_UNPACK_H
#include "base/buf.h"
#include "base/err.h"
#include "base/lru.h"
#include "git/oid.h"
#include "git/pack_format.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pack_inflate;

struct gitc_unpack {
	int fd;
	const atomic_bool *stop; /* NULL: never */
	/* Where an object of this name begins; false: it is not in this pack, or not known yet. */
	bool (*find)(void *ctx, const struct gitc_oid *oid, uint64_t *at);
	void *ctx;
	bool keep; /* bases are kept: more objects will need them */
	/* What one object may take while it is put together: past it the error's code is -ENOBUFS.
	   0: any */
	uint64_t memory;
	/* the rest is its own */
	struct lru bases; /* by place */
	struct pack_inflate *z;
};

void gitc_unpack_init(struct gitc_unpack *u);
void gitc_unpack_clear(struct gitc_unpack *u);

/* The header of what begins at `at`. */
int gitc_unpack_head(
	struct gitc_unpack *u, uint64_t at, struct gitc_head *h, struct err *err) must_check;
/* Where the base of the delta that begins at `at` does. */
int gitc_unpack_base(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h, uint64_t *base,
	struct err *err) must_check;
/* The bytes of what begins at `at`, inflated, in pieces to fn; a delta's are its instructions. */
int gitc_unpack_stream(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	int (*fn)(void *ctx, const void *p, size_t n, struct err *err), void *ctx,
	struct err *err) must_check;
/* The first n of them, at least; fewer if there are fewer. */
int gitc_unpack_start(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	unsigned char *out, size_t *n, struct err *err) must_check;
/* The object, whole, into an empty buffer whose limit is set here; its type. */
int gitc_unpack_object(struct gitc_unpack *u, uint64_t at, unsigned *type, struct buf *out,
	struct err *err) must_check;
/* For whoever has an object that is a base of others: it takes the bytes over. */
void gitc_unpack_keep(struct gitc_unpack *u, uint64_t at, unsigned type, struct buf *bytes);

#endif
