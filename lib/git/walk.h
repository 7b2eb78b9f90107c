/*
 * The files of a commit, without a work tree: its tree, or what lies below a path of it, in the
 * order of Go's filepath.Walk (pack/path.h: within a directory by the bytes of the names). Names
 * are checked as git checks what it puts on a disk (names.h); the number of entries, the depth, and
 * the length of paths are bounded, so that a tree that names itself a thousand times over ends.
 * Worker side; the set is read while the functions are called, and they may read it as well.
 */
#ifndef GIT_WALK_H
#define GIT_WALK_H
#include "base/err.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum gitc_mode {
	GITC_MODE_DIR = 0040000,
	GITC_MODE_FILE = 0100644,
	GITC_MODE_EXEC = 0100755,
	GITC_MODE_LINK = 0120000,
	GITC_MODE_MODULE = 0160000, /* a commit of another repository */
};

/* path: from the root of the commit, "a/b", borrowed for the call. 0, or -1 with *err filled, which
   ends the walk. */
struct gitc_walk_ops {
	/* May be NULL. *enter is true; false: nothing below it is read. */
	int (*on_dir)(void *ctx, const char *path, bool *enter, struct err *err);
	/* Anything but a directory. */
	int (*on_file)(void *ctx, const char *path, enum gitc_mode mode, const struct gitc_oid *oid,
		struct err *err);
	void *ctx;
	uint64_t entries; /* that are read at most; 0: LIMIT_ENTRIES */
	/* Bytes of the trees from its root to where it is, at most; 0: LIMIT_GIT_TREES */
	uint64_t trees;
};

/* path: "" or NULL for all; else a clean relative one, of a directory or of one file, which alone
   comes then. No such path: GITC_NO_PATH. The path's own directory is not told to on_dir. */
int gitc_walk(const struct gitc_objects *o, const struct gitc_oid *commit, const char *path,
	const struct gitc_walk_ops *ops, const atomic_bool *stop, struct err *err) must_check;

/* What is at a path, mode and object; the root is a directory. GITC_NO_PATH. */
int gitc_find(const struct gitc_objects *o, const struct gitc_oid *commit, const char *path,
	enum gitc_mode *mode, struct gitc_oid *oid, struct err *err) must_check;

#endif
