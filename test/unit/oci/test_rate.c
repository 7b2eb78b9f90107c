/* What answers say of how many requests are left, in the forms that there are and in none. */
#include "oci/rate.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define HOUR_MS (3600 * 1000)

static const struct {
	const char *name;
	struct oci_rate_fields fields;
	bool said;
	struct oci_rate rate;
} ROWS[] = {
	{"nothing", {0}, false, {0}},
	{"docker", {.limit = "100;w=21600", .remaining = "37;w=21600"}, true,
		{37, 100, 21600000, -1}},
	{"docker, the window once", {.limit = "100;w=21600", .remaining = "37"}, true,
		{37, 100, 21600000, -1}},
	{"nothing is left", {.limit = "100;w=21600", .remaining = "0;w=21600"}, true,
		{0, 100, 21600000, -1}},
	{"the first drafts", {.limit = "100", .remaining = "50", .reset = "30"}, true,
		{50, 100, 0, 30000}},
	{"with a policy", {.limit = "100, 100;w=60", .remaining = "50", .reset = "30"}, true,
		{50, 100, 60000, 30000}},
	{"with another policy",
		{.limit = "100", .remaining = "50", .policy = "100;w=60;comment=\"w=7\""}, true,
		{50, 100, 60000, -1}},
	{"a moment", {.remaining = "5", .reset = "1800000060"}, true, {5, 0, 0, 60000}},
	{"a moment in milliseconds", {.remaining = "5", .reset = "1800000060000"}, true,
		{5, 0, 0, 60000}},
	{"a moment that is over", {.remaining = "5", .reset = "1799999999"}, true, {5, 0, 0, 0}},
	{"a moment that is nonsense", {.remaining = "5", .reset = "999999999999999"}, true,
		{5, 0, 0, -1}},
	{"only what is left", {.remaining = " 5 "}, true, {5, 0, 0, -1}},
	{"only the limit", {.limit = "100"}, false, {0}},
	{"draft 07", {.rate = "limit=100, remaining=50, reset=5", .policy = "100;w=10"}, true,
		{50, 100, 10000, 5000}},
	{"draft 07, alone", {.rate = "Remaining=50"}, true, {50, 0, 0, -1}},
	{"draft 08", {.rate = "\"default\";r=50;t=30", .policy = "\"default\";q=100;w=60"}, true,
		{50, 100, 60000, 30000}},
	{"draft 08, spread out",
		{.rate = " \"default\" ; r = 50 ; t = 30 ", .policy = " \"default\" ; q = 100 "},
		true, {50, 100, 0, 30000}},
	{"the least of several",
		{.rate = "\"a\";r=50;t=30, \"b\";r=5;t=3000, \"c\";r=7",
			.policy = "\"a\";q=100;w=60,\"b\";q=1000;w=3600"},
		true, {5, 1000, HOUR_MS, 3000000}},
	{"a policy of another name", {.rate = "\"a\";r=50", .policy = "\"b\";q=100;w=60"}, true,
		{50, 100, 60000, -1}},
	{"marks in a name",
		{.rate = "\"x;r=1,y\";r=50;t=30",
			.policy = "\"x;r=1,y\";q=100;pk=\"q=5;w=5\";w=60"},
		true, {50, 100, 60000, 30000}},
	{"a name that does not end", {.rate = "\"x;r=1;t=5"}, false, {0}},
	{"the new form before the old one", {.rate = "\"a\";r=50", .remaining = "7"}, true,
		{50, 0, 0, -1}},
	{"the old form where the new one is broken", {.rate = "\"a\";r=x", .remaining = "7"}, true,
		{7, 0, 0, -1}},
	{"a window without end", {.limit = "9;w=999999999", .remaining = "7"}, true, {7, 9, 0, -1}},
	{"a window of nothing", {.limit = "9;w=0", .remaining = "7"}, true, {7, 9, 0, -1}},
	{"15 digits", {.remaining = "999999999999999"}, true, {999999999999999, 0, 0, -1}},
	{"16 digits", {.remaining = "1000000000000000"}, false, {0}},
	{"a limit of 16 digits", {.remaining = "1", .limit = "1000000000000000"}, true,
		{1, 0, 0, -1}},
	{"a limit of nothing", {.remaining = "0", .limit = "0", .reset = "5"}, false, {0}},
	{"negative", {.remaining = "-1"}, false, {0}},
	{"a fraction", {.remaining = "1.5"}, false, {0}},
	{"hexadecimal", {.remaining = "0x10"}, false, {0}},
	{"a sign", {.remaining = "+1"}, false, {0}},
	{"a word", {.remaining = "many"}, false, {0}},
	{"empty", {.remaining = "", .rate = "", .limit = "", .policy = "", .reset = ""}, false,
		{0}},
	{"marks only", {.remaining = ";;;", .rate = ",,;=,=;", .policy = ";="}, false, {0}},
	{"a reset that is none", {.remaining = "5", .reset = "soon"}, true, {5, 0, 0, -1}},
};

START_TEST(test_parse)
{
	struct oci_rate rate = {0};
	bool said;

	clock_fake(1800000000000);
	said = oci_rate_parse(&rate, &ROWS[_i].fields);
	ck_assert_msg(said == ROWS[_i].said, "%s: said %d", ROWS[_i].name, said);
	ck_assert_msg(!said ||
			(rate.remaining == ROWS[_i].rate.remaining &&
				rate.limit == ROWS[_i].rate.limit &&
				rate.window_ms == ROWS[_i].rate.window_ms &&
				rate.reset_ms == ROWS[_i].rate.reset_ms),
		"%s: %llu of %llu in %llu ms, reset %lld ms", ROWS[_i].name,
		(unsigned long long)rate.remaining, (unsigned long long)rate.limit,
		(unsigned long long)rate.window_ms, (long long)rate.reset_ms);
}
END_TEST

/* A long list is read up to its sixteenth item. */
START_TEST(test_long_list)
{
	auto_buf struct buf list = BUF_INIT(BUF_ANY);
	struct oci_rate rate = {0};
	int i;

	for (i = 0; i < 20000; i++)
		buf_addf(&list, "%s\"a\";r=%d", i ? "," : "", 1000 - i % 1000);
	ck_assert(oci_rate_parse(&rate, &(struct oci_rate_fields){.rate = buf_str(&list)}));
	ck_assert_uint_eq(rate.remaining, 1000 - (LIMIT_RATE_ITEMS - 1));
}
END_TEST

Suite *suite_rate(void);
Suite *suite_rate(void)
{
	Suite *s = suite_create("rate");
	TCase *t = tcase_create("rate");

	tcase_add_loop_test(t, test_parse, 0, ARRAY_LEN(ROWS));
	tcase_add_test(t, test_long_list);
	suite_add_tcase(s, t);
	return s;
}
