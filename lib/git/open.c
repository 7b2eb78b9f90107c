#include "git/open.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "git/advert.h"
#include "git/internal.h"

struct opening {
	struct task task;
	struct gitc_link *link;
	struct gitc_advert advert;
	uint64_t time_ms;
};

static enum gitc_feed on_data(void *arg, const char *p, size_t n, struct err *err)
{
	struct opening *o = arg;
	int rc = gitc_advert_feed(&o->advert, p, n, err);

	if (rc < 0)
		return GITC_FEED_FAIL;
	return rc ? GITC_FEED_END : GITC_FEED_MORE;
}

static enum step_ret open_start(struct task *t)
{
	struct opening *o = TASK(t, struct opening);

	return task_wait(t,
		o->link->type->open(o->link,
			&(struct gitc_move){.on_data = on_data,
				.arg = o,
				.max = LIMIT_GIT_REFS_BYTES,
				.time_ms = o->time_ms}));
}

static enum step_ret open_resume(struct task *t)
{
	struct opening *o = TASK(t, struct opening);

	if (task_op_failed(t) || gitc_advert_end(&o->advert, &t->err))
		return STEP_FAIL;
	return STEP_NEXT;
}

static void opening_free(struct task *t)
{
	struct opening *o = TASK(t, struct opening);

	gitc_advert_clear(&o->advert);
	free(o);
}

struct op *gitc_open_start(struct gitc_client *c, struct gitc_link *link, enum gitc_service service,
	struct gitc_reflist *refs, uint64_t time_ms)
{
	static const struct step steps[] = {{"open", open_start, open_resume}, {0}};
	struct opening *o = NEW(struct opening);

	o->link = link;
	o->time_ms = time_ms;
	gitc_advert_init(&o->advert, service, refs);
	task_init(&o->task, c->loop, "git service", steps, NULL, opening_free);
	return task_spawn(&o->task);
}

const struct gitc_caps *gitc_open_caps(const struct op *op)
{
	return &TASK_OF_OP(op, struct opening)->advert.caps;
}
