#include "ctl/status.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/door.h"
#include "ctl/item.h"
#include "ctl/lanes.h"
#include "ctl/object.h"
#include "ctl/outage.h"
#include "ctl/outcome.h"
#include "ctl/role.h"
#include "kube/client.h"
#include "kube/patch.h"

#include <string.h>

#define CONFLICTS_MAX 3

/* ---- conditions ------------------------------------------------------------------------------ */

void status_summarize(struct run *r)
{
	const char *const *type;

	for (type = r->c->kind->decisive; type && *type; type++) {
		const struct cond *c = cond_get(&r->conds, *type);
		auto_free char *reason = NULL, *message = NULL;

		if (!c || c->status != COND_FALSE)
			continue;
		reason = mem_strdup(c->reason);
		message = mem_strdup(c->message);
		cond_put(&r->conds, COND_READY, COND_FALSE, reason, "%s", message);
		return;
	}
	cond_summarize(&r->conds, COND_READY, r->c->kind->conditions, r->c->kind->negative);
}

bool status_failed_before(const struct run *r)
{
	const char *const *type = r->c->kind->failures;

	if (!type)
		return cond_is(&r->conds_before, COND_READY, COND_FALSE);
	for (; *type; type++)
		if (cond_get(&r->conds_before, *type))
			return true;
	return false;
}

static int64_t generation_observed(const struct run *r)
{
	return obj_int(-1, r->obj, "status", "observedGeneration");
}

/* A run that waits for a place, or an object that waits for a run. */
static bool say_waiting(struct run *r, const char *reason)
{
	const struct turn *turn = &r->item->queue_item.turn;
	auto_buf struct buf why = BUF_INIT(1024);

	if (r->turn.state == TURN_WAITING)
		turn = &r->turn;
	if (turn->state != TURN_WAITING)
		return false;
	lanes_reason(r->c, turn, &why);
	cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason, "%s", buf_str(&why));
	return true;
}

static void say_reconciling(struct run *r, const char *reason)
{
	auto_buf struct buf doing = BUF_INIT(1024);

	if (say_waiting(r, reason))
		return;
	if (r->c->kind->progress)
		r->c->kind->progress(r, &doing);
	if (doing.len)
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason, "%s", buf_str(&doing));
	else if (generation_observed(r) != r->generation)
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"processing object: new generation %lld -> %lld",
			(long long)generation_observed(r), (long long)r->generation);
	else
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"reconciliation in progress");
}

/* What failed before this run is looked at anew: only this run's failure counts. One that is the
   same again is not put anew. */
static void conditions_of_failure(struct run *r, json_t *status)
{
	const char *reason = r->reason ? r->reason : "ReconcileError";
	const struct err *err = &r->task.err;
	const char *const *type;

	for (type = r->c->kind->failures; type && *type; type++)
		if (!r->cond || strcmp(r->cond, *type) != 0)
			cond_del(&r->conds, *type);
	cond_del(&r->conds, COND_OUTAGE);
	if (r->cond)
		cond_put(&r->conds, r->cond, COND_TRUE, r->reason, "%s", err->msg);
	if (err->kind == ERR_STALL) {
		cond_del(&r->conds, COND_RECONCILING);
		cond_put(&r->conds, COND_STALLED, COND_TRUE, reason, "%s", err->msg);
	} else {
		cond_del(&r->conds, COND_STALLED);
		say_reconciling(r, "ProgressingWithRetry");
	}
	if (r->c->kind->failed)
		r->c->kind->failed(r, status);
	/* Without a condition of its own only Ready can say what is wrong. */
	if (r->c->kind->failures)
		status_summarize(r);
	else
		cond_put(&r->conds, COND_READY, COND_FALSE, reason, "%s", err->msg);
}

static void conditions_of_success(struct run *r, json_t *status)
{
	const char *const *type;

	for (type = r->c->kind->negative; type && *type; type++)
		cond_del(&r->conds, *type);
	cond_del(&r->conds, COND_OUTAGE);
	if (r->c->kind->succeeded)
		r->c->kind->succeeded(r, status);
	else
		cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", "reconciled");
	status_summarize(r);
}

/*
 * While suspended the conditions stay what they are, but for what the run that was cut off has said
 * of itself: nothing is reconciling, and what it found nobody follows up. Ready is then what the
 * others make it; without any there is none, as before the run.
 */
static void conditions_of_suspended(struct run *r, json_t *status)
{
	if (r->c->kind->suspended)
		r->c->kind->suspended(r, status);
	cond_del(&r->conds, COND_OUTAGE);
	cond_del(&r->conds, COND_RECONCILING);
	if (cond_is(&r->conds, COND_READY, COND_UNKNOWN)) {
		cond_del(&r->conds, COND_READY);
		status_summarize(r);
	}
	if (!r->c->kind->unanswered)
		cond_observe(&r->conds);
}

/* ---- the status as it should be -------------------------------------------------------------- */

static json_t *status_copy(const struct run *r)
{
	json_t *status = json_deep_copy(obj_get(r->obj, "status"));

	return status ? status : json_object();
}

static void conditions_set(struct run *r, json_t *status)
{
	if (r->conds.len || obj_get(status, "conditions"))
		json_object_set_new(status, "conditions", cond_json(&r->conds));
}

static void generation_set(const struct run *r, json_t *status)
{
	json_object_set_new(status, "observedGeneration", json_integer(r->generation));
}

/* NULL: nothing is to be said. */
static json_t *status_wanted(struct run *r)
{
	const char *asked = object_requested_at(r->first);
	enum err_kind kind = r->task.err.kind;
	enum outcome_status about = outcome_of(r->mode, r->end, kind, r->spec->suspend).status;
	bool unanswered = about == STATUS_SUSPENDED && r->c->kind->unanswered;
	json_t *status;

	if (about == STATUS_NOTHING)
		return NULL;
	status = status_copy(r);
	/* Who waits for the value to change must not take this run for the answer to a request that
	   came later; and a restore answers nobody. */
	if (*asked && !r->asked_again && about != STATUS_RESTORED && !unanswered)
		json_object_set_new(status, "lastHandledReconcileAt", json_string(asked));
	switch (about) {
	case STATUS_RESTORED:
		if (r->c->kind->restored)
			r->c->kind->restored(r, status);
		return status;
	case STATUS_SUSPENDED:
		conditions_of_suspended(r, status);
		if (!unanswered)
			generation_set(r, status);
		break;
	case STATUS_SUCCESS:
		conditions_of_success(r, status);
		generation_set(r, status);
		break;
	default:
		r->excused = outage_excuses(r);
		if (r->excused)
			outage_conditions(r, status);
		else
			conditions_of_failure(r, status);
		if (kind == ERR_STALL)
			generation_set(r, status);
	}
	conditions_set(r, status);
	return status;
}

/* ---- writing it ------------------------------------------------------------------------------ */

static enum step_ret status_is_right(struct run *r)
{
	r->patched = true;
	if (r->c->kind->written)
		r->c->kind->written(r);
	return STEP_NEXT;
}

static enum step_ret status_send(struct run *r)
{
	auto_json json_t *status = status_wanted(r);
	auto_json json_t *patch = status ? kube_patch_status(r->obj, status) : NULL;

	if (!status)
		return STEP_NEXT;
	if (!patch) {
		r->item->settled = r->mode == RUN_WORK && r->end == RUN_UNCHANGED &&
			!r->asked_again && r->task.err.kind == ERR_NONE &&
			r->seen == r->item->changes;
		return status_is_right(r);
	}
	r->patching = PATCH_SENT;
	return task_wait(&r->task, run_patch(r, patch, "status"));
}

enum step_ret status_start(struct task *t)
{
	struct run *r = RUN(t);

	timer_cancel(&r->slow);
	if (!role_leads(r->c))
		return STEP_NEXT;
	/* Everything is as it was, or a failure turned up while the object changed: that is for the
	   next run. */
	if (!r->first && (t->err.kind == ERR_NONE || !run_open(r)))
		return STEP_NEXT;
	if (r->progress) {
		r->waits_for_progress = true;
		return task_pause(t);
	}
	return status_send(r);
}

static bool is_same_object(const struct run *r, const json_t *now)
{
	return !strcmp(object_uid(now), r->uid) && object_generation(now) == r->generation &&
		object_annotations_are(now, r->c->kind->annotations, &r->annotations) &&
		!object_deleting(now);
}

static enum step_ret write_failed(struct run *r, const struct err *err)
{
	if (err->code == 404)
		run_end(r, RUN_GONE);
	if (!r->patch_err)
		r->patch_err = NEW(struct err);
	*r->patch_err = *err;
	return STEP_NEXT;
}

static enum step_ret status_sent(struct run *r)
{
	const struct err *err = &r->task.op->err;

	if (err->kind == ERR_NONE) {
		run_set_object(r, kube_take(r->task.op));
		return status_is_right(r);
	}
	if (err->code == 409 && r->conflicts++ < CONFLICTS_MAX) {
		r->patching = PATCH_READING;
		return task_wait(&r->task, run_read_object(r));
	}
	return write_failed(r, err);
}

static enum step_ret status_read_again(struct run *r)
{
	json_t *now;

	if (r->task.op->err.kind != ERR_NONE)
		return write_failed(r, &r->task.op->err);
	now = kube_take(r->task.op);
	if (!is_same_object(r, now)) {
		/* What the run was about has changed, and the watch may lag behind. */
		run_begin_again(r, now);
		json_decref(now);
		return STEP_NEXT;
	}
	/* What was made counts, though somebody asked meanwhile: a request needs a run of its own,
	   not this work a second time. */
	if (strcmp(object_requested_at(now), object_requested_at(r->first)) != 0) {
		r->asked_again = true;
		if (item_adopt(r->item, now))
			item_due(r->item); /* the watch has no news then */
	}
	run_set_object(r, now);
	return status_send(r);
}

enum step_ret status_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (r->waits_for_progress) {
		if (r->progress)
			return task_pause(t);
		r->waits_for_progress = false;
		return status_send(r);
	}
	return r->patching == PATCH_READING ? status_read_again(r) : status_sent(r);
}

/* ---- what takes long says so, once ----------------------------------------------------------- */

static void progress_done(struct op *op, void *arg)
{
	struct run *r = arg;

	r->progress = NULL;
	/* A refusal is no harm: the status at the end meets it again and reads the object anew. */
	if (op->err.kind == ERR_NONE)
		run_set_object(r, kube_take(op));
	op_free(op);
	if (r->waits_for_progress)
		task_wake(&r->task);
}

json_t *status_progress(struct run *r, bool ready_unknown)
{
	auto_json json_t *status = status_copy(r);

	cond_del(&r->conds, COND_STALLED);
	say_reconciling(r, "Progressing");
	if (ready_unknown)
		cond_put(&r->conds, COND_READY, COND_UNKNOWN, "Progressing", "%s",
			cond_get(&r->conds, COND_RECONCILING)->message);
	json_object_set_new(status, "conditions", cond_json(&r->conds));
	return kube_patch_status(r->obj, status);
}

static void tell_progress(void *arg)
{
	struct run *r = arg;
	auto_json json_t *patch = NULL;

	/* A run that goes by what the last one found has nothing new to say. And one word at a
	   time. */
	if (r->mode != RUN_WORK || !r->first || r->progress || r->task.self.cancelled ||
		!role_leads(r->c) || outage_is_quiet(r))
		return;
	patch = status_progress(r, r->c->kind->behind && r->c->kind->behind(r));
	if (!patch)
		return;
	r->progress = run_patch(r, patch, "status");
	op_then(r->progress, progress_done, r);
}

void status_progress_after(struct run *r, uint64_t ms)
{
	if (!r->slow.loop)
		timer_init(&r->slow, r->c->opts.loop, tell_progress, r);
	timer_set(&r->slow, ms);
}

void status_progress_end(struct run *r)
{
	timer_cancel(&r->slow);
}
