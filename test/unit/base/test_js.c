#include "base/js.h"

#include "base/mem.h"
#include "base/obj.h"

#include <check.h>
#include <math.h>
#include <string.h>

Suite *suite_js(void);

static int join(void *arg, const char *text, size_t len, struct err *err)
{
	struct buf *b = arg;

	if (len == 6 && !memcmp(text, "\"stop\"", 6))
		return err_set(err, ERR_STALL, "stopped");
	buf_add(b, text, len);
	return buf_addc(b, ';');
}

static const struct split_row {
	const char *doc;
	const char *items; /* each followed by ';' */
	const char *rest; /* NULL: an error */
	const char *error;
} SPLITS[] = {
	{"{\"items\":[1,2,3]}", "1;2;3;", "{\"items\":null}", NULL},
	{" { \"a\" : 1 , \"items\" : [ 1 , {\"x\":[2,3]} , \"a,]\" ] , \"b\" : [4] } ",
		"1;{\"x\":[2,3]};\"a,]\";", "{\"a\":1,\"items\":null,\"b\":[4]}", NULL},
	{"{\"items\":[]}", "", "{\"items\":null}", NULL},
	{"{\"items\":[ ]}", "", "{\"items\":null}", NULL},
	{"{\"items\":null,\"x\":1}", "", "{\"items\":null,\"x\":1}", NULL},
	{"{\"items\":{\"items\":[1]}}", "", "{\"items\":{\"items\":[1]}}", NULL},
	{"{\"x\":{\"items\":[1]},\"y\":\"items\"}", "", "{\"x\":{\"items\":[1]},\"y\":\"items\"}",
		NULL},
	{"{\"y\":\"items\",\"z\":[1]}", "", "{\"y\":\"items\",\"z\":[1]}", NULL},
	{"{}", "", "{}", NULL},
	{"{\"items\":[\"a\\\"b\\\\\",\"\\\\\"]}", "\"a\\\"b\\\\\";\"\\\\\";", "{\"items\":null}",
		NULL},
	{"{\"items\":[1,]}", "1;", NULL, "empty element in 'items'"},
	{"{\"items\":[,1]}", "", NULL, "empty element"},
	{"{\"items\":[1,,2]}", "1;", NULL, "empty element"},
	{"{\"items\":[1}", "", NULL, "unbalanced"},
	{"{\"items\":[1],\"items\":[2]}", "1;", NULL, "stands twice"},
	{"{\"items\":[1]", "1;", NULL, "cut short"},
	{"{\"items\":[1", "", NULL, "cut short"},
	{"{\"items\":[\"stop\",2]}", "", NULL, "stopped"},
	{"", "", NULL, "cut short"},
	{"[1]", "", NULL, "no object"},
	{"{}x", "", NULL, "bytes after"},
	{"{\"a\":tru}", "", NULL, "not valid JSON"},
	{"{\"a\":1,\"a\":2}", "", NULL, "not valid JSON"},
	{"{\"items\":[\"0123456789012345678901234567890123456789\"]}", "", NULL, "larger than 40"},
	{"{\"rest\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		"", NULL, "larger than 60"},
};

/* With drop_rest, what is nested in the rest is neither kept nor counted. */
static const struct split_row DROP_RESTS[] = {
	{"{\"a\":1,\"x\":{\"items\":[9],\"s\":\"}]\\\"\",\"y\":[[{}]]},\"items\":[1,{\"b\":[2]}],"
	 "\"z\":[ 3 ]}",
		"1;{\"b\":[2]};", "{\"a\":1,\"x\":null,\"items\":null,\"z\":null}", NULL},
	{"{\"rest\":[\"0123456789012345678901234567890123456789012345678901234567890123456789\"]}",
		"", "{\"rest\":null}", NULL},
	{"{\"items\":{\"items\":[1]}}", "", "{\"items\":null}", NULL},
	{"{\"x\":{\"items\":[1]", "", NULL, "cut short"},
	{"{\"x\":{},\"x\":[]}", "", NULL, "not valid JSON"},
	{"{\"x\":{}{}}", "", NULL, "not valid JSON"},
	{"{\"rest\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
		"", NULL, "larger than 60"},
};

static void split(const struct split_row *row, size_t piece, bool drop_rest)
{
	size_t n = strlen(row->doc), at;
	auto_buf struct buf items = BUF_INIT(BUF_ANY), rest = BUF_INIT(BUF_ANY);
	auto_json json_t *o = NULL;
	struct js_split s;
	struct err err = {0};
	int rc = 0;

	js_split_init(&s, "items", 40, 60, join, &items);
	s.drop_rest = drop_rest;
	for (at = 0; at < n && !rc; at += piece)
		rc = js_split_feed(&s, row->doc + at, n - at < piece ? n - at : piece, &err);
	if (!rc)
		rc = js_split_end(&s, &o, &err);
	ck_assert_msg(!rc == !!row->rest, "'%s': %d %s", row->doc, rc, err.msg);
	ck_assert_msg(
		!strcmp(buf_str(&items), row->items), "'%s': '%s'", row->doc, buf_str(&items));
	if (rc) {
		ck_assert_msg(strstr(err.msg, row->error), "'%s': %s", row->doc, err.msg);
	} else {
		obj_write(o, &rest);
		ck_assert_str_eq(buf_str(&rest), row->rest);
	}
	js_split_clear(&s);
}

START_TEST(test_split)
{
	static const size_t PIECES[] = {1, 3, 1000};

	split(&SPLITS[_i / 3], PIECES[_i % 3], false);
}
END_TEST

START_TEST(test_drop_rest)
{
	static const size_t PIECES[] = {1, 3, 1000};

	split(&DROP_RESTS[_i / 3], PIECES[_i % 3], true);
}
END_TEST

START_TEST(test_write)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	auto_json json_t *o = json_pack("{s:i}", "z", 1);
	struct js_w w = JS_W(&b);

	js_begin(&w, '{');
	js_kstr(&w, "s", "a\"\\\n\t\x01/\x7f");
	js_kstr(&w, "n", NULL);
	js_kint(&w, "i", INT64_MIN);
	js_key(&w, "u");
	js_uint(&w, UINT64_MAX);
	js_key(&w, "b");
	js_bool(&w, true);
	js_kobj(&w, "o", o);
	js_kobj(&w, "absent", NULL);
	js_key(&w, "l");
	js_begin(&w, '[');
	js_begin(&w, '[');
	js_end(&w, ']');
	js_begin(&w, '{');
	js_end(&w, '}');
	js_num(&w, 0.5);
	js_num(&w, NAN);
	js_raw(&w, "[1, 2]", 6);
	js_end(&w, ']');
	js_key(&w, "k\"ey");
	js_strn(&w, "a\0b", 3);
	js_end(&w, '}');
	ck_assert_str_eq(b.p,
		"{\"s\":\"a\\\"\\\\\\n\\u0009\\u0001/\x7f\",\"n\":null,\"i\":-9223372036854775808,"
		"\"u\":18446744073709551615,\"b\":true,\"o\":{\"z\":1},\"l\":[[],{},0.5,null,[1, "
		"2]],"
		"\"k\\\"ey\":\"a\\u0000b\"}");
}
END_TEST

/* Bytes that are no UTF-8 (RFC 3629) become U+FFFD, one each; the rest passes. */
static const struct utf8_row {
	const char *in, *out;
} UTF8[] = {
	{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"\xe4", "\xef\xbf\xbd"},
	{"a\xc3", "a\xef\xbf\xbd"},
	{"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xf8\x88\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"\xe2\x82x", "\xef\xbf\xbd\xef\xbf\xbdx"},
};

START_TEST(test_utf8)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY), want = BUF_INIT(BUF_ANY);
	struct js_w w = JS_W(&b);

	js_str(&w, UTF8[_i].in);
	buf_addf(&want, "\"%s\"", UTF8[_i].out);
	ck_assert_str_eq(b.p, want.p);
}
END_TEST

Suite *suite_js(void)
{
	Suite *s = suite_create("js");
	TCase *t = tcase_create("js");

	tcase_add_loop_test(t, test_split, 0, 3 * (int)ARRAY_LEN(SPLITS));
	tcase_add_loop_test(t, test_drop_rest, 0, 3 * (int)ARRAY_LEN(DROP_RESTS));
	tcase_add_test(t, test_write);
	tcase_add_loop_test(t, test_utf8, 0, (int)ARRAY_LEN(UTF8));
	suite_add_tcase(s, t);
	return s;
}
