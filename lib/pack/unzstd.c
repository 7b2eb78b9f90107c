#include "pack/unzstd.h"

#include "base/limits.h"
#include "base/mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8878 section 3.1: what the next bytes of the stream are. */
enum frame_at {
	AT_MAGIC,
	AT_DESCRIPTOR,
	AT_HEADER,
	AT_BLOCK,
	AT_BODY,
	AT_CHECKSUM,
	AT_SKIP_SIZE,
	AT_SKIP
};

struct frames {
	enum frame_at at;
	unsigned char hold[16]; /* of a field that is not complete yet */
	size_t have, need;
	uint64_t skip; /* bytes of a body */
	unsigned char descriptor;
	bool last;
	bool any;
};

struct pack_unzstd {
	struct pack_src *src;
	struct archive *a;
	struct frames f;
	struct err failed; /* of the callback: kind ERR_NONE is none */
	const unsigned char *block;
	size_t left;
	bool open;
};

static uint64_t little(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | p[n];
	return v;
}

static void expect(struct frames *f, enum frame_at at, size_t need)
{
	f->at = at;
	f->need = need;
	f->have = 0;
}

/* Frame header without its descriptor: window, dictionary, content size. */
static size_t header_len(unsigned char d)
{
	static const unsigned char dict[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
	bool single = d & 0x20;
	size_t n = content[d >> 6];

	if (single && !n)
		n = 1;
	return (single ? 0 : 1) + dict[d & 3] + n;
}

static int header(struct frames *f, struct err *err)
{
	const unsigned char *h = f->hold;
	unsigned char d = f->descriptor;
	uint64_t window;

	if (d & 0x20) {
		size_t n = header_len(d), dict = (d & 3) == 3 ? 4 : d & 3;

		window = little(h + dict, n - dict);
		if (d >> 6 == 1)
			window += 256;
	} else {
		uint64_t base = 1ULL << (10 + (h[0] >> 3));

		window = base + base / 8 * (h[0] & 7);
	}
	if (window > LIMIT_ZSTD_WINDOW)
		return err_set(err, ERR_RETRY,
			"zstd frame needs a window of %llu bytes, %llu are allowed",
			(unsigned long long)window, (unsigned long long)LIMIT_ZSTD_WINDOW);
	expect(f, AT_BLOCK, 3);
	return 0;
}

static int block(struct frames *f, struct err *err)
{
	uint64_t v = little(f->hold, 3);

	f->last = v & 1;
	switch (v >> 1 & 3) {
	case 0:
	case 2:
		f->skip = v >> 3;
		break;
	case 1:
		f->skip = 1;
		break;
	default:
		return err_set(err, ERR_RETRY, "broken zstd: reserved block type");
	}
	f->at = AT_BODY;
	return 0;
}

static void body_done(struct frames *f)
{
	if (f->at == AT_BODY && !f->last)
		expect(f, AT_BLOCK, 3);
	else if (f->at == AT_BODY && f->descriptor & 4)
		expect(f, AT_CHECKSUM, 4);
	else
		expect(f, AT_MAGIC, 4);
}

static int field(struct frames *f, struct err *err)
{
	uint64_t v;

	switch (f->at) {
	case AT_MAGIC:
		v = little(f->hold, 4);
		f->any = true;
		if (v == 0xfd2fb528)
			expect(f, AT_DESCRIPTOR, 1);
		else if (v >= 0x184d2a50 && v <= 0x184d2a5f)
			expect(f, AT_SKIP_SIZE, 4);
		else
			return err_set(err, ERR_RETRY, "bytes after a zstd frame are not zstd");
		return 0;
	case AT_DESCRIPTOR:
		f->descriptor = f->hold[0];
		if (f->descriptor & 8)
			return err_set(
				err, ERR_RETRY, "broken zstd: reserved bit in a frame header");
		expect(f, AT_HEADER, header_len(f->descriptor));
		return 0;
	case AT_HEADER:
		return header(f, err);
	case AT_BLOCK:
		return block(f, err);
	case AT_SKIP_SIZE:
		f->skip = little(f->hold, 4);
		f->at = AT_SKIP;
		return 0;
	default:
		expect(f, AT_MAGIC, 4);
		return 0;
	}
}

static int frames_feed(struct frames *f, const unsigned char *p, size_t n, struct err *err)
{
	while (n) {
		size_t take;

		if (f->at == AT_BODY || f->at == AT_SKIP) {
			take = f->skip < n ? (size_t)f->skip : n;
			f->skip -= take;
		} else {
			take = f->need - f->have < n ? f->need - f->have : n;
			memcpy(f->hold + f->have, p, take);
			f->have += take;
		}
		p += take;
		n -= take;
		if (f->at != AT_BODY && f->at != AT_SKIP && f->have == f->need && field(f, err))
			return -1;
		/* A body may be empty. */
		if ((f->at == AT_BODY || f->at == AT_SKIP) && !f->skip)
			body_done(f);
	}
	return 0;
}

static bool frames_whole(const struct frames *f)
{
	return f->any && f->at == AT_MAGIC && !f->have;
}

static la_ssize_t give(struct archive *a, void *ctx, const void **p)
{
	struct pack_unzstd *z = ctx;
	const unsigned char *in = NULL;
	size_t n;

	(void)a;
	if (pack_src_next(z->src, &in, &n, &z->failed) || frames_feed(&z->f, in, n, &z->failed))
		return ARCHIVE_FATAL;
	if (!n && !frames_whole(&z->f)) {
		err_set(&z->failed, ERR_RETRY, "zstd stream is cut after %llu bytes",
			(unsigned long long)z->src->at);
		return ARCHIVE_FATAL;
	}
	*p = in;
	return (la_ssize_t)n;
}

struct pack_unzstd *pack_unzstd_new(struct pack_src *src)
{
	struct pack_unzstd *z = NEW(struct pack_unzstd);

	z->src = src;
	expect(&z->f, AT_MAGIC, 4);
	return z;
}

void pack_unzstd_free(struct pack_unzstd *z)
{
	if (!z)
		return;
	archive_read_free(z->a);
	free(z);
}

static int failed(struct pack_unzstd *z, struct err *err)
{
	const char *why = z->a ? archive_error_string(z->a) : NULL;

	if (z->failed.kind != ERR_NONE) {
		*err = z->failed;
		return -1;
	}
	return err_set(err, ERR_RETRY, "broken zstd: %s", why ? why : "no reason given");
}

/* ARCHIVE_WARN would mean an external program: that is not for a daemon. Named, the filter is the only one: asked to find out, the library
   would also take a zstd stream inside the stream apart, 25 levels deep, each with a window that nobody has checked. */
static int start(struct pack_unzstd *z, struct err *err)
{
	struct archive_entry *e;

	z->open = true;
	z->a = archive_read_new();
	if (!z->a || archive_read_append_filter(z->a, ARCHIVE_FILTER_ZSTD) != ARCHIVE_OK ||
		archive_read_support_format_raw(z->a) != ARCHIVE_OK ||
		archive_read_open2(z->a, z, NULL, give, NULL, NULL) != ARCHIVE_OK ||
		archive_read_next_header(z->a, &e) != ARCHIVE_OK)
		return failed(z, err);
	return 0;
}

int pack_unzstd_next(struct pack_unzstd *z, const unsigned char **p, size_t *n, struct err *err)
{
	const void *block_p;
	la_int64_t offset;
	int rc;

	if (!z->open && start(z, err))
		return -1;
	while (!z->left) {
		if (pack_stopped(z->src->stop, err))
			return -1;
		rc = archive_read_data_block(z->a, &block_p, &z->left, &offset);
		if (rc == ARCHIVE_EOF) {
			/* The library may stop before the source does; what it left must be whole frames too. */
			const void *rest;
			la_ssize_t more;

			while ((more = give(z->a, z, &rest)) > 0)
				;
			*n = 0;
			return more ? failed(z, err) : 0;
		}
		if (rc != ARCHIVE_OK)
			return failed(z, err);
		z->block = block_p;
	}
	*n = z->left < PACK_CHUNK ? z->left : PACK_CHUNK;
	*p = z->block;
	z->block += *n;
	z->left -= *n;
	return 0;
}
