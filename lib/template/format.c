/* Values as Go's fmt prints them (fmt/print.go, fmt/format.go). */
#include "template/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 1000000 /* Go has the same: tooLarge() */

/* One Sprint or Sprintf. */
struct printer {
	struct buf *b;
	bool plus, minus, sharp, space, zero, plus_v, sharp_v;
	bool has_width, has_prec;
	int width, prec;
	bool deep;
};

static void print_value(struct printer *p, const struct value *v, uint32_t verb, unsigned depth);

/* ---- padding --------------------------------------------------------------------------------- */

static void pad_with(struct printer *p, long n)
{
	for (; n > 0 && !buf_over(p->b); n--)
		buf_addc(p->b, p->zero && !p->minus ? '0' : ' ');
}

static void pad(struct printer *p, const char *s, size_t len)
{
	long n = p->has_width ? p->width - (long)rune_count(s, len) : 0;

	if (!p->minus)
		pad_with(p, n);
	buf_add(p->b, s, len);
	if (p->minus)
		pad_with(p, n);
}

static void pad_no_zeros(struct printer *p, const char *s, size_t len)
{
	bool zero = p->zero;

	p->zero = false;
	pad(p, s, len);
	p->zero = zero;
}

static void bad_verb(struct printer *p, uint32_t verb, const struct value *v)
{
	buf_adds(p->b, "%!");
	rune_add(p->b, verb);
	buf_addc(p->b, '(');
	if (v) {
		buf_addf(p->b, "%s=", v->type->name);
		print_value(p, v, 'v', 0);
	} else {
		buf_adds(p->b, "<nil>");
	}
	buf_addc(p->b, ')');
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* Digits from the right: the first `*at` bytes of text are free. */
static void put(char *text, size_t *at, char c)
{
	text[--*at] = c;
}

static void print_digits(struct printer *p, uint64_t u, unsigned base, bool minus, uint32_t verb)
{
	const char *digits = verb == 'X' ? "0123456789ABCDEFX" : "0123456789abcdefx";
	auto_buf struct buf zeros = BUF_INIT(WIDTH_MAX + 80);
	char text[80];
	size_t at = sizeof(text), first;
	int prec = 0, i;

	if (p->has_prec) {
		prec = p->prec;
		if (!prec && !u) {
			bool zero = p->zero;

			p->zero = false;
			pad_with(p, p->width);
			p->zero = zero;
			return;
		}
	} else if (p->zero && !p->minus && p->has_width) {
		prec = p->width - (minus || p->plus || p->space);
	}
	do {
		put(text, &at, digits[u % base]);
		u /= base;
	} while (u);
	first = at;
	/* Sign and base stand before the zeros. */
	if (minus || p->plus || p->space)
		buf_addc(&zeros, minus ? '-' : p->plus ? '+' : ' ');
	if (verb == 'O')
		buf_adds(&zeros, "0o");
	if (p->sharp && base == 2)
		buf_adds(&zeros, "0b");
	if (p->sharp && base == 16)
		buf_addf(&zeros, "0%c", digits[16]);
	if (p->sharp && base == 8 && text[at] != '0' && prec <= (int)(sizeof(text) - first))
		buf_addc(&zeros, '0');
	for (i = (int)(sizeof(text) - first); i < prec; i++)
		buf_addc(&zeros, '0');
	buf_add(&zeros, text + at, sizeof(text) - at);
	pad_no_zeros(p, buf_str(&zeros), zeros.len);
}

static void print_rune(struct printer *p, uint64_t u, bool quoted)
{
	auto_buf struct buf b = BUF_INIT(64);
	uint32_t r = u > 0x10ffff ? RUNE_ERROR : (uint32_t)u;

	if (quoted)
		quote_add_rune(&b, r, p->plus);
	else
		rune_add(&b, r);
	pad(p, buf_str(&b), b.len);
}

static void print_unicode(struct printer *p, uint64_t u)
{
	auto_buf struct buf b = BUF_INIT(WIDTH_MAX + 80);
	int prec = p->has_prec && p->prec > 4 ? p->prec : 4;

	buf_addf(&b, "U+%0*llX", prec, (unsigned long long)u);
	if (p->sharp && u <= 0x10ffff && rune_is_print((uint32_t)u)) {
		buf_adds(&b, " '");
		rune_add(&b, (uint32_t)u);
		buf_addc(&b, '\'');
	}
	pad_no_zeros(p, buf_str(&b), b.len);
}

static void print_int(struct printer *p, const struct value *v, uint32_t verb)
{
	bool is_signed = v->type->kind == VALUE_INT, minus = is_signed && v->i < 0;
	uint64_t u = minus ? 0 - v->u : v->u;
	bool sharp = p->sharp;

	switch (verb) {
	case 'v':
		if (p->sharp_v && !is_signed) {
			p->sharp = true;
			print_digits(p, u, 16, minus, 'v');
			p->sharp = sharp;
			return;
		}
		__attribute__((fallthrough));
	case 'd':
		print_digits(p, u, 10, minus, verb);
		return;
	case 'b':
		print_digits(p, u, 2, minus, verb);
		return;
	case 'o':
	case 'O':
		print_digits(p, u, 8, minus, verb);
		return;
	case 'x':
	case 'X':
		print_digits(p, u, 16, minus, verb);
		return;
	case 'c':
	case 'q':
		print_rune(p, v->u, verb == 'q');
		return;
	case 'U':
		print_unicode(p, v->u);
		return;
	default:
		bad_verb(p, verb, v);
	}
}

/* With # a float keeps its point and its zeros: this many digits count. */
static void add_zeros(struct buf *b, bool hex, int digits)
{
	auto_buf struct buf tail = BUF_INIT(16);
	bool point = false, nonzero = false;
	size_t i, end = b->len;

	for (i = 1; i < b->len; i++) {
		if (b->p[i] == '.') {
			point = true;
			continue;
		}
		if (hex ? (b->p[i] | 0x20) == 'p' : (b->p[i] | 0x20) == 'e') {
			buf_add(&tail, b->p + i, b->len - i);
			end = i;
			break;
		}
		nonzero = nonzero || b->p[i] != '0';
		digits -= nonzero;
	}
	b->len = end;
	if (!point) {
		if (end == 2 && b->p[1] == '0')
			digits--;
		buf_addc(b, '.');
	}
	for (; digits > 0; digits--)
		buf_addc(b, '0');
	buf_add(b, buf_str(&tail), tail.len);
}

static void print_float(struct printer *p, const struct value *v, uint32_t verb)
{
	auto_buf struct buf b = BUF_INIT(WIDTH_MAX + 2000), number = BUF_INIT(WIDTH_MAX + 2000);
	char form = verb == 'v' ? 'g' : verb == 'F' ? 'f' : (char)verb;
	int prec = p->has_prec ? p->prec : strchr("bgGxX", form) ? -1 : 6;

	if (verb > 127 || !strchr("bvgGfFeExX", (char)verb)) {
		bad_verb(p, verb, v);
		return;
	}
	float_add(&number, v->d, form, prec);
	if (number.p[0] != '-' && number.p[0] != '+')
		buf_addc(&b, '+');
	buf_add(&b, number.p, number.len);
	if (p->space && b.p[0] == '+' && !p->plus)
		b.p[0] = ' ';
	if (!isfinite(v->d)) {
		size_t skip = (isnan(v->d) && !p->space && !p->plus) ||
			(!isnan(v->d) && b.p[0] == '+' && !p->plus);

		pad_no_zeros(p, b.p + skip, b.len - skip);
		return;
	}
	if (p->sharp && form != 'b')
		add_zeros(&b, (form | 0x20) == 'x',
			!strchr("gGx", form) ? 0
				: prec == -1 ? 6
					     : prec);
	if (!p->plus && b.p[0] == '+') {
		pad(p, b.p + 1, b.len - 1);
	} else if (p->zero && !p->minus && p->has_width && p->width > (int)b.len) {
		buf_addc(p->b, b.p[0]);
		pad_with(p, p->width - (long)b.len);
		buf_add(p->b, b.p + 1, b.len - 1);
	} else {
		pad(p, b.p, b.len);
	}
}

/* ---- strings --------------------------------------------------------------------------------- */

static size_t cut(const struct printer *p, const char *s, size_t len)
{
	size_t at = 0, n;
	int left;

	if (!p->has_prec)
		return len;
	for (left = p->prec; at < len && left > 0; left--) {
		rune_at(s + at, len - at, &n);
		at += n;
	}
	return at;
}

static void print_hex(struct printer *p, const char *s, size_t len, bool upper)
{
	size_t i, n = p->has_prec && (size_t)p->prec < len ? (size_t)p->prec : len;
	auto_buf struct buf b = BUF_INIT(LIMIT_TEMPLATE_RESULT);
	bool zero = p->zero;

	for (i = 0; i < n && !buf_over(&b); i++) {
		if (p->space && i)
			buf_addc(&b, ' ');
		if (p->sharp && (!i || p->space))
			buf_adds(&b, upper ? "0X" : "0x");
		buf_addf(&b, upper ? "%02X" : "%02x", (unsigned char)s[i]);
	}
	if (buf_over(&b))
		p->b->over = true;
	p->zero = zero;
	pad(p, buf_str(&b), b.len);
}

static void print_quoted(struct printer *p, const char *s, size_t len)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_TEMPLATE_RESULT);

	len = cut(p, s, len);
	if (p->sharp && quote_raw_ok(s, len)) {
		buf_addc(&b, '`');
		buf_add(&b, s, len);
		buf_addc(&b, '`');
	} else {
		quote_add(&b, s, len, p->plus);
	}
	if (buf_over(&b))
		p->b->over = true;
	pad(p, buf_str(&b), b.len);
}

static void print_string(struct printer *p, const struct value *v, uint32_t verb)
{
	switch (verb) {
	case 'v':
		if (p->sharp_v) {
			print_quoted(p, v->s, v->len);
			return;
		}
		__attribute__((fallthrough));
	case 's':
		pad(p, v->s, cut(p, v->s, v->len));
		return;
	case 'x':
	case 'X':
		print_hex(p, v->s, v->len, verb == 'X');
		return;
	case 'q':
		print_quoted(p, v->s, v->len);
		return;
	default:
		bad_verb(p, verb, v);
	}
}

static void print_bool(struct printer *p, const struct value *v, uint32_t verb)
{
	if (verb == 't' || verb == 'v')
		pad(p, v->b ? "true" : "false", v->b ? 4 : 5);
	else
		bad_verb(p, verb, v);
}

/* ---- what holds others ----------------------------------------------------------------------- */

static void print_item(struct printer *p, const struct value *v, const struct value_type *elem,
	uint32_t verb, unsigned depth)
{
	if (v)
		print_value(p, v, verb, depth + 1);
	else if (p->sharp_v)
		buf_addf(p->b, "%s(nil)", elem->name);
	else
		buf_adds(p->b, "<nil>");
}

static void print_list(struct printer *p, const struct value *v, uint32_t verb, unsigned depth)
{
	size_t i;

	if (p->sharp_v) {
		buf_adds(p->b, v->type->name);
		if (v->nil) {
			buf_adds(p->b, "(nil)");
			return;
		}
	}
	buf_addc(p->b, p->sharp_v ? '{' : '[');
	for (i = 0; i < v->len && !buf_over(p->b); i++) {
		if (i)
			buf_adds(p->b, p->sharp_v ? ", " : " ");
		print_item(p, v->items[i], v->type->elem, verb, depth);
	}
	buf_addc(p->b, p->sharp_v ? '}' : ']');
}

static void print_map(struct printer *p, const struct value *v, uint32_t verb, unsigned depth)
{
	size_t i;

	if (p->sharp_v) {
		buf_adds(p->b, v->type->name);
		if (v->nil) {
			buf_adds(p->b, "(nil)");
			return;
		}
	}
	buf_adds(p->b, p->sharp_v ? "{" : "map[");
	for (i = 0; i < v->len && !buf_over(p->b); i++) {
		if (i)
			buf_adds(p->b, p->sharp_v ? ", " : " ");
		print_value(p, v->entries[i].key, verb, depth + 1);
		buf_addc(p->b, ':');
		print_item(p, v->entries[i].value, v->type->elem, verb, depth);
	}
	buf_addc(p->b, p->sharp_v ? '}' : ']');
}

static void print_struct(struct printer *p, const struct value *v, uint32_t verb, unsigned depth)
{
	const struct value_entry *e;
	size_t i = 0;
	bool more = false;

	if (p->sharp_v)
		buf_adds(p->b, v->type->name);
	buf_addc(p->b, '{');
	while (!buf_over(p->b) && (e = value_next_field(v, &i))) {
		if (more)
			buf_adds(p->b, p->sharp_v ? ", " : " ");
		more = true;
		if (p->plus_v || p->sharp_v)
			buf_addf(p->b, "%s:", e->key->s);
		print_value(p, e->value, verb, depth + 1);
	}
	buf_addc(p->b, '}');
}

static void print_value(struct printer *p, const struct value *v, uint32_t verb, unsigned depth)
{
	if (depth > LIMIT_TEMPLATE_DEPTH) {
		p->deep = true;
		return;
	}
	switch (v->type->kind) {
	case VALUE_BOOL:
		print_bool(p, v, verb);
		return;
	case VALUE_INT:
	case VALUE_UINT:
		print_int(p, v, verb);
		return;
	case VALUE_FLOAT:
		print_float(p, v, verb);
		return;
	case VALUE_STRING:
		print_string(p, v, verb);
		return;
	case VALUE_LIST:
		print_list(p, v, verb, depth);
		return;
	case VALUE_MAP:
		print_map(p, v, verb, depth);
		return;
	default:
		/* A Stringer says how it prints where text is asked for. */
		if (v->text && !p->sharp_v && verb < 128 && strchr("vsxXq", (char)verb))
			print_string(p, v->text, verb);
		else
			print_struct(p, v, verb, depth);
	}
}

static void print_arg(struct printer *p, const struct value *v, uint32_t verb)
{
	if (!v && (verb == 'T' || verb == 'v'))
		pad(p, "<nil>", 5);
	else if (!v || verb == 'w')
		bad_verb(p, verb, v);
	else if (verb == 'T')
		pad(p, v->type->name, cut(p, v->type->name, strlen(v->type->name)));
	else
		print_value(p, v, verb, 0);
}

/* ---- the calls ------------------------------------------------------------------------------- */

bool format_value(struct buf *b, const struct value *v)
{
	return format_print(b, &v, 1);
}

bool format_print(struct buf *b, const struct value *const *args, size_t n)
{
	struct printer p = {.b = b};
	bool before = false;
	size_t i;

	for (i = 0; i < n; i++) {
		bool string = args[i] && args[i]->type->kind == VALUE_STRING;

		if (i && !string && !before)
			buf_addc(b, ' ');
		print_arg(&p, args[i], 'v');
		before = string;
	}
	return !p.deep;
}

bool format_println(struct buf *b, const struct value *const *args, size_t n)
{
	struct printer p = {.b = b};
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			buf_addc(b, ' ');
		print_arg(&p, args[i], 'v');
	}
	buf_addc(b, '\n');
	return !p.deep;
}

/* What Sprintf reads of its format. */
struct verbs {
	const char *s;
	size_t len, at;
	const struct value *const *args;
	size_t n, arg;
	bool reordered, good_arg, after_index;
};

static bool read_number(struct verbs *v, int *out)
{
	bool found = false;

	*out = 0;
	while (v->at < v->len && v->s[v->at] >= '0' && v->s[v->at] <= '9') {
		if (*out > WIDTH_MAX) {
			*out = 0;
			v->at = v->len;
			return false;
		}
		*out = *out * 10 + (v->s[v->at++] - '0');
		found = true;
	}
	return found;
}

/* `[3]`: the argument that is next. */
static void read_index(struct verbs *v)
{
	const char *close;
	size_t end, n;
	int number;

	v->after_index = false;
	if (v->at >= v->len || v->s[v->at] != '[')
		return;
	v->reordered = true;
	close = v->len - v->at < 3 ? NULL : memchr(v->s + v->at, ']', v->len - v->at);
	if (!close) {
		v->good_arg = false;
		v->at++;
		return;
	}
	end = (size_t)(close - v->s);
	n = v->len;
	v->len = end;
	v->at++;
	v->after_index = read_number(v, &number) && v->at == end;
	v->len = n;
	v->at = end + 1;
	if (v->after_index && number >= 1 && (size_t)number <= v->n)
		v->arg = (size_t)number - 1;
	else
		v->good_arg = false;
}

/* `*`: a width or a precision that is an argument. */
static bool number_of_arg(struct verbs *v, int *out)
{
	const struct value *a = v->arg < v->n ? v->args[v->arg] : NULL;
	bool is_int = a && (a->type->kind == VALUE_INT || a->type->kind == VALUE_UINT) &&
		a->i >= -WIDTH_MAX && a->i <= WIDTH_MAX;

	*out = is_int ? (int)a->i : 0;
	if (v->arg < v->n)
		v->arg++;
	return is_int;
}

static void read_width(struct verbs *v, struct printer *p)
{
	if (v->at < v->len && v->s[v->at] == '*') {
		v->at++;
		p->has_width = number_of_arg(v, &p->width);
		if (!p->has_width)
			buf_adds(p->b, "%!(BADWIDTH)");
		if (p->width < 0) {
			p->width = -p->width;
			p->minus = true;
			p->zero = false;
		}
		v->after_index = false;
		return;
	}
	p->has_width = read_number(v, &p->width);
	if (v->after_index && p->has_width)
		v->good_arg = false;
}

static void read_precision(struct verbs *v, struct printer *p)
{
	if (v->at + 1 >= v->len || v->s[v->at] != '.')
		return;
	v->at++;
	if (v->after_index)
		v->good_arg = false;
	read_index(v);
	if (v->at < v->len && v->s[v->at] == '*') {
		v->at++;
		p->has_prec = number_of_arg(v, &p->prec);
		if (p->prec < 0) {
			p->prec = 0;
			p->has_prec = false;
		}
		if (!p->has_prec)
			buf_adds(p->b, "%!(BADPREC)");
		v->after_index = false;
		return;
	}
	if (!read_number(v, &p->prec))
		p->prec = 0;
	p->has_prec = true;
}

static void read_flags(struct verbs *v, struct printer *p)
{
	for (; v->at < v->len; v->at++) {
		switch (v->s[v->at]) {
		case '#':
			p->sharp = true;
			break;
		case '0':
			p->zero = true;
			break;
		case '+':
			p->plus = true;
			break;
		case '-':
			p->minus = true;
			break;
		case ' ':
			p->space = true;
			break;
		default:
			return;
		}
	}
}

static void print_verb(struct verbs *v, struct printer *p, uint32_t verb)
{
	if (verb == '%') {
		buf_addc(p->b, '%');
	} else if (!v->good_arg) {
		buf_adds(p->b, "%!");
		rune_add(p->b, verb);
		buf_adds(p->b, "(BADINDEX)");
	} else if (v->arg >= v->n) {
		buf_adds(p->b, "%!");
		rune_add(p->b, verb);
		buf_adds(p->b, "(MISSING)");
	} else {
		if (verb == 'v' || verb == 'w') {
			p->sharp_v = p->sharp;
			p->sharp = false;
			p->plus_v = p->plus;
			p->plus = false;
		}
		print_arg(p, v->args[v->arg++], verb);
	}
}

static void print_extra(struct verbs *v, struct printer *p)
{
	bool more = false;

	buf_adds(p->b, "%!(EXTRA ");
	for (; v->arg < v->n; v->arg++) {
		const struct value *a = v->args[v->arg];

		if (more)
			buf_adds(p->b, ", ");
		more = true;
		if (a)
			buf_addf(p->b, "%s=", a->type->name);
		print_arg(p, a, 'v');
	}
	buf_addc(p->b, ')');
}

/* One verb, behind its percent sign. */
static bool format_verb(struct verbs *v, struct printer *p)
{
	uint32_t verb;
	size_t n;

	v->good_arg = true;
	read_flags(v, p);
	read_index(v);
	read_width(v, p);
	read_precision(v, p);
	if (!v->after_index)
		read_index(v);
	if (v->at >= v->len) {
		buf_adds(p->b, "%!(NOVERB)");
		return false;
	}
	verb = rune_at(v->s + v->at, v->len - v->at, &n);
	v->at += n;
	print_verb(v, p, verb);
	return true;
}

bool format_printf(
	struct buf *b, const char *format, size_t len, const struct value *const *args, size_t n)
{
	struct verbs v = {.s = format, .len = len, .args = args, .n = n};
	struct printer p = {.b = b};
	bool deep = false;

	while (v.at < len && !buf_over(b)) {
		const char *next = memchr(format + v.at, '%', len - v.at);
		size_t to = next ? (size_t)(next - format) : len;

		buf_add(b, format + v.at, to - v.at);
		v.at = to + 1;
		if (!next)
			break;
		p = (struct printer){.b = b};
		if (!format_verb(&v, &p))
			break;
		deep = deep || p.deep;
	}
	p = (struct printer){.b = b};
	if (!v.reordered && v.arg < n)
		print_extra(&v, &p);
	return !deep && !p.deep;
}
