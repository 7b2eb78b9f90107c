/*
 * The compressor of repack format 2 (lib/pack/tarw.h) and its output. The stream is cut into pieces
 * of exactly 64 KiB, whatever the calls were, so that the result depends on the bytes alone. A
 * piece whose bytes are spread as those of compressed data are (the sum of the squares of their
 * counts tells) is stored, as two stored blocks (RFC 1951, 3.2.4) of 32 KiB that we write
 * ourselves: zlib does not promise where its own begin. All other pieces, and the last one, go to
 * zlib. One thread; part of tarw.
 */
#ifndef PACK_GZIPW_H
#define PACK_GZIPW_H
#include "pack/tarw.h"

#include <stddef.h>

struct pack_gzipw;

struct pack_gzipw *pack_gzipw_new(const struct pack_tarw_out *out);
int pack_gzipw_add(struct pack_gzipw *g, const void *p, size_t n, struct err *err) must_check;
/* Writes what is left; digest and size are of all the output. */
int pack_gzipw_end(
	struct pack_gzipw *g, struct digest *digest, uint64_t *size, struct err *err) must_check;
void pack_gzipw_free(struct pack_gzipw *g); /* g may be NULL */

#endif
