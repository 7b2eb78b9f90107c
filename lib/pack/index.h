/*
 * The names of an archive, in the order of Go's filepath.Walk, as they would lie on a disk after
 * extraction: of two entries with one name the last counts, parents that no entry names are there,
 * a name is a file or a directory but not both. One thread; the owner clears it.
 */
#ifndef PACK_INDEX_H
#define PACK_INDEX_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "pack/plain.h"
#include "pack/source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* 16 bytes: there may be 200,000. */
struct pack_item {
	uint64_t size : 60; /* PACK_SIZE_MAX */
	uint64_t dir : 1;
	uint64_t exec : 1; /* any x bit */
	uint64_t implied : 1; /* no entry of its own */
	uint64_t excluded : 1;
	uint32_t name; /* offset in names */
	uint32_t seq; /* of the entry in the stream */
};
#define PACK_SIZE_MAX ((1ULL << 60) - 1)
/* What an item costs at most, besides its name: in the list, in the one with the implied ones,
   while it is sorted or spooled. */
#define PACK_ITEM_COST (2 * sizeof(struct pack_item) + 16)

struct pack_index {
	VEC(struct pack_item) items;
	struct buf names;
	uint64_t max; /* items */
	const atomic_bool *stop; /* borrowed; NULL: never */
	struct pack_memory *memory; /* borrowed; NULL: nobody counts */
	bool sorted; /* so far, and no name twice */
	bool repeated; /* after build: a name came twice */
};

void pack_index_init(struct pack_index *ix, uint64_t max_items, struct pack_memory *memory);
void pack_index_clear(struct pack_index *ix);
/* path is clean, "" for the root. */
int pack_index_add(struct pack_index *ix, const char *path, bool dir, bool exec, uint64_t size,
	uint64_t seq, struct err *err) must_check;
/* Sorts, drops what is repeated, adds what is implied; the first item is the root then. */
int pack_index_build(struct pack_index *ix, struct err *err) must_check;
const char *pack_index_name(const struct pack_index *ix, const struct pack_item *it);

#endif
