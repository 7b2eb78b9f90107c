/*
 * cel-go evaluates some constant parts while it compiles, and refuses the whole when one fails,
 * needed or not: int('x'), timestamp(''), 'a'.matches('('), x[null]. So do we. What is constant is
 * its notion: no operator makes a constant of constants.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/cel_internal.h"

#include <string.h>

static int fold_node(struct cel_tree *t, struct cel_node *n, struct err *err);

static int fold_value(
	const struct cel_node *n, struct cel_run *r, struct cel_val *out, struct err *err)
{
	*r = (struct cel_run){
		.pool = {.max = LIMIT_CEL_MEMORY}, .steps = LIMIT_CEL_STEPS, .exact_var = -1};
	return cel_run_node(r, n, out, err);
}

static int refuse_constant(const struct cel_node *n, const struct err *why, struct err *err)
{
	size_t len = utf8_cut(why->msg, strlen(why->msg), 400);

	return cel_refuse(err, n->pos, "%.*s", (int)len, why->msg);
}

static int fold_conversion(struct cel_node *n, struct err *err)
{
	auto_free struct cel_run *r = NEW(struct cel_run);
	struct err why = {0};
	struct cel_val v;
	int rc = fold_value(n, r, &v, &why);

	cel_pool_release(&r->pool, NULL);
	n->constant = true;
	return rc ? refuse_constant(n, &why, err) : 0;
}

/* Each pattern that is kept may take LIMIT_PATTERN_MEMORY, so there are not many. */
static int keep_pattern(
	struct cel_tree *t, struct cel_node *n, const struct cel_val *v, struct err *why)
{
	auto_free char *pattern = mem_strndup(v->s, v->len);

	if (memchr(v->s, 0, v->len))
		return err_set(why, ERR_STALL, "a pattern with a NUL is not supported");
	if (t->patterns == LIMIT_CEL_PATTERNS)
		return err_set(why, ERR_STALL, "more than %d patterns", LIMIT_CEL_PATTERNS);
	if (match_new(&n->match, pattern, why))
		return -1;
	n->next_match = t->matches;
	t->matches = n;
	t->patterns++;
	t->program += match_program(n->match);
	if (t->program > LIMIT_PATTERN_PROGRAM)
		return err_set(why, ERR_STALL, "the patterns are too large together");
	return 0;
}

static int fold_pattern(struct cel_tree *t, struct cel_node *n, struct err *err)
{
	auto_free struct cel_run *r = NEW(struct cel_run);
	struct err why = {0};
	struct cel_val v;
	int rc = fold_value(n->kids[1], r, &v, &why);

	if (!rc && v.kind == CEL_STRING)
		rc = keep_pattern(t, n, &v, &why);
	cel_pool_release(&r->pool, NULL);
	return rc ? refuse_constant(n, &why, err) : 0;
}

static int fold_index(struct cel_node *n, struct err *err)
{
	auto_free struct cel_run *r = NEW(struct cel_run);
	struct err why = {0};
	struct cel_val v;
	int rc = fold_value(n->kids[1], r, &v, &why);

	if (!rc && (v.kind == CEL_NULL || v.kind > CEL_STRING))
		rc = err_set(&why, ERR_STALL, "a '%s' is no key", cel_kind_name(v.kind));
	cel_pool_release(&r->pool, NULL);
	return rc ? refuse_constant(n, &why, err) : 0;
}

static int fold_call(struct cel_tree *t, struct cel_node *n, struct err *err)
{
	if (n->fn->converts && n->kids[0]->constant)
		return fold_conversion(n, err);
	if (!strcmp(n->fn->name, "matches") && n->kids[1]->constant)
		return fold_pattern(t, n, err);
	/* `x in []` is false even when there is no x. */
	n->never = !strcmp(n->fn->name, "@in") && n->kids[1]->op == CEL_NEW_LIST && !n->kids[1]->n;
	n->constant = n->never;
	return 0;
}

static int fold_node(struct cel_tree *t, struct cel_node *n, struct err *err)
{
	bool all = true;
	size_t i;

	for (i = 0; i < n->n; i++) {
		if (fold_node(t, n->kids[i], err))
			return -1;
		all = all && n->kids[i]->constant;
	}
	if (n->op == CEL_LITERAL)
		n->constant = true;
	else if (n->op == CEL_NEW_LIST || n->op == CEL_NEW_MAP)
		n->constant = all;
	else if (n->op == CEL_CALL)
		return fold_call(t, n, err);
	else if ((n->op == CEL_INDEX || n->op == CEL_OPT_INDEX) && n->kids[1]->constant)
		return fold_index(n, err);
	return 0;
}

int cel_fold(struct cel_tree *t, struct err *err)
{
	return fold_node(t, t->root, err);
}
