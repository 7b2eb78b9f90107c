#include "verify/protojson.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "verify/plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 32

static const char *text_of(const json_t *v)
{
	const char *s = json_string_value(v);

	return s && strlen(s) == json_string_length(v) ? s : NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Both alphabets as one, without padding, for the strict decoder. False: padding where none
   belongs, or a mixture. */
static bool bytes_plain(const char *s, struct buf *out)
{
	size_t n = strlen(s), i;
	bool url = strpbrk(s, "-_");

	if (n % 4 == 0)
		while (n && s[n - 1] == '=' && strlen(s) - n < 2)
			n--;
	for (i = 0; i < n; i++) {
		char c = s[i];

		if (url && (c == '+' || c == '/'))
			return false;
		buf_addc(out, c == '+' ? '-' : c == '/' ? '_' : c);
	}
	return !buf_over(out);
}

int verify_pj_bytes(const json_t *v, struct buf *out, struct err *err)
{
	const char *s = text_of(v);
	auto_buf struct buf plain = BUF_INIT(BUF_ANY);

	if (!s || !bytes_plain(s, &plain))
		return err_set(err, ERR_RETRY, "malformed base64");
	return base64_decode(out, buf_str(&plain), plain.len, BASE64_URL, err);
}

static int bytes_check(const json_t *v, struct err *err)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);

	return verify_pj_bytes(v, &out, err);
}

static bool int_read(const json_t *v, int64_t *out)
{
	const char *s = text_of(v);
	const char *digits = s && *s == '-' ? s + 1 : s;

	if (json_is_integer(v)) {
		*out = json_integer_value(v);
		return true;
	}
	if (!s || !*digits || strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	*out = strtoll(s, NULL, 10);
	return !errno && (digits[0] != '0' || !digits[1]);
}

int64_t verify_pj_int(const json_t *v)
{
	int64_t n = 0;

	return v && int_read(v, &n) ? n : 0;
}

static bool is_enum(const json_t *v)
{
	const char *s = text_of(v);
	size_t i;

	for (i = 0; s && s[i]; i++)
		if (!ascii_is_alnum(s[i]) && s[i] != '_')
			return false;
	return json_is_integer(v) || (s && *s);
}

static bool is_map_of_strings(const json_t *v)
{
	const char *key;
	json_t *one;

	if (!json_is_object(v))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, key, one)
		if (!text_of(one))
			return false;
	return true;
}

static int value_check(const json_t *v, const struct verify_pj_field *f, struct err *err)
{
	int64_t n;
	bool ok;

	switch (f->type) {
	case VERIFY_PJ_STRING:
		ok = text_of(v);
		break;
	case VERIFY_PJ_BYTES:
		return bytes_check(v, err) ? err_wrap(err, "'%s'", f->name) : 0;
	case VERIFY_PJ_INT:
		ok = int_read(v, &n);
		break;
	case VERIFY_PJ_ENUM:
		ok = is_enum(v);
		break;
	case VERIFY_PJ_MESSAGE:
		return verify_pj_check(v, f->fields, f->name, err);
	case VERIFY_PJ_STRINGS:
		ok = is_map_of_strings(v);
		break;
	default:
		ok = json_is_object(v);
	}
	return ok ? 0 : err_set(err, ERR_RETRY, "'%s' is of another type", f->name);
}

static int member_check(const json_t *v, const struct verify_pj_field *f, struct err *err)
{
	json_t *one;
	size_t i;

	if (!f->many)
		return value_check(v, f, err);
	if (!json_is_array(v))
		return err_set(err, ERR_RETRY, "'%s' is no list", f->name);
	json_array_foreach (v, i, one)
		if (value_check(one, f, err))
			return -1;
	return 0;
}

/* ---- messages -------------------------------------------------------------------------------- */

static const struct verify_pj_field *field_find(
	const struct verify_pj_field *fields, const char *name)
{
	const struct verify_pj_field *f;

	for (f = fields; f->name; f++)
		if (!strcmp(f->name, name) || (f->other && !strcmp(f->other, name)))
			return f;
	return NULL;
}

int verify_pj_check(
	const json_t *o, const struct verify_pj_field *fields, const char *what, struct err *err)
{
	bool seen[FIELDS_MAX] = {0}, chosen[FIELDS_MAX] = {0};
	char shown[VERIFY_PLAIN_MAX];
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "'%s' is no object", what);
	json_object_foreach ((json_t *)(uintptr_t)o, name, v) {
		const struct verify_pj_field *f = field_find(fields, name);

		if (!f)
			return err_set(err, ERR_RETRY, "'%s' has no member '%s'", what,
				verify_plain(name, shown));
		BUG_IF(f - fields >= FIELDS_MAX || f->one_of >= FIELDS_MAX);
		if (seen[f - fields])
			return err_set(err, ERR_RETRY, "'%s' has '%s' twice", what, f->name);
		seen[f - fields] = true;
		if (json_is_null(v))
			continue;
		if (f->one_of && chosen[f->one_of])
			return err_set(err, ERR_RETRY, "'%s' has '%s' beside what excludes it",
				what, f->name);
		chosen[f->one_of] = true;
		if (member_check(v, f, err))
			return -1;
	}
	return 0;
}

json_t *verify_pj_get(const json_t *o, const struct verify_pj_field *fields, const char *name)
{
	const struct verify_pj_field *f = field_find(fields, name);
	json_t *v;

	BUG_IF(!f);
	v = json_object_get(o, f->name);
	if ((!v || json_is_null(v)) && f->other)
		v = json_object_get(o, f->other);
	return v && !json_is_null(v) ? v : NULL;
}
