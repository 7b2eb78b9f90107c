/* What a name stands for in a run: variables, and the fields of values. */
#include "template/eval.h"

#include <string.h>

/* ---- variables ------------------------------------------------------------------------------- */

/* A look at many variables takes steps, which nobody checks before the next one. */
struct variable *variable_find(struct run *r, const struct name *name)
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

int variable_set(struct run *r, const struct name *name, const struct result *value)
{
	struct variable *v = variable_find(r, name);

	if (!v)
		return run_refuse(r, "undefined variable: %.*s", (int)name->len, name->s);
	v->value = *value;
	return 0;
}

int variable_push(struct run *r, const struct name *name, const struct result *value)
{
	if (r->vars.len >= LIMIT_TEMPLATE_STEPS)
		return run_over(r, "the template has too many variables");
	*vec_add(&r->vars) = (struct variable){*name, *value};
	return 0;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static const char *type_name(const struct result *v)
{
	return v->any || !v->v ? "interface {}" : v->v->type->name;
}

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
	if (result_is_none(of)) {
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
int eval_fields(struct run *r, const struct node *n, size_t from, const struct result *start,
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
