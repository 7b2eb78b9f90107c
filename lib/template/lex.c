/* Text into tokens, as text/template/parse/lex.go does it; what it accepts too easily, the parser
   refuses. */
#include "base/ascii.h"
#include "template/internal.h"

#include <stdio.h>
#include <string.h>

#define SPACES " \t\r\n"

static bool is_space(char c)
{
	return c && strchr(SPACES, c);
}

void lexer_init(struct lexer *l, const char *text, size_t len)
{
	*l = (struct lexer){.text = text, .len = len, .line = 1, .start_line = 1};
}

static bool left(const struct lexer *l, const char *what)
{
	size_t n = strlen(what);

	return l->len - l->pos >= n && !memcmp(l->text + l->pos, what, n);
}

/* The rune at the position; *n is 0 at the end. */
static uint32_t peek(const struct lexer *l, size_t *n)
{
	*n = 0;
	return l->pos < l->len ? rune_at(l->text + l->pos, l->len - l->pos, n) : 0;
}

static void count_lines(struct lexer *l, size_t from, size_t to)
{
	for (; from < to; from++)
		l->line += l->text[from] == '\n';
}

static void step(struct lexer *l, size_t n)
{
	count_lines(l, l->pos, l->pos + n);
	l->pos += n;
}

static bool emit(struct lexer *l, enum token_kind kind)
{
	l->token = (struct token){
		kind, (uint32_t)l->start, l->start_line, l->text + l->start, l->pos - l->start};
	l->start = l->pos;
	l->start_line = l->line;
	return true;
}

/* What was skipped without being counted. */
static void ignore(struct lexer *l)
{
	count_lines(l, l->start, l->pos);
	l->start = l->pos;
	l->start_line = l->line;
}

/* There is nothing after an error. */
static bool fail(struct lexer *l, const struct buf *message)
{
	snprintf(l->message, sizeof(l->message), "%s", buf_str(message));
	l->token = (struct token){
		TOKEN_ERROR, (uint32_t)l->start, l->start_line, l->message, strlen(l->message)};
	l->start = l->pos = l->len = 0;
	return true;
}

static bool fail_with(struct lexer *l, const char *message)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KIB);

	buf_adds(&b, message);
	return fail(l, &b);
}

/* "bad character U+0021 '!'", as %#U prints it. */
static bool fail_at_rune(struct lexer *l, const char *message, uint32_t r, bool end)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KIB);

	buf_addf(&b, "%s U+", message);
	if (end)
		buf_adds(&b, "FFFFFFFFFFFFFFFF");
	else
		buf_addf(&b, "%04X", r);
	if (!end && rune_is_print(r)) {
		buf_adds(&b, " '");
		rune_add(&b, r);
		buf_addc(&b, '\'');
	}
	return fail(l, &b);
}

/* ---- text and delimiters --------------------------------------------------------------------- */

/* `- ` behind {{, ` -` before }}. */
static bool trims_left(const struct lexer *l, size_t at)
{
	return l->len - at >= 2 && l->text[at] == '-' && is_space(l->text[at + 1]);
}

static bool trims_right(const struct lexer *l, size_t at)
{
	return l->len - at >= 2 && is_space(l->text[at]) && l->text[at + 1] == '-';
}

static bool at_right(const struct lexer *l, bool *trims)
{
	*trims = trims_right(l, l->pos) && l->len - l->pos >= 4 &&
		!memcmp(l->text + l->pos + 2, "}}", 2);
	return *trims || left(l, "}}");
}

static void skip_spaces(struct lexer *l)
{
	while (l->pos < l->len && is_space(l->text[l->pos]))
		l->pos++;
}

/* True: a token was made; the text goes on behind a comment otherwise. */
static bool lex_comment(struct lexer *l)
{
	const char *end;
	bool trims;

	l->pos += 2;
	end = memmem(l->text + l->pos, l->len - l->pos, "*/", 2);
	if (!end)
		return fail_with(l, "unclosed comment");
	l->pos = (size_t)(end - l->text) + 2;
	if (!at_right(l, &trims))
		return fail_with(l, "comment ends before closing delimiter");
	l->pos += trims ? 4 : 2;
	if (trims)
		skip_spaces(l);
	ignore(l);
	return false;
}

static bool lex_left(struct lexer *l)
{
	bool trims;

	l->pos += 2;
	trims = trims_left(l, l->pos);
	if (l->len - l->pos >= (trims ? 4 : 2) &&
		!memcmp(l->text + l->pos + (trims ? 2 : 0), "/*", 2)) {
		l->pos += trims ? 2 : 0;
		ignore(l);
		return lex_comment(l);
	}
	emit(l, TOKEN_LEFT);
	l->inside = true;
	l->pos += trims ? 2 : 0;
	ignore(l);
	l->parens = 0;
	return true;
}

static bool lex_text(struct lexer *l)
{
	const char *delim = memmem(l->text + l->pos, l->len - l->pos, "{{", 2);
	size_t to, trimmed;

	if (!delim) {
		l->pos = l->len;
		if (l->pos == l->start)
			return emit(l, TOKEN_EOF);
		count_lines(l, l->start, l->pos);
		return emit(l, TOKEN_TEXT);
	}
	to = (size_t)(delim - l->text);
	if (to == l->pos)
		return lex_left(l);
	trimmed = to;
	if (trims_left(l, to + 2))
		while (trimmed > l->start && is_space(l->text[trimmed - 1]))
			trimmed--;
	l->pos = trimmed;
	count_lines(l, l->start, l->pos);
	emit(l, TOKEN_TEXT);
	l->pos = to;
	ignore(l);
	return l->token.len || lex_left(l);
}

static bool lex_right(struct lexer *l)
{
	bool trims;

	at_right(l, &trims);
	if (trims) {
		l->pos += 2;
		ignore(l);
	}
	l->pos += 2;
	emit(l, TOKEN_RIGHT);
	if (trims) {
		skip_spaces(l);
		ignore(l);
	}
	l->inside = false;
	return true;
}

/* ---- inside an action ------------------------------------------------------------------------ */

static bool at_terminator(const struct lexer *l)
{
	return l->pos >= l->len || is_space(l->text[l->pos]) ||
		(l->text[l->pos] && strchr(".,|:)(", l->text[l->pos])) || left(l, "}}");
}

static bool lex_space(struct lexer *l)
{
	size_t n = 0;

	while (l->pos < l->len && is_space(l->text[l->pos])) {
		step(l, 1);
		n++;
	}
	/* The last of the blanks may belong to a delimiter that trims. */
	if (trims_right(l, l->pos - 1) && l->len - l->pos >= 3 &&
		!memcmp(l->text + l->pos + 1, "}}", 2)) {
		l->pos--;
		l->line -= l->text[l->pos] == '\n';
		if (n == 1)
			return lex_right(l);
	}
	return emit(l, TOKEN_SPACE);
}

static void skip_word(struct lexer *l)
{
	size_t n;
	uint32_t r;

	for (;;) {
		r = peek(l, &n);
		if (!n || (r != '_' && !rune_is_letter_or_digit(r)))
			return;
		l->pos += n;
	}
}

static bool word_is(const struct lexer *l, const char *word)
{
	size_t n = strlen(word);

	return l->pos - l->start == n && !memcmp(l->text + l->start, word, n);
}

static bool bad_character(struct lexer *l)
{
	size_t n;
	uint32_t r = peek(l, &n);

	l->pos += n;
	return fail_at_rune(l, "bad character", r, !n);
}

static bool lex_word(struct lexer *l)
{
	static const char *const words[] = {"block", "break", "continue", ".", "define", "else",
		"end", "if", "nil", "range", "template", "with"};
	size_t i;

	skip_word(l);
	if (!at_terminator(l))
		return bad_character(l);
	for (i = 0; i < ARRAY_LEN(words); i++)
		if (word_is(l, words[i]))
			return emit(l, TOKEN_KEYWORD + 1 + i);
	if (word_is(l, "true") || word_is(l, "false"))
		return emit(l, TOKEN_BOOL);
	return emit(l, TOKEN_IDENT);
}

/* Behind a `.` or a `$`. */
static bool lex_field(struct lexer *l, enum token_kind kind)
{
	if (at_terminator(l))
		return emit(l, kind == TOKEN_VARIABLE ? kind : TOKEN_DOT);
	skip_word(l);
	if (!at_terminator(l))
		return bad_character(l);
	return emit(l, kind);
}

static bool accept(struct lexer *l, const char *set)
{
	if (l->pos >= l->len || !l->text[l->pos] || !strchr(set, l->text[l->pos]))
		return false;
	l->pos++;
	return true;
}

static bool scan_number(struct lexer *l)
{
	const char *digits = "0123456789_";
	size_t n;
	uint32_t r;

	accept(l, "+-");
	if (accept(l, "0")) {
		if (accept(l, "xX"))
			digits = "0123456789abcdefABCDEF_";
		else if (accept(l, "oO"))
			digits = "01234567_";
		else if (accept(l, "bB"))
			digits = "01_";
	}
	while (accept(l, digits))
		;
	if (accept(l, "."))
		while (accept(l, digits))
			;
	if (accept(l, strlen(digits) == 11 ? "eE" : strlen(digits) == 23 ? "pP" : "")) {
		accept(l, "+-");
		while (accept(l, "0123456789_"))
			;
	}
	accept(l, "i");
	r = peek(l, &n);
	if (!n || (r != '_' && !rune_is_letter_or_digit(r)))
		return true;
	l->pos += n;
	return false;
}

static bool bad_number(struct lexer *l)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KIB);

	buf_adds(&b, "bad number syntax: ");
	quote_add(&b, l->text + l->start, l->pos - l->start, false);
	return fail(l, &b);
}

static bool lex_number(struct lexer *l)
{
	if (!scan_number(l))
		return bad_number(l);
	if (l->pos >= l->len || (l->text[l->pos] != '+' && l->text[l->pos] != '-'))
		return emit(l, TOKEN_NUMBER);
	if (!scan_number(l) || l->text[l->pos - 1] != 'i')
		return bad_number(l);
	return emit(l, TOKEN_COMPLEX);
}

/* Behind the first quote. */
static bool lex_quoted(struct lexer *l, char quote, enum token_kind kind, const char *unclosed)
{
	while (l->pos < l->len) {
		char c = l->text[l->pos];

		if (c == '\n' && quote != '`')
			break;
		step(l, 1);
		if (c == quote)
			return emit(l, kind);
		if (c != '\\' || quote == '`')
			continue;
		if (l->pos >= l->len || l->text[l->pos] == '\n')
			break;
		l->pos++;
	}
	return fail_with(l, unclosed);
}

static bool lex_sign(struct lexer *l, char c)
{
	switch (c) {
	case '=':
		return emit(l, TOKEN_ASSIGN);
	case ':':
		if (!accept(l, "="))
			return fail_with(l, "expected :=");
		return emit(l, TOKEN_DECLARE);
	case '|':
		return emit(l, TOKEN_PIPE);
	case '"':
		return lex_quoted(l, c, TOKEN_STRING, "unterminated quoted string");
	case '`':
		return lex_quoted(l, c, TOKEN_RAW_STRING, "unterminated raw quoted string");
	case '\'':
		return lex_quoted(l, c, TOKEN_CHARACTER, "unterminated character constant");
	case '$':
		return lex_field(l, TOKEN_VARIABLE);
	case '(':
		l->parens++;
		return emit(l, TOKEN_LEFT_PAREN);
	case ')':
		if (--l->parens < 0)
			return fail_with(l, "unexpected right paren");
		return emit(l, TOKEN_RIGHT_PAREN);
	default:
		return emit(l, TOKEN_CHAR);
	}
}

static bool lex_inside(struct lexer *l)
{
	bool trims;
	size_t n;
	uint32_t r;

	if (at_right(l, &trims))
		return l->parens ? fail_with(l, "unclosed left paren") : lex_right(l);
	r = peek(l, &n);
	if (!n)
		return fail_with(l, "unclosed action");
	if (r < 128 && is_space((char)r))
		return lex_space(l);
	if (r == '.' && (l->pos + 1 >= l->len || !ascii_is_digit(l->text[l->pos + 1]))) {
		/* Of a dot that ends the text, Go makes a number. */
		if (l->pos + 1 >= l->len)
			return lex_number(l);
		l->pos++;
		return lex_field(l, TOKEN_FIELD);
	}
	if (r == '.' || r == '+' || r == '-' || (r < 128 && ascii_is_digit((char)r)))
		return lex_number(l);
	if (r == '_' || rune_is_letter_or_digit(r))
		return lex_word(l);
	l->pos += n;
	if (r >= ' ' && r < 127)
		return lex_sign(l, (char)r);
	return fail_at_rune(l, "unrecognized character in action:", r, false);
}

struct token lexer_next(struct lexer *l)
{
	if (l->inside)
		lex_inside(l);
	else
		while (!lex_text(l))
			;
	return l->token;
}
