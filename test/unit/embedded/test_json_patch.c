#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "embedded/json_patch.h"
#include "embedded/status.h"
#include "rig.h"

#include <string.h>

Suite *suite_json_patch(void);

#define OP(op, path) "{\"op\":\"" op "\",\"path\":\"" path "\"}"
#define OPV(op, path, value) "{\"op\":\"" op "\",\"path\":\"" path "\",\"value\":" value "}"
#define OPF(op, from, path) "{\"op\":\"" op "\",\"from\":\"" from "\",\"path\":\"" path "\"}"

/* RFC 6902, appendix A (its numbers first), RFC 6901, section 5, and what kube-apiserver 1.34
   answered. out NULL: refused. */
static const struct {
	const char *o, *ops, *out;
} ROWS[] = {
	/* A.1 to A.7 */
	{"{\"foo\":\"bar\"}", OPV("add", "/baz", "\"qux\""), "{\"baz\":\"qux\",\"foo\":\"bar\"}"},
	{"{\"foo\":[\"bar\",\"baz\"]}", OPV("add", "/foo/1", "\"qux\""),
		"{\"foo\":[\"bar\",\"qux\",\"baz\"]}"},
	{"{\"baz\":\"qux\",\"foo\":\"bar\"}", OP("remove", "/baz"), "{\"foo\":\"bar\"}"},
	{"{\"foo\":[\"bar\",\"qux\",\"baz\"]}", OP("remove", "/foo/1"),
		"{\"foo\":[\"bar\",\"baz\"]}"},
	{"{\"baz\":\"qux\",\"foo\":\"bar\"}", OPV("replace", "/baz", "\"boo\""),
		"{\"baz\":\"boo\",\"foo\":\"bar\"}"},
	{"{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
		OPF("move", "/foo/waldo", "/qux/thud"),
		"{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}"},
	{"{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}", OPF("move", "/foo/1", "/foo/3"),
		"{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}"},
	/* A.8 to A.16 */
	{"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
		OPV("test", "/baz", "\"qux\"") "," OPV("test", "/foo/1", "2"),
		"{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}"},
	{"{\"baz\":\"qux\"}", OPV("test", "/baz", "\"bar\""), NULL},
	{"{\"foo\":\"bar\"}", OPV("add", "/child", "{\"grandchild\":{}}"),
		"{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}"},
	{"{\"foo\":\"bar\"}", "{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}",
		"{\"foo\":\"bar\",\"baz\":\"qux\"}"},
	{"{\"foo\":\"bar\"}", OPV("add", "/baz/bat", "\"qux\""), NULL},
	{"{\"/\":9,\"~1\":10}", OPV("test", "/~01", "10"), "{\"/\":9,\"~1\":10}"},
	{"{\"/\":9,\"~1\":10}", OPV("test", "/~01", "\"10\""), NULL},
	{"{\"foo\":[\"bar\"]}", OPV("add", "/foo/-", "[\"abc\",\"def\"]"),
		"{\"foo\":[\"bar\",[\"abc\",\"def\"]]}"},
	/* pointers */
	{"{\"a/b\":1,\"m~n\":8,\"\":0,\" \":7}",
		OPV("test", "/a~1b", "1") "," OPV("test", "/m~0n", "8") "," OPV(
			"test", "/", "0") "," OPV("test", "/ ", "7"),
		"{\"a/b\":1,\"m~n\":8,\"\":0,\" \":7}"},
	{"{\"a\":1}", OPV("test", "", "{\"a\":1}"), "{\"a\":1}"},
	{"{\"a\":1}", OPV("add", "", "{\"b\":2}"), "{\"b\":2}"},
	{"{\"a\":1}", OPV("replace", "", "5"), "5"},
	{"{\"a\":1}", OP("remove", ""), NULL},
	{"{\"a\":1}", OPV("add", "a", "2"), NULL},
	{"{\"a\":1}", OPV("add", "/a~2", "2"), NULL},
	{"{\"a\":1}", OPV("add", "/a~", "2"), NULL},
	{"{\"a\":1}", OPV("add", "/a/b", "2"), NULL},
	{"{\"a\":1}", OPV("test", "/a/b", "2"), NULL},
	/* places in a list */
	{"{\"l\":[0,1]}", OPV("add", "/l/2", "2"), "{\"l\":[0,1,2]}"},
	{"{\"l\":[0,1]}", OPV("add", "/l/3", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("add", "/l/-1", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("add", "/l/01", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("add", "/l/x", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("add", "/l/", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("add", "/l/4294967296", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("replace", "/l/0", "2"), "{\"l\":[2,1]}"},
	{"{\"l\":[0,1]}", OPV("replace", "/l/2", "2"), NULL},
	{"{\"l\":[0,1]}", OPV("replace", "/l/-", "2"), NULL},
	{"{\"l\":[0,1]}", OP("remove", "/l/2"), NULL},
	{"{\"l\":[0,1]}", OP("remove", "/l/-"), NULL},
	{"{\"l\":[{\"a\":1}]}", OPV("add", "/l/0/b", "2"), "{\"l\":[{\"a\":1,\"b\":2}]}"},
	/* what is not there */
	{"{}", OPV("replace", "/a", "1"), "{\"a\":1}"}, /* as the API server does */
	{"{}", OPV("test", "/a", "null"), "{}"}, /* the same */
	{"{\"a\":null}", OPV("test", "/a", "null"), "{\"a\":null}"},
	{"{\"a\":1}", OPV("test", "/a", "null"), NULL},
	{"{}", OPV("test", "/a", "1"), NULL},
	{"{}", OP("remove", "/a"), NULL},
	{"{}", OPF("copy", "/a", "/b"), NULL},
	{"{}", OPF("move", "/a", "/b"), NULL},
	{"{}", OPF("move", "/a", "/a"), NULL},
	/* move and copy */
	{"{\"a\":{\"b\":1}}", OPF("move", "/a", "/a/c"), NULL},
	{"{\"a\":1}", OPF("move", "/a", "/a"), "{\"a\":1}"},
	{"{\"a\":1}", OPF("move", "", "/a"), NULL},
	{"{\"a\":{\"b\":1}}", OPF("move", "/a/b", "/a"), "{\"a\":1}"},
	{"{\"a\":{\"b\":1}}", OPF("copy", "", "/c"), "{\"a\":{\"b\":1},\"c\":{\"a\":{\"b\":1}}}"},
	/* A copy is one's own. */
	{"{\"a\":{\"b\":1}}", OPF("copy", "/a", "/c") "," OPV("replace", "/c/b", "2"),
		"{\"a\":{\"b\":1},\"c\":{\"b\":2}}"},
	/* all or nothing */
	{"{\"a\":1}", OPV("add", "/b", "2") "," OPV("test", "/a", "9"), NULL},
	/* operations that are none */
	{"{}", "", "{}"},
	{"{}", OPV("frob", "/a", "1"), NULL},
	{"{}", OP("add", "/a"), NULL},
	{"{}", "{\"op\":\"add\",\"value\":1}", NULL},
	{"{}", "{\"op\":\"add\",\"path\":5,\"value\":1}", NULL},
	{"{}", "{\"path\":\"/a\",\"value\":1}", NULL},
	{"{}", OP("move", "/a"), NULL},
	{"{}", "{\"op\":\"copy\",\"from\":5,\"path\":\"/a\"}", NULL},
};

START_TEST(test_rows)
{
	auto_free char *text = mem_printf("[%s]", ROWS[_i].ops);
	json_t *o = json_of(ROWS[_i].o), *ops = json_of(text), *same = json_deep_copy(ops);
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	int rc = emb_json_patch(&o, ops, &st);

	ck_assert_msg((rc == 0) == (ROWS[_i].out != NULL), "%s of %s: %d %s", text, ROWS[_i].o, rc,
		buf_str(&st.message));
	if (ROWS[_i].out)
		same_json(text, o, ROWS[_i].out);
	else
		ck_assert_int_eq(st.code, 422);
	ck_assert_msg(json_equal(ops, same), "%s: the patch was changed", text);
	json_decref(o);
	json_decref(ops);
	json_decref(same);
}
END_TEST

START_TEST(test_words)
{
	json_t *o = json_of("{}"), *ops = json_of("[" OPV("test", "/spec/x", "1") "]");
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;

	ck_assert_int_eq(emb_json_patch(&o, ops, &st), -1);
	ck_assert_str_eq(buf_str(&st.message),
		"the server rejected our request due to an error in our request: test '/spec/x': "
		"nothing is there that could hold it");
	json_decref(o);
	json_decref(ops);
}
END_TEST

static int patch_code(const char *o, const char *ops)
{
	json_t *tree = json_of(o), *list = json_of(ops);
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	int rc = emb_json_patch(&tree, list, &st);

	ck_assert_int_eq(rc, st.code ? -1 : 0);
	json_decref(tree);
	json_decref(list);
	return st.code;
}

/* The same operation n times. */
static char *many(const char *op, unsigned n)
{
	struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	for (i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? "," : "[", op);
	buf_adds(&b, "]");
	return buf_take(&b);
}

START_TEST(test_limits)
{
	auto_free char *most = many(OPV("test", "/a", "1"), LIMIT_EMBEDDED_PATCH_OPS);
	auto_free char *more = many(OPV("test", "/a", "1"), LIMIT_EMBEDDED_PATCH_OPS + 1);
	/* Each copy doubles what is there, or makes it one level deeper. */
	auto_free char *doubled = many(OPF("copy", "", "/a/-"), 40);
	auto_free char *deeper = many(OPF("copy", "/a", "/a/0"), 40);
	auto_free char *lists = many(OPV("add", "/a", "[]") "," OPF("move", "/a", "/b"), 4000);
	auto_free char *nested = NULL;
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	ck_assert_int_eq(patch_code("[]", "[]"), 0);
	ck_assert_int_eq(patch_code("{}", "{}"), 400);
	ck_assert_int_eq(patch_code("{}", "[5]"), 400);
	ck_assert_int_eq(patch_code("{\"a\":1}", most), 0);
	ck_assert_int_eq(patch_code("{\"a\":1}", more), 413);
	ck_assert_int_eq(patch_code("{\"a\":[]}", doubled), 413);
	ck_assert_int_eq(patch_code("{\"a\":[[]]}", deeper), 413);
	ck_assert_int_eq(patch_code("{}", lists), 0);
	/* One level after the other. */
	buf_adds(&b, "[");
	for (i = 0; i < 200; i++) {
		unsigned j;

		buf_adds(&b, i ? ",{\"op\":\"add\",\"path\":\"" : "{\"op\":\"add\",\"path\":\"");
		for (j = 0; j <= i; j++)
			buf_adds(&b, "/a");
		buf_adds(&b, "\",\"value\":{}}");
	}
	buf_adds(&b, "]");
	nested = buf_take(&b);
	ck_assert_int_eq(patch_code("{}", nested), 413);
}
END_TEST

/* Inserting at the front of a long list moves all of it: so often that it would take long, it is
   refused. */
START_TEST(test_work)
{
	auto_free char *front = many(OPV("add", "/l/0", "1"), 400);
	auto_free char *end = many(OPV("add", "/l/-", "1"), 400);
	auto_free char *list = many("1", 20000);
	auto_free char *o = mem_printf("{\"l\":%s}", list);

	ck_assert_int_eq(patch_code(o, end), 0);
	ck_assert_int_eq(patch_code(o, front), 413);
}
END_TEST

Suite *suite_json_patch(void)
{
	Suite *s = suite_create("json_patch");
	TCase *tc = tcase_create("json_patch");

	tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_words);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_work);
	suite_add_tcase(s, tc);
	return s;
}
