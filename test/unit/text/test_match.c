#include "base/limits.h"
#include "base/mem.h"
#include "text/match.h"

#include <check.h>
#include <string.h>

static const struct {
	const char *pattern, *text;
	bool match;
} match_rows[] = {{".*-staging-test-deploy-.*", "1.0.0-staging-test-deploy-3", true},
	{"rc", "1.0.0-rc.1", true}, {"^rc", "1.0.0-rc.1", false}, {"", "", true},
	{"1$", "1.0.1", true}, {"1$", "1.0.1\n", false}, {"(?i)RC", "rc", true},
	{"(?<n>rc)", "rc", true}, {"(?P<n>rc)", "rc", true}, {"\\Q(?<n>\\E", "(?<n>", true},
	{"[(?<n>]+$", "(?<n>", true}, {"^[]a]$", "]", true}, {"^[^]a]$", "]", false},
	{"^\\((?<n>a)", "(a", true}, {"^\\p{Letter}$", "a", true},
	{"^\\p{upper-case_LETTER}$", "A", true}, {"^\\p{lu}$", "a", false},
	{"^\\P{LC}$", "1", true}, {"^[\\P{LC}]$", "1", true}, {"^[\\P{LC}]$", "a", false},
	{"^[^\\p{lc}]$", "1", true}, {"^\\pl$", "a", true}, {"^\\p{^Letter}$", "1", true},
	{"^\\P{^Letter}$", "a", true}, {"^[\\p{ASCII}]$", "~", true},
	{"^\\P{ascii}$", "\xc3\xa9", true}, {"^[\\P{ascii}]$", "a", false},
	{"^\\p{Assigned}$", "a", true}, {"^\\P{Assigned}$", "a", false}, {"\\p{Cn}", "a", false},
	{"^\\p{greek}$", "\xce\xb1", true}, {"^\\p{GR-E_e k}$", "\xce\xb1", true},
	{"\\QC\\C", "C\\C", true}, {"^\\\\C$", "\\C", true}};

START_TEST(test_match)
{
	struct match *m = NULL;
	struct err err;

	ck_assert_msg(!match_new(&m, match_rows[_i].pattern, &err), "'%s': %s",
		match_rows[_i].pattern, err.msg);
	ck_assert_msg(match_text(m, match_rows[_i].text, strlen(match_rows[_i].text)) ==
			match_rows[_i].match,
		"'%s' in '%s': want %d", match_rows[_i].pattern, match_rows[_i].text,
		match_rows[_i].match);
	match_free(m);
}
END_TEST

static const char *const match_bad_rows[] = {"(", ")", "[", "a**", "(?=a)", "(?<=a)", "(?<!a)",
	"(?!a)", "(?>a)", "a++", "\\1", "\\Z", "\\h", "\\C", "[\\C]", "(?x)a", "a{1001}", "(?<>a)",
	"(?<n-m>a)", "(?P<\xc3\xa9>a)", "(?<n", "\\p{Nope}", "\\p{", "\\", "\xff", "[\\p{Cn}]",
	"[\\P{Assigned}]", "\\p{Old_Italic}", "\\p{^^L}", "\\p{^^Greek}", "*"};

START_TEST(test_match_bad)
{
	struct match *m = NULL;
	struct err err = {0};

	ck_assert_msg(
		match_new(&m, match_bad_rows[_i], &err) == -1, "'%s' passed", match_bad_rows[_i]);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_msg(strstr(err.msg, match_bad_rows[_i]) != NULL, "'%s' does not name '%s'",
		err.msg, match_bad_rows[_i]);
	ck_assert_ptr_null(m);
}
END_TEST

START_TEST(test_match_limits)
{
	char text[LIMIT_PATTERN + 2];
	struct match *m = NULL;
	struct err err = {0};

	memset(text, 'a', sizeof(text));
	text[LIMIT_PATTERN] = 0;
	ck_assert_int_eq(match_new(&m, text, &err), 0);
	match_free(m);
	text[LIMIT_PATTERN] = 'a';
	text[LIMIT_PATTERN + 1] = 0;
	ck_assert_int_eq(match_new(&m, text, &err), -1);
	/* What would cost too much memory is refused, not built. */
	ck_assert_int_eq(match_new(&m, "(\\pL{1000})", &err), -1);
	ck_assert_msg(strstr(err.msg, "too large") != NULL, "%s", err.msg);
	/* And what would take long for each tag. */
	ck_assert_int_eq(match_new(&m, "^(?:[0-9a-z.]?){1000}(?:[0-9a-z.]?){1000}Z$", &err), -1);
	ck_assert_msg(strstr(err.msg, "too large: it compiles to 8003 instructions") != NULL, "%s",
		err.msg);
	ck_assert_int_eq(
		match_new(&m, "^v?[0-9]+[.].{1,128}-(alpha|beta|rc)[.]\\pL?\\d+$", &err), 0);
	match_free(m);
	match_free(NULL);
}
END_TEST

/* A pattern that takes a backtracking matcher for ever. */
START_TEST(test_match_linear)
{
	char text[4096];
	struct match *m = NULL;
	struct err err;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(match_new(&m, "^(a+)+(a|a)*(a*)*$", &err), 0);
	text[sizeof(text) - 1] = 'b';
	ck_assert(!match_text(m, text, sizeof(text)));
	match_free(m);
}
END_TEST

START_TEST(test_match_spans)
{
	struct match_span s[4];
	struct match *m;
	struct err err;

	ck_assert(!match_new(&m, "(?<n>a|ab)(c|bcd)?(?P<d>x)?", &err));
	ck_assert_int_eq(match_groups(m), 3);
	ck_assert_str_eq(match_group_name(m, 1), "n");
	ck_assert_ptr_null(match_group_name(m, 2));
	ck_assert_str_eq(match_group_name(m, 3), "d");
	/* Leftmost, then the first alternative that fits: not the longest. */
	ck_assert(match_spans(m, "..abcd", 6, s, 4));
	ck_assert_uint_eq(s[0].from, 2);
	ck_assert_uint_eq(s[0].to, 6);
	ck_assert_uint_eq(s[1].to, 3);
	ck_assert_uint_eq(s[2].from, 3);
	ck_assert(match_span_took_part(&s[2]));
	ck_assert(!match_span_took_part(&s[3]));
	ck_assert(!match_spans(m, "xyz", 3, s, 1));
	ck_assert_uint_eq(s[0].to, 6);
	match_free(m);
}
END_TEST

Suite *suite_match(void);
Suite *suite_match(void)
{
	Suite *s = suite_create("match");
	TCase *tc = tcase_create("match");

	tcase_add_loop_test(tc, test_match, 0, ARRAY_LEN(match_rows));
	tcase_add_loop_test(tc, test_match_bad, 0, ARRAY_LEN(match_bad_rows));
	tcase_add_test(tc, test_match_limits);
	tcase_add_test(tc, test_match_linear);
	tcase_add_test(tc, test_match_spans);
	suite_add_tcase(s, tc);
	return s;
}
