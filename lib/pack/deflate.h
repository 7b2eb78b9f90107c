/* Bytes in memory as a zlib stream (RFC 1950), as the objects of a Git pack are. Any thread. */
#ifndef PACK_DEFLATE_H
#define PACK_DEFLATE_H
#include "base/buf.h"

#include <stddef.h>

/* Appends to out. -1 past its limit. */
int pack_deflate(struct buf *out, const void *p, size_t n);

#endif
