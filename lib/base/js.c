#include "base/js.h"

#include "base/obj.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- splitter -------------------------------------------------------------------------------- */

enum state {
	BEFORE, /* before the top-level '{' */
	INSIDE, /* in the top-level object, outside our array */
	ARRAY, /* in our array */
	AFTER, /* after the top-level '}' */
};

void js_split_init(struct js_split *s, const char *key, size_t max_item, size_t max_rest,
	js_item_fn *on_item, void *arg)
{
	memset(s, 0, sizeof(*s));
	s->key = key;
	s->on_item = on_item;
	s->arg = arg;
	buf_init(&s->item, max_item);
	buf_init(&s->rest, max_rest);
	buf_init(&s->name, 256);
}

void js_split_clear(struct js_split *s)
{
	buf_clear(&s->item);
	buf_clear(&s->rest);
	buf_clear(&s->name);
}

static bool js_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int split_too_large(struct js_split *s, const char *what, struct err *err)
{
	return err_set(err, ERR_RETRY, "%s of the JSON document is larger than %zu bytes", what,
		s->item.over ? s->item.max : s->rest.max);
}

static int item_done(struct js_split *s, struct err *err)
{
	int rc;

	while (s->item.len && js_is_space(s->item.p[s->item.len - 1]))
		s->item.len--;
	if (!s->item.len)
		return err_set(
			err, ERR_RETRY, "empty element in '%s' of the JSON document", s->key);
	rc = s->on_item(s->arg, s->item.p, s->item.len, err);
	buf_reset(&s->item);
	s->item_open = false;
	return rc;
}

/* Inside a string nothing but its end and escapes matters. Returns true while c belongs to one. */
static bool string_byte(struct js_split *s, char c)
{
	if (!s->in_string)
		return false;
	if (s->escaped)
		s->escaped = false;
	else if (c == '\\')
		s->escaped = true;
	else if (c == '"')
		s->in_string = false;
	return true;
}

static int array_byte(struct js_split *s, char c, struct err *err)
{
	if (!string_byte(s, c)) {
		if (s->depth == 2 && (c == ',' || c == ']')) {
			if (c == ']' && !s->item_open && !s->seen)
				goto end;
			if (item_done(s, err))
				return -1;
			s->seen = true;
			if (c == ']')
				goto end;
			return 0;
		}
		if (!s->item_open && js_is_space(c))
			return 0;
		if (c == '"')
			s->in_string = true;
		else if (c == '{' || c == '[')
			s->depth++;
		else if (c == '}' || c == ']')
			s->depth--;
		if (s->depth < 2)
			return err_set(err, ERR_RETRY, "unbalanced brackets in the JSON document");
	}
	s->item_open = true;
	if (buf_addc(&s->item, c))
		return split_too_large(s, "an element", err);
	return 0;
end:
	s->depth = 1;
	s->state = INSIDE;
	/* What was the array reads as null in the rest. */
	return buf_adds(&s->rest, "null") ? split_too_large(s, "the rest", err) : 0;
}

static int inside_byte(struct js_split *s, char c, struct err *err)
{
	bool skip = s->drop_rest && s->depth > 1;

	if (string_byte(s, c)) {
		if (s->depth == 1 && !s->expect_value && s->in_string)
			buf_addc(&s->name, c);
	} else if (c == '"') {
		s->in_string = true;
		if (s->depth == 1 && !s->expect_value)
			buf_reset(&s->name);
	} else if (c == ':' && s->depth == 1) {
		s->expect_value = true;
		s->key_is_ours = !s->name.over && !strcmp(buf_str(&s->name), s->key);
	} else if (c == ',' && s->depth == 1) {
		s->expect_value = s->key_is_ours = false;
	} else if (c == '[' && s->depth == 1 && s->key_is_ours) {
		if (s->in_array)
			return err_set(
				err, ERR_RETRY, "'%s' stands twice in the JSON document", s->key);
		s->in_array = true;
		s->seen = false;
		s->depth = 2;
		s->state = ARRAY;
		return 0;
	} else if (c == '{' || c == '[') {
		if (++s->depth == 2 && s->drop_rest)
			return buf_adds(&s->rest, "null") ? split_too_large(s, "the rest", err) : 0;
	} else if (c == '}' || c == ']') {
		if (--s->depth == 0)
			s->state = AFTER;
	}
	if (!skip && buf_addc(&s->rest, c))
		return split_too_large(s, "the rest", err);
	return 0;
}

int js_split_feed(struct js_split *s, const char *data, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		char c = data[i];
		int rc = 0;

		switch (s->state) {
		case BEFORE:
			if (js_is_space(c))
				break;
			if (c != '{')
				return err_set(err, ERR_RETRY, "the JSON document is no object");
			s->depth = 1;
			s->state = INSIDE;
			buf_addc(&s->rest, c);
			break;
		case INSIDE:
			rc = inside_byte(s, c, err);
			break;
		case ARRAY:
			rc = array_byte(s, c, err);
			break;
		default:
			if (!js_is_space(c))
				return err_set(err, ERR_RETRY, "bytes after the JSON document");
		}
		if (rc)
			return -1;
	}
	return 0;
}

int js_split_end(struct js_split *s, json_t **rest, struct err *err)
{
	if (s->state != AFTER)
		return err_set(err, ERR_RETRY, "the JSON document is cut short");
	*rest = obj_parse_within(s->rest.p, s->rest.len, &obj_answer, "the JSON document", err);
	return *rest ? 0 : -1;
}

/* ---- writer ---------------------------------------------------------------------------------- */

static void js_separate(struct js_w *w)
{
	if (w->comma)
		buf_addc(w->b, ',');
	w->comma = true;
}

void js_begin(struct js_w *w, char bracket)
{
	js_separate(w);
	buf_addc(w->b, bracket);
	w->comma = false;
}

void js_end(struct js_w *w, char bracket)
{
	buf_addc(w->b, bracket);
	w->comma = true;
}

static void js_quote(struct buf *b, const char *s, size_t n)
{
	size_t i = 0, from = 0;

	buf_addc(b, '"');
	while (i < n) {
		unsigned char c = (unsigned char)s[i];
		size_t len = utf8_char(s + i, n - i, NULL);

		if (len && c >= 0x20 && c != '"' && c != '\\') {
			i += len;
			continue;
		}
		buf_add(b, s + from, i - from);
		if (!len)
			buf_adds(b, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_adds(b, "\\n");
		else
			buf_addf(b, "\\u%04x", c);
		from = ++i;
	}
	buf_add(b, s + from, n - from);
	buf_addc(b, '"');
}

void js_key(struct js_w *w, const char *key)
{
	js_separate(w);
	js_quote(w->b, key, strlen(key));
	buf_addc(w->b, ':');
	w->comma = false;
}

void js_strn(struct js_w *w, const char *s, size_t n)
{
	js_separate(w);
	js_quote(w->b, s, n);
}

void js_str(struct js_w *w, const char *s)
{
	if (s)
		js_strn(w, s, strlen(s));
	else
		js_raw(w, "null", 4);
}

void js_int(struct js_w *w, int64_t v)
{
	js_separate(w);
	buf_addf(w->b, "%lld", (long long)v);
}

void js_uint(struct js_w *w, uint64_t v)
{
	js_separate(w);
	buf_addf(w->b, "%llu", (unsigned long long)v);
}

void js_num(struct js_w *w, double v)
{
	js_separate(w);
	if (isfinite(v))
		buf_addf(w->b, "%.17g", v);
	else
		buf_adds(w->b, "null");
}

void js_bool(struct js_w *w, bool v)
{
	js_separate(w);
	buf_adds(w->b, v ? "true" : "false");
}

void js_raw(struct js_w *w, const char *json, size_t n)
{
	js_separate(w);
	buf_add(w->b, json, n);
}

void js_kstr(struct js_w *w, const char *key, const char *s)
{
	js_key(w, key);
	js_str(w, s);
}

void js_kint(struct js_w *w, const char *key, int64_t v)
{
	js_key(w, key);
	js_int(w, v);
}

void js_kobj(struct js_w *w, const char *key, const json_t *v)
{
	if (!v)
		return;
	js_key(w, key);
	obj_write(v, w->b);
	w->comma = true;
}
