#include "pack/gzipw.h"

#include "base/mem.h"
#include "base/sys.h"
#include "pack/source.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct pack_gzipw {
	struct pack_tarw_out out;
	struct digest_ctx digest;
	uint64_t size;
	z_stream z;
	uint32_t crc;
	uint32_t length; /* of the input, modulo 2^32 */
	bool open; /* zlib was given something since its last flush */
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
	/* Repack format 2. Any other number here is another format: artifacts would change their
	   digest without a change in them. */
	BUG_IF(deflateInit2(&g->z, 3, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK);
	g->crc = (uint32_t)crc32(0, NULL, 0);
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

static int gzipw_put(struct pack_gzipw *g, const void *p, size_t n, struct err *err)
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

/* RFC 1952, 2.3.1: no flags, no time, XFL 0, OS 255. */
static int gzipw_put_head(struct pack_gzipw *g, struct err *err)
{
	return g->size ? 0 : gzipw_put(g, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10, err);
}

static int gzipw_put_tail(struct pack_gzipw *g, struct err *err)
{
	unsigned char tail[8];
	unsigned i;

	for (i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(g->crc >> 8 * i);
		tail[4 + i] = (unsigned char)(g->length >> 8 * i);
	}
	return gzipw_put(g, tail, sizeof(tail), err);
}

static int deflate_piece(struct pack_gzipw *g, int flush, struct err *err)
{
	int rc;

	do {
		g->z.next_out = g->buf;
		g->z.avail_out = sizeof(g->buf);
		rc = deflate(&g->z, flush);
		BUG_IF(rc == Z_STREAM_ERROR);
		if (gzipw_put(g, g->buf, sizeof(g->buf) - g->z.avail_out, err))
			return -1;
	} while (flush == Z_FINISH ? rc != Z_STREAM_END : !g->z.avail_out);
	g->open = flush == Z_NO_FLUSH;
	return 0;
}

/*
 * Would deflate save less than about two percent? Of n random bytes the squares of the counts sum
 * up to n * n / 256 + n; 1/240 is an entropy (Renyi's, of order 2) of 7.9 bits a byte. Four tables,
 * because a count that was just written is slow to read again.
 */
static bool is_noise(const unsigned char *p)
{
	uint32_t count[4][256] = {0};
	const uint64_t n = PACK_CHUNK;
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < n; i += 4) {
		count[0][p[i]]++;
		count[1][p[i + 1]]++;
		count[2][p[i + 2]]++;
		count[3][p[i + 3]]++;
	}
	for (i = 0; i < 256; i++) {
		uint64_t c = count[0][i] + count[1][i] + count[2][i] + count[3][i];

		sum += c * c;
	}
	return 240 * sum <= n * n + 240 * n;
}

#define STORED (PACK_CHUNK / 2)

/* What zlib has comes first. Its full flush ends at a byte and forgets: no later match reaches back
   over bytes that it did not see. */
static int store_piece(struct pack_gzipw *g, struct err *err)
{
	static const unsigned char head[5] = {
		0, STORED & 255, STORED >> 8, ~STORED & 255, ~STORED >> 8 & 255};

	if (g->open && deflate_piece(g, Z_FULL_FLUSH, err))
		return -1;
	if (gzipw_put(g, head, sizeof(head), err) || gzipw_put(g, g->in, STORED, err) ||
		gzipw_put(g, head, sizeof(head), err))
		return -1;
	return gzipw_put(g, g->in + STORED, STORED, err);
}

static int gzipw_piece(struct pack_gzipw *g, bool last, struct err *err)
{
	bool noise = g->have == PACK_CHUNK && !last && is_noise(g->in);

	if (pack_stopped(g->out.stop, err) || gzipw_put_head(g, err))
		return -1;
	g->crc = (uint32_t)crc32(g->crc, g->in, (unsigned)g->have);
	g->length += (uint32_t)g->have;
	g->z.next_in = g->in;
	g->z.avail_in = noise ? 0 : (unsigned)g->have;
	g->have = 0;
	return noise ? store_piece(g, err) : deflate_piece(g, last ? Z_FINISH : Z_NO_FLUSH, err);
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
		if (g->have == sizeof(g->in) && gzipw_piece(g, false, err))
			return -1;
	}
	return 0;
}

int pack_gzipw_end(struct pack_gzipw *g, struct digest *digest, uint64_t *size, struct err *err)
{
	if (gzipw_piece(g, true, err) || gzipw_put_tail(g, err))
		return -1;
	digest_final(&g->digest, digest);
	*size = g->size;
	return 0;
}
