#include "base/obj.h"

#include "base/limits.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static json_t *obj_walk(const json_t *o, va_list ap)
{
	const char *key;

	while (o && (key = va_arg(ap, const char *)))
		o = json_object_get(o, key);
	return (json_t *)(uintptr_t)o;
}

#define WALK(o, last) \
	__extension__({ \
		va_list ap_; \
		json_t *node_; \
		va_start(ap_, last); \
		node_ = obj_walk(o, ap_); \
		va_end(ap_); \
		node_; \
	})

static const char *plain_string(const json_t *node)
{
	const char *s = json_string_value(node);

	return s && strlen(s) == json_string_length(node) ? s : NULL;
}

json_t *obj_get_(const json_t *o, ...)
{
	return WALK(o, o);
}

const char *obj_str_(const json_t *o, ...)
{
	return plain_string(WALK(o, o));
}

const char *obj_str_or_(const char *fallback, const json_t *o, ...)
{
	const char *s = plain_string(WALK(o, o));

	return s ? s : fallback;
}

int64_t obj_int_(int64_t fallback, const json_t *o, ...)
{
	const json_t *node = WALK(o, o);

	return json_is_integer(node) ? json_integer_value(node) : fallback;
}

bool obj_bool_(bool fallback, const json_t *o, ...)
{
	const json_t *node = WALK(o, o);

	return json_is_boolean(node) ? json_is_true(node) : fallback;
}

/* ---- how large a tree would be --------------------------------------------------------------- */

const struct obj_limits obj_api = {LIMIT_JSON_API_VALUES, LIMIT_JSON_API_DEPTH};
const struct obj_limits obj_manifest = {LIMIT_JSON_MANIFEST_VALUES, LIMIT_JSON_MANIFEST_DEPTH};
const struct obj_limits obj_answer = {LIMIT_JSON_ANSWER_VALUES, LIMIT_JSON_ANSWER_DEPTH};
const struct obj_limits obj_docker = {LIMIT_JSON_DOCKER_VALUES, LIMIT_JSON_DOCKER_DEPTH};
const struct obj_limits obj_signed = {LIMIT_JSON_SIGNED_VALUES, LIMIT_JSON_SIGNED_DEPTH};

/* Behind the string that begins at i, or len. */
static size_t string_end(const char *s, size_t len, size_t i)
{
	for (i++; i < len && s[i] != '"'; i++)
		i += s[i] == '\\';
	return i < len ? i + 1 : len;
}

static bool is_structure(char c)
{
	return c == '"' || c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' ||
		c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the number or word that begins at i. */
static size_t word_end(const char *s, size_t len, size_t i)
{
	while (i < len && !is_structure(s[i]))
		i++;
	return i;
}

/*
 * Whether the text is JSON at all is the parser's business. It stops at the first byte that is
 * none, and until there each string before a colon is a name, so the tree never holds more than was
 * counted.
 */
int obj_measure(const char *data, size_t len, const struct obj_limits *max, const char *what,
	struct err *err)
{
	size_t i = 0, values = 0, depth = 0;

	while (i < len && values <= max->values && depth <= max->depth) {
		char c = data[i];

		if (c == '"') {
			values++;
			i = string_end(data, len, i);
		} else if (!is_structure(c)) {
			values++;
			i = word_end(data, len, i);
		} else {
			values += c == '{' || c == '[';
			values -= c == ':' && values;
			depth += c == '{' || c == '[';
			depth -= (c == '}' || c == ']') && depth;
			i++;
		}
	}
	if (depth > max->depth)
		return err_code(err, ERR_RETRY, -E2BIG, "%s is nested more than %u levels deep",
			what, max->depth);
	if (values > max->values)
		return err_code(
			err, ERR_RETRY, -E2BIG, "%s has more than %u values", what, max->values);
	return 0;
}

/* Behind the array that begins at i. */
static size_t array_end(const char *s, size_t len, size_t i)
{
	size_t depth = 0;

	while (i < len) {
		if (s[i] == '"') {
			i = string_end(s, len, i);
			continue;
		}
		depth += s[i] == '[' || s[i] == '{';
		depth -= s[i] == ']' || s[i] == '}';
		i++;
		if (!depth)
			break;
	}
	return i;
}

/* Inside a string the name's quotes would stand behind backslashes, so it is found by its bytes.
   False: there is none to drop. */
static bool without_managed_fields(const char *data, size_t len, struct buf *out)
{
	static const char name[] = "\"managedFields\":[";
	const char *at = len ? memmem(data, len, name, sizeof(name) - 1) : NULL;
	size_t from, to;

	if (!at || at == data || at[-1] == '\\')
		return false;
	from = (size_t)(at - data) + sizeof(name) - 2;
	to = array_end(data, len, from);
	buf_add(out, data, from);
	buf_adds(out, "[]");
	buf_add(out, data + to, len - to);
	return true;
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* It quotes what it does not understand, line breaks and all. */
static char *one_line(char *text)
{
	char *p;

	for (p = text; *p; p++)
		if ((*p > 0 && *p < ' ') || *p == 0x7f)
			*p = '?';
	return text;
}

static json_t *obj_parse_flags(const char *data, size_t len, const struct obj_limits *max,
	size_t more_flags, const char *what, struct err *err)
{
	json_error_t why;
	json_t *o;

	if (obj_measure(data, len, max, what, err))
		return NULL;
	o = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | more_flags, &why);
	if (!o)
		err_set(err, ERR_RETRY, "%s is not valid JSON: line %d: %.200s", what, why.line,
			one_line(why.text));
	return o;
}

json_t *obj_parse_within(const char *data, size_t len, const struct obj_limits *max,
	const char *what, struct err *err)
{
	return obj_parse_flags(data, len, max, 0, what, err);
}

json_t *obj_parse(const char *data, size_t len, const char *what, struct err *err)
{
	return obj_parse_flags(data, len, &obj_api, 0, what, err);
}

json_t *obj_parse_api(const char *data, size_t len, const char *what, struct err *err)
{
	auto_buf struct buf less = BUF_INIT(BUF_ANY);

	if (without_managed_fields(data, len, &less))
		return obj_parse_flags(less.p, less.len, &obj_api, JSON_ALLOW_NUL, what, err);
	return obj_parse_flags(data, len, &obj_api, JSON_ALLOW_NUL, what, err);
}

static int obj_add_text(const char *data, size_t n, void *b)
{
	return buf_add(b, data, n);
}

int obj_write(const json_t *o, struct buf *b)
{
	return json_dump_callback(o, obj_add_text, b, JSON_COMPACT | JSON_ENCODE_ANY);
}

void obj_auto(json_t **o)
{
	json_decref(*o);
	*o = NULL;
}

int obj_known_keys(const json_t *o, const char *const *known, const char *what, struct err *err)
{
	const char *key;
	json_t *v;
	size_t i;

	if (!json_is_object(o))
		return err_set(err, ERR_STALL, "%s is no mapping", what);
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		for (i = 0; known[i] && strcmp(known[i], key); i++)
			;
		if (!known[i])
			return err_set(
				err, ERR_STALL, "%s has the unknown key '%.100s'", what, key);
	}
	return 0;
}

json_t *obj_rules(const json_t *o, size_t max, struct err *err)
{
	static const char *const known[] = {"rules", NULL};
	json_t *list = json_object_get(o, "rules");

	if (obj_known_keys(o, known, "the file", err))
		return NULL;
	if (!json_is_array(list))
		err_set(err, ERR_STALL, "'rules' is no list");
	else if (json_array_size(list) > max)
		err_set(err, ERR_STALL, "there are more than %zu rules", max);
	else
		return list;
	return NULL;
}
