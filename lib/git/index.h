/*
 * A pack as it comes from a server (gitformat-pack), checked, written to the folder, and indexed:
 * then it is an object set (objects.h). A reader goes over the stream (scan.h) and
 * refuses what is too large as soon as it shows: the pack, one object, all of them expanded, their
 * number. Then each object gets its name, the hash of its bytes (hash.h), for which deltas are put
 * together, within bounds as well. A thin pack is for a set that has what it lacks, else refused.
 *
 * Worker side: new and free may be called on the loop and do not block; add and end do, one at a
 * time, on any thread. After a failure only free is allowed.
 *
 *	struct gitc_index *ix = gitc_index_new(folder, &(struct gitc_limits){0});
 *	while (more) gitc_index_add(ix, p, n, stop, err);
 *	gitc_index_end(ix, &objects, stop, err);
 *	gitc_index_free(ix);
 */
#ifndef GIT_INDEX_H
#define GIT_INDEX_H
#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct gitc_folder;
struct gitc_index;
struct gitc_objects;

/* 0: what base/limits.h says. */
struct gitc_limits {
	uint64_t pack; /* bytes; LIMIT_GIT_PACK */
	uint64_t objects; /* LIMIT_GIT_OBJECTS */
	uint64_t object; /* bytes of one, expanded; LIMIT_GIT_OBJECT */
	uint64_t expanded; /* of all; LIMIT_GIT_EXPANDED */
};

struct gitc_index *gitc_index_new(const struct gitc_folder *f, const struct gitc_limits *limits);
void gitc_index_free(struct gitc_index *ix); /* NULL is fine */
/* The next bytes of the pack, any number. Errors are ERR_RETRY with GITC_TOO_LARGE or
   GITC_BAD_PACK, a negative errno for the disk; ERR_CANCELED. */
int gitc_index_add(struct gitc_index *ix, const void *p, size_t n, const atomic_bool *stop,
	struct err *err) must_check;
/* What gitc_index_end takes of memory at most, of what has come until now. */
uint64_t gitc_index_memory(const struct gitc_index *ix);
/* The pack is whole. Either *objects is NULL and becomes the caller's reference, or it is a set and
   the pack goes into it, where readers see it from now on. Deltas may be made of what that set has:
   it is copied, so that each pack stands for itself. */
int gitc_index_end(struct gitc_index *ix, struct gitc_objects **objects, const atomic_bool *stop,
	struct err *err) must_check;

#endif
