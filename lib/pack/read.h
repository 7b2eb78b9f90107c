/*
 * The entries of a layer, checked: libarchive reads the tar, our own walk (lib/pack/plain.h) runs
 * over the same bytes in front of it, and both must say the same of every entry (name, type, size,
 * permission bits). So whatever comes out is what any reader sees.
 *
 * What libarchive warns of (a record that it cannot use) keeps a layer from passing, as long as
 * both still say the same; what it fails on is refused. Names are bytes: libarchive puts those of
 * PAX records into Unicode's form C, so what it says of ours counts. At the end the stream is
 * drained, so that the CRC of the gzip member and all that follows the archive have been looked at.
 * Lives in one worker thread; the source is borrowed.
 *
 *	if (pack_read_init(&r, &src, max_expanded, max_entries, err)) ...
 *	while ((rc = pack_read_next(&r, &e, err)) > 0)
 *		while (!(rc = pack_read_data(&r, &p, &n, err)) && n) ...      (optional)
 *	pack_read_clear(&r);
 */
#ifndef PACK_READ_H
#define PACK_READ_H
#include "base/err.h"
#include "pack/expand.h"
#include "pack/plain.h"

struct archive;
struct archive_entry;

struct pack_entry {
	const char *path; /* clean: "a/b", "" for the root; borrowed until the next call of next */
	uint64_t seq; /* 0, 1, ... in the stream's order */
	uint64_t size;
	unsigned mode;
	enum pack_type type;
	bool tidy; /* its name was clean already, but for a trailing slash */
};

struct pack_read {
	struct pack_src *src;
	struct pack_expand x;
	struct pack_plain w;
	struct archive *a;
	struct err failed; /* of the callback */
	uint64_t entries, max_entries;
	bool warned;
	/* The current entry's body: */
	struct pack_member m;
	uint64_t got; /* handed out */
	uint64_t data; /* of that, read from the archive */
	uint64_t hole; /* zeros that come next */
	const void *block; /* behind the hole */
	size_t block_len;
	struct archive_entry *named; /* to hear what libarchive makes of a name */
	char *path;
};

/* Rewinds the source. After a failure clear is allowed. */
int pack_read_init(struct pack_read *r, struct pack_src *src, uint64_t max_expanded,
	uint64_t max_entries, struct err *err) must_check;
void pack_read_clear(struct pack_read *r);
/* 1 with *e filled, 0 at the end (everything was drained and sound), -1. */
int pack_read_next(struct pack_read *r, struct pack_entry *e, struct err *err) must_check;
/* The next bytes of the current file's body, borrowed until the next call; *n is 0 at its end. */
int pack_read_data(struct pack_read *r, const void **p, size_t *n, struct err *err) must_check;

#endif
