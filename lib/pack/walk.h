/*
 * The directories and files of a layer, as they would lie on a disk after extraction: checked as a
 * whole before the first of them comes (pack.h), links dropped, of two entries with one name the
 * last, a name either a directory or a file. A directory that only the names of its files imply may
 * be left out. For tools: it blocks, and goes over the layer twice.
 *
 *	static int on_file(void *ctx, const char *path, bool exec, struct err *err) ...
 *	if (pack_walk(&in, &(struct pack_walker){.file = on_file, .data = ..., .ctx = me}, err)) ...
 */
#ifndef PACK_WALK_H
#define PACK_WALK_H
#include "base/err.h"
#include "pack/pack.h"

struct pack_walker {
	/* path: "a/b"; never the root. Each may be NULL; -1 with *err filled ends the walk. */
	int (*dir)(void *ctx, const char *path, struct err *err);
	int (*file)(void *ctx, const char *path, bool exec, struct err *err);
	int (*data)(void *ctx, const void *p, size_t n, struct err *err); /* of the file before */
	int (*end)(void *ctx, struct err *err); /* of it */
	void *ctx;
};

/* in: without its functions. out_fd is an empty file for what has to be repacked. */
int pack_walk(const struct pack_in *in, const struct pack_walker *w, struct err *err) must_check;

#endif
