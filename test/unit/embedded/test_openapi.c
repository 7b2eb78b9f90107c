#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/crds.h"
#include "embedded/kind.h"
#include "embedded/openapi.h"
#include "rig.h"

#include <string.h>

Suite *suite_openapi(void);

static struct emb_kinds *kinds_of(const struct embedded_crd *crds)
{
	struct err err;
	struct emb_kinds *ks = emb_kinds_new(crds, &err);

	ck_assert_msg(ks != NULL, "%s", err.msg);
	return ks;
}

static json_t *document(const struct emb_kinds *ks, const char *group, const char *version)
{
	struct err err = {0};
	json_t *o = emb_openapi_document(ks, group, version, &err);

	ck_assert_msg(err.kind == ERR_NONE, "%s", err.msg);
	return o;
}

/* Every "$ref" below o leads to a schema of the document. */
static void check_refs(const json_t *doc, const json_t *o, unsigned *found)
{
	static const char prefix[] = "#/components/schemas/";
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach (o, i, value)
		check_refs(doc, value, found);
	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		const char *ref = strcmp(key, "$ref") ? NULL : json_string_value(value);

		check_refs(doc, value, found);
		if (!ref)
			continue;
		(*found)++;
		ck_assert_msg(!strncmp(ref, prefix, strlen(prefix)) &&
				obj_get(doc, "components", "schemas", ref + strlen(prefix)),
			"nothing at %s", ref);
	}
}

/* How kubectl learns that a kind takes fieldValidation and dryRun: a PATCH of this kind, with a
   parameter of that name in the query. */
static bool patch_takes(const json_t *doc, const char *kind, const char *parameter)
{
	const json_t *paths = json_object_get(doc, "paths");
	const char *path;
	json_t *item, *p;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)paths, path, item) {
		const char *k =
			obj_str_or("", item, "patch", "x-kubernetes-group-version-kind", "kind");

		if (strcmp(k, kind) != 0)
			continue;
		json_array_foreach (obj_get(item, "patch", "parameters"), i, p)
			if (!strcmp(obj_str(p, "in"), "query") &&
				!strcmp(obj_str(p, "name"), parameter))
				return true;
		return false;
	}
	return false;
}

START_TEST(test_documents)
{
	struct emb_kinds *ks = kinds_of(embedded_crds);
	size_t i, j;

	for (i = 0; i < ks->len; i++) {
		const struct emb_kind *k = &ks->p[i];

		for (j = 0; j < k->n_versions; j++) {
			const char *const queries[] = {"fieldValidation", "dryRun", "fieldManager"};
			json_t *doc = document(ks, k->group, k->versions[j].name);
			unsigned refs = 0;
			size_t q;

			ck_assert_ptr_nonnull(doc);
			check_refs(doc, doc, &refs);
			ck_assert_msg(refs > 10, "%s: %u references", k->kind, refs);
			for (q = 0; q < ARRAY_LEN(queries); q++)
				ck_assert_msg(patch_takes(doc, k->kind, queries[q]), "%s: %s",
					k->kind, queries[q]);
			json_decref(doc);
		}
	}
	emb_kinds_free(ks);
}
END_TEST

/* How `kubectl explain imagepolicy.spec` finds its way: from a path to the kind, from the kind to
   its schema. */
START_TEST(test_explain)
{
	struct emb_kinds *ks = kinds_of(embedded_crds);
	json_t *doc = document(ks, "image.toolkit.fluxcd.io", "v1");
	const char *name = "io.fluxcd.toolkit.image.v1.ImagePolicy";
	const json_t *gvk = obj_get(doc, "paths",
		"/apis/image.toolkit.fluxcd.io/v1/namespaces/{namespace}/imagepolicies", "get",
		"x-kubernetes-group-version-kind");
	const json_t *schema = obj_get(doc, "components", "schemas", name);
	size_t n;

	same_json("of the path", gvk,
		"{\"group\":\"image.toolkit.fluxcd.io\",\"version\":\"v1\",\"kind\":"
		"\"ImagePolicy\"}");
	ck_assert(json_equal(
		json_array_get(obj_get(schema, "x-kubernetes-group-version-kind"), 0), gvk));
	ck_assert_str_eq(
		obj_str(schema, "properties", "spec", "properties", "suspend", "type"), "boolean");
	ck_assert(obj_str(schema, "properties", "spec", "description")[0]);
	ck_assert_str_eq(
		obj_str(json_array_get(obj_get(schema, "properties", "metadata", "allOf"), 0),
			"$ref"),
		"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
	/* The kinds of the group and version, and no others: two schemas each, and two of
	   metadata. */
	n = json_object_size(obj_get(doc, "components", "schemas"));
	ck_assert_uint_eq(n, 3 * 2 + 2);
	ck_assert_ptr_nonnull(obj_get(doc, "paths",
		"/apis/image.toolkit.fluxcd.io/v1/namespaces/{namespace}/imagepolicies/{name}/"
		"status",
		"patch"));
	json_decref(doc);
	doc = document(ks, "", "v1");
	ck_assert_ptr_nonnull(obj_get(doc, "paths", "/api/v1/namespaces/{name}", "get"));
	ck_assert_ptr_nonnull(obj_get(doc, "components", "schemas", "io.k8s.api.core.v1.Secret"));
	/* kubectl's own knowledge of these kinds is better than what it could learn here. */
	ck_assert_ptr_null(obj_get(doc, "paths", "/api/v1/namespaces/{namespace}/secrets/{name}",
		"patch", "requestBody", "content", "application/strategic-merge-patch+json"));
	json_decref(doc);
	ck_assert_ptr_null(document(ks, "image.toolkit.fluxcd.io", "v2"));
	ck_assert_ptr_null(document(ks, "nobody", "v1"));
	emb_kinds_free(ks);
}
END_TEST

#define CRD(field) \
	"{group: a.example, scope: Namespaced, names: {kind: A, plural: as, singular: a}, " \
	"versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: " \
	"object, properties: {" field ": {type: string}}}}}]}"

static char *hash_of(const char *text, const char *path)
{
	auto_free char *crd = mem_printf("spec: %s\n", text);
	const struct embedded_crd crds[] = {{"a.yaml", crd, strlen(crd)}, {0}};
	struct emb_kinds *ks = kinds_of(crds);
	json_t *index = emb_openapi_index(ks, "/secret");
	const char *url = obj_str(index, "paths", path, "serverRelativeURL");
	auto_free char *start = mem_printf("/secret/openapi/v3/%s?hash=", path);
	char *hash;

	ck_assert_msg(url && !strncmp(url, start, strlen(start)), "%s", url ? url : "no URL");
	hash = mem_strdup(url + strlen(start));
	json_decref(index);
	emb_kinds_free(ks);
	return hash;
}

/* Clients keep a document as long as its hash is the same. */
START_TEST(test_hashes)
{
	auto_free char *one = hash_of(CRD("x"), "apis/a.example/v1");
	auto_free char *same = hash_of(CRD("x"), "apis/a.example/v1");
	auto_free char *other = hash_of(CRD("y"), "apis/a.example/v1");
	auto_free char *core = hash_of(CRD("y"), "api/v1");
	auto_free char *same_core = hash_of(CRD("x"), "api/v1");

	ck_assert_uint_eq(strlen(one), 64);
	ck_assert_str_eq(one, same);
	ck_assert_str_ne(one, other);
	ck_assert_str_ne(one, core);
	ck_assert_str_eq(core, same_core);
}
END_TEST

START_TEST(test_requests)
{
	static const struct {
		const char *accept;
		int status;
	} rows[] = {
		{NULL, 200},
		{"application/json", 200},
		{"application/json, */*", 200},
		{"application/com.github.proto-openapi.spec.v3@v1.0+protobuf", 406},
		{"application/com.github.proto-openapi.spec.v3@v1.0+protobuf, application/json",
			200},
		{"application/json;as=Table;v=v1;g=meta.k8s.io", 406},
	};
	struct rig r;
	size_t i;

	rig_start(&r, false);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		json_decref(rig_call(
			&r, "GET", "/openapi/v3/api/v1?hash=ANY", NULL, rows[i].accept, NULL));
		ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].accept, r.status);
	}
	rig_stop(&r);
}
END_TEST

Suite *suite_openapi(void)
{
	Suite *s = suite_create("openapi");
	TCase *tc = tcase_create("openapi");

	tcase_add_test(tc, test_documents);
	tcase_add_test(tc, test_explain);
	tcase_add_test(tc, test_hashes);
	tcase_add_test(tc, test_requests);
	suite_add_tcase(s, tc);
	return s;
}
