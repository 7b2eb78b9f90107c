#include "git/more.h"

#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "git/internal.h"
#include "git/objects.h"
#include "git/pull.h"
#include "git/set.h"
#include "git/target.h"
#include "pack/source.h"

#include <stdlib.h>

struct more {
	struct task task;
	struct gitc_client *client;
	struct gitc_target target;
	struct gitc_objects *into;
	struct gitc_oid *want;
	size_t n_want;
	uint64_t max_pack;
};

#define LOOK_BYTES 512 /* that are read of an index to find one */
#define LOOK_AT_ONCE 4096

/* What is there already is not wanted. */
static int look_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct more *m = job;
	size_t i, n = 0;

	for (i = 0; i < m->n_want; i++) {
		if (i % LOOK_AT_ONCE == 0 && pack_stopped(stop, err))
			return -1;
		if (!gitc_objects_has(m->into, &m->want[i]))
			m->want[n++] = m->want[i];
	}
	m->n_want = n;
	return 0;
}

static enum step_ret look_start(struct task *t)
{
	struct more *m = TASK(t, struct more);

	if (!m->n_want)
		return STEP_DONE;
	return task_wait(t,
		work_start_for(t->self.loop, work_lane_of(m->n_want * LOOK_BYTES), m->target.owner,
			look_run, NULL, m));
}

static enum step_ret look_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	return TASK(t, struct more)->n_want ? STEP_NEXT : STEP_DONE;
}

static enum step_ret pull_start(struct task *t)
{
	struct more *m = TASK(t, struct more);

	return task_wait(t,
		gitc_pull_start(m->client,
			&(struct gitc_pull_req){.target = m->target,
				.want = m->want,
				.n_want = m->n_want,
				.max_pack = m->max_pack,
				.into = m->into}));
}

static enum step_ret pull_resume(struct task *t)
{
	struct more *m = TASK(t, struct more);

	if (task_op_failed(t))
		return STEP_FAIL;
	gitc_set_grown(m->client);
	return STEP_NEXT;
}

static void more_free(struct task *t)
{
	struct more *m = TASK(t, struct more);

	gitc_target_clear(&m->target);
	gitc_objects_unref(m->into);
	free(m->want);
	free(m);
}

struct op *gitc_more_start(struct gitc_client *c, const struct gitc_more_req *req)
{
	static const struct step steps[] = {
		{"look", look_start, look_resume}, {"pull", pull_start, pull_resume}, {0}};
	struct more *m = NEW(struct more);

	m->client = c;
	gitc_target_init(&m->target, &req->target);
	m->into = gitc_objects_ref(req->into);
	m->want = req->n_want ? mem_dup(req->want, req->n_want * sizeof(*req->want)) : NULL;
	m->n_want = req->n_want;
	m->max_pack = req->max_pack;
	task_init(&m->task, c->loop, "git objects", steps, NULL, more_free);
	return task_spawn(&m->task);
}
