#include "base/mem.h"
#include "text/semver.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	bool ok;
	uint64_t major, minor, patch;
	const char *pre;
} parse_rows[] = {{"1.2.3", true, 1, 2, 3, ""}, {"v1.2.3", true, 1, 2, 3, ""},
	{"V1.2.3", false, 0, 0, 0, ""}, {"1.2", false, 0, 0, 0, ""}, {"latest", false, 0, 0, 0, ""},
	{"01.002.0003", true, 1, 2, 3, ""}, {"1.2.3.4", false, 0, 0, 0, ""},
	{"1.2.3-rc.1+b.2", true, 1, 2, 3, "rc.1"}, {"1.2-rc.1", true, 1, 2, 0, "rc.1"},
	{"1.2.3-01", false, 0, 0, 0, ""}, {"1.2.3_a", false, 0, 0, 0, ""},
	{"18446744073709551615.0.0", true, UINT64_MAX, 0, 0, ""},
	{"18446744073709551616.0.0", false, 0, 0, 0, ""}, {"", false, 0, 0, 0, ""}};

START_TEST(test_parse)
{
	struct semver v = {.major = 99, .pre = "untouched"};

	ck_assert_msg(semver_parse(&v, parse_rows[_i].text) == parse_rows[_i].ok, "'%s': want %d",
		parse_rows[_i].text, parse_rows[_i].ok);
	if (!parse_rows[_i].ok) {
		ck_assert_uint_eq(v.major, 99);
		return;
	}
	ck_assert_uint_eq(v.major, parse_rows[_i].major);
	ck_assert_uint_eq(v.minor, parse_rows[_i].minor);
	ck_assert_uint_eq(v.patch, parse_rows[_i].patch);
	ck_assert_str_eq(v.pre, parse_rows[_i].pre);
}
END_TEST

/* Each is lower than the next. */
static const char *const ladder[] = {"0.0.0-0", "0.0.0", "1.0.0-1", "1.0.0-2", "1.0.0-10",
	"1.0.0-18446744073709551615", "1.0.0--", "1.0.0-18446744073709551616", "1.0.0-alpha",
	"1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
	"1.0.0-deploy-20", "1.0.0-deploy-3", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "2.0.0",
	"10.0.0"};

START_TEST(test_order)
{
	struct semver a, b;
	size_t i;

	ck_assert(semver_parse(&a, ladder[_i]));
	for (i = 0; i < ARRAY_LEN(ladder); i++) {
		int want = ((size_t)_i > i) - ((size_t)_i < i);

		ck_assert(semver_parse(&b, ladder[i]));
		ck_assert_msg(semver_compare(&a, &b) == want, "'%s' and '%s': got %d, want %d",
			ladder[_i], ladder[i], semver_compare(&a, &b), want);
	}
}
END_TEST

static const struct {
	const char *a, *b;
	bool better;
} better_rows[] = {{"1.0.1", "1.0.0", true}, {"1.0.0", "1.0.1", false}, {"1.0.0", "v1.0.0", true},
	{"v1.0.0", "1.0.0", false}, {"1.0.0+a", "1.0.0+b", true}, {"1.0.0+b", "1.0.0+a", false},
	{"1.0.0", "1.0.0+a", true}, {"1.0.0", "1.0.0", false}};

START_TEST(test_better)
{
	struct semver a, b;

	ck_assert(semver_parse(&a, better_rows[_i].a));
	ck_assert(semver_parse(&b, better_rows[_i].b));
	ck_assert_msg(semver_better(&a, better_rows[_i].a, &b, better_rows[_i].b) ==
			better_rows[_i].better,
		"'%s' better than '%s': want %d", better_rows[_i].a, better_rows[_i].b,
		better_rows[_i].better);
}
END_TEST

static const struct {
	const char *range, *tag;
	bool match;
} range_rows[] = {{">=1.0.0 <2.0.0", "1.5.0", true}, {">=1.0.0 <2.0.0", "2.0.0", false},
	{">=1.0.0 <2.0.0", "1.5.0-rc.1", false}, {">=1.0.0-0 <2.0.0", "1.5.0-rc.1", true},
	{">1.2.3-0 <1.3.0", "1.3.0-rc.a", true}, {"1.0.0 2.0.0", "1.0.0", false},
	{"1.0.0 || 2.0.0", "2.0.0", true}, {">=1-0 || 2", "3.0.0-a", true},
	{"2 || >=1-0 <1.5", "2.0.0-a", false}, {"1.x", "1.9.9", true}, {"1.x", "2.0.0", false},
	{"~1.2", "1.2.9", true}, {"~1.2", "1.3.0", false}, {"^0.2", "0.2.9", true},
	{"^0.2", "0.3.0", false}, {"^*", "1.0.0", false}, {"*", "9.9.9", true},
	{"*", "1.0.0-rc.1", false}, {"1.2 - 1.4", "1.4.9", true}, {"1.2 - 1.4", "1.5.0", false},
	{"!=1.2.x", "1.2.3", false}, {"!=1.2.x", "1.3.0", true}, {"v1.0.0", "1.0.0+meta", true},
	{">=0.0.0-0", "1.0.0-staging-test-deploy-3", true}, {"1.0.0", "latest", false}};

START_TEST(test_range)
{
	struct semver_range r;
	struct semver v;
	struct err err;

	ck_assert_msg(
		!semver_range_parse(&r, range_rows[_i].range, &err), "%s", range_rows[_i].range);
	ck_assert_msg((semver_parse(&v, range_rows[_i].tag) && semver_range_match(&r, &v)) ==
			range_rows[_i].match,
		"'%s' with '%s': want %d", range_rows[_i].range, range_rows[_i].tag,
		range_rows[_i].match);
	semver_range_clear(&r);
}
END_TEST

static const char *const range_bad_rows[] = {"", " ", ">=", "1.0.0 ||", "|| 1.0.0", "1.0.0,,2.0.0",
	"1.2.3.4", "V1.0.0", "1.0.0_a", "latest", "1 - 2 - 3 - 4", ">= =1", "1.0.0-01",
	"18446744073709551616.0.0"};

START_TEST(test_range_bad)
{
	struct semver_range r;
	struct err err = {0};

	ck_assert_msg(semver_range_parse(&r, range_bad_rows[_i], &err) == -1, "'%s' passed",
		range_bad_rows[_i]);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_msg(strstr(err.msg, range_bad_rows[_i]) != NULL, "'%s' does not name '%s'",
		err.msg, range_bad_rows[_i]);
}
END_TEST

START_TEST(test_range_limits)
{
	char text[SEMVER_RANGE_MAX + 2];
	struct semver_range r;
	struct err err = {0};

	memset(text, ' ', sizeof(text));
	text[0] = '1';
	text[SEMVER_RANGE_MAX] = 0;
	ck_assert_int_eq(semver_range_parse(&r, text, &err), 0);
	semver_range_clear(&r);
	text[SEMVER_RANGE_MAX] = ' ';
	text[SEMVER_RANGE_MAX + 1] = 0;
	ck_assert_int_eq(semver_range_parse(&r, text, &err), -1);
	ck_assert_msg(strstr(err.msg, "512") != NULL, "%s", err.msg);
}
END_TEST

Suite *suite_semver(void);
Suite *suite_semver(void)
{
	Suite *s = suite_create("semver");
	TCase *tc = tcase_create("semver");

	tcase_add_loop_test(tc, test_parse, 0, ARRAY_LEN(parse_rows));
	tcase_add_loop_test(tc, test_order, 0, ARRAY_LEN(ladder));
	tcase_add_loop_test(tc, test_better, 0, ARRAY_LEN(better_rows));
	tcase_add_loop_test(tc, test_range, 0, ARRAY_LEN(range_rows));
	tcase_add_loop_test(tc, test_range_bad, 0, ARRAY_LEN(range_bad_rows));
	tcase_add_test(tc, test_range_limits);
	suite_add_tcase(s, tc);
	return s;
}
