/* CBOR: the examples of RFC 8949 appendix A that matter, and what is malformed. */
#include "base/cbor.h"

#include "base/limits.h"
#include "base/vec.h"

#include <check.h>
#include <string.h>

Suite *suite_cbor(void);

/* ---- items ----------------------------------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t len;
	enum cbor_kind kind;
	uint64_t n;
	const char *data;
} items[] = {
	{"\x00", 1, CBOR_UINT, 0, NULL},
	{"\x17", 1, CBOR_UINT, 23, NULL},
	{"\x18\x18", 2, CBOR_UINT, 24, NULL},
	{"\x18\x01", 2, CBOR_UINT, 1, NULL},
	{"\x19\x03\xe8", 3, CBOR_UINT, 1000, NULL},
	{"\x1a\x00\x0f\x42\x40", 5, CBOR_UINT, 1000000, NULL},
	{"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", 9, CBOR_UINT, UINT64_MAX, NULL},
	{"\x20", 1, CBOR_NINT, 0, NULL},
	{"\x38\x63", 2, CBOR_NINT, 99, NULL},
	{"\x40", 1, CBOR_BYTES, 0, ""},
	{"\x44\x01\x02\x03\x04", 5, CBOR_BYTES, 4, "\x01\x02\x03\x04"},
	{"\x58\x01z", 3, CBOR_BYTES, 1, "z"},
	{"\x60", 1, CBOR_TEXT, 0, ""},
	{"\x62\xc3\xbc", 3, CBOR_TEXT, 2, "\xc3\xbc"},
	{"\x80", 1, CBOR_ARRAY, 0, NULL},
	{"\x82\x01\x02", 1, CBOR_ARRAY, 2, NULL},
	{"\xa1\x01\x02", 1, CBOR_MAP, 1, NULL},
	{"\xc1\x01", 1, CBOR_TAG, 1, NULL},
	{"\xd8\x20\x01", 2, CBOR_TAG, 32, NULL},
	{"\xf4", 1, CBOR_OTHER, 20, NULL},
	{"\xf9\x3c\x00", 3, CBOR_OTHER, 0x3c00, NULL},
};

START_TEST(test_items)
{
	size_t n = strlen(items[_i].bytes);
	struct cbor r = cbor_of(items[_i].bytes, n > items[_i].len ? n : items[_i].len);
	const unsigned char *start = r.p;
	struct cbor_item item;
	struct err err = {0};

	ck_assert_msg(!cbor_next(&r, &item, &err), "row %d: %s", _i, err.msg);
	ck_assert_int_eq(item.kind, items[_i].kind);
	ck_assert_uint_eq(item.n, items[_i].n);
	ck_assert_uint_eq((size_t)(r.p - start), items[_i].len);
	ck_assert_int_eq(!item.data, !items[_i].data);
	if (item.data)
		ck_assert_mem_eq(item.data, items[_i].data, item.n);
}
END_TEST

/* ---- what is none ---------------------------------------------------------------------------- */

#define ENDS "it ends inside an item"
#define LENGTH "an item has no length of its own"

static const struct {
	const char *bytes;
	size_t len;
	const char *why;
} bad[] = {
	{"", 0, ENDS},
	{"\x18", 1, ENDS},
	{"\x1b\x00\x00\x00\x00\x00\x00\x00", 8, ENDS},
	{"\x41", 1, ENDS},
	{"\x5b\xff\xff\xff\xff\xff\xff\xff\xffx", 10, ENDS},
	{"\x61", 1, ENDS},
	{"\x82\x01", 2, ENDS},
	{"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10, ENDS},
	{"\xa1\x01", 2, ENDS},
	{"\xbb\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00", 11, ENDS},
	{"\xc1", 1, ENDS},
	{"\x1c", 1, "an item is of no known form"},
	{"\x5e", 1, "an item is of no known form"},
	{"\x5f\x41x\xff", 4, LENGTH},
	{"\x7f\x61x\xff", 4, LENGTH},
	{"\x9f\x01\xff", 3, LENGTH},
	{"\xbf\x01\x01\xff", 4, LENGTH},
	{"\xff", 1, LENGTH},
	{"\x62\xc3\x28", 3, "a text is not UTF-8"},
	{"\x62\xed\xa0", 3, "a text is not UTF-8"},
};

START_TEST(test_bad)
{
	struct cbor r = cbor_of(bad[_i].bytes, bad[_i].len);
	struct cbor_item item;
	struct err err = {0};

	ck_assert_msg(cbor_next(&r, &item, &err) == -1, "row %d", _i);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_msg(strstr(err.msg, bad[_i].why), "row %d: %s", _i, err.msg);
}
END_TEST

/* ---- whole values ---------------------------------------------------------------------------- */

static const struct {
	const char *bytes;
	size_t len;
} values[] = {
	{"\x00", 1},
	{"\x83\x01\x82\x02\x03\x82\x04\x05", 8},
	{"\xa2\x61"
	 "a\x01\x61"
	 "b\x82\x02\x03",
		9},
	{"\xc1\xc1\x01", 3},
	{"\xd2\x84\x43\xa1\x01\x26\xa0\x40\x41x", 10},
	{"\xa0", 1},
};

START_TEST(test_skip)
{
	char bytes[64];
	struct cbor r;
	struct err err = {0};
	size_t i;

	memcpy(bytes, values[_i].bytes, values[_i].len);
	bytes[values[_i].len] = '\x07';
	r = cbor_of(bytes, values[_i].len + 1);
	ck_assert_msg(!cbor_skip(&r, &err), "row %d: %s", _i, err.msg);
	ck_assert_ptr_eq(r.p, (unsigned char *)bytes + values[_i].len);
	for (i = 0; i < values[_i].len; i++) {
		r = cbor_of(bytes, i);
		ck_assert_msg(cbor_skip(&r, &err) == -1, "row %d: %zu bytes", _i, i);
	}
}
END_TEST

START_TEST(test_depth)
{
	static const char ways[] = {'\x81', '\xc1'};
	char bytes[LIMIT_CBOR_DEPTH + 2];
	struct cbor r;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ways); i++) {
		struct err err = {0};

		memset(bytes, ways[i], sizeof(bytes));
		bytes[LIMIT_CBOR_DEPTH] = '\0';
		r = cbor_of(bytes, LIMIT_CBOR_DEPTH + 1);
		ck_assert_msg(!cbor_skip(&r, &err), "%s", err.msg);
		bytes[LIMIT_CBOR_DEPTH] = ways[i];
		bytes[LIMIT_CBOR_DEPTH + 1] = '\0';
		r = cbor_of(bytes, sizeof(bytes));
		ck_assert_int_eq(cbor_skip(&r, &err), -1);
		ck_assert_str_eq(err.msg, "it is nested more than 16 deep");
	}
}
END_TEST

Suite *suite_cbor(void)
{
	Suite *s = suite_create("cbor");
	TCase *tc = tcase_create("reader");

	tcase_add_loop_test(tc, test_items, 0, ARRAY_LEN(items));
	tcase_add_loop_test(tc, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_loop_test(tc, test_skip, 0, ARRAY_LEN(values));
	tcase_add_test(tc, test_depth);
	suite_add_tcase(s, tc);
	return s;
}
