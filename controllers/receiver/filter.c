#include "controllers/receiver/filter.h"

#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "controllers/receiver/spec.h"
#include "ev/op.h"
#include "ev/work.h"
#include "hook/oidc.h"
#include "text/cel.h"

#include <string.h>

/* Of a token's claims only generic-oidc knows. */
static const char *const VARS[] = {"res", "req", NULL};
static const char *const VARS_OIDC[] = {"res", "req", "claims", NULL};

/* ---- what was said --------------------------------------------------------------------------- */

struct receiver_said *receiver_said_ref(struct receiver_said *s)
{
	s->refs++;
	return s;
}

void receiver_said_unref(struct receiver_said *s)
{
	if (!s || --s->refs)
		return;
	op_free(s->check);
	free(s);
}

/* ---- the job --------------------------------------------------------------------------------- */

/* An expression, where it stands in the spec, and what became of it. */
struct expr {
	char *text; /* NULL: there is none */
	struct cel *cel;
	bool tried;
	struct err err; /* of compiling it */
};

struct object {
	size_t resource;
	char *text;
	int result;
	struct err *err; /* NULL: none */
};

struct receiver_filter {
	bool oidc;
	struct hook_oidc *issuers; /* to be checked; NULL: none */
	struct expr all; /* resourceFilter */
	VEC(struct expr) each; /* of resources, by their number */
	VEC(struct object) objects;
	struct receiver_said *said;
};

static void expr_clear(struct expr *e)
{
	free(e->text);
	cel_free(e->cel);
}

void receiver_filter_free(struct receiver_filter *f)
{
	struct object *o;
	struct expr *e;

	if (!f)
		return;
	hook_oidc_unref(f->issuers);
	expr_clear(&f->all);
	vec_each (&f->each, e)
		expr_clear(e);
	vec_clear(&f->each);
	vec_each (&f->objects, o) {
		free(o->text);
		free(o->err);
	}
	vec_clear(&f->objects);
	receiver_said_unref(f->said);
	free(f);
}

static void job_free(void *job)
{
	receiver_filter_free(job);
}

struct receiver_filter *receiver_filter_new(const struct receiver_spec *s)
{
	struct receiver_filter *f = NEW(struct receiver_filter);
	const struct receiver_resource *r;

	f->oidc = s->type && s->type->by_issuer;
	f->all.text = mem_strdup(s->filter);
	vec_each (&s->resources, r)
		*vec_add(&f->each) = (struct expr){.text = mem_strdup(r->filter)};
	return f;
}

size_t receiver_filter_add(struct receiver_filter *f, size_t resource, char *text)
{
	*vec_add(&f->objects) = (struct object){.resource = resource, .text = text};
	return f->objects.len - 1;
}

/* ---- on a worker ----------------------------------------------------------------------------- */

static int expr_compile(const struct receiver_filter *f, struct expr *e)
{
	if (!e->tried && cel_new(&e->cel, e->text, f->oidc ? VARS_OIDC : VARS, &e->err))
		e->cel = NULL;
	e->tried = true;
	return e->cel ? 0 : -1;
}

/* -1: the error. */
static int expr_holds(const struct receiver_filter *f, struct expr *e, const json_t *res,
	const struct hook_verdict *v, struct err *err)
{
	auto_json json_t *empty = json_object();
	const json_t *values[3] = {res, v && v->req ? v->req : empty, v ? v->claims : NULL};
	bool yes = false;

	if (!e->text)
		return 1;
	if (expr_compile(f, e)) {
		*err = e->err;
		return -1;
	}
	if (cel_bool(e->cel, values, &yes, err))
		return -1;
	return yes;
}

static int object_decide(struct receiver_filter *f, struct object *o, struct err *err)
{
	const struct hook_verdict *v = f->said ? hook_verdict(f->said->check) : NULL;
	auto_json json_t *res = obj_parse_api(o->text, strlen(o->text), "object", err);
	int yes;

	if (!res)
		return -1;
	yes = expr_holds(f, &f->all, res, v, err);
	return yes > 0 ? expr_holds(f, &f->each.p[o->resource], res, v, err) : yes;
}

static int decide_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct receiver_filter *f = job;
	struct object *o;

	vec_each (&f->objects, o) {
		struct err why = {0};

		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		o->result = object_decide(f, o, &why);
		free(MOVE(o->text));
		if (o->result >= 0)
			continue;
		o->err = NEW(struct err);
		*o->err = why;
	}
	return 0;
}

static int compile_one(
	const struct receiver_filter *f, struct expr *e, const char *where, struct err *err)
{
	if (!e->text || !expr_compile(f, e))
		return 0;
	*err = e->err;
	err->kind = ERR_STALL;
	return err_wrap(err, "%s", where);
}

static int check_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct receiver_filter *f = job;
	size_t i;

	if (compile_one(f, &f->all, "spec.resourceFilter", err))
		return -1;
	for (i = 0; i < f->each.len && !*stop; i++) {
		auto_free char *where = mem_printf("spec.resources[%zu].filter", i);

		if (compile_one(f, &f->each.p[i], where, err))
			return -1;
	}
	return f->issuers && hook_oidc_check(f->issuers, stop, err) ? err_wrap(err, "spec") : 0;
}

/* ---- the loop's side ------------------------------------------------------------------------- */

struct op *receiver_filters_check(struct loop *l, const char *ns, const struct receiver_spec *s)
{
	struct receiver_filter *f = receiver_filter_new(s);

	f->issuers = hook_oidc_ref(s->oidc);
	return work_start_for(l, WORK_HEAVY, ns, check_run, job_free, f);
}

struct op *receiver_filter_start(
	struct loop *l, const char *ns, struct receiver_filter *f, struct receiver_said *said)
{
	f->said = receiver_said_ref(said);
	return work_start_for(l, WORK_HEAVY, ns, decide_run, job_free, f);
}

int receiver_filter_result(const struct op *op, size_t n, struct err *err)
{
	const struct receiver_filter *f = work_job((struct op *)(uintptr_t)op);
	const struct object *o = &f->objects.p[n];

	if (o->err)
		*err = *o->err;
	return o->result;
}
