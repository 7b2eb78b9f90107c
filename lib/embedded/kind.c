#include "embedded/kind.h"

#include "base/mem.h"
#include "base/obj.h"
#include "embedded/builtin.h"
#include "embedded/crds.h"
#include "embedded/jsonpath.h"
#include "embedded/meta.h"
#include "embedded/schema.h"
#include "text/yaml.h"

#include <string.h>

static char **kind_list_copy(const json_t *list)
{
	size_t i, n = json_array_size(list), to = 0;
	char **out = mem_array(NULL, n + 1, sizeof(*out));

	for (i = 0; i < n; i++)
		if (json_is_string(json_array_get(list, i)))
			out[to++] = mem_strdup(json_string_value(json_array_get(list, i)));
	out[to] = NULL;
	return out;
}

static void kind_list_free(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static int kind_set_columns(
	struct emb_version *v, const json_t *cols, bool own_name, struct err *err)
{
	size_t i, n = json_array_size(cols);

	v->columns = mem_array(NULL, n + 1, sizeof(*v->columns));
	if (own_name)
		v->columns[v->n_columns++] = (struct emb_column){
			.name = mem_strdup("Name"),
			.type = mem_strdup("string"),
			.format = mem_strdup("name"),
			.description = mem_strdup("The object's name, unique in its namespace."),
		};
	for (i = 0; i < n; i++) {
		const json_t *c = json_array_get(cols, i);
		const char *path = obj_str(c, "jsonPath");
		struct emb_column *to = &v->columns[v->n_columns++];

		*to = (struct emb_column){
			.name = mem_strdup(obj_str_or("", c, "name")),
			.type = mem_strdup(obj_str_or("string", c, "type")),
			.format = mem_strdup(obj_str_or("", c, "format")),
			.description = mem_strdup(obj_str_or("", c, "description")),
			.priority = (int)obj_int(0, c, "priority"),
		};
		if (path && !(to->path = emb_jsonpath_new(path, err)))
			return err_wrap(err, "column '%s'", to->name);
	}
	return 0;
}

static void kind_names(struct emb_kind *k)
{
	k->resource =
		k->group[0] ? mem_printf("%s.%s", k->plural, k->group) : mem_strdup(k->plural);
	k->group_kind = k->group[0] ? mem_printf("%s.%s", k->kind, k->group) : mem_strdup(k->kind);
}

/* ---- from a CRD ------------------------------------------------------------------------------ */

static int kind_set_version(struct emb_kind *k, const json_t *def, struct err *err)
{
	struct emb_version *v = &k->versions[k->n_versions];
	const json_t *schema = obj_get(def, "schema", "openAPIV3Schema");
	const json_t *cols = json_object_get(def, "additionalPrinterColumns");
	auto_json json_t *age = NULL;

	memset(v, 0, sizeof(*v));
	v->name = mem_strdup(obj_str_or("", def, "name"));
	v->api_version = mem_printf("%s/%s", k->group, v->name);
	v->storage = obj_bool(false, def, "storage");
	v->schema_text = json_dumps(schema, JSON_COMPACT);
	k->n_versions++;
	if (!cols) {
		age = json_pack("[{s:s, s:s, s:s}]", "name", "Age", "type", "date", "jsonPath",
			".metadata.creationTimestamp");
		cols = age;
	}
	if (!v->schema_text)
		return err_set(err, ERR_STALL, "version '%s' has no schema", v->name);
	if (kind_set_columns(v, cols, true, err) || !(v->schema = emb_schema_new(schema, err)))
		return err_wrap(err, "version '%s'", v->name);
	if (obj_get(def, "subresources", "status"))
		k->has_status = true;
	if (obj_get(def, "subresources", "scale"))
		return err_set(err, ERR_STALL,
			"version '%s': the scale subresource is not supported by the embedded API",
			v->name);
	return 0;
}

static int kind_from_crd(struct emb_kind *k, const json_t *crd, struct err *err)
{
	const json_t *spec = json_object_get(crd, "spec"), *n = json_object_get(spec, "names");
	const json_t *versions = json_object_get(spec, "versions");
	const char *strategy = obj_str_or("None", spec, "conversion", "strategy");
	size_t i, count = json_array_size(versions);

	k->group = mem_strdup(obj_str_or("", spec, "group"));
	k->kind = mem_strdup(obj_str_or("", n, "kind"));
	k->list_kind = obj_str(n, "listKind") ? mem_strdup(obj_str(n, "listKind"))
					      : mem_printf("%sList", k->kind);
	k->plural = mem_strdup(obj_str_or("", n, "plural"));
	k->singular = mem_strdup(obj_str_or("", n, "singular"));
	k->short_names = kind_list_copy(json_object_get(n, "shortNames"));
	k->categories = kind_list_copy(json_object_get(n, "categories"));
	k->namespaced = !strcmp(obj_str_or("", spec, "scope"), "Namespaced");
	kind_names(k);
	if (!k->group[0] || !k->kind[0] || !k->plural[0] || !count)
		return err_set(err, ERR_STALL,
			"not a CustomResourceDefinition with group, names and versions");
	if (strcmp(strategy, "None") != 0)
		return err_set(err, ERR_STALL,
			"conversion '%s' is not supported by the embedded API", strategy);
	k->versions = mem_array(NULL, count, sizeof(*k->versions));
	for (i = 0; i < count; i++) {
		const json_t *def = json_array_get(versions, i);

		if (obj_bool(false, def, "served") && kind_set_version(k, def, err))
			return -1;
	}
	/* Discovery prefers the version that is stored: for these kinds it is the stable one. */
	for (i = 1; i < k->n_versions; i++) {
		if (k->versions[i].storage) {
			struct emb_version first = k->versions[0];

			k->versions[0] = k->versions[i];
			k->versions[i] = first;
		}
	}
	return k->n_versions ? 0 : err_set(err, ERR_STALL, "no version is served");
}

/* ---- built in -------------------------------------------------------------------------------- */

static int kind_from_builtin(struct emb_kind *k, const struct emb_builtin_def *def, struct err *err)
{
	auto_json json_t *schema = obj_parse(def->schema, strlen(def->schema), def->kind, err);
	auto_json json_t *cols = NULL;
	struct emb_version *v;

	k->group = mem_strdup("");
	k->kind = mem_strdup(def->kind);
	k->list_kind = mem_printf("%sList", def->kind);
	k->plural = mem_strdup(def->plural);
	k->singular = mem_strdup(def->singular);
	k->short_names = mem_array(NULL, 2, sizeof(char *));
	k->short_names[0] = mem_strdup(def->short_name);
	k->short_names[1] = NULL;
	k->categories = kind_list_copy(NULL);
	k->namespaced = def->namespaced;
	k->has_status = def->has_status;
	k->is_namespace = !strcmp(def->kind, "Namespace");
	k->builtin = &def->hooks;
	kind_names(k);
	k->versions = v = NEW(struct emb_version);
	k->n_versions = 1;
	v->name = mem_strdup("v1");
	v->api_version = mem_strdup("v1");
	v->storage = true;
	v->schema_text = mem_strdup(def->schema);
	if (!schema || !(v->schema = emb_schema_new(schema, err)))
		return -1;
	cols = obj_parse(def->columns, strlen(def->columns), def->kind, err);
	return cols ? kind_set_columns(v, cols, false, err) : -1;
}

/* ---- all ------------------------------------------------------------------------------------- */

static struct emb_kind *kinds_grow(struct emb_kinds *ks)
{
	struct emb_kind *k;

	ks->p = mem_array(ks->p, ks->len + 1, sizeof(*ks->p));
	k = &ks->p[ks->len++];
	memset(k, 0, sizeof(*k));
	return k;
}

static int kinds_add_crd(struct emb_kinds *ks, const struct embedded_crd *crd, struct err *err)
{
	struct ydocs docs;
	size_t i;
	int rc = 0;

	if (ydocs_parse(&docs, crd->text, crd->len, err))
		return err_wrap(err, "%s", crd->name);
	for (i = 0; !rc && i < docs.count; i++)
		rc = kind_from_crd(kinds_grow(ks), docs.at[i].root, err);
	ydocs_clear(&docs);
	return rc ? err_wrap(err, "%s", crd->name) : 0;
}

struct emb_kinds *emb_kinds_new(const struct embedded_crd *crds, struct err *err)
{
	struct emb_kinds *ks = NEW(struct emb_kinds);
	const struct emb_builtin_def *const *def;

	ks->meta = emb_meta_schema(err);
	if (!ks->meta)
		goto fail;
	for (def = emb_builtins; *def; def++)
		if (kind_from_builtin(kinds_grow(ks), *def, err))
			goto fail;
	for (; crds->name; crds++)
		if (kinds_add_crd(ks, crds, err))
			goto fail;
	return ks;
fail:
	emb_kinds_free(ks);
	return NULL;
}

static void version_clear(struct emb_version *v)
{
	size_t i;

	for (i = 0; i < v->n_columns; i++) {
		free(v->columns[i].name);
		free(v->columns[i].type);
		free(v->columns[i].format);
		free(v->columns[i].description);
		emb_jsonpath_free(v->columns[i].path);
	}
	free(v->columns);
	free(v->name);
	free(v->api_version);
	free(v->schema_text);
	emb_schema_free(v->schema);
}

void emb_kinds_free(struct emb_kinds *ks)
{
	size_t i, j;

	if (!ks)
		return;
	for (i = 0; i < ks->len; i++) {
		struct emb_kind *k = &ks->p[i];

		for (j = 0; j < k->n_versions; j++)
			version_clear(&k->versions[j]);
		free(k->versions);
		free(k->group);
		free(k->kind);
		free(k->list_kind);
		free(k->plural);
		free(k->singular);
		free(k->resource);
		free(k->group_kind);
		kind_list_free(k->short_names);
		kind_list_free(k->categories);
	}
	emb_schema_free(ks->meta);
	free(ks->p);
	free(ks);
}

static const struct emb_version *version_of(const struct emb_kind *k, const char *version)
{
	size_t i;

	for (i = 0; i < k->n_versions; i++)
		if (!version || !strcmp(k->versions[i].name, version))
			return &k->versions[i];
	return NULL;
}

const struct emb_kind *emb_kinds_find(const struct emb_kinds *ks, const char *group,
	const char *version, const char *plural, const struct emb_version **v)
{
	size_t i;

	for (i = 0; i < ks->len; i++) {
		const struct emb_kind *k = &ks->p[i];
		const struct emb_version *found;

		if (strcmp(k->group, group) != 0 || strcmp(k->plural, plural) != 0)
			continue;
		found = version_of(k, version);
		if (found && v)
			*v = found;
		return found ? k : NULL;
	}
	return NULL;
}

const struct emb_kind *emb_kinds_of(const struct emb_kinds *ks, const char *api_version,
	const char *kind, const struct emb_version **v)
{
	size_t i, j;

	for (i = 0; i < ks->len; i++) {
		const struct emb_kind *k = &ks->p[i];

		for (j = 0; !strcmp(k->kind, kind) && j < k->n_versions; j++) {
			if (strcmp(k->versions[j].api_version, api_version) != 0)
				continue;
			if (v)
				*v = &k->versions[j];
			return k;
		}
	}
	return NULL;
}

const struct emb_kind *emb_kinds_namespace(const struct emb_kinds *ks)
{
	return emb_kinds_find(ks, "", "v1", "namespaces", NULL);
}

const char *emb_kind_field(const void *kind, const json_t *o, const char *path)
{
	const struct emb_kind *k = kind;

	if (!strcmp(path, "metadata.name"))
		return obj_str_or("", o, "metadata", "name");
	if (!strcmp(path, "metadata.namespace"))
		return obj_str_or("", o, "metadata", "namespace");
	return k->builtin && k->builtin->field ? k->builtin->field(o, path) : NULL;
}
