#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "table.h"
#include "text/cel.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char *const vars[] = {"res", "req", "vars", NULL};

static const char values_text[] =
	"{\"res\":{\"metadata\":{\"name\":\"web\"}},"
	"\"req\":{\"tag\":\"org/web:1\",\"n\":1,\"list\":[\"a\",\"b\"],\"nul\":\"a\\u0000b\","
	"\"map\":{\"ab\":1},\"obj\":{\"x\":[1,2.5,null,true]}},"
	"\"vars\":{\"n\":5,\"d\":5.0,\"l\":[1,2.5]}}";

/* What an expression of any type comes to: JSON, or why not. */
static char *result(const char *text, struct err *err)
{
	auto_json json_t *all = json_loads(values_text, JSON_ALLOW_NUL, NULL), *value = NULL;
	const json_t *values[] = {json_object_get(all, "res"), json_object_get(all, "req"),
		json_object_get(all, "vars")};
	struct cel *c = NULL;
	char *out = NULL;
	int rc;

	err_clear(err);
	rc = cel_new_any(&c, text, vars, err);
	ck_assert_msg(!rc || err->kind == ERR_STALL, "'%s': kind %d", text, err->kind);
	if (!rc && !cel_eval(c, values, &value, err))
		out = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	cel_free(c);
	return out ? out : mem_strdup(err->msg);
}

/* ---- as cel-go has it ------------------------------------------------------------------------ */

/* What test/e2e/tools/celdiff printed; the count is pinned: a cut table would pass. */
START_TEST(rc_30_each_construct_as_cel_go_has_it)
{
	struct table_result res = {0};

	ck_assert_int_eq(table_run("test/unit/text/data/cel.tsv", &res), 0);
	ck_assert_msg(res.failed == 0, "%lu rows differ", res.failed);
	ck_assert_uint_eq(res.passed, 2076);
}
END_TEST

/* ---- what is refused, and how it is said ----------------------------------------------------- */

static const struct {
	const char *text;
	const char *says; /* NULL: it is taken */
} filters[] = {
	{"res.metadata.name == req.tag", NULL},
	{"has(req.x)", NULL},
	{"!!req.n", "the type of the expression must be 'bool', it is 'dyn'"},
	{"req.n", "the type of the expression must be 'bool', it is 'dyn'"},
	{"req", "the type of the expression must be 'bool', it is 'map'"},
	{"1 + 1", "the type of the expression must be 'bool', it is 'int'"},
	{"", "the expression ends too early (at byte 1)"},
	{"req.n ==", "the expression ends too early (at byte 9)"},
	{"req.n == 1 1", "unexpected '1' (at byte 12)"},
	{"req.n = 1", "unexpected '=' (at byte 7)"},
	{"req.n == \"a", "a string has no end (at byte 10)"},
	{"req.n == '\\q'", "invalid escape in a string (at byte 11)"},
	{"\x01", "unexpected character (at byte 1)"},
	{"\"a\" \"b\"", "unexpected string (at byte 5)"},
	{"claims.sub == 'x'", "there is no variable 'claims' (at byte 1)"},
	{"for == 1", "the word 'for' is reserved (at byte 1)"},
	{"1 == 1.0", "no '_==_' takes (int, double) (at byte 3)"},
	{"[1, 'a'] == []", "expected type 'int', found 'string' (at byte 5)"},
	{"{1: 2, 'a': 2} == {}", "expected type 'int', found 'string' (at byte 8)"},
	{"req == 1", "no '_==_' takes (map(string, dyn), int) (at byte 5)"},
	{"true && 'a'", "expected type 'bool', found 'string' (at byte 9)"},
	{"'a'.b", "a value of type 'string' has no field 'b' (at byte 5)"},
	{"'a'.all(x, true)", "a value of type 'string' has no items to go over (at byte 1)"},
	{"[1].all(1, true)",
		"the first argument of 'all' must be the name of a variable (at byte 9)"},
	{"has(req)", "the argument of 'has' must be a field: x.name (at byte 1)"},
	{"99999999999999999999 == 1",
		"the number '99999999999999999999' is out of range (at byte 1)"},
	{"int('x') == 1", "this 'string' cannot become 'int' (at byte 1)"},
	{"req.tag.matches('(')", "pattern '(' is not valid: missing ): ( (at byte 9)"},
	{"[?req.n] == []", "expected type 'optional_type(dyn)', found 'dyn' (at byte 7)"},
	{"Foo{a: 1} == 1", "messages ('Foo{...}') are not supported (at byte 4)"},
	{"a.b.Foo{} == 1", "messages ('Foo{...}') are not supported (at byte 8)"},
	{"cel.bind(x, 1, x == 1)", "the function 'cel.bind' is not supported (at byte 5)"},
	{"math.greatest(1, 2) == 2", "the function 'math.greatest' is not supported (at byte 6)"},
	{"req.tag.reverse() == ''", "the function 'reverse' is not supported (at byte 9)"},
	{"'%d'.format([1]) == '1'", "the function 'format' is not supported (at byte 6)"},
	{"strings.quote('a') == ''", "the function 'strings.quote' is not supported (at byte 9)"},
	{"timestamp(0).getHours() == 0", "the function 'getHours' is not supported (at byte 14)"},
	{"req.?n.optMap(x, x) == 1", "the function 'optMap' is not supported (at byte 8)"},
	{"[1].all(x)", "the function 'all' is not supported (at byte 5)"},
	{"contains('a', 'b')", "the function 'contains' is not supported (at byte 1)"},
	{"[1].type() == int", "the function 'type' is not supported (at byte 5)"},
	{"size(1, 2) == 1", "no 'size' takes (int, int) (at byte 1)"},
	{"'a'.replace(1, 2, 3, 4, 5) == ''",
		"no 'replace' takes (string, int, int, int, int, int) "
		"(at byte 5)"},
	{"'a'.matches('\\x00')", "a pattern with a NUL is not supported (at byte 5)"},
	{"\xff", "the expression is not UTF-8"},
};

START_TEST(rc_28_what_is_no_filter)
{
	struct err err = {0};
	struct cel *c = NULL;
	int rc = cel_new(&c, filters[_i].text, vars, &err);

	if (!filters[_i].says) {
		ck_assert_msg(!rc, "'%s': %s", filters[_i].text, err.msg);
		ck_assert_int_eq(err.kind, ERR_NONE);
	} else {
		ck_assert_msg(rc, "'%s' was taken", filters[_i].text);
		ck_assert_int_eq(err.kind, ERR_STALL);
		ck_assert_msg(!strcmp(err.msg, filters[_i].says), "'%s': got '%s', want '%s'",
			filters[_i].text, err.msg, filters[_i].says);
	}
	cel_free(c);
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	const char *want; /* JSON, or the message */
} results[] = {
	{"req.tag.contains(res.metadata.name)", "true"},
	{"req.x == 1", "there is no 'x'"},
	{"req.list[2]", "there is no item 2"},
	/* A long key is cut between two characters. */
	{"req['x' + 'éééééééééé'.replace('', 'ééé')]",
		"there is no 'xééééééééééééééééééééééééééééééééééééééé'"},
	{"req.n + 1", "no '_+_' takes (double, int)"},
	{"req.n + 1.0", "2.0"},
	{"req.n % 2", "no '_%_' takes (double, int)"},
	{"vars.n + 1", "6"},
	{"vars.n % 2 == 1 && vars.d == 5.0 && vars.l[0] + 1 == 2", "true"},
	{"vars.l", "[1,2.5]"},
	{"vars", "{\"n\":5,\"d\":5.0,\"l\":[1,2.5]}"},
	{"req.obj", "{\"x\":[1.0,2.5,null,true]}"},
	{"{'a': [1, 1.5], 'b': null}.a", "expected type 'int', found 'double' (at byte 11)"},
	{"req.obj.x.map(v, v)", "[1.0,2.5,null,true]"},
	{"req.nul.size()", "3"},
	{"req.nul", "\"a\\u0000b\""},
	{"req.nul == 'a\\x00b' && !('a\\x00b' in req.map) && !('a' in req.map)", "true"},
	{"req.map", "{\"ab\":1.0}"},
	{"req.tag.matches(req.nul)", "a pattern with a NUL is not supported"},
	{"req.tag.matches('(' + '')", "pattern '(' is not valid: missing ): ("},
	{"1 / 0", "division by zero"},
	{"9223372036854775807 + 1", "a number is out of range"},
	{"0.0 / 0.0 < 1.0", "NaN has no order"},
	{"'a'.charAt(5)", "the position 5 is out of range"},
	{"['a', 'b'].map(x, req[x])", "there is no 'a'"},
	{"req.list.join() + [req.n].join()", "'join' found a 'double' in the list"},
	{"req.n ? 1 : 2", "expected a bool, found a 'double'"},
	{"req.n.all(x, true)", "a 'double' has no items to go over"},
	{"req.list['a']", "a 'string' is no position in a list"},
	{"req[req.list]", "a 'list' is no key"},
	{"{req.list: 1}", "a 'list' is no key"},
	{"req.?x.value()", "there is no value in the optional one"},
	{"base64.decode('?')", "the text is no base64"},
	{"int(req.tag)", "this 'string' cannot become 'int'"},
	{"double('nan')", "a number that is not finite has no JSON form"},
	{"req.?n", "a value of type 'optional_type' has no JSON form"},
	{"[timestamp(0)]", "a value of type 'google.protobuf.Timestamp' has no JSON form"},
	{"{1: 2}", "a map with keys of type 'int' has no JSON form"},
	{"{'a': b'x'}", "a value of type 'bytes' has no JSON form"},
	{"1u", "a value of type 'uint' has no JSON form"},
	{"int", "a value of type 'type' has no JSON form"},
};

START_TEST(test_results)
{
	struct err err;
	auto_free char *got = result(results[_i].text, &err);

	ck_assert_msg(!strcmp(got, results[_i].want), "'%s': got '%s', want '%s'", results[_i].text,
		got, results[_i].want);
}
END_TEST

START_TEST(rc_27_a_filter_of_values)
{
	auto_json json_t *all = json_loads(values_text, JSON_ALLOW_NUL, NULL);
	const json_t *values[] = {json_object_get(all, "res"), json_object_get(all, "req"), NULL};
	struct err err = {0};
	struct cel *c;
	bool yes = false;

	ck_assert_int_eq(cel_new(&c, "req.tag.contains(res.metadata.name)", vars, &err), 0);
	ck_assert_int_eq(cel_bool(c, values, &yes, &err), 0);
	ck_assert(yes);
	ck_assert_int_eq(err.kind, ERR_NONE);
	cel_free(c);
	ck_assert_int_eq(cel_new(&c, "req.list.exists(x, x == 'c')", vars, &err), 0);
	ck_assert_int_eq(cel_bool(c, values, &yes, &err), 0);
	ck_assert(!yes);
	cel_free(c);
	/* A field that is missing, then a variable. */
	ck_assert_int_eq(cel_new(&c, "req.x == 1", vars, &err), 0);
	ck_assert_int_eq(cel_bool(c, values, &yes, &err), -1);
	ck_assert_str_eq(err.msg, "there is no 'x'");
	ck_assert_int_eq(err.kind, ERR_RETRY);
	cel_free(c);
	ck_assert_int_eq(cel_new(&c, "vars.n == 1", vars, &err), 0);
	ck_assert_int_eq(cel_bool(c, values, &yes, &err), -1);
	ck_assert_str_eq(err.msg, "there is no 'vars'");
	cel_free(c);
	cel_free(NULL);
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */

/* begin, n times middle, end. */
static char *repeated(const char *begin, const char *middle, size_t n, const char *end)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, begin);
	while (n--)
		buf_adds(&b, middle);
	buf_adds(&b, end);
	return buf_take(&b);
}

static const struct {
	const char *begin, *middle;
	size_t n;
	const char *end;
	const char *want; /* what the message or the result begins with */
} limits[] = {
	/* 8,192 bytes, and one more. */
	{"1 ", " ", 8190, "", "1"},
	{"1 ", " ", 8191, "", "the expression is over 8192 bytes"},
	{"", "(", 63, "1", "the expression ends too early"},
	{"", "(", 8192, "", "nested more than 64 levels deep"},
	{"", "[", 8192, "", "nested more than 64 levels deep"},
	{"", "{1:", 2700, "", "nested more than 64 levels deep"},
	{"", "size(", 1600, "", "nested more than 64 levels deep"},
	{"", "[1][", 2000, "", "nested more than 64 levels deep"},
	{"", "true?1:", 1000, "1", "nested more than 64 levels deep"},
	{"req", ".a", 63, "", "there is no 'a'"},
	{"req", ".a", 64, "", "nested more than 64 levels deep"},
	{"1", "+1", 63, "", "64"},
	{"1", "+1", 64, "", "nested more than 64 levels deep"},
	{"'a'", ".trim()", 1000, "", "nested more than 64 levels deep"},
	{"[1]", ".map(x,x)", 62, "", "[1]"},
	{"", "(true&&(false||", 30,
		"1/0==1))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))",
		"division by zero"},
	{"", "!", 8000, "true", "true"},
	{"", "-", 8001, "1", "-1"},
	/* && and || may have as many terms as fit. */
	{"true", "&&true", 1300, "", "true"},
	{"false", "||false", 1000, "", "false"},
	{"[1", ",1", 4000, "].size()", "4001"},
	/* Types that double each time. */
	{"[1]", ".map(x,{'a':x}).map(x,[x,x])", 20, ".size()", "1"},
	/* Steps: 10 to the power of so many. */
	{"[0,1,2,3,4,5,6,7,8,9]", ".filter(x,true)", 20, ".size()", "10"},
	{"[0,1,2,3,4,5,6,7,8,9].all(x,", "[0,1,2,3,4,5,6,7,8,9].all(x,", 7, "true))))))))",
		"more than 1000000 steps"},
	{"true || [0,1,2,3,4,5,6,7,8,9].all(x,", "[0,1,2,3,4,5,6,7,8,9].all(x,", 7, "true))))))))",
		"true"},
	/* Running out is no error that || takes away. */
	{"[0,1,2,3,4,5,6,7,8,9].all(x,", "[0,1,2,3,4,5,6,7,8,9].all(x,", 7, "true)))))))) || true",
		"more than 1000000 steps"},
	{"[1,2].exists(y, [0,1,2,3,4,5,6,7,8,9].all(x,", "[0,1,2,3,4,5,6,7,8,9].all(x,", 7,
		"true)))))))) || y == 2)", "more than 1000000 steps"},
	/* Patterns: constant ones, then those of one evaluation. */
	{"'a'.matches('a')", "&&'a'.matches('a')", 15, "", "true"},
	{"'a'.matches('a')", "&&'a'.matches('a')", 16, "", "more than 16 patterns"},
	{"'a'.matches('a{900}')", "||'a'.matches('a{900}')", 7, "",
		"the patterns are too large together"},
	{"[0,1,2,3,4,5,6,7,8,9].all(a,[0,1,2,3,4,5,6,7,8,9].all(b,'a'.matches('a'+", "''+", 1,
		"'')))", "true"},
	{"[0,1,2,3,4,5,6,7,8,9].all(a,[0,1,2,3,4,5,6,7,8,9].all(b,!'a'.matches('a{999}'+", "''+", 1,
		"'')))", "more than 1000000 steps"},
	{"[0,1,2,3,4,5,6,7,8,9].all(a,[0,1,2,3].all(b,'a'.matches('('+'')||true))", "", 0, "",
		"more than 1000000 steps"},
	/* Each byte may meet each instruction. */
	{"['0123456789abcdef']", ".map(x,x+x)", 14, ".all(x,!x.matches('x{100}'))",
		"more than 1000000 steps"},
	/* Memory: a string that doubles. */
	{"['0123456789abcdef']", ".map(x,x+x)", 14, ".all(x,x.size()==262144)", "true"},
	{"['0123456789abcdef']", ".map(x,x+x)", 20, "", "the values take more than 1048576 bytes"},
	{"['0123456789abcdef']", ".map(x,x.replace('','0123456789abcdef'))", 8, "",
		"the values take more than 1048576 bytes"},
	{"['0123456789abcdef']", ".map(x,[x,x,x,x,x,x,x,x,x,x].join(x))", 8, "",
		"the values take more than 1048576 bytes"},
	{"[['a']]", ".map(x,x+x)", 20, "", "the values take more than 1048576 bytes"},
	{"['0123456789abcdef']", ".map(x,x.replace('','0123456789abcdef'))", 3, ".size()", "1"},
};

START_TEST(test_limits)
{
	auto_free char *text =
		repeated(limits[_i].begin, limits[_i].middle, limits[_i].n, limits[_i].end);
	auto_free char *got = NULL;
	struct err err;

	got = result(text, &err);
	ck_assert_msg(!strncmp(got, limits[_i].want, strlen(limits[_i].want)),
		"row %d, '%.60s...': got '%s', want '%s'", _i, text, got, limits[_i].want);
}
END_TEST

/* What a test allocates is given back, so that a long list of the body passes. */
START_TEST(test_memory_is_given_back)
{
	auto_json json_t *req = json_object(), *list = json_array();
	auto_free char *item = repeated("", "x", 1000, "");
	const json_t *values[] = {NULL, req, NULL};
	struct err err = {0};
	struct cel *c;
	bool yes = false;
	int i;

	for (i = 0; i < 5000; i++)
		json_array_append_new(list, json_string(item));
	json_object_set(req, "list", list);
	ck_assert_int_eq(
		cel_new(&c, "req.list.all(x, x.upperAscii().startsWith('X'))", vars, &err), 0);
	ck_assert_msg(!cel_bool(c, values, &yes, &err), "%s", err.msg);
	ck_assert(yes);
	cel_free(c);
}
END_TEST

/* Deeper than any JSON that we parse. */
START_TEST(test_deep_values)
{
	auto_json json_t *req = json_object();
	const json_t *values[] = {NULL, req, NULL};
	json_t *deep = json_integer(1), *out = NULL;
	struct err err = {0};
	struct cel *c;
	bool yes;
	int i;

	for (i = 0; i < 1000; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, deep);
		deep = outer;
	}
	json_object_set_new(req, "a", deep);
	ck_assert_int_eq(cel_new(&c, "req.a == req.a", vars, &err), 0);
	ck_assert_int_eq(cel_bool(c, values, &yes, &err), -1);
	ck_assert_str_eq(err.msg, "a value is nested too deep");
	cel_free(c);
	ck_assert_int_eq(cel_new_any(&c, "req.a", vars, &err), 0);
	ck_assert_int_eq(cel_eval(c, values, &out, &err), -1);
	ck_assert_str_eq(err.msg, "a value is nested too deep");
	cel_free(c);
}
END_TEST

Suite *suite_cel(void);
Suite *suite_cel(void)
{
	Suite *s = suite_create("cel");
	TCase *tc = tcase_create("cel");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, rc_30_each_construct_as_cel_go_has_it);
	tcase_add_loop_test(tc, rc_28_what_is_no_filter, 0, ARRAY_LEN(filters));
	tcase_add_loop_test(tc, test_results, 0, ARRAY_LEN(results));
	tcase_add_test(tc, rc_27_a_filter_of_values);
	tcase_add_loop_test(tc, test_limits, 0, ARRAY_LEN(limits));
	tcase_add_test(tc, test_memory_is_given_back);
	tcase_add_test(tc, test_deep_values);
	suite_add_tcase(s, tc);
	return s;
}
