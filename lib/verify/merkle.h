/* Merkle trees of logs (RFC 9162 section 2.1). Any thread. */
#ifndef VERIFY_MERKLE_H
#define VERIFY_MERKLE_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stddef.h>
#include <stdint.h>

#define VERIFY_MERKLE_PATH_MAX 64 /* nodes from a leaf to the root of any tree */

/* Of what lies in the log. */
void verify_merkle_leaf(struct digest *out, const void *data, size_t n);
/* The root of a tree of `size` leaves in which the leaf is at `index`, by the path from it to the
   root: n nodes of 32 bytes. -1: no tree has such a path. */
int verify_merkle_root(struct digest *out, const struct digest *leaf, int64_t index, int64_t size,
	const unsigned char *path, size_t n, struct err *err) must_check;

#endif
