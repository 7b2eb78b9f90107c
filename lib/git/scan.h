/*
 * A pack read as a stream (gitformat-pack): header, each object's header, its bytes inflated and
 * counted, the checksum. An object that is no delta and fits into memory gets its name at once.
 * Of the others it is kept where they begin and how large they become, which a delta says in its
 * first bytes. So a pack that would take too much time, memory or room is refused while it comes.
 * One thread; the owner clears it.
 *
 *	gitc_scan_init(&s, &limits);
 *	while (more) gitc_scan_feed(&s, p, n, err);
 *	gitc_scan_end(&s, err);
 *	gitc_scan_clear(&s);
 */
#ifndef GIT_SCAN_H
#define GIT_SCAN_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "crypto/sha1.h"
#include "git/index.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pack_inflate;

#define GITC_NO_BASE UINT32_MAX

/* An object of the pack. */
struct gitc_scanned {
	uint64_t at : 48; /* where it begins */
	uint64_t type : 8; /* 0: a delta's, until it was put together */
	uint64_t named : 1; /* oid is its name */
	uint64_t size; /* what it becomes */
	struct gitc_oid oid;
	uint32_t base; /* of a delta: the number of its base; GITC_NO_BASE: not known yet */
	uint32_t base_name; /* and then the number of its name in base_names */
};

enum gitc_scan_state {
	SCAN_HEADER,
	SCAN_OBJECT, /* type and size */
	SCAN_PLACE, /* of an ofs-delta's base */
	SCAN_NAME, /* of a ref-delta's */
	SCAN_BODY,
	SCAN_TRAILER,
	SCAN_DONE,
};

struct gitc_scan {
	struct gitc_limits max; /* none is 0 */
	enum gitc_scan_state state;
	uint64_t at; /* bytes fed */
	uint64_t left; /* objects that must still come */
	uint64_t inflated, expanded; /* totals */
	uint64_t largest; /* of all deltas, what they are made of, and what becomes of them */
	VEC(struct gitc_scanned) seen; /* in the pack's order */
	VEC(struct gitc_oid) base_names;
	struct pack_inflate *z;
	struct sha1 sum;
	/* the current one */
	struct gitc_scanned it;
	unsigned char head[32]; /* of a header, or a delta's first bytes */
	size_t have, need;
	unsigned type; /* as the pack has it */
	uint64_t size, got; /* inflated */
	uint64_t back; /* how far its base is */
	unsigned shift;
	struct buf body; /* of an object that gets its name here */
};

void gitc_scan_init(struct gitc_scan *s, const struct gitc_limits *limits);
void gitc_scan_clear(struct gitc_scan *s);
int gitc_scan_feed(struct gitc_scan *s, const void *p, size_t n, struct err *err) must_check;
/* The stream has ended: was it whole? */
int gitc_scan_end(struct gitc_scan *s, struct err *err) must_check;

#endif
