#include "pack/inflate.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct pack_inflate {
	z_stream z;
};

struct pack_inflate *pack_inflate_new(void)
{
	struct pack_inflate *z = NEW(struct pack_inflate);

	/* It can only fail for lack of memory. */
	BUG_IF(inflateInit(&z->z) != Z_OK);
	return z;
}

void pack_inflate_free(struct pack_inflate *z)
{
	if (!z)
		return;
	inflateEnd(&z->z);
	free(z);
}

void pack_inflate_reset(struct pack_inflate *z)
{
	BUG_IF(inflateReset(&z->z) != Z_OK);
}

int pack_inflate_run(struct pack_inflate *z, const unsigned char **p, size_t *n, void *out,
	size_t room, size_t *made, struct err *err)
{
	unsigned in = *n > UINT_MAX ? UINT_MAX : (unsigned)*n;
	unsigned space = room > UINT_MAX ? UINT_MAX : (unsigned)room;
	int rc;

	z->z.next_in = (unsigned char *)*p; /* zlib reads only; its type lacks the const */
	z->z.avail_in = in;
	z->z.next_out = out;
	z->z.avail_out = space;
	rc = inflate(&z->z, Z_NO_FLUSH);
	*p += in - z->z.avail_in;
	*n -= in - z->z.avail_in;
	*made = space - z->z.avail_out;
	if (rc == Z_STREAM_END)
		return 1;
	/* Z_BUF_ERROR: nothing to do with what is there. */
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return 0;
	BUG_IF(rc == Z_MEM_ERROR || rc == Z_STREAM_ERROR);
	return err_set(err, ERR_RETRY, "broken zlib stream: %s",
		rc == Z_NEED_DICT  ? "it needs a dictionary"
			: z->z.msg ? z->z.msg
				   : "?");
}
