/* Tokens into trees, as text/template/parse/parse.go does it: actions, and the templates that the
   text defines. */
#include "template/parse.h"
#include "base/mem.h"
#include "template/internal.h"

#include <stdio.h>
#include <string.h>

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

	if (n->kind != NODE_RANGE && token_peek(p)->kind == again) {
		token_next(p);
		n->other = node_new(p, NODE_LIST, found->pos);
		if (!n->other || control(p, n->kind, &inner))
			return -1;
		node_add_kid(n->other, inner);
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

	if (parse_pipeline(p, where, TOKEN_RIGHT, &n->pipe))
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
	struct token t = word_next(p);

	if (t.kind != TOKEN_RIGHT)
		return parse_unexpected(p, &t, name);
	if (!p->ranges)
		return parse_fail(p, TMPL_BAD, "%s outside {{range}}", name);
	*out = node_of_token(p, kind, word);
	return *out ? 0 : -1;
}

static int else_action(struct parser *p, struct node **out)
{
	struct token t = word_peek(p);

	if (t.kind != TOKEN_IF && t.kind != TOKEN_WITH && parse_expect(p, TOKEN_RIGHT, "else", &t))
		return -1;
	*out = node_of_token(p, NODE_ELSE, &t);
	return *out ? 0 : -1;
}

static int template_name(
	struct parser *p, const struct token *t, const char *where, struct name *out)
{
	struct node *n;

	if (t->kind != TOKEN_STRING && t->kind != TOKEN_RAW_STRING)
		return parse_unexpected(p, t, where);
	if (parse_string(p, t, &n))
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
		if (name_same(&t->name, name))
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
	struct token t = word_next(&p), end;
	struct name name;

	if (template_name(&p, &t, "define clause", &name) ||
		parse_expect(&p, TOKEN_RIGHT, "define clause", &end))
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
	struct token t = word_next(p);
	struct parser inner;
	struct node *pipe;
	struct name name;

	if (template_name(p, &t, "block clause", &name) ||
		parse_pipeline(p, "block clause", TOKEN_RIGHT, &pipe))
		return -1;
	inner = inner_parser(p);
	if (inner_list(&inner, p, "block clause", &name))
		return -1;
	return template_node(p, &t, &name, pipe, out);
}

static int template_action(struct parser *p, struct node **out)
{
	struct token t = word_next(p);
	struct node *pipe = NULL;
	struct name name;

	if (template_name(p, &t, "template clause", &name))
		return -1;
	if (word_next(p).kind != TOKEN_RIGHT) {
		token_back(p);
		if (parse_pipeline(p, "template clause", TOKEN_RIGHT, &pipe))
			return -1;
	}
	return template_node(p, &t, &name, pipe, out);
}

static int action(struct parser *p, struct node **out)
{
	struct token t = word_next(p);

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
		if (parse_expect(p, TOKEN_RIGHT, "end", &t))
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
	token_back(p);
	*out = node_new(p, NODE_ACTION, token_peek(p)->pos);
	return *out ? parse_pipeline(p, "command", TOKEN_RIGHT, &(*out)->pipe) : -1;
}

static int text_or_action(struct parser *p, struct node **out)
{
	struct token t = word_next(p);
	int rc;

	if (t.kind == TOKEN_TEXT) {
		*out = node_of_token(p, NODE_TEXT, &t);
		return *out ? 0 : -1;
	}
	if (t.kind != TOKEN_LEFT)
		return parse_unexpected(p, &t, "input");
	p->action_line = t.line;
	rc = action(p, out);
	p->action_line = 0;
	return rc;
}

/* Up to an {{end}} or {{else}}, which is *end. */
static int item_list(struct parser *p, struct node **list, struct node **end)
{
	struct node *n;

	*list = node_new(p, NODE_LIST, word_peek(p).pos);
	if (!*list)
		return -1;
	while (word_peek(p).kind != TOKEN_EOF) {
		if (text_or_action(p, &n))
			return -1;
		if (n->kind == NODE_END || n->kind == NODE_ELSE) {
			*end = n;
			return 0;
		}
		node_add_kid(*list, n);
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
	while (token_peek(p)->kind != TOKEN_EOF) {
		if (token_peek(p)->kind == TOKEN_LEFT) {
			delim = *token_next(p);
			if (word_next(p).kind == TOKEN_DEFINE) {
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
		node_add_kid(*root, n);
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
	for (t->main = t->trees; !name_same(&t->main->name, &main_name); t->main = t->main->next)
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
