#include "kube/selector.h"

#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_selector(void);

#define LABELS(l) "{\"metadata\":{\"labels\":" l "}}"

/* match: 1, 0, or -1 when the text is refused. */
static const struct {
	const char *text, *o;
	int match;
} LABEL_ROWS[] = {
	{"", LABELS("{}"), 1},
	{"  ", LABELS("{}"), 1},
	{"a=b", LABELS("{\"a\":\"b\"}"), 1},
	{"a==b", LABELS("{\"a\":\"b\"}"), 1},
	{"a=b", LABELS("{\"a\":\"c\"}"), 0},
	{"a=b", LABELS("{}"), 0},
	{"a=b", "{}", 0},
	{"a=", LABELS("{\"a\":\"\"}"), 1},
	{"a=,c", LABELS("{\"a\":\"\",\"c\":\"1\"}"), 1},
	{"a!=b", LABELS("{\"a\":\"c\"}"), 1},
	{"a!=b", LABELS("{}"), 1},
	{"a!=b", LABELS("{\"a\":\"b\"}"), 0},
	{"a", LABELS("{\"a\":\"\"}"), 1},
	{"a", LABELS("{}"), 0},
	{"!a", LABELS("{}"), 1},
	{"! a", LABELS("{\"a\":\"1\"}"), 0},
	{"a in (x,y)", LABELS("{\"a\":\"y\"}"), 1},
	{"a in (x, y)", LABELS("{\"a\":\"z\"}"), 0},
	{"a in (,x)", LABELS("{\"a\":\"\"}"), 1},
	{"a in ()", LABELS("{\"a\":\"\"}"), 1},
	{"a notin (x,y)", LABELS("{\"a\":\"z\"}"), 1},
	{"a notin (x)", LABELS("{}"), 1},
	{"a notin (x)", LABELS("{\"a\":\"x\"}"), 0},
	{"in in (in)", LABELS("{\"in\":\"in\"}"), 1},
	{"notin", LABELS("{\"notin\":\"\"}"), 1},
	{"a>5", LABELS("{\"a\":\"6\"}"), 1},
	{"a>5", LABELS("{\"a\":\"5\"}"), 0},
	{"a<5", LABELS("{\"a\":\"x\"}"), 0},
	{"a<5", LABELS("{\"a\":\"4\"}"), 1},
	{"a<5", LABELS("{}"), 0},
	{" a = b , c ", LABELS("{\"a\":\"b\",\"c\":\"\"}"), 1},
	{"a=b,c", LABELS("{\"a\":\"b\"}"), 0},
	{"sharding.fluxcd.io/key in (shard1)", LABELS("{\"sharding.fluxcd.io/key\":\"shard1\"}"),
		1},
	{"!sharding.fluxcd.io/key", LABELS("{\"x\":\"y\"}"), 1},
	{"a=b,", "{}", -1},
	{",a=b", "{}", -1},
	{"a=b=c", "{}", -1},
	{"a in (b", "{}", -1},
	{"a in b", "{}", -1},
	{"a b", "{}", -1},
	{"!a=b", "{}", -1},
	{"-a", "{}", -1},
	{"a/b/c=d", "{}", -1},
	{"a>b", "{}", -1},
	{"a=$", "{}", -1},
	{"=", "{}", -1},
	{"a in (x y)", "{}", -1},
	{"a,,b", "{}", -1},
	{"(", "{}", -1},
};

START_TEST(test_labels)
{
	struct kube_selector *s;
	struct err err;
	json_t *o = json_loads(LABEL_ROWS[_i].o, 0, NULL);
	int got = kube_selector_labels(&s, LABEL_ROWS[_i].text, &err);

	if (!got)
		got = kube_selector_match_labels(s, o);
	ck_assert_msg(got == LABEL_ROWS[_i].match, "'%s' on %s: %d, want %d", LABEL_ROWS[_i].text,
		LABEL_ROWS[_i].o, got, LABEL_ROWS[_i].match);
	kube_selector_free(s);
	json_decref(o);
}
END_TEST

START_TEST(test_too_long)
{
	struct kube_selector *s;
	struct err err;
	char *text = mem_alloc(LIMIT_KUBE_SELECTOR + 2);

	memset(text, 'a', LIMIT_KUBE_SELECTOR + 1);
	text[LIMIT_KUBE_SELECTOR + 1] = '\0';
	ck_assert_int_eq(kube_selector_labels(&s, text, &err), -1);
	free(text);
}
END_TEST

Suite *suite_selector(void)
{
	Suite *s = suite_create("selector");
	TCase *tc = tcase_create("selector");

	tcase_add_loop_test(tc, test_labels, 0, (int)ARRAY_LEN(LABEL_ROWS));
	tcase_add_test(tc, test_too_long);
	suite_add_tcase(s, tc);
	return s;
}
