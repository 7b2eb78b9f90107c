#include "pack/unzstd.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define MAGIC_LEN 4

struct pack_unzstd {
	struct pack_src *src;
	ZSTD_DCtx *d;
	ZSTD_inBuffer in; /* of the source's chunk, or of magic */
	const unsigned char *chunk; /* what follows magic */
	size_t chunk_len;
	unsigned char magic[MAGIC_LEN];
	size_t have; /* of magic */
	bool inside; /* a frame has begun and not ended */
	uint64_t decoded; /* of this frame */
	uint64_t counted; /* of the decoder's memory */
	bool full; /* the decoder may hold bytes that did not fit into out */
	unsigned char out[PACK_CHUNK];
};

struct pack_unzstd *pack_unzstd_new(struct pack_src *src)
{
	struct pack_unzstd *z = NEW(struct pack_unzstd);

	z->src = src;
	z->d = ZSTD_createDCtx();
	BUG_IF(!z->d ||
		ZSTD_isError(
			ZSTD_DCtx_setParameter(z->d, ZSTD_d_windowLogMax, LIMIT_ZSTD_WINDOW_LOG)));
	return z;
}

void pack_unzstd_free(struct pack_unzstd *z)
{
	if (!z)
		return;
	ZSTD_freeDCtx(z->d);
	pack_memory_give(&z->src->memory, z->counted);
	free(z);
}

/* RFC 8878 sections 3.1.1 and 3.1.2. The library would also take its formats from before the
   RFC. */
static bool is_frame(const unsigned char *m)
{
	static const unsigned char frame[] = {0x28, 0xb5, 0x2f, 0xfd}, skip[] = {0x2a, 0x4d, 0x18};

	return !memcmp(m, frame, MAGIC_LEN) || (m[0] >> 4 == 5 && !memcmp(m + 1, skip, 3));
}

/* More input, the magic number of a new frame on its own; none is left at the end of the source. */
static int unzstd_more(struct pack_unzstd *z, struct err *err)
{
	if (!z->chunk_len && pack_src_next(z->src, &z->chunk, &z->chunk_len, err))
		return -1;
	if (z->inside) {
		z->in = (ZSTD_inBuffer){z->chunk, z->chunk_len, 0};
		z->chunk_len = 0;
		return 0;
	}
	while (z->have < MAGIC_LEN && z->chunk_len) {
		z->magic[z->have++] = *z->chunk++;
		z->chunk_len--;
		if (!z->chunk_len && z->have < MAGIC_LEN &&
			pack_src_next(z->src, &z->chunk, &z->chunk_len, err))
			return -1;
	}
	if (z->have == MAGIC_LEN && !is_frame(z->magic))
		return err_set(err, ERR_RETRY, "bytes after a zstd frame are not zstd");
	z->in = (ZSTD_inBuffer){z->magic, z->have, 0};
	z->inside = z->have;
	z->have = 0;
	return 0;
}

/* The decoder without a window, with its buffers of input: more than that is the window. */
#define DECODER_SIZE (512 * LIMIT_KIB)
/* So much at a time, before it is written to. */
#define COUNT_STEP (1 * LIMIT_MIB)

static int unzstd_count(struct pack_unzstd *z, struct err *err)
{
	uint64_t all = ZSTD_sizeof_DCtx(z->d);
	uint64_t used = DECODER_SIZE + (z->decoded / COUNT_STEP + 1) * COUNT_STEP;
	uint64_t now = used < all ? used : all, added = now > z->counted ? now - z->counted : 0;

	z->counted += added;
	if (!added || !pack_memory_take(&z->src->memory, added, err))
		return 0;
	return err_wrap(err, "a zstd frame with a window of %llu bytes", (unsigned long long)all);
}

static int unzstd_refused(size_t code, struct err *err)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, ERR_RETRY,
			"zstd frame needs a window of more than %llu bytes, which is the limit",
			1ULL << LIMIT_ZSTD_WINDOW_LOG);
	return err_set(err, ERR_RETRY, "broken zstd: %s", ZSTD_getErrorName(code));
}

int pack_unzstd_next(struct pack_unzstd *z, const unsigned char **p, size_t *n, struct err *err)
{
	ZSTD_outBuffer out = {z->out, sizeof(z->out), 0};
	size_t rc;

	while (!out.pos) {
		if (pack_stopped(z->src->stop, err))
			return -1;
		if (z->in.pos == z->in.size && !z->full) {
			bool was_inside = z->inside;

			if (unzstd_more(z, err))
				return -1;
			if (!z->in.size && was_inside)
				return err_set(err, ERR_RETRY,
					"zstd stream is cut after %llu bytes",
					(unsigned long long)z->src->at);
			if (!z->in.size)
				break;
		}
		rc = ZSTD_decompressStream(z->d, &out, &z->in);
		if (ZSTD_isError(rc))
			return unzstd_refused(rc, err);
		z->decoded += out.pos;
		if (unzstd_count(z, err))
			return -1;
		z->full = rc && out.pos == out.size;
		if (rc)
			continue;
		/* The frame is over; what follows in the chunk begins with another one's magic
		   number. */
		z->inside = false;
		z->decoded = 0;
		z->chunk = (const unsigned char *)z->in.src + z->in.pos;
		z->chunk_len = z->in.size - z->in.pos;
		z->in = (ZSTD_inBuffer){0};
	}
	*p = z->out;
	*n = out.pos;
	return 0;
}
