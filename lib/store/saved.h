/*
 * The file `.index` in the store's root: what the last process knew of each file, so that the next
 * one need not hash what a stat finds unchanged. This is its text; lib/store/saver.h says when it
 * is written. Pure: no I/O, any thread.
 *
 *	oci-source-controller store index 1
 *	boot 8f5f4ac6-0b5c-4a0b-9a6f-0c5c3e1d2b7a
 *	SIZE INODE MTIME_NS DIGEST PATH			one line a file, decimal numbers
 *	end sha256:...					of all that stands before this line
 *
 * It is believed whole or not at all. The digest at the end finds what was cut or has rotted; it
 * keeps out nobody who can write to the store. The boot id is the kernel's
 * (/proc/sys/kernel/random/boot_id): within one boot a file that has the same size, mtime and inode
 * is trusted as far as the process that wrote it would have gone on trusting it. After another boot
 * the power may have failed, and a disk may have lost what it said it had: all is hashed then.
 */
#ifndef STORE_SAVED_H
#define STORE_SAVED_H
#include "base/buf.h"
#include "base/vec.h"
#include "store/path.h"
#include "store/root.h"

#define STORE_SAVED_NAME ".index"

struct store_saved_file {
	const char *path; /* in the text */
	struct store_file f;
};

struct store_saved {
	struct buf text; /* its lines are cut into their parts */
	VEC(struct store_saved_file) files; /* in the order of their paths */
};

/* ---- writing: begin, a line each, end. What is too much for the buffer's limit sets `over`. */
void store_saved_begin(struct buf *b, const char *boot);
void store_saved_add(struct buf *b, const char *dir, const char *file, const struct store_file *f);
/* Hashes the text: on a worker, when it is long. */
void store_saved_end(struct buf *b);

/* ---- reading */
/* The bytes of *text are taken over, also on failure. -1: broken, another version, or of another
   boot; *s is empty then. */
int store_saved_parse(
	struct store_saved *s, struct buf *text, const char *boot, struct err *err) must_check;
/* NULL: it does not name this file. */
const struct store_file *store_saved_find(const struct store_saved *s, const char *path);
void store_saved_clear(struct store_saved *s);

#endif
