#include "base/limits.h"
#include "base/mem.h"
#include "embedded/crds.h"
#include "embedded/kind.h"
#include "embedded/names.h"
#include "embedded/selector.h"
#include "rig.h"

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
	struct emb_selector *s;
	struct err err;
	json_t *o = json_of(LABEL_ROWS[_i].o);
	int got = emb_selector_labels(&s, LABEL_ROWS[_i].text, &err);

	if (!got)
		got = emb_selector_match_labels(s, o);
	ck_assert_msg(got == LABEL_ROWS[_i].match, "'%s' on %s: %d, want %d", LABEL_ROWS[_i].text,
		LABEL_ROWS[_i].o, got, LABEL_ROWS[_i].match);
	emb_selector_free(s);
	json_decref(o);
}
END_TEST

static const struct {
	const char *plural, *text, *o;
	int match;
} FIELD_ROWS[] = {
	{"secrets", "metadata.name=x", "{\"metadata\":{\"name\":\"x\"}}", 1},
	{"secrets", "metadata.name==x,metadata.namespace!=y",
		"{\"metadata\":{\"name\":\"x\",\"namespace\":\"z\"}}", 1},
	{"secrets", "metadata.name!=x", "{\"metadata\":{\"name\":\"x\"}}", 0},
	{"secrets", "type=Opaque", "{\"type\":\"Opaque\"}", 1},
	{"secrets", "type=kubernetes.io/tls", "{\"type\":\"Opaque\"}", 0},
	{"secrets", "", "{}", 1},
	{"secrets", ",", "{}", 1},
	{"secrets", "data=x", "{}", -1},
	{"secrets", "type", "{}", -1},
	{"secrets", "type=a=b", "{}", -1},
	{"secrets", "type=a\\=b", "{\"type\":\"a=b\"}", 1},
	{"secrets", "type=a\\,b", "{\"type\":\"a,b\"}", 1},
	{"secrets", "type=a\\b", "{}", -1},
	{"secrets", "type=", "{}", 1},
	{"namespaces", "status.phase=Active", "{\"status\":{\"phase\":\"Active\"}}", 1},
	{"namespaces", "spec.x=y", "{}", -1},
	{"events", "involvedObject.kind=K,involvedObject.uid=u,reason=R",
		"{\"involvedObject\":{\"kind\":\"K\",\"uid\":\"u\"},\"reason\":\"R\"}", 1},
	{"events", "source=c", "{\"source\":{\"component\":\"c\"}}", 1},
	{"events", "source=c", "{\"reportingComponent\":\"c\"}", 1},
	{"events", "involvedObject.what=c", "{}", -1},
	{"ocirepositories", "metadata.namespace=n", "{\"metadata\":{\"namespace\":\"n\"}}", 1},
	{"ocirepositories", "spec.url=n", "{}", -1},
};

START_TEST(test_fields)
{
	struct err err;
	struct emb_kinds *ks = emb_kinds_new(embedded_crds, &err);
	const char *plural = FIELD_ROWS[_i].plural;
	const struct emb_kind *k = emb_kinds_find(ks,
		strcmp(plural, "ocirepositories") ? "" : "source.toolkit.fluxcd.io", "v1", plural,
		NULL);
	struct emb_selector *s;
	json_t *o = json_of(FIELD_ROWS[_i].o);
	int got = emb_selector_fields(&s, FIELD_ROWS[_i].text, k, &err);

	if (!got)
		got = emb_selector_match_fields(s, k, o);
	ck_assert_msg(got == FIELD_ROWS[_i].match, "'%s' on %s: %d, want %d", FIELD_ROWS[_i].text,
		FIELD_ROWS[_i].o, got, FIELD_ROWS[_i].match);
	emb_selector_free(s);
	json_decref(o);
	emb_kinds_free(ks);
}
END_TEST

START_TEST(test_too_long)
{
	struct emb_selector *s;
	struct err err;
	char *text = mem_alloc(LIMIT_EMBEDDED_SELECTOR + 2);

	memset(text, 'a', LIMIT_EMBEDDED_SELECTOR + 1);
	text[LIMIT_EMBEDDED_SELECTOR + 1] = '\0';
	ck_assert_int_eq(emb_selector_labels(&s, text, &err), -1);
	free(text);
}
END_TEST

START_TEST(test_names)
{
	static const struct {
		const char *text;
		bool label, subdomain, qualified, value;
	} rows[] = {
		{"a", true, true, true, true},
		{"a-1", true, true, true, true},
		{"", false, false, false, true},
		{"a.b", false, true, true, true},
		{"A", false, false, true, true},
		{"-a", false, false, false, false},
		{"a-", false, false, false, false},
		{"a..b", false, false, true, true},
		{"a_b", false, false, true, true},
		{"x.io/Name", false, false, true, false},
		{"X/a", false, false, false, false},
		{"x/", false, false, false, false},
		{"/x", false, false, false, false},
		{"a b", false, false, false, false},
		{".", false, false, false, false},
		{"0123456789012345678901234567890123456789012345678901234567890123", false, true,
			false, false},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(
			emb_is_dns_label(rows[i].text) == rows[i].label, "label %s", rows[i].text);
		ck_assert_msg(emb_is_dns_subdomain(rows[i].text) == rows[i].subdomain ||
				strlen(rows[i].text) == 64,
			"subdomain %s", rows[i].text);
		ck_assert_msg(emb_is_qualified(rows[i].text) == rows[i].qualified, "qualified %s",
			rows[i].text);
		ck_assert_msg(emb_is_label_value(rows[i].text) == rows[i].value, "value %s",
			rows[i].text);
	}
}
END_TEST

Suite *suite_selector(void)
{
	Suite *s = suite_create("selector");
	TCase *tc = tcase_create("selector");

	tcase_add_loop_test(tc, test_labels, 0, (int)ARRAY_LEN(LABEL_ROWS));
	tcase_add_loop_test(tc, test_fields, 0, (int)ARRAY_LEN(FIELD_ROWS));
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_names);
	suite_add_tcase(s, tc);
	return s;
}
