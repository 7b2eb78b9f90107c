/* The functions of text/template itself (text/template/funcs.go). */
#include "base/ascii.h"
#include "template/internal.h"

#include <string.h>

FN(fn_and_or)
{
	(void)c; /* eval.c looks at its arguments one by one */
	return -1;
}

FN(fn_not)
{
	return call_return(c, value_bool(&c->r->pool, !value_truth(c->args[0])));
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static bool is_basic(const struct value *v)
{
	return v && v->type->kind != VALUE_LIST && v->type->kind != VALUE_MAP &&
		v->type->kind != VALUE_STRUCT;
}

static int incompatible(const struct call *c, const struct value *a, const struct value *b)
{
	return call_fail(
		c, "incompatible types for comparison: %s and %s", a->type->name, b->type->name);
}

static bool are_ints(const struct value *a, const struct value *b)
{
	return (a->type->kind == VALUE_INT || a->type->kind == VALUE_UINT) &&
		(b->type->kind == VALUE_INT || b->type->kind == VALUE_UINT);
}

/* Between ints of any sign; a uint that is over INT64_MAX is none of ours. */
static int compare_basic(const struct value *a, const struct value *b, bool *equal, bool *less)
{
	switch (a->type->kind) {
	case VALUE_BOOL:
		*equal = a->b == b->b;
		return -1;
	case VALUE_FLOAT:
		*equal = a->d == b->d;
		*less = a->d < b->d;
		return 0;
	case VALUE_STRING:
		*equal = !value_order(a, b);
		*less = value_order(a, b) < 0;
		return 0;
	default:
		*equal = a->i == b->i;
		*less = a->i < b->i;
		return 0;
	}
}

/* "non-comparable type [a b]: []string" */
static int not_comparable(const struct call *c, const struct value *v)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

	format_printf(&b, "%s", 2, &v, 1);
	return call_fail(c, "non-comparable type %s: %s", buf_str(&b), v->type->name);
}

static int not_comparable_both(const struct call *c, const struct value *a, const struct value *b)
{
	auto_buf struct buf x = BUF_INIT(ERR_MSG_MAX), y = BUF_INIT(ERR_MSG_MAX);

	format_printf(&x, "%s", 2, &a, 1);
	format_value(&y, b);
	return call_fail(c, "non-comparable types %s: %s, %s: %s", buf_str(&x), a->type->name,
		b->type->name, buf_str(&y));
}

static bool is_pointer(const struct value *v)
{
	return v->type->name[0] == '*';
}

static int compare_others(
	const struct call *c, const struct value *a, const struct value *b, bool *equal)
{
	bool a_nil = !a || a->nil, b_nil = !b || b->nil;
	int rc;

	if (a && b && (a->type->kind != b->type->kind || is_pointer(a) != is_pointer(b)))
		return not_comparable_both(c, a, b);
	if (a_nil || b_nil) {
		*equal = a_nil == b_nil;
		return 0;
	}
	if (!value_comparable(b))
		return not_comparable(c, b);
	rc = is_pointer(b) ? a == b : run_same(c->r, a, b);
	*equal = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int is_equal(const struct call *c, const struct value *a, const struct value *b, bool *equal)
{
	bool less;

	*equal = false;
	if (is_basic(a) && is_basic(b)) {
		if (a->type->kind != b->type->kind && !are_ints(a, b))
			return incompatible(c, a, b);
		compare_basic(a, b, equal, &less);
		return 0;
	}
	if (is_basic(a) != is_basic(b))
		return a && b ? incompatible(c, a, b) : 0;
	return compare_others(c, a, b, equal);
}

static int is_less(const struct call *c, const struct value *a, const struct value *b, bool *less)
{
	bool equal;

	if (!is_basic(a) || !is_basic(b))
		return call_fail(c, "invalid type for comparison");
	if (a->type->kind != b->type->kind && !are_ints(a, b))
		return incompatible(c, a, b);
	if (compare_basic(a, b, &equal, less))
		return call_fail(c, "invalid type for comparison");
	return 0;
}

FN(fn_compare)
{
	const struct value *a = c->args[0], *b = c->n > 1 ? c->args[1] : NULL;
	bool equal = false, less = false, yes = false;
	size_t i;

	if (c->fn->arg == '=') {
		if (c->n < 2)
			return call_fail(c, "missing argument for comparison");
		for (i = 1; i < c->n && !equal; i++)
			if (is_equal(c, a, c->args[i], &equal))
				return -1;
		return call_return(c, value_bool(&c->r->pool, equal));
	}
	if (c->fn->arg == '!') {
		if (is_equal(c, a, b, &equal))
			return -1;
		return call_return(c, value_bool(&c->r->pool, !equal));
	}
	if (is_less(c, a, b, &less))
		return -1;
	if ((c->fn->arg == 'l' || c->fn->arg == '>') && !less && is_equal(c, a, b, &equal))
		return -1;
	switch (c->fn->arg) {
	case '<':
		yes = less;
		break;
	case 'l':
		yes = less || equal;
		break;
	case '>':
		yes = !less && !equal;
		break;
	default:
		yes = !less;
	}
	return call_return(c, value_bool(&c->r->pool, yes));
}

/* ---- index, len ------------------------------------------------------------------------------ */

/* Of a pointer, what it points to. */
static const char *pointed_name(const struct value *v)
{
	return v->type->name + (v->type->name[0] == '*');
}

static int index_number(const struct call *c, const struct value *i, size_t len, size_t *out)
{
	if (!i)
		return call_fail(c, "cannot index slice/array with nil");
	if (i->type->kind != VALUE_INT && i->type->kind != VALUE_UINT)
		return call_fail(c, "cannot index slice/array with type %s", i->type->name);
	if (i->i < 0 || (uint64_t)i->i > len)
		return call_fail(c, "index out of range: %lld", (long long)i->i);
	*out = (size_t)i->i;
	return 0;
}

/* What a map has for a key that it does not have. */
static int zero_of(const struct call *c, const struct value_type *type, struct result *out)
{
	struct value *v;

	*out = (struct result){NULL, type->kind == VALUE_ANY};
	if (type->kind == VALUE_ANY)
		return 0;
	v = value_new(&c->r->pool, type);
	if (!v)
		return run_over(c->r, "the template takes too much memory");
	if (type->kind == VALUE_STRING)
		v->s = "";
	v->nil = type->kind == VALUE_LIST || type->kind == VALUE_MAP;
	out->v = v;
	return 0;
}

static int index_map(
	const struct call *c, const struct value *map, const struct value *key, struct result *out)
{
	const struct value_type *want = map->type->key;
	const struct value *v;

	if (!key)
		return call_fail(c, "value is nil; should be of type %s", want->name);
	if (key->type != want)
		return call_fail(c, "value has type %s; should be %s", key->type->name, want->name);
	if (!value_get(map, key, &v))
		return zero_of(c, map->type->elem, out);
	*out = (struct result){v, map->type->elem->kind == VALUE_ANY};
	return 0;
}

static int index_one(
	const struct call *c, const struct value *v, const struct value *i, struct result *out)
{
	struct value *byte;
	size_t at = 0;

	switch (v->type->kind) {
	case VALUE_LIST:
	case VALUE_STRING:
		if (index_number(c, i, v->len, &at))
			return -1;
		if (at == v->len)
			return call_fail(c,
				v->type->kind == VALUE_LIST ? "reflect: slice index out of range"
							    : "reflect: string index out of range");
		if (v->type->kind == VALUE_LIST) {
			*out = (struct result){v->items[at], v->type->elem->kind == VALUE_ANY};
			return 0;
		}
		byte = value_int(&c->r->pool, &value_type_uint8, (unsigned char)v->s[at]);
		*out = (struct result){byte, false};
		return byte ? 0 : run_over(c->r, "the template takes too much memory");
	case VALUE_MAP:
		return index_map(c, v, i, out);
	default:
		return call_fail(c, "can't index item of type %s", pointed_name(v));
	}
}

FN(fn_index)
{
	struct result at = {c->args[0], c->given_any[0]};
	size_t i;

	if (!at.v)
		return call_fail(c, "index of untyped nil");
	for (i = 1; i < c->n; i++) {
		if (!at.v)
			return call_fail(c, "index of nil pointer");
		if (index_one(c, at.v, c->args[i], &at))
			return -1;
	}
	*c->out = at;
	return 0;
}

FN(fn_len)
{
	const struct value *v = c->args[0];

	if (!v)
		return call_fail(c,
			c->given_any[0] ? "len of nil pointer"
					: "reflect: call of reflect.Value.Type on zero Value");
	if (v->type->kind != VALUE_STRING && v->type->kind != VALUE_LIST &&
		v->type->kind != VALUE_MAP)
		return call_fail(c, "len of type %s", pointed_name(v));
	return call_return(c, value_int(&c->r->pool, &value_type_int, (int64_t)v->len));
}

/* ---- printing and escaping ------------------------------------------------------------------- */

static int too_deep(const struct call *c)
{
	return run_over(c->r, "a value is nested too deep");
}

FN(fn_print)
{
	auto_buf struct buf b = CALL_BUF();
	bool ok;

	if (c->fn->arg == 'f')
		ok = format_printf(&b, c->args[0]->s, c->args[0]->len, c->args + 1, c->n - 1);
	else if (c->fn->arg == 'n')
		ok = format_println(&b, c->args, c->n);
	else
		ok = format_print(&b, c->args, c->n);
	return ok ? call_return_buf(c, &b) : too_deep(c);
}

static void add_html(struct buf *b, unsigned char ch)
{
	switch (ch) {
	case 0:
		rune_add(b, RUNE_ERROR);
		return;
	case '"':
		buf_adds(b, "&#34;");
		return;
	case '\'':
		buf_adds(b, "&#39;");
		return;
	case '&':
		buf_adds(b, "&amp;");
		return;
	case '<':
		buf_adds(b, "&lt;");
		return;
	case '>':
		buf_adds(b, "&gt;");
		return;
	default:
		buf_addc(b, (char)ch);
	}
}

static void add_url(struct buf *b, unsigned char ch)
{
	if (ascii_is_alnum((char)ch) || (ch && strchr("-_.~", ch)))
		buf_addc(b, (char)ch);
	else if (ch == ' ')
		buf_addc(b, '+');
	else
		buf_addf(b, "%%%02X", ch);
}

/* Adds the rune at s; its length is the result. */
static size_t add_js(struct buf *b, const char *s, size_t len)
{
	size_t n;
	uint32_t r = rune_at(s, len, &n);

	if (r == '\\' || r == '\'' || r == '"')
		buf_addf(b, "\\%c", (char)r);
	else if (r < ' ' || (r < 128 && strchr("<>&=", (int)r)))
		buf_addf(b, "\\u%04X", r);
	else if (r < 128 || (rune_is_print(r) && (r != RUNE_ERROR || n > 1)))
		buf_add(b, s, n);
	else if (r == RUNE_ERROR)
		buf_add(b, s, n);
	else
		buf_addf(b, "\\u%04X", r);
	return n;
}

FN(fn_escape)
{
	auto_buf struct buf plain = CALL_BUF(), b = CALL_BUF();
	struct value *none = value_string(&c->r->pool, "<no value>", 10);
	VEC(const struct value *) args = {0};
	const char *s;
	size_t i;
	bool ok;

	for (i = 0; i < c->n; i++)
		*vec_add(&args) = c->args[i] ? c->args[i] : none;
	ok = none && format_print(&plain, args.p, c->n);
	vec_clear(&args);
	if (!ok)
		return too_deep(c);
	if (buf_over(&plain))
		return call_return_buf(c, &plain);
	s = buf_str(&plain);
	for (i = 0; i < plain.len && !buf_over(&b);) {
		if (c->fn->arg == 'h')
			add_html(&b, (unsigned char)s[i++]);
		else if (c->fn->arg == 'u')
			add_url(&b, (unsigned char)s[i++]);
		else
			i += add_js(&b, s + i, plain.len - i);
	}
	return call_return_buf(c, &b);
}
