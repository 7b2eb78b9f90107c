/* How large a tree a document may become; the rest of lib/base/obj is in test_base.c. */
#include "base/obj.h"

#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <errno.h>
#include <string.h>

static const struct obj_limits FOUR = {4, 2};

static const struct {
	const char *text, *says; /* says NULL: it is within the limits */
} ROWS[] = {
	{"{\"a\":1,\"b\":2,\"c\":3}", NULL},
	{"{\"a\":1,\"b\":2,\"c\":3,\"d\":4}", "x has more than 4 values"},
	{"[1,2,3]", NULL},
	{"[true,null,-1.5e3]", NULL},
	{"[1,2,3,4]", "more than 4 values"},
	{"[{},[],\"\"]", NULL},
	{"[{},[],\"\",{}]", "more than 4 values"},
	{"[\"a,b:{}[]\\\"]\",\"\\\\\",1]", NULL},
	{"[\"a,b:{}[]\\\"]\",\"\\\\\",1,2]", "more than 4 values"},
	{" [ 1 , 2\t,\n3\r] ", NULL},
	{"[[]]", NULL},
	{"[[[]]]", "x is nested more than 2 levels deep"},
	{"[[[", "nested more than 2 levels"},
	{"{\"a\":{\"b\":{}}}", "nested more than 2 levels"},
	{"[[],[],[]]", NULL},
	/* A name that never gets its colon is a value, and colons take nothing away from what
	   stands before them. */
	{"\"a\" \"b\" \"c\" \"d\" \"e\"", "more than 4 values"},
	{"::::::::[1,2,3,4", "more than 4 values"},
	/* What is no JSON is for the parser to refuse. */
	{"", NULL},
	{"\"", NULL},
	{"\"\\", NULL},
	{"]]}}", NULL},
};

START_TEST(test_measure)
{
	struct err err = {0};
	int rc = obj_measure(ROWS[_i].text, strlen(ROWS[_i].text), &FOUR, "x", &err);

	ck_assert_msg(rc == (ROWS[_i].says ? -1 : 0), "'%s': %s", ROWS[_i].text, err.msg);
	if (!ROWS[_i].says)
		return;
	ck_assert_msg(strstr(err.msg, ROWS[_i].says), "'%s': '%s' does not say '%s'", ROWS[_i].text,
		err.msg, ROWS[_i].says);
	ck_assert_int_eq(err.code, -E2BIG);
	ck_assert_ptr_null(
		obj_parse_within(ROWS[_i].text, strlen(ROWS[_i].text), &FOUR, "x", &err));
}
END_TEST

/* `n` times "{}," as the list of a document, in no more memory than the text. */
START_TEST(test_bomb)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	size_t before = mem_in_use();
	struct err err = {0};
	json_t *o;
	int i;

	buf_adds(&b, "[{}");
	for (i = 0; i < 1000000; i++)
		buf_adds(&b, ",{}");
	buf_adds(&b, "]");
	ck_assert_ptr_null(obj_parse(b.p, b.len, "it", &err));
	ck_assert_str_eq(err.msg, "it has more than 100000 values");
	ck_assert_uint_lt(mem_in_use() - before, b.cap + LIMIT_MIB);
	/* What is allowed takes some 300 bytes a value at most: LIMIT_MEMORY_MANIFEST goes by
	   that. */
	b.len = 3 * (LIMIT_JSON_MANIFEST_VALUES - 1) + 1;
	b.p[b.len - 1] = ']';
	before = mem_in_use();
	o = obj_parse_within(b.p, b.len, &obj_manifest, "it", &err);
	ck_assert_msg(o, "%s", err.msg);
	if (mem_in_use() > before) /* the sanitizers' allocator tells nothing */
		ck_assert_uint_lt(mem_in_use() - before, LIMIT_MEMORY_MANIFEST);
	json_decref(o);
}
END_TEST

static const struct {
	const char *text, *want; /* want NULL: it is refused */
} MANAGED[] = {
	{"{\"metadata\":{\"managedFields\":[{\"f:a\":{}},\"]\",[]],\"name\":\"x\"}}",
		"{\"metadata\":{\"managedFields\":[],\"name\":\"x\"}}"},
	{"{\"managedFields\":[]}", "{\"managedFields\":[]}"},
	{"{\"managedFields\":\"x\"}", "{\"managedFields\":\"x\"}"},
	/* in a string, and as the end of another name */
	{"{\"a\":\"\\\"managedFields\\\":[1]\"}", "{\"a\":\"\\\"managedFields\\\":[1]\"}"},
	{"{\"\\\"managedFields\":[1]}", "{\"\\\"managedFields\":[1]}"},
	{"{\"managedFields\":[1", NULL},
	{"{\"managedFields\":[\"", NULL},
};

/* The message of a broken document quotes it, on one line. */
START_TEST(test_one_line)
{
	static const char text[] = "{\"a\":\"b\\\nc\"}";
	struct err err = {0};

	ck_assert_ptr_null(obj_parse(text, strlen(text), "it", &err));
	ck_assert_msg(strstr(err.msg, "it is not valid JSON: line "), "%s", err.msg);
	ck_assert_msg(!strchr(err.msg, '\n'), "%s", err.msg);
}
END_TEST

START_TEST(test_managed_fields)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	const char *text = MANAGED[_i].text;
	struct err err = {0};
	auto_json json_t *o = obj_parse_api(text, strlen(text), "it", &err);

	ck_assert_msg(!o == !MANAGED[_i].want, "%s: %s", text, err.msg);
	if (!o)
		return;
	ck_assert_int_eq(obj_write(o, &b), 0);
	ck_assert_str_eq(buf_str(&b), MANAGED[_i].want);
}
END_TEST

/* They do not count: users can make them the largest part of an object. */
START_TEST(test_managed_fields_bomb)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	auto_json json_t *o = NULL;
	int i;

	buf_adds(&b, "{\"metadata\":{\"managedFields\":[{}");
	for (i = 0; i < 200000; i++)
		buf_adds(&b, ",{}");
	buf_adds(&b, "],\"name\":\"web\"}}");
	o = obj_parse_api(b.p, b.len, "it", &err);
	ck_assert_msg(o, "%s", err.msg);
	ck_assert_str_eq(obj_str(o, "metadata", "name"), "web");
}
END_TEST

Suite *suite_obj(void);
Suite *suite_obj(void)
{
	Suite *s = suite_create("obj");
	TCase *tc = tcase_create("obj");

	tcase_add_loop_test(tc, test_measure, 0, ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_bomb);
	tcase_add_test(tc, test_one_line);
	tcase_add_loop_test(tc, test_managed_fields, 0, ARRAY_LEN(MANAGED));
	tcase_add_test(tc, test_managed_fields_bomb);
	suite_add_tcase(s, tc);
	return s;
}
