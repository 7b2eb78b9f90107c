#include "git/more.h"

#include "base/mem.h"
#include "ev/task.h"
#include "git/internal.h"
#include "git/objects.h"
#include "git/pull.h"
#include "git/set.h"
#include "git/target.h"

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

static enum step_ret pull_start(struct task *t)
{
	struct more *m = TASK(t, struct more);
	size_t i, n = 0;

	for (i = 0; i < m->n_want; i++)
		if (!gitc_objects_has(m->into, &m->want[i]))
			m->want[n++] = m->want[i];
	if (!n)
		return STEP_DONE;
	return task_wait(t,
		gitc_pull_start(m->client,
			&(struct gitc_pull_req){.target = m->target,
				.want = m->want,
				.n_want = n,
				.max_pack = m->max_pack,
				.into = m->into}));
}

static enum step_ret pull_resume(struct task *t)
{
	struct more *m = TASK(t, struct more);

	if (task_op_failed(t))
		return STEP_FAIL;
	gitc_set_grown(m->client, m->into);
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
	static const struct step steps[] = {{"pull", pull_start, pull_resume}, {0}};
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
