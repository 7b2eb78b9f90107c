#include "text/cel.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/cel_internal.h"

#include <string.h>

struct cel {
	struct cel_tree tree;
	char *text; /* names in the tree point into it */
	int exact_var;
};

static int cel_compile(struct cel *c, const char *text, const char *const *vars,
	enum cel_kind *kind, struct err *err)
{
	size_t len = strnlen(text, LIMIT_CEL_TEXT + 1);
	int i;

	if (len > LIMIT_CEL_TEXT)
		return err_set(err, ERR_STALL, "the expression is over %llu bytes", LIMIT_CEL_TEXT);
	if (!utf8_ok(text, len))
		return err_set(err, ERR_STALL, "the expression is not UTF-8");
	c->text = mem_strndup(text, len);
	c->exact_var = -1;
	for (i = 0; vars[i]; i++)
		if (!strcmp(vars[i], "vars"))
			c->exact_var = i;
	if (cel_parse(&c->tree, c->text, len, err) || cel_check(&c->tree, vars, kind, err))
		return -1;
	return cel_fold(&c->tree, err);
}

static int cel_make(
	struct cel **out, const char *text, const char *const *vars, bool any, struct err *err)
{
	struct cel *c = NEW(struct cel);
	enum cel_kind kind;
	int rc;

	c->tree.pool.max = LIMIT_CEL_PARSED;
	rc = cel_compile(c, text, vars, &kind, err);
	if (!rc && !any && kind != CEL_BOOL)
		rc = err_set(err, ERR_STALL,
			"the type of the expression must be 'bool', it is '%s'",
			cel_kind_name(kind));
	if (rc) {
		cel_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

int cel_new(struct cel **out, const char *text, const char *const *vars, struct err *err)
{
	return cel_make(out, text, vars, false, err);
}

int cel_new_any(struct cel **out, const char *text, const char *const *vars, struct err *err)
{
	return cel_make(out, text, vars, true, err);
}

void cel_free(struct cel *c)
{
	struct cel_node *n;

	if (!c)
		return;
	for (n = c->tree.matches; n; n = n->next_match)
		match_free(n->match);
	cel_pool_release(&c->tree.pool, NULL);
	free(c->text);
	free(c);
}

static int cel_start(const struct cel *c, const json_t *const *values, struct cel_run *r,
	struct cel_val *v, struct err *err)
{
	*r = (struct cel_run){.pool = {.max = LIMIT_CEL_MEMORY},
		.steps = LIMIT_CEL_STEPS,
		.values = values,
		.exact_var = c->exact_var};
	return cel_run_node(r, c->tree.root, v, err);
}

int cel_bool(const struct cel *c, const json_t *const *values, bool *out, struct err *err)
{
	auto_free struct cel_run *r = NEW(struct cel_run);
	struct cel_val v;
	int rc = cel_start(c, values, r, &v, err);

	cel_pool_release(&r->pool, NULL);
	if (rc)
		return -1;
	if (v.kind != CEL_BOOL)
		return err_set(
			err, ERR_RETRY, "expected a bool, found a '%s'", cel_kind_name(v.kind));
	*out = v.b;
	return 0;
}

int cel_eval(const struct cel *c, const json_t *const *values, json_t **out, struct err *err)
{
	auto_free struct cel_run *r = NEW(struct cel_run);
	struct cel_val v;
	json_t *j = NULL;

	if (!cel_start(c, values, r, &v, err))
		j = cel_to_json(r, &v, err);
	cel_pool_release(&r->pool, NULL);
	if (!j)
		return -1;
	*out = j;
	return 0;
}
