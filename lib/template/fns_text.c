/* sprig's functions of strings (strings.go, crypto.go). */
#include "base/base64.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "template/internal.h"

#include <stdio.h>
#include <string.h>
#include <wctype.h>

static const struct value *arg(const struct call *c, size_t i)
{
	return c->args[i];
}

static int return_part(const struct call *c, const char *s, size_t len)
{
	return call_return(c, value_string(&c->r->pool, s, len));
}

static const char *find(const char *s, size_t len, const struct value *what)
{
	return what->len ? memmem(s, len, what->s, what->len) : s;
}

/* ---- letters --------------------------------------------------------------------------------- */

static uint32_t upper(uint32_t r)
{
	return r == 0xdf ? r : (uint32_t)towupper((wint_t)r);
}

/* As strings.Title: what begins a word. */
static bool parts_words(uint32_t r)
{
	if (r < 128)
		return r != '_' && !rune_is_letter_or_digit(r);
	return !rune_is_letter_or_digit(r) && rune_is_space(r);
}

FN(fn_case)
{
	auto_buf struct buf b = CALL_BUF();
	const struct value *s = arg(c, 0);
	bool first = true;
	size_t i, n;

	for (i = 0; i < s->len && !buf_over(&b); i += n) {
		uint32_t r = rune_at(s->s + i, s->len - i, &n);
		bool begins = first;

		switch (c->fn->arg) {
		case 'u':
			rune_add(&b, upper(r));
			break;
		case 'l':
			rune_add(&b, (uint32_t)towlower((wint_t)r));
			break;
		case 't':
			rune_add(&b, begins ? upper(r) : r);
			first = parts_words(r);
			break;
		default: /* untitle */
			rune_add(&b, begins ? (uint32_t)towlower((wint_t)r) : r);
			first = rune_is_space(r);
		}
	}
	return call_return_buf(c, &b);
}

/* ---- what stands at the ends ----------------------------------------------------------------- */

FN(fn_trim)
{
	const char *s = arg(c, 0)->s;
	size_t from = 0, to = arg(c, 0)->len, n, i, keep = 0;

	while (from < to && rune_is_space(rune_at(s + from, to - from, &n)))
		from += n;
	for (i = from; i < to; i += n)
		if (!rune_is_space(rune_at(s + i, to - i, &n)))
			keep = i + n - from;
	return return_part(c, s + from, keep);
}

static bool in_set(const struct value *set, uint32_t r)
{
	size_t i, n;

	for (i = 0; i < set->len; i += n)
		if (rune_at(set->s + i, set->len - i, &n) == r)
			return true;
	return false;
}

FN(fn_trim_all)
{
	const struct value *set = arg(c, 0);
	const char *s = arg(c, 1)->s;
	size_t from = 0, to = arg(c, 1)->len, n, i, keep = 0;

	if (run_tick(c->r, (set->len + 1) * to / 256))
		return -1;
	while (from < to && in_set(set, rune_at(s + from, to - from, &n)))
		from += n;
	for (i = from; i < to; i += n)
		if (!in_set(set, rune_at(s + i, to - i, &n)))
			keep = i + n - from;
	return return_part(c, s + from, keep);
}

static bool begins(const struct value *s, const struct value *with)
{
	return s->len >= with->len && !memcmp(s->s, with->s, with->len);
}

static bool ends(const struct value *s, const struct value *with)
{
	return s->len >= with->len && !memcmp(s->s + s->len - with->len, with->s, with->len);
}

FN(fn_trim_end)
{
	const struct value *end = arg(c, 0), *s = arg(c, 1);

	if (c->fn->arg == 'p' && begins(s, end))
		return return_part(c, s->s + end->len, s->len - end->len);
	if (c->fn->arg == 's' && ends(s, end))
		return return_part(c, s->s, s->len - end->len);
	return call_return(c, s);
}

FN(fn_contains)
{
	const struct value *what = arg(c, 0), *s = arg(c, 1);
	bool yes = c->fn->arg == 'p' ? begins(s, what)
		: c->fn->arg == 's'  ? ends(s, what)
				     : find(s->s, s->len, what) != NULL;

	if (run_tick_bytes(c->r, s->len))
		return -1;
	return call_return(c, value_bool(&c->r->pool, yes));
}

/* ---- parts ----------------------------------------------------------------------------------- */

FN(fn_trunc)
{
	int64_t n = arg(c, 0)->i;
	const struct value *s = arg(c, 1);

	if (n < 0 && n > -(int64_t)s->len)
		return return_part(c, s->s + s->len + n, (size_t)-n);
	if (n >= 0 && s->len > (size_t)n)
		return return_part(c, s->s, (size_t)n);
	return call_return(c, s);
}

FN(fn_abbrev)
{
	auto_buf struct buf b = CALL_BUF();
	int64_t width = arg(c, 0)->i;
	const struct value *s = arg(c, 1);

	if (width < 4 || s->len <= (size_t)width)
		return call_return(c, s);
	buf_add(&b, s->s, (size_t)width - 3);
	buf_adds(&b, "...");
	return call_return_buf(c, &b);
}

FN(fn_substr)
{
	int64_t from = arg(c, 0)->i, to = arg(c, 1)->i;
	const struct value *s = arg(c, 2);
	int64_t len = (int64_t)s->len;

	if (from < 0) {
		if (to < 0)
			return call_fail(c, "runtime error: slice bounds out of range [:%lld]",
				(long long)to);
		if (to > len)
			return call_fail(c,
				"runtime error: slice bounds out of range [:%lld] with length %lld",
				(long long)to, (long long)len);
		return return_part(c, s->s, (size_t)to);
	}
	if (to < 0 || to > len) {
		if (from > len)
			return call_fail(c, "runtime error: slice bounds out of range [%lld:%lld]",
				(long long)from, (long long)len);
		to = len;
	}
	if (from > to)
		return call_fail(c, "runtime error: slice bounds out of range [%lld:%lld]",
			(long long)from, (long long)to);
	return return_part(c, s->s + from, (size_t)(to - from));
}

FN(fn_replace)
{
	const struct value *old = arg(c, 0), *new = arg(c, 1), *s = arg(c, 2);
	auto_buf struct buf b = CALL_BUF();
	size_t at = 0, n;

	if (run_tick_bytes(c->r, s->len))
		return -1;
	if (old->len == new->len && !value_order(old, new))
		return call_return(c, s);
	if (!old->len) {
		/* Between all runes, and at both ends. */
		buf_add(&b, new->s, new->len);
		for (; at < s->len && !buf_over(&b); at += n) {
			rune_at(s->s + at, s->len - at, &n);
			buf_add(&b, s->s + at, n);
			buf_add(&b, new->s, new->len);
		}
		return call_return_buf(c, &b);
	}
	while (!buf_over(&b)) {
		const char *next = find(s->s + at, s->len - at, old);

		if (!next)
			break;
		buf_add(&b, s->s + at, (size_t)(next - s->s) - at);
		buf_add(&b, new->s, new->len);
		at = (size_t)(next - s->s) + old->len;
	}
	buf_add(&b, s->s + at, s->len - at);
	return call_return_buf(c, &b);
}

FN(fn_repeat)
{
	auto_buf struct buf b = CALL_BUF();
	int64_t n = arg(c, 0)->i;
	const struct value *s = arg(c, 1);

	if (n < 0)
		return call_fail(c, "strings: negative Repeat count");
	for (; n > 0 && s->len && !buf_over(&b); n--)
		buf_add(&b, s->s, s->len);
	return call_return_buf(c, &b);
}

/* Byte by byte, as the peer's library does it: of characters past ASCII it makes others. */
FN(fn_nospace)
{
	auto_buf struct buf b = CALL_BUF();
	const struct value *s = arg(c, 0);
	bool space = false;
	size_t i;

	for (i = 0; i < s->len; i++)
		space = space || rune_is_space((unsigned char)s->s[i]);
	if (!space)
		return call_return(c, s);
	for (i = 0; i < s->len && !buf_over(&b); i++)
		if (!rune_is_space((unsigned char)s->s[i]))
			rune_add(&b, (unsigned char)s->s[i]);
	return call_return_buf(c, &b);
}

/* ---- several in one -------------------------------------------------------------------------- */

FN(fn_quote)
{
	auto_buf struct buf b = CALL_BUF();
	bool more = false;
	size_t i;

	for (i = 0; i < c->n && !buf_over(&b); i++) {
		const struct value *text;

		if (!c->args[i])
			continue;
		text = fn_text_of(c, c->args[i]);
		if (!text)
			return -1;
		if (more)
			buf_addc(&b, ' ');
		more = true;
		if (c->fn->arg == '"') {
			quote_add(&b, text->s, text->len, false);
			continue;
		}
		buf_addc(&b, '\'');
		buf_add(&b, text->s, text->len);
		buf_addc(&b, '\'');
	}
	return call_return_buf(c, &b);
}

FN(fn_cat)
{
	auto_buf struct buf b = CALL_BUF();
	bool more = false;
	size_t i;

	for (i = 0; i < c->n && !buf_over(&b); i++) {
		if (!c->args[i])
			continue;
		if (more)
			buf_addc(&b, ' ');
		more = true;
		if (!format_value(&b, c->args[i]))
			return run_over(c->r, "a value is nested too deep");
	}
	return call_return_buf(c, &b);
}

FN(fn_join)
{
	struct value *list = fn_strings_of(c, arg(c, 1));
	auto_buf struct buf b = CALL_BUF();
	size_t i;

	if (!list)
		return -1;
	for (i = 0; i < list->len && !buf_over(&b); i++) {
		if (i)
			buf_add(&b, arg(c, 0)->s, arg(c, 0)->len);
		buf_add(&b, list->items[i]->s, list->items[i]->len);
	}
	return call_return_buf(c, &b);
}

/* As strings.SplitN; max -1: all. */
static struct value *split(
	const struct call *c, const struct value *s, const struct value *sep, int64_t max)
{
	struct value *list = value_list(&c->r->pool, &value_type_list_string);
	size_t at = 0, n;

	if (list && !max)
		list->nil = true;
	if (!max || run_tick_bytes(c->r, s->len))
		return list;
	if (!sep->len && !s->len)
		return list;
	while (list && !value_pool_over(&c->r->pool) && (max < 0 || (int64_t)list->len < max - 1)) {
		const char *next;
		size_t to;

		if (!sep->len) {
			if (at >= s->len)
				return list;
			rune_at(s->s + at, s->len - at, &n);
			if (at + n >= s->len)
				break;
			to = at + n;
		} else {
			next = find(s->s + at, s->len - at, sep);
			if (!next)
				break;
			to = (size_t)(next - s->s);
		}
		value_add(&c->r->pool, list, value_string(&c->r->pool, s->s + at, to - at));
		at = to + sep->len;
	}
	value_add(&c->r->pool, list, value_string(&c->r->pool, s->s + at, s->len - at));
	return list;
}

FN(fn_split)
{
	bool counted = c->fn->arg == 'n';
	struct value *list =
		split(c, arg(c, counted ? 2 : 1), arg(c, 0), counted ? arg(c, 1)->i : -1);
	struct value_pool *p = &c->r->pool;
	struct value *map;
	size_t i;

	if (!list || run_tick(c->r, list->len))
		return call_return(c, NULL);
	if (c->fn->arg == 'l')
		return call_return(c, list);
	/* Each part moves those behind it. */
	if (run_tick(c->r, list->len * list->len / 4096))
		return -1;
	map = value_map(p, &value_type_map_string);
	for (i = 0; map && i < list->len; i++) {
		char key[24];
		int n = snprintf(key, sizeof(key), "_%zu", i);

		value_put(p, map, value_string(p, key, (size_t)n), list->items[i]);
	}
	return call_return(c, map);
}

FN(fn_indent)
{
	auto_buf struct buf b = CALL_BUF();
	int64_t n = arg(c, 0)->i, i;
	const struct value *s = arg(c, 1);
	size_t at;

	if (n < 0)
		return call_fail(c, "strings: negative Repeat count");
	if (c->fn->arg)
		buf_addc(&b, '\n');
	for (i = 0; i < n && !buf_over(&b); i++)
		buf_addc(&b, ' ');
	for (at = 0; at < s->len && !buf_over(&b); at++) {
		buf_addc(&b, s->s[at]);
		for (i = 0; s->s[at] == '\n' && i < n && !buf_over(&b); i++)
			buf_addc(&b, ' ');
	}
	return call_return_buf(c, &b);
}

FN(fn_plural)
{
	return call_return(c, arg(c, 2)->i == 1 ? arg(c, 0) : arg(c, 1));
}

FN(fn_hello)
{
	return return_part(c, "Hello!", 6);
}

/* ---- paths ----------------------------------------------------------------------------------- */

FN(fn_path)
{
	const struct value *s = arg(c, 0);
	size_t to = s->len, from;

	if (c->fn->arg == 'a')
		return call_return(c, value_bool(&c->r->pool, to && s->s[0] == '/'));
	if (c->fn->arg == 'e') {
		for (from = to; from > 0 && s->s[from - 1] != '/'; from--)
			if (s->s[from - 1] == '.')
				return return_part(c, s->s + from - 1, to - from + 1);
		return return_part(c, "", 0);
	}
	if (!to)
		return return_part(c, ".", 1);
	while (to && s->s[to - 1] == '/')
		to--;
	if (!to)
		return return_part(c, "/", 1);
	for (from = to; from > 0 && s->s[from - 1] != '/';)
		from--;
	return return_part(c, s->s + from, to - from);
}

/* ---- codes ----------------------------------------------------------------------------------- */

static void base32(struct buf *b, const struct value *s)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	static const unsigned used[] = {0, 2, 4, 5, 7};
	size_t i, k;

	for (i = 0; i < s->len; i += 5) {
		size_t n = s->len - i < 5 ? s->len - i : 5;
		uint64_t bits = 0;

		for (k = 0; k < 5; k++)
			bits = bits << 8 | (k < n ? (unsigned char)s->s[i + k] : 0);
		for (k = 0; k < 8; k++)
			buf_addc(b,
				n < 5 && k >= used[n] ? '=' : letters[bits >> (35 - 5 * k) & 31]);
	}
}

/* Where Go's decoder gives up: at the first byte of the text that is none of its own. */
static size_t bad_base64_at(const struct value *s)
{
	size_t i, digits = 0;

	for (i = 0; i < s->len; i++) {
		char ch = s->s[i];

		if (ch == '\r' || ch == '\n')
			continue;
		if (!ch ||
			!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
				ch))
			break;
		digits++;
	}
	if (i < s->len && s->s[i] != '=')
		return i;
	if (i == s->len)
		return i - digits % 4;
	if (digits % 4 < 2)
		return i;
	/* The padding: as much as there must be, and nothing behind it. */
	for (digits %= 4, i++; digits < 3; digits++, i++) {
		while (i < s->len && (s->s[i] == '\r' || s->s[i] == '\n'))
			i++;
		if (i == s->len)
			return s->len;
		if (s->s[i] != '=')
			return i - 1;
	}
	while (i < s->len && (s->s[i] == '\r' || s->s[i] == '\n'))
		i++;
	return i;
}

/* Bits of the last digit that make no byte may be anything for Go. */
static void decode64(struct buf *b, const struct value *s)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	auto_free char *copy = mem_strndup(s->s, s->len);
	size_t bad = bad_base64_at(s), at = 0, digits = 0, i;
	struct err err = {0};

	if (bad != s->len || strlen(copy) != s->len) {
		buf_addf(b, "illegal base64 data at input byte %zu", bad);
		return;
	}
	for (i = 0; i < s->len; i++)
		if (strchr(letters, copy[i])) {
			at = i;
			digits++;
		}
	if (digits % 4 >= 2)
		copy[at] = letters[(size_t)(strchr(letters, copy[at]) - letters) &
			(digits % 4 == 2 ? 0x30U : 0x3cU)];
	if (base64_decode(b, copy, s->len, BASE64_STD | BASE64_NEWLINES, &err))
		buf_addf(b, "illegal base64 data at input byte %zu", s->len);
}

FN(fn_base)
{
	auto_buf struct buf b = CALL_BUF();
	const struct value *s = arg(c, 0);

	if ((c->fn->arg & 0xff) == 32)
		base32(&b, s);
	else if (c->fn->arg >> 8 == 'e')
		base64_encode(&b, s->s, s->len, BASE64_STD);
	else
		decode64(&b, s);
	return call_return_buf(c, &b);
}

FN(fn_sum)
{
	struct digest d;
	char hex[DIGEST_HEX_MAX];

	if (run_tick_bytes(c->r, arg(c, 0)->len))
		return -1;
	digest_mem(&d, c->fn->arg == 256 ? DIGEST_SHA256 : DIGEST_SHA512, arg(c, 0)->s,
		arg(c, 0)->len);
	digest_hex(&d, hex);
	return return_part(c, hex, strlen(hex));
}

FN(fn_adler)
{
	const struct value *s = arg(c, 0);
	uint32_t a = 1, b = 0;
	char text[16];
	size_t i;

	for (i = 0; i < s->len; i++) {
		a = (a + (unsigned char)s->s[i]) % 65521;
		b = (b + a) % 65521;
	}
	snprintf(text, sizeof(text), "%u", b << 16 | a);
	return return_part(c, text, strlen(text));
}
