#include "pack/gzipw.h"

#include "base/mem.h"
#include "base/sys.h"
#include "pack/source.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct pack_gzipw {
	struct pack_tarw_out out;
	struct digest_ctx digest;
	uint64_t size;
	z_stream z;
	gz_header head;
	size_t have;
	unsigned char in[PACK_CHUNK];
	unsigned char buf[PACK_CHUNK];
};

struct pack_gzipw *pack_gzipw_new(const struct pack_tarw_out *out)
{
	struct pack_gzipw *g = mem_alloc(sizeof(*g));

	memset(g, 0, offsetof(struct pack_gzipw, in));
	g->out = *out;
	digest_ctx_init(&g->digest, out->algo == DIGEST_NONE ? DIGEST_SHA256 : out->algo);
	/* Repack format 1. Any other number here is another format: artifacts would change their digest without a change in them. */
	BUG_IF(deflateInit2(&g->z, 3, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK);
	g->head.os = 255;
	BUG_IF(deflateSetHeader(&g->z, &g->head) != Z_OK);
	return g;
}

void pack_gzipw_free(struct pack_gzipw *g)
{
	if (!g)
		return;
	deflateEnd(&g->z);
	digest_ctx_clear(&g->digest);
	free(g);
}

static int put(struct pack_gzipw *g, const void *p, size_t n, struct err *err)
{
	digest_update(&g->digest, p, n);
	g->size += n;
	if (g->out.max && g->size > g->out.max)
		return err_set(err, ERR_RETRY, "the archive is larger than %llu bytes",
			(unsigned long long)g->out.max);
	if (g->out.fd >= 0 && sys_write_all(g->out.fd, p, n))
		return err_sys(err, "cannot write the archive");
	if (g->out.fd < 0 && g->out.mem && buf_add(g->out.mem, p, n))
		return err_set(
			err, ERR_RETRY, "the archive is larger than %zu bytes", g->out.mem->max);
	return 0;
}

static int deflate_all(struct pack_gzipw *g, int flush, struct err *err)
{
	int rc;

	if (pack_stopped(g->out.stop, err))
		return -1;
	g->z.next_in = g->in;
	g->z.avail_in = (unsigned)g->have;
	g->have = 0;
	do {
		g->z.next_out = g->buf;
		g->z.avail_out = sizeof(g->buf);
		rc = deflate(&g->z, flush);
		BUG_IF(rc == Z_STREAM_ERROR);
		if (put(g, g->buf, sizeof(g->buf) - g->z.avail_out, err))
			return -1;
	} while (flush == Z_FINISH ? rc != Z_STREAM_END : !g->z.avail_out);
	return 0;
}

int pack_gzipw_add(struct pack_gzipw *g, const void *p, size_t n, struct err *err)
{
	const unsigned char *from = p;

	while (n) {
		size_t take = sizeof(g->in) - g->have < n ? sizeof(g->in) - g->have : n;

		memcpy(g->in + g->have, from, take);
		g->have += take;
		from += take;
		n -= take;
		if (g->have == sizeof(g->in) && deflate_all(g, Z_NO_FLUSH, err))
			return -1;
	}
	return 0;
}

int pack_gzipw_end(struct pack_gzipw *g, struct digest *digest, uint64_t *size, struct err *err)
{
	if (deflate_all(g, Z_FINISH, err))
		return -1;
	digest_final(&g->digest, digest);
	*size = g->size;
	return 0;
}
