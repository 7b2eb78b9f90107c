/* GR-20: trees, hostile ones above all. */
#include "packs.h"
#include "repo.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"
#include "git/names.h"
#include "git/walk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct gitc_folder *folder;

static void setup(void)
{
	folder = gr_setup();
}

static void teardown(void)
{
	gr_teardown(folder);
}

struct seen {
	struct buf text;
	uint64_t count;
	const char *skip;
};

static int on_dir(void *ctx, const char *path, bool *enter, struct err *err)
{
	struct seen *s = ctx;

	(void)err;
	s->count++;
	buf_addf(&s->text, "%s/ ", path);
	if (s->skip && !strcmp(s->skip, path))
		*enter = false;
	return 0;
}

static int on_file(void *ctx, const char *path, enum gitc_mode mode, const struct gitc_oid *oid,
	struct err *err)
{
	struct seen *s = ctx;

	(void)err;
	(void)oid;
	s->count++;
	buf_addf(&s->text, "%s:%o ", path, (unsigned)mode);
	return 0;
}

static int walk(struct gitc_objects *o, const struct gitc_oid *commit, const char *path,
	struct seen *s, struct err *err)
{
	struct gitc_walk_ops ops = {on_dir, on_file, s, 0};

	s->text = BUF_INIT((size_t)1 << 20);
	return gitc_walk(o, commit, path, &ops, NULL, err);
}

static void expect_walk(
	struct gitc_objects *o, const char *path, const char *skip, const char *want)
{
	struct gitc_oid commit = gr_rev("HEAD");
	struct seen s = {.skip = skip};
	struct err err = {0};

	ck_assert_msg(!walk(o, &commit, path, &s, &err), "%s", err.msg);
	ck_assert_str_eq(buf_str(&s.text), want);
	buf_clear(&s.text);
}

/* In the order of a walk over a disk, which is not that of git's trees. */
START_TEST(test_order)
{
	struct gitc_oid commit, oid;
	struct gitc_objects *o;
	enum gitc_mode mode;
	struct seen s = {0};
	struct err err = {0};

	gr_init();
	gr_sh(NULL,
		"cd r; mkdir -p a/b B; echo x | tee a/x a/b/y a.txt a-b B/z >/dev/null; chmod 755 "
		"a/x; "
		"ln -s x a/link; git add .; git update-index --add --cacheinfo "
		"160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,mod; git commit -qm m");
	o = gr_fetch(folder, "HEAD");
	expect_walk(o, NULL, NULL,
		"B/ B/z:100644 a/ a/b/ a/b/y:100644 a/link:120000 a/x:100755 a-b:100644 "
		"a.txt:100644 mod:160000 ");
	expect_walk(o, "", "a", "B/ B/z:100644 a/ a-b:100644 a.txt:100644 mod:160000 ");
	expect_walk(o, "a", NULL, "a/b/ a/b/y:100644 a/link:120000 a/x:100755 ");
	expect_walk(o, "a/x", NULL, "a/x:100755 ");
	commit = gr_rev("HEAD");
	ck_assert_int_eq(walk(o, &commit, "a/none", &s, &err), -1);
	ck_assert_int_eq(err.code, GITC_NO_PATH);
	ck_assert_int_eq(walk(o, &commit, "a.txt/x", &s, &err), -1);
	ck_assert_int_eq(err.code, GITC_NO_PATH);
	ck_assert_int_eq(gitc_find(o, &commit, "a//b", &mode, &oid, &err), -1);
	ck_assert_int_eq(err.code, GITC_NO_PATH);
	ck_assert_int_eq(gitc_find(o, &commit, "a/b", &mode, &oid, &err), 0);
	ck_assert_int_eq(mode, GITC_MODE_DIR);
	gitc_objects_unref(o);
}
END_TEST

/* A tree of these entries: what a walk says. */
static void expect_refused(const struct buf *tree, int code, const char *words)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_oid commit = pk_tree_pack(&pack, tree);
	struct seen s = {0};
	struct err err = {0};
	struct gitc_objects *o = pk_index(folder, NULL, pack.p, pack.len, 0, &err);

	ck_assert_msg(o != NULL, "%s", err.msg);
	ck_assert_int_eq(walk(o, &commit, NULL, &s, &err), -1);
	ck_assert_msg(strstr(err.msg, words) != NULL, "'%s', not '%s'", err.msg, words);
	ck_assert_int_eq(err.code, code);
	gitc_objects_unref(o);
	buf_clear(&pack);
	buf_clear(&s.text);
}

static const struct {
	const char *name;
	const char *why; /* NULL: it is fine */
} names[] = {
	{"..", "leads elsewhere"},
	{".", "leads elsewhere"},
	{"", "is empty"},
	{"a/b", "has a slash"},
	{"../x", "has a slash"},
	{".git", ".git to some"},
	{".GIT", ".git to some"},
	{".Git", ".git to some"},
	{".git.", ".git to some"},
	{".git ", ".git to some"},
	{".git. . ", ".git to some"},
	{".git::$INDEX_ALLOCATION", ".git to some"},
	{".git:x", ".git to some"},
	{".git\\x", ".git to some"},
	{"git~1", ".git to some"},
	{"GIT~1 ", ".git to some"},
	{".g\xe2\x80\x8cit", ".git to some"},
	{"\xef\xbb\xbf.git", ".git to some"},
	{".git\xe2\x81\xaf", ".git to some"},
	{".gi\xe2\x80\xaet", ".git to some"},
	{".github", NULL},
	{".gitignore", NULL},
	{".git.x", NULL},
	{".git x", NULL},
	{"git~2", NULL},
	{"git", NULL},
	{"...", NULL},
	{".g\xe2\x80\x90it", NULL},
	{"\xff\xfe", NULL},
	{".gi\xe2\x80", NULL},
};

START_TEST(test_gr_20_names)
{
	struct buf tree = BUF_INIT(BUF_ANY);
	struct gitc_oid x = pk_blob_x();
	const char *name = names[_i].name;
	const char *why = gitc_name_refused(name, strlen(name));

	if (!names[_i].why) {
		ck_assert_pstr_eq(why, NULL);
	} else {
		ck_assert_ptr_nonnull(why);
		ck_assert_ptr_nonnull(strstr(why, names[_i].why));
		pk_entry(&tree, "100644", name, strlen(name), &x);
		expect_refused(&tree, GITC_BAD_NAME, names[_i].why);
	}
	buf_clear(&tree);
}
END_TEST

static void add_long(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();
	char name[300];

	memset(name, 'a', sizeof(name));
	pk_entry(tree, "100644", name, 256, &x);
}

static void add_twice(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();

	pk_entry(tree, "100644", "a", 1, &x);
	pk_entry(tree, "100644", "b", 1, &x);
	pk_entry(tree, "40000", "a", 1, &x);
}

static void add_mode(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();

	pk_entry(tree, "20644", "a", 1, &x);
}

static void add_no_mode(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();

	pk_entry(tree, "x", "a", 1, &x);
}

static void add_cut(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();

	pk_entry(tree, "100644", "a", 1, &x);
	tree->len--;
}

static void add_no_end(struct buf *tree)
{
	buf_adds(tree, "100644 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void add_not_tree(struct buf *tree)
{
	struct gitc_oid x = pk_blob_x();

	pk_entry(tree, "40000", "a", 1, &x);
}

static void add_missing(struct buf *tree)
{
	struct gitc_oid x = pk_oid(PK_TREE, "not here", 8);

	pk_entry(tree, "40000", "a", 1, &x);
}

static const struct {
	void (*add)(struct buf *tree);
	int code;
	const char *words;
} trees[] = {
	{add_long, GITC_BAD_NAME, "is too long"},
	{add_twice, GITC_BAD_NAME, "'a' in folder '.' is there twice"},
	{add_mode, GITC_BAD_OBJECT, "has an entry without a mode"},
	{add_no_mode, GITC_BAD_OBJECT, "has an entry without a mode"},
	{add_cut, GITC_BAD_OBJECT, "is cut"},
	{add_no_end, GITC_BAD_OBJECT, "is cut"},
	{add_not_tree, GITC_BAD_OBJECT, "is a blob"},
	{add_missing, GITC_MISSING, "is missing"},
};

START_TEST(test_gr_20_trees)
{
	struct buf tree = BUF_INIT(BUF_ANY);

	trees[_i].add(&tree);
	expect_refused(&tree, trees[_i].code, trees[_i].words);
	buf_clear(&tree);
}
END_TEST

/* A tree that has the one below it `width` times, `levels` deep: few bytes, and no end of files. */
static void bomb(unsigned width, unsigned levels, const char *words)
{
	struct buf pack = BUF_INIT(BUF_ANY), tree = BUF_INIT(BUF_ANY), commit = BUF_INIT(BUF_ANY);
	struct gitc_oid oid = pk_blob_x();
	struct gitc_objects *o;
	struct err err = {0};
	struct seen s = {0};
	unsigned i, j;

	pk_begin(&pack, levels + 2);
	pk_add(&pack, PK_BLOB, "x\n", 2);
	for (i = 0; i < levels; i++) {
		buf_reset(&tree);
		for (j = 0; j < width; j++) {
			char name[16];

			snprintf(name, sizeof(name), "%u", j);
			pk_entry(&tree, i ? "40000" : "100644", name, strlen(name), &oid);
		}
		oid = pk_oid(PK_TREE, tree.p, tree.len);
		pk_add(&pack, PK_TREE, tree.p, tree.len);
	}
	oid = pk_commit(&commit, &oid);
	pk_add(&pack, PK_COMMIT, commit.p, commit.len);
	pk_end(&pack);
	o = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	ck_assert_int_eq(walk(o, &oid, NULL, &s, &err), -1);
	ck_assert_msg(strstr(err.msg, words) != NULL, "'%s', not '%s'", err.msg, words);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_uint_le(s.count, LIMIT_ENTRIES);
	gitc_objects_unref(o);
	buf_clear(&s.text);
	buf_clear(&pack);
	buf_clear(&tree);
	buf_clear(&commit);
}

START_TEST(test_gr_20_bomb)
{
	bomb(10, 20, "too many files and folders");
}
END_TEST

START_TEST(test_gr_20_deep)
{
	bomb(1, 200, "too long or too deep");
}
END_TEST

/* GR-20: 300,000 files in one folder. */
START_TEST(test_gr_20_many)
{
	struct buf tree = BUF_INIT(BUF_ANY);
	struct gitc_oid x = pk_blob_x();
	unsigned i;

	for (i = 0; i < 300000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		pk_entry(&tree, "100644", name, strlen(name), &x);
	}
	expect_refused(&tree, GITC_TOO_LARGE, "too many files and folders");
	buf_clear(&tree);
}
END_TEST

START_TEST(test_stop)
{
	struct gitc_walk_ops ops = {on_dir, on_file, NULL, 0};
	struct gitc_oid commit;
	atomic_bool stop = true;
	struct gitc_objects *o;
	struct err err = {0};

	gr_init();
	gr_sh(NULL, "cd r; echo x >f; git add f; git commit -qm m");
	o = gr_fetch(folder, "HEAD");
	commit = gr_rev("HEAD");
	ck_assert_int_eq(gitc_walk(o, &commit, NULL, &ops, &stop, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	gitc_objects_unref(o);
}
END_TEST

Suite *suite_walk(void);
Suite *suite_walk(void)
{
	Suite *s = suite_create("walk");
	TCase *t = tcase_create("walk");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_order);
	tcase_add_loop_test(t, test_gr_20_names, 0, ARRAY_LEN(names));
	tcase_add_loop_test(t, test_gr_20_trees, 0, ARRAY_LEN(trees));
	tcase_add_test(t, test_gr_20_bomb);
	tcase_add_test(t, test_gr_20_deep);
	tcase_add_test(t, test_gr_20_many);
	tcase_add_test(t, test_stop);
	suite_add_tcase(s, t);
	return s;
}
