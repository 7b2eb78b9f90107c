/* Bytes in memory as a zlib stream (RFC 1950), as the objects of a Git pack are. Any thread. */
#ifndef PACK_DEFLATE_H
#define PACK_DEFLATE_H
#include "base/buf.h"

#include <stdatomic.h>
#include <stddef.h>

/* Appends to out. -1 past its limit, or when *stop is set (NULL: it never is). */
int pack_deflate(struct buf *out, const void *p, size_t n, const atomic_bool *stop);

#endif
