/*
 * The smallest kind: a Toy copies spec.say into status.said, when the Secret that it names is
 * there. It has no artifact and asks no registry: nothing of OCI is in the framework.
 * docs/adding-a-kind.md makes it step by step.
 */
#include "test/unit/ctl/toy.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "ctl/spec.h"
#include "ctl/steps.h"
#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_INTERVAL_MS 60000
/* An interval of nothing would be a busy loop. */
#define LEAST_INTERVAL_MS 1000

#define COND_SAY_FAILED "SayFailed"
#define COND_SECRET_MISSING "SecretMissing"
#define COND_SAID "Said"

/* ---- the spec -------------------------------------------------------------------------------- */

struct toy_spec {
	struct spec spec;
	char *say, *secret; /* NULL: not given */
};

#define TOY(s) CONTAINER_OF(s, struct toy_spec, spec)

static void toy_spec_free(struct spec *s)
{
	free(TOY(s)->say);
	free(TOY(s)->secret);
	free(TOY(s));
}

/* A copy that counts; NULL stays NULL. A text without a limit would stay in memory for as long as
   the object is there. */
static char *text_copy(struct toy_spec *t, const char *name, const char *text, struct err *err)
{
	if (!text)
		return NULL;
	if (strlen(text) > LIMIT_SPEC_TEXT) {
		err_set(err, ERR_STALL, "spec.%s is longer than %llu bytes", name,
			(unsigned long long)LIMIT_SPEC_TEXT);
		return NULL;
	}
	t->spec.size += strlen(text) + 1;
	return mem_strdup(text);
}

static int fields_read(struct toy_spec *t, const json_t *spec, struct err *err)
{
	const char *secret = obj_str(spec, "secretRef", "name");

	t->spec.suspend = obj_bool(false, spec, "suspend");
	t->spec.interval_ms = DEFAULT_INTERVAL_MS;
	t->say = text_copy(t, "say", obj_str(spec, "say"), err);
	t->secret = text_copy(t, "secretRef.name", secret && *secret ? secret : NULL, err);
	if (err->kind != ERR_NONE ||
		object_duration(spec, "interval", DEFAULT_INTERVAL_MS, &t->spec.interval_ms, err))
		return -1;
	if (t->spec.interval_ms < LEAST_INTERVAL_MS)
		t->spec.interval_ms = LEAST_INTERVAL_MS;
	return t->say ? 0 : err_set(err, ERR_STALL, "spec.say: there is no text to say");
}

static struct spec *toy_spec_new(const json_t *obj)
{
	struct toy_spec *t = NEW(struct toy_spec);
	struct err err = {0};

	t->spec = (struct spec){.refs = 1, .free = toy_spec_free, .size = sizeof(*t)};
	if (fields_read(t, obj_get(obj, "spec"), &err)) {
		t->spec.wrong = NEW(struct err); /* spec_unref frees it */
		*t->spec.wrong = err;
	}
	return &t->spec;
}

/* ---- what it depends on ---------------------------------------------------------------------- */

static void toy_depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	if (TOY(s)->secret)
		on(arg, 0, NULL, TOY(s)->secret);
}

/* ---- the rows -------------------------------------------------------------------------------- */

static enum step_ret secret_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!TOY(r->spec)->secret)
		return STEP_NEXT;
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = r->c->kind->depends[0],
				.ns = r->ns,
				.name = TOY(r->spec)->secret}));
}

static enum step_ret secret_resume(struct task *t)
{
	if (!task_op_failed(t))
		return STEP_NEXT;
	if (t->err.code == 404)
		return run_fail(RUN(t), COND_SECRET_MISSING, "NotFound");
	/* 403, 500, no answer: whether it is there nobody knows. */
	err_wrap(&t->err, "read Secret '%s'", TOY(RUN(t)->spec)->secret);
	return run_fail(RUN(t), COND_SAY_FAILED, "SecretReadFailed");
}

static bool is_said(const struct run *r)
{
	const char *said = obj_str(r->obj, "status", "said");

	return said && !strcmp(said, TOY(r->spec)->say);
}

static enum step_ret say_start(struct task *t)
{
	struct run *r = RUN(t);

	/* The last run found it said, and the object is the same. */
	if (r->settled || is_said(r))
		return run_done(r, RUN_UNCHANGED);
	return run_done(r, RUN_MADE);
}

/* ---- the status ------------------------------------------------------------------------------ */

static void toy_succeeded(struct run *r, json_t *status)
{
	json_object_set_new(status, "said", json_string(TOY(r->spec)->say));
	cond_put(&r->conds, COND_SAID, COND_TRUE, "Succeeded", "said '%s'", TOY(r->spec)->say);
}

/* ---- the kind -------------------------------------------------------------------------------- */

static const struct step WORK[] = {RUN_READ, RUN_FINALIZER, RUN_SUSPENDED, RUN_VALID,
	{"secret", secret_start, secret_resume}, {"say", say_start}, {0}};
static const struct step LAST[] = {RUN_STATUS, RUN_EVENTS, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

static const struct kube_resource TOYS = {"test.example", "v1", "toys", "Toy", true};
static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};
static const char *const CONDITIONS[] = {
	COND_SAY_FAILED, COND_SECRET_MISSING, COND_SAID, COND_STALLED, COND_RECONCILING, NULL};
static const char *const NEGATIVE[] = {
	COND_SAY_FAILED, COND_SECRET_MISSING, COND_STALLED, COND_RECONCILING, NULL};
/* The first one is set when the spec cannot be read. */
static const char *const FAILURES[] = {COND_SAY_FAILED, COND_SECRET_MISSING, NULL};

const struct kind toy_kind = {
	.name = "toy",
	.resource = &TOYS,
	.finalizer = "test.example/finalizer",
	.item_size = sizeof(struct item),
	.run_size = sizeof(struct run),
	.spec_new = toy_spec_new,
	.depends = {&SECRETS},
	.depends_each = toy_depends_each,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = NEGATIVE,
	.failures = FAILURES,
	.succeeded = toy_succeeded,
};
