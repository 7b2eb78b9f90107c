/*
 * A zlib stream (RFC 1950), as the objects of a Git pack are: pushed in and pulled out in pieces of
 * any size, and checked to its end. One thread; the owner frees it.
 *
 *	do {
 *		rc = pack_inflate_run(z, &p, &n, out, sizeof(out), &made, err);
 *		... `made` bytes of out
 *	} while (!rc && (n || made == sizeof(out)));
 */
#ifndef PACK_INFLATE_H
#define PACK_INFLATE_H
#include "base/err.h"

#include <stddef.h>

struct pack_inflate;

struct pack_inflate *pack_inflate_new(void); /* never NULL */
void pack_inflate_free(struct pack_inflate *z); /* z may be NULL */
/* Another stream begins. */
void pack_inflate_reset(struct pack_inflate *z);
/* Takes from the *n bytes at *p as many as it needs for up to `room` bytes at out, and moves both
   on. 1: the stream has ended and its checksum was right, *p is behind it; 0: there is more; -1:
   it is broken (ERR_RETRY). */
int pack_inflate_run(struct pack_inflate *z, const unsigned char **p, size_t *n, void *out,
	size_t room, size_t *made, struct err *err) must_check;

#endif
