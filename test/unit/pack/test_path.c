#include "pack/path.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* As Go's filepath.Walk visits them. */
static const char *const order[] = {".", "!x", "+a", "+a/b", "-", ".a", ".sourceignore", "A", "a",
	"a/\x01", "a/b", "a/b/c", "a/b.d", "a/c", "a\x01", "a!", "a-b", "a.d", "a.d/x", "a0", "aa",
	"b", "\xc3\xa9", "\xe4\xb8\xad"};

START_TEST(test_order)
{
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(order); i++) {
		for (k = 0; k < ARRAY_LEN(order); k++) {
			int rc = pack_path_cmp(order[i], order[k]);

			ck_assert_msg((i < k && rc < 0) || (i == k && !rc) || (i > k && rc > 0),
				"'%s' against '%s': %d", order[i], order[k], rc);
		}
	}
	ck_assert_int_eq(pack_path_cmp("", "."), 0);
}
END_TEST

static const struct {
	const char *name;
	const char *clean; /* NULL: refused */
	int tidy;
	const char *says;
} names[] = {
	{"a", "a", 1, NULL},
	{"a/b", "a/b", 1, NULL},
	{"a/", "a", 1, NULL},
	{".", "", 0, NULL},
	{"./", "", 0, NULL},
	{"./a", "a", 0, NULL},
	{"a//b", "a/b", 0, NULL},
	{"a/./b/", "a/b", 0, NULL},
	{"a//", "a", 0, NULL},
	{"...", "...", 1, NULL},
	{"..a/b", "..a/b", 1, NULL},
	{"a..", "a..", 1, NULL},
	{"\xc3\xa9/\xf0\x9f\x98\x80", "\xc3\xa9/\xf0\x9f\x98\x80", 1, NULL},
	{"a b\tc", "a b\tc", 1, NULL},
	{"", NULL, 0, "empty"},
	{"/", NULL, 0, "absolute"},
	{"/a", NULL, 0, "absolute"},
	{"..", NULL, 0, "leads out"},
	{"../a", NULL, 0, "leads out"},
	{"a/../b", NULL, 0, "leads out"},
	{"a/..", NULL, 0, "leads out"},
	{"./..", NULL, 0, "leads out"},
	{"x../y", NULL, 0, "leads out"},
	{"a\\b", NULL, 0, "backslash"},
	{"..\\a", NULL, 0, "backslash"},
	{"\xff", NULL, 0, "UTF-8"},
	{"a\xc3", NULL, 0, "UTF-8"},
	{"\xc0\xaf", NULL, 0, "UTF-8"},
	{"\xed\xa0\x80", NULL, 0, "UTF-8"},
	{"\xf4\x90\x80\x80", NULL, 0, "UTF-8"},
	{"\xe0\x80\xaf", NULL, 0, "UTF-8"},
};

START_TEST(test_check)
{
	const char *name = names[_i].name;
	struct err err = {0};
	char out[256];
	bool tidy = !names[_i].tidy;
	int rc = pack_path_check(out, &tidy, name, strlen(name), &err);

	if (!names[_i].clean) {
		ck_assert_msg(rc == -1, "'%s' became '%s'", name, out);
		ck_assert_msg(strstr(err.msg, names[_i].says), "'%s': '%s' does not say '%s'", name,
			err.msg, names[_i].says);
		return;
	}
	ck_assert_msg(!rc, "'%s': %s", name, err.msg);
	ck_assert_str_eq(out, names[_i].clean);
	ck_assert_msg(tidy == names[_i].tidy, "'%s': tidy is %d", name, tidy);
}
END_TEST

START_TEST(test_lengths)
{
	auto_free char *name = mem_alloc(5000), *out = mem_alloc(5000);
	struct err err = {0};
	bool tidy;
	size_t i;

	memset(name, 'a', 5000);
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 255, &err), 0);
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 256, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "cannot be unpacked: 'aaa"));
	ck_assert_ptr_nonnull(strstr(err.msg, "is 256 bytes long, 255 is"));
	for (i = 250; i < 5000; i += 251)
		name[i] = '/';
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 4000, &err), 0);
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 4001, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "too long"));
	ck_assert_ptr_nonnull(strstr(err.msg, "aaa..."));
	for (i = 0; i < 4096; i++)
		name[i] = i % 2 ? '/' : 'b';
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 2 * 128 - 1, &err), 0);
	ck_assert_int_eq(pack_path_check(out, &tidy, name, 2 * 128 + 1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "too deep"));
	ck_assert_int_eq(pack_path_check(out, &tidy, "a\0b", 3, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "entry 'a\\x00b' has a NUL"));
}
END_TEST

START_TEST(test_quote)
{
	char out[PACK_QUOTE_MAX], worst[1000];

	ck_assert_str_eq(pack_quote(out, "a b/c", 5), "a b/c");
	ck_assert_str_eq(pack_quote(out, "\n'\\\x7f\xc3", 5), "\\x0a\\x27\\x5c\\x7f\\xc3");
	memset(worst, '\n', sizeof(worst));
	pack_quote(out, worst, sizeof(worst));
	ck_assert_uint_lt(strlen(out), PACK_QUOTE_MAX);
	ck_assert_str_eq(out + strlen(out) - 3, "...");
	/* No more than fits exactly: no dots. */
	memset(worst, 'a', sizeof(worst));
	pack_quote(out, worst, 200);
	ck_assert_uint_eq(strlen(out), 200);
	ck_assert_str_eq(out + 196, "aaaa");
}
END_TEST

Suite *suite_path(void);
Suite *suite_path(void)
{
	Suite *s = suite_create("path");
	TCase *tc = tcase_create("path");

	tcase_add_test(tc, test_order);
	tcase_add_loop_test(tc, test_check, 0, (int)ARRAY_LEN(names));
	tcase_add_test(tc, test_lengths);
	tcase_add_test(tc, test_quote);
	suite_add_tcase(s, tc);
	return s;
}
