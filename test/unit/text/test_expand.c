#include "base/limits.h"
#include "base/mem.h"
#include "text/expand.h"
#include "text/match.h"

#include <check.h>
#include <string.h>

#define SHA "^sha-(?P<sha>[a-f0-9]+)(x)?$"

/* The frozen table of test_table.c has thousands more. */
static const struct {
	const char *pattern, *template, *text, *want; /* NULL: no match */
} expand_rows[] = {{SHA, "${sha}", "sha-1a", "1a"}, {SHA, "$1", "sha-1a", "1a"},
	{SHA, "${1}x", "sha-1a", "1ax"}, {SHA, "$1x", "sha-1a", ""}, {SHA, "$sha_x", "sha-1a", ""},
	{SHA, "$sha-x", "sha-1a", "1a-x"}, {SHA, "$0", "sha-1a", "sha-1a"},
	{SHA, "a${2}b", "sha-1a", "ab"}, {SHA, "$3", "sha-1a", ""}, {SHA, "$$1", "sha-1a", "$1"},
	{SHA, "$", "sha-1a", "$"}, {SHA, "$-", "sha-1a", "$-"}, {SHA, "${}", "sha-1a", "${}"},
	{SHA, "${sha", "sha-1a", "${sha"}, {SHA, "${sha }", "sha-1a", "${sha }"},
	{SHA, "$01", "sha-1a", ""}, {"(?P<01>a)", "$01", "a", "a"},
	{"(?P<100000001>a)", "$100000001", "a", ""}, {"(?P<1000000001>a)", "$1000000001", "a", "a"},
	{SHA, "$sha\xc3\xa9", "sha-1a", ""}, {SHA, "$sha\xe2\x88\x9e", "sha-1a", "1a\xe2\x88\x9e"},
	{SHA, "$sha", "sha-g", NULL}, {"(?P<n>a)|(?P<n>b)", "$n", "b", "b"},
	{"(?P<n>a*)(?P<n>b)", "$n", "b", ""}, {"a", "", "a", ""}, {"(.*)", "[$1]", "", "[]"}};

START_TEST(test_expand)
{
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	const char *text = expand_rows[_i].text;
	struct expand *x;
	struct match *m;
	struct err err;
	bool is;

	ck_assert(!match_new(&m, expand_rows[_i].pattern, &err));
	ck_assert(!expand_new(&x, expand_rows[_i].template, m, &err));
	is = expand_text(x, text, strlen(text), &got);
	ck_assert_int_eq(is, expand_rows[_i].want != NULL);
	ck_assert_msg(!is || !strcmp(buf_str(&got), expand_rows[_i].want), "'%s' for '%s': '%s'",
		expand_rows[_i].template, text, buf_str(&got));
	expand_free(x);
	match_free(m);
}
END_TEST

/* What RE2 has to copy grows with the groups: a thousand of them took seconds for one tag. */
START_TEST(test_expand_costs)
{
	char pattern[LIMIT_PATTERN + 1] = "";
	struct expand *x = NULL;
	struct err err = {0};
	struct match *m;
	int i;

	for (i = 0; i < 1000; i++)
		memcpy(pattern + strlen(pattern), "(a?)", 5);
	ck_assert(!match_new(&m, pattern, &err));
	ck_assert_int_eq(expand_new(&x, "$1000", m, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "to know group 1000 of a pattern"));
	ck_assert_ptr_null(x);
	/* Of a few groups it is all the same how many more there are. */
	ck_assert(!expand_new(&x, "$1-$5", m, &err));
	expand_free(x);
	match_free(m);
}
END_TEST

START_TEST(test_expand_limits)
{
	auto_buf struct buf got = BUF_INIT(16);
	char text[LIMIT_EXTRACT + 2];
	struct expand *x = NULL;
	struct err err = {0};
	struct match *m;

	ck_assert(!match_new(&m, "(a+)", &err));
	memset(text, '$', sizeof(text));
	text[LIMIT_EXTRACT + 1] = '\0';
	ck_assert_int_eq(expand_new(&x, text, m, &err), -1);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_ptr_null(x);
	text[LIMIT_EXTRACT] = '\0';
	ck_assert_int_eq(expand_new(&x, text, m, &err), 0);
	expand_free(x);
	/* The buffer is what bounds what it comes to. */
	ck_assert_int_eq(expand_new(&x, "$1$1$1$1", m, &err), 0);
	ck_assert(expand_text(x, "aaaaaaaa", 8, &got));
	ck_assert(buf_over(&got));
	expand_free(x);
	expand_free(NULL);
	match_free(m);
}
END_TEST

Suite *suite_expand(void);
Suite *suite_expand(void)
{
	Suite *s = suite_create("expand");
	TCase *tc = tcase_create("expand");

	tcase_add_loop_test(tc, test_expand, 0, ARRAY_LEN(expand_rows));
	tcase_add_test(tc, test_expand_costs);
	tcase_add_test(tc, test_expand_limits);
	suite_add_tcase(s, tc);
	return s;
}
