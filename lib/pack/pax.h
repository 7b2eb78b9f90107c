/*
 * The records of a PAX extended header (POSIX.1-2024, pax, "pax Extended Header"): "%d
 * key=value\n", strictly. Part of lib/pack/plain.
 */
#ifndef PACK_PAX_H
#define PACK_PAX_H
#include "pack/plain.h"

/*
 * Reads n bytes of records. Of an `x` header, path, size and the fact of a linkpath go to *pax; of
 * a global one (`g`) those keys are refused, because they would mean all later entries. *odd is set
 * to a word when there is a record that a plain archive does not have. -1: malformed (a number, a
 * record's length, a NUL in text, an empty value that matters). Of a sparse file (GNU tar manual,
 * "PAX Format" of "Storing Sparse Files", versions 0.0, 0.1, 1.0) name and size are taken; its map
 * is libarchive's to read.
 */
int pack_pax_parse(struct pack_pax *pax, const char *p, size_t n, bool global, const char **odd,
	struct err *err) must_check;
void pack_pax_reset(struct pack_pax *pax);

#endif
