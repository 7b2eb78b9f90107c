/* Functions of strings and bytes. Positions are code points. */
#include "base/ascii.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/cel_internal.h"

#include <inttypes.h>
#include <string.h>

/* What a pattern takes that is compiled for one evaluation only, in steps: each one, each of its
   instructions, and one that is refused, perhaps for being too large. */
#define PATTERN_STEPS 1000
#define PATTERN_INSTRUCTION_STEPS 30
#define PATTERN_REFUSED_STEPS 100000

/* ---- helpers --------------------------------------------------------------------------------- */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t count_runes(const char *s, size_t len)
{
	size_t n = 0;

	for (; len; s++, len--)
		n += !is_continuation(*s);
	return n;
}

/* The bytes in front of code point i; len when there are no more than i. */
static size_t rune_offset(const char *s, size_t len, size_t i)
{
	size_t at = 0;

	while (at < len && i--)
		for (at++; at < len && is_continuation(s[at]);)
			at++;
	return at;
}

/* Bytes of the code point that s begins with. */
static size_t rune_width(const char *s, size_t len)
{
	return rune_offset(s, len, 1);
}

/* Where the first `what` is, NULL: nowhere. */
static const char *find(const char *s, size_t len, const struct cel_val *what)
{
	return what->len ? memmem(s, len, what->s, what->len) : s;
}

static int out_of_range(int64_t i, struct err *err)
{
	return err_set(err, ERR_RETRY, "the position %" PRId64 " is out of range", i);
}

/* What was built becomes the result. */
static int take_buf(struct cel_run *r, const struct buf *b, enum cel_kind kind, struct cel_val *out,
	struct err *err)
{
	/* A buffer that is full is more than the evaluation may take, too. */
	char *s = cel_alloc(r, buf_over(b) ? LIMIT_CEL_MEMORY + 1 : b->len + 1, err);

	if (!s || cel_tick_bytes(r, b->len, err))
		return -1;
	memcpy(s, buf_str(b), b->len);
	*out = (struct cel_val){.kind = kind, .s = s, .len = b->len};
	return 0;
}

CEL_FN(cel_size)
{
	const struct cel_val *v = &args[0];

	(void)n;
	*out = cel_of_int((int64_t)v->len);
	if (v->kind != CEL_STRING)
		return 0;
	out->i = (int64_t)count_runes(v->s, v->len);
	return cel_tick_bytes(r, v->len, err);
}

/* ---- questions ------------------------------------------------------------------------------- */

CEL_FN(cel_text_contains)
{
	(void)n;
	*out = cel_of_bool(find(args[0].s, args[0].len, &args[1]) != NULL);
	return cel_tick_bytes(r, args[0].len, err);
}

CEL_FN(cel_text_starts_with)
{
	const struct cel_val *s = &args[0], *what = &args[1];

	(void)n;
	*out = cel_of_bool(
		what->len <= s->len && (!what->len || !memcmp(s->s, what->s, what->len)));
	return cel_tick_bytes(r, what->len, err);
}

CEL_FN(cel_text_ends_with)
{
	const struct cel_val *s = &args[0], *what = &args[1];

	(void)n;
	*out = cel_of_bool(what->len <= s->len &&
		(!what->len || !memcmp(s->s + s->len - what->len, what->s, what->len)));
	return cel_tick_bytes(r, what->len, err);
}

int cel_match(struct cel_run *r, const struct match *m, const struct cel_val *text,
	struct cel_val *out, struct err *err)
{
	if (cel_tick(r, 1 + text->len * (size_t)match_program(m) / 8, err))
		return -1;
	*out = cel_of_bool(match_text(m, text->s, text->len));
	return 0;
}

CEL_FN(cel_text_matches)
{
	const struct cel_val *p = &args[1];
	auto_free char *pattern = NULL;
	struct err late;
	struct match *m;
	int rc;

	(void)n;
	if (cel_tick(r, PATTERN_STEPS, err))
		return -1;
	if (memchr(p->s, 0, p->len))
		return err_set(err, ERR_RETRY, "a pattern with a NUL is not supported");
	pattern = mem_strndup(p->s, p->len);
	if (match_new(&m, pattern, err)) {
		if (cel_tick(r, PATTERN_REFUSED_STEPS, &late))
			*err = late;
		return -1;
	}
	rc = cel_tick(r, (size_t)match_program(m) * PATTERN_INSTRUCTION_STEPS, err);
	if (!rc)
		rc = cel_match(r, m, &args[0], out, err);
	match_free(m);
	return rc;
}

CEL_FN(cel_text_char_at)
{
	const struct cel_val *s = &args[0];
	int64_t i = args[1].i;
	size_t at;

	(void)n;
	if (cel_tick_bytes(r, s->len, err))
		return -1;
	if (i < 0 || (uint64_t)i > count_runes(s->s, s->len))
		return out_of_range(i, err);
	at = rune_offset(s->s, s->len, (size_t)i);
	*out = cel_of_string(s->s + at, rune_width(s->s + at, s->len - at));
	return 0;
}

CEL_FN(cel_text_index_of)
{
	const struct cel_val *s = &args[0], *what = &args[1];
	int64_t from = n == 3 ? args[2].i : 0;
	const char *found;
	size_t at;

	*out = cel_of_int(from);
	if (!what->len)
		return 0;
	if (cel_tick_bytes(r, s->len, err))
		return -1;
	if (from < 0)
		return out_of_range(from, err);
	at = rune_offset(s->s, s->len, (size_t)from);
	found = find(s->s + at, s->len - at, what);
	out->i = found ? from + (int64_t)count_runes(s->s + at, (size_t)(found - s->s) - at) : -1;
	return 0;
}

CEL_FN(cel_text_last_index_of)
{
	const struct cel_val *s = &args[0], *what = &args[1];
	int64_t runes = (int64_t)count_runes(s->s, s->len), from = n == 3 ? args[2].i : runes - 1;
	size_t at;

	if (cel_tick_bytes(r, s->len, err))
		return -1;
	*out = cel_of_int(n == 3 ? from : runes);
	if (!what->len)
		return 0;
	out->i = -1;
	if (n == 2 && s->len < what->len)
		return 0;
	if (from < 0)
		return out_of_range(from, err);
	if (from >= runes)
		return 0;
	for (at = rune_offset(s->s, s->len, (size_t)from);; at--) {
		if (is_continuation(s->s[at]))
			continue;
		if (cel_tick_bytes(r, what->len, err))
			return -1;
		if (what->len <= s->len - at && !memcmp(s->s + at, what->s, what->len)) {
			out->i = from;
			return 0;
		}
		if (!at)
			return 0;
		from--;
	}
}

/* ---- parts and changes ----------------------------------------------------------------------- */

static int change_case(struct cel_run *r, const struct cel_val *v, bool lower, struct cel_val *out,
	struct err *err)
{
	char *s = cel_alloc(r, v->len + 1, err);
	size_t i;

	if (!s || cel_tick_bytes(r, v->len, err))
		return -1;
	for (i = 0; i < v->len; i++) {
		s[i] = v->s[i];
		if (lower ? ascii_is_upper(s[i]) : ascii_is_lower(s[i]))
			s[i] ^= 0x20;
	}
	*out = cel_of_string(s, v->len);
	return 0;
}

CEL_FN(cel_text_lower)
{
	(void)n;
	return change_case(r, &args[0], true, out, err);
}

CEL_FN(cel_text_upper)
{
	(void)n;
	return change_case(r, &args[0], false, out, err);
}

CEL_FN(cel_text_substring)
{
	const struct cel_val *s = &args[0];
	int64_t runes = (int64_t)count_runes(s->s, s->len);
	int64_t from = args[1].i, to = n == 3 ? args[2].i : runes;
	size_t at, end;

	if (cel_tick_bytes(r, s->len, err))
		return -1;
	if (from < 0 || from > runes || (n == 3 && from > to))
		return out_of_range(from, err);
	if (to > runes)
		return out_of_range(to, err);
	at = rune_offset(s->s, s->len, (size_t)from);
	end = rune_offset(s->s, s->len, (size_t)to);
	*out = cel_of_string(s->s + at, end - at);
	return 0;
}

/* White_Space of Unicode. */
static bool is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
		c == 0x205F || c == 0x3000;
}

CEL_FN(cel_text_trim)
{
	const char *s = args[0].s;
	size_t len = args[0].len, width;
	uint32_t rune;

	(void)n;
	if (cel_tick_bytes(r, len, err))
		return -1;
	while (len && (width = utf8_char(s, len, &rune)) && is_space(rune)) {
		s += width;
		len -= width;
	}
	while (len) {
		for (width = 1; width < len && is_continuation(s[len - width]);)
			width++;
		if (!utf8_char(s + len - width, width, &rune) || !is_space(rune))
			break;
		len -= width;
	}
	*out = cel_of_string(s, len);
	return 0;
}

static int replace_in(
	struct cel_run *r, const struct cel_val *args, int64_t left, struct buf *b, struct err *err)
{
	const char *s = args[0].s, *end = s + args[0].len, *found;
	bool first = true;

	for (; left; left -= left > 0, first = false) {
		found = find(s, (size_t)(end - s), &args[1]);
		/* Nothing is found in front of each code point and at the end. */
		if (!args[1].len && !first)
			found = s < end ? s + rune_width(s, (size_t)(end - s)) : NULL;
		if (!found)
			break;
		if (cel_tick_bytes(r, (size_t)(found - s), err))
			return -1;
		buf_add(b, s, (size_t)(found - s));
		buf_add(b, args[2].s, args[2].len);
		if (buf_over(b))
			return 0;
		s = found + args[1].len;
	}
	buf_add(b, s, (size_t)(end - s));
	return 0;
}

CEL_FN(cel_text_replace)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_CEL_MEMORY);

	/* Less than 0: all. */
	if (replace_in(r, args, n == 4 ? args[3].i : -1, &b, err))
		return -1;
	return take_buf(r, &b, CEL_STRING, out, err);
}

/* Parts of s: at most `max`, the last one with all that is left; less than 0: any number. */
static size_t count_parts(const struct cel_val *s, const struct cel_val *sep, int64_t max)
{
	const char *p = s->s, *end = p + s->len;
	size_t n = sep->len ? 1 : count_runes(s->s, s->len);

	if (sep->len)
		while (n < (uint64_t)max && (p = find(p, (size_t)(end - p), sep))) {
			n++;
			p += sep->len;
		}
	return max < 0 || n < (uint64_t)max ? n : (size_t)max;
}

CEL_FN(cel_text_split)
{
	const struct cel_val *s = &args[0], *sep = &args[1];
	const char *p = s->s, *end = p + s->len, *to;
	size_t parts = count_parts(s, sep, n == 3 ? args[2].i : -1), i;
	struct cel_val *items;

	if (cel_tick_bytes(r, s->len, err) || cel_tick(r, parts, err))
		return -1;
	items = cel_alloc(r, parts * sizeof(*items), err);
	if (!items)
		return -1;
	for (i = 0; i < parts; i++) {
		to = end;
		if (i + 1 < parts)
			to = sep->len ? find(p, (size_t)(end - p), sep)
				      : p + rune_width(p, (size_t)(end - p));
		items[i] = cel_of_string(p, (size_t)(to - p));
		p = i + 1 < parts ? to + sep->len : end;
	}
	*out = (struct cel_val){.kind = CEL_LIST, .items = items, .len = parts};
	return 0;
}

CEL_FN(cel_text_join)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_CEL_MEMORY);
	size_t i;

	for (i = 0; i < args[0].len && !buf_over(&b); i++) {
		struct cel_val item = cel_list_at(&args[0], i);

		if (item.kind != CEL_STRING)
			return err_set(err, ERR_RETRY, "'join' found a '%s' in the list",
				cel_kind_name(item.kind));
		if (cel_tick_bytes(r, item.len, err))
			return -1;
		if (i && n == 2)
			buf_add(&b, args[1].s, args[1].len);
		buf_add(&b, item.s, item.len);
	}
	return take_buf(r, &b, CEL_STRING, out, err);
}

/* ---- base64 ---------------------------------------------------------------------------------- */

CEL_FN(cel_base64_encode)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_CEL_MEMORY);

	(void)n;
	base64_encode(&b, args[0].s, args[0].len, BASE64_STD);
	return take_buf(r, &b, CEL_STRING, out, err);
}

static int base64_value(char c)
{
	if (ascii_is_upper(c))
		return c - 'A';
	if (ascii_is_lower(c))
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* With or without padding, line ends anywhere, and whatever bits are left over: more than
   base64_decode() takes, and just what the peer does. */
static bool decode(struct buf *b, const struct cel_val *v)
{
	size_t i, chars = 0, pads = 0;
	uint32_t bits = 0;

	for (i = 0; i < v->len; i++) {
		char c = v->s[i];
		int value = base64_value(c);

		if (c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			pads++;
			continue;
		}
		if (value < 0 || pads)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (chars++ % 4)
			buf_addc(b, (char)(bits >> (6 - 2 * ((chars - 1) % 4))));
	}
	return chars % 4 != 1 && (!pads || (chars % 4 && pads == 4 - chars % 4));
}

CEL_FN(cel_base64_decode)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_CEL_MEMORY);

	(void)n;
	if (cel_tick_bytes(r, args[0].len, err))
		return -1;
	if (!decode(&b, &args[0]))
		return err_set(err, ERR_RETRY, "the text is no base64");
	return take_buf(r, &b, CEL_BYTES, out, err);
}
