#include "base/utf8.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

/* RFC 3629 section 4, the first and the last of each row of its grammar and their neighbours. len
   0: not a character. */
static const struct {
	const char *text;
	size_t len;
	uint32_t rune;
} chars[] = {
	{"a", 1, 'a'},
	{"ab", 1, 'a'},
	{"\x7f", 1, 0x7f},
	{"\x80", 0, 0},
	{"\xbf", 0, 0},
	{"\xc0\x80", 0, 0},
	{"\xc1\xbf", 0, 0},
	{"\xc2\x80", 2, 0x80},
	{"\xc2", 0, 0},
	{"\xc2\x7f", 0, 0},
	{"\xc2\xc0", 0, 0},
	{"\xdf\xbf", 2, 0x7ff},
	{"\xe0\x9f\xbf", 0, 0},
	{"\xe0\xa0\x80", 3, 0x800},
	{"\xe0\xa0", 0, 0},
	{"\xe1\x80\x80", 3, 0x1000},
	{"\xed\x9f\xbf", 3, 0xd7ff},
	{"\xed\xa0\x80", 0, 0},
	{"\xed\xbf\xbf", 0, 0},
	{"\xee\x80\x80", 3, 0xe000},
	{"\xef\xbf\xbd", 3, 0xfffd},
	{"\xef\xbf\xbfx", 3, 0xffff},
	{"\xf0\x8f\xbf\xbf", 0, 0},
	{"\xf0\x90\x80\x80", 4, 0x10000},
	{"\xf0\x90\x80", 0, 0},
	{"\xf1\x80\x80\x80", 4, 0x40000},
	{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	{"\xf4\x90\x80\x80", 0, 0},
	{"\xf5\x80\x80\x80", 0, 0},
	{"\xff", 0, 0},
};

START_TEST(test_char)
{
	uint32_t rune = 1;
	size_t n = strlen(chars[_i].text);

	ck_assert_uint_eq(utf8_char(chars[_i].text, n, &rune), chars[_i].len);
	ck_assert_uint_eq(rune, chars[_i].len ? chars[_i].rune : 1);
	ck_assert_uint_eq(utf8_char(chars[_i].text, n, NULL), chars[_i].len);
	if (!chars[_i].len)
		ck_assert(!utf8_ok(chars[_i].text, n));
	else
		ck_assert(utf8_ok(chars[_i].text, n));
}
END_TEST

START_TEST(test_nul)
{
	uint32_t rune = 1;

	ck_assert_uint_eq(utf8_char("", 1, &rune), 1);
	ck_assert_uint_eq(rune, 0);
	ck_assert(utf8_ok("", 0));
	ck_assert(utf8_ok("a\0b", 3));
	ck_assert(!utf8_ok("a\0\xff", 3));
}
END_TEST

START_TEST(test_cut)
{
	static const char euro[] = "a\xe2\x82\xac"
				   "b";

	ck_assert_uint_eq(utf8_cut(euro, 5, 9), 5);
	ck_assert_uint_eq(utf8_cut(euro, 5, 5), 5);
	ck_assert_uint_eq(utf8_cut(euro, 5, 4), 4);
	ck_assert_uint_eq(utf8_cut(euro, 5, 3), 1);
	ck_assert_uint_eq(utf8_cut(euro, 5, 2), 1);
	ck_assert_uint_eq(utf8_cut(euro, 5, 1), 1);
	ck_assert_uint_eq(utf8_cut(euro, 5, 0), 0);
	ck_assert_uint_eq(utf8_cut("\x80\x80\x80", 3, 2), 0);
	ck_assert_uint_eq(utf8_cut("", 0, 0), 0);
}
END_TEST

static const struct {
	const char *text;
	size_t max;
	const char *tidy;
} texts[] = {
	{"", 9, ""},
	{"plain", 9, "plain"},
	{"plain", 3, "pla"},
	{"\xc3\xa9t\xc3\xa9", 9, "\xc3\xa9t\xc3\xa9"},
	{"\xc3\xa9t\xc3\xa9", 4, "\xc3\xa9t"},
	{"a\xff"
	 "b\xc3\xa9",
		9, "a?b\xc3\xa9"},
	{"\xe2\x82", 9, "??"},
	{"x\xe2\x82", 2, "x"},
	{"\xed\xa0\x80", 9, "???"},
};

START_TEST(test_tidy)
{
	auto_free char *got = utf8_tidy(texts[_i].text, texts[_i].max);

	ck_assert_str_eq(got, texts[_i].tidy);
}
END_TEST

Suite *suite_utf8(void);
Suite *suite_utf8(void)
{
	Suite *s = suite_create("utf8");
	TCase *t = tcase_create("utf8");

	tcase_add_loop_test(t, test_char, 0, (int)ARRAY_LEN(chars));
	tcase_add_test(t, test_nul);
	tcase_add_test(t, test_cut);
	tcase_add_loop_test(t, test_tidy, 0, (int)ARRAY_LEN(texts));
	suite_add_tcase(s, t);
	return s;
}
