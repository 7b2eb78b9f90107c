#include "pack/gunzip.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

struct pack_gunzip {
	z_stream z;
	struct pack_src *src;
	uint64_t members;
	bool inside; /* of a member */
	bool dry; /* the source has ended */
	unsigned char out[PACK_CHUNK];
};

struct pack_gunzip *pack_gunzip_new(struct pack_src *src)
{
	struct pack_gunzip *g = mem_alloc(sizeof(*g));

	g->z = (z_stream){0};
	g->src = src;
	g->members = 0;
	g->inside = g->dry = false;
	/* 31: a window of 32 KiB, and a gzip header and trailer, nothing else. It can only fail for lack of memory. */
	BUG_IF(inflateInit2(&g->z, 31) != Z_OK);
	return g;
}

void pack_gunzip_free(struct pack_gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

uint64_t pack_gunzip_members(const struct pack_gunzip *g)
{
	return g->members;
}

static int refill(struct pack_gunzip *g, struct err *err)
{
	const unsigned char *p = NULL;
	size_t n;

	if (pack_src_next(g->src, &p, &n, err))
		return -1;
	g->z.next_in = (unsigned char *)p; /* zlib reads only; its type lacks the const */
	g->z.avail_in = (unsigned)n;
	g->dry = !n;
	return 0;
}

static int broken(struct pack_gunzip *g, int rc, struct err *err)
{
	unsigned long long at = g->src->at - g->z.avail_in;

	if (rc == Z_MEM_ERROR)
		return err_set(err, ERR_RETRY, "out of memory for gzip");
	if (g->members > 1 && !g->z.total_out)
		return err_set(err, ERR_RETRY,
			"bytes after the gzip member that ends before byte %llu are not gzip (%s)",
			at, g->z.msg ? g->z.msg : "no header");
	return err_set(err, ERR_RETRY, "broken gzip before byte %llu: %s", at,
		g->z.msg ? g->z.msg : "unexpected data");
}

int pack_gunzip_next(struct pack_gunzip *g, const unsigned char **p, size_t *n, struct err *err)
{
	int rc;

	*n = 0;
	*p = g->out;
	g->z.next_out = g->out;
	g->z.avail_out = sizeof(g->out);
	while (g->z.avail_out == sizeof(g->out)) {
		if (!g->z.avail_in && !g->dry && refill(g, err))
			return -1;
		if (g->dry) {
			if (g->inside || !g->members)
				return err_set(err, ERR_RETRY,
					"gzip stream is cut after %llu bytes",
					(unsigned long long)g->src->at);
			return 0;
		}
		if (!g->inside) {
			BUG_IF(inflateReset(&g->z) != Z_OK);
			g->members++;
			g->inside = true;
		}
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->inside = false;
		else if (rc != Z_OK)
			return broken(g, rc, err);
	}
	*n = sizeof(g->out) - g->z.avail_out;
	return 0;
}
