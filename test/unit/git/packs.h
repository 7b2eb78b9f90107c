/*
 * Packs made byte by byte, sound and hostile, and object sets of them. Shared by this folder's
 * tests and by the fuzz targets; uses nothing of git's.
 */
#ifndef TEST_GIT_PACKS_H
#define TEST_GIT_PACKS_H
#include "base/buf.h"
#include "git/folder.h"
#include "git/index.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stddef.h>
#include <stdint.h>

enum { PK_COMMIT = 1, PK_TREE, PK_BLOB, PK_TAG, PK_OFS = 6, PK_REF };

/* The header for n objects. */
void pk_begin(struct buf *b, uint32_t n);
/* An object; returns where it begins. claim: the size in its header, where it is not n. */
size_t pk_add(struct buf *b, unsigned type, const void *p, size_t n);
size_t pk_add_claim(struct buf *b, unsigned type, const void *p, size_t n, uint64_t claim);
/* A delta on the object that begins at `base` (of this buffer), or on one by name. */
size_t pk_ofs(struct buf *b, size_t base, const void *delta, size_t n);
size_t pk_ref(struct buf *b, const struct gitc_oid *base, const void *delta, size_t n);
/* The checksum. */
void pk_end(struct buf *b);

/* Delta instructions: sizes, then copies and texts. */
void pk_delta(struct buf *d, uint64_t from, uint64_t to);
void pk_copy(struct buf *d, uint32_t at, uint32_t n);
void pk_text(struct buf *d, const char *text);

/* A tree's entry appended: "<mode> <name>\0<oid>"; name has n bytes. */
void pk_entry(
	struct buf *tree, const char *mode, const char *name, size_t n, const struct gitc_oid *oid);
/* Name of an object. */
struct gitc_oid pk_oid(unsigned type, const void *p, size_t n);
/* A commit of this tree, without parents; its name. */
struct gitc_oid pk_commit(struct buf *out, const struct gitc_oid *tree);

/* The pack in pieces of `step` bytes (0: at once) as an object set; NULL with *err filled. */
struct gitc_objects *pk_index(const struct gitc_folder *f, const struct gitc_limits *limits,
	const void *p, size_t n, size_t step, struct err *err);

/* The same on top of a set. */
struct gitc_objects *pk_index_on(struct gitc_objects *base, const struct gitc_folder *f,
	const struct gitc_limits *limits, const void *p, size_t n, size_t step, struct err *err);

/* A pack with one commit of a tree with these bytes, and the blob "x\n"; the commit's name. */
struct gitc_oid pk_tree_pack(struct buf *pack, const struct buf *tree);
/* The blob's name. */
struct gitc_oid pk_blob_x(void);

#endif
