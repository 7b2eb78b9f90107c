/*
 * Tokens into trees, as text/template/parse/parse.go does it: the same look ahead, because the
 * line of an error is that of the token which was read last.
 */
#include "template/parse.h"
#include "base/mem.h"
#include "template/internal.h"

#include <stdio.h>
#include <string.h>

/* ---- tokens and errors ----------------------------------------------------------------------- */

static const struct token *next(struct parser *p)
{
	if (p->peeked)
		p->peeked--;
	else
		p->token[0] = lexer_next(p->lexer);
	return &p->token[p->peeked];
}

static void back(struct parser *p)
{
	p->peeked++;
}

static const struct token *peek(struct parser *p)
{
	if (!p->peeked) {
		p->token[0] = lexer_next(p->lexer);
		p->peeked = 1;
	}
	return &p->token[p->peeked - 1];
}

static struct token next_word(struct parser *p)
{
	const struct token *t;

	do
		t = next(p);
	while (t->kind == TOKEN_SPACE);
	return *t;
}

static struct token peek_word(struct parser *p)
{
	struct token t = next_word(p);

	back(p);
	return t;
}

static void show_token(struct buf *b, const struct token *t)
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

static int unexpected(struct parser *p, const struct token *t, const char *where)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

	show_token(&b, t);
	if (t->kind != TOKEN_ERROR)
		return parse_fail(p, TMPL_BAD, "unexpected %s in %s", buf_str(&b), where);
	if (p->action_line && p->action_line != t->line) {
		bool action = b.len >= 7 && !strcmp(buf_str(&b) + b.len - 7, " action");

		buf_addf(&b, "%s started at " TMPL_NAME ":%u", action ? "" : " in action",
			p->action_line);
	}
	return parse_fail(p, TMPL_BAD, "%s", buf_str(&b));
}

static int expect(struct parser *p, enum token_kind kind, const char *where, struct token *out)
{
	*out = next_word(p);
	return out->kind == kind ? 0 : unexpected(p, out, where);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static struct node *node_new(struct parser *p, enum node_kind kind, uint32_t pos)
{
	struct node *n = value_alloc(&p->tmpl->pool, sizeof(*n));

	if (!n) {
		parse_out_of_memory(p);
		return NULL;
	}
	n->kind = kind;
	n->pos = pos;
	return n;
}

static struct node *node_of_token(struct parser *p, enum node_kind kind, const struct token *t)
{
	struct node *n = node_new(p, kind, t->pos);

	if (n) {
		n->text = t->p;
		n->len = t->len;
	}
	return n;
}

static void add_kid(struct node *parent, struct node *kid)
{
	if (parent->last)
		parent->last->next = kid;
	else
		parent->kids = kid;
	parent->last = kid;
	parent->n_kids++;
}

/* `.a.b` and `$x.a.b`: the names between the dots; of a variable, the first with its $. */
static int add_names(struct parser *p, struct node *n, const char *s, size_t len)
{
	const char *end = s + len, *dot;
	size_t count = n->n_names + 1, i;
	struct name *names;

	if (s < end && *s == '.')
		s++;
	for (i = 0; s + i < end; i++)
		count += s[i] == '.';
	names = value_alloc(&p->tmpl->pool, count * sizeof(*names));
	if (!names)
		return parse_out_of_memory(p);
	if (n->n_names)
		memcpy(names, n->names, n->n_names * sizeof(*names));
	n->names = names;
	for (;;) {
		dot = memchr(s, '.', (size_t)(end - s));
		names[n->n_names++] = (struct name){s, (size_t)((dot ? dot : end) - s)};
		if (!dot)
			return 0;
		s = dot + 1;
	}
}

static bool same_name(const struct name *a, const struct name *b)
{
	return a->len == b->len && !memcmp(a->s, b->s, a->len);
}

/* ---- terms ----------------------------------------------------------------------------------- */

static int use_variable(struct parser *p, const struct token *t, struct node **out)
{
	struct name name = {t->p, t->len};
	size_t i;

	for (i = p->vars_base; i < p->vars->len; i++)
		if (same_name(&p->vars->p[i], &name))
			break;
	if (i == p->vars->len && !(name.len == 1))
		return parse_fail(
			p, TMPL_BAD, "undefined variable \"%.*s\"", (int)name.len, name.s);
	*out = node_of_token(p, NODE_VARIABLE, t);
	return *out ? add_names(p, *out, t->p, t->len) : -1;
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

static int string_term(struct parser *p, const struct token *t, struct node **out)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_TEMPLATE_TEXT);

	if (!unquote(&b, t->p, t->len))
		return parse_fail(p, TMPL_BAD, "invalid syntax");
	*out = node_of_token(p, NODE_STRING, t);
	if (!*out)
		return -1;
	(*out)->val = value_from_buf(&p->tmpl->pool, &b);
	return (*out)->val ? 0 : parse_out_of_memory(p);
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

static int pipeline(struct parser *p, const char *where, enum token_kind end, struct node **out);

static int paren_term(struct parser *p, struct node **out)
{
	int rc;

	if (p->depth >= LIMIT_TEMPLATE_DEPTH)
		return parse_fail(p, TMPL_LIMIT, "max expression depth exceeded");
	p->depth++;
	rc = pipeline(p, "parenthesized pipeline", TOKEN_RIGHT_PAREN, out);
	p->depth--;
	return rc;
}

/* *out is NULL: what comes is no term. */
static int term(struct parser *p, struct node **out)
{
	struct token t = next_word(p);

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
		return *out ? add_names(p, *out, t.p, t.len) : -1;
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
		return string_term(p, &t, out);
	default:
		back(p);
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
	if (!n || peek(p)->kind != TOKEN_FIELD)
		return 0;
	pos = peek(p)->pos;
	if (n->kind == NODE_FIELD || n->kind == NODE_VARIABLE) {
		n->pos = pos;
		chain = n;
	} else {
		chain = node_new(p, NODE_CHAIN, pos);
		if (!chain)
			return -1;
		add_kid(chain, n);
	}
	while (peek(p)->kind == TOKEN_FIELD) {
		const struct token *t = next(p);

		if (add_names(p, chain, t->p, t->len))
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
	struct node *cmd = node_new(p, NODE_COMMAND, peek_word(p).pos), *arg;
	struct token t;

	if (!cmd)
		return -1;
	do {
		peek_word(p);
		if (operand(p, &arg))
			return -1;
		if (arg)
			add_kid(cmd, arg);
		t = *next(p);
	} while (t.kind == TOKEN_SPACE);
	if (t.kind == TOKEN_RIGHT || t.kind == TOKEN_RIGHT_PAREN)
		back(p);
	else if (t.kind != TOKEN_PIPE)
		return unexpected(p, &t, "operand");
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
	struct token v = peek_word(p), after, word;

	if (v.kind != TOKEN_VARIABLE)
		return 0;
	next_word(p);
	after = *peek(p);
	word = peek_word(p);
	if (word.kind == TOKEN_ASSIGN || word.kind == TOKEN_DECLARE) {
		pipe->assign = word.kind == TOKEN_ASSIGN;
		next_word(p);
		return add_variable(p, pipe, &v);
	}
	if (word.kind == TOKEN_CHAR && word.len == 1 && word.p[0] == ',') {
		next_word(p);
		if (add_variable(p, pipe, &v))
			return -1;
		if (strcmp(where, "range") || pipe->n_decl >= 2)
			return parse_fail(p, TMPL_BAD, "too many declarations in %s", where);
		word = peek_word(p);
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

static int pipeline(struct parser *p, const char *where, enum token_kind end, struct node **out)
{
	struct node *pipe = node_new(p, NODE_PIPE, peek_word(p).pos), *cmd = NULL;
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
		t = next_word(p);
		if (t.kind == end)
			break;
		if (!is_command_start(t.kind))
			return unexpected(p, &t, where);
		back(p);
		if (command(p, &cmd))
			return -1;
		add_kid(pipe, cmd);
	}
	*out = pipe;
	return check_pipeline(p, pipe, where);
}

/* ---- actions --------------------------------------------------------------------------------- */

static int item_list(struct parser *p, struct node **list, struct node **end);
static int text_or_action(struct parser *p, struct node **out);

/* Which of the two, when a list ends where it should not. */
static const char *end_shown(const struct node *n)
{
	return n->kind == NODE_END ? "{{end}}" : "{{else}}";
}

static int control(struct parser *p, enum node_kind kind, struct node **out);

static int else_part(struct parser *p, struct node *n, const struct node *found)
{
	enum token_kind again = n->kind == NODE_IF ? TOKEN_IF : TOKEN_WITH;
	struct node *inner, *end;

	if (n->kind != NODE_RANGE && peek(p)->kind == again) {
		next(p);
		n->other = node_new(p, NODE_LIST, found->pos);
		if (!n->other || control(p, n->kind, &inner))
			return -1;
		add_kid(n->other, inner);
		return 0;
	}
	if (item_list(p, &n->other, &end))
		return -1;
	if (end->kind != NODE_END)
		return parse_fail(p, TMPL_BAD, "expected end; found %s", end_shown(end));
	return 0;
}

static int control_parts(struct parser *p, enum node_kind kind, struct node *n)
{
	const char *where = kind == NODE_IF ? "if" : kind == NODE_WITH ? "with" : "range";
	struct node *end;

	if (pipeline(p, where, TOKEN_RIGHT, &n->pipe))
		return -1;
	n->pos = n->pipe->pos;
	p->ranges += kind == NODE_RANGE;
	if (item_list(p, &n->list, &end))
		return -1;
	p->ranges -= kind == NODE_RANGE;
	return end->kind == NODE_ELSE ? else_part(p, n, end) : 0;
}

static int control(struct parser *p, enum node_kind kind, struct node **out)
{
	size_t vars = p->vars->len;

	if (p->depth >= LIMIT_TEMPLATE_DEPTH)
		return parse_fail(p, TMPL_LIMIT, "nested deeper than %d", LIMIT_TEMPLATE_DEPTH);
	*out = node_new(p, kind, 0);
	p->depth++;
	if (!*out || control_parts(p, kind, *out))
		return -1;
	p->depth--;
	p->vars->len = vars;
	return 0;
}

static int jump(struct parser *p, enum node_kind kind, const struct token *word, struct node **out)
{
	const char *name = kind == NODE_BREAK ? "{{break}}" : "{{continue}}";
	struct token t = next_word(p);

	if (t.kind != TOKEN_RIGHT)
		return unexpected(p, &t, name);
	if (!p->ranges)
		return parse_fail(p, TMPL_BAD, "%s outside {{range}}", name);
	*out = node_of_token(p, kind, word);
	return *out ? 0 : -1;
}

static int else_action(struct parser *p, struct node **out)
{
	struct token t = peek_word(p);

	if (t.kind != TOKEN_IF && t.kind != TOKEN_WITH && expect(p, TOKEN_RIGHT, "else", &t))
		return -1;
	*out = node_of_token(p, NODE_ELSE, &t);
	return *out ? 0 : -1;
}

static int template_name(
	struct parser *p, const struct token *t, const char *where, struct name *out)
{
	struct node *n;

	if (t->kind != TOKEN_STRING && t->kind != TOKEN_RAW_STRING)
		return unexpected(p, t, where);
	if (string_term(p, t, &n))
		return -1;
	*out = (struct name){n->val->s, n->val->len};
	return 0;
}

/* ---- templates in the text ------------------------------------------------------------------- */

static bool is_empty(const struct node *n)
{
	const struct node *kid;
	size_t i, w;

	if (n->kind == NODE_TEXT) {
		for (i = 0; i < n->len; i += w)
			if (!rune_is_space(rune_at(n->text + i, n->len - i, &w)))
				return false;
		return true;
	}
	if (n->kind != NODE_LIST)
		return false;
	for (kid = n->kids; kid; kid = kid->next)
		if (!is_empty(kid))
			return false;
	return true;
}

static int add_tree(struct parser *p, const struct name *name, struct node *root)
{
	struct tree *t;

	for (t = p->tmpl->trees; t; t = t->next)
		if (same_name(&t->name, name))
			break;
	if (t) {
		auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

		if (is_empty(t->root)) {
			t->root = root;
			return 0;
		}
		quote_add(&b, name->s, name->len, false);
		return is_empty(root)
			? 0
			: parse_fail(p, TMPL_BAD, "template: multiple definition of template %s",
				  buf_str(&b));
	}
	t = value_alloc(&p->tmpl->pool, sizeof(*t));
	if (!t)
		return parse_out_of_memory(p);
	*t = (struct tree){*name, root, p->tmpl->trees};
	p->tmpl->trees = t;
	return 0;
}

/* A parser for a template in the text: it has variables of its own. */
static struct parser inner_parser(struct parser *p)
{
	return (struct parser){.tmpl = p->tmpl,
		.lexer = p->lexer,
		.vars = p->vars,
		.vars_base = p->vars->len,
		.depth = p->depth + 1,
		.err = p->err};
}

static int inner_list(
	struct parser *p, struct parser *outer, const char *where, const struct name *name)
{
	struct node *root, *end;

	if (p->depth >= LIMIT_TEMPLATE_DEPTH)
		return parse_fail(p, TMPL_LIMIT, "nested deeper than %d", LIMIT_TEMPLATE_DEPTH);
	if (item_list(p, &root, &end))
		return -1;
	if (end->kind != NODE_END)
		return parse_fail(strcmp(where, "block clause") ? p : outer, TMPL_BAD,
			"unexpected %s in %s", end_shown(end), where);
	outer->vars->len = p->vars_base;
	return add_tree(p, name, root);
}

static int define(struct parser *outer)
{
	struct parser p = inner_parser(outer);
	struct token t = next_word(&p), end;
	struct name name;

	if (template_name(&p, &t, "define clause", &name) ||
		expect(&p, TOKEN_RIGHT, "define clause", &end))
		return -1;
	return inner_list(&p, outer, "define clause", &name);
}

static int template_node(struct parser *p, const struct token *t, const struct name *name,
	struct node *pipe, struct node **out)
{
	*out = node_new(p, NODE_TEMPLATE, t->pos);
	if (!*out)
		return -1;
	(*out)->text = name->s;
	(*out)->len = name->len;
	(*out)->pipe = pipe;
	return 0;
}

static int block(struct parser *p, struct node **out)
{
	struct token t = next_word(p);
	struct parser inner;
	struct node *pipe;
	struct name name;

	if (template_name(p, &t, "block clause", &name) ||
		pipeline(p, "block clause", TOKEN_RIGHT, &pipe))
		return -1;
	inner = inner_parser(p);
	if (inner_list(&inner, p, "block clause", &name))
		return -1;
	return template_node(p, &t, &name, pipe, out);
}

static int template_action(struct parser *p, struct node **out)
{
	struct token t = next_word(p);
	struct node *pipe = NULL;
	struct name name;

	if (template_name(p, &t, "template clause", &name))
		return -1;
	if (next_word(p).kind != TOKEN_RIGHT) {
		back(p);
		if (pipeline(p, "template clause", TOKEN_RIGHT, &pipe))
			return -1;
	}
	return template_node(p, &t, &name, pipe, out);
}

static int action(struct parser *p, struct node **out)
{
	struct token t = next_word(p);

	switch (t.kind) {
	case TOKEN_BLOCK:
		return block(p, out);
	case TOKEN_BREAK:
		return jump(p, NODE_BREAK, &t, out);
	case TOKEN_CONTINUE:
		return jump(p, NODE_CONTINUE, &t, out);
	case TOKEN_ELSE:
		return else_action(p, out);
	case TOKEN_END:
		if (expect(p, TOKEN_RIGHT, "end", &t))
			return -1;
		*out = node_of_token(p, NODE_END, &t);
		return *out ? 0 : -1;
	case TOKEN_IF:
		return control(p, NODE_IF, out);
	case TOKEN_RANGE:
		return control(p, NODE_RANGE, out);
	case TOKEN_TEMPLATE:
		return template_action(p, out);
	case TOKEN_WITH:
		return control(p, NODE_WITH, out);
	default:
		break;
	}
	back(p);
	*out = node_new(p, NODE_ACTION, peek(p)->pos);
	return *out ? pipeline(p, "command", TOKEN_RIGHT, &(*out)->pipe) : -1;
}

static int text_or_action(struct parser *p, struct node **out)
{
	struct token t = next_word(p);
	int rc;

	if (t.kind == TOKEN_TEXT) {
		*out = node_of_token(p, NODE_TEXT, &t);
		return *out ? 0 : -1;
	}
	if (t.kind != TOKEN_LEFT)
		return unexpected(p, &t, "input");
	p->action_line = t.line;
	rc = action(p, out);
	p->action_line = 0;
	return rc;
}

/* Up to an {{end}} or {{else}}, which is *end. */
static int item_list(struct parser *p, struct node **list, struct node **end)
{
	struct node *n;

	*list = node_new(p, NODE_LIST, peek_word(p).pos);
	if (!*list)
		return -1;
	while (peek_word(p).kind != TOKEN_EOF) {
		if (text_or_action(p, &n))
			return -1;
		if (n->kind == NODE_END || n->kind == NODE_ELSE) {
			*end = n;
			return 0;
		}
		add_kid(*list, n);
	}
	return parse_fail(p, TMPL_BAD, "unexpected EOF");
}

static int parse_all(struct parser *p, struct node **root)
{
	struct token delim;
	struct node *n;

	*root = node_new(p, NODE_LIST, 0);
	if (!*root)
		return -1;
	while (peek(p)->kind != TOKEN_EOF) {
		if (peek(p)->kind == TOKEN_LEFT) {
			delim = *next(p);
			if (next_word(p).kind == TOKEN_DEFINE) {
				if (define(p))
					return -1;
				continue;
			}
			p->token[1] = delim;
			p->peeked = 2;
		}
		if (text_or_action(p, &n))
			return -1;
		if (n->kind == NODE_END || n->kind == NODE_ELSE)
			return parse_fail(p, TMPL_BAD, "unexpected %s", end_shown(n));
		add_kid(*root, n);
	}
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int parse_main(struct tmpl *t, struct parser *p)
{
	static const struct name main_name = {TMPL_NAME, sizeof(TMPL_NAME) - 1};
	struct node *root;

	if (parse_all(p, &root) || add_tree(p, &main_name, root))
		return -1;
	for (t->main = t->trees; !same_name(&t->main->name, &main_name); t->main = t->main->next)
		;
	return 0;
}

int tmpl_parse(struct tmpl **out, const char *text, size_t len, struct err *err)
{
	struct parser_vars vars = {0};
	struct lexer lexer;
	struct parser p = {.lexer = &lexer, .vars = &vars, .err = err};
	struct tmpl *t;
	char *copy;
	int rc;

	if (len > LIMIT_TEMPLATE_TEXT)
		return err_code(err, ERR_STALL, TMPL_LIMIT,
			"template: " TMPL_NAME ": longer than %llu bytes", LIMIT_TEMPLATE_TEXT);
	t = NEW(struct tmpl);
	t->pool = VALUE_POOL(LIMIT_TEMPLATE_PARSED);
	copy = value_alloc(&t->pool, len + 1);
	if (len)
		memcpy(copy, text, len);
	t->text = copy;
	t->len = len;
	p.tmpl = t;
	lexer_init(&lexer, copy, len);
	rc = parse_main(t, &p);
	vec_clear(&vars);
	if (rc) {
		tmpl_free(t);
		return -1;
	}
	*out = t;
	return 0;
}

void tmpl_free(struct tmpl *t)
{
	if (!t)
		return;
	value_pool_clear(&t->pool);
	free(t);
}
