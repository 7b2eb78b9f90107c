#include "base/mem.h"
#include "base/obj.h"
#include "embedded/accept.h"
#include "embedded/crds.h"
#include "embedded/duplicates.h"
#include "embedded/jsonpath.h"
#include "embedded/kind.h"
#include "embedded/schema.h"
#include "embedded/table.h"
#include "rig.h"

#include <string.h>

Suite *suite_table(void);

#define S 1000LL
#define M (60 * S)
#define H (60 * M)
#define D (24 * H)

/* k8s.io/apimachinery/pkg/util/duration, HumanDuration. */
static const struct {
	long long ms;
	const char *text;
} AGES[] = {
	{-5 * S, "<invalid>"},
	{-1500, "0s"},
	{0, "0s"},
	{999, "0s"},
	{47 * S, "47s"},
	{119 * S, "119s"},
	{2 * M, "2m"},
	{9 * M + 30 * S, "9m30s"},
	{10 * M + 30 * S, "10m"},
	{179 * M, "179m"},
	{3 * H, "3h"},
	{5 * H + 12 * M, "5h12m"},
	{8 * H + 12 * M, "8h"},
	{47 * H, "47h"},
	{2 * D, "2d"},
	{2 * D + 5 * H, "2d5h"},
	{8 * D + 5 * H, "8d"},
	{700 * D, "700d"},
	{730 * D, "2y"},
	{800 * D, "2y70d"},
	{3000 * D, "8y"},
};

START_TEST(test_ages)
{
	char out[EMB_AGE_MAX];

	ck_assert_str_eq(emb_age(AGES[_i].ms, out), AGES[_i].text);
}
END_TEST

static const struct {
	const char *path, *o, *found; /* NULL: the path is refused; "": nothing found */
} PATHS[] = {
	{".a.b", "{\"a\":{\"b\":1}}", "1"},
	{".a.b", "{\"a\":1}", ""},
	{".a['x.y/z']", "{\"a\":{\"x.y/z\":2}}", "2"},
	{".a[1]", "{\"a\":[1,2]}", "2"},
	{".a[-1]", "{\"a\":[1,2]}", "2"},
	{".a[5]", "{\"a\":[1]}", ""},
	{".a[-5]", "{\"a\":[1]}", ""},
	{".a[*].b", "{\"a\":[{},{\"b\":3}]}", "3"},
	{".c[?(@.type==\"Ready\")].status",
		"{\"c\":[{\"type\":\"X\",\"status\":\"a\"},{\"type\":\"Ready\",\"status\":\"b\"}]}",
		"\"b\""},
	{".c[?(@.t!='x')].v", "{\"c\":[{\"t\":\"x\",\"v\":1},{\"t\":\"y\",\"v\":2}]}", "2"},
	{".c[?(@.type==\"Ready\")].status", "{\"c\":{}}", ""},
	{"a", "{}", NULL},
	{".a[", "{}", NULL},
	{".a[x]", "{}", NULL},
	{".a[?(@.b==c)]", "{}", NULL},
	{".a['b]", "{}", NULL},
	{".a[1", "{}", NULL},
	{".a b", "{}", NULL},
};

START_TEST(test_paths)
{
	struct err err;
	struct emb_jsonpath *p = emb_jsonpath_new(PATHS[_i].path, &err);
	json_t *o = json_of(PATHS[_i].o);
	const json_t *v;
	char *text;

	ck_assert_msg((p != NULL) == (PATHS[_i].found != NULL), "%s", PATHS[_i].path);
	if (p) {
		v = emb_jsonpath_first(p, o);
		text = v ? json_dumps(v, JSON_ENCODE_ANY) : mem_strdup("");
		ck_assert_msg(!strcmp(text, PATHS[_i].found), "%s: %s, want %s", PATHS[_i].path,
			text, PATHS[_i].found);
		free(text);
	}
	emb_jsonpath_free(p);
	json_decref(o);
}
END_TEST

/* 2026-01-31T09:30:00Z */
#define NOW 1769851800000LL
#define CREATED "\"creationTimestamp\":\"2026-01-31T09:29:13Z\""

static const struct {
	const char *group, *plural, *o, *cells;
} CELLS[] = {
	{"source.toolkit.fluxcd.io", "ocirepositories",
		"{\"metadata\":{\"name\":\"a\"," CREATED
		"},\"spec\":{\"url\":\"oci://x\"},\"status\":{\"conditions\":["
		"{\"type\":\"Ready\",\"status\":\"True\",\"message\":\"stored\"}]}}",
		"[\"a\",\"oci://x\",\"True\",\"stored\",\"47s\"]"},
	{"source.toolkit.fluxcd.io", "ocirepositories", "{\"metadata\":{\"name\":\"a\"}}",
		"[\"a\",null,null,null,null]"},
	{"", "secrets",
		"{\"metadata\":{\"name\":\"s\"," CREATED
		"},\"type\":\"Opaque\",\"data\":{\"a\":\"\",\"b\":\"\"}}",
		"[\"s\",\"Opaque\",2,\"47s\"]"},
	{"", "namespaces",
		"{\"metadata\":{\"name\":\"n\"," CREATED "},\"status\":{\"phase\":\"Active\"}}",
		"[\"n\",\"Active\",\"47s\"]"},
	{"", "events",
		"{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"kind\":\"OCIRepository\","
		"\"name\":\"a\"},\"type\":\"Normal\",\"reason\":\"R\","
		"\"message\":\" text "
		"\\n\",\"source\":{\"component\":\"c\",\"host\":\"h\"},\"count\":4,"
		"\"firstTimestamp\":\"2026-01-31T09:25:00Z\","
		"\"lastTimestamp\":\"2026-01-31T09:29:50Z\"}",
		"[\"10s\",\"Normal\",\"R\",\"ocirepository/a\",\"\",\"c, h\",\" "
		"text\",\"5m\",4,\"e\"]"},
	{"", "events",
		"{\"metadata\":{\"name\":\"e\"},\"eventTime\":\"2026-01-31T09:29:00.000000Z\","
		"\"reportingComponent\":\"rc\","
		"\"series\":{\"count\":7,\"lastObservedTime\":\"2026-01-31T09:29:59.000000Z\"}}",
		"[\"1s\",\"\",\"\",\"/\",\"\",\"rc\",\"\",\"60s\",7,\"e\"]"},
};

START_TEST(test_cells)
{
	struct err err;
	struct emb_kinds *ks = emb_kinds_new(embedded_crds, &err);
	const struct emb_version *v = NULL;
	const struct emb_kind *k = emb_kinds_find(ks, CELLS[_i].group, "v1", CELLS[_i].plural, &v);
	json_t *o = json_of(CELLS[_i].o), *row, *cols;

	row = emb_table_row(k, v, o, EMB_INCLUDE_NONE, NOW);
	same_json(CELLS[_i].plural, json_object_get(row, "cells"), CELLS[_i].cells);
	cols = emb_table_columns(v);
	ck_assert_uint_eq(json_array_size(cols), json_array_size(json_object_get(row, "cells")));
	json_decref(cols);
	json_decref(row);
	json_decref(o);
	emb_kinds_free(ks);
}
END_TEST

#define KUBECTL \
	"application/json;as=Table;v=v1;g=meta.k8s.io,application/" \
	"json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"

static const struct {
	const char *header;
	bool list;
	int form; /* -1: refused */
} ACCEPTS[] = {
	{NULL, false, EMB_OBJECT_FORM},
	{"", false, EMB_OBJECT_FORM},
	{"*/*", false, EMB_OBJECT_FORM},
	{"application/json, */*", false, EMB_OBJECT_FORM},
	{KUBECTL, true, EMB_TABLE_FORM},
	{"application/vnd.kubernetes.protobuf,application/json", false, EMB_OBJECT_FORM},
	{"application/vnd.kubernetes.protobuf", false, -1},
	{"text/html", false, -1},
	{"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", false, EMB_PARTIAL_FORM},
	{"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json", true,
		EMB_PARTIAL_FORM},
	{"application/json;as=Table;v=v1beta1;g=meta.k8s.io", true, -1},
	{"application/json;as=Tablet;v=v1;g=meta.k8s.io", true, -1},
	{"application/json;as=Table;v=v1;g=meta.k8s.iox, application/json", true, EMB_OBJECT_FORM},
	{"APPLICATION/JSON; charset=utf-8", false, EMB_OBJECT_FORM},
};

START_TEST(test_accept)
{
	enum emb_form form;
	int got = emb_accept(ACCEPTS[_i].header, ACCEPTS[_i].list, &form);

	if (!got)
		got = (int)form;
	ck_assert_msg(got == ACCEPTS[_i].form, "'%s': %d, want %d",
		ACCEPTS[_i].header ? ACCEPTS[_i].header : "none", got, ACCEPTS[_i].form);
}
END_TEST

static const struct {
	const char *text, *paths;
} TWICE[] = {
	{"{\"a\":1,\"b\":{\"a\":1}}", ""},
	{"{\"a\":1,\"a\":2}", "a|"},
	{"{\"s\":{\"u\":1,\"v\":[1,{\"x\":1,\"x\":2}],\"u\":{}}}", "s.v[1].x|s.u|"},
	{" { \"a\" : \"}\\\"{\" , \"a\" : [ ] } ", "a|"},
	{"{\"a\":1,\"\\u0061\":2,\"b\":\"a\",\"c\":\"a\"}", "a|"},
	{"[{\"a\":1},{\"a\":1}]", ""},
	{"{\"a\":[],\"b\":{},\"a\":null}", "a|"},
};

START_TEST(test_duplicates)
{
	auto_emb_paths struct emb_paths found = {0};
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	size_t i;

	emb_duplicates(TWICE[_i].text, strlen(TWICE[_i].text), &found);
	for (i = 0; i < found.len; i++)
		buf_addf(&text, "%s|", found.p[i]);
	ck_assert_str_eq(buf_str(&text), TWICE[_i].paths);
}
END_TEST

/* The CRD in the binary is one that this API can serve, in both versions. */
START_TEST(test_kinds)
{
	static const char text[] = "spec: {group: g, names: {kind: K, plural: ks}, conversion: "
				   "{strategy: Webhook}, versions: [{name: v1}]}";
	static const struct embedded_crd bad[] = {
		{"x.yaml", text, sizeof(text) - 1}, {NULL, NULL, 0}};
	struct err err = {0};
	struct emb_kinds *ks = emb_kinds_new(embedded_crds, &err);
	const struct emb_version *v = NULL;
	const struct emb_kind *k;

	ck_assert_msg(ks != NULL, "%s", err.msg);
	k = emb_kinds_of(ks, "source.toolkit.fluxcd.io/v1beta2", "OCIRepository", &v);
	ck_assert_ptr_nonnull(k);
	ck_assert_str_eq(v->name, "v1beta2");
	ck_assert_str_eq(k->versions[0].name, "v1");
	ck_assert_str_eq(k->short_names[0], "ocirepo");
	ck_assert(k->has_status && k->namespaced);
	ck_assert_ptr_null(emb_kinds_of(ks, "source.toolkit.fluxcd.io/v1", "Secret", NULL));
	ck_assert_ptr_null(
		emb_kinds_find(ks, "source.toolkit.fluxcd.io", "v9", "ocirepositories", NULL));
	emb_kinds_free(ks);
	ck_assert_ptr_null(emb_kinds_new(bad, &err));
	ck_assert_msg(strstr(err.msg, "x.yaml") && strstr(err.msg, "Webhook"), "%s", err.msg);
}
END_TEST

Suite *suite_table(void)
{
	Suite *s = suite_create("table");
	TCase *tc = tcase_create("table");

	tcase_add_loop_test(tc, test_ages, 0, (int)ARRAY_LEN(AGES));
	tcase_add_loop_test(tc, test_paths, 0, (int)ARRAY_LEN(PATHS));
	tcase_add_loop_test(tc, test_cells, 0, (int)ARRAY_LEN(CELLS));
	tcase_add_loop_test(tc, test_accept, 0, (int)ARRAY_LEN(ACCEPTS));
	tcase_add_loop_test(tc, test_duplicates, 0, (int)ARRAY_LEN(TWICE));
	tcase_add_test(tc, test_kinds);
	suite_add_tcase(s, tc);
	return s;
}
