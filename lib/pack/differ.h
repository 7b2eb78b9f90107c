/*
 * What differs between two layers, by the directories and files that they extract to: names, bytes,
 * and whether a file may be executed. For tools: it blocks, and keeps a name and a digest of every
 * entry of both.
 *
 *	static void on_diff(void *ctx, enum pack_difference how, const char *path) ...
 *	if (pack_differ(&before, &after, on_diff, ctx, err)) ...
 */
#ifndef PACK_DIFFER_H
#define PACK_DIFFER_H
#include "base/err.h"
#include "pack/pack.h"

enum pack_difference {
	PACK_ADDED, /* only in the second */
	PACK_REMOVED, /* only in the first */
	PACK_CHANGED,
};

/* Both: as for pack_walk. fn is called in the byte order of the paths, when both were read; path is
   borrowed, and a stranger's (pack_quote). */
int pack_differ(const struct pack_in *before, const struct pack_in *after,
	void (*fn)(void *ctx, enum pack_difference how, const char *path), void *ctx,
	struct err *err) must_check;

#endif
