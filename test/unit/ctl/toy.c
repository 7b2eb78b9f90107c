/*
 * The smallest kind: a Toy copies spec.say into status.said, when the Secret that it names is
 * there. It has no artifact and asks no registry: nothing of OCI is in the framework.
 * docs/adding-a-kind.md makes it step by step.
 */
#include "test/unit/ctl/toy.h"

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

static struct spec *toy_spec_new(const json_t *obj)
{
	struct toy_spec *t = NEW(struct toy_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	t->spec = (struct spec){.refs = 1, .free = toy_spec_free, .size = sizeof(*t)};
	t->spec.suspend = obj_bool(false, spec, "suspend");
	t->say = mem_strdup(obj_str(spec, "say"));
	t->secret = mem_strdup(obj_str(spec, "secretRef", "name"));
	if (object_duration(spec, "interval", 60000, &t->spec.interval_ms, &err)) {
		t->spec.wrong = NEW(struct err);
		*t->spec.wrong = err;
	}
	return &t->spec;
}

static void toy_depends_each(
	const struct spec *s, void (*on)(void *arg, unsigned nth, const char *name), void *arg)
{
	if (TOY(s)->secret)
		on(arg, 0, TOY(s)->secret);
}

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
	return task_op_failed(t) ? run_fail(RUN(t), "SecretMissing", "NotFound") : STEP_NEXT;
}

static enum step_ret say_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!run_open(r))
		return STEP_DONE;
	return run_done(r, RUN_MADE);
}

static void toy_succeeded(struct run *r, json_t *status)
{
	json_object_set_new(status, "said", json_string(TOY(r->spec)->say));
	cond_put(&r->conds, "Said", COND_TRUE, "Succeeded", "said '%s'", TOY(r->spec)->say);
}

static const struct step WORK[] = {RUN_READ, RUN_FINALIZER, RUN_SUSPENDED, RUN_VALID,
	{"secret", secret_start, secret_resume}, {"say", say_start}, {0}};
static const struct step LAST[] = {RUN_STATUS, RUN_EVENTS, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

static const struct kube_resource TOYS = {"test.example", "v1", "toys", "Toy", true};
static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};
static const char *const CONDITIONS[] = {
	"SecretMissing", "Said", COND_STALLED, COND_RECONCILING, NULL};
static const char *const NEGATIVE[] = {"SecretMissing", COND_STALLED, COND_RECONCILING, NULL};
static const char *const FAILURES[] = {"SecretMissing", NULL};

const struct kind toy_kind = {
	.name = "toy",
	.resource = &TOYS,
	.finalizer = "toys.example/finalizer",
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
