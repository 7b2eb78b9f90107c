/* The parser's state and what its files share: parse.c, pipeline.c, node.c, literal.c, ahead.c and
   refuse.c, each of which only calls those behind it. */
#ifndef TEMPLATE_PARSE_H
#define TEMPLATE_PARSE_H
#include "base/vec.h"
#include "template/internal.h"

struct parser_vars {
	struct name *p;
	size_t len, cap;
};

struct parser {
	struct tmpl *tmpl;
	struct lexer *lexer;
	struct token token[3]; /* read, and pushed back */
	unsigned peeked;
	unsigned action_line; /* of the action that is read; 0: none */
	unsigned depth, ranges;
	struct parser_vars *vars; /* declared so far, of all templates around */
	size_t vars_base; /* those of this one begin here */
	struct err *err;
};

/* refuse.c. -1: the line is that of the last token. */
int parse_fail(struct parser *p, enum tmpl_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int parse_out_of_memory(struct parser *p);
/* ahead.c. The next token; back: as if it had not been read; word: the next that is no space. */
const struct token *token_next(struct parser *p);
void token_back(struct parser *p);
const struct token *token_peek(struct parser *p);
struct token word_next(struct parser *p);
struct token word_peek(struct parser *p);
/* -1: "unexpected TOKEN in WHERE". */
int parse_unexpected(struct parser *p, const struct token *t, const char *where);
int parse_expect(struct parser *p, enum token_kind kind, const char *where, struct token *out);
/* node.c. NULL: out of memory, and p->err is filled. */
struct node *node_new(struct parser *p, enum node_kind kind, uint32_t pos);
struct node *node_of_token(struct parser *p, enum node_kind kind, const struct token *t);
void node_add_kid(struct node *parent, struct node *kid);
int node_add_names(struct parser *p, struct node *n, const char *s, size_t len);
bool name_same(const struct name *a, const struct name *b);
/* pipeline.c. Up to a token `end`. */
int parse_pipeline(struct parser *p, const char *where, enum token_kind end, struct node **out);
/* literal.c. A number or a character: n->val, or what keeps it from being one. */
int parse_number(struct parser *p, struct node *n, enum token_kind kind);
int parse_string(struct parser *p, const struct token *t, struct node **out);

#endif
