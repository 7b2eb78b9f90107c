/* What stands in an action: operands, commands, pipelines. */
#include "template/internal.h"
#include "template/parse.h"

#include <stdio.h>
#include <string.h>

/* ---- terms ----------------------------------------------------------------------------------- */

static int use_variable(struct parser *p, const struct token *t, struct node **out)
{
	struct name name = {t->p, t->len};
	size_t i;

	for (i = p->vars_base; i < p->vars->len; i++)
		if (name_same(&p->vars->p[i], &name))
			break;
	if (i == p->vars->len && !(name.len == 1))
		return parse_fail(
			p, TMPL_BAD, "undefined variable \"%.*s\"", (int)name.len, name.s);
	*out = node_of_token(p, NODE_VARIABLE, t);
	return *out ? node_add_names(p, *out, t->p, t->len) : -1;
}

static int add_variable(struct parser *p, struct node *pipe, const struct token *t)
{
	struct name name = {t->p, t->len};

	if (p->vars->len >= LIMIT_TEMPLATE_TEXT)
		return parse_out_of_memory(p);
	pipe->decl[pipe->n_decl++] = name;
	*vec_add(p->vars) = name;
	return 0;
}

static int function_term(struct parser *p, const struct token *t, struct node **out)
{
	const struct fn *fn = fn_find(t->p, t->len);

	if (!fn) {
		auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

		quote_add(&b, t->p, t->len, false);
		return parse_fail(p, TMPL_BAD, "function %s not defined", buf_str(&b));
	}
	if (!fn->run)
		return parse_fail(p, TMPL_NOT_BUILT, "function \"%s\" is not built here", fn->name);
	*out = node_of_token(p, NODE_IDENT, t);
	if (!*out)
		return -1;
	(*out)->fn = fn;
	return 0;
}

static int paren_term(struct parser *p, struct node **out)
{
	int rc;

	if (p->depth >= LIMIT_TEMPLATE_DEPTH)
		return parse_fail(p, TMPL_LIMIT, "max expression depth exceeded");
	p->depth++;
	rc = parse_pipeline(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN, out);
	p->depth--;
	return rc;
}

/* *out is NULL: what comes is no term. */
static int term(struct parser *p, struct node **out)
{
	struct token t = word_next(p);

	*out = NULL;
	switch (t.kind) {
	case TOKEN_IDENT:
		return function_term(p, &t, out);
	case TOKEN_DOT:
		*out = node_of_token(p, NODE_DOT, &t);
		break;
	case TOKEN_NIL:
		*out = node_of_token(p, NODE_NIL, &t);
		break;
	case TOKEN_VARIABLE:
		return use_variable(p, &t, out);
	case TOKEN_FIELD:
		*out = node_of_token(p, NODE_FIELD, &t);
		return *out ? node_add_names(p, *out, t.p, t.len) : -1;
	case TOKEN_BOOL:
		*out = node_of_token(p, NODE_BOOL, &t);
		if (!*out)
			return -1;
		(*out)->val = value_bool(&p->tmpl->pool, t.p[0] == 't');
		return (*out)->val ? 0 : parse_out_of_memory(p);
	case TOKEN_CHARACTER:
	case TOKEN_COMPLEX:
	case TOKEN_NUMBER:
		*out = node_of_token(p, NODE_NUMBER, &t);
		return *out ? parse_number(p, *out, t.kind) : -1;
	case TOKEN_LEFT_PAREN:
		return paren_term(p, out);
	case TOKEN_STRING:
	case TOKEN_RAW_STRING:
		return parse_string(p, &t, out);
	default:
		token_back(p);
		return 0;
	}
	return *out ? 0 : -1;
}

static int refuse_fields(struct parser *p, const struct node *n)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_TEMPLATE_TEXT), quoted = BUF_INIT(ERR_MSG_MAX);

	node_show(&shown, n);
	quote_add(&quoted, buf_str(&shown), shown.len, false);
	return parse_fail(p, TMPL_BAD, "unexpected . after term %s", buf_str(&quoted));
}

/* A term and the fields behind it. */
static int operand(struct parser *p, struct node **out)
{
	struct node *n, *chain;
	uint32_t pos;

	if (term(p, out))
		return -1;
	n = *out;
	if (!n || token_peek(p)->kind != TOKEN_FIELD)
		return 0;
	pos = token_peek(p)->pos;
	if (n->kind == NODE_FIELD || n->kind == NODE_VARIABLE) {
		n->pos = pos;
		chain = n;
	} else {
		chain = node_new(p, NODE_CHAIN, pos);
		if (!chain)
			return -1;
		node_add_kid(chain, n);
	}
	while (token_peek(p)->kind == TOKEN_FIELD) {
		const struct token *t = token_next(p);

		if (node_add_names(p, chain, t->p, t->len))
			return -1;
	}
	if (n->kind == NODE_BOOL || n->kind == NODE_STRING || n->kind == NODE_NUMBER ||
		n->kind == NODE_NIL || n->kind == NODE_DOT)
		return refuse_fields(p, n);
	*out = chain;
	return 0;
}

/* ---- pipelines ------------------------------------------------------------------------------- */

static int command(struct parser *p, struct node **out)
{
	struct node *cmd = node_new(p, NODE_COMMAND, word_peek(p).pos), *arg;
	struct token t;

	if (!cmd)
		return -1;
	do {
		word_peek(p);
		if (operand(p, &arg))
			return -1;
		if (arg)
			node_add_kid(cmd, arg);
		t = *token_next(p);
	} while (t.kind == TOKEN_SPACE);
	if (t.kind == TOKEN_RIGHT || t.kind == TOKEN_RIGHT_PAREN)
		token_back(p);
	else if (t.kind != TOKEN_PIPE)
		return parse_unexpected(p, &t, "operand");
	if (!cmd->kids)
		return parse_fail(p, TMPL_BAD, "empty command");
	*out = cmd;
	return 0;
}

static bool is_command_start(enum token_kind kind)
{
	switch (kind) {
	case TOKEN_BOOL:
	case TOKEN_CHARACTER:
	case TOKEN_COMPLEX:
	case TOKEN_DOT:
	case TOKEN_FIELD:
	case TOKEN_IDENT:
	case TOKEN_NUMBER:
	case TOKEN_NIL:
	case TOKEN_RAW_STRING:
	case TOKEN_STRING:
	case TOKEN_VARIABLE:
	case TOKEN_LEFT_PAREN:
		return true;
	default:
		return false;
	}
}

static int check_pipeline(struct parser *p, const struct node *pipe, const char *where)
{
	const struct node *cmd;
	unsigned stage = 1;

	if (!pipe->kids)
		return parse_fail(p, TMPL_BAD, "missing value for %s", where);
	for (cmd = pipe->kids->next; cmd; cmd = cmd->next) {
		stage++;
		switch (cmd->kids->kind) {
		case NODE_BOOL:
		case NODE_DOT:
		case NODE_NIL:
		case NODE_NUMBER:
		case NODE_STRING:
			return parse_fail(
				p, TMPL_BAD, "non executable command in pipeline stage %u", stage);
		default:
			break;
		}
	}
	return 0;
}

/* `$x :=`, `$x =`, `$k, $v :=`. 1: there is another one to read. */
static int declaration(struct parser *p, struct node *pipe, const char *where)
{
	struct token v = word_peek(p), after, word;

	if (v.kind != TOKEN_VARIABLE)
		return 0;
	word_next(p);
	after = *token_peek(p);
	word = word_peek(p);
	if (word.kind == TOKEN_ASSIGN || word.kind == TOKEN_DECLARE) {
		pipe->assign = word.kind == TOKEN_ASSIGN;
		word_next(p);
		return add_variable(p, pipe, &v);
	}
	if (word.kind == TOKEN_CHAR && word.len == 1 && word.p[0] == ',') {
		word_next(p);
		if (add_variable(p, pipe, &v))
			return -1;
		if (strcmp(where, "range") || pipe->n_decl >= 2)
			return parse_fail(p, TMPL_BAD, "too many declarations in %s", where);
		word = word_peek(p);
		if (word.kind != TOKEN_VARIABLE && word.kind != TOKEN_RIGHT &&
			word.kind != TOKEN_RIGHT_PAREN)
			return parse_fail(p, TMPL_BAD, "range can only initialize variables");
		return 1;
	}
	/* Push back the variable, and the blank behind it. */
	if (after.kind == TOKEN_SPACE) {
		p->token[1] = after;
		p->token[2] = v;
		p->peeked = 3;
	} else {
		p->token[1] = v;
		p->peeked = 2;
	}
	return 0;
}

int parse_pipeline(struct parser *p, const char *where, enum token_kind end, struct node **out)
{
	struct node *pipe = node_new(p, NODE_PIPE, word_peek(p).pos), *cmd = NULL;
	struct token t;
	int rc;

	if (!pipe)
		return -1;
	do {
		rc = declaration(p, pipe, where);
		if (rc < 0)
			return -1;
	} while (rc);
	for (;;) {
		t = word_next(p);
		if (t.kind == end)
			break;
		if (!is_command_start(t.kind))
			return parse_unexpected(p, &t, where);
		token_back(p);
		if (command(p, &cmd))
			return -1;
		node_add_kid(pipe, cmd);
	}
	*out = pipe;
	return check_pipeline(p, pipe, where);
}
