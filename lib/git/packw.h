/*
 * Objects that we make as a pack for a push (gitformat-pack, version 2, no
 * deltas). Any thread; the owner clears it.
 */
#ifndef GIT_PACKW_H
#define GIT_PACKW_H
#include "base/buf.h"
#include "base/vec.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stddef.h>

struct gitc_made {
	struct gitc_oid oid;
	enum gitc_type type;
	char *p;
	size_t n;
};

struct gitc_packw {
	VEC(struct gitc_made) made;
};

void gitc_packw_clear(struct gitc_packw *w);
/* Copies the bytes, once for each name. */
void gitc_packw_add(
	struct gitc_packw *w, enum gitc_type type, const void *p, size_t n, struct gitc_oid *oid);
/* Appends the pack to out. -1 past its limit. */
int gitc_packw_end(const struct gitc_packw *w, struct buf *out);

#endif
