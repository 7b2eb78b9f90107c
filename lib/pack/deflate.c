#include "pack/deflate.h"

#include "base/err.h"

#include <limits.h>
#include <zlib.h>

/* zlib counts in unsigned, and who wants it to stop does not wait for long. */
#define PIECE ((size_t)64 * 1024)

int pack_deflate(struct buf *out, const void *p, size_t n, const atomic_bool *stop)
{
	z_stream z = {0};
	const unsigned char *from = p;
	int rc = Z_OK;

	BUG_IF(deflateInit(&z, Z_DEFAULT_COMPRESSION) != Z_OK);
	z.next_in = (unsigned char *)from; /* zlib reads only; its type lacks the const */
	while (rc != Z_STREAM_END) {
		size_t take = n < PIECE ? n : PIECE, room = 4096 + take / 2;
		char *to = stop && atomic_load(stop) ? NULL : buf_room(out, room);

		if (!to)
			break;
		if (!z.avail_in) {
			z.avail_in = (unsigned)take;
			n -= take;
		}
		z.next_out = (unsigned char *)to;
		z.avail_out = (unsigned)room;
		rc = deflate(&z, n ? Z_NO_FLUSH : Z_FINISH);
		BUG_IF(rc == Z_STREAM_ERROR);
		out->len += room - z.avail_out;
		out->p[out->len] = '\0';
	}
	deflateEnd(&z);
	return rc == Z_STREAM_END ? 0 : -1;
}
