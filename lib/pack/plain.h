/*
 * Our own strict walk over a tar stream's raw 512-byte headers. It runs beside libarchive over the same bytes, for two purposes:
 *  - what readers are known to take differently, or to let through in silence, is an error here: a wrong checksum, numbers that are not
 *    octal, a lone zero block, malformed PAX records, a NUL in a name, sparse files, multi-volume parts, unknown types, bodies of links
 *    and directories, a cut anywhere. lib/pack/read.h also compares each entry with what libarchive made of it.
 *  - it says whether the archive is *plain*, which a pass-through needs: ustar headers (POSIX.1-2024, pax, "ustar Interchange Format")
 *    and PAX `x` headers with known keys, types file ('0') and directory ('5'), modes of permission bits that let the owner read
 *    (directories: read, write, search), the two zero blocks at the end, and nothing but zeros after them.
 *
 * The stream is pushed in; entries come out of a queue. One thread; the owner clears it.
 *
 *	pack_plain_feed(&w, p, n, err);
 *	while (pack_plain_take(&w, &m)) ...
 *	pack_plain_end(&w, err);
 *	if (!pack_plain_why(&w)) it is plain
 */
#ifndef PACK_PLAIN_H
#define PACK_PLAIN_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

#define PACK_BLOCK 512

enum pack_type { PACK_FILE = 1, PACK_DIR, PACK_LINK };

struct pack_member {
	size_t name; /* offset in the queue's names; use pack_plain_name() */
	size_t name_len;
	uint64_t size;
	unsigned mode; /* as the header has it */
	enum pack_type type;
};

/* What an `x` header says about the next entry. */
struct pack_pax {
	struct buf path;
	uint64_t size;
	bool seen, has_size, has_linkpath;
	unsigned keys; /* bit set of the known keys seen */
};

enum pack_plain_state {
	PLAIN_HEADER, /* a header block, or the first zero block */
	PLAIN_BODY, /* bytes to skip */
	PLAIN_META, /* bytes of an x, g, L or K header */
	PLAIN_ZERO, /* the block after the first zero block */
	PLAIN_TAIL, /* after the end */
};

struct pack_plain {
	enum pack_plain_state state;
	unsigned char block[PACK_BLOCK];
	size_t have;
	uint64_t at; /* bytes fed */
	uint64_t skip;
	uint64_t pad; /* after the body of a meta header */
	char meta_type;
	struct buf meta;
	struct pack_pax pax;
	struct buf gnu_name;
	bool has_gnu_name, has_gnu_link;
	VEC(struct pack_member) queue;
	size_t taken;
	struct buf names; /* of the queue */
	char why[256]; /* the first thing that is not plain */
};

void pack_plain_init(struct pack_plain *w);
void pack_plain_clear(struct pack_plain *w);
/* -1: broken, or refused; then only clear is allowed. */
int pack_plain_feed(
	struct pack_plain *w, const unsigned char *p, size_t n, struct err *err) must_check;
/* The stream has ended. */
int pack_plain_end(struct pack_plain *w, struct err *err) must_check;
/* The next entry, or false. Its name is valid until the next feed. */
bool pack_plain_take(struct pack_plain *w, struct pack_member *m);
const char *pack_plain_name(const struct pack_plain *w, const struct pack_member *m);
/* NULL when all that was fed is plain, else why not. */
const char *pack_plain_why(const struct pack_plain *w);

#endif
