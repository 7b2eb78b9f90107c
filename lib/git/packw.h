/*
 * Objects that we make as a pack for a push (gitformat-pack, version 2, no
 * deltas). Each is deflated as it comes, so what is held is what is sent. Any thread; the owner
 * clears it.
 */
#ifndef GIT_PACKW_H
#define GIT_PACKW_H
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stdatomic.h>
#include <stddef.h>

struct gitc_packw {
	struct buf pack; /* its head says at the end how many they are */
	struct map made; /* their names */
};

/* max: bytes of the pack. */
void gitc_packw_init(struct gitc_packw *w, size_t max);
void gitc_packw_clear(struct gitc_packw *w); /* zeroed is fine */
/* Once for each name. -1: it has no room (GITC_TOO_LARGE), or was told to stop. */
int gitc_packw_add(struct gitc_packw *w, enum gitc_type type, const void *p, size_t n,
	const struct gitc_oid *oid, const atomic_bool *stop, struct err *err) must_check;
/* Ends it: *out, which is cleared before, is the pack. -1 as above. */
int gitc_packw_end(
	struct gitc_packw *w, struct buf *out, const atomic_bool *stop, struct err *err) must_check;

#endif
