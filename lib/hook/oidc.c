#include "hook/oidc.h"

#include "base/limits.h"
#include "base/obj.h"
#include "base/vec.h"
#include "text/cel.h"

#include <string.h>

struct variable {
	char *name, *value;
};

struct validation {
	char *message, *check;
};

struct hook_provider {
	char *issuer, *audience;
	VEC(struct variable) variables;
	VEC(struct validation) validations;
};

struct hook_oidc {
	unsigned owners;
	size_t text; /* bytes of all expressions */
	VEC(struct hook_provider) providers;
};

static const char *const names[] = {"claims", "vars", NULL};

/* ---- reading --------------------------------------------------------------------------------- */

static const char *text_get(const json_t *o, const char *name, struct err *err)
{
	const char *text = obj_str(o, name);

	if (!text || !*text) {
		err_set(err, ERR_STALL, "%s is required", name);
		return NULL;
	}
	if (strlen(text) <= LIMIT_SPEC_TEXT)
		return text;
	err_set(err, ERR_STALL, "%s is longer than %llu bytes", name, LIMIT_SPEC_TEXT);
	return NULL;
}

/* All expressions are compiled in one go. */
static const char *expression_get(struct hook_oidc *all, const json_t *o, struct err *err)
{
	const char *text = text_get(o, "expression", err);

	if (!text)
		return NULL;
	all->text += strlen(text);
	if (all->text <= LIMIT_HOOK_EXPRESSION_TEXT)
		return text;
	err_set(err, ERR_STALL, "the expressions are longer than %llu bytes together",
		LIMIT_HOOK_EXPRESSION_TEXT);
	return NULL;
}

static int variable_read(
	struct hook_oidc *all, struct hook_provider *p, const json_t *o, struct err *err)
{
	const char *name = text_get(o, "name", err);
	const char *text = name ? expression_get(all, o, err) : NULL;

	if (!text)
		return -1;
	*vec_add(&p->variables) = (struct variable){mem_strdup(name), mem_strdup(text)};
	return 0;
}

static int validation_read(
	struct hook_oidc *all, struct hook_provider *p, const json_t *o, struct err *err)
{
	const char *text = expression_get(all, o, err);
	const char *message = text ? text_get(o, "message", err) : NULL;

	if (!message)
		return -1;
	*vec_add(&p->validations) = (struct validation){mem_strdup(message), mem_strdup(text)};
	return 0;
}

/* Each of the list `name`, which may not be there. */
static int list_read(struct hook_oidc *all, struct hook_provider *p, const json_t *o,
	const char *name,
	int (*read)(
		struct hook_oidc *all, struct hook_provider *p, const json_t *o, struct err *err),
	struct err *err)
{
	const json_t *list = obj_get(o, name);
	size_t n = json_array_size(list), i;

	if (n > LIMIT_HOOK_EXPRESSIONS)
		return err_set(err, ERR_STALL, "%s has more than %d entries", name,
			LIMIT_HOOK_EXPRESSIONS);
	for (i = 0; i < n; i++)
		if (read(all, p, json_array_get(list, i), err))
			return err_wrap(err, "%s[%zu]", name, i);
	return 0;
}

static int issuer_read(
	struct hook_oidc *all, struct hook_provider *p, const json_t *o, struct err *err)
{
	const char *issuer = text_get(o, "issuerURL", err);

	if (!issuer)
		return -1;
	if (strncmp(issuer, "https://", 8) != 0 && strncmp(issuer, "http://", 7) != 0)
		return err_set(err, ERR_STALL,
			"issuerURL '%.300s' begins with neither 'https://' nor 'http://'", issuer);
	if (hook_oidc_find(all, issuer))
		return err_set(err, ERR_STALL, "issuerURL '%.300s' is there twice", issuer);
	p->issuer = mem_strdup(issuer);
	p->audience = mem_strdup(obj_str_or(HOOK_OIDC_AUDIENCE, o, "audience"));
	return 0;
}

static int provider_read(
	struct hook_oidc *all, struct hook_provider *p, const json_t *o, struct err *err)
{
	if (issuer_read(all, p, o, err) || list_read(all, p, o, "variables", variable_read, err) ||
		list_read(all, p, o, "validations", validation_read, err))
		return -1;
	if (!p->validations.len)
		return err_set(err, ERR_STALL,
			"validations is empty: anybody with a token of this issuer could call");
	return 0;
}

/* ---- owners ---------------------------------------------------------------------------------- */

static void provider_clear(struct hook_provider *p)
{
	struct validation *c;
	struct variable *v;

	vec_each (&p->variables, v) {
		free(v->name);
		free(v->value);
	}
	vec_each (&p->validations, c) {
		free(c->message);
		free(c->check);
	}
	vec_clear(&p->variables);
	vec_clear(&p->validations);
	free(p->issuer);
	free(p->audience);
}

int hook_oidc_new(struct hook_oidc **out, const json_t *providers, struct err *err)
{
	size_t n = json_array_size(providers), i;
	struct hook_oidc *o;

	if (!n || n > LIMIT_HOOK_ISSUERS)
		return err_set(err, ERR_STALL, "oidcProviders has %zu entries, it needs 1 to %d", n,
			LIMIT_HOOK_ISSUERS);
	o = NEW(struct hook_oidc);
	o->owners = 1;
	for (i = 0; i < n; i++) {
		struct hook_provider p = {0};
		int rc = provider_read(o, &p, json_array_get(providers, i), err);

		*vec_add(&o->providers) = p;
		if (rc) {
			hook_oidc_unref(o);
			return err_wrap(err, "oidcProviders[%zu]", i);
		}
	}
	*out = o;
	return 0;
}

struct hook_oidc *hook_oidc_ref(struct hook_oidc *o)
{
	if (o)
		o->owners++;
	return o;
}

void hook_oidc_unref(struct hook_oidc *o)
{
	struct hook_provider *p;

	if (!o || --o->owners)
		return;
	vec_each (&o->providers, p)
		provider_clear(p);
	vec_clear(&o->providers);
	free(o);
}

/* ---- compiling ------------------------------------------------------------------------------- */

typedef int cel_new_fn(
	struct cel **out, const char *text, const char *const *vars, struct err *err);

static int expression_check(
	cel_new_fn *make, const char *text, const char *list, size_t nth, struct err *err)
{
	struct cel *c;

	if (make(&c, text, names, err))
		return err_wrap(err, "%s[%zu]: expression", list, nth);
	cel_free(c);
	return 0;
}

static int provider_check(const struct hook_provider *p, const atomic_bool *stop, struct err *err)
{
	size_t i;

	for (i = 0; i < p->variables.len && !*stop; i++)
		if (expression_check(cel_new_any, p->variables.p[i].value, "variables", i, err))
			return -1;
	for (i = 0; i < p->validations.len && !*stop; i++)
		if (expression_check(cel_new, p->validations.p[i].check, "validations", i, err))
			return -1;
	return 0;
}

int hook_oidc_check(const struct hook_oidc *o, const atomic_bool *stop, struct err *err)
{
	size_t i;

	for (i = 0; i < o->providers.len; i++)
		if (provider_check(&o->providers.p[i], stop, err))
			return err_wrap(err, "oidcProviders[%zu]", i);
	return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

const struct hook_provider *hook_oidc_find(const struct hook_oidc *o, const char *issuer)
{
	const struct hook_provider *p;

	if (o)
		vec_each (&o->providers, p)
			if (!strcmp(p->issuer, issuer))
				return p;
	return NULL;
}

const char *hook_provider_issuer(const struct hook_provider *p)
{
	return p->issuer;
}

const char *hook_provider_audience(const struct hook_provider *p)
{
	return p->audience;
}

static int text_eval(
	const char *text, const json_t *claims, const json_t *vars, json_t **out, struct err *err)
{
	struct cel *c;
	int rc;

	if (cel_new_any(&c, text, names, err))
		return -1;
	rc = cel_eval(c, (const json_t *const[]){claims, vars}, out, err);
	cel_free(c);
	return rc;
}

static int text_holds(
	const char *text, const json_t *claims, const json_t *vars, bool *yes, struct err *err)
{
	struct cel *c;
	int rc;

	if (cel_new(&c, text, names, err))
		return -1;
	rc = cel_bool(c, (const json_t *const[]){claims, vars}, yes, err);
	cel_free(c);
	return rc;
}

/* Each sees those before it. */
static int variables_fill(
	const struct hook_provider *p, const json_t *claims, json_t *vars, struct err *err)
{
	const struct variable *v;
	json_t *value;

	vec_each (&p->variables, v) {
		if (text_eval(v->value, claims, vars, &value, err))
			return err_wrap(err, "the variable '%.100s'", v->name);
		if (json_object_set_new(vars, v->name, value))
			return err_set(err, ERR_RETRY, "the variable '%.100s' is no text", v->name);
	}
	return 0;
}

int hook_oidc_judge(const struct hook_provider *p, json_t *claims, struct err *err)
{
	auto_json json_t *vars = json_object();
	auto_buf struct buf failed = BUF_INIT(ERR_MSG_MAX);
	const struct validation *c;
	bool yes;

	if (variables_fill(p, claims, vars, err))
		return -1;
	vec_each (&p->validations, c) {
		if (text_holds(c->check, claims, vars, &yes, err))
			return err_wrap(err, "the validation '%.100s'", c->message);
		if (!yes)
			buf_addf(&failed, "%s%s", failed.len ? "; " : "", c->message);
	}
	if (failed.len || buf_over(&failed))
		return err_set(err, ERR_RETRY, "claims: %.500s", buf_str(&failed));
	return 0;
}
