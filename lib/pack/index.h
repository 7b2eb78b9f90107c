/*
 * The names of an archive, in the order of Go's filepath.Walk, as they would lie on a disk after extraction: of two entries with one
 * name the last counts, parents that no entry names are there, a name is a file or a directory but not both.
 * One thread; the owner clears it.
 */
#ifndef PACK_INDEX_H
#define PACK_INDEX_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "pack/plain.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pack_item {
	uint64_t size;
	uint64_t at; /* in the spool */
	uint32_t name; /* offset in names */
	uint32_t seq; /* of the entry in the stream */
	bool dir;
	bool exec; /* any x bit */
	bool implied; /* no entry of its own */
	bool excluded;
};

struct pack_index {
	VEC(struct pack_item) items;
	struct buf names;
	uint64_t max; /* items */
	const atomic_bool *stop; /* borrowed; NULL: never */
	bool sorted; /* so far, and no name twice */
	bool repeated; /* after build: a name came twice */
};

void pack_index_init(struct pack_index *ix, uint64_t max_items);
void pack_index_clear(struct pack_index *ix);
/* path is clean, "" for the root. */
int pack_index_add(struct pack_index *ix, const char *path, bool dir, bool exec, uint64_t size,
	uint64_t seq, struct err *err) must_check;
/* Sorts, drops what is repeated, adds what is implied; the first item is the root then. */
int pack_index_build(struct pack_index *ix, struct err *err) must_check;
const char *pack_index_name(const struct pack_index *ix, const struct pack_item *it);

#endif
