#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "text/yaml.h"

#include <check.h>
#include <string.h>

/* The documents as compact JSON, one after the other with their lines: "1:{...} 4:[...]". */
static char *dump(const struct ydocs *docs)
{
	struct buf b = BUF_INIT(BUF_ANY);
	size_t i;

	for (i = 0; i < docs->count; i++) {
		auto_free char *json = json_dumps(
			docs->at[i].root, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

		buf_addf(&b, "%s%u:%s", i ? " " : "", docs->at[i].line, json);
	}
	return buf_take(&b);
}

static const struct {
	const char *text, *want;
} documents_rows[] = {{"a: 1\n", "1:{\"a\":1}"}, {"", ""}, {"# c\n---\n---\nnull\n", ""},
	{"a: 1\n---\nb: 2\n---\n\n# c\nc: 3\n", "1:{\"a\":1} 3:{\"b\":2} 7:{\"c\":3}"},
	{"a: yes\nb: \"yes\"\nc: 0x10\nd: 1e3\ne: 1.5\nf: 2001-01-01\ng: ~\nh: 1_000\n",
		"1:{\"a\":true,\"b\":\"yes\",\"c\":16,\"d\":1000,\"e\":1.5,\"f\":\"2001-01-"
		"01\",\"g\":null,\"h\":1000}"},
	{"a: 9223372036854775807\nb: 9223372036854775808\n",
		"1:{\"a\":9223372036854775807,\"b\":9.2233720368547758e18}"},
	{"1: a\ntrue: b\n1.10: c\n", "1:{\"1\":\"a\",\"true\":\"b\",\"1.1\":\"c\"}"},
	{"a: |\n  x\n  y\nb: >-\n  x\n  y\n", "1:{\"a\":\"x\\ny\\n\",\"b\":\"x y\"}"},
	{"a: &x {b: 1}\nc: *x\n", "1:{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
	{"a: &x {b: 1, c: 2}\nd:\n  c: 3\n  <<: *x\n",
		"1:{\"a\":{\"b\":1,\"c\":2},\"d\":{\"c\":3,\"b\":1}}"},
	{"- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]\n",
		"1:[{\"a\":1},{\"a\":2,\"b\":2},{\"a\":1,\"b\":2}]"},
	{"- &x 1\n- &x 2\n- *x\n", "1:[1,2,2]"}, {"- &a [&a 1, *a]\n- *a\n", "1:[[1,1],1]"},
	{"&k a: 1\nb: *k\n*k : 3\nc: 1", NULL},
	{"&k a: *k\nb: &n 5\n*n : c\n", "1:{\"a\":\"a\",\"b\":5,\"5\":\"c\"}"},
	{"- !!str 1\n- !!int \"7\"\n- !foo 1\n- ! 2\n", "1:[\"1\",7,\"1\",\"2\"]"},
	/* JSON */
	{"\t{\"a\": \"\\ud83d\\ude00\\/\"}", "1:{\"a\":\"\\uD83D\\uDE00/\"}"},
	{"{\"a\":1}\n{\"b\":1.0}\n\n[1]\n", "1:{\"a\":1} 2:{\"b\":1} 4:[1]"},
	{"{\"a\":1}\n---\n{\"b\":2}\n", "1:{\"a\":1} 3:{\"b\":2}"},
	{"{\"a\":18446744073709551616}", "1:{\"a\":1.8446744073709552e19}"},
	{"{a: b}", "1:{\"a\":\"b\"}"},
	{"\xef\xbb\xbf"
	 "a: 1\n",
		"1:{\"a\":1}"}};

START_TEST(test_documents)
{
	auto_free char *got = NULL;
	struct ydocs docs;
	struct err err = {0};
	int rc = ydocs_parse(&docs, documents_rows[_i].text, strlen(documents_rows[_i].text), &err);

	ck_assert_msg(rc == (documents_rows[_i].want ? 0 : -1), "'%s': %s", documents_rows[_i].text,
		err.msg);
	if (rc)
		return;
	got = dump(&docs);
	ck_assert_str_eq(got, documents_rows[_i].want);
	ydocs_clear(&docs);
}
END_TEST

static const struct {
	const char *text, *line, *word;
} errors_rows[] = {{"a: 1\nb: [\n", "line 3: ", ""},
	{"a: 1\n---\nb: 1\nb: 2\n", "line 4: ", "'b' stands twice"},
	{"a: 1\n\"a\": 2\n", "line 2: ", "'a'"}, {"1: a\n\"1\": b\n", "line 2: ", "'1'"},
	{"{\"a\":1,\n\"a\":2}", "line 2: ", "'a' stands twice"}, {"a:\n\t b: 1\n", "line 2: ", ""},
	{"a: *x\n", "line 1: ", "'x'"}, {"a: &x [*x]\n", "line 1: ", "contains itself"},
	{"a: &x 1\n---\nb: *x\n", "line 3: ", "'x'"}, {"a: .inf\n", "line 1: ", "'.inf'"},
	{"\n- .nan\n", "line 2: ", "'.nan'"}, {"~: 1\n", "line 1: ", "key"},
	{"? [a]\n: 1\n", "line 1: ", "key"}, {"? {a: b}\n: 1\n", "line 1: ", "key"},
	{"a: \"x\\0y\"\n", "line 1: ", "NUL"}, {"a: !!binary aGk=\n", "line 1: ", "!!binary"},
	{"a: !!int x\n", "line 1: ", "!!int"}, {"a: 1\nb: \x80\n", "line 2: ", "UTF-8"},
	{"a: 1\n\nb: \x01\n", "line 3: ", "control"}, {"<<: 1\n", "line 1: ", "<<"},
	{"a: &l [{b: 1}]\nc: {<<: *l}\n", "line 2: ", "<<"}, {"a: b: c\n", "line 1: ", ""},
	{"%YAML 3.0\n---\na\n", "line 1: ", ""}, {"18446744073709551615: a\n", "line 1: ", "key"}};

START_TEST(test_errors)
{
	struct ydocs docs;
	struct err err = {0};

	ck_assert_msg(
		ydocs_parse(&docs, errors_rows[_i].text, strlen(errors_rows[_i].text), &err) == -1,
		"'%s' passed", errors_rows[_i].text);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(!strncmp(err.msg, errors_rows[_i].line, strlen(errors_rows[_i].line)),
		"'%s': got '%s', want '%s'", errors_rows[_i].text, err.msg, errors_rows[_i].line);
	ck_assert_msg(strstr(err.msg, errors_rows[_i].word) != NULL, "'%s': got '%s', want '%s'",
		errors_rows[_i].text, err.msg, errors_rows[_i].word);
}
END_TEST

static int parse(const struct buf *b, struct err *err)
{
	struct ydocs docs;
	int rc = ydocs_parse(&docs, b->p, b->len, err);

	if (!rc)
		ydocs_clear(&docs);
	return rc;
}

/* Brackets as deep as said, with a scalar or an alias inside. */
static void add_nested(struct buf *b, unsigned depth, const char *inside)
{
	unsigned i;

	for (i = 0; i < depth; i++)
		buf_addc(b, '[');
	buf_adds(b, inside);
	for (i = 0; i < depth; i++)
		buf_addc(b, ']');
}

static const char *const depth_inside[] = {"a", "1", "*x"};

START_TEST(test_depth)
{
	/* Flow YAML, JSON, an alias whose value makes it too deep. */
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	unsigned extra;

	for (extra = 0; extra < 2; extra++) {
		struct err err = {0};
		int rc;

		buf_reset(&b);
		if (_i == 2)
			buf_adds(&b, "- &x [[[a]]]\n- ");
		add_nested(&b, LIMIT_YAML_DEPTH - (_i == 2 ? 5 : 1) + extra, depth_inside[_i]);
		rc = parse(&b, &err);
		ck_assert_msg(rc == (extra ? -1 : 0), "%s %u: %d %s", depth_inside[_i], extra, rc,
			err.msg);
		if (extra)
			ck_assert_msg(strstr(err.msg, "deeper") != NULL, "%s", err.msg);
	}
}
END_TEST

/* Few bytes that stand for very many values, or for very many bytes. */
START_TEST(test_expansion)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	int i;

	if (_i == 0) {
		buf_adds(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
		for (i = 1; i < 10; i++)
			buf_addf(&b,
				"a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n",
				i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
				i - 1);
	} else {
		buf_adds(&b, "a: &a ");
		for (i = 0; i < 100000; i++)
			buf_addc(&b, 'x');
		for (i = 0; i < 1000; i++)
			buf_addf(&b, "\nb%d: *a", i);
		buf_addc(&b, '\n');
	}
	ck_assert_int_eq(parse(&b, &err), -1);
	ck_assert_msg(strstr(err.msg, _i ? "bytes in all" : "values") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_size)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};

	memset(buf_room(&b, LIMIT_YAML_FILE + 1), '\n', LIMIT_YAML_FILE + 1);
	b.len = LIMIT_YAML_FILE;
	ck_assert_int_eq(parse(&b, &err), 0);
	b.len++;
	ck_assert_int_eq(parse(&b, &err), -1);
	/* As JSON, so many values go the slow way and are counted. */
	b.p[0] = '[';
	memset(b.p + 1, ',', LIMIT_YAML_NODES + 10);
	b.len = LIMIT_YAML_NODES + 10;
	ck_assert_int_eq(parse(&b, &err), -1);
}
END_TEST

/* A change of one value leaves the values of its alias alone. */
START_TEST(test_alias_is_a_copy)
{
	static const char text[] = "a: &x {b: 1}\nc: *x\nd: {<<: *x}\n";
	struct ydocs docs;
	struct err err;

	ck_assert_int_eq(ydocs_parse(&docs, text, strlen(text), &err), 0);
	json_object_set_new(json_object_get(docs.at[0].root, "a"), "b", json_integer(2));
	ck_assert_int_eq(obj_int(0, docs.at[0].root, "c", "b"), 1);
	ck_assert_int_eq(obj_int(0, docs.at[0].root, "d", "b"), 1);
	ydocs_clear(&docs);
}
END_TEST

Suite *suite_yaml(void);
Suite *suite_yaml(void)
{
	Suite *s = suite_create("yaml");
	TCase *tc = tcase_create("yaml");

	tcase_add_loop_test(tc, test_documents, 0, ARRAY_LEN(documents_rows));
	tcase_add_loop_test(tc, test_errors, 0, ARRAY_LEN(errors_rows));
	tcase_add_loop_test(tc, test_depth, 0, ARRAY_LEN(depth_inside));
	tcase_add_loop_test(tc, test_expansion, 0, 2);
	tcase_add_test(tc, test_size);
	tcase_add_test(tc, test_alias_is_a_copy);
	suite_add_tcase(s, tc);
	return s;
}
