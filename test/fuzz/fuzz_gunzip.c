/*
 * gzip and zstd streams. What our gunzip accepts, zlib's own gzread-like loop accepts with the same
 * bytes and the same number of members, and the other way round; a stream that anything follows
 * which is no member, and not all zeros, is never accepted.
 */
#include "pack/expand.h"
#include "pack/gunzip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MOST (1 << 20)

/* A second opinion: raw inflate with header and trailer checked by hand. -1: refused; else the
   bytes in out. */
static long reference(const uint8_t *p, size_t n, uint8_t *out, uint64_t *members)
{
	z_stream z = {0};
	long total = 0;

	*members = 0;
	while (n) {
		size_t zeros = 0;
		int rc;

		while (*members && zeros < n && !p[zeros])
			zeros++;
		if (zeros == n)
			return total;
		if (inflateInit2(&z, 16 + 15) != Z_OK)
			abort();
		z.next_in = (uint8_t *)p;
		z.avail_in = (unsigned)n;
		z.next_out = out + total;
		z.avail_out = (unsigned)(MOST - total);
		rc = inflate(&z, Z_FINISH);
		total = z.next_out - out;
		p = z.next_in;
		n = z.avail_in;
		inflateEnd(&z);
		if (rc != Z_STREAM_END)
			return -1;
		++*members;
	}
	return *members ? total : -1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t want[MOST + 1], got[MOST + 1];
	struct pack_expand x = {0};
	struct err err = {0};
	struct pack_src src;
	const unsigned char *p;
	size_t n = 0, total = 0;
	uint64_t members;
	long ref;
	int rc;

	if (!size)
		return 0;
	pack_src_init(&src, data, -1, size, NULL);
	rc = pack_expand_init(&x, &src, MOST, &err);
	while (!rc && !(rc = pack_expand_next(&x, &p, &n, &err)) && n) {
		if (total + n > MOST)
			abort();
		memcpy(got + total, p, n);
		total += n;
	}
	if (rc && !err.msg[0])
		abort();
	if (x.kind == PACK_GZIP) {
		ref = reference(data, size, want, &members);
		/* A stream over the limit stops both, in different words. */
		if ((rc == 0) != (ref >= 0))
			abort();
		if (!rc &&
			((size_t)ref != total || memcmp(want, got, total) != 0 ||
				(!pack_expand_why(&x) && members != 1)))
			abort();
	}
	if (x.kind == PACK_TAR && !rc && total != size)
		abort();
	pack_expand_clear(&x);
	pack_src_clear(&src);
	return 0;
}
