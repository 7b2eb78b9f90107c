/*
 * The grammar of CEL (cel-spec: doc/langdef.md, "Syntax") by recursive descent. A member of the
 * chain x.f(y)[z] and a ternary take one level of LIMIT_CEL_DEPTH each; && and || have any number
 * of terms in one node.
 */
#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "text/cel_internal.h"

#include <errno.h>
#include <string.h>

struct parser {
	struct cel_lexer lex;
	struct cel_token tok; /* the next one */
	struct cel_tree *tree;
	struct err *err;
	unsigned depth;
};

/* Both as VEC has it. */
struct node_list {
	struct cel_node **p;
	size_t len, cap;
};
struct flag_list {
	bool *p;
	size_t len, cap;
};

static int parse_expr(struct parser *p, struct cel_node **out);

static int parser_next(struct parser *p)
{
	return cel_lex(&p->lex, &p->tok, p->err);
}

static bool parser_at(const struct parser *p, const char *punct)
{
	return p->tok.kind == CEL_T_PUNCT && p->tok.len == strlen(punct) &&
		!memcmp(p->tok.p, punct, p->tok.len);
}

/* 1: it was there and is taken; 0; -1. */
static int parser_take(struct parser *p, const char *punct)
{
	if (!parser_at(p, punct))
		return 0;
	return parser_next(p) ? -1 : 1;
}

static int parser_unexpected(struct parser *p)
{
	if (p->tok.kind == CEL_T_END)
		return cel_refuse(p->err, p->tok.pos, "the expression ends too early");
	if (p->tok.kind == CEL_T_STRING || p->tok.kind == CEL_T_BYTES)
		return cel_refuse(p->err, p->tok.pos, "unexpected string");
	return cel_refuse(p->err, p->tok.pos, "unexpected '%.*s'",
		(int)(p->tok.len < 40 ? p->tok.len : 40), p->tok.p);
}

static int parser_want(struct parser *p, const char *punct)
{
	int rc = parser_take(p, punct);

	return rc < 0 ? -1 : rc ? 0 : parser_unexpected(p);
}

static int parser_deeper(struct parser *p)
{
	if (++p->depth > LIMIT_CEL_DEPTH)
		return cel_refuse(
			p->err, p->tok.pos, "nested more than %d levels deep", LIMIT_CEL_DEPTH);
	return 0;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static struct cel_node *node_new(
	struct parser *p, enum cel_op op, uint32_t pos, size_t n, struct cel_node *const *kids)
{
	struct cel_node *node = cel_pool_alloc(&p->tree->pool, sizeof(*node));
	size_t i;

	if (node && n)
		node->kids = cel_pool_dup(&p->tree->pool, kids, n * sizeof(*kids));
	if (!node || (n && !node->kids)) {
		cel_refuse(p->err, pos, "the expression is too large");
		return NULL;
	}
	node->op = op;
	node->pos = pos;
	node->n = n;
	for (i = 0; i < n; i++)
		if (node->depth < kids[i]->depth)
			node->depth = kids[i]->depth;
	if (++node->depth > LIMIT_CEL_DEPTH) {
		cel_refuse(p->err, pos, "nested more than %d levels deep", LIMIT_CEL_DEPTH);
		return NULL;
	}
	return node;
}

static struct cel_node *node_named(struct parser *p, enum cel_op op, const struct cel_token *name,
	size_t n, struct cel_node *const *kids)
{
	struct cel_node *node = node_new(p, op, name->pos, n, kids);

	if (node) {
		node->name = name->p;
		node->name_len = name->len;
	}
	return node;
}

/* An operator: a call of the function of that name. */
static struct cel_node *node_operator(
	struct parser *p, const char *name, uint32_t pos, size_t n, struct cel_node *const *kids)
{
	struct cel_node *node = node_new(p, CEL_CALL, pos, n, kids);

	if (node) {
		node->name = name;
		node->name_len = strlen(name);
	}
	return node;
}

/* ---- literals -------------------------------------------------------------------------------- */

/* Decimal or 0x; false: more than 64 bits. */
static bool read_digits(const struct cel_token *t, uint64_t *out)
{
	unsigned base = t->len > 2 && t->p[1] == 'x' ? 16 : 10;
	size_t i;

	*out = 0;
	for (i = base == 16 ? 2 : 0; i < t->len; i++) {
		if (__builtin_mul_overflow(*out, base, out) ||
			__builtin_add_overflow(*out, (unsigned)ascii_hex_value(t->p[i]), out))
			return false;
	}
	return true;
}

static bool read_int(const struct cel_token *t, bool minus, int64_t *out)
{
	uint64_t u;

	if (!read_digits(t, &u) || u > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

static bool read_literal(const struct cel_token *t, bool minus, struct cel_val *v)
{
	switch (t->kind) {
	case CEL_T_INT:
		v->kind = CEL_INT;
		return read_int(t, minus, &v->i);
	case CEL_T_UINT:
		v->kind = CEL_UINT;
		return read_digits(t, &v->u);
	case CEL_T_FLOAT:
		v->kind = CEL_DOUBLE;
		if (!cel_double_parse(t->p, t->len, &v->d))
			return false;
		v->d = minus ? -v->d : v->d;
		return true;
	case CEL_T_STRING:
	case CEL_T_BYTES:
		v->kind = t->kind == CEL_T_STRING ? CEL_STRING : CEL_BYTES;
		v->s = t->p;
		v->len = t->len;
		return true;
	case CEL_T_TRUE:
	case CEL_T_FALSE:
		v->kind = CEL_BOOL;
		v->b = t->kind == CEL_T_TRUE;
		return true;
	default:
		v->kind = CEL_NULL;
		return true;
	}
}

static int parse_literal(struct parser *p, bool minus, struct cel_node **out)
{
	struct cel_node *n = node_new(p, CEL_LITERAL, p->tok.pos, 0, NULL);

	if (!n)
		return -1;
	if (!read_literal(&p->tok, minus, &n->val))
		return cel_refuse(p->err, p->tok.pos, "the number '%s%.*s' is out of range",
			minus ? "-" : "", (int)(p->tok.len < 40 ? p->tok.len : 40), p->tok.p);
	*out = n;
	return parser_next(p);
}

/* ---- lists and maps -------------------------------------------------------------------------- */

/* What is between ( and ); the ( is taken. */
static int parse_args(struct parser *p, struct node_list *args)
{
	struct cel_node *n;
	int rc;

	rc = parser_take(p, ")");
	if (rc)
		return rc < 0 ? -1 : 0;
	do {
		if (parse_expr(p, &n))
			return -1;
		*vec_add(args) = n;
		rc = parser_take(p, ",");
	} while (rc > 0);
	return rc < 0 ? -1 : parser_want(p, ")");
}

/* Items of a list, or entries of a map, up to its end; a last comma is fine. */
static int parse_items(struct parser *p, const char *end, bool pairs, struct node_list *items,
	struct flag_list *optional)
{
	struct cel_node *n;
	int rc;

	for (;;) {
		if (parser_at(p, end) || (!items->len && parser_at(p, ",")))
			break;
		rc = parser_take(p, "?");
		if (rc < 0 || parse_expr(p, &n))
			return -1;
		*vec_add(items) = n;
		*vec_add(optional) = rc;
		if (pairs) {
			if (parser_want(p, ":") || parse_expr(p, &n))
				return -1;
			*vec_add(items) = n;
		}
		if (!parser_at(p, ","))
			break;
		if (parser_next(p))
			return -1;
		if (parser_at(p, end))
			break;
	}
	if (!items->len && parser_take(p, ",") < 0)
		return -1;
	return parser_want(p, end);
}

static int parse_list(struct parser *p, bool map, struct cel_node **out)
{
	uint32_t pos = p->tok.pos;
	struct node_list items = {0};
	struct flag_list optional = {0};
	struct cel_node *n = NULL;

	if (!parser_deeper(p) && !parser_next(p) &&
		!parse_items(p, map ? "}" : "]", map, &items, &optional))
		n = node_new(p, map ? CEL_NEW_MAP : CEL_NEW_LIST, pos, items.len, items.p);
	if (n) {
		n->optional = cel_pool_dup(&p->tree->pool, optional.p, optional.len);
		if (!n->optional) {
			cel_refuse(p->err, pos, "the expression is too large");
			n = NULL;
		}
	}
	p->depth--;
	vec_clear(&items);
	vec_clear(&optional);
	*out = n;
	return n ? 0 : -1;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool token_is(const struct cel_token *t, const char *word)
{
	return t->len == strlen(word) && !memcmp(t->p, word, t->len);
}

/* Words that may be a field's name and nothing else. */
static bool is_reserved(const struct cel_token *t)
{
	static const char *const words[] = {"as", "break", "const", "continue", "else", "for",
		"function", "if", "import", "let", "loop", "package", "namespace", "return", "var",
		"void", "while"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (token_is(t, words[i]))
			return true;
	return false;
}

static const struct macro {
	const char *name;
	size_t args;
	enum cel_op op;
} macros[] = {{"all", 2, CEL_ALL}, {"exists", 2, CEL_EXISTS}, {"exists_one", 2, CEL_EXISTS_ONE},
	{"map", 2, CEL_MAP_TO}, {"map", 3, CEL_MAP_TO}, {"filter", 2, CEL_FILTER}};

static const struct macro *find_macro(const struct cel_token *name, size_t args)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(macros); i++)
		if (token_is(name, macros[i].name) && args == macros[i].args)
			return &macros[i];
	return NULL;
}

/* args: the range, the variable, then one or two expressions. */
static int make_macro(struct parser *p, const struct macro *m, const struct cel_token *name,
	struct node_list *args, struct cel_node **out)
{
	const struct cel_node *var = args->p[1];
	struct cel_node *kids[3] = {args->p[0], args->p[args->len - 1], args->p[2]};

	if (var->op != CEL_IDENT || var->absolute)
		return cel_refuse(p->err, var->pos,
			"the first argument of '%s' must be the name of a variable", m->name);
	if (var->name_len == 10 && !memcmp(var->name, "__result__", 10))
		return cel_refuse(p->err, var->pos, "a variable may not be named '__result__'");
	*out = node_new(p, m->op, name->pos, args->len - 1, kids);
	if (!*out)
		return -1;
	(*out)->name = var->name;
	(*out)->name_len = var->name_len;
	return 0;
}

static int make_has(struct parser *p, const struct cel_token *name, struct node_list *args,
	struct cel_node **out)
{
	struct cel_node *of = args->p[0];

	if (of->op != CEL_SELECT)
		return cel_refuse(
			p->err, name->pos, "the argument of 'has' must be a field: x.name");
	*out = node_new(p, CEL_HAS, name->pos, 1, of->kids);
	if (!*out)
		return -1;
	(*out)->name = of->name;
	(*out)->name_len = of->name_len;
	return 0;
}

/* The ( is the next token. Of x.f(y), args holds x already. */
static int parse_call(struct parser *p, const struct cel_token *name, bool member,
	struct node_list *args, struct cel_node **out)
{
	const struct macro *m;

	if (parser_deeper(p) || parser_next(p) || parse_args(p, args))
		return -1;
	p->depth--;
	m = member ? find_macro(name, args->len - 1) : NULL;
	if (m)
		return make_macro(p, m, name, args, out);
	if (!member && args->len == 1 && token_is(name, "has"))
		return make_has(p, name, args, out);
	*out = node_named(p, CEL_CALL, name, args->len, args->p);
	if (!*out)
		return -1;
	(*out)->member = member;
	return 0;
}

static int parse_name(struct parser *p, bool absolute, struct cel_node **out)
{
	struct cel_token name = p->tok;
	struct node_list args = {0};
	int rc;

	if (is_reserved(&name))
		return cel_refuse(
			p->err, name.pos, "the word '%.*s' is reserved", (int)name.len, name.p);
	if (parser_next(p))
		return -1;
	if (parser_at(p, "(")) {
		rc = parse_call(p, &name, false, &args, out);
		vec_clear(&args);
	} else {
		*out = node_named(p, CEL_IDENT, &name, 0, NULL);
		rc = *out ? 0 : -1;
	}
	if (!rc)
		(*out)->absolute = absolute;
	return rc;
}

static int parse_primary(struct parser *p, struct cel_node **out)
{
	int rc;

	if (parser_at(p, "[") || parser_at(p, "{"))
		return parse_list(p, parser_at(p, "{"), out);
	if (parser_at(p, "(")) {
		rc = parser_deeper(p) || parser_next(p) || parse_expr(p, out) ||
			parser_want(p, ")");
		p->depth--;
		return rc ? -1 : 0;
	}
	rc = parser_take(p, ".");
	if (rc < 0)
		return -1;
	if (p->tok.kind == CEL_T_NAME)
		return parse_name(p, rc, out);
	if (rc || p->tok.kind == CEL_T_PUNCT || p->tok.kind == CEL_T_END)
		return parser_unexpected(p);
	return parse_literal(p, false, out);
}

/* ---- x.name, x.?name, x.f(y), x[y], x[?y] ---------------------------------------------------- */

/* The . is taken. */
static int parse_field(struct parser *p, struct cel_node **n)
{
	int optional = parser_take(p, "?"), rc;
	struct cel_token name = p->tok;
	struct node_list args = {0};

	if (optional < 0)
		return -1;
	if (name.kind != CEL_T_NAME)
		return parser_unexpected(p);
	if (parser_next(p))
		return -1;
	if (parser_at(p, "(") && !optional) {
		*vec_add(&args) = *n;
		rc = parse_call(p, &name, true, &args, n);
		vec_clear(&args);
		return rc;
	}
	*n = node_named(p, optional ? CEL_OPT_SELECT : CEL_SELECT, &name, 1, n);
	return *n ? 0 : -1;
}

/* The [ is taken. */
static int parse_index(struct parser *p, uint32_t pos, struct cel_node **n)
{
	struct cel_node *kids[2] = {*n, NULL};
	int optional = parser_take(p, "?"), rc;

	rc = optional < 0 || parser_deeper(p) || parse_expr(p, &kids[1]) || parser_want(p, "]");
	if (rc)
		return -1;
	p->depth--;
	*n = node_operator(p, optional ? "_[?_]" : "_[_]", pos, 2, kids);
	if (!*n)
		return -1;
	(*n)->op = optional ? CEL_OPT_INDEX : CEL_INDEX;
	return 0;
}

/* What follows a primary expression. */
static int parse_chain(struct parser *p, struct cel_node **n)
{
	for (;;) {
		uint32_t pos = p->tok.pos;
		int rc = parser_take(p, ".");

		if (rc < 0)
			return -1;
		if (rc) {
			if (parse_field(p, n))
				return -1;
			continue;
		}
		rc = parser_take(p, "[");
		if (rc < 0)
			return -1;
		if (!rc)
			break;
		if (parse_index(p, pos, n))
			return -1;
	}
	if (parser_at(p, "{") && ((*n)->op == CEL_IDENT || (*n)->op == CEL_SELECT))
		return cel_refuse(p->err, p->tok.pos, "messages ('%.*s{...}') are not supported",
			(int)((*n)->name_len < 40 ? (*n)->name_len : 40), (*n)->name);
	return 0;
}

static int parse_member(struct parser *p, struct cel_node **n)
{
	return parse_primary(p, n) ? -1 : parse_chain(p, n);
}

/* ---- operators ------------------------------------------------------------------------------- */

static bool parser_at_number(const struct parser *p)
{
	return p->tok.kind == CEL_T_INT || p->tok.kind == CEL_T_FLOAT;
}

/* What ! stands before: -1 is a literal there. */
static int parse_negated(struct parser *p, struct cel_node **n)
{
	int minus = parser_take(p, "-");

	if (minus <= 0)
		return minus ? -1 : parse_member(p, n);
	if (!parser_at_number(p))
		return parser_unexpected(p);
	return parse_literal(p, true, n) ? -1 : parse_chain(p, n);
}

/* Two of them cancel out, and are not there then: !!x is x, of whatever type. */
static int parse_unary(struct parser *p, struct cel_node **n)
{
	bool minus = parser_at(p, "-");
	uint32_t pos = p->tok.pos;
	size_t count;

	if (!minus && !parser_at(p, "!"))
		return parse_member(p, n);
	for (count = 0; parser_at(p, minus ? "-" : "!"); count++)
		if (parser_next(p))
			return -1;
	if (minus && count == 1 && parser_at_number(p))
		return parse_literal(p, true, n) ? -1 : parse_chain(p, n);
	if (minus ? parse_member(p, n) : parse_negated(p, n))
		return -1;
	if (count % 2)
		*n = node_operator(p, minus ? "-_" : "!_", pos, 1, n);
	return *n ? 0 : -1;
}

static const struct operator
{
	const char *text, *name;
}
factors[] = {{"*", "_*_"}, {"/", "_/_"}, {"%", "_%_"}, {NULL}},
	terms[] = {{"+", "_+_"}, {"-", "_-_"}, {NULL}},
	relations[] = {{"<", "_<_"}, {"<=", "_<=_"}, {">=", "_>=_"}, {">", "_>_"}, {"==", "_==_"},
		{"!=", "_!=_"}, {"in", "@in"}, {NULL}};

/* Operators of one rank, from left to right, over what `below` parses. */
static int parse_binary(struct parser *p, const struct operator* ops,
	int (*below)(struct parser *p, struct cel_node **out), struct cel_node **out)
{
	const struct operator* op;
	struct cel_node *kids[2];

	if (below(p, &kids[0]))
		return -1;
	for (;;) {
		uint32_t pos = p->tok.pos;

		for (op = ops; op->text && !parser_at(p, op->text); op++)
			;
		if (!op->text)
			break;
		if (parser_next(p) || below(p, &kids[1]))
			return -1;
		kids[0] = node_operator(p, op->name, pos, 2, kids);
		if (!kids[0])
			return -1;
	}
	*out = kids[0];
	return 0;
}

static int parse_factors(struct parser *p, struct cel_node **out)
{
	return parse_binary(p, factors, parse_unary, out);
}

static int parse_terms(struct parser *p, struct cel_node **out)
{
	return parse_binary(p, terms, parse_factors, out);
}

static int parse_relation(struct parser *p, struct cel_node **out)
{
	return parse_binary(p, relations, parse_terms, out);
}

/* a && b && c is one node. */
static int parse_logic(struct parser *p, const char *text, enum cel_op op,
	int (*below)(struct parser *p, struct cel_node **out), struct cel_node **out)
{
	uint32_t pos = p->tok.pos;
	struct node_list kids = {0};
	struct cel_node *n;
	int rc;

	do {
		rc = below(p, &n) ? -1 : 0;
		if (!rc) {
			*vec_add(&kids) = n;
			rc = parser_take(p, text);
		}
	} while (rc > 0);
	if (!rc && kids.len > 1)
		n = node_new(p, op, pos, kids.len, kids.p);
	vec_clear(&kids);
	if (rc || !n)
		return -1;
	*out = n;
	return 0;
}

static int parse_and(struct parser *p, struct cel_node **out)
{
	return parse_logic(p, "&&", CEL_AND, parse_relation, out);
}

static int parse_or(struct parser *p, struct cel_node **out)
{
	return parse_logic(p, "||", CEL_OR, parse_and, out);
}

static int parse_expr(struct parser *p, struct cel_node **out)
{
	struct cel_node *kids[3] = {0};
	uint32_t pos;
	int rc;

	if (parse_or(p, &kids[0]))
		return -1;
	*out = kids[0];
	pos = p->tok.pos;
	rc = parser_take(p, "?");
	if (rc <= 0)
		return rc;
	if (parser_deeper(p) || parse_or(p, &kids[1]) || parser_want(p, ":") ||
		parse_expr(p, &kids[2]))
		return -1;
	p->depth--;
	*out = node_operator(p, "_?_:_", pos, 3, kids);
	if (!*out)
		return -1;
	(*out)->op = CEL_COND;
	return 0;
}

int cel_parse(struct cel_tree *t, const char *text, size_t len, struct err *err)
{
	struct parser p = {
		.lex = {.text = text, .len = len, .pool = &t->pool}, .tree = t, .err = err};

	if (parser_next(&p) || parse_expr(&p, &t->root))
		return -1;
	return p.tok.kind == CEL_T_END ? 0 : parser_unexpected(&p);
}
