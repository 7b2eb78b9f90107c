#include "http/syntax.h"

#include "base/ascii.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

/* The grammar's own lists (RFC 9110 section 5.6.2, RFC 3986 sections 2.1 and 2.3), every byte held
   to them. */
START_TEST(test_characters)
{
	static const char alnum[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	int i;

	for (i = -128; i < 128; i++) {
		char c = (char)i;
		const char *digit = c ? strchr(digits, c) : NULL;
		bool plain = c && strchr(alnum, c);

		ck_assert_int_eq(http_is_tchar(c), plain || (c && strchr("!#$%&'*+-.^_`|~", c)));
		ck_assert_int_eq(http_is_unreserved(c), plain || (c && strchr("-._~", c)));
		ck_assert_int_eq(ascii_hex_value(c), digit ? (digit - digits) % 16 : -1);
	}
}
END_TEST

static const struct {
	const char *text;
	bool token;
} tokens[] = {
	{"GET", true},
	{"x-request_id", true},
	{"!", true},
	{"", false},
	{"a b", false},
	{" a", false},
	{"a:", false},
	{"a\r\nb", false},
	{"\xc3\xa9", false},
};

START_TEST(test_token)
{
	ck_assert_int_eq(http_is_token(tokens[_i].text), tokens[_i].token);
}
END_TEST

static const struct {
	const char *text;
	int value;
} percents[] = {
	{"%41", 'A'},
	{"%41x", 'A'},
	{"%ff", 255},
	{"%Ff", 255},
	{"%00", 0},
	{"%4", -1},
	{"%", -1},
	{"", -1},
	{"%4g", -1},
	{"%g4", -1},
	{"%%41", -1},
	{"a41", -1},
};

START_TEST(test_percent)
{
	const char *p = percents[_i].text;

	ck_assert_int_eq(http_percent_value(p, strlen(p)), percents[_i].value);
	ck_assert_int_eq(http_percent_value(p, 2), -1);
}
END_TEST

START_TEST(test_status_text)
{
	ck_assert_str_eq(http_status_text(200), "OK");
	ck_assert_str_eq(http_status_text(404), "Not Found");
	ck_assert_str_eq(http_status_text(451), "Unavailable For Legal Reasons");
	ck_assert_str_eq(http_status_text(505), "HTTP Version Not Supported");
	ck_assert_str_eq(http_status_text(299), "");
	ck_assert_str_eq(http_status_text(0), "");
	ck_assert_str_eq(http_status_text(-1), "");
}
END_TEST

Suite *suite_syntax(void);
Suite *suite_syntax(void)
{
	Suite *s = suite_create("syntax");
	TCase *tc = tcase_create("syntax");

	tcase_add_test(tc, test_characters);
	tcase_add_loop_test(tc, test_token, 0, (int)ARRAY_LEN(tokens));
	tcase_add_loop_test(tc, test_percent, 0, (int)ARRAY_LEN(percents));
	tcase_add_test(tc, test_status_text);
	suite_add_tcase(s, tc);
	return s;
}
