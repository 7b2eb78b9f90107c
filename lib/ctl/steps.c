#include "ctl/steps.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/door.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "ctl/outage.h"
#include "ctl/role.h"
#include "ctl/run.h"
#include "kube/client.h"
#include "kube/patch.h"

#include <string.h>

#define SLOW_WORK_MS 1000

/* ---- an object that is too large to be kept -------------------------------------------------- */

enum step_ret run_read_start(struct task *t)
{
	struct run *r = RUN(t);

	return r->settled || !r->partial ? STEP_NEXT : task_wait(t, run_read_object(r));
}

/* Of what could not be read nothing is said. */
static enum step_ret quiet_failure(struct run *r)
{
	run_end(r, r->task.err.code == 404 ? RUN_GONE : RUN_QUIET);
	return STEP_FAIL;
}

enum step_ret run_read_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "read the object");
		return quiet_failure(r);
	}
	if (strcmp(object_version(kube_result(t->op)), object_version(r->first)) != 0) {
		run_begin_again(r, kube_result(t->op));
		return STEP_DONE;
	}
	run_take_object(r, kube_take(t->op));
	spec_unref(r->spec);
	r->spec = r->c->kind->spec_new(r->first);
	return STEP_NEXT;
}

/* ---- finalizer ------------------------------------------------------------------------------- */

enum step_ret run_finalizer_start(struct task *t)
{
	struct run *r = RUN(t);
	auto_json json_t *patch = r->first && r->c->kind->finalizer && role_leads(r->c)
		? kube_patch_finalizer_add(r->obj, r->c->kind->finalizer)
		: NULL;

	return patch ? task_wait(t, run_patch(r, patch, NULL)) : STEP_NEXT;
}

/*
 * Of a refused PATCH of metadata. 404: nothing is to be said of it, but only the watch knows that
 * an object is gone: until it says so the object is tried again. 409: somebody else wrote; the
 * object is read, and the next run begins with it, since this one may be about things of the past.
 * Without the reading it would run into the same wall until the watch has caught up.
 */
static enum step_ret patch_refused(struct run *r, const char *what)
{
	struct task *t = &r->task;
	bool reading = r->patching == PATCH_READING;

	if (t->op->err.code == 409 && !reading) {
		r->patching = PATCH_READING;
		return task_wait(t, run_read_object(r));
	}
	r->patching = PATCH_IDLE;
	if (t->op->err.kind != ERR_NONE) {
		t->err = t->op->err;
		err_wrap(&t->err, "%s", what);
		return quiet_failure(r);
	}
	if (strcmp(object_version(kube_result(t->op)), object_version(r->obj)) != 0) {
		run_begin_again(r, kube_result(t->op));
		return STEP_DONE;
	}
	/* Nobody wrote: what refuses it (a webhook, say) will do so again. */
	err_code(&t->err, ERR_RETRY, 409,
		"%s: the API server speaks of a conflict, but the object has not changed", what);
	return quiet_failure(r);
}

enum step_ret run_finalizer_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (r->patching == PATCH_READING || t->op->err.kind != ERR_NONE)
		return patch_refused(r, "add the finalizer");
	run_set_object(r, kube_take(t->op));
	return STEP_NEXT;
}

enum step_ret run_release_start(struct task *t)
{
	struct run *r = RUN(t);
	auto_json json_t *patch = r->c->kind->finalizer && role_leads(r->c)
		? kube_patch_finalizer_remove(r->obj, r->c->kind->finalizer)
		: NULL;

	return patch ? task_wait(t, run_patch(r, patch, NULL)) : STEP_NEXT;
}

enum step_ret run_release_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (r->patching == PATCH_READING || t->op->err.kind != ERR_NONE)
		return patch_refused(r, "remove the finalizer");
	log_info(&r->log, "deleted what the object had made");
	return STEP_NEXT;
}

/* ---- before any request ---------------------------------------------------------------------- */

enum step_ret run_suspended_start(struct task *t)
{
	struct run *r = RUN(t);

	return r->spec->suspend ? run_done(r, RUN_QUIET) : STEP_NEXT;
}

enum step_ret run_valid_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!r->spec->wrong)
		return STEP_NEXT;
	t->err = *r->spec->wrong;
	t->err.kind = ERR_STALL;
	return run_fail(r, r->c->kind->failures ? r->c->kind->failures[0] : NULL, "InvalidSpec");
}

enum step_ret run_slot_start(struct task *t)
{
	status_progress_after(RUN(t), SLOW_WORK_MS);
	return lanes_wait(RUN(t), false);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* An outage of a host is one Event for all objects of the namespace. Whose object stays Ready, or
   not, hears of it by his Alerts. */
static void failure_tell(struct run *r)
{
	const char *reason = r->reason ? r->reason : "ReconcileError";

	if (!outage_told(r))
		run_event(r, true, reason, r->task.err.msg, NULL);
	else if (!r->excused)
		run_notice(r, true, reason, r->task.err.msg);
}

/* Of the objects that have stayed Ready one says so. */
static void outage_end_tell(struct run *r)
{
	const struct cond *c = cond_get(&r->conds_before, COND_OUTAGE);
	auto_buf struct buf host = BUF_INIT(BUF_ANY);
	auto_free char *message = NULL;

	if (!r->c->kind->host_text || !outage_over(r) || !c)
		return;
	message = mem_printf("%s '%s' answers again; objects were kept Ready since %s",
		r->c->kind->host_noun, r->c->kind->host_text(r->item->host, &host), c->since);
	run_event(r, false, "OutageOver", message, NULL);
}

bool run_failure_told(struct run *r)
{
	const struct err *err = &r->task.err;

	if (r->end == RUN_GONE || r->end == RUN_QUIET || r->mode == RUN_REMOVE)
		return true;
	if (err->kind == ERR_NONE && r->mode == RUN_WORK &&
		(r->end == RUN_UNCHANGED || r->end == RUN_MADE))
		outage_end_tell(r);
	if (err->kind == ERR_NONE)
		return false;
	if (!r->reported)
		failure_tell(r);
	return true;
}

enum step_ret run_events_start(struct task *t)
{
	(void)run_failure_told(RUN(t));
	return STEP_NEXT;
}

static void log_outcome(struct run *r)
{
	const struct err *err = &r->task.err;

	if (r->end == RUN_GONE) {
		log_info(&r->log, "the API server does not find the object");
		return;
	}
	if (r->patch_err && err->kind != ERR_CANCELED)
		log_error(&r->log, "cannot write the status", LE(r->patch_err));
	switch (err->kind) {
	case ERR_NONE:
		log_debug(&r->log, "reconciled", LB("unchanged", r->end == RUN_UNCHANGED),
			LU("ms", (clock_ns() - r->since_ns) / 1000000));
		return;
	case ERR_CANCELED:
		log_debug(&r->log, "canceled", LI("cause", r->task.cause));
		return;
	case ERR_STALL:
		log_error(&r->log, "reconciliation stalled", LS("reason", r->reason), LE(err));
		return;
	default:
		log_error(&r->log, "Reconciler error", LS("reason", r->reason), LE(err));
	}
}

enum step_ret run_cleanup_start(struct task *t)
{
	struct run *r = RUN(t);

	status_progress_end(r);
	op_drop(MOVE(r->progress));
	turn_leave(&r->turn);
	log_outcome(r);
	return STEP_NEXT;
}
