/* The token that comes next, and errors about it: the same look ahead as in
   text/template/parse/parse.go, because the line of an error is that of the token which was read
   last. */
#include "template/internal.h"
#include "template/parse.h"

#include <string.h>

const struct token *token_next(struct parser *p)
{
	if (p->peeked)
		p->peeked--;
	else
		p->token[0] = lexer_next(p->lexer);
	return &p->token[p->peeked];
}

void token_back(struct parser *p)
{
	p->peeked++;
}

const struct token *token_peek(struct parser *p)
{
	if (!p->peeked) {
		p->token[0] = lexer_next(p->lexer);
		p->peeked = 1;
	}
	return &p->token[p->peeked - 1];
}

struct token word_next(struct parser *p)
{
	const struct token *t;

	do
		t = token_next(p);
	while (t->kind == TOKEN_SPACE);
	return *t;
}

struct token word_peek(struct parser *p)
{
	struct token t = word_next(p);

	token_back(p);
	return t;
}

static void token_show(struct buf *b, const struct token *t)
{
	size_t n = 0, i, w;

	if (t->kind == TOKEN_EOF) {
		buf_adds(b, "EOF");
	} else if (t->kind == TOKEN_ERROR) {
		buf_add(b, t->p, t->len);
	} else if (t->kind > TOKEN_KEYWORD) {
		buf_addf(b, "<%.*s>", (int)t->len, t->p);
	} else if (t->len > 10) {
		for (i = 0; i < 10 && n < t->len; i++, n += w)
			rune_at(t->p + n, t->len - n, &w);
		quote_add(b, t->p, n, false);
		buf_adds(b, "...");
	} else {
		quote_add(b, t->p, t->len, false);
	}
}

int parse_unexpected(struct parser *p, const struct token *t, const char *where)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

	token_show(&b, t);
	if (t->kind != TOKEN_ERROR)
		return parse_fail(p, TMPL_BAD, "unexpected %s in %s", buf_str(&b), where);
	if (p->action_line && p->action_line != t->line) {
		bool action = b.len >= 7 && !strcmp(buf_str(&b) + b.len - 7, " action");

		buf_addf(&b, "%s started at " TMPL_NAME ":%u", action ? "" : " in action",
			p->action_line);
	}
	return parse_fail(p, TMPL_BAD, "%s", buf_str(&b));
}

int parse_expect(struct parser *p, enum token_kind kind, const char *where, struct token *out)
{
	*out = word_next(p);
	return out->kind == kind ? 0 : parse_unexpected(p, out, where);
}
