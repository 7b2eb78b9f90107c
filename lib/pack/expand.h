/*
 * A layer's tar stream, whatever is around it: gzip, zstd or nothing, told by the first bytes.
 * Counts and limits what comes out. Lives in one worker thread. The source is borrowed; reading
 * starts at its position.
 */
#ifndef PACK_EXPAND_H
#define PACK_EXPAND_H
#include "base/err.h"
#include "pack/source.h"

#include <stdbool.h>

enum pack_kind { PACK_TAR = 1, PACK_GZIP, PACK_ZSTD };

/* What the first n bytes of a blob say (4 are enough). Anything that is neither gzip nor zstd is
   taken for a tar. */
enum pack_kind pack_sniff(const unsigned char *p, size_t n);

struct pack_expand {
	enum pack_kind kind;
	struct pack_src *src;
	struct pack_gunzip *gz;
	struct pack_unzstd *zst;
	uint64_t max;
	uint64_t total; /* expanded bytes so far */
};

/* Sniffs. max: expanded bytes that are allowed; past LIMIT_RATIO_FROM also not more than
   LIMIT_RATIO times the source's size. */
int pack_expand_init(
	struct pack_expand *x, struct pack_src *src, uint64_t max, struct err *err) must_check;
void pack_expand_clear(struct pack_expand *x);
/* The next bytes, at most PACK_CHUNK, borrowed until the next call; *n is 0 when the whole source
   has been read and was sound. */
int pack_expand_next(
	struct pack_expand *x, const unsigned char **p, size_t *n, struct err *err) must_check;
/* Counts n more bytes that no one reads: the holes of sparse files. */
int pack_expand_count(struct pack_expand *x, uint64_t n, struct err *err) must_check;
/* After the end: NULL, or why what is around the tar keeps the blob from being an artifact. */
const char *pack_expand_why(const struct pack_expand *x);

#endif
