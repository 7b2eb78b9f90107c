/* Pipelines as text/template/exec.go runs them: the node that an error names is the one which was
   looked at last. */
#include "template/eval.h"

#include <string.h>

static int eval_arg(struct run *r, const struct result *dot, char type, const struct node *n,
	struct result *out);

/* ---- calls ----------------------------------------------------------------------------------- */

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
		if (arg_check(r, arg_type(fn, a.v.len), &v))
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
	v = variable_find(r, &n->names[0]);
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
		return arg_nil(r, type, out);
	case NODE_BOOL:
	case NODE_NUMBER:
	case NODE_STRING:
		return arg_literal(r, type, n, out);
	default:
		return eval_arg_value(r, dot, n, out) || arg_check(r, type, out) ? -1 : 0;
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
	return arg_constant(r, first, out);
}

static int pipe_declare(struct run *r, const struct node *pipe, const struct result *v)
{
	size_t i;

	for (i = 0; i < pipe->n_decl; i++)
		if (pipe->assign ? variable_set(r, &pipe->decl[i], v)
				 : variable_push(r, &pipe->decl[i], v))
			return -1;
	return 0;
}

int eval_pipe(struct run *r, const struct result *dot, const struct node *pipe, struct result *out)
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
	return pipe_declare(r, pipe, &v);
}
