/*
 * The input is a tree's bytes, and the tree is also its own first folder's: a walk over it tells
 * paths that may lie on a disk, in Walk's order, each once, and finds each of them again by name.
 */
#include "git/gitc.h"
#include "git/names.h"
#include "git/walk.h"
#include "pack/path.h"

#include "../unit/git/packs.c"

#define ENTRIES 1000

static struct gitc_folder *folder;

struct seen {
	struct buf last;
	const struct gitc_objects *o;
	const struct gitc_oid *commit;
	unsigned n;
};

static void see(struct seen *s, const char *p, enum gitc_mode mode)
{
	struct gitc_oid found;
	enum gitc_mode as;
	struct err err = {0};

	BUG_IF(gitc_path_refused(p, strlen(p)));
	BUG_IF(s->n && pack_path_cmp(buf_str(&s->last), p) >= 0);
	BUG_IF(++s->n > ENTRIES);
	BUG_IF(gitc_find(s->o, s->commit, p, &as, &found, &err) || as != mode);
	buf_reset(&s->last);
	buf_adds(&s->last, p);
}

static int on_dir(void *ctx, const char *p, bool *enter, struct err *err)
{
	(void)err;
	*enter = true;
	see(ctx, p, GITC_MODE_DIR);
	return 0;
}

static int on_file(
	void *ctx, const char *p, enum gitc_mode mode, const struct gitc_oid *oid, struct err *err)
{
	(void)oid;
	(void)err;
	see(ctx, p, mode);
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf pack = BUF_INIT(BUF_ANY), tree = BUF_INIT(BUF_ANY);
	auto_buf struct buf root = BUF_INIT(BUF_ANY), commit = BUF_INIT(BUF_ANY);
	struct seen s = {.last = BUF_INIT(BUF_ANY)};
	struct gitc_walk_ops ops = {on_dir, on_file, &s, ENTRIES};
	struct gitc_oid tree_oid, root_oid, oid;
	struct gitc_objects *o;
	struct err err = {0};

	if (!folder) {
		folder = gitc_folder_new("/tmp", &err); /* its files have no names */
		BUG_IF(!folder);
	}
	buf_add(&tree, data, size);
	tree_oid = pk_oid(PK_TREE, tree.p, tree.len);
	pk_entry(&root, "40000", "a", 1, &tree_oid);
	buf_add(&root, data, size);
	root_oid = pk_oid(PK_TREE, root.p, root.len);
	oid = pk_commit(&commit, &root_oid);
	pk_begin(&pack, 3);
	pk_add(&pack, PK_COMMIT, commit.p, commit.len);
	pk_add(&pack, PK_TREE, root.p, root.len);
	pk_add(&pack, PK_TREE, tree.p, tree.len);
	pk_end(&pack);
	o = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	BUG_IF(!o);
	s.o = o;
	s.commit = &oid;
	if (gitc_walk(o, &oid, NULL, &ops, NULL, &err))
		BUG_IF(err.kind != ERR_RETRY || !err.msg[0]);
	gitc_objects_unref(o);
	buf_clear(&s.last);
	return 0;
}
