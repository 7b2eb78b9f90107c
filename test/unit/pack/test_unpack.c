#include "pack/unpack.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "build.h"
#include "pack/differ.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *suite_unpack(void);

static char root[64];
static int outside, dirfd_; /* root; and a directory in it, to be unpacked to */

static void setup(void)
{
	snprintf(root, sizeof(root), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	outside = open(root, O_RDONLY | O_DIRECTORY);
	ck_assert(!sys_mkdirat(outside, "in", 0700));
	dirfd_ = openat(outside, "in", O_RDONLY | O_DIRECTORY);
}

static void teardown(void)
{
	auto_free char *cmd = mem_printf("rm -rf %s", root);

	close(dirfd_);
	close(outside);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *root_in(void)
{
	static char in[80];

	snprintf(in, sizeof(in), "%s/in", root);
	return in;
}

static struct pack_in in_of(const struct buf *tar)
{
	struct err err = {0};
	int fd = sys_temp_file(&err);

	ck_assert_msg(fd >= 0, "%s", err.msg);
	return (struct pack_in){
		.mem = tar->p, .size = tar->len, .out_fd = fd, .spool_dirfd = dirfd_};
}

static int unpack(const struct buf *tar, struct err *err)
{
	struct pack_in in = in_of(tar);
	int rc = pack_unpack(&in, dirfd_, err);

	close(in.out_fd);
	return rc;
}

/* A file's text; "" when it is not there. */
static const char *text_of(const char *path)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	static char text[64];
	struct err err = {0};

	if (sys_read_file(dirfd_, path, &b, &err))
		buf_reset(&b);
	snprintf(text, sizeof(text), "%s", buf_str(&b));
	return text;
}

/* A layer as strangers make them: out of order, a name twice, a link, a folder that no entry
   names. */
START_TEST(writes)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct stat st;

	tb_file(&tar, "z", "last");
	tb_file(&tar, "deep/er/a", "old");
	tb_type(&tar, "link", '2');
	tb_file(&tar, "deep/er/a", "new");
	tb_dir(&tar, "empty");
	tb_zero(&tar, 2);
	ck_assert_msg(!unpack(&tar, &err), "%s", err.msg);
	ck_assert_str_eq(text_of("z"), "last");
	ck_assert_str_eq(text_of("deep/er/a"), "new");
	ck_assert(!sys_lstatat(dirfd_, "empty", &st) && S_ISDIR(st.st_mode));
	ck_assert(sys_lstatat(dirfd_, "link", &st));
	/* over what is there */
	ck_assert_msg(!unpack(&tar, &err), "%s", err.msg);
	ck_assert_str_eq(text_of("deep/er/a"), "new");
}
END_TEST

/* What lies there already leads nowhere else; and nothing is written of what is refused. */
START_TEST(stays_inside)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{"sub/x", "cannot make the directory 'sub': Too many levels of symbolic links"},
		{"file/x", "cannot make the directory 'file': Not a directory"},
		{"dir", "cannot replace 'dir': Is a directory"},
		{"a/../../x", "a/../../x"},
		{"d/.oci-unpack.part", "only this program uses"},
		{".oci-unpack.part/x", "only this program uses"},
	};
	auto_buf struct buf tar = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct stat st;

	ck_assert(!sys_symlinkat("..", dirfd_, "sub") && !sys_mkdirat(dirfd_, "dir", 0700));
	ck_assert(!sys_write_file(dirfd_, "file", "x", 1, 0600, false, &err));
	tb_file(&tar, rows[_i].name, "x");
	tb_zero(&tar, 2);
	ck_assert(unpack(&tar, &err));
	ck_assert_msg(strstr(err.msg, rows[_i].says), "%s", err.msg);
	ck_assert(sys_lstatat(outside, "x", &st));
	ck_assert_str_eq(text_of("file"), "x");
}
END_TEST

/* What was there stays until the new one is whole; and no part of it is left. rows: the layer ends
   in the middle of it, the disk is full */
START_TEST(keeps_until_whole)
{
	auto_buf struct buf tar = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct dirent *e;
	DIR *d;

	ck_assert(!sys_write_file(dirfd_, "f", "old", 3, 0600, false, &err));
	tb_file(&tar, "f", "new, and longer");
	if (_i)
		sys_fault(SYS_WRITE, 1, ENOSPC);
	else
		tar.len -= 508;
	ck_assert(unpack(&tar, &err));
	sys_fault_clear();
	ck_assert_str_eq(text_of("f"), "old");
	d = opendir(root_in());
	while ((e = readdir(d)))
		ck_assert_msg(e->d_name[0] == '.' ? e->d_name[1] == '.' || !e->d_name[1] : 1, "%s",
			e->d_name);
	closedir(d);
}
END_TEST

static void on_diff(void *ctx, enum pack_difference how, const char *path)
{
	static const char letters[] = {
		[PACK_ADDED] = 'A', [PACK_REMOVED] = 'D', [PACK_CHANGED] = 'M'};

	buf_addf(ctx, "%c %s\n", letters[how], path);
}

static const struct {
	const char *const before[4], *const after[4]; /* "name=text"; a folder without '=' */
	const char *says;
} diffs[] = {
	{{"a=1", "d/b=2"}, {"d/b=2", "a=1"}, ""},
	{{"d", "d/b=2"}, {"d/b=2"}, ""}, /* a folder that nobody names */
	{{"a=1", "b=1", "d/c=1"}, {"a=2", "d/e=1"}, "M a\nD b\nD d/c\nA d/e\n"},
	{{"x=1"}, {"x/y=1"}, "M x\nA x/y\n"},
	{{"e"}, {"a="}, "A a\nD e\n"},
};

static void layer_of(struct buf *tar, const char *const *names)
{
	*tar = BUF_INIT(BUF_ANY);
	for (; *names; names++) {
		const char *eq = strchr(*names, '=');
		auto_free char *name = mem_strndup(*names, strcspn(*names, "="));

		if (eq)
			tb_file(tar, name, eq + 1);
		else
			tb_dir(tar, name);
	}
	tb_zero(tar, 2);
}

START_TEST(differ)
{
	auto_buf struct buf a = {0}, b = {0}, said = BUF_INIT(1000);
	struct pack_in before, after;
	struct err err = {0};

	layer_of(&a, diffs[_i].before);
	layer_of(&b, diffs[_i].after);
	before = in_of(&a);
	after = in_of(&b);
	ck_assert_msg(!pack_differ(&before, &after, on_diff, &said, &err), "%s", err.msg);
	ck_assert_str_eq(buf_str(&said), diffs[_i].says);
	close(before.out_fd);
	close(after.out_fd);
}
END_TEST

Suite *suite_unpack(void)
{
	Suite *s = suite_create("unpack");
	TCase *t = tcase_create("unpack");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, writes);
	tcase_add_loop_test(t, stays_inside, 0, 6);
	tcase_add_loop_test(t, keeps_until_whole, 0, 2);
	tcase_add_loop_test(t, differ, 0, ARRAY_LEN(diffs));
	suite_add_tcase(s, t);
	return s;
}
