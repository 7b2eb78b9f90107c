/* Runs a tree, as text/template/exec.go does: actions, and the text that comes of them. */
#include "template/eval.h"

#include <string.h>

static int walk(struct run *r, const struct result *dot, const struct node *n);

static int write_out(struct run *r, const char *s, size_t len)
{
	if (r->out->len + len > LIMIT_TEMPLATE_RESULT || buf_add(r->out, s, len))
		return run_over(r, "the result is too long");
	return run_tick_bytes(r, len);
}

static int print_result(struct run *r, const struct node *n, const struct result *v)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_TEMPLATE_RESULT);

	r->at = n;
	if (result_is_none(v))
		return write_out(r, "<no value>", 10);
	if (!format_value(&b, v->v))
		return run_over(r, "a value is nested too deep");
	if (buf_over(&b))
		return run_over(r, "the result is too long");
	return write_out(r, buf_str(&b), b.len);
}

static int walk_if(struct run *r, const struct result *dot, const struct node *n)
{
	size_t vars = r->vars.len;
	struct result v;
	int rc = 0;

	if (eval_pipe(r, dot, n->pipe, &v))
		return -1;
	if (value_truth(v.v))
		rc = walk(r, n->kind == NODE_WITH ? &v : dot, n->list);
	else if (n->other)
		rc = walk(r, dot, n->other);
	r->vars.len = vars;
	return rc;
}

/* One turn of a range. */
static int turn(
	struct run *r, const struct node *n, const struct result *key, const struct result *item)
{
	const struct node *pipe = n->pipe;
	size_t mark = r->vars.len;
	int rc;

	if (run_tick(r, 1))
		return -1;
	if (pipe->n_decl && pipe->assign) {
		if (variable_set(r, &pipe->decl[0], pipe->n_decl > 1 ? key : item) ||
			(pipe->n_decl > 1 && variable_set(r, &pipe->decl[1], item)))
			return -1;
	} else if (pipe->n_decl) {
		r->vars.p[mark - 1].value = *item;
		if (pipe->n_decl > 1)
			r->vars.p[mark - 2].value = *key;
	}
	rc = walk(r, item, n->list);
	r->vars.len = mark;
	r->continuing = false;
	return rc;
}

static int range_list(struct run *r, const struct node *n, const struct value *v)
{
	bool any = v->type->elem->kind == VALUE_ANY;
	size_t i;

	for (i = 0; i < v->len && !r->breaking; i++) {
		struct result item = {v->items[i], any};
		struct result key = {NULL, false};

		if (n->pipe->n_decl > 1) {
			key.v = value_int(&r->pool, &value_type_int, (int64_t)i);
			if (!key.v)
				return run_over(r, "the template takes too much memory");
		}
		if (turn(r, n, &key, &item))
			return -1;
	}
	return 0;
}

static int range_map(struct run *r, const struct node *n, const struct value *v)
{
	bool any = v->type->elem->kind == VALUE_ANY;
	size_t i;

	for (i = 0; i < v->len && !r->breaking; i++) {
		struct result key = {v->entries[i].key, false};
		struct result item = {v->entries[i].value, any};

		if (turn(r, n, &key, &item))
			return -1;
	}
	return 0;
}

static int range_int(struct run *r, const struct node *n, const struct value *v)
{
	struct result none = {0};
	int64_t i;

	for (i = 0; i < v->i && !r->breaking; i++) {
		struct result item = {value_int(&r->pool, v->type, i), false};

		if (!item.v)
			return run_over(r, "the template takes too much memory");
		if (turn(r, n, &none, &item))
			return -1;
	}
	return 0;
}

/* *turns: there is something to go over. */
static int range_over(struct run *r, const struct node *n, const struct value *v, bool *turns)
{
	auto_buf struct buf shown = BUF_INIT(ERR_MSG_MAX);

	*turns = false;
	if (!v)
		return 0;
	switch (v->type->kind) {
	case VALUE_INT:
	case VALUE_UINT:
		if (n->pipe->n_decl > 1) {
			format_value(&shown, v);
			return run_refuse(r, "can't use %s to iterate over more than one variable",
				buf_str(&shown));
		}
		*turns = v->i > 0;
		return range_int(r, n, v);
	case VALUE_LIST:
		*turns = v->len;
		return range_list(r, n, v);
	case VALUE_MAP:
		*turns = v->len;
		return range_map(r, n, v);
	default:
		format_value(&shown, v);
		return run_refuse(r, "range can't iterate over %s", buf_str(&shown));
	}
}

static int walk_range(struct run *r, const struct result *dot, const struct node *n)
{
	size_t vars = r->vars.len;
	struct result v;
	bool turns;
	int rc;

	if (eval_pipe(r, dot, n->pipe, &v))
		return -1;
	rc = range_over(r, n, v.v, &turns);
	r->breaking = false;
	if (!rc && !turns && n->other)
		rc = walk(r, dot, n->other);
	/* A jump in the else part ends an outer range in Go only when it is `continue`. */
	r->breaking = false;
	r->vars.len = vars;
	return rc;
}

static int walk_template(struct run *r, const struct result *dot, const struct node *n)
{
	static const struct name dollar = {"$", 1};
	const struct tree *outer = r->tree, *t;
	size_t base = r->base, vars;
	struct result v;
	int rc;

	for (t = r->tmpl->trees; t; t = t->next)
		if (t->name.len == n->len && !memcmp(t->name.s, n->text, n->len))
			break;
	if (!t) {
		auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

		quote_add(&b, n->text, n->len, false);
		return run_refuse(r, "template %s not defined", buf_str(&b));
	}
	if (eval_pipe(r, dot, n->pipe, &v))
		return -1;
	vars = r->vars.len;
	if (variable_push(r, &dollar, &v))
		return -1;
	r->base = vars;
	r->tree = t;
	rc = walk(r, &v, t->root);
	if (rc)
		return rc;
	r->tree = outer;
	r->base = base;
	r->vars.len = vars;
	return 0;
}

static int walk_list(struct run *r, const struct result *dot, const struct node *n)
{
	const struct node *kid;

	for (kid = n->kids; kid && !r->breaking && !r->continuing; kid = kid->next)
		if (walk(r, dot, kid))
			return -1;
	return 0;
}

static int walk_node(struct run *r, const struct result *dot, const struct node *n)
{
	struct result v;

	switch (n->kind) {
	case NODE_ACTION:
		if (eval_pipe(r, dot, n->pipe, &v))
			return -1;
		return n->pipe->n_decl ? 0 : print_result(r, n, &v);
	case NODE_TEXT:
		return write_out(r, n->text, n->len);
	case NODE_IF:
	case NODE_WITH:
		return walk_if(r, dot, n);
	case NODE_RANGE:
		return walk_range(r, dot, n);
	case NODE_TEMPLATE:
		return walk_template(r, dot, n);
	case NODE_BREAK:
		r->breaking = true;
		return 0;
	case NODE_CONTINUE:
		r->continuing = true;
		return 0;
	default:
		return walk_list(r, dot, n);
	}
}

static int walk(struct run *r, const struct result *dot, const struct node *n)
{
	int rc;

	r->at = n;
	if (run_tick(r, 1) || run_deeper(r))
		return -1;
	rc = walk_node(r, dot, n);
	r->depth--;
	return rc;
}

int tmpl_run(const struct tmpl *t, const struct value *data, struct buf *out, struct err *err)
{
	static const struct name dollar = {"$", 1};
	struct err why = {0};
	struct run r = {.tmpl = t,
		.tree = t->main,
		.at = t->main->root,
		.out = out,
		.pool = VALUE_POOL(LIMIT_TEMPLATE_MEMORY),
		.steps = LIMIT_TEMPLATE_STEPS,
		.err = &why};
	struct result dot = {data, false};
	int rc = variable_push(&r, &dollar, &dot) || walk(&r, &dot, t->main->root) ? -1 : 0;

	vec_clear(&r.vars);
	value_pool_clear(&r.pool);
	if (rc)
		*err = why;
	return rc;
}
