/* Tokens of CEL (cel-spec: doc/langdef.md, "Syntax"). The longest token wins. */
#include "base/ascii.h"
#include "base/buf.h"
#include "base/limits.h"
#include "text/cel_internal.h"

#include <stdarg.h>
#include <string.h>

int cel_refuse(struct err *err, uint32_t pos, const char *fmt, ...)
{
	char msg[ERR_MSG_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_STALL, "%s (at byte %u)", msg, (unsigned)pos);
}

static char lex_peek(const struct cel_lexer *l, size_t ahead)
{
	return l->at + ahead < l->len ? l->text[l->at + ahead] : 0;
}

static bool lex_is_name(char c)
{
	return ascii_is_alnum(c) || c == '_';
}

static void lex_skip_blank(struct cel_lexer *l)
{
	for (;;) {
		char c = lex_peek(l, 0);

		if (c && strchr(" \t\r\n\f", c)) {
			l->at++;
		} else if (c == '/' && lex_peek(l, 1) == '/') {
			while (l->at < l->len && l->text[l->at] != '\n')
				l->at++;
		} else {
			return;
		}
	}
}

/* ---- numbers --------------------------------------------------------------------------------- */

static void lex_digits(struct cel_lexer *l)
{
	while (ascii_is_digit(lex_peek(l, 0)))
		l->at++;
}

/* e+10: all of it or nothing. */
static bool lex_exponent(struct cel_lexer *l)
{
	size_t sign;

	if ((lex_peek(l, 0) | 0x20) != 'e')
		return false;
	sign = lex_peek(l, 1) == '+' || lex_peek(l, 1) == '-';
	if (!ascii_is_digit(lex_peek(l, 1 + sign)))
		return false;
	l->at += 1 + sign;
	lex_digits(l);
	return true;
}

static void lex_number(struct cel_lexer *l, struct cel_token *t)
{
	size_t from = l->at;

	t->kind = CEL_T_INT;
	if (lex_peek(l, 0) == '0' && lex_peek(l, 1) == 'x' &&
		ascii_hex_value(lex_peek(l, 2)) >= 0) {
		for (l->at += 2; ascii_hex_value(lex_peek(l, 0)) >= 0;)
			l->at++;
	} else {
		lex_digits(l);
		if (lex_peek(l, 0) == '.' && ascii_is_digit(lex_peek(l, 1))) {
			l->at++;
			lex_digits(l);
			t->kind = CEL_T_FLOAT;
		}
		if (lex_exponent(l))
			t->kind = CEL_T_FLOAT;
	}
	t->p = l->text + from;
	t->len = l->at - from;
	if (t->kind == CEL_T_INT && (lex_peek(l, 0) | 0x20) == 'u') {
		t->kind = CEL_T_UINT;
		l->at++;
	}
}

/* ---- strings --------------------------------------------------------------------------------- */

static void add_rune(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_addc(b, (char)c);
		return;
	}
	if (c >= 0x10000) {
		buf_addc(b, (char)(0xF0 | c >> 18));
		buf_addc(b, (char)(0x80 | (c >> 12 & 0x3F)));
	} else if (c >= 0x800) {
		buf_addc(b, (char)(0xE0 | c >> 12));
	} else {
		buf_addc(b, (char)(0xC0 | c >> 6));
		buf_addc(b, (char)(0x80 | (c & 0x3F)));
		return;
	}
	buf_addc(b, (char)(0x80 | (c >> 6 & 0x3F)));
	buf_addc(b, (char)(0x80 | (c & 0x3F)));
}

/* n digits of this base after what `at` stands on; -1: there are fewer. */
static int64_t escape_digits(struct cel_lexer *l, size_t n, int base)
{
	int64_t v = 0;

	while (n--) {
		int d = ascii_hex_value(lex_peek(l, 0));

		if (d < 0 || d >= base)
			return -1;
		v = v * base + d;
		l->at++;
	}
	return v;
}

/* `at` stands behind the backslash. */
static int lex_escape(struct cel_lexer *l, struct buf *b, bool bytes, struct err *err)
{
	static const char plain[] = "abfnrtv\\'\"`?", means[] = "\a\b\f\n\r\t\v\\'\"`?";
	uint32_t pos = (uint32_t)l->at;
	char c = lex_peek(l, 0);
	const char *known = c ? strchr(plain, c) : NULL;
	int64_t rune = -1;

	if (known) {
		l->at++;
		buf_addc(b, means[known - plain]);
		return 0;
	}
	if (c >= '0' && c <= '3') {
		rune = escape_digits(l, 3, 8);
	} else if (c == 'x' || c == 'X' || (!bytes && (c == 'u' || c == 'U'))) {
		l->at++;
		rune = escape_digits(l, c == 'u' ? 4 : c == 'U' ? 8 : 2, 16);
	}
	if (rune < 0 || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000))
		return cel_refuse(err, pos, "invalid escape in a string");
	if (bytes)
		buf_addc(b, (char)rune);
	else
		add_rune(b, (uint32_t)rune);
	return 0;
}

/* `at` stands on the first quote. */
static int lex_string(struct cel_lexer *l, struct cel_token *t, bool raw, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_CEL_TEXT * 2);
	char q = lex_peek(l, 0), c;
	bool triple = lex_peek(l, 1) == q && lex_peek(l, 2) == q;

	for (l->at += triple ? 3 : 1;;) {
		c = lex_peek(l, 0);
		if (!c || (!triple && (c == '\n' || c == '\r')))
			return cel_refuse(err, t->pos, "a string has no end");
		l->at++;
		if (c == q && (!triple || (lex_peek(l, 0) == q && lex_peek(l, 1) == q)))
			break;
		if (c == '\\' && !raw) {
			if (lex_escape(l, &b, t->kind == CEL_T_BYTES, err))
				return -1;
		} else if (c == '\r') {
			/* Line ends of all sorts are one \n. */
			l->at += lex_peek(l, 0) == '\n';
			buf_addc(&b, '\n');
		} else {
			buf_addc(&b, c);
		}
	}
	l->at += triple ? 2 : 0;
	BUG_IF(buf_over(&b));
	t->len = b.len;
	t->p = cel_pool_dup(l->pool, buf_str(&b), b.len + 1);
	return t->p ? 0 : cel_refuse(err, t->pos, "the expression is too large");
}

/* r"", b"", br"" and "" begin a string: how many letters stand before the quote; -1: none does. */
static int string_prefix(const struct cel_lexer *l, bool *raw, bool *bytes)
{
	size_t n = 0;

	*bytes = (lex_peek(l, n) | 0x20) == 'b';
	n += *bytes;
	*raw = (lex_peek(l, n) | 0x20) == 'r';
	n += *raw;
	return lex_peek(l, n) == '"' || lex_peek(l, n) == '\'' ? (int)n : -1;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void lex_name(struct cel_lexer *l, struct cel_token *t)
{
	static const struct {
		const char *word;
		enum cel_token_kind kind;
	} words[] = {{"in", CEL_T_PUNCT}, {"true", CEL_T_TRUE}, {"false", CEL_T_FALSE},
		{"null", CEL_T_NULL}};
	size_t i;

	t->kind = CEL_T_NAME;
	t->p = l->text + l->at;
	while (lex_is_name(lex_peek(l, 0)))
		l->at++;
	t->len = (size_t)(l->text + l->at - t->p);
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i].word) == t->len && !memcmp(words[i].word, t->p, t->len))
			t->kind = words[i].kind;
}

static int lex_punct(struct cel_lexer *l, struct cel_token *t, struct err *err)
{
	static const char two[][3] = {"==", "!=", "<=", ">=", "&&", "||"};
	char c = lex_peek(l, 0);
	size_t i;

	t->kind = CEL_T_PUNCT;
	t->p = l->text + l->at;
	t->len = 1;
	for (i = 0; i < sizeof(two) / sizeof(*two); i++)
		if (c == two[i][0] && lex_peek(l, 1) == two[i][1])
			t->len = 2;
	if (t->len == 1 && !strchr("<>[](){}.,-!?:+*/%", c)) {
		if ((unsigned char)c < ' ' || (unsigned char)c >= 0x7F)
			return cel_refuse(err, t->pos, "unexpected character");
		return cel_refuse(err, t->pos, "unexpected '%c'", c);
	}
	l->at += t->len;
	return 0;
}

int cel_lex(struct cel_lexer *l, struct cel_token *t, struct err *err)
{
	bool raw, bytes;
	int prefix;
	char c;

	lex_skip_blank(l);
	*t = (struct cel_token){.p = l->text + l->at, .pos = (uint32_t)l->at + 1};
	c = lex_peek(l, 0);
	if (l->at >= l->len)
		return 0;
	prefix = string_prefix(l, &raw, &bytes);
	if (prefix >= 0) {
		t->kind = bytes ? CEL_T_BYTES : CEL_T_STRING;
		l->at += (size_t)prefix;
		return lex_string(l, t, raw, err);
	}
	if (ascii_is_digit(c) || (c == '.' && ascii_is_digit(lex_peek(l, 1))))
		lex_number(l, t);
	else if (lex_is_name(c))
		lex_name(l, t);
	else
		return lex_punct(l, t, err);
	return 0;
}
