#include "embedded/openapi.h"

#include "base/mem.h"
#include "base/obj.h"
#include "crypto/digest.h"
#include "embedded/kind.h"
#include "embedded/meta.h"

#include <stdbool.h>
#include <string.h>

/* Raised when the form of the documents changes: it is part of their hashes. */
#define OPENAPI_FORM "1"

#define OBJECT_META "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#define LIST_META "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"

static const char LIST_META_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"Of which version a list is, and where its next "
	"page "
	"begins.\",\"properties\":{\"continue\":{\"type\":\"string\"},\"resourceVersion\":{"
	"\"type\":\"string\"}}}";

/* One kind in one of its versions. */
struct shown {
	const struct emb_kind *k;
	const struct emb_version *v;
};

static bool shown_next(const struct emb_kinds *ks, const char *group, const char *version,
	size_t *at, struct shown *s)
{
	size_t j;

	for (; *at < ks->len; (*at)++) {
		s->k = &ks->p[*at];
		for (j = 0; !strcmp(s->k->group, group) && j < s->k->n_versions; j++) {
			s->v = &s->k->versions[j];
			if (strcmp(s->v->name, version) != 0)
				continue;
			(*at)++;
			return true;
		}
	}
	return false;
}

/* "image.toolkit.fluxcd.io" is "io.fluxcd.toolkit.image". */
static char *group_reversed(const char *group)
{
	size_t n = strlen(group);
	char *out = mem_alloc(n + 1), *to = out;

	while (n) {
		size_t from = n;

		while (from && group[from - 1] != '.')
			from--;
		memcpy(to, group + from, n - from);
		to += n - from;
		n = from ? from - 1 : 0;
		if (n)
			*to++ = '.';
	}
	*to = '\0';
	return out;
}

/* The name of a kind's schema, with `suffix` behind it. */
static char *shown_schema_name(const struct shown *s, const char *suffix)
{
	auto_free char *group = group_reversed(s->k->group[0] ? s->k->group : "core.api.k8s.io");

	return mem_printf("%s.%s.%s%s", group, s->v->name, s->k->kind, suffix);
}

static json_t *openapi_ref(const char *name)
{
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", name);
}

static json_t *shown_gvk(const struct shown *s, const char *suffix)
{
	return json_pack("{s:s, s:s+, s:s}", "group", s->k->group, "kind", s->k->kind, suffix,
		"version", s->v->name);
}

/* ---- schemas --------------------------------------------------------------------------------- */

static void schema_text(json_t *props, const char *name, const char *description)
{
	if (!json_object_get(props, name))
		json_object_set_new(props, name,
			json_pack("{s:s, s:s}", "type", "string", "description", description));
}

static json_t *schema_kind(const struct shown *s, struct err *err)
{
	json_t *o = obj_parse(s->v->schema_text, strlen(s->v->schema_text), "a schema", err);
	json_t *props;

	if (!o)
		return NULL;
	props = json_object_get(o, "properties");
	if (!props) {
		props = json_object();
		json_object_set_new(o, "properties", props);
	}
	schema_text(props, "apiVersion", "The group and the version of this object.");
	schema_text(props, "kind", "What the object is.");
	json_object_set_new(props, "metadata",
		json_pack("{s:s, s:[o]}", "description",
			"Name, namespace, labels and what else every object has.", "allOf",
			openapi_ref(OBJECT_META)));
	json_object_set_new(
		o, "x-kubernetes-group-version-kind", json_pack("[o]", shown_gvk(s, "")));
	return o;
}

static json_t *schema_list(const struct shown *s, const char *item)
{
	return json_pack("{s:s, s:s+, s:[s], s:{s:{s:s}, s:{s:s, s:o}, s:{s:s}, s:{s:[o]}}, s:[o]}",
		"type", "object", "description", "A list of objects of the kind ", s->k->kind,
		"required", "items", "properties", "apiVersion", "type", "string", "items", "type",
		"array", "items", openapi_ref(item), "kind", "type", "string", "metadata", "allOf",
		openapi_ref(LIST_META), "x-kubernetes-group-version-kind", shown_gvk(s, "List"));
}

/* ---- paths ----------------------------------------------------------------------------------- */

static json_t *openapi_parameter(const char *in, const char *name, const char *type)
{
	return json_pack("{s:s, s:s, s:{s:s}}", "name", name, "in", in, "schema", "type", type);
}

static json_t *openapi_queries(const char *const *names)
{
	json_t *list = json_array();

	for (; *names; names++)
		json_array_append_new(list, openapi_parameter("query", *names, "string"));
	return list;
}

static json_t *openapi_content(const char *const *types, const char *schema)
{
	json_t *content = json_object();

	for (; *types; types++)
		json_object_set_new(content, *types,
			schema ? json_pack("{s:o}", "schema", openapi_ref(schema))
			       : json_pack("{s:{s:s}}", "schema", "type", "object"));
	return content;
}

static const char *const JSON_ONLY[] = {"application/json", NULL};

/* body: of the request; NULL: it has none. */
static json_t *openapi_operation(const struct shown *s, const char *action, json_t *parameters,
	json_t *body, const char *answer)
{
	json_t *o = json_pack("{s:s, s:o, s:{s:{s:s, s:o}}, s:s, s:o}", "description", action,
		"parameters", parameters, "responses", "200", "description", "OK", "content",
		openapi_content(JSON_ONLY, answer), "x-kubernetes-action", action,
		"x-kubernetes-group-version-kind", shown_gvk(s, ""));

	if (body)
		json_object_set_new(o, "requestBody",
			json_pack("{s:o, s:b}", "content", body, "required", true));
	return o;
}

static const char *const LIST_QUERIES[] = {"labelSelector", "fieldSelector", "limit", "continue",
	"resourceVersion", "watch", "allowWatchBookmarks", "timeoutSeconds", NULL};
static const char *const WRITE_QUERIES[] = {"dryRun", "fieldManager", "fieldValidation", NULL};
static const char *const DELETE_QUERIES[] = {"dryRun", NULL};
static const char *const NO_QUERIES[] = {NULL};
/* Not the strategic one: without it kubectl makes its patches of the built-in kinds by what it
   knows itself, which is more than these schemas say. */
static const char *const PATCH_TYPES[] = {
	"application/json-patch+json", "application/merge-patch+json", NULL};

static json_t *path_item(const struct shown *s, bool named)
{
	json_t *list = json_array();

	if (s->k->namespaced)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", "namespace", "in", "path",
				"required", true, "schema", "type", "string"));
	if (named)
		json_array_append_new(list,
			json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", "name", "in", "path",
				"required", true, "schema", "type", "string"));
	return json_pack("{s:o}", "parameters", list);
}

/* One object, or its status. */
static json_t *path_object(const struct shown *s, const char *name, bool status)
{
	json_t *p = path_item(s, true);

	json_object_set_new(
		p, "get", openapi_operation(s, "get", openapi_queries(NO_QUERIES), NULL, name));
	json_object_set_new(p, "put",
		openapi_operation(s, "put", openapi_queries(WRITE_QUERIES),
			openapi_content(JSON_ONLY, name), name));
	json_object_set_new(p, "patch",
		openapi_operation(s, "patch", openapi_queries(WRITE_QUERIES),
			openapi_content(PATCH_TYPES, NULL), name));
	if (!status)
		json_object_set_new(p, "delete",
			openapi_operation(
				s, "delete", openapi_queries(DELETE_QUERIES), NULL, name));
	return p;
}

static json_t *path_list(const struct shown *s, const char *name, const char *list, bool create)
{
	json_t *p = create ? path_item(s, false) : json_object();

	json_object_set_new(
		p, "get", openapi_operation(s, "list", openapi_queries(LIST_QUERIES), NULL, list));
	if (create)
		json_object_set_new(p, "post",
			openapi_operation(s, "post", openapi_queries(WRITE_QUERIES),
				openapi_content(JSON_ONLY, name), name));
	return p;
}

static void openapi_paths(json_t *paths, const struct shown *s, const char *name, const char *list)
{
	const struct emb_kind *k = s->k;
	auto_free char *root =
		mem_printf("%s/%s", k->group[0] ? "/apis" : "/api", s->v->api_version);
	auto_free char *all = mem_printf("%s/%s", root, k->plural);
	auto_free char *own = k->namespaced
		? mem_printf("%s/namespaces/{namespace}/%s", root, k->plural)
		: mem_strdup(all);
	auto_free char *one = mem_printf("%s/{name}", own);
	auto_free char *status = mem_printf("%s/status", one);

	if (k->namespaced)
		json_object_set_new(paths, all, path_list(s, name, list, false));
	json_object_set_new(paths, own, path_list(s, name, list, true));
	json_object_set_new(paths, one, path_object(s, name, false));
	if (k->has_status)
		json_object_set_new(paths, status, path_object(s, name, true));
}

/* ---- documents ------------------------------------------------------------------------------- */

static int openapi_add(json_t *paths, json_t *schemas, const struct shown *s, struct err *err)
{
	auto_free char *name = shown_schema_name(s, ""), *list = shown_schema_name(s, "List");
	json_t *schema = schema_kind(s, err);

	if (!schema)
		return -1;
	json_object_set_new(schemas, name, schema);
	json_object_set_new(schemas, list, schema_list(s, name));
	openapi_paths(paths, s, name, list);
	return 0;
}

json_t *emb_openapi_document(
	const struct emb_kinds *ks, const char *group, const char *version, struct err *err)
{
	auto_json json_t *paths = json_object(), *schemas = json_object();
	json_t *meta;
	struct shown s;
	size_t at = 0;

	while (shown_next(ks, group, version, &at, &s))
		if (openapi_add(paths, schemas, &s, err))
			return NULL;
	if (!json_object_size(paths))
		return NULL;
	meta = emb_meta_schema_json(err);
	if (!meta)
		return NULL;
	json_object_set_new(schemas, OBJECT_META, meta);
	json_object_set_new(schemas, LIST_META, json_loads(LIST_META_SCHEMA, 0, NULL));
	return json_pack("{s:s, s:{s:s, s:s}, s:O, s:{s:O}}", "openapi", "3.0.0", "info", "title",
		"oci-source-controller embedded API", "version", "v1", "paths", paths, "components",
		"schemas", schemas);
}

/* ---- the index ------------------------------------------------------------------------------- */

static void openapi_hash(
	const struct emb_kinds *ks, const struct shown *first, char out[DIGEST_HEX_MAX])
{
	auto_digest_ctx struct digest_ctx h = {0};
	struct digest d;
	struct shown s;
	size_t at = 0;

	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, OPENAPI_FORM, strlen(OPENAPI_FORM));
	while (shown_next(ks, first->k->group, first->v->name, &at, &s))
		digest_update(&h, s.v->schema_text, strlen(s.v->schema_text));
	digest_final(&h, &d);
	digest_hex(&d, out);
}

json_t *emb_openapi_index(const struct emb_kinds *ks, const char *prefix)
{
	json_t *paths = json_object();
	size_t i, j;

	for (i = 0; i < ks->len; i++) {
		const struct emb_kind *k = &ks->p[i];

		for (j = 0; j < k->n_versions; j++) {
			struct shown s = {k, &k->versions[j]};
			auto_free char *path =
				mem_printf("%s/%s", k->group[0] ? "apis" : "api", s.v->api_version);
			char hash[DIGEST_HEX_MAX];

			if (json_object_get(paths, path))
				continue;
			openapi_hash(ks, &s, hash);
			json_object_set_new(paths, path,
				json_pack("{s:o}", "serverRelativeURL",
					json_sprintf(
						"%s/openapi/v3/%s?hash=%s", prefix, path, hash)));
		}
	}
	return json_pack("{s:o}", "paths", paths);
}
