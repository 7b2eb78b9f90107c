/*
 * Names get their meaning and nodes their types, after cel-spec's "Gradual type checking" and what
 * cel-go's checker makes of it. The first mistake ends it.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "text/cel_type.h"

#include <string.h>

struct local {
	const char *name;
	size_t len;
	const struct cel_type *type;
};

struct checker {
	struct cel_types types;
	struct cel_tree *tree;
	const char *const *vars;
	const struct cel_type *var_type;
	struct local local[LIMIT_CEL_DEPTH];
	int locals;
	struct err *err;
};

static int check_node(struct checker *c, struct cel_node *n);

static const struct cel_type *plain(enum cel_kind kind)
{
	return cel_type_plain(kind);
}

static int mismatch(struct checker *c, const struct cel_node *n, const struct cel_type *want,
	const struct cel_type *is)
{
	char a[CEL_TYPE_TEXT], b[CEL_TYPE_TEXT];

	return cel_refuse(c->err, n->pos, "expected type '%s', found '%s'",
		cel_type_show(&c->types, want, a), cel_type_show(&c->types, is, b));
}

static int check_fits(struct checker *c, const struct cel_node *n, enum cel_kind kind)
{
	if (cel_type_fits(&c->types, n->type, plain(kind)))
		return 0;
	return mismatch(c, n, plain(kind), n->type);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool same_name(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

static int find_local(const struct checker *c, const struct cel_node *n)
{
	int i;

	if (n->absolute)
		return -1;
	for (i = c->locals - 1; i >= 0; i--)
		if (same_name(c->local[i].name, c->local[i].len, n->name, n->name_len))
			return i;
	return -1;
}

static int find_var(const struct checker *c, const struct cel_node *n)
{
	int i;

	for (i = 0; c->vars[i]; i++)
		if (same_name(c->vars[i], strlen(c->vars[i]), n->name, n->name_len))
			return i;
	return -1;
}

#define NAME_MAX_LEN 128

/* a.b.c as text; false: it is something else, or too long to be a name that we know. */
static bool qualified_name(const struct cel_node *n, char out[NAME_MAX_LEN], size_t *len)
{
	if (n->op == CEL_IDENT) {
		*len = 0;
	} else {
		if (n->op != CEL_SELECT || !qualified_name(n->kids[0], out, len))
			return false;
		out[(*len)++] = '.';
	}
	if (*len + n->name_len + 2 > NAME_MAX_LEN)
		return false;
	memcpy(out + *len, n->name, n->name_len);
	*len += n->name_len;
	return true;
}

static void make_type_literal(struct checker *c, struct cel_node *n, int kind)
{
	const struct cel_type *dyn = plain(CEL_DYN), *of = plain((enum cel_kind)kind);

	if (kind == CEL_LIST || kind == CEL_MAP || kind == CEL_OPTIONAL)
		of = cel_type_new(
			&c->types, (enum cel_kind)kind, dyn, kind == CEL_MAP ? dyn : NULL);
	n->op = CEL_LITERAL;
	n->val = (struct cel_val){.kind = CEL_TYPE, .type = (enum cel_kind)kind};
	n->type = cel_type_new(&c->types, CEL_TYPE, of, NULL);
	n->n = 0;
}

static int check_ident(struct checker *c, struct cel_node *n)
{
	int i = find_local(c, n), kind;

	if (i >= 0) {
		n->slot = i;
		n->type = c->local[i].type;
		return 0;
	}
	i = find_var(c, n);
	if (i >= 0) {
		n->slot = -1 - i;
		n->type = c->var_type;
		return 0;
	}
	kind = cel_type_named(n->name, n->name_len);
	if (kind < 0)
		return cel_refuse(c->err, n->pos, "there is no variable '%.*s'",
			(int)(n->name_len < 80 ? n->name_len : 80), n->name);
	make_type_literal(c, n, kind);
	return 0;
}

/* Is it google.protobuf.Timestamp or its like? */
static bool is_type_name(struct checker *c, struct cel_node *n)
{
	const struct cel_node *root = n;
	char name[NAME_MAX_LEN];
	size_t len;
	int kind;

	if (!qualified_name(n, name, &len))
		return false;
	while (root->op != CEL_IDENT)
		root = root->kids[0];
	kind = cel_type_named(name, len);
	if (kind < 0 || find_local(c, root) >= 0)
		return false;
	make_type_literal(c, n, kind);
	return true;
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* The type of kids[0].name. */
static int check_field(struct checker *c, struct cel_node *n, const struct cel_type **out)
{
	const struct cel_type *of, *in;
	char text[CEL_TYPE_TEXT];
	bool optional;

	if (check_node(c, n->kids[0]))
		return -1;
	of = cel_type_resolve(&c->types, n->kids[0]->type);
	optional = of->kind == CEL_OPTIONAL;
	in = optional ? of->of[0] : of;
	if (in->kind == CEL_PARAM && !cel_type_fits(&c->types, plain(CEL_DYN), in))
		return mismatch(c, n, plain(CEL_DYN), in);
	if (in->kind == CEL_MAP)
		*out = in->of[1];
	else if (in->kind == CEL_DYN || in->kind == CEL_PARAM)
		*out = plain(CEL_DYN);
	else
		return cel_refuse(c->err, n->pos, "a value of type '%s' has no field '%.*s'",
			cel_type_show(&c->types, in, text),
			(int)(n->name_len < 80 ? n->name_len : 80), n->name);
	if (optional || n->op == CEL_OPT_SELECT)
		*out = cel_type_new(&c->types, CEL_OPTIONAL, *out, NULL);
	return 0;
}

static int check_select(struct checker *c, struct cel_node *n)
{
	const struct cel_type *type;

	if (n->op == CEL_SELECT && is_type_name(c, n))
		return 0;
	if (check_field(c, n, &type))
		return -1;
	n->type = n->op == CEL_HAS ? plain(CEL_BOOL) : cel_type_resolve(&c->types, type);
	return 0;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* One type of a signature; params: what A and B are. */
static const struct cel_type *read_type(
	struct checker *c, const char **sig, const struct cel_type *params[2])
{
	static const char letters[] = "nbiudsytr*";
	static const enum cel_kind kinds[] = {CEL_NULL, CEL_BOOL, CEL_INT, CEL_UINT, CEL_DOUBLE,
		CEL_STRING, CEL_BYTES, CEL_TIMESTAMP, CEL_DURATION, CEL_DYN};
	static const char parts[] = "[{?T";
	static const enum cel_kind with_parts[] = {CEL_LIST, CEL_MAP, CEL_OPTIONAL, CEL_TYPE};
	const struct cel_type *a, *b = NULL;
	char letter = *(*sig)++;

	if (letter == 'A' || letter == 'B') {
		const struct cel_type **p = &params[letter - 'A'];

		if (!*p)
			*p = cel_type_param(&c->types);
		return *p;
	}
	if (strchr(parts, letter)) {
		a = read_type(c, sig, params);
		if (letter == '{')
			b = read_type(c, sig, params);
		return cel_type_new(&c->types, with_parts[strchr(parts, letter) - parts], a, b);
	}
	return plain(kinds[strchr(letters, letter) - letters]);
}

#define ARGS_MAX 4

/* Tries one overload; *sig goes to the next one. */
static const struct cel_type *try_overload(
	struct checker *c, const char **sig, const struct cel_type *const *args, size_t n)
{
	const struct cel_type *params[2] = {0}, *want[ARGS_MAX], *result;
	size_t count = 0;

	while (**sig != ':')
		want[count++] = read_type(c, sig, params);
	(*sig)++;
	result = read_type(c, sig, params);
	*sig += **sig == ' ';
	if (count != n || !cel_types_fit(&c->types, args, want, n))
		return NULL;
	return cel_type_resolve(&c->types, result);
}

static int no_overload(struct checker *c, const struct cel_node *n)
{
	char text[CEL_TYPE_TEXT], all[3 * CEL_TYPE_TEXT] = "";
	size_t i, len = 0;

	for (i = 0; i < n->n && len < sizeof(all); i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
			cel_type_show(&c->types, n->kids[i]->type, text));
	return cel_refuse(c->err, n->pos, "no '%s' takes (%s)", n->fn->name, all);
}

/* All overloads that fit decide the type together: different ones make it dyn. */
static int check_overloads(struct checker *c, struct cel_node *n)
{
	const struct cel_type *args[ARGS_MAX], *type = NULL, *one;
	const char *sig = n->fn->sigs, *at;
	size_t i, count = 0;

	if (n->n > ARGS_MAX)
		return no_overload(c, n);
	for (i = 0; i < n->n; i++)
		args[i] = n->kids[i]->type;
	while (*sig) {
		at = sig;
		one = try_overload(c, &sig, args, n->n);
		if (!one)
			continue;
		n->only = count++ ? NULL : at;
		if (!type)
			type = one;
		else if (type->kind != CEL_DYN && !cel_type_same(&c->types, one, type))
			type = plain(CEL_DYN);
	}
	if (!type)
		return no_overload(c, n);
	n->type = type;
	return 0;
}

static int unknown_function(struct checker *c, const struct cel_node *n)
{
	char name[NAME_MAX_LEN] = "";
	const struct cel_node *root = n->member ? n->kids[0] : NULL;
	size_t len = 0;

	/* math.greatest(x) is a function's whole name, x.greatest() is not. */
	if (root && qualified_name(root, name, &len)) {
		while (root->op != CEL_IDENT)
			root = root->kids[0];
		if (find_local(c, root) >= 0 || find_var(c, root) >= 0)
			len = 0;
	}
	return cel_refuse(c->err, n->pos, "the function '%.*s%s%.*s' is not supported", (int)len,
		name, len ? "." : "", (int)(n->name_len < 80 ? n->name_len : 80), n->name);
}

/* sets.contains(a, b) was read as a call of a variable's member. */
static const struct cel_fn *qualified_function(struct cel_node *n)
{
	const struct cel_fn *fn;
	char name[2 * NAME_MAX_LEN];
	size_t len;

	if (!n->member || !qualified_name(n->kids[0], name, &len) || n->name_len >= NAME_MAX_LEN)
		return NULL;
	name[len++] = '.';
	memcpy(name + len, n->name, n->name_len);
	fn = cel_fn_find(name, len + n->name_len);
	if (!fn)
		return NULL;
	n->member = false;
	n->kids++;
	n->n--;
	return fn;
}

static int check_call(struct checker *c, struct cel_node *n)
{
	size_t i;

	n->fn = qualified_function(n);
	if (!n->fn)
		n->fn = cel_fn_find(n->name, n->name_len);
	if (!n->fn || (n->member ? !n->fn->member : !n->fn->global))
		return unknown_function(c, n);
	/* Of x.f(y), y goes first: it may bind what x is. */
	for (i = n->member; i < n->n; i++)
		if (check_node(c, n->kids[i]))
			return -1;
	if ((n->member && check_node(c, n->kids[0])) || check_overloads(c, n))
		return -1;
	/* These two do not evaluate what they do not need. */
	if (n->op == CEL_CALL && !strcmp(n->fn->name, "or"))
		n->op = CEL_OPT_OR;
	else if (n->op == CEL_CALL && !strcmp(n->fn->name, "orValue"))
		n->op = CEL_OR_VALUE;
	return 0;
}

static int check_logic(struct checker *c, struct cel_node *n)
{
	size_t i;

	for (i = 0; i < n->n; i++)
		if (check_node(c, n->kids[i]))
			return -1;
	for (i = 0; i < n->n; i++)
		if (check_fits(c, n->kids[i], CEL_BOOL))
			return -1;
	n->type = plain(CEL_BOOL);
	return 0;
}

/* ---- lists and maps -------------------------------------------------------------------------- */

/* The type of all items: *all is that of those so far, NULL at first. They need not fit now, but
   check_literals() asks whether they are the same in the end. */
static void join_types(struct checker *c, const struct cel_type *is, const struct cel_type **all)
{
	if (!*all)
		*all = is;
	else if (cel_type_fits(&c->types, *all, is))
		*all = cel_type_wider(&c->types, *all, is);
	else
		*all = plain(CEL_DYN);
}

/* Of an item with ?, what it holds. One that may be anything is refused: the peer has no answer to
   it. */
static int unwrapped(
	struct checker *c, const struct cel_node *n, bool optional, const struct cel_type **out)
{
	*out = n->type;
	if (!optional)
		return 0;
	if (n->type->kind == CEL_OPTIONAL) {
		*out = n->type->of[0];
		return 0;
	}
	return mismatch(c, n, cel_type_new(&c->types, CEL_OPTIONAL, n->type, NULL), n->type);
}

static int check_new_list(struct checker *c, struct cel_node *n)
{
	const struct cel_type *all = NULL, *is;
	size_t i;

	for (i = 0; i < n->n; i++) {
		if (check_node(c, n->kids[i]) || unwrapped(c, n->kids[i], n->optional[i], &is))
			return -1;
		join_types(c, is, &all);
	}
	if (!all)
		all = cel_type_param(&c->types);
	n->type = cel_type_new(&c->types, CEL_LIST, all, NULL);
	return 0;
}

static int check_new_map(struct checker *c, struct cel_node *n)
{
	const struct cel_type *keys = NULL, *values = NULL, *is;
	size_t i;

	for (i = 0; i < n->n; i += 2) {
		struct cel_node *key = n->kids[i], *value = n->kids[i + 1];

		if (check_node(c, key))
			return -1;
		join_types(c, key->type, &keys);
		if (check_node(c, value) || unwrapped(c, value, n->optional[i / 2], &is))
			return -1;
		join_types(c, is, &values);
	}
	if (!keys) {
		keys = cel_type_param(&c->types);
		values = cel_type_param(&c->types);
	}
	n->type = cel_type_new(&c->types, CEL_MAP, keys, values);
	return 0;
}

/* Is this item of the type that the first one has? */
static int check_item(
	struct checker *c, const struct cel_node *n, bool optional, const struct cel_type **first)
{
	const struct cel_type *is = cel_type_final(&c->types, n->type);

	if (optional)
		is = is->of[0];
	if (!*first)
		*first = is;
	return cel_type_same(&c->types, is, *first) ? 0 : mismatch(c, n, *first, is);
}

/* When all types are known: lists and maps have one type of items, and one of keys. */
static int check_literals(struct checker *c, const struct cel_node *n)
{
	const struct cel_type *first[2] = {0};
	size_t i, per = n->op == CEL_NEW_MAP ? 2 : 1, last = per - 1;

	/* The peer looks for a type of that name. */
	if (n->op == CEL_IDENT && cel_type_final(&c->types, n->type)->kind == CEL_TYPE)
		return cel_refuse(c->err, n->pos, "a variable may not be a type");
	for (i = 0; i < n->n; i++) {
		if (check_literals(c, n->kids[i]))
			return -1;
		if ((n->op == CEL_NEW_LIST || n->op == CEL_NEW_MAP) &&
			check_item(c, n->kids[i], i % per == last && n->optional[i / per],
				&first[i % per]))
			return -1;
	}
	return 0;
}

/* ---- macros ---------------------------------------------------------------------------------- */

/* What the variable of a macro is. */
static int check_range(struct checker *c, const struct cel_node *n, const struct cel_type **out)
{
	const struct cel_type *range = cel_type_resolve(&c->types, n->type);
	char text[CEL_TYPE_TEXT];

	*out = plain(CEL_DYN);
	if (range->kind == CEL_LIST || range->kind == CEL_MAP)
		*out = range->of[0];
	else if (range->kind == CEL_PARAM)
		return cel_type_fits(&c->types, plain(CEL_DYN), range)
			? 0
			: mismatch(c, n, plain(CEL_DYN), range);
	else if (range->kind != CEL_DYN)
		return cel_refuse(c->err, n->pos, "a value of type '%s' has no items to go over",
			cel_type_show(&c->types, range, text));
	return 0;
}

static int check_fold(struct checker *c, struct cel_node *n)
{
	const struct cel_type *item;
	struct local *l = &c->local[c->locals];
	size_t i;

	if (check_node(c, n->kids[0]) || check_range(c, n->kids[0], &item))
		return -1;
	/* A tree of LIMIT_CEL_DEPTH has no more macros inside each other. */
	BUG_IF(c->locals >= LIMIT_CEL_DEPTH);
	*l = (struct local){n->name, n->name_len, item};
	n->slot = c->locals++;
	for (i = n->n - 1; i > 0; i--)
		if (check_node(c, n->kids[i]))
			return -1;
	c->locals--;
	if (n->op != CEL_MAP_TO && check_fits(c, n->kids[1], CEL_BOOL))
		return -1;
	if (n->op == CEL_MAP_TO && n->n == 3 && check_fits(c, n->kids[2], CEL_BOOL))
		return -1;
	if (n->op == CEL_MAP_TO)
		item = n->kids[1]->type;
	n->type = n->op == CEL_MAP_TO || n->op == CEL_FILTER
		? cel_type_new(&c->types, CEL_LIST, item, NULL)
		: plain(CEL_BOOL);
	n->type = cel_type_resolve(&c->types, n->type);
	return 0;
}

/* ---------------------------------------------------------------------------------------------- */

static int check_op(struct checker *c, struct cel_node *n)
{
	switch (n->op) {
	case CEL_LITERAL:
		n->type = plain(n->val.kind);
		return 0;
	case CEL_IDENT:
		return check_ident(c, n);
	case CEL_SELECT:
	case CEL_OPT_SELECT:
	case CEL_HAS:
		return check_select(c, n);
	case CEL_AND:
	case CEL_OR:
		return check_logic(c, n);
	case CEL_NEW_LIST:
		return check_new_list(c, n);
	case CEL_NEW_MAP:
		return check_new_map(c, n);
	case CEL_INDEX:
	case CEL_OPT_INDEX:
	case CEL_COND:
	case CEL_CALL:
	case CEL_OPT_OR:
	case CEL_OR_VALUE:
		return check_call(c, n);
	default:
		return check_fold(c, n);
	}
}

static int too_complex(struct checker *c, const struct cel_node *n)
{
	return cel_refuse(c->err, n->pos, "the types of the expression are too complex");
}

static int check_node(struct checker *c, struct cel_node *n)
{
	if (check_op(c, n))
		return -1;
	return c->types.over ? too_complex(c, n) : 0;
}

/* They go with the checker. */
static void forget_types(struct cel_node *n)
{
	size_t i;

	n->type = NULL;
	for (i = 0; i < n->n; i++)
		forget_types(n->kids[i]);
}

int cel_check(struct cel_tree *t, const char *const *vars, enum cel_kind *kind, struct err *err)
{
	struct checker c = {.tree = t, .vars = vars, .err = err};
	int rc;

	cel_types_init(&c.types);
	c.var_type = cel_type_new(
		&c.types, CEL_MAP, cel_type_plain(CEL_STRING), cel_type_plain(CEL_DYN));
	rc = check_node(&c, t->root) || check_literals(&c, t->root) ? -1 : 0;
	if (!rc && c.types.over)
		rc = too_complex(&c, t->root);
	if (!rc)
		*kind = cel_type_final(&c.types, t->root->type)->kind;
	forget_types(t->root);
	cel_types_clear(&c.types);
	return rc;
}
