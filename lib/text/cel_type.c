#include "text/cel_type.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX (LIMIT_CEL_DEPTH * 4)

static const struct {
	const char *name;
	bool usable; /* as an identifier of an expression */
} kinds[] = {
	[CEL_NULL] = {"null_type", true},
	[CEL_BOOL] = {"bool", true},
	[CEL_INT] = {"int", true},
	[CEL_UINT] = {"uint", true},
	[CEL_DOUBLE] = {"double", true},
	[CEL_STRING] = {"string", true},
	[CEL_BYTES] = {"bytes", true},
	[CEL_LIST] = {"list", true},
	[CEL_MAP] = {"map", true},
	[CEL_TIMESTAMP] = {"google.protobuf.Timestamp", true},
	[CEL_DURATION] = {"google.protobuf.Duration", true},
	[CEL_OPTIONAL] = {"optional_type", true},
	[CEL_TYPE] = {"type", true},
	[CEL_DYN] = {"dyn", false},
	[CEL_PARAM] = {"any", false},
};

const char *cel_kind_name(enum cel_kind kind)
{
	return kinds[kind].name;
}

int cel_type_named(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].usable && strlen(kinds[i].name) == len &&
			!memcmp(kinds[i].name, name, len))
			return (int)i;
	return -1;
}

void cel_types_init(struct cel_types *t)
{
	*t = (struct cel_types){.pool = {.max = LIMIT_CEL_PARSED}, .steps = LIMIT_CEL_STEPS};
}

void cel_types_clear(struct cel_types *t)
{
	cel_pool_release(&t->pool, NULL);
	free(t->bound);
	free(t->undo);
}

/* false: it goes no further. */
static bool types_step(struct cel_types *t, unsigned depth)
{
	if (t->steps && depth <= DEPTH_MAX) {
		t->steps--;
		return !t->over;
	}
	t->over = true;
	return false;
}

const struct cel_type *cel_type_plain(enum cel_kind kind)
{
	static const struct cel_type plain[] = {[CEL_NULL] = {CEL_NULL},
		[CEL_BOOL] = {CEL_BOOL},
		[CEL_INT] = {CEL_INT},
		[CEL_UINT] = {CEL_UINT},
		[CEL_DOUBLE] = {CEL_DOUBLE},
		[CEL_STRING] = {CEL_STRING},
		[CEL_BYTES] = {CEL_BYTES},
		[CEL_TIMESTAMP] = {CEL_TIMESTAMP},
		[CEL_DURATION] = {CEL_DURATION},
		[CEL_TYPE] = {CEL_TYPE},
		[CEL_DYN] = {CEL_DYN}};

	return &plain[kind];
}

const struct cel_type *cel_type_new(
	struct cel_types *t, enum cel_kind kind, const struct cel_type *a, const struct cel_type *b)
{
	struct cel_type *new = cel_pool_alloc(&t->pool, sizeof(*new));

	if (!new) {
		t->over = true;
		return cel_type_plain(CEL_DYN);
	}
	new->kind = kind;
	new->of[0] = a;
	new->of[1] = b;
	return new;
}

const struct cel_type *cel_type_param(struct cel_types *t)
{
	struct cel_type *new = cel_pool_alloc(&t->pool, sizeof(*new));

	if (!new) {
		t->over = true;
		return cel_type_plain(CEL_DYN);
	}
	if (t->params == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->bound = mem_array(t->bound, t->cap, sizeof(*t->bound));
	}
	t->bound[t->params] = NULL;
	new->kind = CEL_PARAM;
	new->param = (unsigned)t->params++;
	return new;
}

static void type_bind(struct cel_types *t, unsigned param, const struct cel_type *to)
{
	if (t->undos == t->undo_cap) {
		t->undo_cap = t->undo_cap ? t->undo_cap * 2 : 64;
		t->undo = mem_array(t->undo, t->undo_cap, sizeof(*t->undo));
	}
	t->undo[t->undos++] = (struct cel_undo){param, t->bound[param]};
	t->bound[param] = to;
}

static const struct cel_type *type_binding(const struct cel_types *t, const struct cel_type *a)
{
	return a->kind == CEL_PARAM ? t->bound[a->param] : NULL;
}

static const struct cel_type *resolve_deep(
	struct cel_types *t, const struct cel_type *a, bool final, unsigned depth)
{
	const struct cel_type *x, *y;

	while (type_binding(t, a)) {
		if (!types_step(t, depth))
			return cel_type_plain(CEL_DYN);
		a = type_binding(t, a);
	}
	if (!types_step(t, depth))
		return cel_type_plain(CEL_DYN);
	if (final && a->kind == CEL_PARAM)
		return cel_type_plain(CEL_DYN);
	if (!a->of[0])
		return a;
	x = resolve_deep(t, a->of[0], final, depth + 1);
	y = a->of[1] ? resolve_deep(t, a->of[1], final, depth + 1) : NULL;
	return x == a->of[0] && y == a->of[1] ? a : cel_type_new(t, a->kind, x, y);
}

const struct cel_type *cel_type_resolve(struct cel_types *t, const struct cel_type *a)
{
	return resolve_deep(t, a, false, 0);
}

const struct cel_type *cel_type_final(struct cel_types *t, const struct cel_type *a)
{
	return resolve_deep(t, a, true, 0);
}

static bool same_deep(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b, unsigned depth)
{
	int i;

	if (a == b)
		return true;
	if (a->kind != b->kind || !types_step(t, depth))
		return false;
	if (a->kind == CEL_PARAM)
		return a->param == b->param;
	for (i = 0; i < 2; i++)
		if (!a->of[i] != !b->of[i])
			return false;
	for (i = 0; i < 2; i++)
		if (a->of[i] && !same_deep(t, a->of[i], b->of[i], depth + 1))
			return false;
	return true;
}

bool cel_type_same(struct cel_types *t, const struct cel_type *a, const struct cel_type *b)
{
	return same_deep(t, a, b, 0);
}

/* Does a say less than b, or as much? */
static bool says_less(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b, unsigned depth)
{
	int i;

	if (a->kind == CEL_DYN || a->kind == CEL_PARAM)
		return true;
	if (a->kind != b->kind || !types_step(t, depth))
		return false;
	if (a->kind == CEL_TYPE)
		return true;
	for (i = 0; i < 2; i++)
		if (a->of[i] && !says_less(t, a->of[i], b->of[i], depth + 1))
			return false;
	return true;
}

const struct cel_type *cel_type_wider(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b)
{
	return says_less(t, a, b, 0) ? a : b;
}

/* Is the parameter a part of `in`? It could never be bound to that. */
static bool is_part(struct cel_types *t, const struct cel_type *param, const struct cel_type *in,
	unsigned depth)
{
	int i;

	if (same_deep(t, param, in, depth))
		return true;
	if (!types_step(t, depth))
		return true;
	if (in->kind == CEL_PARAM)
		return t->bound[in->param] && is_part(t, param, t->bound[in->param], depth + 1);
	for (i = 0; i < 2; i++)
		if (in->of[i] && is_part(t, param, in->of[i], depth + 1))
			return true;
	return false;
}

static bool fits_deep(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b, unsigned depth);

/* May the parameter stand for a? *had: it was bound before. */
static bool param_takes(struct cel_types *t, const struct cel_type *a, const struct cel_type *param,
	bool *had, unsigned depth)
{
	const struct cel_type *is = type_binding(t, param), *wider;

	*had = true;
	if (same_deep(t, a, param, depth))
		return true;
	if (is) {
		if (same_deep(t, a, is, depth))
			return true;
		if (!fits_deep(t, a, is, depth + 1))
			return false;
		wider = cel_type_wider(t, a, is);
		if (!is_part(t, param, wider, depth))
			type_bind(t, param->param, wider);
		return true;
	}
	*had = false;
	if (is_part(t, param, a, depth))
		return false;
	type_bind(t, param->param, a);
	return true;
}

static bool takes_null(const struct cel_type *a)
{
	return a->kind == CEL_NULL || a->kind == CEL_OPTIONAL || a->kind == CEL_TIMESTAMP ||
		a->kind == CEL_DURATION;
}

static bool fits_deep(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b, unsigned depth)
{
	bool had;
	int i;

	if (!types_step(t, depth))
		return false;
	if (b->kind == CEL_PARAM) {
		if (param_takes(t, a, b, &had, depth))
			return true;
		if (had)
			return false;
	}
	if (a->kind == CEL_PARAM)
		return param_takes(t, b, a, &had, depth);
	if (a->kind == CEL_DYN || b->kind == CEL_DYN)
		return true;
	if (a->kind == CEL_NULL)
		return takes_null(b);
	if (b->kind == CEL_NULL)
		return takes_null(a);
	if (a->kind != b->kind)
		return false;
	if (a->kind == CEL_TYPE)
		return true;
	for (i = 0; i < 2; i++)
		if (a->of[i] && !fits_deep(t, a->of[i], b->of[i], depth + 1))
			return false;
	return true;
}

bool cel_types_fit(struct cel_types *t, const struct cel_type *const *a,
	const struct cel_type *const *b, size_t n)
{
	size_t i;

	t->undos = 0;
	for (i = 0; i < n; i++)
		if (!fits_deep(t, a[i], b[i], 0))
			break;
	if (i == n)
		return true;
	while (t->undos) {
		const struct cel_undo *u = &t->undo[--t->undos];

		t->bound[u->param] = u->was;
	}
	return false;
}

bool cel_type_fits(struct cel_types *t, const struct cel_type *a, const struct cel_type *b)
{
	return cel_types_fit(t, &a, &b, 1);
}

static void show_deep(struct cel_types *t, const struct cel_type *a, struct buf *b, unsigned depth)
{
	while (type_binding(t, a))
		a = type_binding(t, a);
	buf_adds(b, cel_kind_name(a->kind));
	if (!a->of[0] || buf_over(b) || depth > DEPTH_MAX)
		return;
	buf_addc(b, '(');
	show_deep(t, a->of[0], b, depth + 1);
	if (a->of[1]) {
		buf_adds(b, ", ");
		show_deep(t, a->of[1], b, depth + 1);
	}
	buf_addc(b, ')');
}

const char *cel_type_show(struct cel_types *t, const struct cel_type *a, char out[CEL_TYPE_TEXT])
{
	auto_buf struct buf b = BUF_INIT(CEL_TYPE_TEXT - 1);

	show_deep(t, a, &b, 0);
	snprintf(out, CEL_TYPE_TEXT, "%s%s", buf_str(&b), buf_over(&b) ? "..." : "");
	return out;
}
