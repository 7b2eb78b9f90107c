#include "serve/range.h"

#include "base/mem.h"

#include <check.h>

Suite *suite_range(void);

static const struct range_row {
	const char *value;
	uint64_t size;
	enum range_kind kind;
	uint64_t from, len;
} RANGES[] = {
	{NULL, 10, RANGE_NONE, 0, 0},
	{"", 10, RANGE_NONE, 0, 0},
	{"bytes=0-9", 10, RANGE_PART, 0, 10},
	{"bytes=0-0", 10, RANGE_PART, 0, 1},
	{"Bytes=3-5", 10, RANGE_PART, 3, 3}, /* unit names are case-insensitive (14.1) */
	{"bytes=9-", 10, RANGE_PART, 9, 1},
	{"bytes=0-", 10, RANGE_PART, 0, 10},
	{"bytes=5-100", 10, RANGE_PART, 5, 5},
	{"bytes=5-18446744073709551615", 10, RANGE_PART, 5, 5},
	{"bytes=5-99999999999999999999999", 10, RANGE_PART, 5, 5},
	{"bytes=-3", 10, RANGE_PART, 7, 3},
	{"bytes=-10", 10, RANGE_PART, 0, 10},
	{"bytes=-11", 10, RANGE_PART, 0, 10},
	{"bytes=-99999999999999999999999", 10, RANGE_PART, 0, 10},
	{"bytes=10-", 10, RANGE_BEYOND, 0, 0},
	{"bytes=10-20", 10, RANGE_BEYOND, 0, 0},
	{"bytes=99999999999999999999999-", 10, RANGE_BEYOND, 0, 0},
	{"bytes=-0", 10, RANGE_BEYOND, 0, 0},
	{"bytes=0-", 0, RANGE_BEYOND, 0, 0},
	{"bytes=-5", 0, RANGE_BEYOND, 0, 0},
	{"bytes=5-3", 10, RANGE_NONE, 0, 0}, /* not valid: to be ignored (14.1.1) */
	{"bytes=-", 10, RANGE_NONE, 0, 0},
	{"bytes=", 10, RANGE_NONE, 0, 0},
	{"bytes=a-b", 10, RANGE_NONE, 0, 0},
	{"bytes=1-2x", 10, RANGE_NONE, 0, 0},
	{"bytes=+1-2", 10, RANGE_NONE, 0, 0},
	{"bytes=1--2", 10, RANGE_NONE, 0, 0},
	{"bytes=0x1-2", 10, RANGE_NONE, 0, 0},
	{"bytes=1-2,4-5", 10, RANGE_NONE, 0, 0}, /* several: everything */
	{"bytes=1-2,", 10, RANGE_NONE, 0, 0},
	{"bytes 1-2", 10, RANGE_NONE, 0, 0},
	{"lines=1-2", 10, RANGE_NONE, 0, 0},
};

START_TEST(test_range)
{
	const struct range_row *row = &RANGES[_i];
	uint64_t from = 0, len = 0;
	enum range_kind kind = range_parse(row->value, row->size, &from, &len);

	ck_assert_msg(kind == row->kind, "'%s': kind %d, want %d", row->value, kind, row->kind);
	if (kind == RANGE_PART)
		ck_assert_msg(from == row->from && len == row->len, "'%s': %llu+%llu", row->value,
			(unsigned long long)from, (unsigned long long)len);
}
END_TEST

static const struct tag_row {
	const char *list;
	bool strong, weak;
} TAGS[] = {
	{"\"x\"", true, true},
	{"*", true, true},
	{" * ", false, false},
	{"W/\"x\"", false, true},
	{"w/\"x\"", false, false},
	{"\"a\", \"x\"", true, true},
	{"\"a\",\"b\",W/\"x\"", false, true},
	{", ,\"x\"", true, true},
	{"\"xx\"", false, false},
	{"x", false, false},
	{"\"x", false, false},
	{"\"a\" x", false, false},
	{"\"a,\"x\"", false, false},
	{"", false, false},
};

START_TEST(test_tag)
{
	const struct tag_row *row = &TAGS[_i];

	ck_assert_msg(etag_in_list(row->list, "\"x\"", false) == row->strong, "%s", row->list);
	ck_assert_msg(etag_in_list(row->list, "\"x\"", true) == row->weak, "%s weak", row->list);
}
END_TEST

#define DAY "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

/* The file's tag is "x", its time DAY. Section 13.2.2. */
static const struct condition_row {
	struct conditions c;
	int want;
	bool range;
} CONDITIONS[] = {
	{{0}, 0, false},
	{{.if_match = "\"x\""}, 0, false},
	{{.if_match = "\"y\""}, 412, false},
	{{.if_match = "W/\"x\""}, 412, false},
	{{.if_match = "*"}, 0, false},
	{{.if_unmodified_since = DAY}, 0, false},
	{{.if_unmodified_since = BEFORE}, 412, false},
	{{.if_unmodified_since = "rubbish"}, 0, false},
	{{.if_match = "\"x\"", .if_unmodified_since = BEFORE}, 0, false},
	{{.if_none_match = "\"x\""}, 304, false},
	{{.if_none_match = "W/\"x\""}, 304, false},
	{{.if_none_match = "\"y\""}, 0, false},
	{{.if_none_match = "*"}, 304, false},
	{{.if_modified_since = DAY}, 304, false},
	{{.if_modified_since = AFTER}, 304, false},
	{{.if_modified_since = BEFORE}, 0, false},
	{{.if_modified_since = "rubbish"}, 0, false},
	/* A date with something behind it is no HTTP-date (section 5.6.7). */
	{{.if_modified_since = AFTER " x"}, 0, false},
	{{.if_modified_since = "Sunday, 06-Nov-94 08:49:37 GMT"}, 304, false},
	{{.if_modified_since = "Sun Nov  6 08:49:36 1994"}, 0, false},
	{{.if_none_match = "\"y\"", .if_modified_since = AFTER}, 0, false},
	{{.if_match = "\"x\"", .if_none_match = "\"x\""}, 304, false},
	{{.range = "bytes=0-"}, 0, true},
	{{.range = "bytes=0-", .if_range = "\"x\""}, 0, true},
	{{.range = "bytes=0-", .if_range = "\"y\""}, 0, false},
	{{.range = "bytes=0-", .if_range = "W/\"x\""}, 0, false},
	{{.range = "bytes=0-", .if_range = DAY}, 0, true},
	{{.range = "bytes=0-", .if_range = AFTER}, 0, false},
	{{.range = "bytes=0-", .if_range = "rubbish"}, 0, false},
	{{.if_range = "\"x\""}, 0, false},
};

START_TEST(test_conditions)
{
	const struct condition_row *row = &CONDITIONS[_i];
	struct validators v = {.etag = "\"x\"", .mtime_s = 784111777};

	ck_assert_msg(conditions_check(&row->c, &v) == row->want, "row %d: %d", _i,
		conditions_check(&row->c, &v));
	ck_assert_msg(conditions_range(&row->c, &v) == row->range, "row %d", _i);
}
END_TEST

Suite *suite_range(void)
{
	Suite *s = suite_create("range");
	TCase *t = tcase_create("range");

	tcase_add_loop_test(t, test_range, 0, (int)ARRAY_LEN(RANGES));
	tcase_add_loop_test(t, test_tag, 0, (int)ARRAY_LEN(TAGS));
	tcase_add_loop_test(t, test_conditions, 0, (int)ARRAY_LEN(CONDITIONS));
	suite_add_tcase(s, t);
	return s;
}
