#include "hook/hook.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "hook/read.h"

struct hook {
	struct loop *loop;
};

struct check {
	struct task task;
	char *owner;
	/* A worker has both while it runs; the task only waits meanwhile. */
	struct hook_in in;
	struct hook_verdict verdict;
};

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret caller_start(struct task *t)
{
	struct check *c = TASK(t, struct check);

	if (!c->in.type->by_issuer && !(c->in.type->by_google && c->in.token.len))
		return STEP_NEXT;
	hook_say(&c->verdict, HOOK_UNABLE, "tokens of an issuer are not taken yet");
	return STEP_DONE;
}

static int read_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct check *c = job;

	(void)stop;
	(void)err;
	hook_read(&c->in, &c->verdict);
	return 0;
}

static enum step_ret read_start(struct task *t)
{
	struct check *c = TASK(t, struct check);

	if (c->in.body.len > LIMIT_HOOK_AT_ONCE)
		return task_wait(
			t, work_start_for(t->self.loop, WORK_HEAVY, c->owner, read_run, NULL, c));
	hook_read(&c->in, &c->verdict);
	return STEP_NEXT;
}

static enum step_ret read_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void check_free(struct task *t)
{
	struct check *c = TASK(t, struct check);

	hook_in_clear(&c->in);
	hook_verdict_clear(&c->verdict);
	free(c->owner);
	free(c);
}

struct op *hook_check_start(
	struct hook *h, const struct hook_spec *spec, const struct hook_call *call)
{
	static const struct step steps[] = {
		{"caller", caller_start, NULL}, {"read", read_start, read_resume}, {0}};
	struct check *c = NEW(struct check);

	c->owner = mem_strdup(spec->owner);
	hook_in_init(&c->in, spec, call);
	task_init(&c->task, h->loop, "hook", steps, NULL, check_free);
	return task_spawn(&c->task);
}

const struct hook_verdict *hook_verdict(const struct op *op)
{
	return &TASK_OF_OP(op, const struct check)->verdict;
}

struct hook *hook_new(const struct hook_opts *opts)
{
	struct hook *h = NEW(struct hook);

	h->loop = opts->loop;
	return h;
}

void hook_free(struct hook *h)
{
	free(h);
}
