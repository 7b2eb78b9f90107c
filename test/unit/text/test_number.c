#include "base/mem.h"
#include "text/number.h"

#include <check.h>
#include <math.h>
#include <string.h>

/* The frozen table of test_table.c has thousands more. */
static const struct {
	const char *text;
	double value;
} number_rows[] = {{"01", 1}, {"+1", 1}, {"-1", -1}, {"1.", 1}, {".5", 0.5}, {"1e3", 1000},
	{"0x1p4", 16}, {"0X.8P1", 1}, {"1_000", 1000}, {"0x_1p0", 1}, {"1e1_0", 1e10},
	{"1e-400", 0}, {"inf", (double)INFINITY}, {"+Infinity", (double)INFINITY},
	{"-INF", -(double)INFINITY}, {"9007199254740993", 9007199254740992.0}};

START_TEST(test_number)
{
	const char *text = number_rows[_i].text;
	double v = 0;

	ck_assert_msg(number_parse(&v, text, strlen(text)), "'%s' is none", text);
	ck_assert_msg(v == number_rows[_i].value, "'%s': %g", text, v);
}
END_TEST

static const char *const number_bad_rows[] = {"", "1e400", "-nan", "0x10", "1.2.3", "v1", " 1",
	"1 ", "1__0", "_1", "1_", "1_.5", "1._5", "1e", "1e+", ".", "+", "0x", "0xp1", "infin",
	"1e_1", "0b1"};

START_TEST(test_number_bad)
{
	const char *text = number_bad_rows[_i];
	double v = 7;

	ck_assert_msg(!number_parse(&v, text, strlen(text)), "'%s' is %g", text, v);
	ck_assert(v == 7);
}
END_TEST

START_TEST(test_number_bounds)
{
	char text[NUMBER_TEXT_MAX + 2];
	double v = 0;

	ck_assert(number_parse(&v, "nAn", 3));
	ck_assert(isnan(v));
	/* Only so many bytes belong to it. */
	ck_assert(number_parse(&v, "12x", 2));
	ck_assert(v == 12);
	memset(text, '0', sizeof(text));
	ck_assert(number_parse(&v, text, NUMBER_TEXT_MAX));
	ck_assert(!number_parse(&v, text, NUMBER_TEXT_MAX + 1));
	/* A NUL is no end. */
	ck_assert(!number_parse(&v, "1\0002", 3));
}
END_TEST

Suite *suite_number(void);
Suite *suite_number(void)
{
	Suite *s = suite_create("number");
	TCase *tc = tcase_create("number");

	tcase_add_loop_test(tc, test_number, 0, ARRAY_LEN(number_rows));
	tcase_add_loop_test(tc, test_number_bad, 0, ARRAY_LEN(number_bad_rows));
	tcase_add_test(tc, test_number_bounds);
	suite_add_tcase(s, tc);
	return s;
}
