/* A file of the operator's: taken at the start, and again when a second look has found the same. */
#include "ev/reread.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[128];
static char *taken;
static struct loop *l;

static void put(const char *name, const char *text)
{
	char p[200];
	FILE *f;

	snprintf(p, sizeof(p), "%s/%s", dir, name);
	f = fopen(p, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* Anything but what begins with "bad". */
static void *read_text(const char *text, size_t len, struct err *err)
{
	if (!strncmp(text, "bad", 3)) {
		err_set(err, ERR_STALL, "it is bad");
		return NULL;
	}
	return mem_strndup(text, len);
}

static void take_text(void *arg, void *value)
{
	(void)arg;
	free(taken);
	taken = value;
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static struct reread *begin(const char *at, bool folder, size_t max, struct err *err)
{
	return reread_new(&(struct reread_opts){.loop = l,
				  .path = at,
				  .name = "text",
				  .max = max,
				  .folder = folder,
				  .read = read_text,
				  .free = free,
				  .take = take_text},
		err);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/reread-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	clock_fake(1700000000000);
	l = loop_new();
}

static void teardown(void)
{
	char cmd[96];

	free(taken);
	taken = NULL;
	ck_assert_int_eq(loop_free(l), 0);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* So many looks, each to its end. */
static void looks(struct reread *w, unsigned n)
{
	struct reread_stats s;
	uint64_t before;
	int i;

	while (n--) {
		reread_stats(w, &s);
		before = s.looks;
		loop_test_advance(l, REREAD_MS);
		for (i = 0; i < 20000 && s.looks == before; i++) {
			loop_turn(l, false);
			usleep(500);
			reread_stats(w, &s);
		}
	}
}

static void expect(struct reread *w, const char *text, uint64_t changes, uint64_t failures)
{
	struct reread_stats s;

	reread_stats(w, &s);
	ck_assert_str_eq(taken, text);
	ck_assert_uint_eq(s.taken, changes);
	ck_assert_uint_eq(s.failed, failures);
}

static void end(struct reread *w)
{
	int i;

	reread_free(w);
	for (i = 0; i < 20; i++) {
		loop_turn(l, false);
		usleep(500);
	}
}

START_TEST(test_changes)
{
	struct err err = {0};
	struct reread *w;
	unsigned told = 0;

	put("file", "one");
	w = begin(path, false, 100, &err);
	ck_assert_ptr_nonnull(w);
	reread_on_taken(w, count, &told);
	expect(w, "one", 0, 0);
	looks(w, 2);
	expect(w, "one", 0, 0);
	put("file", "two");
	looks(w, 1);
	expect(w, "one", 0, 0); /* it may not be whole yet */
	looks(w, 1);
	expect(w, "two", 1, 0);
	put("file", "bad");
	looks(w, 5);
	expect(w, "two", 1, 1); /* once */
	put("file",
		"this is longer than a hundred bytes ............................................."
		"............................");
	looks(w, 3);
	expect(w, "two", 1, 2);
	ck_assert_int_eq(unlink(path), 0);
	looks(w, 4);
	expect(w, "two", 1, 3);
	put("file", "three");
	looks(w, 2);
	expect(w, "three", 2, 3);
	ck_assert_uint_eq(told, 2);
	end(w);
}
END_TEST

/* Each look finds something else: it is being written. */
START_TEST(test_half)
{
	struct err err = {0};
	struct reread *w;

	put("file", "one");
	w = begin(path, false, 100, &err);
	put("file", "t");
	looks(w, 1);
	put("file", "tw");
	looks(w, 1);
	put("file", "two");
	looks(w, 1);
	expect(w, "one", 0, 0);
	looks(w, 1);
	expect(w, "two", 1, 0);
	end(w);
}
END_TEST

/* As Kubernetes mounts a ConfigMap: the files are links, and ..data is swapped. */
START_TEST(test_folder)
{
	char cmd[400];
	struct err err = {0};
	struct reread *w;

	snprintf(cmd, sizeof(cmd),
		"cd %s && mkdir m m/..1 m/..2 && echo a1 >m/..1/a && echo b1 >m/..1/b && echo a2 "
		">m/..2/a && echo b2 >m/..2/b && echo x >m/.hidden && ln -s ..1 m/..data && ln -s "
		"..data/b m/b && ln -s ..data/a m/a && ln -s nowhere m/c",
		dir);
	ck_assert_int_eq(system(cmd), 0);
	snprintf(path, sizeof(path), "%s/m", dir);
	w = begin(path, true, 100, &err);
	ck_assert_ptr_nonnull(w);
	expect(w, "a1\n\nb1\n\n", 0, 0);
	snprintf(cmd, sizeof(cmd), "cd %s/m && ln -s ..2 new && mv -T new ..data", dir);
	ck_assert_int_eq(system(cmd), 0);
	looks(w, 2);
	expect(w, "a2\n\nb2\n\n", 1, 0);
	end(w);
	/* and at the start it may be a file after all */
	put("file", "plain");
	snprintf(path, sizeof(path), "%s/file", dir);
	w = begin(path, true, 100, &err);
	ck_assert_ptr_nonnull(w);
	expect(w, "plain", 0, 0);
	end(w);
}
END_TEST

static const struct {
	const char *name, *text;
	size_t max;
	bool folder;
	const char *want;
} START[] = {
	{"not there", NULL, 100, false, "No such file"},
	{"not there, nor a folder", NULL, 100, true, "No such file"},
	{"of no use", "bad", 100, false, "it is bad"},
	{"too large", "longer", 3, false, "larger than 3 bytes"},
	{"too large, where a folder is fine", "longer", 3, true, "larger than 3 bytes"},
};

START_TEST(test_start)
{
	struct err err = {0};

	if (START[_i].text)
		put("file", START[_i].text);
	ck_assert_msg(!begin(path, START[_i].folder, START[_i].max, &err), "%s", START[_i].name);
	ck_assert_msg(strstr(err.msg, START[_i].want) && strstr(err.msg, path), "%s: '%s'",
		START[_i].name, err.msg);
}
END_TEST

/* The last look is still with a worker. */
START_TEST(test_free)
{
	struct err err = {0};
	struct reread *w;

	put("file", "one");
	w = begin(path, false, 100, &err);
	put("file", "two");
	loop_test_advance(l, REREAD_MS);
	end(w);
	ck_assert_str_eq(taken, "one");
}
END_TEST

Suite *suite_reread(void);
Suite *suite_reread(void)
{
	Suite *s = suite_create("reread");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_changes);
	tcase_add_test(tc, test_half);
	tcase_add_test(tc, test_folder);
	tcase_add_loop_test(tc, test_start, 0, sizeof(START) / sizeof(START[0]));
	tcase_add_test(tc, test_free);
	suite_add_tcase(s, tc);
	return s;
}
