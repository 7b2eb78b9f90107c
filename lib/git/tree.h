/*
 * A tree object's entries (git-mktree(1) shows them: mode, name, object), in the order in which a
 * walk visits them. Workers; the owner clears it.
 */
#ifndef GIT_TREE_H
#define GIT_TREE_H
#include "base/vec.h"
#include "git/objects_internal.h"
#include "git/walk.h"

struct gitc_tree_entry {
	uint32_t name, len; /* place and length in the tree's bytes */
	enum gitc_mode mode;
};

struct gitc_tree {
	struct gitc_raw raw;
	VEC(struct gitc_tree_entry) entries; /* by the bytes of their names */
};

/* What may still come. */
struct gitc_tree_left {
	uint64_t entries;
	uint64_t bytes; /* of this tree, which is one of those down to a file */
};

/* Reads, checks and sorts it. More than is left: GITC_TOO_LARGE, of bytes before they are read.
   Each entry has a name that may lie on a disk (GITC_BAD_NAME), and no two have the same. path: of
   the tree, for messages. */
int gitc_tree_read(const struct gitc_objects *o, const struct gitc_oid *oid, const char *path,
	struct gitc_tree_left left, const atomic_bool *stop, struct gitc_tree *out,
	struct err *err) must_check;
void gitc_tree_clear(struct gitc_tree *t);
/* n bytes, not terminated by the end of the name alone but by a NUL that follows it. */
const char *gitc_tree_name(const struct gitc_tree *t, const struct gitc_tree_entry *e);
void gitc_tree_oid(
	const struct gitc_tree *t, const struct gitc_tree_entry *e, struct gitc_oid *oid);
/* NULL: it has none of this name. */
const struct gitc_tree_entry *gitc_tree_find(const struct gitc_tree *t, const char *name, size_t n);

#endif
