/* The parser's state, for parse.c, literal.c and refuse.c alone. */
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
/* literal.c. A number or a character: n->val, or what keeps it from being one. */
int parse_number(struct parser *p, struct node *n, enum token_kind kind);

#endif
