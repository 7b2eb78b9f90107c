#include "ctl/tell.h"

#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/door.h"
#include "ctl/item.h"
#include "ctl/outage.h"
#include "ctl/role.h"
#include "ctl/run.h"
#include "ctl/status.h"
#include "kube/client.h"

#define TELL_EVERY_MS 5000
#define TELL_AFTER_MS 10000
#define TELLS_AT_ONCE 16

/* ---- the run --------------------------------------------------------------------------------- */

/* It has not begun yet: what failed before is still what there is to know of it. */
static enum step_ret say_start(struct task *t)
{
	struct run *r = RUN(t);
	bool behind = r->c->kind->behind && r->c->kind->behind(r);
	auto_json json_t *patch =
		outage_is_quiet(r) ? NULL : status_progress(r, behind && !status_failed_before(r));

	return patch ? task_wait(t, run_patch(r, patch, "status")) : STEP_NEXT;
}

static enum step_ret say_resume(struct task *t)
{
	/* A refusal is no harm: somebody else wrote, and the watch will say so. */
	if (t->op->err.kind == ERR_NONE)
		run_set_object(RUN(t), kube_take(t->op));
	return STEP_NEXT;
}

static const struct step TELL[] = {{"tell", say_start, say_resume}, {0}};

/* ---- who is told ----------------------------------------------------------------------------- */

static void tell_ended(struct op *op, void *arg)
{
	struct item *i = arg;

	op_free(op);
	i->tell = NULL;
	i->c->tells--;
	if (i->removed)
		item_removed(i);
	else if (i->due_after_tell)
		item_due(i);
}

static void tell_one(void *arg, struct turn *turn)
{
	struct controller *c = arg;
	struct queue_item *at = queue_item_of(&c->queue, turn);
	struct item *i;

	if (!at || c->tells >= TELLS_AT_ONCE)
		return;
	i = CONTAINER_OF(at, struct item, queue_item);
	if (i->tell || i->told_since == turn->since_ms)
		return;
	i->told_since = turn->since_ms;
	i->due_after_tell = false;
	i->tell = run_start_with(i, RUN_TELL, TELL);
	c->tells++;
	op_then(i->tell, tell_ended, i);
}

static void tell_due(void *arg)
{
	struct controller *c = arg;

	if (role_leads(c) && !c->resigns) {
		turns_each_waiting(&c->lanes.check, TELL_AFTER_MS, tell_one, c);
		turns_each_waiting(&c->lanes.fresh, TELL_AFTER_MS, tell_one, c);
	}
	if (c->queue.ready)
		timer_set(&c->tell_timer, TELL_EVERY_MS);
}

void tell_init(struct controller *c)
{
	timer_init(&c->tell_timer, c->opts.loop, tell_due, c);
}

void tell_arm(struct controller *c)
{
	if (!timer_is_set(&c->tell_timer))
		timer_set(&c->tell_timer, TELL_EVERY_MS);
}

void tell_end(struct controller *c)
{
	timer_cancel(&c->tell_timer);
}
