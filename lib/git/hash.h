/*
 * The name of a Git object: the SHA-1 of its type, its size and its bytes, by libgit2's hash, which
 * refuses bytes that were made to have the hash of others (SHA-1 with collision detection): a
 * signature on a commit says something of its files only as long as nobody can swap them. That is
 * all that this project takes of libgit2. Its indexer is not for packs that strangers make: of 1.5
 * and 1.9, it does not free the bytes of a delta that makes what is in the pack already.
 * Any thread.
 */
#ifndef GIT_HASH_H
#define GIT_HASH_H
#include "base/err.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stddef.h>

/* -1: a collision (GITC_BAD_PACK). */
int gitc_hash(struct gitc_oid *oid, enum gitc_type type, const void *p, size_t n,
	struct err *err) must_check;

#endif
