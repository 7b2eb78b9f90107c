/* sprig's functions of lists and maps, and those that choose (list.go, dict.go, defaults.go). */
#include "template/internal.h"

#include <stdlib.h>
#include <string.h>

#define NIL_POINTER "runtime error: invalid memory address or nil pointer dereference"

static const struct value *arg(const struct call *c, size_t i)
{
	return c->args[i];
}

static struct value *new_list(const struct call *c)
{
	return value_list(&c->r->pool, &value_type_list_any);
}

static void add(const struct call *c, struct value *list, const struct value *v)
{
	value_add(&c->r->pool, list, v);
}

/* -1: argument i is no list; `what` cannot be done with it. */
static int want_list(const struct call *c, size_t i, const char *what)
{
	const struct value *v = arg(c, i);

	if (!v)
		return call_fail(c, NIL_POINTER);
	if (v->type->kind != VALUE_LIST)
		return call_fail(c, "%s %s", what, fn_kind_of(v));
	return run_tick(c->r, 1 + v->len);
}

/* ---- lists ----------------------------------------------------------------------------------- */

FN(fn_list)
{
	struct value *list = new_list(c);
	size_t i;

	for (i = 0; i < c->n; i++)
		add(c, list, c->args[i]);
	return call_return(c, list);
}

/* The items from..to as a new list. */
static int return_items(const struct call *c, const struct value *v, size_t from, size_t to)
{
	struct value *list = new_list(c);

	if (list && !v->len)
		list->nil = true;
	for (; from < to; from++)
		add(c, list, v->items[from]);
	return call_return(c, list);
}

FN(fn_end)
{
	const struct value *v = arg(c, 0);

	switch (c->fn->arg) {
	case 'f':
		if (want_list(c, 0, "Cannot find first on type"))
			return -1;
		return call_return_any(c, v->len ? v->items[0] : NULL);
	case 'l':
		if (want_list(c, 0, "Cannot find last on type"))
			return -1;
		return call_return_any(c, v->len ? v->items[v->len - 1] : NULL);
	case 'r':
		if (want_list(c, 0, "Cannot find rest on type"))
			return -1;
		return return_items(c, v, 1, v->len);
	default:
		if (want_list(c, 0, "Cannot find initial on type"))
			return -1;
		return return_items(c, v, 0, v->len ? v->len - 1 : 0);
	}
}

FN(fn_push)
{
	bool before = c->fn->arg == 'p';
	struct value *list = new_list(c);
	size_t i;

	if (want_list(c, 0, before ? "Cannot prepend on type" : "Cannot push on type"))
		return -1;
	if (before)
		add(c, list, arg(c, 1));
	for (i = 0; i < arg(c, 0)->len; i++)
		add(c, list, arg(c, 0)->items[i]);
	if (!before)
		add(c, list, arg(c, 1));
	return call_return(c, list);
}

FN(fn_reverse)
{
	struct value *list = new_list(c);
	size_t i;

	if (want_list(c, 0, "Cannot find reverse on type"))
		return -1;
	for (i = arg(c, 0)->len; i > 0; i--)
		add(c, list, arg(c, 0)->items[i - 1]);
	return call_return(c, list);
}

/* 1: it is among these, 0, -1. */
static int is_among(
	const struct call *c, const struct value *v, const struct value *const *items, size_t n)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = run_same(c->r, v, items[i]);
		if (rc)
			return rc;
	}
	return 0;
}

FN(fn_uniq)
{
	struct value *list = new_list(c);
	size_t i;

	if (want_list(c, 0, "Cannot find uniq on type"))
		return -1;
	for (i = 0; list && i < arg(c, 0)->len; i++) {
		const struct value *v = arg(c, 0)->items[i];
		int rc = is_among(c, v, list->items, list->len);

		if (rc < 0)
			return -1;
		if (!rc)
			add(c, list, v);
	}
	return call_return(c, list);
}

FN(fn_has)
{
	int rc;

	if (!arg(c, 1))
		return call_return(c, value_bool(&c->r->pool, false));
	if (want_list(c, 1, "Cannot find has on type"))
		return -1;
	rc = is_among(c, arg(c, 0), arg(c, 1)->items, arg(c, 1)->len);
	return rc < 0 ? -1 : call_return(c, value_bool(&c->r->pool, rc));
}

/* Without what is listed, or with `compact` without what is empty. */
FN(fn_without)
{
	bool compact = c->fn->arg == 'c';
	struct value *list = new_list(c);
	size_t i;

	if (want_list(c, 0, compact ? "Cannot compact on type" : "Cannot find without on type"))
		return -1;
	for (i = 0; i < arg(c, 0)->len; i++) {
		const struct value *v = arg(c, 0)->items[i];
		int rc = compact ? !value_truth(v) : is_among(c, v, c->args + 1, c->n - 1);

		if (rc < 0)
			return -1;
		if (!rc)
			add(c, list, v);
	}
	return call_return(c, list);
}

static int by_text(const void *a, const void *b)
{
	return value_order(*(const struct value *const *)a, *(const struct value *const *)b);
}

FN(fn_sort)
{
	struct value *list = fn_strings_of(c, arg(c, 0));

	if (!list || run_tick(c->r, list->len))
		return -1;
	/* Of nil, sprig makes a list with the text of it. */
	if (!arg(c, 0))
		add(c, list, fn_text_of(c, NULL));
	if (list->len)
		qsort(list->items, list->len, sizeof(*list->items), by_text);
	return call_return(c, list);
}

FN(fn_concat)
{
	struct value *list = new_list(c);
	size_t i, k;

	for (i = 0; i < c->n; i++) {
		if (!arg(c, i))
			return call_fail(c, NIL_POINTER);
		if (arg(c, i)->type->kind != VALUE_LIST)
			return call_fail(c, "Cannot concat type %s as list", fn_kind_of(arg(c, i)));
		if (run_tick(c->r, arg(c, i)->len))
			return -1;
		for (k = 0; k < arg(c, i)->len; k++)
			add(c, list, arg(c, i)->items[k]);
	}
	if (list)
		list->nil = !list->len;
	return call_return(c, list);
}

FN(fn_slice)
{
	const struct value *v = arg(c, 0);
	int64_t from = 0, to;
	struct value *list;

	if (want_list(c, 0, "list should be type of slice or array but"))
		return -1;
	if (!v->len)
		return call_return_any(c, NULL);
	to = c->n > 2 ? fn_int_of(arg(c, 2)) : (int64_t)v->len;
	if (c->n > 1)
		from = fn_int_of(arg(c, 1));
	if (from < 0 || to < from || to > (int64_t)v->len)
		return call_fail(c, "reflect.Value.Slice: slice index out of bounds");
	list = value_list(&c->r->pool, v->type);
	for (; from < to; from++)
		add(c, list, v->items[from]);
	return call_return(c, list);
}

FN(fn_until)
{
	bool step_given = c->fn->arg;
	int64_t from = step_given ? arg(c, 0)->i : 0, to = arg(c, step_given ? 1 : 0)->i;
	int64_t step = step_given ? arg(c, 2)->i : to < 0 ? -1 : 1;
	bool down = to < from;
	struct value *list = value_list(&c->r->pool, &value_type_list_int);

	if (down ? step >= 0 : step <= 0)
		return call_return(c, list);
	while (down ? from > to : from < to) {
		if (run_tick(c->r, 1) || value_pool_over(&c->r->pool))
			return call_return(c, NULL);
		add(c, list, value_int(&c->r->pool, &value_type_int, from));
		from = (int64_t)((uint64_t)from + (uint64_t)step);
	}
	return call_return(c, list);
}

/* ---- maps ------------------------------------------------------------------------------------ */

FN(fn_dict)
{
	struct value *map = value_map(&c->r->pool, &value_type_map_any);
	const struct value *key;
	size_t i;

	for (i = 0; i < c->n; i += 2) {
		key = fn_text_of(c, c->args[i]);
		if (!key)
			return -1;
		value_put(&c->r->pool, map, key,
			i + 1 < c->n ? c->args[i + 1] : value_string(&c->r->pool, "", 0));
	}
	return call_return(c, map);
}

FN(fn_get)
{
	const struct value *v;

	if (!value_get(arg(c, 0), arg(c, 1), &v))
		v = value_string(&c->r->pool, "", 0);
	return call_return_any(c, v);
}

FN(fn_has_key)
{
	const struct value *v;

	return call_return(c, value_bool(&c->r->pool, value_get(arg(c, 0), arg(c, 1), &v)));
}

/* The peer has them in random order. */
FN(fn_keys)
{
	bool keys = c->fn->arg == 'k';
	struct value *list = keys ? value_list(&c->r->pool, &value_type_list_string) : new_list(c);
	size_t i, k;

	for (i = 0; i < c->n; i++) {
		if (run_tick(c->r, arg(c, i)->len))
			return -1;
		for (k = 0; k < arg(c, i)->len; k++)
			add(c, list,
				keys ? arg(c, i)->entries[k].key : arg(c, i)->entries[k].value);
	}
	return call_return(c, list);
}

FN(fn_pick)
{
	const struct value *from = arg(c, 0), *v;
	struct value *map = value_map(&c->r->pool, &value_type_map_any);
	size_t i, k;

	if (run_tick(c->r, from->len + c->n + from->len * c->n / 64))
		return -1;
	for (i = 1; c->fn->arg == 'p' && i < c->n; i++)
		if (value_get(from, arg(c, i), &v))
			value_put(&c->r->pool, map, arg(c, i), v);
	for (i = 0; c->fn->arg == 'o' && i < from->len; i++) {
		for (k = 1; k < c->n; k++)
			if (!value_order(arg(c, k), from->entries[i].key))
				break;
		if (k == c->n)
			value_put(&c->r->pool, map, from->entries[i].key, from->entries[i].value);
	}
	return call_return(c, map);
}

FN(fn_pluck)
{
	struct value *list = new_list(c);
	const struct value *v;
	size_t i;

	for (i = 1; i < c->n; i++)
		if (value_get(arg(c, i), arg(c, 0), &v))
			add(c, list, v);
	return call_return(c, list);
}

/* ---- choices --------------------------------------------------------------------------------- */

FN(fn_default)
{
	return call_return_any(c, c->n > 1 && value_truth(arg(c, 1)) ? arg(c, 1) : arg(c, 0));
}

FN(fn_empty)
{
	return call_return(c, value_bool(&c->r->pool, !value_truth(arg(c, 0))));
}

FN(fn_coalesce)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (value_truth(arg(c, i)))
			return call_return_any(c, arg(c, i));
	return call_return_any(c, NULL);
}

FN(fn_all_any)
{
	bool any = c->fn->arg;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (value_truth(arg(c, i)) == any)
			return call_return(c, value_bool(&c->r->pool, any));
	return call_return(c, value_bool(&c->r->pool, !any));
}

FN(fn_ternary)
{
	return call_return_any(c, arg(c, 2)->b ? arg(c, 0) : arg(c, 1));
}

FN(fn_deep_equal)
{
	int rc = run_same(c->r, arg(c, 0), arg(c, 1));

	return rc < 0 ? -1 : call_return(c, value_bool(&c->r->pool, rc));
}

static const char *type_of(const struct value *v)
{
	return v ? v->type->name : "<nil>";
}

FN(fn_type)
{
	bool asks = c->fn->arg & 0x100;
	const struct value *v = arg(c, asks ? 1 : 0);
	const char *name = (c->fn->arg & 0xff) == 'k' ? fn_kind_of(v) : type_of(v);
	bool yes;

	if (!asks)
		return call_return(c, value_string(&c->r->pool, name, strlen(name)));
	yes = !strcmp(arg(c, 0)->s, name) ||
		((c->fn->arg & 0xff) == 'l' && name[0] == '*' && !strcmp(arg(c, 0)->s, name + 1));
	return call_return(c, value_bool(&c->r->pool, yes));
}

FN(fn_fail)
{
	return call_fail(c, "%s", arg(c, 0)->s);
}
