#include "base/obj.h"

#include <stdarg.h>
#include <string.h>

static json_t *walk(const json_t *o, va_list ap)
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
		node_ = walk(o, ap_); \
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

static json_t *parse(
	const char *data, size_t len, size_t more_flags, const char *what, struct err *err)
{
	json_error_t why;
	json_t *o =
		json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | more_flags, &why);

	if (!o)
		err_set(err, ERR_RETRY, "%s is not valid JSON: line %d: %.200s", what, why.line,
			why.text);
	return o;
}

json_t *obj_parse(const char *data, size_t len, const char *what, struct err *err)
{
	return parse(data, len, 0, what, err);
}

json_t *obj_parse_api(const char *data, size_t len, const char *what, struct err *err)
{
	return parse(data, len, JSON_ALLOW_NUL, what, err);
}

static int add(const char *data, size_t n, void *b)
{
	return buf_add(b, data, n);
}

int obj_write(const json_t *o, struct buf *b)
{
	return json_dump_callback(o, add, b, JSON_COMPACT | JSON_ENCODE_ANY);
}

void obj_auto(json_t **o)
{
	json_decref(*o);
	*o = NULL;
}
