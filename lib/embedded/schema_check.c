/* Validation of an object against its schema. The sentences are those of kube-apiserver
   (go-openapi/validate and apiextensions), because people and tools know them. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "base/utf8.h"
#include "embedded/schema_int.h"
#include "embedded/status.h"
#include "text/match.h"

#include <math.h>
#include <string.h>

static const char *const TYPE_NAMES[] = {
	"any", "object", "array", "string", "integer", "number", "boolean"};

static const char *value_type(const json_t *o)
{
	switch (json_typeof(o)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_NULL:
		return "null";
	default:
		return "boolean";
	}
}

static bool type_fits(const struct emb_schema *s, const json_t *o)
{
	if (json_is_null(o))
		return s->nullable || (s->type == EMB_ANY && !s->int_or_string);
	if (s->int_or_string)
		return json_is_integer(o) || json_is_string(o);
	switch (s->type) {
	case EMB_OBJECT:
		return json_is_object(o);
	case EMB_ARRAY:
		return json_is_array(o);
	case EMB_STRING:
		return json_is_string(o);
	case EMB_INTEGER:
		/* 1.0 is an integer, as in JSON schema. */
		return json_is_integer(o) ||
			(json_is_real(o) && json_real_value(o) == floor(json_real_value(o)));
	case EMB_NUMBER:
		return json_is_number(o);
	case EMB_BOOLEAN:
		return json_is_boolean(o);
	default:
		return true;
	}
}

/* The value as the messages quote it: strings as Go's %q, the rest as JSON; cut, since a message is
   for people. */
static void value_show(const json_t *o, struct buf *out)
{
	auto_free char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t n = text ? strlen(text) : 0;

	if (n > 512) {
		buf_add(out, text, utf8_cut(text, n, 500));
		buf_adds(out, "...");
	} else if (text) {
		buf_add(out, text, n);
	}
}

static void check_invalid(struct emb_causes *c, const char *path, const json_t *o, const char *what)
{
	auto_buf struct buf value = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);

	value_show(o, &value);
	emb_cause(c, "FieldValueInvalid", path, "Invalid value: %s: %s in body %s", buf_str(&value),
		path, what);
}

#define INVALID(c, path, o, ...) \
	do { \
		auto_free char *what_ = mem_printf(__VA_ARGS__); \
		check_invalid(c, path, o, what_); \
	} while (0)

static size_t rune_count(const char *s, size_t n)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	return count;
}

static void check_enum(
	const struct emb_schema *s, const json_t *o, const char *path, struct emb_causes *c)
{
	auto_buf struct buf list = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);
	auto_buf struct buf value = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);
	size_t i;
	json_t *one;

	json_array_foreach (s->enums, i, one) {
		if (json_equal(one, o))
			return;
		buf_adds(&list, i ? ", " : "");
		value_show(one, &list);
	}
	value_show(o, &value);
	emb_cause(c, "FieldValueNotSupported", path, "Unsupported value: %s: supported values: %s",
		buf_str(&value), buf_str(&list));
}

static void check_format(
	const struct emb_schema *s, const json_t *o, const char *path, struct emb_causes *c)
{
	const char *text = json_string_value(o);
	struct err err;
	int64_t ms;

	if (!s->format)
		return;
	if (!strcmp(s->format, "date-time") && text) {
		if (strlen(text) != json_string_length(o) || time_parse_rfc3339(text, &ms, &err))
			INVALID(c, path, o, "must be of type date-time: \"%s\"", text);
	} else if (!strcmp(s->format, "int32") && json_is_integer(o)) {
		if (json_integer_value(o) > INT32_MAX || json_integer_value(o) < INT32_MIN)
			INVALID(c, path, o, "must be of type int32: \"%lld\"",
				(long long)json_integer_value(o));
	}
}

static void check_string(
	const struct emb_schema *s, const json_t *o, const char *path, struct emb_causes *c)
{
	const char *text = json_string_value(o);
	size_t n = json_string_length(o), chars = rune_count(text, n);

	if (s->max_len >= 0 && chars > (size_t)s->max_len)
		emb_cause(c, "FieldValueTooLong", path, "Too long: may not be more than %lld bytes",
			s->max_len);
	if (s->min_len >= 0 && chars < (size_t)s->min_len)
		INVALID(c, path, o, "should be at least %lld chars long", s->min_len);
	if (s->match && !match_text(s->match, text, n))
		INVALID(c, path, o, "should match '%s'", s->pattern);
}

static void check_number(
	const struct emb_schema *s, const json_t *o, const char *path, struct emb_causes *c)
{
	double v = json_number_value(o);

	if (s->has_max && (s->open_max ? v >= s->max : v > s->max))
		INVALID(c, path, o, "should be less than%s %.15g",
			s->open_max ? "" : " or equal to", s->max);
	if (s->has_min && (s->open_min ? v <= s->min : v < s->min))
		INVALID(c, path, o, "should be greater than%s %.15g",
			s->open_min ? "" : " or equal to", s->min);
	if (s->multiple > 0 && fmod(v, s->multiple) != 0)
		INVALID(c, path, o, "should be a multiple of %.15g", s->multiple);
}

static bool same_entry(const struct emb_schema *s, const json_t *a, const json_t *b)
{
	char **key;

	if (!s->is_map)
		return json_equal(a, b);
	for (key = s->map_keys; key && *key; key++) {
		const json_t *x = json_object_get(a, *key), *y = json_object_get(b, *key);

		if (!x != !y || (x && !json_equal(x, y)))
			return false;
	}
	return s->map_keys != NULL;
}

/* Of a list with keys only these are told. */
static void entry_show(const struct emb_schema *s, const json_t *o, struct buf *out)
{
	auto_json json_t *keys = json_object();
	char **key;

	for (key = s->map_keys; key && *key; key++)
		json_object_set(keys, *key, json_object_get(o, *key));
	value_show(s->is_map ? keys : o, out);
}

static void check_unique(
	const struct emb_schema *s, const json_t *o, const char *path, struct emb_causes *c)
{
	size_t i, j, n = json_array_size(o);

	if (!s->unique && !s->is_set && !s->is_map)
		return;
	/* Quadratic, so a list that no person would write is refused by its length. */
	if (n > 1000) {
		emb_cause(c, "FieldValueTooMany", path,
			"Too many: %zu: must have at most 1000 items", n);
		return;
	}
	for (i = 1; i < n; i++) {
		for (j = 0; j < i; j++) {
			auto_buf struct buf value = BUF_INIT(LIMIT_EMBEDDED_MESSAGE);
			auto_free char *field = NULL;

			if (!same_entry(s, json_array_get(o, i), json_array_get(o, j)))
				continue;
			field = mem_printf("%s[%zu]", path, i);
			entry_show(s, json_array_get(o, i), &value);
			emb_cause(c, "FieldValueDuplicate", field, "Duplicate value: %s",
				buf_str(&value));
			break;
		}
	}
}

static void check_value(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c);

static void check_below(const struct emb_schema *s, const json_t *o, struct buf *path,
	const char *key, size_t at, struct emb_causes *c)
{
	size_t len = path->len;

	if (key)
		buf_addf(path, "%s%s", len ? "." : "", key);
	else
		buf_addf(path, "[%zu]", at);
	check_value(s, o, path, c);
	path->len = len;
	if (path->p)
		path->p[len] = '\0';
}

static void check_array(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c)
{
	long long n = (long long)json_array_size(o);
	json_t *value;
	size_t i;

	if (s->max_items >= 0 && n > s->max_items)
		emb_cause(c, "FieldValueTooMany", buf_str(path),
			"Too many: %lld: must have at most %lld items", n, s->max_items);
	/* Here the value that is quoted is the number of items. */
	if (s->min_items >= 0 && n < s->min_items)
		emb_cause(c, "FieldValueInvalid", buf_str(path),
			"Invalid value: %lld: %s in body should have at least %lld items", n,
			buf_str(path), s->min_items);
	check_unique(s, o, buf_str(path), c);
	if (s->items)
		json_array_foreach (o, i, value)
			check_below(s->items, value, path, NULL, i, c);
}

static void check_object(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c)
{
	long long n = (long long)json_object_size(o);
	char **req;
	const char *key;
	json_t *value;

	if (s->max_props >= 0 && n > s->max_props)
		emb_cause(c, "FieldValueTooMany", buf_str(path),
			"Too many: %lld: must have at most %lld items", n, s->max_props);
	if (s->min_props >= 0 && n < s->min_props)
		INVALID(c, buf_str(path), o, "should have at least %lld properties", s->min_props);
	for (req = s->required; req && *req; req++) {
		auto_free char *field = NULL;

		if (json_object_get(o, *req))
			continue;
		field = mem_printf("%s%s%s", buf_str(path), path->len ? "." : "", *req);
		emb_cause(c, "FieldValueRequired", field, "Required value");
	}
	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		bool known;
		const struct emb_schema *sub = emb_schema_member(s, key, &known);

		if (sub)
			check_below(sub, value, path, key, 0, c);
	}
}

static void check_value(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c)
{
	const char *at = buf_str(path);

	if (!type_fits(s, o)) {
		const char *type = value_type(o);

		/* Here the value that is quoted is the type's name: that is how the API server
		   words it. */
		emb_cause(c, "FieldValueTypeInvalid", at,
			"Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", type, at,
			s->int_or_string ? "integer,string" : TYPE_NAMES[s->type], type);
		return;
	}
	if (json_is_null(o))
		return;
	if (json_is_string(o))
		check_string(s, o, at, c);
	else if (json_is_number(o))
		check_number(s, o, at, c);
	if (s->enums)
		check_enum(s, o, at, c);
	check_format(s, o, at, c);
	if (json_is_array(o))
		check_array(s, o, path, c);
	else if (json_is_object(o))
		check_object(s, o, path, c);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void check_rules(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c);

static void check_rules_below(const struct emb_schema *s, const json_t *o, struct buf *path,
	const char *key, size_t at, struct emb_causes *c)
{
	size_t len = path->len;

	if (key)
		buf_addf(path, "%s%s", len ? "." : "", key);
	else
		buf_addf(path, "[%zu]", at);
	check_rules(s, o, path, c);
	path->len = len;
	if (path->p)
		path->p[len] = '\0';
}

/* Here, too, the value that is quoted is the type's name. */
static void check_rules(
	const struct emb_schema *s, const json_t *o, struct buf *path, struct emb_causes *c)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!s->checks_below || json_is_null(o))
		return;
	for (i = 0; i < s->n_checks; i++)
		if (!s->checks[i].holds(o))
			emb_cause(c, "FieldValueInvalid", buf_str(path),
				"Invalid value: \"%s\": %s", TYPE_NAMES[s->type],
				s->checks[i].message);
	if (json_is_array(o) && s->items) {
		json_array_foreach (o, i, value)
			check_rules_below(s->items, value, path, NULL, i, c);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)o, key, value) {
		bool known;
		const struct emb_schema *sub = emb_schema_member(s, key, &known);

		if (sub)
			check_rules_below(sub, value, path, key, 0, c);
	}
}

/* A rule may rest on what these say is not so: the API server asks none after them. */
static bool causes_block_rules(const struct emb_causes *c)
{
	static const char *const blocking[] = {"FieldValueNotSupported", "FieldValueRequired",
		"FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"};
	size_t i, j;
	json_t *cause;

	json_array_foreach (c->list, i, cause)
		for (j = 0; j < ARRAY_LEN(blocking); j++)
			if (!strcmp(obj_str_or("", cause, "reason"), blocking[j]))
				return true;
	return false;
}

void emb_schema_validate(const struct emb_schema *s, const json_t *o, struct emb_causes *causes)
{
	auto_buf struct buf path = BUF_INIT(BUF_ANY); /* bounded by the keys of the body itself */

	check_value(s, o, &path, causes);
	if (!s->checks_below)
		return;
	if (causes_block_rules(causes))
		emb_cause(causes, "FieldValueInvalid", "<nil>",
			"Invalid value: null: some validation rules were not checked because the "
			"object was invalid; correct the existing errors to complete validation");
	else
		check_rules(s, o, &path, causes);
}
