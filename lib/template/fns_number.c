/* sprig's functions of numbers and conversions, and of JSON (numeric.go, strings.go,
   defaults.go). */
#include "base/ascii.h"
#include "base/obj.h"
#include "template/internal.h"
#include "text/number.h"

#include <math.h>
#include <string.h>

static const struct value *arg(const struct call *c, size_t i)
{
	return c->args[i];
}

static int return_int(const struct call *c, const struct value_type *type, int64_t i)
{
	return call_return(c, value_int(&c->r->pool, type, i));
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* As the processor does it in Go: what is out of range is the least one. */
static int64_t cut(double d)
{
	if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
		return INT64_MIN;
	return (int64_t)d;
}

/* Without the zeros behind a point at the end: "5.00". */
static size_t without_zeros(const struct value *s)
{
	size_t i;

	for (i = s->len; i > 0; i--) {
		if (s->s[i - 1] == '.' && i < s->len)
			return i - 1;
		if (s->s[i - 1] != '0' && s->s[i - 1] != '.')
			break;
	}
	return s->len;
}

int64_t fn_int_of(const struct value *v)
{
	int64_t i;

	if (!v)
		return 0;
	switch (v->type->kind) {
	case VALUE_INT:
	case VALUE_UINT:
		return v->i;
	case VALUE_FLOAT:
		return cut(v->d);
	case VALUE_BOOL:
		return v->b;
	case VALUE_STRING:
		return number_parse_int(v->s, without_zeros(v), &i) ? i : 0;
	default:
		return 0;
	}
}

double fn_float_of(const struct value *v)
{
	double d;

	if (!v)
		return 0;
	switch (v->type->kind) {
	case VALUE_INT:
		return (double)v->i;
	case VALUE_UINT:
		return (double)v->u;
	case VALUE_FLOAT:
		return v->d;
	case VALUE_BOOL:
		return v->b;
	case VALUE_STRING:
		return number_parse(&d, v->s, v->len) ? d : 0;
	default:
		return 0;
	}
}

FN(fn_to_number)
{
	if (c->fn->arg == 'f')
		return call_return(c, value_float(&c->r->pool, fn_float_of(arg(c, 0))));
	return return_int(
		c, c->fn->arg == 'i' ? &value_type_int : &value_type_int64, fn_int_of(arg(c, 0)));
}

/* As strconv.Atoi: of what is too large, the largest. */
FN(fn_atoi)
{
	const struct value *s = arg(c, 0);
	bool minus = s->len && s->s[0] == '-', sign = minus || (s->len && s->s[0] == '+');
	size_t i = sign;
	int64_t n = 0;

	if (i == s->len)
		return return_int(c, &value_type_int, 0);
	for (; i < s->len; i++)
		if (!ascii_is_digit(s->s[i]))
			return return_int(c, &value_type_int, 0);
	for (i = sign; i < s->len; i++) {
		int d = s->s[i] - '0';

		if (__builtin_mul_overflow(n, 10, &n) ||
			__builtin_add_overflow(n, minus ? -d : d, &n))
			return return_int(c, &value_type_int, minus ? INT64_MIN : INT64_MAX);
	}
	return return_int(c, &value_type_int, n);
}

FN(fn_to_string)
{
	const struct value *s = fn_text_of(c, arg(c, 0));

	return s ? call_return(c, s) : -1;
}

FN(fn_to_strings)
{
	struct value *list = fn_strings_of(c, arg(c, 0));

	return list ? call_return(c, list) : -1;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Sums and products wrap around, as they do in Go. */
FN(fn_add)
{
	bool times = c->fn->arg == '*';
	uint64_t n = times ? 1 : c->fn->arg == '1' ? 1 : 0;
	size_t i;

	for (i = 0; i < c->n; i++) {
		uint64_t x = (uint64_t)fn_int_of(arg(c, i));

		n = times ? n * x : n + x;
	}
	return return_int(c, &value_type_int64, (int64_t)n);
}

FN(fn_divide)
{
	int64_t a = fn_int_of(arg(c, 0)), b = fn_int_of(arg(c, 1));

	if (c->fn->arg == '-')
		return return_int(c, &value_type_int64, (int64_t)((uint64_t)a - (uint64_t)b));
	if (!b)
		return call_fail(c, "runtime error: integer divide by zero");
	if (b == -1)
		return return_int(
			c, &value_type_int64, c->fn->arg == '/' ? (int64_t)(0 - (uint64_t)a) : 0);
	return return_int(c, &value_type_int64, c->fn->arg == '/' ? a / b : a % b);
}

FN(fn_most)
{
	int64_t n = fn_int_of(arg(c, 0));
	size_t i;

	for (i = 1; i < c->n; i++) {
		int64_t x = fn_int_of(arg(c, i));

		if (c->fn->arg == '>' ? x > n : x < n)
			n = x;
	}
	return return_int(c, &value_type_int64, n);
}

FN(fn_round)
{
	double d = fn_float_of(arg(c, 0)), whole, scale, on = 0.5;

	if (c->fn->arg == 'r') {
		if (c->n > 2)
			on = arg(c, 2)->d;
		scale = pow(10, (double)arg(c, 1)->i);
		d = modf(scale * d, &whole) >= on ? ceil(scale * d) / scale
						  : floor(scale * d) / scale;
	} else {
		d = c->fn->arg == 'c' ? ceil(d) : floor(d);
	}
	return call_return(c, value_float(&c->r->pool, d));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

struct writer {
	struct buf *b;
	bool html, pretty; /* escape for HTML; lines */
	char why[200]; /* it has no JSON form */
};

static void put_value(struct writer *w, const struct value *v, unsigned depth);

static void put_string(struct writer *w, const char *s, size_t len)
{
	size_t n;

	buf_addc(w->b, '"');
	for (; len && !buf_over(w->b); s += n, len -= n) {
		uint32_t r = rune_at(s, len, &n);

		if (r == '"' || r == '\\')
			buf_addf(w->b, "\\%c", (char)r);
		else if (r == '\n' || r == '\r' || r == '\t' || r == '\b' || r == '\f')
			buf_addf(w->b, "\\%c", "btnvfr"[r - 8]);
		else if (r < ' ' || r == 0x2028 || r == 0x2029 ||
			(w->html && (r == '<' || r == '>' || r == '&')))
			buf_addf(w->b, "\\u%04x", r);
		else if (r == RUNE_ERROR && n == 1)
			buf_adds(w->b, "\\ufffd");
		else
			buf_add(w->b, s, n);
	}
	buf_addc(w->b, '"');
}

static void put_float(struct writer *w, double d)
{
	double size = fabs(d);
	size_t at = w->b->len;

	if (!isfinite(d)) {
		auto_buf struct buf b = BUF_INIT(32);

		float_add(&b, d, 'g', -1);
		snprintf(w->why, sizeof(w->why), "json: unsupported value: %s", buf_str(&b));
		return;
	}
	if (size == 0 || (size >= 1e-6 && size < 1e21)) {
		float_add(w->b, d, 'f', -1);
		return;
	}
	float_add(w->b, d, 'e', -1);
	/* e-09 is e-9 */
	if (w->b->len - at >= 4 && w->b->p[w->b->len - 4] == 'e' && w->b->p[w->b->len - 3] == '-' &&
		w->b->p[w->b->len - 2] == '0') {
		w->b->p[w->b->len - 2] = w->b->p[w->b->len - 1];
		w->b->len--;
	}
}

static void put_line(struct writer *w, unsigned depth)
{
	if (!w->pretty)
		return;
	buf_addc(w->b, '\n');
	for (; depth && !buf_over(w->b); depth--)
		buf_adds(w->b, "  ");
}

/* What stands before an item; *more: it is not the first. */
static void put_next(struct writer *w, unsigned depth, bool *more)
{
	if (*more)
		buf_addc(w->b, ',');
	*more = true;
	put_line(w, depth);
}

static void put_end(struct writer *w, unsigned depth, bool more, char bracket)
{
	if (more)
		put_line(w, depth);
	buf_addc(w->b, bracket);
}

static void put_key(struct writer *w, const char *s, size_t len)
{
	put_string(w, s, len);
	buf_adds(w->b, w->pretty ? ": " : ":");
}

static void put_fields(struct writer *w, const struct value *v, unsigned depth, bool *more)
{
	const struct value_entry *e;
	size_t i = 0;

	while (!buf_over(w->b) && (e = value_next_field(v, &i))) {
		const char *name = e->json ? e->json : e->key->s;

		if (e->role == VALUE_EMBEDDED) {
			put_fields(w, e->value, depth, more);
			continue;
		}
		if (e->json && !value_truth(e->value))
			continue;
		put_next(w, depth + 1, more);
		put_key(w, name, strlen(name));
		put_value(w, e->value, depth + 1);
	}
}

static void put_map(struct writer *w, const struct value *v, unsigned depth)
{
	bool more = false;
	size_t i;

	if (v->type->key->kind != VALUE_STRING) {
		snprintf(w->why, sizeof(w->why), "json: unsupported type: %s", v->type->name);
		return;
	}
	buf_addc(w->b, '{');
	for (i = 0; i < v->len && !buf_over(w->b); i++) {
		put_next(w, depth + 1, &more);
		put_key(w, v->entries[i].key->s, v->entries[i].key->len);
		put_value(w, v->entries[i].value, depth + 1);
	}
	put_end(w, depth, more, '}');
}

static void put_list(struct writer *w, const struct value *v, unsigned depth)
{
	bool more = false;
	size_t i;

	buf_addc(w->b, '[');
	for (i = 0; i < v->len && !buf_over(w->b); i++) {
		put_next(w, depth + 1, &more);
		put_value(w, v->items[i], depth + 1);
	}
	put_end(w, depth, more, ']');
}

static void put_struct(struct writer *w, const struct value *v, unsigned depth)
{
	bool more = false;

	/* A pointer that has a text: a version. */
	if (v->text && v->type->name[0] == '*') {
		put_string(w, v->text->s, v->text->len);
		return;
	}
	buf_addc(w->b, '{');
	put_fields(w, v, depth, &more);
	put_end(w, depth, more, '}');
}

static void put_value(struct writer *w, const struct value *v, unsigned depth)
{
	if (w->why[0])
		return;
	if (!v || (v->nil && !(v->type->kind == VALUE_MAP && v->type->key->kind != VALUE_STRING))) {
		buf_adds(w->b, "null");
		return;
	}
	if (depth > LIMIT_TEMPLATE_DEPTH) {
		w->b->over = true;
		return;
	}
	switch (v->type->kind) {
	case VALUE_BOOL:
		buf_adds(w->b, v->b ? "true" : "false");
		return;
	case VALUE_INT:
		buf_addf(w->b, "%lld", (long long)v->i);
		return;
	case VALUE_UINT:
		buf_addf(w->b, "%llu", (unsigned long long)v->u);
		return;
	case VALUE_FLOAT:
		put_float(w, v->d);
		return;
	case VALUE_STRING:
		put_string(w, v->s, v->len);
		return;
	case VALUE_LIST:
		put_list(w, v, depth);
		return;
	case VALUE_MAP:
		put_map(w, v, depth);
		return;
	default:
		put_struct(w, v, depth);
	}
}

FN(fn_to_json)
{
	auto_buf struct buf b = CALL_BUF();
	int form = c->fn->arg & 0xff;
	struct writer w = {.b = &b, .html = form != 'r', .pretty = form == 'p'};

	put_value(&w, arg(c, 0), 0);
	if (w.why[0]) {
		/* toRawJson panics, the other two say nothing. */
		if (c->fn->arg & 0x100 || form == 'r')
			return call_fail(c, "%s", w.why);
		buf_reset(&b);
	}
	return call_return_buf(c, &b);
}

static const struct value *from_json(struct value_pool *p, const json_t *j)
{
	struct value *v;
	const char *key;
	json_t *item;
	size_t i;

	switch (json_typeof(j)) {
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(p, json_is_true(j));
	case JSON_INTEGER:
	case JSON_REAL:
		return value_float(p, json_number_value(j));
	case JSON_STRING:
		return value_string(p, json_string_value(j), json_string_length(j));
	case JSON_ARRAY:
		v = value_list(p, &value_type_list_any);
		json_array_foreach (j, i, item)
			value_add(p, v, from_json(p, item));
		return v;
	case JSON_OBJECT:
		v = value_map(p, &value_type_map_any);
		json_object_foreach ((json_t *)(uintptr_t)j, key, item)
			value_put(p, v, value_string(p, key, strlen(key)), from_json(p, item));
		return v;
	default:
		return NULL;
	}
}

/* What is no JSON, and what is too large a document, is nil. */
FN(fn_from_json)
{
	static const struct obj_limits limits = {LIMIT_JSON_ANSWER_VALUES, LIMIT_TEMPLATE_DEPTH};
	const struct value *s = arg(c, 0);
	struct err err = {0};
	auto_json json_t *j = NULL;

	if (run_tick_bytes(c->r, s->len))
		return -1;
	if (obj_measure(s->s, s->len, &limits, "the text", &err))
		return run_over(c->r, "a text of fromJson is too large");
	if (run_tick(c->r, 100))
		return -1;
	j = json_loadb(
		s->s, s->len, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	return call_return_any(c, j ? from_json(&c->r->pool, j) : NULL);
}
