/*
 * Our own strict walk over a tar stream's raw 512-byte headers. It runs beside libarchive over the
 * same bytes, for two purposes:
 *  - what readers are known to take differently, or to let through in silence, is an error here: a
 *    wrong checksum, numbers that are not octal, a lone zero block, malformed PAX records, a NUL in
 *    a name, multi-volume parts, unknown types, bodies of links and directories, a cut in a header
 *    or a body. lib/pack/read.h also compares each entry with what libarchive made of it.
 *  - it says whether the archive is *plain*, which a pass-through needs: ustar headers
 *    (POSIX.1-2024, pax, "ustar Interchange Format") and PAX `x` headers with known keys, or GNU
 *    headers (GNU tar manual, "Basic Tar Format") with nothing behind the device numbers; types
 *    file ('0') and directory ('5'), no blank numbers, modes of permission bits that let the owner
 *    read and write (directories: also search), the two zero blocks at the end, and nothing but
 *    zeros after them.
 *
 * When the last entry is whole the archive is: its padding and the zero blocks may be missing, or
 * be there in part.
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
	/* bytes in the archive; another number than size for a sparse file alone, where it counts
	   the map in the body */
	uint64_t stored;
	bool sparse, in_body; /* in_body: the body begins with the map */
	unsigned mode; /* as the header has it */
	enum pack_type type;
};

/* What GNU.sparse.* records say. */
struct pack_sparse {
	uint64_t real; /* size of the file, holes included */
	unsigned numbers; /* of its map, as far as they are in records */
	bool seen, has_real, has_name;
	bool in_body; /* version 1.0: the map is in front of the body */
	bool minor;
};

/* What an `x` header says about the next entry. */
struct pack_pax {
	struct buf path;
	uint64_t size;
	bool seen, has_size, has_linkpath;
	unsigned keys; /* bit set of the known keys seen */
	struct pack_sparse sparse;
};

enum pack_plain_state {
	PLAIN_HEADER, /* a header block, or the first zero block */
	PLAIN_BODY, /* bytes to skip */
	PLAIN_META, /* bytes of an x, g, L or K header */
	PLAIN_SPARSE, /* one more block of a GNU header's map */
	PLAIN_MAP, /* the first block of a body that begins with a map */
	PLAIN_ZERO, /* the block after the first zero block */
	PLAIN_TAIL, /* after the end */
};

struct pack_plain {
	enum pack_plain_state state;
	unsigned char block[PACK_BLOCK];
	size_t have;
	uint64_t at; /* bytes fed */
	uint64_t skip;
	uint64_t pad; /* of that, so much is padding; of a meta header: what will come */
	unsigned parts; /* of a sparse file's map */
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
/*
 * The stream has ended, in the padding of a whole entry or in a zero block: how many zeros make the
 * block full, as libarchive wants it; they are to be fed as well. 0: none, or zeros do not help.
 */
size_t pack_plain_missing(struct pack_plain *w);
/* For who wants names and places only: the rest of the body that is being read, and its padding,
   need not be fed. Returns how many bytes these are, maybe 0; they count as fed. */
uint64_t pack_plain_skip(struct pack_plain *w);
/* Were there the two zero blocks? What follows them cannot be an entry. */
bool pack_plain_at_end(const struct pack_plain *w);
/* The stream has ended. */
int pack_plain_end(struct pack_plain *w, struct err *err) must_check;
/* The next entry, or false. Its name is valid until the next feed. */
bool pack_plain_take(struct pack_plain *w, struct pack_member *m);
const char *pack_plain_name(const struct pack_plain *w, const struct pack_member *m);
/* NULL when all that was fed is plain, else why not. */
const char *pack_plain_why(const struct pack_plain *w);

#endif
