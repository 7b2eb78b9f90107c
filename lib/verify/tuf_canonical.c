#include "verify/tuf_canonical.h"

#include "base/vec.h"

#include <string.h>

static void text_add(struct buf *out, const char *text, size_t n)
{
	size_t i;

	buf_addc(out, '"');
	for (i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			buf_addc(out, '\\');
		buf_addc(out, text[i]);
	}
	buf_addc(out, '"');
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int value_add(const json_t *v, struct buf *out, struct err *err);

static int list_add(const json_t *v, struct buf *out, struct err *err)
{
	const json_t *one;
	size_t i;

	buf_addc(out, '[');
	json_array_foreach (v, i, one) {
		if (i)
			buf_addc(out, ',');
		if (value_add(one, out, err))
			return -1;
	}
	buf_addc(out, ']');
	return 0;
}

static int object_add(const json_t *v, struct buf *out, struct err *err)
{
	json_t *o = (json_t *)(uintptr_t)v; /* jansson's iterators are not const; nothing changes */
	VEC(const char *) names = {0};
	const char *name;
	json_t *value;
	size_t i;
	int rc = 0;

	json_object_foreach (o, name, value)
		*vec_add(&names) = name;
	if (names.len)
		qsort(names.p, names.len, sizeof(*names.p), by_bytes);
	buf_addc(out, '{');
	for (i = 0; i < names.len && !rc; i++) {
		if (i)
			buf_addc(out, ',');
		text_add(out, names.p[i], strlen(names.p[i]));
		buf_addc(out, ':');
		rc = value_add(json_object_get(v, names.p[i]), out, err);
	}
	buf_addc(out, '}');
	vec_clear(&names);
	return rc;
}

static int value_add(const json_t *v, struct buf *out, struct err *err)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return object_add(v, out, err);
	case JSON_ARRAY:
		return list_add(v, out, err);
	case JSON_STRING:
		text_add(out, json_string_value(v), json_string_length(v));
		return 0;
	case JSON_INTEGER:
		buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return 0;
	case JSON_REAL:
		return err_set(err, ERR_RETRY, "it holds a number that is not whole");
	default:
		buf_adds(out, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null");
		return 0;
	}
}

int verify_tuf_canonical(const json_t *v, struct buf *out, struct err *err)
{
	if (value_add(v, out, err))
		return -1;
	return buf_over(out) ? err_set(err, ERR_RETRY, "its canonical form is too long") : 0;
}
