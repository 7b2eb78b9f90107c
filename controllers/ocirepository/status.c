#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "controllers/ocirepository/internal.h"
#include "kube/patch.h"

#include <string.h>

#define CONFLICTS_MAX 3

/* ---- conditions ------------------------------------------------------------------------------------------------------- */

static void summarize(struct run *r)
{
	static const char *const order[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_OUTDATED,
		COND_IN_STORAGE, COND_VERIFIED, COND_STALLED, COND_RECONCILING, NULL};
	static const char *const negative[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED,
		COND_OUTDATED, COND_STALLED, COND_RECONCILING, NULL};

	cond_summarize(&r->conds, COND_READY, order, negative);
}

static int64_t observed(const struct run *r)
{
	return obj_int(-1, r->obj, "status", "observedGeneration");
}

/* A run that waits to pull, or an object that waits for a run. */
static bool say_waiting(struct run *r, const char *reason)
{
	const struct turn *turn = &r->repo->queue_item.turn;
	auto_buf struct buf why = BUF_INIT(1024);

	if (r->turn.state == TURN_WAITING)
		turn = &r->turn;
	if (turn->state != TURN_WAITING)
		return false;
	lane_reason(r->c, turn, &why);
	cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason, "%s", buf_str(&why));
	return true;
}

static void say_reconciling(struct run *r, const char *reason)
{
	const char *what = r->resolved ? r->revision : NULL;

	if (say_waiting(r, reason))
		return;
	if (r->asking && !what)
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"waiting for registry '%s' to answer", r->where.host);
	else if (what)
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"building artifact: revision '%s' of '%.500s'", what, r->spec.url);
	else if (observed(r) != r->generation)
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"processing object: new generation %lld -> %lld", (long long)observed(r),
			(long long)r->generation);
	else
		cond_put(&r->conds, COND_RECONCILING, COND_TRUE, reason,
			"reconciliation in progress");
}

static void in_storage(struct run *r, const char *revision)
{
	cond_put(&r->conds, COND_IN_STORAGE, COND_TRUE, "Succeeded",
		"stored artifact for digest '%s'", revision);
}

/* A failure leaves the artifact as it is, but what is said of it has to be true: its file may be lost, or back again. */
static void in_storage_after_failure(struct run *r)
{
	const json_t *artifact = obj_get(r->obj, "status", "artifact");

	if (!artifact || !*r->have_path || (r->looked && !r->have_file))
		cond_del(&r->conds, COND_IN_STORAGE);
	else if (r->have_file && !cond_get(&r->conds, COND_IN_STORAGE))
		in_storage(r, obj_str_or("", artifact, "revision"));
}

static void conditions_of_failure(struct run *r)
{
	const struct err *err = &r->task.err;

	/* What failed before this run is looked at anew: only this run's failure counts. One that is the same again is not put anew. */
	if (!r->cond || strcmp(r->cond, COND_STORAGE_FAILED) != 0)
		cond_del(&r->conds, COND_STORAGE_FAILED);
	if (!r->cond || strcmp(r->cond, COND_STORAGE_FAILED) == 0)
		cond_del(&r->conds, COND_FETCH_FAILED);
	if (r->cond)
		cond_put(&r->conds, r->cond, COND_TRUE, r->reason, "%s", err->msg);
	if (err->kind == ERR_STALL) {
		cond_del(&r->conds, COND_RECONCILING);
		cond_put(&r->conds, COND_STALLED, COND_TRUE, r->reason, "%s", err->msg);
	} else {
		cond_del(&r->conds, COND_STALLED);
		say_reconciling(r, "ProgressingWithRetry");
	}
	in_storage_after_failure(r);
}

static void conditions_of_success(struct run *r)
{
	static const char *const past[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_OUTDATED,
		COND_STALLED, COND_RECONCILING};
	size_t i;

	for (i = 0; i < ARRAY_LEN(past); i++)
		cond_del(&r->conds, past[i]);
	in_storage(r, r->revision);
}

/*
 * While suspended the conditions stay what they are, but for what the run that was cut off has said of itself: nothing is reconciling, and
 * what it found of a new revision nobody follows up. Ready is then what the others make it; without any there is none, as before the run.
 */
static void conditions_of_suspended(struct run *r)
{
	bool foreign = obj_get(r->obj, "status", "artifact") && !*r->have_path;

	/* Its URL answers 404: whoever waits for Ready must not take it for well. */
	if ((foreign || restore_given_up(r)) && cond_get(&r->conds, COND_IN_STORAGE)) {
		cond_del(&r->conds, COND_IN_STORAGE);
		cond_put(&r->conds, COND_FETCH_FAILED, COND_TRUE, "OCIArtifactPullFailed", "%s",
			foreign ? "the status names an artifact that is not in this storage"
				: r->repo->lost_why);
		summarize(r);
	}
	cond_del(&r->conds, COND_RECONCILING);
	if (cond_is(&r->conds, COND_READY, COND_UNKNOWN)) {
		cond_del(&r->conds, COND_READY);
		cond_del(&r->conds, COND_OUTDATED);
		summarize(r);
	}
	cond_observe(&r->conds);
}

/* ---- the status as it should be -------------------------------------------------------------------------------------------- */

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_string(text));
}

static void set_now(json_t *artifact)
{
	char now[TIME_TEXT_MAX];

	set_text(artifact, "lastUpdateTime", time_format_rfc3339(clock_wall_ms(), now));
}

static void set_digest(const struct run *r, json_t *artifact)
{
	char text[DIGEST_TEXT_MAX];

	set_text(artifact, "digest", digest_format(&r->digest, text));
	json_object_set_new(artifact, "size", json_integer((json_int_t)r->size));
}

static void set_urls(const struct run *r, json_t *status)
{
	const char *path = obj_str(status, "artifact", "path");
	auto_free char *url = NULL, *latest_path = NULL, *latest = NULL;

	if (!path)
		return;
	url = artifact_url(r->c, path);
	latest_path = mem_printf("%s/%s", r->dir, STORE_LATEST);
	latest = artifact_url(r->c, latest_path);
	set_text(obj_get(status, "artifact"), "url", url);
	set_text(status, "url", latest);
}

static void set_artifact(const struct run *r, json_t *status)
{
	json_t *a = json_object();

	set_text(a, "path", r->path);
	set_text(a, "revision", r->revision);
	set_digest(r, a);
	if (r->same_bytes && !strcmp(r->path, r->have_path))
		set_text(a, "lastUpdateTime", obj_str_or("", status, "artifact", "lastUpdateTime"));
	else
		set_now(a);
	if (r->metadata && json_object_size(r->metadata))
		json_object_set(a, "metadata", (json_t *)(uintptr_t)r->metadata);
	json_object_set_new(status, "artifact", a);
	if (r->spec.ignore)
		set_text(status, "observedIgnore", r->spec.ignore);
	else
		json_object_del(status, "observedIgnore");
	if (r->spec.layer_selector)
		json_object_set(status, "observedLayerSelector",
			(json_t *)(uintptr_t)r->spec.layer_selector);
	else
		json_object_del(status, "observedLayerSelector");
}

static json_t *copy_status(const struct run *r)
{
	json_t *status = json_deep_copy(obj_get(r->obj, "status"));

	return status ? status : json_object();
}

/* The revision stays what it is. Where somebody else had packed it, its bytes are ours now. */
static json_t *restored_status(struct run *r, json_t *status)
{
	if (r->held) {
		set_digest(r, obj_get(status, "artifact"));
		set_now(obj_get(status, "artifact"));
	}
	if (!cond_get(&r->conds, COND_IN_STORAGE)) {
		in_storage(r, obj_str_or("", status, "artifact", "revision"));
		if (r->spec.suspend)
			cond_del(&r->conds, COND_FETCH_FAILED);
		summarize(r);
		json_object_set_new(status, "conditions", cond_json(&r->conds));
	}
	return status;
}

/* NULL: nothing is to be said. */
static json_t *wanted(struct run *r)
{
	const char *asked = ocirepo_requested_at(r->first);
	const enum err_kind kind = r->task.err.kind;
	json_t *status;

	if (r->gone || r->requeue_now || (r->silent && kind != ERR_NONE))
		return NULL;
	/* What is wrong with the object its own run has said. */
	if (kind != ERR_NONE && r->restore && !r->spec.suspend)
		return NULL;
	status = copy_status(r);
	if (r->restore && kind == ERR_NONE)
		return restored_status(r, status);
	/* Who waits for the value to change must not take this run for the answer to a request that came later. */
	if (*asked && !r->asked_again)
		set_text(status, "lastHandledReconcileAt", asked);
	if (r->silent || r->restore) {
		conditions_of_suspended(r);
		json_object_set_new(status, "observedGeneration", json_integer(r->generation));
		if (r->conds.len || obj_get(status, "conditions"))
			json_object_set_new(status, "conditions", cond_json(&r->conds));
		return status;
	}
	cond_del(&r->conds,
		COND_VERIFIED); /* no policy is in force: spec.verify would have stalled */
	if (kind == ERR_NONE) {
		conditions_of_success(r);
		if (r->stored)
			set_artifact(r, status);
		set_urls(r, status);
	} else {
		conditions_of_failure(r);
	}
	if (kind == ERR_NONE || kind == ERR_STALL)
		json_object_set_new(status, "observedGeneration", json_integer(r->generation));
	summarize(r);
	json_object_set_new(status, "conditions", cond_json(&r->conds));
	return status;
}

/* ---- writing it --------------------------------------------------------------------------------------------------------------- */

static struct op *patch_start(struct run *r, const json_t *patch)
{
	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_PATCH,
			.resource = &ocirepo_resource,
			.ns = r->ns,
			.name = r->name,
			.subresource = "status",
			.body = patch});
}

static void written(struct run *r)
{
	r->patched = true;
	if (!r->stored || r->repo->queue_item.leaving)
		return;
	free(MOVE(r->repo->lost_path));
	store_set_current(r->c->opts.store, r->dir, r->path);
	if (*r->have_path && !r->have_file && strcmp(r->have_path, r->path) != 0)
		store_promise_end(r->c->opts.store, r->have_path);
}

static enum step_ret send(struct run *r)
{
	auto_json json_t *status = wanted(r);
	auto_json json_t *patch = status ? kube_patch_status(r->obj, status) : NULL;

	if (!patch) {
		if (status && r->unchanged && !r->asked_again && r->task.err.kind == ERR_NONE)
			settled_make(r);
		written(r);
		return STEP_NEXT;
	}
	r->patching = PATCH_SENT;
	return task_wait(&r->task, patch_start(r, patch));
}

enum step_ret status_start(struct task *t)
{
	struct run *r = RUN(t);

	timer_cancel(&r->slow);
	/* Everything is as it was, or a failure turned up while the object changed: that is for the next run. */
	if (!r->first && (t->err.kind == ERR_NONE || !run_open(r)))
		return STEP_NEXT;
	if (r->progress) {
		r->want_status = true;
		return task_pause(t);
	}
	return send(r);
}

static bool same_object(const struct run *r, const json_t *now)
{
	return !strcmp(obj_str_or("", now, "metadata", "uid"), r->uid) &&
		ocirepo_generation(now) == r->generation && !ocirepo_deleting(now);
}

static enum step_ret sent(struct run *r)
{
	const struct err *err = &r->task.op->err;

	if (err->kind == ERR_NONE) {
		run_set_object(r, kube_take(r->task.op));
		written(r);
		return STEP_NEXT;
	}
	if (err->code == 409 && r->conflicts++ < CONFLICTS_MAX) {
		r->patching = PATCH_READING;
		return task_wait(&r->task, run_read_object(r));
	}
	r->gone = err->code == 404;
	r->patch_err = *err;
	return STEP_NEXT;
}

static enum step_ret read_again(struct run *r)
{
	json_t *now;

	if (r->task.op->err.kind != ERR_NONE) {
		r->gone = r->task.op->err.code == 404;
		r->patch_err = r->task.op->err;
		return STEP_NEXT;
	}
	now = kube_take(r->task.op);
	if (!same_object(r, now)) {
		/* What the run was about has changed: the next one begins with what was read here, for the watch may lag behind. */
		r->requeue_now = repo_adopt(r->repo, now);
		r->gone = !r->requeue_now;
		json_decref(now);
		return STEP_NEXT;
	}
	/* What was pulled counts, though somebody asked meanwhile: a request needs a run of its own, not this work a second time. */
	if (strcmp(ocirepo_requested_at(now), ocirepo_requested_at(r->first)) != 0) {
		r->asked_again = true;
		(void)repo_adopt(r->repo, now);
		repo_due(r->repo); /* the watch has no news then */
	}
	run_set_object(r, now);
	return send(r);
}

enum step_ret status_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (r->want_status) {
		if (r->progress)
			return task_pause(t);
		r->want_status = false;
		return send(r);
	}
	return r->patching == PATCH_READING ? read_again(r) : sent(r);
}

/* ---- a pull that takes long says so, once ---------------------------------------------------------------------------------------- */

static void progress_done(struct op *op, void *arg)
{
	struct run *r = arg;

	r->progress = NULL;
	/* A refusal is no harm: the status at the end meets it again and reads the object anew. */
	if (op->err.kind == ERR_NONE)
		run_set_object(r, kube_take(op));
	op_free(op);
	if (r->want_status)
		task_wake(&r->task);
}

/* What the reference means is not in the store. */
static bool is_behind(const struct run *r)
{
	return cond_get(&r->conds, COND_OUTDATED) || !obj_get(r->obj, "status", "artifact");
}

/* The PATCH that says what is being waited for, or NULL: it is said already. */
static json_t *progress_patch(struct run *r, bool ready_unknown)
{
	auto_json json_t *status = copy_status(r);

	cond_del(&r->conds, COND_STALLED);
	say_reconciling(r, "Progressing");
	if (ready_unknown)
		cond_put(&r->conds, COND_READY, COND_UNKNOWN, "Progressing", "%s",
			cond_get(&r->conds, COND_RECONCILING)->message);
	json_object_set_new(status, "conditions", cond_json(&r->conds));
	return kube_patch_status(r->obj, status);
}

static void slow(void *arg)
{
	struct run *r = arg;
	auto_json json_t *patch = NULL;

	/* A run that goes by what the last one found has nothing new to say. And one word at a time. */
	if (r->restore || !r->first || r->progress || r->task.self.cancelled)
		return;
	patch = progress_patch(r, is_behind(r));
	if (!patch)
		return;
	r->progress = patch_start(r, patch);
	op_then(r->progress, progress_done, r);
}

/* ---- so does an object that waits long for its run --------------------------------------------- */

enum step_ret tell_start(struct task *t)
{
	struct run *r = RUN(t);
	/* It has not begun yet: what failed before is still what there is to know of it. */
	bool failed =
		cond_get(&r->conds, COND_FETCH_FAILED) || cond_get(&r->conds, COND_STORAGE_FAILED);
	auto_json json_t *patch = progress_patch(r, is_behind(r) && !failed);

	return patch ? task_wait(t, patch_start(r, patch)) : STEP_NEXT;
}

enum step_ret tell_resume(struct task *t)
{
	/* A refusal is no harm: somebody else wrote, and the watch will say so. */
	if (t->op->err.kind == ERR_NONE)
		run_set_object(RUN(t), kube_take(t->op));
	return STEP_NEXT;
}

void progress_init(struct run *r)
{
	timer_init(&r->slow, r->c->opts.loop, slow, r);
}

void progress_arm(struct run *r, uint64_t ms)
{
	timer_set(&r->slow, ms);
}

void progress_end(struct run *r)
{
	timer_cancel(&r->slow);
	op_drop(MOVE(r->progress));
}
