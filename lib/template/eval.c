/* Runs a tree, as text/template/exec.go does: the node that an error names is the one which was
   looked at last. */
#include "template/internal.h"

#include <stdio.h>
#include <string.h>

static int eval_pipe(
	struct run *r, const struct result *dot, const struct node *pipe, struct result *out);
static int eval_arg(struct run *r, const struct result *dot, char type, const struct node *n,
	struct result *out);

/* ---- errors and limits ----------------------------------------------------------------------- */

static int run_deeper(struct run *r)
{
	if (r->depth >= LIMIT_TEMPLATE_NESTED)
		return run_over(r, "the template is nested too deep");
	r->depth++;
	return 0;
}

static const char *type_name(const struct result *v)
{
	return v->any || !v->v ? "interface {}" : v->v->type->name;
}

static bool is_none(const struct result *v)
{
	return !v->v && !v->any;
}

/* ---- variables ------------------------------------------------------------------------------- */

/* A look at many variables takes steps, which nobody checks before the next one. */
static struct variable *find_variable(struct run *r, const struct name *name)
{
	size_t i, looked;

	for (i = r->vars.len; i > r->base; i--) {
		struct variable *v = &r->vars.p[i - 1];

		looked = r->vars.len - i;
		if (looked && looked % 64 == 0 && r->steps)
			r->steps--;

		if (v->name.len == name->len && !memcmp(v->name.s, name->s, name->len))
			return v;
	}
	return NULL;
}

static int set_variable(struct run *r, const struct name *name, const struct result *value)
{
	struct variable *v = find_variable(r, name);

	if (!v)
		return run_refuse(r, "undefined variable: %.*s", (int)name->len, name->s);
	v->value = *value;
	return 0;
}

static int push_variable(struct run *r, const struct name *name, const struct result *value)
{
	if (r->vars.len >= LIMIT_TEMPLATE_STEPS)
		return run_over(r, "the template has too many variables");
	*vec_add(&r->vars) = (struct variable){*name, *value};
	return 0;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static int no_field(struct run *r, const struct name *f, const struct result *of)
{
	return run_refuse(
		r, "can't evaluate field %.*s in type %s", (int)f->len, f->s, type_name(of));
}

static int struct_field(struct run *r, const struct name *f, const struct result *of, size_t n_args,
	struct result *out)
{
	const struct value_entry *e = value_member(of->v, f->s, f->len);

	if (!e)
		return no_field(r, f, of);
	if (e->role == VALUE_GONE)
		return err_code(r->err, ERR_STALL, TMPL_REMOVED, "%s", e->value->s);
	if (n_args && e->role == VALUE_METHOD)
		return run_refuse(
			r, "wrong number of args for %s: want 0 got %zu", e->key->s, n_args);
	if (n_args)
		return run_refuse(
			r, "%s has arguments but cannot be invoked as function", e->key->s);
	*out = (struct result){e->value, false};
	return 0;
}

static int map_field(struct run *r, const struct name *f, const struct result *of, size_t n_args,
	struct result *out)
{
	const struct value *map = of->v, *v;

	if (map->type->key->kind != VALUE_STRING)
		return no_field(r, f, of);
	if (n_args)
		return run_refuse(r, "%.*s is not a method but has arguments", (int)f->len, f->s);
	*out = (struct result){0};
	if (value_get_named(map, f->s, f->len, &v))
		*out = (struct result){v, map->type->elem->kind == VALUE_ANY};
	return 0;
}

/* out may be of. */
static int eval_field(struct run *r, const struct name *f, const struct result *of, size_t n_args,
	struct result *out)
{
	if (run_tick(r, 1))
		return -1;
	if (is_none(of)) {
		*out = (struct result){0};
		return 0;
	}
	if (!of->v)
		return run_refuse(r, "nil pointer evaluating interface {}.%.*s", (int)f->len, f->s);
	if (of->v->type->kind == VALUE_STRUCT)
		return struct_field(r, f, of, n_args, out);
	if (of->v->type->kind == VALUE_MAP)
		return map_field(r, f, of, n_args, out);
	return no_field(r, f, of);
}

/* names[from...] of a node, one after the other. */
static int eval_fields(struct run *r, const struct node *n, size_t from, const struct result *start,
	size_t n_args, struct result *out)
{
	struct result v = *start;
	size_t i;

	for (i = from; i < n->n_names; i++)
		if (eval_field(r, &n->names[i], &v, i + 1 == n->n_names ? n_args : 0, &v))
			return -1;
	*out = v;
	return 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static const char *arg_type_name(char type)
{
	switch (type) {
	case 's':
		return "string";
	case 'i':
		return "int";
	case 'b':
		return "bool";
	case 'f':
		return "float64";
	case 'm':
		return "map[string]interface {}";
	case 'v':
		return "reflect.Value";
	default:
		return "interface {}";
	}
}

static bool fits(char type, const struct value *v)
{
	switch (type) {
	case 's':
		return v->type == &value_type_string;
	case 'i':
		return v->type == &value_type_int;
	case 'b':
		return v->type == &value_type_bool;
	case 'f':
		return v->type == &value_type_float64;
	case 'm':
		return v->type == &value_type_map_any;
	default:
		return true;
	}
}

/* May it be an argument of this type? What is nil of a map's type becomes an empty map. */
static int check_type(struct run *r, char type, struct result *v)
{
	static const struct value nil_map = {.type = &value_type_map_any, .nil = true};

	if (v->v) {
		if (!fits(type, v->v))
			return run_refuse(r, "wrong type for value; expected %s; got %s",
				arg_type_name(type), v->v->type->name);
		if (type != 'v')
			v->any = false;
		return 0;
	}
	if (type == 'a' || type == 'v')
		return 0;
	if (v->any)
		return run_refuse(r, "wrong type for value; expected %s; got interface {}",
			arg_type_name(type));
	if (type != 'm')
		return run_refuse(r, "invalid value; expected %s", arg_type_name(type));
	*v = (struct result){&nil_map, false};
	return 0;
}

static int eval_nil(struct run *r, char type, struct result *out)
{
	*out = (struct result){0};
	if (type == 'a' || type == 'v')
		return 0;
	if (type == 'm')
		return check_type(r, type, out);
	return run_refuse(r, "cannot assign nil to %s", arg_type_name(type));
}

static int constant(struct run *r, const struct node *n, struct result *out)
{
	r->at = n;
	if (n->over)
		return run_refuse(r, "%.*s overflows int", (int)n->len, n->text);
	*out = (struct result){n->val, false};
	return 0;
}

/* A literal, where the type of the argument decides what it is. */
static int eval_literal(struct run *r, char type, const struct node *n, struct result *out)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_TEMPLATE_TEXT);
	const char *want = NULL;

	switch (type) {
	case 's':
		want = n->kind == NODE_STRING ? NULL : "string";
		break;
	case 'b':
		want = n->kind == NODE_BOOL ? NULL : "bool";
		break;
	case 'i':
		want = "integer";
		if (n->kind != NODE_NUMBER || n->over)
			break;
		if (n->val->type->kind == VALUE_INT) {
			want = NULL;
			break;
		}
		if (n->val->d < -9223372036854775808.0 || n->val->d >= 9223372036854775808.0 ||
			(double)(int64_t)n->val->d != n->val->d)
			break;
		*out = (struct result){
			value_int(&r->pool, &value_type_int, (int64_t)n->val->d), false};
		return out->v ? 0 : run_over(r, "the template takes too much memory");
	case 'f':
		want = "float";
		if (n->kind != NODE_NUMBER || n->over)
			break;
		*out = (struct result){n->val->type->kind == VALUE_FLOAT
				? n->val
				: value_float(&r->pool, (double)n->val->i),
			false};
		return out->v ? 0 : run_over(r, "the template takes too much memory");
	case 'm':
		node_show(&shown, n);
		return run_refuse(r, "can't handle %s for arg of type %s", buf_str(&shown),
			arg_type_name(type));
	default:
		break;
	}
	if (!want)
		return constant(r, n, out);
	node_show(&shown, n);
	return run_refuse(r, "expected %s; found %s", want, buf_str(&shown));
}

/* The arguments of a call, until it is decided: `and` and `or` look at no more than they need. */
struct args {
	VEC(const struct value *) v;
	VEC(bool) any;
};

static void add_arg(struct args *a, const struct result *v)
{
	*vec_add(&a->v) = v->v;
	*vec_add(&a->any) = v->any;
}

/* The type of argument i; the last may stand for many. */
static char arg_type(const struct fn *fn, size_t i)
{
	size_t n = strlen(fn->args);

	if (n && fn->args[n - 1] == '*' && i + 2 >= n)
		return fn->args[n - 2];
	return fn->args[i];
}

static int check_count(struct run *r, const struct fn *fn, size_t written, size_t n)
{
	size_t want = strlen(fn->args);

	if (want && fn->args[want - 1] == '*') {
		want -= 2;
		if (n < want)
			return run_refuse(r,
				"wrong number of args for %s: want at least %zu got %zu", fn->name,
				want, written);
	} else if (n != want) {
		return run_refuse(
			r, "wrong number of args for %s: want %zu got %zu", fn->name, want, n);
	}
	return 0;
}

static int eval_and_or(struct run *r, const struct result *dot, const struct fn *fn,
	const struct node *first, const struct result *final, struct result *out)
{
	const struct node *n;

	*out = (struct result){0};
	for (n = first; n; n = n->next) {
		if (eval_arg(r, dot, 'v', n, out))
			return -1;
		if (value_truth(out->v) == (fn->arg != 0))
			return 0;
	}
	if (final)
		*out = *final;
	return 0;
}

static int call_with(struct run *r, const struct fn *fn, const struct args *a,
	const struct node *at, struct result *out)
{
	struct call c = {.r = r,
		.fn = fn,
		.args = a->v.p,
		.given_any = a->any.p,
		.n = a->v.len,
		.node = at,
		.out = out};

	if (run_tick(r, 1 + a->v.len))
		return -1;
	*out = (struct result){0};
	if (fn->run(&c))
		return -1;
	if (value_pool_over(&r->pool))
		return run_over(r, "the template takes too much memory");
	return 0;
}

/* first: the arguments that are written behind the name; final: the one of the pipeline, or NULL;
   at: what an error of the function itself names. */
static int eval_call(struct run *r, const struct result *dot, const struct node *ident,
	const struct node *first, const struct result *final, const struct node *at,
	struct result *out)
{
	const struct fn *fn = ident->fn;
	struct args a = {0};
	size_t written = 0;
	const struct node *n;
	struct result v;
	int rc = -1;

	r->at = ident;
	for (n = first; n; n = n->next)
		written++;
	if (check_count(r, fn, written, written + (final != NULL)))
		return -1;
	if (fn->run == fn_and_or)
		return eval_and_or(r, dot, fn, first, final, out);
	for (n = first; n; n = n->next) {
		if (eval_arg(r, dot, arg_type(fn, a.v.len), n, &v))
			goto out;
		add_arg(&a, &v);
	}
	if (final) {
		v = *final;
		if (check_type(r, arg_type(fn, a.v.len), &v))
			goto out;
		add_arg(&a, &v);
	}
	rc = call_with(r, fn, &a, at, out);
out:
	vec_clear(&a.v);
	vec_clear(&a.any);
	return rc;
}

/* ---- operands -------------------------------------------------------------------------------- */

static int eval_chain(struct run *r, const struct result *dot, const struct node *n, size_t n_args,
	struct result *out)
{
	struct result v;

	r->at = n;
	if (eval_arg(r, dot, 'v', n->kids, &v))
		return -1;
	return eval_fields(r, n, 0, &v, n_args, out);
}

static int eval_variable(struct run *r, const struct node *n, size_t n_args, struct result *out)
{
	const struct variable *v;

	r->at = n;
	v = find_variable(r, &n->names[0]);
	if (!v)
		return run_refuse(
			r, "undefined variable: %.*s", (int)n->names[0].len, n->names[0].s);
	*out = v->value;
	return n->n_names > 1 ? eval_fields(r, n, 1, &v->value, n_args, out) : 0;
}

static int eval_arg_value(
	struct run *r, const struct result *dot, const struct node *n, struct result *out)
{
	switch (n->kind) {
	case NODE_DOT:
		*out = *dot;
		return 0;
	case NODE_FIELD:
		return eval_fields(r, n, 0, dot, 0, out);
	case NODE_VARIABLE:
		return eval_variable(r, n, 0, out);
	case NODE_PIPE:
		return eval_pipe(r, dot, n, out);
	case NODE_IDENT:
		return eval_call(r, dot, n, NULL, NULL, n, out);
	default:
		return eval_chain(r, dot, n, 0, out);
	}
}

static int eval_arg(struct run *r, const struct result *dot, char type, const struct node *n,
	struct result *out)
{
	if (run_tick(r, 1))
		return -1;
	r->at = n;
	switch (n->kind) {
	case NODE_NIL:
		return eval_nil(r, type, out);
	case NODE_BOOL:
	case NODE_NUMBER:
	case NODE_STRING:
		return eval_literal(r, type, n, out);
	default:
		return eval_arg_value(r, dot, n, out) || check_type(r, type, out) ? -1 : 0;
	}
}

static int refuse_args(struct run *r, const struct node *first, size_t n_args)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_TEMPLATE_TEXT);

	if (!n_args)
		return 0;
	node_show(&shown, first);
	return run_refuse(r, "can't give argument to non-function %s", buf_str(&shown));
}

static int eval_command(struct run *r, const struct result *dot, const struct node *cmd,
	const struct result *final, struct result *out)
{
	const struct node *first = cmd->kids;
	size_t n_args = cmd->n_kids - 1 + (final != NULL);

	if (run_tick(r, 1))
		return -1;
	switch (first->kind) {
	case NODE_FIELD:
		r->at = first;
		return eval_fields(r, first, 0, dot, n_args, out);
	case NODE_CHAIN:
		r->at = first;
		if (first->kids->kind == NODE_NIL) {
			auto_buf struct buf shown = BUF_INIT(LIMIT_TEMPLATE_TEXT);

			node_show(&shown, first);
			return run_refuse(
				r, "indirection through explicit nil in %s", buf_str(&shown));
		}
		return eval_chain(r, dot, first, n_args, out);
	case NODE_IDENT:
		return eval_call(r, dot, first, first->next, final, cmd, out);
	case NODE_PIPE:
		if (refuse_args(r, first, n_args))
			return -1;
		return eval_pipe(r, dot, first, out);
	case NODE_VARIABLE:
		r->at = first;
		if (first->n_names == 1 && refuse_args(r, first, n_args))
			return -1;
		return eval_variable(r, first, n_args, out);
	default:
		break;
	}
	r->at = first;
	if (refuse_args(r, first, n_args))
		return -1;
	if (first->kind == NODE_NIL)
		return run_refuse(r, "nil is not a command");
	if (first->kind == NODE_DOT) {
		*out = *dot;
		return 0;
	}
	return constant(r, first, out);
}

static int declare(struct run *r, const struct node *pipe, const struct result *v)
{
	size_t i;

	for (i = 0; i < pipe->n_decl; i++)
		if (pipe->assign ? set_variable(r, &pipe->decl[i], v)
				 : push_variable(r, &pipe->decl[i], v))
			return -1;
	return 0;
}

static int eval_pipe(
	struct run *r, const struct result *dot, const struct node *pipe, struct result *out)
{
	const struct node *cmd;
	struct result v = {0};

	if (!pipe) {
		*out = v;
		return 0;
	}
	r->at = pipe;
	if (run_deeper(r))
		return -1;
	for (cmd = pipe->kids; cmd; cmd = cmd->next) {
		struct result before = v;

		if (eval_command(r, dot, cmd, cmd == pipe->kids ? NULL : &before, &v))
			return -1;
		/* Of an interface {}, what is in it. */
		v.any = false;
	}
	r->depth--;
	*out = v;
	return declare(r, pipe, &v);
}

/* ---- actions --------------------------------------------------------------------------------- */

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
	if (is_none(v))
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
		if (set_variable(r, &pipe->decl[0], pipe->n_decl > 1 ? key : item) ||
			(pipe->n_decl > 1 && set_variable(r, &pipe->decl[1], item)))
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
	if (push_variable(r, &dollar, &v))
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
	int rc = push_variable(&r, &dollar, &dot) || walk(&r, &dot, t->main->root) ? -1 : 0;

	vec_clear(&r.vars);
	value_pool_clear(&r.pool);
	if (rc)
		*err = why;
	return rc;
}
