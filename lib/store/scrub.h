/*
 * The scrub: every file whose digest is known is read and hashed again, one after another, a piece
 * of a second's bytes at a time, at a rate that the operator sets. What one piece has read from the
 * disk leaves the kernel's cache again. A file whose bytes are not what they were, or cannot be
 * read, is not served any more; its object hears of it (on_lost), finds that it differs, and brings
 * another one. A pass begins an hour after the last one began, or later when that took longer.
 * Internal to lib/store. Loop thread, but for what a piece works with.
 */
#ifndef STORE_SCRUB_H
#define STORE_SCRUB_H
#include "crypto/digest.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "store/index.h"

struct store;

/* The file that is being read; a worker's while a piece is on. */
struct scrub_file {
	char path[STORE_PATH_MAX];
	struct store_file known; /* what the index said when it was opened */
	int fd; /* -1: none is open */
	bool cold; /* it was not in the kernel's cache, and is not to stay there */
	uint64_t at; /* read so far */
	struct digest_ctx ctx;
};

struct scrub {
	uint64_t rate; /* bytes a second; 0: off */
	struct timer timer;
	struct op *op; /* the piece that is on */
	struct store_seat walk;
	bool walking;
	char dir[STORE_DIR_MAX]; /* the object that it is at; "": none */
	unsigned pass; /* the first is 1 */
	uint64_t began; /* on clock_ms() */
	struct scrub_file file;
	uint64_t bytes, wrong; /* read; files found so */
};

/* The scan has ended. Called again it does nothing. The store stops it when it closes. */
void scrub_start(struct store *s);

#endif
