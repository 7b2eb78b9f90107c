/* Strings in quotes as Go's strconv reads and writes them, and what letters are. */
#include "base/ascii.h"
#include "base/utf8.h"
#include "template/internal.h"

#include <string.h>
#include <wctype.h>

/* ---- runes ----------------------------------------------------------------------------------- */

uint32_t rune_at(const char *s, size_t len, size_t *n)
{
	uint32_t r = RUNE_ERROR;

	*n = utf8_char(s, len, &r);
	if (!*n)
		*n = 1;
	return r;
}

size_t rune_count(const char *s, size_t len)
{
	size_t count = 0, n;

	for (; len; count++) {
		rune_at(s, len, &n);
		s += n;
		len -= n;
	}
	return count;
}

bool rune_is_letter_or_digit(uint32_t r)
{
	if (r < 128)
		return ascii_is_alnum((char)r);
	return iswalnum((wint_t)r);
}

bool rune_is_print(uint32_t r)
{
	if (r < 128)
		return r >= ' ' && r < 127;
	/* Of the blanks, Go prints the plain one only; and no characters that nobody sees. */
	return r != 0xad && r != 0xfeff && !rune_is_space(r) && iswprint((wint_t)r) &&
		!(r >= 0xe000 && r <= 0xf8ff) && !(r >= 0x200b && r <= 0x200f) &&
		!(r >= 0x2028 && r <= 0x202f) && !(r >= 0x2060 && r <= 0x206f) && r < 0xf0000;
}

bool rune_is_space(uint32_t r)
{
	return (r >= 9 && r <= 13) || r == ' ' || r == 0x85 || r == 0xa0 || r == 0x1680 ||
		(r >= 0x2000 && r <= 0x200a) || r == 0x2028 || r == 0x2029 || r == 0x202f ||
		r == 0x205f || r == 0x3000;
}

void rune_add(struct buf *b, uint32_t r)
{
	if (r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		r = RUNE_ERROR;
	if (r < 0x80) {
		buf_addc(b, (char)r);
		return;
	}
	if (r < 0x800) {
		buf_addc(b, (char)(0xc0 | r >> 6));
	} else {
		if (r < 0x10000) {
			buf_addc(b, (char)(0xe0 | r >> 12));
		} else {
			buf_addc(b, (char)(0xf0 | r >> 18));
			buf_addc(b, (char)(0x80 | (r >> 12 & 0x3f)));
		}
		buf_addc(b, (char)(0x80 | (r >> 6 & 0x3f)));
	}
	buf_addc(b, (char)(0x80 | (r & 0x3f)));
}

/* ---- to quotes ------------------------------------------------------------------------------- */

static void add_escaped(struct buf *b, uint32_t r, char quote, bool ascii)
{
	static const char short_forms[] = "abtnvfr"; /* 7 to 13 */

	if (r == (unsigned char)quote || r == '\\') {
		buf_addc(b, '\\');
		buf_addc(b, (char)r);
	} else if (rune_is_print(r) && (r < 128 || !ascii)) {
		rune_add(b, r);
	} else if (r >= 7 && r <= 13) {
		buf_addf(b, "\\%c", short_forms[r - 7]);
	} else if (r < ' ' || r == 0x7f) {
		buf_addf(b, "\\x%02x", r);
	} else if (r < 0x10000 || r > 0x10ffff) {
		buf_addf(b, "\\u%04x",
			r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff) ? RUNE_ERROR : r);
	} else {
		buf_addf(b, "\\U%08x", r);
	}
}

void quote_add(struct buf *b, const char *s, size_t len, bool ascii)
{
	size_t n;

	buf_addc(b, '"');
	for (; len && !buf_over(b); s += n, len -= n) {
		uint32_t r = rune_at(s, len, &n);

		if (r == RUNE_ERROR && n == 1)
			buf_addf(b, "\\x%02x", (unsigned char)s[0]);
		else
			add_escaped(b, r, '"', ascii);
	}
	buf_addc(b, '"');
}

void quote_add_rune(struct buf *b, uint32_t r, bool ascii)
{
	if (r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		r = RUNE_ERROR;
	buf_addc(b, '\'');
	add_escaped(b, r, '\'', ascii);
	buf_addc(b, '\'');
}

bool quote_raw_ok(const char *s, size_t len)
{
	size_t n;

	for (; len; s += n, len -= n) {
		uint32_t r = rune_at(s, len, &n);

		if (r == 0xfeff ||
			(n == 1 &&
				(r == RUNE_ERROR || r == '`' || r == 0x7f ||
					(r < ' ' && r != '\t'))))
			return false;
	}
	return true;
}

/* ---- from quotes ----------------------------------------------------------------------------- */

static bool read_digits(const char *s, size_t len, size_t n, unsigned base, uint32_t *out)
{
	uint32_t v = 0;
	size_t i;

	if (len < n)
		return false;
	for (i = 0; i < n; i++) {
		if (base == 8 ? s[i] < '0' || s[i] > '7' : !ascii_is_hex(s[i]))
			return false;
		v = v * base +
			(uint32_t)(ascii_is_digit(s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	}
	*out = v;
	return true;
}

/* Behind the backslash; *n counts from there. */
static bool read_escape(
	const char *s, size_t len, char quote, uint32_t *rune, bool *multi, size_t *n)
{
	static const char names[] = "abtnvfr";
	const char *at = strchr(names, s[0]);

	*n = 1;
	*multi = false;
	if (at && s[0]) {
		*rune = (uint32_t)(at - names) + 7;
		return true;
	}
	switch (s[0]) {
	case 'x':
		*n = 3;
		return read_digits(s + 1, len - 1, 2, 16, rune);
	case 'u':
	case 'U':
		*n = s[0] == 'u' ? 5 : 9;
		*multi = true;
		return read_digits(s + 1, len - 1, *n - 1, 16, rune) && *rune <= 0x10ffff &&
			(*rune < 0xd800 || *rune > 0xdfff);
	case '\\':
		*rune = '\\';
		return true;
	case '\'':
	case '"':
		*rune = (unsigned char)s[0];
		return s[0] == quote;
	default:
		*n = 3;
		return read_digits(s, len, 3, 8, rune) && *rune <= 255;
	}
}

bool unquote_char(const char *s, size_t len, char quote, uint32_t *rune, bool *multi, size_t *n)
{
	if (!len || (s[0] == quote && (quote == '\'' || quote == '"')))
		return false;
	if (s[0] != '\\') {
		*rune = rune_at(s, len, n);
		*multi = (unsigned char)s[0] >= 0x80;
		return true;
	}
	if (len < 2 || !read_escape(s + 1, len - 1, quote, rune, multi, n))
		return false;
	*n += 1;
	return true;
}

bool unquote(struct buf *out, const char *s, size_t len)
{
	char quote = len ? s[0] : 0;
	size_t i, n;
	uint32_t r;
	bool multi;

	if (len < 2 || s[len - 1] != quote || (quote != '"' && quote != '`'))
		return false;
	for (i = 1; i < len - 1; i += n) {
		if (quote == '`') {
			n = 1;
			if (s[i] != '\r')
				buf_addc(out, s[i]);
			continue;
		}
		if (s[i] == '\n' || !unquote_char(s + i, len - 1 - i, quote, &r, &multi, &n))
			return false;
		if (multi)
			rune_add(out, r);
		else
			buf_addc(out, (char)r);
	}
	return true;
}
