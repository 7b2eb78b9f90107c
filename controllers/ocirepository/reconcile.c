#include "base/clock.h"
#include "base/js.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "crypto/rand.h"
#include "kube/patch.h"
#include "oci/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum step_ret run_fail(struct run *r, const char *cond, const char *reason)
{
	r->cond = cond;
	r->reason = reason;
	return STEP_FAIL;
}

struct op *run_read_object(const struct run *r)
{
	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = &ocirepo_resource,
			.ns = r->ns,
			.name = r->name});
}

void run_set_object(struct run *r, json_t *obj)
{
	json_decref(r->obj);
	r->obj = obj;
	/* The spec may have changed under us: the watch will say so, and its event must not look like one of ours. And what is gone, or not
	   ours any more, is none of the store's business. */
	if (!r->repo->queue_item.leaving && ocirepo_generation(obj) == r->repo->generation &&
		ocirepo_deleting(obj) == r->repo->deleting &&
		!strcmp(ocirepo_requested_at(obj), r->repo->requested_at))
		repo_store(r->repo, obj);
}

static void read_artifact(struct run *r)
{
	const char *path = obj_str(r->obj, "status", "artifact", "path");
	const char *digest = obj_str(r->obj, "status", "artifact", "digest");
	struct store_path p;
	struct err err = {0};

	/* An artifact that cannot be one of ours counts as none: the run then makes a new one. */
	if (!path || !digest || store_path_parse(&p, path, &err) || p.latest ||
		strcmp(p.dir, r->dir) != 0 || digest_parse(&r->have_digest, digest, &err))
		return;
	store_path_format(&p, r->have_path);
}

/* The run goes by this object from now on. It is taken over. */
static void take_object(struct run *r, json_t *obj)
{
	struct err err = {0};

	json_decref(r->obj);
	json_decref(r->first);
	cond_clear(&r->conds);
	cond_clear(&r->conds_before);
	r->first = obj;
	r->obj = json_incref(obj);
	r->ns = obj_str_or("", obj, "metadata", "namespace");
	r->name = obj_str_or("", obj, "metadata", "name");
	r->uid = obj_str_or("", obj, "metadata", "uid");
	r->generation = ocirepo_generation(obj);
	cond_load(&r->conds, obj_get(obj, "status", "conditions"), r->generation);
	cond_load(&r->conds_before, obj_get(obj, "status", "conditions"), r->generation);
	if (store_dir_format(r->dir, OCIREPO_STORE_KIND, r->ns, r->name, &err))
		r->spec_err = err;
	else
		read_artifact(r);
}

static void read_spec(struct run *r)
{
	struct err err = {0};

	if (r->spec_err.kind == ERR_NONE && ocirepo_spec_read(&r->spec, r->first, &err))
		r->spec_err = err;
}

/* ---- an object that is too large to be kept -------------------------------------------------------- */

static bool same_version(const struct run *r, const json_t *obj)
{
	return !strcmp(ocirepo_version(obj), ocirepo_version(r->first));
}

static enum step_ret read_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!r->first || r->repo->whole)
		return STEP_NEXT;
	return task_wait(t, run_read_object(r));
}

/* This run is about things of the past: the next one begins with the object as it is now. */
static enum step_ret begin_again(struct run *r, const json_t *now)
{
	r->requeue_now = repo_adopt(r->repo, now);
	r->gone = !r->requeue_now;
	return STEP_DONE;
}

static enum step_ret read_resume(struct task *t)
{
	struct run *r = RUN(t);

	r->silent = true; /* of what could not be read nothing is said */
	if (task_op_failed(t)) {
		r->gone = t->err.code == 404;
		err_wrap(&t->err, "read the object");
		return STEP_FAIL;
	}
	if (!same_version(r, kube_result(t->op)))
		return begin_again(r, kube_result(t->op));
	r->silent = false;
	take_object(r, kube_take(t->op));
	read_spec(r);
	return STEP_NEXT;
}

/* ---- finalizer ---------------------------------------------------------------------------------------------------- */

static enum step_ret patch_metadata(struct task *t, json_t *patch)
{
	struct run *r = RUN(t);
	struct op *op;

	op = kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_PATCH,
			.resource = &ocirepo_resource,
			.ns = r->ns,
			.name = r->name,
			.body = patch});
	json_decref(patch);
	return task_wait(t, op);
}

static enum step_ret finalizer_start(struct task *t)
{
	json_t *patch =
		RUN(t)->first ? kube_patch_finalizer_add(RUN(t)->obj, OCIREPO_FINALIZER) : NULL;

	return patch ? patch_metadata(t, patch) : STEP_NEXT;
}

/*
 * Of a refused PATCH of metadata. 404: nothing is to be said of it, but only the watch knows that an object is gone: until it says so the
 * object is tried again. 409: somebody else wrote; the object is read, and the next run begins with it, since this one may be about things
 * of the past. Without the reading it would run into the same wall until the watch has caught up.
 */
static enum step_ret patch_refused(struct task *t, const char *what)
{
	struct run *r = RUN(t);
	bool reading = r->patching == PATCH_READING;
	int code = t->op->err.code;

	r->silent = true;
	if (t->op->err.kind != ERR_NONE && code == 409 && !reading) {
		r->patching = PATCH_READING;
		return task_wait(t, run_read_object(r));
	}
	r->patching = PATCH_IDLE;
	if (t->op->err.kind == ERR_NONE &&
		!strcmp(ocirepo_version(kube_result(t->op)), ocirepo_version(r->obj))) {
		/* Nobody wrote: what refuses it (a webhook, say) will do so again. */
		err_code(&t->err, ERR_RETRY, 409,
			"%s: the API server speaks of a conflict, but the object has not changed",
			what);
		return STEP_FAIL;
	}
	if (t->op->err.kind == ERR_NONE)
		return begin_again(r, kube_result(t->op));
	r->gone = code == 404;
	t->err = t->op->err;
	err_wrap(&t->err, "%s", what);
	return STEP_FAIL;
}

static enum step_ret finalizer_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (r->patching == PATCH_READING || t->op->err.kind != ERR_NONE)
		return patch_refused(t, "add the finalizer");
	run_set_object(r, kube_take(t->op));
	return STEP_NEXT;
}

/* ---- deletion ------------------------------------------------------------------------------------------------------- */

static enum step_ret remove_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!*r->dir)
		return STEP_NEXT;
	/* Also when the finalizer is gone already: somebody may have taken it away. */
	return task_wait(t, store_remove_start(r->c->opts.store, r->dir));
}

static enum step_ret remove_resume(struct task *t)
{
	if (task_op_failed(t)) {
		err_wrap(&t->err, "garbage collection for deleted resource");
		notify_warning(RUN(t), "GarbageCollectionFailed", t->err.msg);
		return STEP_FAIL;
	}
	return STEP_NEXT;
}

static enum step_ret release_start(struct task *t)
{
	json_t *patch = kube_patch_finalizer_remove(RUN(t)->obj, OCIREPO_FINALIZER);

	return patch ? patch_metadata(t, patch) : STEP_NEXT;
}

static enum step_ret release_resume(struct task *t)
{
	if (RUN(t)->patching == PATCH_READING || t->op->err.kind != ERR_NONE)
		return patch_refused(t, "remove the finalizer");
	log_info(&RUN(t)->log, "deleted the object's artifacts");
	return STEP_NEXT;
}

/* ---- before any request ------------------------------------------------------------------------------------------------ */

static enum step_ret check_start(struct task *t)
{
	struct run *r = RUN(t);

	if (r->spec_err.kind != ERR_NONE) {
		r->spec_err.kind = ERR_STALL;
		t->err = r->spec_err;
		return run_fail(r, COND_FETCH_FAILED, "InvalidSpec");
	}
	if (r->spec.not_built) {
		err_set(&t->err, ERR_STALL,
			"spec.%s is not supported by this version of the controller",
			r->spec.not_built);
		return run_fail(r, NULL, "FeatureGateDisabled");
	}
	if (oci_repo_parse(&r->where, r->spec.url, r->spec.insecure, &t->err)) {
		/* The URL is in the inner message, without user and query: it may hold a password. */
		t->err.kind = ERR_STALL;
		err_wrap(&t->err, "URL validation failed");
		return run_fail(r, COND_FETCH_FAILED, "URLInvalid");
	}
	return STEP_NEXT;
}

static enum step_ret suspended_start(struct task *t)
{
	struct run *r = RUN(t);

	if (r->spec.suspend && !r->restore) {
		r->silent = true;
		return STEP_DONE;
	}
	return STEP_NEXT;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

static void log_outcome(struct run *r)
{
	const struct err *err = &r->task.err;

	if (r->gone) {
		log_info(&r->log, "the API server does not find the object");
		return;
	}
	if (r->patch_err.kind != ERR_NONE && err->kind != ERR_CANCELED)
		log_error(&r->log, "cannot write the status", LE(&r->patch_err));
	switch (err->kind) {
	case ERR_NONE:
		log_debug(&r->log, "reconciled", LS("revision", r->revision),
			LB("unchanged", r->unchanged),
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

static enum step_ret cleanup_start(struct task *t)
{
	struct run *r = RUN(t);

	progress_end(r);
	turn_leave(&r->turn);
	/* Also when a cancel came before we heard that the path is held. */
	if (r->holding)
		store_abandon(r->c->opts.store, r->path);
	r->holding = r->held = false;
	store_temp_discard(r->c->opts.store, &r->temp);
	/* Published, and no status names it: it goes as what was superseded goes. */
	if (r->stored && !r->patched && !r->repo->queue_item.leaving)
		store_set_current(r->c->opts.store, r->dir, r->repo->path);
	if (r->missing && !r->stored && t->err.kind != ERR_NONE)
		restore_failed(r);
	log_outcome(r);
	return STEP_NEXT;
}

static const struct step STEPS[] = {
	{"read", read_start, read_resume, false},
	{"finalizer", finalizer_start, finalizer_resume, false},
	{"storage", storage_start, storage_resume, false},
	{"suspended", suspended_start, NULL, false},
	{"tidy", tidy_start, retain_resume, false},
	{"check", check_start, NULL, false},
	{"credentials", credentials_start, credentials_resume, false},
	{"resolve", resolve_start, resolve_resume, false},
	{"slot", slot_start, lane_resume, false},
	{"manifest", manifest_start, manifest_resume, false},
	{"room", room_start, lane_resume, false},
	{"temp", temp_start, temp_resume, false},
	{"pull", pull_start, pull_resume, false},
	{"publish", publish_start, publish_resume, false},
	{"hold", hold_start, hold_resume, false},
	{0},
};

static const struct step DELETE_STEPS[] = {
	{"remove", remove_start, remove_resume, false},
	{"release", release_start, release_resume, false},
	{0},
};

/* Walked to the end, also after a failure; after a cancel only what is marked. */
static const struct step LAST[] = {
	{"reread", reread_start, reread_resume, false},
	{"status", status_start, status_resume, false},
	{"commit", commit_start, commit_resume, false},
	{"retain", retain_start, retain_resume, false},
	{"notify", notify_start, NULL, false},
	{"cleanup", cleanup_start, NULL, true},
	{0},
};

static const struct step DELETE_LAST[] = {
	{"cleanup", cleanup_start, NULL, true},
	{0},
};

static const struct step TELL_STEPS[] = {
	{"tell", tell_start, tell_resume, false},
	{0},
};

static void run_free(struct task *t)
{
	struct run *r = RUN(t);

	progress_end(r);
	op_free(r->image);
	oci_identity_unref(r->identity);
	free(r->secret_rv);
	cond_clear(&r->conds);
	cond_clear(&r->conds_before);
	buf_clear(&r->bytes);
	publish_forget(r);
	json_decref(r->obj);
	json_decref(r->first);
	settled_free(r->settled);
	free(r->log.members);
	free(r);
}

static char *log_members(const struct run *r)
{
	auto_buf struct buf b = BUF_INIT(4096);
	struct js_w w = JS_W(&b);
	char id[RAND_UUID_LEN + 1];

	rand_uuid(id);
	js_kstr(&w, "controller", OCIREPO_STORE_KIND);
	js_kstr(&w, "controllerGroup", ocirepo_resource.group);
	js_kstr(&w, "controllerKind", OCIREPO_KIND);
	js_key(&w, OCIREPO_KIND);
	js_begin(&w, '{');
	js_kstr(&w, "name", r->name);
	js_kstr(&w, "namespace", r->ns);
	js_end(&w, '}');
	js_kstr(&w, "namespace", r->ns);
	js_kstr(&w, "name", r->name);
	js_kstr(&w, "reconcileID", id);
	return mem_strdup(buf_str(&b));
}

static void read_object(struct run *r)
{
	struct err err = {0};
	json_t *obj = obj_parse_api(r->repo->text, strlen(r->repo->text), "object", &err);

	BUG_IF(!obj); /* we wrote it ourselves */
	take_object(r, obj);
	if (r->repo->whole)
		read_spec(r);
}

bool run_open(struct run *r)
{
	if (r->first)
		return true;
	/* One that is not whole has to be read by a run of its own, which begins with that. */
	if (!settled_current(r) || !r->repo->whole) {
		r->requeue_now = true;
		return false;
	}
	read_object(r);
	settled_free(MOVE(r->settled));
	return true;
}

static struct run *run_new(struct ocirepo *c, struct repo *repo)
{
	struct run *r = NEW(struct run);

	r->c = c;
	r->repo = repo;
	r->since_ns = clock_ns();
	r->temp = STORE_TEMP_INIT;
	buf_init(&r->bytes, LIMIT_BLOB_IN_MEMORY);
	turn_init(&r->turn, NULL, NULL, NULL);
	progress_init(r);
	return r;
}

static struct op *run_begin(struct run *r, const struct step *steps, const struct step *last)
{
	task_init(&r->task, r->c->opts.loop, "reconcile", steps, last, run_free);
	r->log.members = log_members(r);
	r->task.log = &r->log;
	return task_spawn(&r->task);
}

struct op *run_start(struct ocirepo *c, struct repo *repo)
{
	struct run *r = run_new(c, repo);
	bool deleting = repo->deleting;
	struct err err = {0};

	/* Once: whatever becomes of this run, the next one is the object's own again. */
	r->restore_asked = repo->restore_next;
	repo->restore_next = false;
	if (settled_take(r)) {
		BUG_IF(store_dir_format(r->dir, OCIREPO_STORE_KIND, r->ns, r->name, &err));
	} else {
		read_object(r);
	}
	r->silent = deleting;
	return run_begin(r, deleting ? DELETE_STEPS : STEPS, deleting ? DELETE_LAST : LAST);
}

struct op *run_tell(struct ocirepo *c, struct repo *repo)
{
	struct run *r = run_new(c, repo);

	read_object(r);
	return run_begin(r, TELL_STEPS, NULL);
}
