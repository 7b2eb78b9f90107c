#include "pack/gunzip.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Go's reader takes names and comments of so many bytes, with the NUL (compress/gzip,
   readString). */
#define TEXT_MAX 512

struct pack_gunzip {
	z_stream z;
	gz_header head; /* of the first member */
	unsigned char name[TEXT_MAX], comment[TEXT_MAX];
	struct pack_src *src;
	uint64_t members;
	bool inside; /* of a member */
	bool dry; /* the source has ended */
	bool padded; /* zeros follow the last member */
	unsigned char out[PACK_CHUNK];
};

struct pack_gunzip *pack_gunzip_new(struct pack_src *src)
{
	struct pack_gunzip *g = mem_alloc(sizeof(*g));

	g->z = (z_stream){0};
	g->src = src;
	g->members = 0;
	g->inside = g->dry = g->padded = false;
	g->head = (gz_header){
		.name = g->name, .name_max = TEXT_MAX, .comment = g->comment, .comm_max = TEXT_MAX};
	/* 31: a window of 32 KiB, and a gzip header and trailer, nothing else. It can only fail for
	   lack of memory. */
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

/* zlib drops the pointers to what is not there. */
static bool gunzip_too_long(const unsigned char *text)
{
	return text && !memchr(text, '\0', TEXT_MAX);
}

const char *pack_gunzip_why(const struct pack_gunzip *g)
{
	if (g->members != 1)
		return "it is not gzip with one member";
	if (g->padded)
		return "zeros follow the gzip member";
	if (gunzip_too_long(g->head.name) || gunzip_too_long(g->head.comment))
		return "its gzip header has a long text";
	return NULL;
}

static int gunzip_refill(struct pack_gunzip *g, struct err *err)
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

static int gunzip_broken(struct pack_gunzip *g, int rc, struct err *err)
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

/* Between members. Zeros may fill the source up to its end, nothing may follow them. */
static int gunzip_skip_zeros(struct pack_gunzip *g, struct err *err)
{
	while (g->z.avail_in && !*g->z.next_in) {
		g->padded = true;
		g->z.next_in++;
		g->z.avail_in--;
	}
	if (!g->padded || !g->z.avail_in)
		return 0;
	return err_set(err, ERR_RETRY,
		"bytes after the gzip member and zeros, at byte %llu, are not gzip",
		(unsigned long long)(g->src->at - g->z.avail_in));
}

static void gunzip_begin(struct pack_gunzip *g)
{
	BUG_IF(inflateReset(&g->z) != Z_OK);
	if (!g->members++)
		BUG_IF(inflateGetHeader(&g->z, &g->head) != Z_OK);
	g->inside = true;
}

int pack_gunzip_next(struct pack_gunzip *g, const unsigned char **p, size_t *n, struct err *err)
{
	int rc;

	*n = 0;
	*p = g->out;
	g->z.next_out = g->out;
	g->z.avail_out = sizeof(g->out);
	while (g->z.avail_out == sizeof(g->out)) {
		if (!g->z.avail_in && !g->dry && gunzip_refill(g, err))
			return -1;
		if (g->dry) {
			if (g->inside || !g->members)
				return err_set(err, ERR_RETRY,
					"gzip stream is cut after %llu bytes",
					(unsigned long long)g->src->at);
			return 0;
		}
		if (!g->inside && g->members) {
			if (gunzip_skip_zeros(g, err))
				return -1;
			if (!g->z.avail_in)
				continue;
		}
		if (!g->inside)
			gunzip_begin(g);
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->inside = false;
		else if (rc != Z_OK)
			return gunzip_broken(g, rc, err);
	}
	*n = sizeof(g->out) - g->z.avail_out;
	return 0;
}
