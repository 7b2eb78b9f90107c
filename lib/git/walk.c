#include "git/walk.h"

#include "base/buf.h"
#include "base/limits.h"
#include "git/commit.h"
#include "git/gitc.h"
#include "git/tree.h"
#include "pack/path.h"
#include "pack/source.h"

#include <string.h>

/* A tree that the walk is in. */
struct level {
	struct gitc_tree tree;
	size_t next; /* entry */
	size_t path; /* length of its path, with the slash behind it */
};

struct walk {
	const struct gitc_objects *o;
	const struct gitc_walk_ops *ops;
	const atomic_bool *stop;
	struct buf path;
	VEC(struct level) levels;
	struct gitc_tree_left left;
};

static int walk_deep(const struct walk *w, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_code(err, ERR_RETRY, GITC_TOO_LARGE, "the path '%s' is too long or too deep",
		pack_quote(q, buf_str(&w->path), w->path.len));
}

/* Goes into a tree, whose path is w->path. */
static int walk_enter(struct walk *w, const struct gitc_oid *oid, struct err *err)
{
	struct level l = {.path = w->path.len};

	if (w->levels.len >= LIMIT_PATH_DEPTH)
		return walk_deep(w, err);
	if (gitc_tree_read(w->o, oid, buf_str(&w->path), w->left, w->stop, &l.tree, err))
		return -1;
	w->left.entries -= l.tree.entries.len;
	w->left.bytes -= l.tree.raw.b.len;
	if (l.path)
		l.path++;
	*vec_add(&w->levels) = l;
	return 0;
}

static void walk_leave(struct walk *w)
{
	struct level *l = &w->levels.p[--w->levels.len];

	w->left.bytes += l->tree.raw.b.len;
	gitc_tree_clear(&l->tree);
}

static int walk_entry(
	struct walk *w, struct level *l, const struct gitc_tree_entry *e, struct err *err)
{
	struct gitc_oid oid;
	bool enter = true;

	w->path.len = l->path ? l->path - 1 : 0;
	if ((l->path && buf_addc(&w->path, '/')) ||
		buf_add(&w->path, gitc_tree_name(&l->tree, e), e->len)) {
		w->path.over = false;
		return walk_deep(w, err);
	}
	gitc_tree_oid(&l->tree, e, &oid);
	if (e->mode != GITC_MODE_DIR)
		return w->ops->on_file(w->ops->ctx, buf_str(&w->path), e->mode, &oid, err);
	if (w->ops->on_dir && w->ops->on_dir(w->ops->ctx, buf_str(&w->path), &enter, err))
		return -1;
	return enter ? walk_enter(w, &oid, err) : 0;
}

static int walk_all(struct walk *w, struct err *err)
{
	while (w->levels.len) {
		struct level *l = &w->levels.p[w->levels.len - 1];

		if (pack_stopped(w->stop, err))
			return -1;
		if (l->next == l->tree.entries.len) {
			walk_leave(w);
			continue;
		}
		l->next++;
		if (walk_entry(w, l, &l->tree.entries.p[l->next - 1], err))
			return -1;
	}
	return 0;
}

static int walk_from(struct walk *w, const char *path, enum gitc_mode mode,
	const struct gitc_oid *oid, struct err *err)
{
	if (mode != GITC_MODE_DIR)
		return w->ops->on_file(w->ops->ctx, path, mode, oid, err);
	if (buf_adds(&w->path, path))
		return walk_deep(w, err);
	return walk_enter(w, oid, err) || walk_all(w, err) ? -1 : 0;
}

int gitc_walk(const struct gitc_objects *o, const struct gitc_oid *commit, const char *path,
	const struct gitc_walk_ops *ops, const atomic_bool *stop, struct err *err)
{
	struct walk w = {.o = o,
		.ops = ops,
		.stop = stop,
		.path = BUF_INIT(LIMIT_ENTRY_PATH),
		.left = {ops->entries ? ops->entries : LIMIT_ENTRIES,
			ops->trees ? ops->trees : LIMIT_GIT_TREES}};
	enum gitc_mode mode;
	struct gitc_oid oid;
	int rc;

	rc = gitc_find(o, commit, path, &mode, &oid, err);
	if (!rc)
		rc = walk_from(&w, path ? path : "", mode, &oid, err);
	while (w.levels.len)
		walk_leave(&w);
	vec_clear(&w.levels);
	buf_clear(&w.path);
	return rc;
}

/* ---- one path -------------------------------------------------------------------------------- */

static int no_path(const char *path, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_code(err, ERR_RETRY, GITC_NO_PATH, "there is no '%s' in the commit",
		pack_quote(q, path, strlen(path)));
}

/* One step down from the tree *oid. */
static int find_part(const struct gitc_objects *o, const char *path, const char *part, size_t n,
	enum gitc_mode *mode, struct gitc_oid *oid, struct err *err)
{
	static const struct gitc_tree_left left = {LIMIT_ENTRIES, LIMIT_GIT_TREE};
	const struct gitc_tree_entry *e;
	struct gitc_tree t;

	if (*mode != GITC_MODE_DIR)
		return no_path(path, err);
	if (gitc_tree_read(o, oid, path, left, NULL, &t, err))
		return -1;
	e = gitc_tree_find(&t, part, n);
	if (e) {
		*mode = e->mode;
		gitc_tree_oid(&t, e, oid);
	}
	gitc_tree_clear(&t);
	return e ? 0 : no_path(path, err);
}

int gitc_find(const struct gitc_objects *o, const struct gitc_oid *commit, const char *path,
	enum gitc_mode *mode, struct gitc_oid *oid, struct err *err)
{
	const char *part, *slash;

	if (gitc_tree_of(o, commit, oid, err))
		return -1;
	*mode = GITC_MODE_DIR;
	if (!path || !*path)
		return 0;
	for (part = path;; part = slash + 1) {
		size_t n = strcspn(part, "/");

		if (!n)
			return no_path(path, err);
		if (find_part(o, path, part, n, mode, oid, err))
			return -1;
		slash = part + n;
		if (!*slash)
			return 0;
	}
}
