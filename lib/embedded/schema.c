#include "embedded/schema.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/schema_int.h"
#include "text/match.h"

#include <string.h>

void emb_paths_clear(struct emb_paths *ps)
{
	size_t i;

	for (i = 0; i < ps->len; i++)
		free(ps->p[i]);
	vec_clear(ps);
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Keywords with no effect on an object, or read below. Everything else is refused by name. */
static const char *const HARMLESS[] = {"description", "title", "example", "externalDocs", "type",
	"properties", "required", "items", "additionalProperties", "enum", "default", "pattern",
	"format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
	"uniqueItems", "nullable", "x-kubernetes-preserve-unknown-fields",
	"x-kubernetes-int-or-string", "x-kubernetes-embedded-resource", "x-kubernetes-list-type",
	"x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-validations"};

static int schema_by_name(const void *a, const void *b)
{
	return strcmp(((const struct emb_prop *)a)->name, ((const struct emb_prop *)b)->name);
}

static char **schema_strings(const json_t *list)
{
	size_t i, n = json_array_size(list);
	char **out;

	if (!n)
		return NULL;
	out = mem_array(NULL, n + 1, sizeof(*out));
	for (i = 0; i < n; i++)
		out[i] = mem_strdup(json_string_value(json_array_get(list, i)));
	out[n] = NULL;
	return out;
}

static void schema_strings_free(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static int schema_keywords(const json_t *def, struct err *err)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)def, key, value) {
		for (i = 0; i < ARRAY_LEN(HARMLESS) && strcmp(key, HARMLESS[i]) != 0; i++)
			;
		/* The usual spelling of int-or-string; its own keyword says the same. */
		if (i == ARRAY_LEN(HARMLESS) && !strcmp(key, "anyOf") &&
			json_is_true(json_object_get(def, "x-kubernetes-int-or-string")))
			continue;
		if (i == ARRAY_LEN(HARMLESS))
			return err_set(err, ERR_STALL,
				"the schema keyword '%s' is not supported by the embedded API",
				key);
	}
	return 0;
}

static int schema_set_type(struct emb_schema *s, const json_t *def, struct err *err)
{
	static const struct {
		const char *name;
		enum emb_type type;
	} types[] = {{"object", EMB_OBJECT}, {"array", EMB_ARRAY}, {"string", EMB_STRING},
		{"integer", EMB_INTEGER}, {"number", EMB_NUMBER}, {"boolean", EMB_BOOLEAN}};
	const char *type = obj_str(def, "type");
	size_t i;

	if (!type)
		return 0;
	for (i = 0; i < ARRAY_LEN(types); i++) {
		if (!strcmp(type, types[i].name)) {
			s->type = types[i].type;
			return 0;
		}
	}
	return err_set(err, ERR_STALL, "unknown type '%s'", type);
}

static void schema_set_bounds(struct emb_schema *s, const json_t *def)
{
	const char *list_type = obj_str_or("", def, "x-kubernetes-list-type");
	const json_t *v;

	if ((v = json_object_get(def, "minimum"))) {
		s->has_min = true;
		s->min = json_number_value(v);
		s->open_min = obj_bool(false, def, "exclusiveMinimum");
	}
	if ((v = json_object_get(def, "maximum"))) {
		s->has_max = true;
		s->max = json_number_value(v);
		s->open_max = obj_bool(false, def, "exclusiveMaximum");
	}
	s->multiple = json_number_value(json_object_get(def, "multipleOf"));
	s->min_len = obj_int(-1, def, "minLength");
	s->max_len = obj_int(-1, def, "maxLength");
	s->min_items = obj_int(-1, def, "minItems");
	s->max_items = obj_int(-1, def, "maxItems");
	s->min_props = obj_int(-1, def, "minProperties");
	s->max_props = obj_int(-1, def, "maxProperties");
	s->unique = obj_bool(false, def, "uniqueItems");
	s->is_set = !strcmp(list_type, "set");
	s->is_map = !strcmp(list_type, "map");
	s->map_keys = schema_strings(json_object_get(def, "x-kubernetes-list-map-keys"));
}

static struct emb_schema *schema_compile(const json_t *def, bool root, struct err *err);

static int schema_set_props(struct emb_schema *s, const json_t *def, bool root, struct err *err)
{
	const json_t *props = json_object_get(def, "properties");
	const char *key;
	json_t *value;

	s->props = mem_array(NULL, json_object_size(props) + 1, sizeof(*s->props));
	json_object_foreach ((json_t *)(uintptr_t)props, key, value) {
		struct emb_schema *one;

		if (root &&
			(!strcmp(key, "apiVersion") || !strcmp(key, "kind") ||
				!strcmp(key, "metadata")))
			continue;
		one = schema_compile(value, false, err);
		if (!one)
			return err_wrap(err, "%s", key);
		s->props[s->n_props++] = (struct emb_prop){mem_strdup(key), one};
	}
	qsort(s->props, s->n_props, sizeof(*s->props), schema_by_name);
	return 0;
}

static int schema_set_children(struct emb_schema *s, const json_t *def, struct err *err)
{
	const json_t *extra = json_object_get(def, "additionalProperties");
	const json_t *items = json_object_get(def, "items");

	if (json_is_true(extra))
		s->any_extra = true;
	else if (json_is_object(extra) && !(s->extra = schema_compile(extra, false, err)))
		return err_wrap(err, "additionalProperties");
	if (items && !(s->items = schema_compile(items, false, err)))
		return err_wrap(err, "items");
	return 0;
}

/* A rule with more than a text and a message (an expression as message, another field, another
   reason) is as unknown as one with another text. */
static int schema_add_check(struct emb_schema *s, const json_t *rule, struct err *err)
{
	const char *text = obj_str_or("", rule, "rule"), *message = obj_str(rule, "message");
	emb_rule_fn holds = emb_rule_find(text);

	if (!holds || !message || json_object_size(rule) != 2)
		return err_set(err, ERR_STALL,
			"the rule '%.500s' of x-kubernetes-validations is not supported by the "
			"embedded API",
			text);
	s->checks[s->n_checks++] = (struct emb_check){holds, mem_strdup(message)};
	return 0;
}

static int schema_set_checks(struct emb_schema *s, const json_t *def, struct err *err)
{
	const json_t *list = json_object_get(def, "x-kubernetes-validations");
	size_t i, n = json_array_size(list);

	if (!n)
		return 0;
	s->checks = mem_array(NULL, n, sizeof(*s->checks));
	s->checks_below = true;
	for (i = 0; i < n; i++)
		if (schema_add_check(s, json_array_get(list, i), err))
			return -1;
	return 0;
}

static bool schema_has_checks(const struct emb_schema *s)
{
	return s && s->checks_below;
}

static void schema_look_for_checks(struct emb_schema *s)
{
	size_t i;

	s->checks_below |= schema_has_checks(s->extra) || schema_has_checks(s->items);
	for (i = 0; i < s->n_props; i++)
		s->checks_below |= schema_has_checks(s->props[i].schema);
}

static int schema_fill(struct emb_schema *s, const json_t *def, bool root, struct err *err)
{
	const json_t *enums = json_object_get(def, "enum"), *dflt = json_object_get(def, "default");

	if (schema_keywords(def, err) || schema_set_type(s, def, err))
		return -1;
	s->nullable = obj_bool(false, def, "nullable");
	s->preserve = obj_bool(false, def, "x-kubernetes-preserve-unknown-fields");
	s->int_or_string = obj_bool(false, def, "x-kubernetes-int-or-string");
	s->embedded = obj_bool(false, def, "x-kubernetes-embedded-resource");
	schema_set_bounds(s, def);
	s->required = schema_strings(json_object_get(def, "required"));
	s->format = mem_strdup(obj_str(def, "format"));
	s->enums = enums ? json_deep_copy(enums) : NULL;
	s->dflt = dflt ? json_deep_copy(dflt) : NULL;
	s->pattern = mem_strdup(obj_str(def, "pattern"));
	if (s->pattern && match_new(&s->match, s->pattern, err))
		return -1;
	if (schema_set_props(s, def, root, err) || schema_set_children(s, def, err) ||
		schema_set_checks(s, def, err))
		return -1;
	schema_look_for_checks(s);
	return 0;
}

static struct emb_schema *schema_compile(const json_t *def, bool root, struct err *err)
{
	struct emb_schema *s = NEW(struct emb_schema);

	if (!json_is_object(def)) {
		err_set(err, ERR_STALL, "a schema must be an object");
	} else if (!schema_fill(s, def, root, err)) {
		return s;
	}
	emb_schema_free(s);
	return NULL;
}

struct emb_schema *emb_schema_new(const json_t *def, struct err *err)
{
	return schema_compile(def, true, err);
}

void emb_schema_free(struct emb_schema *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n_props; i++) {
		free(s->props[i].name);
		emb_schema_free(s->props[i].schema);
	}
	free(s->props);
	for (i = 0; i < s->n_checks; i++)
		free(s->checks[i].message);
	free(s->checks);
	schema_strings_free(s->required);
	schema_strings_free(s->map_keys);
	emb_schema_free(s->extra);
	emb_schema_free(s->items);
	json_decref(s->enums);
	json_decref(s->dflt);
	free(s->pattern);
	match_free(s->match);
	free(s->format);
	free(s);
}

static const struct emb_schema *schema_prop(const struct emb_schema *s, const char *name)
{
	size_t lo = 0, hi = s->n_props;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(name, s->props[mid].name);

		if (!c)
			return s->props[mid].schema;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct emb_schema *emb_schema_member(
	const struct emb_schema *s, const char *name, bool *known)
{
	const struct emb_schema *p = schema_prop(s, name);

	*known = p || s->extra || s->any_extra || s->preserve ||
		(s->embedded &&
			(!strcmp(name, "apiVersion") || !strcmp(name, "kind") ||
				!strcmp(name, "metadata")));
	return p ? p : s->extra;
}

/* ---- pruning --------------------------------------------------------------------------------- */

static void schema_tell(struct emb_paths *unknown, const char *path)
{
	if (unknown->len < LIMIT_EMBEDDED_UNKNOWN)
		*vec_add(unknown) = mem_strdup(path);
}

static void schema_prune(
	const struct emb_schema *s, json_t *o, struct buf *path, struct emb_paths *unknown);

static void schema_prune_member(const struct emb_schema *s, json_t *o, const char *key,
	json_t *value, struct buf *path, struct emb_paths *unknown)
{
	size_t len = path->len;
	const struct emb_schema *sub;
	bool known;

	sub = emb_schema_member(s, key, &known);
	if (len)
		buf_addc(path, '.');
	buf_adds(path, key);
	if (!known) {
		schema_tell(unknown, buf_str(path));
		json_object_del(o, key);
	} else if (sub && json_is_null(value) && !sub->nullable && sub->type != EMB_ANY) {
		json_object_del(o, key);
	} else if (sub) {
		schema_prune(sub, value, path, unknown);
	}
	path->len = len;
	path->over = false;
	if (path->p)
		path->p[len] = '\0';
}

static void schema_prune(
	const struct emb_schema *s, json_t *o, struct buf *path, struct emb_paths *unknown)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i, len = path->len;

	if (json_is_object(o) && s->type != EMB_ANY) {
		json_object_foreach_safe (o, next, key, value) {
			if (!len &&
				(!strcmp(key, "apiVersion") || !strcmp(key, "kind") ||
					!strcmp(key, "metadata")))
				continue;
			schema_prune_member(s, o, key, value, path, unknown);
		}
	} else if (json_is_array(o) && s->items) {
		json_array_foreach (o, i, value) {
			buf_addf(path, "[%zu]", i);
			schema_prune(s->items, value, path, unknown);
			path->len = len;
			path->over = false;
			path->p[len] = '\0';
		}
	}
}

void emb_schema_prune(const struct emb_schema *s, json_t *o, struct emb_paths *unknown)
{
	auto_buf struct buf path = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);

	schema_prune(s, o, &path, unknown);
}

/* ---- defaults -------------------------------------------------------------------------------- */

void emb_schema_default(const struct emb_schema *s, json_t *o)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(o)) {
		for (i = 0; i < s->n_props; i++)
			if (s->props[i].schema->dflt && !json_object_get(o, s->props[i].name))
				json_object_set_new(o, s->props[i].name,
					json_deep_copy(s->props[i].schema->dflt));
		json_object_foreach (o, key, value) {
			bool known;
			const struct emb_schema *sub = emb_schema_member(s, key, &known);

			if (sub)
				emb_schema_default(sub, value);
		}
	} else if (json_is_array(o) && s->items) {
		json_array_foreach (o, i, value)
			emb_schema_default(s->items, value);
	}
}
