#include "base/mem.h"
#include "base/vec.h"
#include "embedded/objects.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_objects(void);

struct box {
	char dir[32], path[48];
	struct emb_db *db;
};

static void box_open(struct box *b)
{
	struct err err = {0};

	b->db = emb_db_open(b->path, &err);
	ck_assert_msg(b->db != NULL, "%s", err.msg);
}

static void box_new(struct box *b)
{
	snprintf(b->dir, sizeof(b->dir), "/tmp/embedded-db-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
	snprintf(b->path, sizeof(b->path), "%s/x.db", b->dir);
	box_open(b);
}

static void box_free(struct box *b)
{
	auto_free char *rm = mem_printf("rm -rf %s", b->dir);

	emb_db_close(b->db);
	ck_assert_int_eq(system(rm), 0);
}

#define OK(call) ck_assert_msg(!(call), "%s: %s", #call, err.msg)

static void put(struct box *b, const char *key, const char *ns, const char *name, const char *text)
{
	struct err err = {0};

	OK(emb_db_begin(b->db, &err));
	OK(emb_db_put(b->db, key, ns, name, text, strlen(text), 0, &err));
	OK(emb_db_commit(b->db, &err));
}

static char *get(struct box *b, const char *key, const char *ns, const char *name)
{
	struct err err = {0};
	char *text;
	size_t len;

	OK(emb_db_get(b->db, key, ns, name, &text, &len, &err));
	ck_assert(!text || strlen(text) == len);
	return text;
}

static int join(void *arg, const struct emb_row *row, struct err *err)
{
	(void)err;
	buf_addf(arg, "%s/%s=%.*s ", row->ns, row->name, (int)row->len, row->text);
	return 0;
}

static void listed(struct box *b, const char *ns, const char *after_ns, const char *after_name,
	unsigned max, int n, const char *want)
{
	auto_buf struct buf all = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert_int_eq(
		emb_db_list(b->db, "k", ns, after_ns, after_name, max, join, &all, &err), n);
	ck_assert_str_eq(buf_str(&all), want);
}

START_TEST(test_versions)
{
	struct box b;
	struct err err = {0};
	int64_t before;
	char *text;

	box_new(&b);
	ck_assert(emb_db_is_new(b.db));
	ck_assert_int_eq(emb_db_version(b.db), EMB_VERSION_STEP);
	put(&b, "k", "n", "a", "1");
	put(&b, "k", "n", "a", "2");
	ck_assert_int_eq(emb_db_version(b.db), EMB_VERSION_STEP + 2);
	text = get(&b, "k", "n", "a");
	ck_assert_str_eq(text, "2");
	free(text);
	ck_assert_ptr_null(get(&b, "k2", "n", "a"));

	/* What is rolled back takes its versions back. */
	before = emb_db_version(b.db);
	OK(emb_db_begin(b.db, &err));
	OK(emb_db_put(b.db, "k", "n", "b", "3", 1, 0, &err));
	OK(emb_db_delete(b.db, "k", "n", "a", &err));
	ck_assert_int_eq(emb_db_version(b.db), before + 2);
	emb_db_rollback(b.db);
	ck_assert_int_eq(emb_db_version(b.db), before);
	ck_assert_ptr_null(get(&b, "k", "n", "b"));
	emb_db_rollback(b.db); /* nothing to roll back: no effect */

	/* Each start leaves a gap, so that no version is given twice. */
	emb_db_close(b.db);
	box_open(&b);
	ck_assert(!emb_db_is_new(b.db));
	ck_assert_int_eq(emb_db_version(b.db), before + EMB_VERSION_STEP);
	text = get(&b, "k", "n", "a");
	ck_assert_str_eq(text, "2");
	free(text);
	box_free(&b);
}
END_TEST

START_TEST(test_list)
{
	struct box b;

	box_new(&b);
	put(&b, "k", "n2", "a", "1");
	put(&b, "k", "n1", "b", "2");
	put(&b, "k", "n1", "a", "3");
	put(&b, "k", "n1", "c", "4");
	put(&b, "other", "n1", "a", "5");
	listed(&b, NULL, NULL, NULL, 10, 4, "n1/a=3 n1/b=2 n1/c=4 n2/a=1 ");
	listed(&b, "n1", NULL, NULL, 10, 3, "n1/a=3 n1/b=2 n1/c=4 ");
	listed(&b, NULL, NULL, NULL, 2, 2, "n1/a=3 n1/b=2 ");
	listed(&b, NULL, "n1", "b", 10, 2, "n1/c=4 n2/a=1 ");
	listed(&b, NULL, "n1", "zzz", 10, 1, "n2/a=1 ");
	listed(&b, "n1", "n1", "b", 10, 1, "n1/c=4 ");
	listed(&b, "n9", NULL, NULL, 10, 0, "");
	box_free(&b);
}
END_TEST

static int expired(void *arg, const char *key, const char *ns, const char *name, struct err *err)
{
	(void)err;
	buf_addf(arg, "%s/%s/%s ", key, ns, name);
	return 0;
}

static int marked(void *arg, const char *key, const struct emb_row *row, struct err *err)
{
	(void)err;
	buf_addf(arg, "%s/%s/%s=%s ", key, row->ns, row->name, row->text);
	return 0;
}

START_TEST(test_others)
{
	auto_buf struct buf all = BUF_INIT(BUF_ANY);
	struct box b;
	struct err err = {0};

	box_new(&b);
	OK(emb_db_begin(b.db, &err));
	OK(emb_db_put(b.db, "k", "n", "old", "{}", 2, 100, &err));
	OK(emb_db_put(b.db, "k", "n", "new", "{}", 2, 200, &err));
	OK(emb_db_put(b.db, "k", "n", "ever", "{}", 2, 0, &err));
	OK(emb_db_mark(b.db, "k", "n", "b", "u1", &err));
	OK(emb_db_mark(b.db, "k", "n", "a", "u2", &err));
	OK(emb_db_mark(b.db, "k", "n", "a", "u3", &err));
	OK(emb_db_unmark(b.db, "k", "n", "b", &err));
	OK(emb_db_commit(b.db, &err));
	ck_assert_int_eq(emb_db_expired(b.db, 100, 10, expired, &all, &err), 1);
	ck_assert_str_eq(buf_str(&all), "k/n/old ");
	ck_assert_int_eq(emb_db_any_in(b.db, "n", &err), 1);
	ck_assert_int_eq(emb_db_any_in(b.db, "m", &err), 0);
	buf_reset(&all);
	OK(emb_db_marks(b.db, marked, &all, &err));
	ck_assert_str_eq(buf_str(&all), "k/n/a=u3 ");
	box_free(&b);
}
END_TEST

/* One process at a time; and what a killed one had committed is there. */
START_TEST(test_two_processes)
{
	struct box b;
	struct err err = {0};
	int status, ready[2];
	char c;
	pid_t pid;
	char *text;

	box_new(&b);
	emb_db_close(b.db);
	b.db = NULL;
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		box_open(&b);
		put(&b, "k", "n", "a", "from the child");
		OK(emb_db_begin(b.db, &err));
		OK(emb_db_put(b.db, "k", "n", "half", "x", 1, 0, &err));
		if (write(ready[1], "x", 1) != 1)
			_exit(2);
		pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_ptr_null(emb_db_open(b.path, &err));
	ck_assert_msg(strstr(err.msg, "another process uses") != NULL, "%s", err.msg);
	kill(pid, 9);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	box_open(&b);
	text = get(&b, "k", "n", "a");
	ck_assert_str_eq(text, "from the child");
	free(text);
	ck_assert_ptr_null(get(&b, "k", "n", "half"));
	close(ready[0]);
	close(ready[1]);
	box_free(&b);
}
END_TEST

START_TEST(test_not_ours)
{
	struct box b;
	struct err err = {0};
	FILE *f;

	box_new(&b);
	emb_db_close(b.db);
	f = fopen(b.path, "w");
	fputs("this is no database, and it is long enough to be seen as such, surely, by everyone "
	      "who looks at it for a while",
		f);
	fclose(f);
	b.db = emb_db_open(b.path, &err);
	ck_assert_ptr_null(b.db);
	ck_assert_msg(strstr(err.msg, "not a database") != NULL, "%s", err.msg);
	box_free(&b);
}
END_TEST

Suite *suite_objects(void)
{
	Suite *s = suite_create("objects");
	TCase *tc = tcase_create("objects");

	tcase_add_test(tc, test_versions);
	tcase_add_test(tc, test_list);
	tcase_add_test(tc, test_others);
	tcase_add_test(tc, test_two_processes);
	tcase_add_test(tc, test_not_ours);
	suite_add_tcase(s, tc);
	return s;
}
