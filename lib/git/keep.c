#include "git/keep.h"

#include "base/buf.h"
#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "git/fetch_key.h"
#include "git/index.h"
#include "git/internal.h"
#include "git/objects.h"
#include "git/set.h"

#include <errno.h>
#include <stdlib.h>

struct keep {
	struct task task;
	struct gitc_client *client;
	struct gitc_index *index;
	bool again; /* the disk was full */
	struct gitc_objects *base, *objects;
	const struct buf *pack;
	char *owner, *key, *line;
	struct gitc_oid tip;
};

static int keep_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct keep *k = job;

	return gitc_index_add(k->index, k->pack->p, k->pack->len, stop, err) ||
			gitc_index_end(k->index, &k->objects, stop, err)
		? -1
		: 0;
}

static enum step_ret keep_start(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	if (!k->client->folder || !gitc_objects_may_grow(k->base))
		return STEP_DONE;
	gitc_index_free(k->index);
	k->index = gitc_index_new(k->client->folder, &(struct gitc_limits){0});
	gitc_objects_unref(k->objects);
	k->objects = gitc_objects_on(k->base);
	return task_wait(t,
		work_start_for(
			k->client->loop, work_lane_of(k->pack->len), k->owner, keep_run, NULL, k));
}

/* What was used last is worth more than what was not. */
static bool makes_room(struct keep *k, const struct err *err)
{
	if (k->again || (err->code != -ENOSPC && err->code != -EDQUOT))
		return false;
	k->again = true;
	return gitc_set_drop_oldest(k->client, k->base);
}

static enum step_ret keep_resume(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	if (makes_room(k, &t->op->err))
		return STEP_AGAIN;
	if (task_op_failed(t))
		return STEP_FAIL;
	gitc_set_keep(k->client, k->key, k->objects, k->line, &k->tip, k->base);
	return STEP_NEXT;
}

static void keep_free(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	gitc_index_free(k->index);
	gitc_objects_unref(k->objects);
	gitc_objects_unref(k->base);
	free(k->owner);
	free(k->key);
	free(k->line);
	free(k);
}

struct op *gitc_keep_start(struct gitc_client *c, const struct gitc_keep_req *req)
{
	static const struct step steps[] = {{"index", keep_start, keep_resume}, {0}};
	struct keep *k = NEW(struct keep);

	BUG_IF(!req->as.follows);
	k->client = c;
	k->base = gitc_objects_ref(req->base);
	k->pack = req->pack;
	k->owner = mem_strdup(req->as.target.owner);
	k->key = gitc_fetch_key(&req->as);
	k->line = gitc_fetch_line(&req->as);
	k->tip = req->as.want[0];
	task_init(&k->task, c->loop, "git keep", steps, NULL, keep_free);
	return task_spawn(&k->task);
}
