/*
 * zstd (RFC 8878) as a stream that is pulled, by libzstd itself: libarchive, which wraps it, has no
 * limit for the window and takes a zstd stream inside the stream apart as well. A window over
 * LIMIT_ZSTD_WINDOW_LOG, a cut frame, and bytes after the last frame that are no frame are errors.
 *
 * Memory: a frame's header announces a window, which the library allocates at once and fills from
 * its start. Pages that nothing was written to cost nothing, so the source's account is charged
 * with what has been decoded, up to the window: many tools announce a large one for a small layer.
 *
 * Lives in one worker thread. The source is borrowed; reading starts at its position.
 */
#ifndef PACK_UNZSTD_H
#define PACK_UNZSTD_H
#include "base/err.h"
#include "pack/source.h"

struct pack_unzstd;

/* Never NULL. */
struct pack_unzstd *pack_unzstd_new(struct pack_src *src);
void pack_unzstd_free(struct pack_unzstd *z); /* z may be NULL */
/* The next expanded bytes, at most PACK_CHUNK, borrowed until the next call; *n is 0 at the end of
   the source. */
int pack_unzstd_next(
	struct pack_unzstd *z, const unsigned char **p, size_t *n, struct err *err) must_check;

#endif
