#include "base/base64.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

/* RFC 4648 section 10, and bytes that tell the two alphabets apart. */
static const struct {
	const char *plain;
	size_t len;
	unsigned flags;
	const char *text;
} pairs[] = {
	{"", 0, BASE64_STD, ""},
	{"f", 1, BASE64_STD, "Zg=="},
	{"fo", 2, BASE64_STD, "Zm8="},
	{"foo", 3, BASE64_STD, "Zm9v"},
	{"foob", 4, BASE64_STD, "Zm9vYg=="},
	{"fooba", 5, BASE64_STD, "Zm9vYmE="},
	{"foobar", 6, BASE64_STD, "Zm9vYmFy"},
	{"\xfb\xff\xfe", 3, BASE64_STD, "+//+"},
	{"\xfb\xff\xfe", 3, BASE64_URL, "-__-"},
	{"f", 1, BASE64_URL, "Zg"},
	{"fo", 2, BASE64_URL, "Zm8"},
	{"\0\0", 2, BASE64_STD, "AAA="},
};

START_TEST(test_pairs)
{
	auto_buf struct buf out = BUF_INIT(64);
	struct err err = {0};

	buf_adds(&out, "x");
	ck_assert_int_eq(base64_encode(&out, pairs[_i].plain, pairs[_i].len, pairs[_i].flags), 0);
	ck_assert_str_eq(buf_str(&out) + 1, pairs[_i].text);
	buf_reset(&out);
	buf_adds(&out, "x");
	ck_assert_int_eq(
		base64_decode(&out, pairs[_i].text, strlen(pairs[_i].text), pairs[_i].flags, &err),
		0);
	ck_assert_uint_eq(out.len, 1 + pairs[_i].len);
	ck_assert_int_eq(memcmp(out.p + 1, pairs[_i].plain, pairs[_i].len), 0);
	ck_assert_int_eq(out.p[out.len], '\0');
}
END_TEST

static const struct {
	const char *text;
	unsigned flags;
} bad[] = {
	{"Z", BASE64_STD},
	{"Zg", BASE64_STD},
	{"Zg=", BASE64_STD},
	{"Zg===", BASE64_STD},
	{"Zg==Zg==", BASE64_STD},
	{"Zm9v=", BASE64_STD},
	{"====", BASE64_STD},
	{"Z===", BASE64_STD},
	{"Zh==", BASE64_STD}, /* unused bits */
	{"Zm9=", BASE64_STD},
	{"Zm9v\n", BASE64_STD},
	{"Zm 9v", BASE64_STD},
	{" Zm9v", BASE64_NEWLINES},
	{"Zm9-", BASE64_STD},
	{"Zm9+", BASE64_URL},
	{"Zg==", BASE64_URL},
	{"Z", BASE64_URL},
	{"Zh", BASE64_URL},
	{"Zm9v\xc3", BASE64_STD},
};

START_TEST(test_bad)
{
	auto_buf struct buf out = BUF_INIT(64);
	struct err err = {0};

	buf_adds(&out, "x");
	ck_assert_msg(
		base64_decode(&out, bad[_i].text, strlen(bad[_i].text), bad[_i].flags, &err) == -1,
		"'%s' was accepted", bad[_i].text);
	ck_assert_str_eq(buf_str(&out), "x");
	ck_assert_uint_eq(out.len, 1);
	ck_assert_ptr_null(strstr(err.msg, bad[_i].text));
}
END_TEST

START_TEST(test_newlines)
{
	static const char text[] = "Zm9v\r\nYm\nE=\n";
	auto_buf struct buf out = BUF_INIT(64);
	struct err err = {0};

	ck_assert_int_eq(base64_decode(&out, text, strlen(text), BASE64_NEWLINES, &err), 0);
	ck_assert_str_eq(buf_str(&out), "fooba");
	/* A NUL is no end. */
	ck_assert_int_eq(base64_decode(&out, "Zm9v\0", 5, BASE64_NEWLINES, &err), -1);
}
END_TEST

START_TEST(test_limit)
{
	auto_buf struct buf out = BUF_INIT(7);
	struct err err = {0};

	ck_assert_int_eq(base64_encode(&out, "foobar", 6, 0), -1);
	ck_assert(buf_over(&out));
	buf_reset(&out);
	ck_assert_int_eq(base64_decode(&out, "Zm9vYmFyZm9v", 12, 0, &err), -1);
}
END_TEST

START_TEST(test_all_bytes)
{
	auto_buf struct buf text = BUF_INIT(1024), back = BUF_INIT(1024);
	struct err err = {0};
	unsigned char all[256];
	unsigned i, flags;

	for (i = 0; i < 256; i++)
		all[i] = (unsigned char)(i * 167);
	for (flags = 0; flags < 2; flags++) {
		for (i = 0; i < 256; i++) {
			buf_reset(&text);
			buf_reset(&back);
			ck_assert_int_eq(base64_encode(&text, all, i, flags), 0);
			ck_assert_int_eq(
				base64_decode(&back, buf_str(&text), text.len, flags, &err), 0);
			ck_assert_uint_eq(back.len, i);
			if (i)
				ck_assert_int_eq(memcmp(back.p, all, i), 0);
		}
	}
}
END_TEST

Suite *suite_base64(void);
Suite *suite_base64(void)
{
	Suite *s = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_loop_test(tc, test_pairs, 0, (int)ARRAY_LEN(pairs));
	tcase_add_loop_test(tc, test_bad, 0, (int)ARRAY_LEN(bad));
	tcase_add_test(tc, test_newlines);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_all_bytes);
	suite_add_tcase(s, tc);
	return s;
}
