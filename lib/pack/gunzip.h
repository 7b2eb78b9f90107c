/*
 * Strict gzip (RFC 1952), as a stream that is pulled: the CRC and the length of every member are
 * checked, and after a member only another member, or zeros up to the end, may follow.
 * (libarchive's own filter checks neither.)
 *
 * Lives in one worker thread. The source is borrowed; reading starts at its position.
 *
 *	struct pack_gunzip *g = pack_gunzip_new(&src);
 *	while (!(rc = pack_gunzip_next(g, &p, &n, err)) && n) ...
 *	(n == 0: every member was whole)
 *	plain = !pack_gunzip_why(g);
 *	pack_gunzip_free(g);
 */
#ifndef PACK_GUNZIP_H
#define PACK_GUNZIP_H
#include "base/err.h"
#include "pack/source.h"

struct pack_gunzip;

struct pack_gunzip *pack_gunzip_new(struct pack_src *src); /* never NULL */
void pack_gunzip_free(struct pack_gunzip *g); /* g may be NULL */
/* The next expanded bytes, at most PACK_CHUNK, borrowed until the next call; *n is 0 at the end of
   the source. */
int pack_gunzip_next(
	struct pack_gunzip *g, const unsigned char **p, size_t *n, struct err *err) must_check;
/* After the end: NULL, or why Go's compress/gzip would not read it as one whole member. */
const char *pack_gunzip_why(const struct pack_gunzip *g);

#endif
