#include "base/time.h"

#include "base/clock.h"

#include <check.h>

START_TEST(test_duration)
{
	static const struct {
		const char *text;
		int64_t ms;
		const char *back;
	} rows[] = {{"1h30m", 5400000, "1h30m0s"}, {"500ms", 500, "500ms"}, {"1.5s", 1500, "1.5s"},
		{"0", 0, "0s"}, {"-2m", -120000, "-2m0s"}, {"100us", 0, "0s"},
		{".5h", 1800000, "30m0s"}};
	struct err err = {0};
	char out[TIME_TEXT_MAX];
	int64_t ms = -1;

	ck_assert_int_eq(time_parse_duration(rows[_i].text, &ms, &err), 0);
	ck_assert_int_eq(ms, rows[_i].ms);
	ck_assert_str_eq(time_format_duration(ms, out), rows[_i].back);
}
END_TEST

START_TEST(test_duration_bad)
{
	static const char *const rows[] = {
		"", "1", "s", "1x", "1 s", "--1s", "1s1", "99999999999h", "."};
	struct err err = {0};
	int64_t ms;

	ck_assert_int_eq(time_parse_duration(rows[_i], &ms, &err), -1);
}
END_TEST

START_TEST(test_rfc3339)
{
	struct err err = {0};
	char out[TIME_TEXT_MAX];
	int64_t ms;

	ck_assert_int_eq(time_parse_rfc3339("2026-01-31T09:30:00.1239+02:00", &ms, &err), 0);
	ck_assert_str_eq(time_format_millis(ms, out), "2026-01-31T07:30:00.123Z");
	ck_assert_str_eq(time_format_micros(ms, out), "2026-01-31T07:30:00.123000Z");
	ck_assert_str_eq(time_format_rfc3339(ms, out), "2026-01-31T07:30:00Z");
	ck_assert_str_eq(time_format_http(ms, out), "Sat, 31 Jan 2026 07:30:00 GMT");
	ck_assert_int_eq(time_parse_http("Sat, 31 Jan 2026 07:30:00 GMT", &ms, &err), 0);
	ck_assert_str_eq(time_format_rfc3339(ms, out), "2026-01-31T07:30:00Z");
}
END_TEST

START_TEST(test_http_forms)
{
	static const struct {
		const char *text, *want; /* NULL: none */
	} rows[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sun, 06 Nov 1994 08:49:37 +0000", "1994-11-06T08:49:37Z"},
		{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{"Sunday, 06-Nov-26 08:49:37 UTC", "2026-11-06T08:49:37Z"},
		{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"},
		{"Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
		{"Wed Nov 16 08:49:37 1994 GMT", NULL},
		{"Wed Nov 31 08:49:37 1994", NULL},
		{"Sun, 06 Nov 1994 08:49:37 CET", NULL},
		{"Sun, 06 Nox 1994 08:49:37 GMT", NULL},
		{"Sunday, 06-Nov-1994 08:49:37 GMT", NULL},
		{"Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
		{"Thu, 29 Feb 2024 23:59:60 GMT", "2024-03-01T00:00:00Z"},
		{"Friday, 01-Jan-27 00:00:00 GMT", "2027-01-01T00:00:00Z"},
		{"Sun, 06 Nov 1994 08:49:37 PST", NULL},
		{"Sun, 06 Nov 1994 08:49:37", NULL},
		{"Sun, 06 Nov 1994 08:49:37 GMT x", NULL},
		{"Sun, 32 Nov 1994 08:49:37 GMT", NULL},
		{"Sun, 06 Nov 1994 24:49:37 GMT", NULL},
		{"1994-11-06T08:49:37Z", NULL},
		{"784111777", NULL},
		{"", NULL},
		{"Sun", NULL},
	};
	char out[TIME_TEXT_MAX];
	struct err err = {0};
	int64_t ms;
	int rc;

	clock_fake(1700000000000);
	rc = time_parse_http(rows[_i].text, &ms, &err);
	ck_assert_msg(!rc == !!rows[_i].want, "'%s'", rows[_i].text);
	if (!rc)
		ck_assert_str_eq(time_format_rfc3339(ms, out), rows[_i].want);
}
END_TEST

START_TEST(test_rfc3339_bad)
{
	static const char *const rows[] = {"", "2026-02-29T00:00:00Z", "2026-01-31",
		"2026-01-31T09:30:00", "2026-01-31T24:00:00Z", "2026-01-31T09:30:00.Z",
		"2026-01-31T09:30:00Zx"};
	struct err err = {0};
	int64_t ms;

	ck_assert_int_eq(time_parse_rfc3339(rows[_i], &ms, &err), -1);
}
END_TEST

Suite *suite_time(void);
Suite *suite_time(void)
{
	Suite *s = suite_create("time");
	TCase *tc = tcase_create("time");

	tcase_add_loop_test(tc, test_duration, 0, 7);
	tcase_add_loop_test(tc, test_duration_bad, 0, 9);
	tcase_add_test(tc, test_rfc3339);
	tcase_add_loop_test(tc, test_rfc3339_bad, 0, 7);
	tcase_add_loop_test(tc, test_http_forms, 0, 23);
	suite_add_tcase(s, tc);
	return s;
}
