/*
 * The evaluator. An error is -1; && and || and the macros made of them take one away when the other
 * side decides (cel-spec: doc/langdef.md, "Logical operators"), unless a limit was passed.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/cel_internal.h"

#include <inttypes.h>
#include <string.h>

static int not_bool(const struct cel_val *v, struct err *err)
{
	return err_set(err, ERR_RETRY, "expected a bool, found a '%s'", cel_kind_name(v->kind));
}

static int run_bool(struct cel_run *r, const struct cel_node *n, bool *out, struct err *err)
{
	struct cel_val v;

	if (cel_run_node(r, n, &v, err))
		return -1;
	if (v.kind != CEL_BOOL)
		return not_bool(&v, err);
	*out = v.b;
	return 0;
}

/* The same, and what was allocated for it is free again. */
static int run_test(struct cel_run *r, const struct cel_node *n, bool *out, struct err *err)
{
	struct cel_block *mark = r->pool.head;
	int rc = run_bool(r, n, out, err);

	cel_pool_release(&r->pool, mark);
	return rc;
}

static int run_ident(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	int var = -1 - n->slot;

	if (n->slot >= 0) {
		*out = r->local[n->slot];
		return 0;
	}
	if (!r->values || !r->values[var])
		return err_set(err, ERR_RETRY, "there is no '%.*s'", (int)n->name_len, n->name);
	*out = cel_of_json(r->values[var], var == r->exact_var);
	return 0;
}

/* ---- fields and indexes ---------------------------------------------------------------------- */

static int bad_key(const struct cel_val *key, struct err *err)
{
	if (key->kind == CEL_STRING)
		return err_set(err, ERR_RETRY, "there is no '%.*s'",
			(int)utf8_cut(key->s, key->len, 80), key->s);
	if (key->kind == CEL_INT)
		return err_set(err, ERR_RETRY, "there is no item %" PRId64, key->i);
	return err_set(err, ERR_RETRY, "there is no such item");
}

/* A position in a list; -1: this is none. */
static int list_index(const struct cel_val *key, int64_t *i, struct err *err)
{
	if (key->kind == CEL_INT) {
		*i = key->i;
		return 0;
	}
	if (key->kind == CEL_UINT && key->u <= INT64_MAX) {
		*i = (int64_t)key->u;
		return 0;
	}
	if (key->kind == CEL_DOUBLE && cel_double_to_int(key->d, i) && (double)*i == key->d)
		return 0;
	return err_set(err, ERR_RETRY, "a '%s' is no position in a list", cel_kind_name(key->kind));
}

/* 1: it is there, *out; 0: it is not; -1: nothing of that kind can be. */
static int find_part(struct cel_run *r, const struct cel_val *of, const struct cel_val *key,
	struct cel_val *out, struct err *err)
{
	int64_t i;

	if (of->kind == CEL_MAP)
		return cel_map_find(r, of, key, out, err);
	if (of->kind != CEL_LIST)
		return 0;
	if (list_index(key, &i, err))
		return -1;
	if (i < 0 || (uint64_t)i >= of->len)
		return 0;
	*out = cel_list_at(of, (size_t)i);
	return 1;
}

static bool is_key(const struct cel_val *key)
{
	return key->kind == CEL_STRING || key->kind == CEL_INT || key->kind == CEL_UINT ||
		key->kind == CEL_DOUBLE || key->kind == CEL_BOOL;
}

/* of.key, of[key]; with `optional`, and of what is optional itself, the result is optional. */
static int run_part(struct cel_run *r, const struct cel_val *of, const struct cel_val *key,
	bool optional, struct cel_val *out, struct err *err)
{
	struct cel_val part = {0};
	int rc;

	if (!is_key(key))
		return err_set(err, ERR_RETRY, "a '%s' is no key", cel_kind_name(key->kind));
	if (of->kind == CEL_OPTIONAL) {
		optional = true;
		of = of->inner;
	}
	rc = of ? find_part(r, of, key, &part, err) : 0;
	if (rc < 0)
		return -1;
	if (rc && optional)
		return cel_of_some(r, &part, out, err);
	if (!rc && !optional)
		return bad_key(key, err);
	*out = rc ? part : (struct cel_val){.kind = CEL_OPTIONAL};
	return 0;
}

static int run_select(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct cel_val of, key = cel_of_string(n->name, n->name_len), part;
	int rc = 0;

	if (cel_run_node(r, n->kids[0], &of, err))
		return -1;
	if (n->op != CEL_HAS)
		return run_part(r, &of, &key, n->op == CEL_OPT_SELECT, out, err);
	if (of.kind != CEL_OPTIONAL)
		rc = find_part(r, &of, &key, &part, err);
	else if (of.inner)
		rc = find_part(r, of.inner, &key, &part, err);
	*out = cel_of_bool(rc > 0);
	return rc < 0 ? -1 : 0;
}

static int run_index(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct cel_val of, key;

	if (cel_run_node(r, n->kids[0], &of, err))
		return -1;
	/* Nothing more is asked for of what is not there. */
	if (of.kind == CEL_OPTIONAL && !of.inner) {
		*out = of;
		return 0;
	}
	if (cel_run_node(r, n->kids[1], &key, err))
		return -1;
	return run_part(r, &of, &key, n->op == CEL_OPT_INDEX, out, err);
}

/* ---- logic ----------------------------------------------------------------------------------- */

/* The first of the kids that is `ends` decides; otherwise the first error does. */
static int run_logic(struct cel_run *r, const struct cel_node *n, bool ends, struct cel_val *out,
	struct err *err)
{
	struct err first = {0}, now;
	bool is;
	size_t i;

	for (i = 0; i < n->n; i++) {
		err_clear(&now);
		if (run_test(r, n->kids[i], &is, &now)) {
			if (r->over || first.kind == ERR_NONE)
				first = now;
			if (r->over)
				break;
		} else if (is == ends) {
			*out = cel_of_bool(ends);
			return 0;
		}
	}
	*out = cel_of_bool(!ends);
	if (first.kind == ERR_NONE)
		return 0;
	*err = first;
	return -1;
}

static int run_cond(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	bool yes;

	if (run_bool(r, n->kids[0], &yes, err))
		return -1;
	return cel_run_node(r, n->kids[yes ? 1 : 2], out, err);
}

/* a.or(b), a.orValue(b): b only when it is needed. */
static int run_or(struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	if (cel_run_node(r, n->kids[0], out, err))
		return -1;
	if (out->kind != CEL_OPTIONAL)
		return 0;
	if (!out->inner)
		return cel_run_node(r, n->kids[1], out, err);
	if (n->op == CEL_OR_VALUE)
		*out = *out->inner;
	return 0;
}

/* ---- lists and maps -------------------------------------------------------------------------- */

/* An item of a literal. 1: it is left out. */
static int run_item(struct cel_run *r, const struct cel_node *n, bool optional, struct cel_val *out,
	struct err *err)
{
	if (cel_run_node(r, n, out, err))
		return -1;
	if (!optional)
		return 0;
	if (out->kind != CEL_OPTIONAL)
		return err_set(err, ERR_RETRY, "expected an optional value, found a '%s'",
			cel_kind_name(out->kind));
	if (!out->inner)
		return 1;
	*out = *out->inner;
	return 0;
}

static int run_new_list(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct cel_val *items = cel_alloc(r, n->n * sizeof(*items), err);
	size_t i, len = 0;
	int rc;

	if (!items)
		return -1;
	for (i = 0; i < n->n; i++) {
		rc = run_item(r, n->kids[i], n->optional[i], &items[len], err);
		if (rc < 0)
			return -1;
		len += !rc;
	}
	*out = (struct cel_val){.kind = CEL_LIST, .items = items, .len = len};
	return 0;
}

static int same_entry(
	struct cel_run *r, const struct cel_val *a, const struct cel_val *b, struct err *err)
{
	if (a->kind != b->kind)
		return 0;
	return cel_equal(r, a, b, err);
}

/* Puts it in, or over the one with that key; value NULL: takes that one out. */
static int put_entry(struct cel_run *r, struct cel_val *items, size_t *len,
	const struct cel_val *key, const struct cel_val *value, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < *len; i++) {
		rc = same_entry(r, &items[2 * i], key, err);
		if (rc < 0)
			return -1;
		if (rc)
			break;
	}
	if (value) {
		items[2 * i] = *key;
		items[2 * i + 1] = *value;
		*len += !rc;
	} else if (rc) {
		memmove(&items[2 * i], &items[2 * i + 2], (*len - i - 1) * 2 * sizeof(*items));
		--*len;
	}
	return 0;
}

static int run_new_map(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct cel_val *items = cel_alloc(r, n->n * sizeof(*items), err), key, value;
	size_t i, len = 0;
	int rc;

	if (!items)
		return -1;
	for (i = 0; i < n->n; i += 2) {
		if (cel_run_node(r, n->kids[i], &key, err))
			return -1;
		rc = run_item(r, n->kids[i + 1], n->optional[i / 2], &value, err);
		if (rc < 0)
			return -1;
		if (!is_key(&key))
			return err_set(err, ERR_RETRY, "a '%s' is no key", cel_kind_name(key.kind));
		if (put_entry(r, items, &len, &key, rc ? NULL : &value, err))
			return -1;
	}
	*out = (struct cel_val){.kind = CEL_MAP, .items = items, .len = len};
	return 0;
}

/* ---- macros ---------------------------------------------------------------------------------- */

/* What a macro goes over: the items of a list, the keys of a map. */
struct range {
	struct cel_val of;
	struct cel_walk walk;
};

static int range_start(
	struct cel_run *r, const struct cel_node *n, struct range *range, struct err *err)
{
	*range = (struct range){0};
	if (cel_run_node(r, n->kids[0], &range->of, err))
		return -1;
	if (range->of.kind != CEL_LIST && range->of.kind != CEL_MAP)
		return err_set(err, ERR_RETRY, "a '%s' has no items to go over",
			cel_kind_name(range->of.kind));
	return 0;
}

/* 1: the next one is the variable of the macro; 0: the end; -1. */
static int range_next(
	struct cel_run *r, const struct cel_node *n, struct range *range, struct err *err)
{
	struct cel_val *item = &r->local[n->slot], value;

	if (cel_tick(r, 1, err))
		return -1;
	if (range->of.kind == CEL_MAP)
		return cel_map_next(&range->of, &range->walk, item, &value);
	if (range->walk.i == range->of.len)
		return 0;
	*item = cel_list_at(&range->of, range->walk.i++);
	return 1;
}

/* all, exists: && or || of all the tests. */
static int run_quantifier(struct cel_run *r, const struct cel_node *n, bool ends,
	struct cel_val *out, struct err *err)
{
	struct err first = {0}, now;
	struct range range;
	bool is;
	int rc;

	if (range_start(r, n, &range, err))
		return -1;
	while ((rc = range_next(r, n, &range, err)) > 0) {
		err_clear(&now);
		if (!run_test(r, n->kids[1], &is, &now)) {
			if (is == ends) {
				*out = cel_of_bool(ends);
				return 0;
			}
		} else if (r->over) {
			*err = now;
			return -1;
		} else if (first.kind == ERR_NONE) {
			first = now;
		}
	}
	*out = cel_of_bool(!ends);
	if (!rc && first.kind == ERR_NONE)
		return 0;
	if (!rc)
		*err = first;
	return -1;
}

static int run_exists_one(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct range range;
	size_t count = 0;
	bool is;
	int rc;

	if (range_start(r, n, &range, err))
		return -1;
	while ((rc = range_next(r, n, &range, err)) > 0) {
		if (run_test(r, n->kids[1], &is, err))
			return -1;
		count += is;
	}
	*out = cel_of_bool(count == 1);
	return rc;
}

/* map, filter: a new list. */
static int run_new_items(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	const struct cel_node *test = n->op == CEL_FILTER ? n->kids[1]
		: n->n == 3                               ? n->kids[2]
							  : NULL;
	struct range range;
	struct cel_val *items;
	size_t len = 0;
	bool is = true;
	int rc;

	if (range_start(r, n, &range, err))
		return -1;
	items = cel_alloc(r, range.of.len * sizeof(*items), err);
	if (!items)
		return -1;
	while ((rc = range_next(r, n, &range, err)) > 0) {
		if (test && run_test(r, test, &is, err))
			return -1;
		if (!is)
			continue;
		items[len] = r->local[n->slot];
		if (n->op == CEL_MAP_TO && cel_run_node(r, n->kids[1], &items[len], err))
			return -1;
		len++;
	}
	*out = (struct cel_val){.kind = CEL_LIST, .items = items, .len = len};
	return rc;
}

/* ---- calls ----------------------------------------------------------------------------------- */

#define ARGS_MAX 4

static int no_overload(const struct cel_node *n, const struct cel_val *args, struct err *err)
{
	char kinds[ARGS_MAX * 32] = "";
	size_t i, len = 0;

	for (i = 0; i < n->n && len < sizeof(kinds); i++)
		len += (size_t)snprintf(kinds + len, sizeof(kinds) - len, "%s%s", i ? ", " : "",
			cel_kind_name(args[i].kind));
	return err_set(err, ERR_RETRY, "no '%s' takes (%s)", n->fn->name, kinds);
}

static bool fits(const struct cel_node *n, const struct cel_val *args)
{
	bool only = n->fn->converts && n->only;

	return cel_sigs_fit(only ? n->only : n->fn->sigs, !only, args, n->n);
}

static int run_call(
	struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	struct cel_val args[ARGS_MAX];
	size_t i;

	if (n->never) {
		*out = cel_of_bool(false);
		return 0;
	}
	for (i = 0; i < n->n; i++)
		if (cel_run_node(r, n->kids[i], &args[i], err))
			return -1;
	/* The peer looks through an optional value here, and nowhere else. */
	if (n->match && args[0].kind == CEL_OPTIONAL && args[0].inner)
		args[0] = *args[0].inner;
	if (!fits(n, args))
		return no_overload(n, args, err);
	return n->match ? cel_match(r, n->match, &args[0], out, err)
			: n->fn->run(r, args, n->n, out, err);
}

int cel_run_node(struct cel_run *r, const struct cel_node *n, struct cel_val *out, struct err *err)
{
	if (cel_tick(r, 1, err))
		return -1;
	switch (n->op) {
	case CEL_LITERAL:
		*out = n->val;
		return 0;
	case CEL_IDENT:
		return run_ident(r, n, out, err);
	case CEL_SELECT:
	case CEL_OPT_SELECT:
	case CEL_HAS:
		return run_select(r, n, out, err);
	case CEL_INDEX:
	case CEL_OPT_INDEX:
		return run_index(r, n, out, err);
	case CEL_AND:
	case CEL_OR:
		return run_logic(r, n, n->op == CEL_OR, out, err);
	case CEL_COND:
		return run_cond(r, n, out, err);
	case CEL_NEW_LIST:
		return run_new_list(r, n, out, err);
	case CEL_NEW_MAP:
		return run_new_map(r, n, out, err);
	case CEL_CALL:
		return run_call(r, n, out, err);
	case CEL_OPT_OR:
	case CEL_OR_VALUE:
		return run_or(r, n, out, err);
	case CEL_ALL:
	case CEL_EXISTS:
		return run_quantifier(r, n, n->op == CEL_EXISTS, out, err);
	case CEL_EXISTS_ONE:
		return run_exists_one(r, n, out, err);
	default:
		return run_new_items(r, n, out, err);
	}
}
