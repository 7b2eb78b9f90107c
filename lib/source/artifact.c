#include "source/artifact.h"

#include "base/limits.h"
#include "base/log.h"
#include "ctl/door.h"
#include "ctl/lanes.h"
#include "pack/pack.h"
#include "source/env.h"
#include "source/publish.h"
#include "source/restore.h"

#include <errno.h>
#include <string.h>

#define ARTIFACT(t) CONTAINER_OF(RUN(t), struct artifact_run, run)

static struct source_env *env_of(const struct artifact_run *a)
{
	return SOURCE_ENV(a->run.c);
}

/* ---- the run --------------------------------------------------------------------------------- */

void artifact_run_init(struct run *r)
{
	struct artifact_run *a = ARTIFACT_RUN(r);
	struct artifact_item *i = ARTIFACT_ITEM(r->item);
	struct err ignored = {0};

	a->temp = STORE_TEMP_INIT;
	buf_init(&a->bytes, LIMIT_BLOB_IN_MEMORY);
	/* Once: whatever becomes of this restore, the next run is the object's own again. */
	if (r->mode == RUN_RESTORE)
		i->restore_next = false;
	/* An artifact that cannot be one of ours counts as none: the run then makes a new one. */
	if (artifact_dir(r->item, a->dir, &ignored) || !i->path || i->digest.algo == DIGEST_NONE)
		return;
	memcpy(a->have_path, i->path, strlen(i->path) + 1);
	a->have_digest = i->digest;
}

void artifact_run_clear(struct run *r)
{
	publish_maker_clear(&ARTIFACT_RUN(r)->input.maker);
	buf_clear(&ARTIFACT_RUN(r)->bytes);
}

/* ---- the disk -------------------------------------------------------------------------------- */

bool artifact_is_of_disk(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EIO || code == -EROFS ||
		code == -EFBIG;
}

enum step_ret artifact_disk_failed(struct run *r, const char *reason, const char *what)
{
	struct err *err = &r->task.err;
	const char *words = store_failure_words(err->code);

	if (err->code == STORE_OVER_QUOTA)
		return run_fail(r, COND_STORAGE_FAILED, "StorageQuotaExceeded");
	/* The layer, and beside it the artifact that is made of it. */
	store_refused(SOURCE_ENV(r->c)->store, 2 * ARTIFACT_RUN(r)->input.size, err->code);
	if (words) {
		/* Which file it was, people need not know. */
		log_debug(&r->log, "the disk has failed", LE(err));
		err_code(err, err->kind, err->code, "%s", words);
	}
	err_wrap(err, "%s", what);
	return run_fail(r, COND_STORAGE_FAILED, reason);
}

/* ---- is what the status names still there? --------------------------------------------------- */

enum step_ret artifact_storage_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	if (!*a->have_path)
		return RUN(t)->mode == RUN_RESTORE ? run_done(RUN(t), RUN_UNCHANGED) : STEP_NEXT;
	return task_wait(t, store_check_start(env_of(a)->store, a->have_path, &a->have_digest));
}

/* The file is missing. A suspended object asks nobody what its reference means: what the status
   names is brought back by a run of its own. */
static enum step_ret file_missing(struct artifact_run *a)
{
	struct run *r = &a->run;

	a->missing = r->restoring = restore_begin(a);
	if (r->mode == RUN_RESTORE)
		return a->missing ? STEP_NEXT : run_done(r, RUN_UNCHANGED);
	if (!a->missing || !r->spec->suspend)
		return STEP_NEXT;
	ARTIFACT_ITEM(r->item)->restore_next = true;
	return run_done(r, RUN_THEN_RESTORE);
}

enum step_ret artifact_storage_resume(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);
	struct run *r = RUN(t);

	if (task_op_failed(t))
		return artifact_disk_failed(
			r, "StatOperationFailed", "failed to stat the artifact");
	if (store_check_result(t->op) != STORE_INTACT && !run_open(r))
		return STEP_DONE;
	a->looked = true;
	switch (store_check_result(t->op)) {
	case STORE_INTACT:
		a->have_file = true;
		return r->mode == RUN_RESTORE ? run_done(r, RUN_UNCHANGED) : STEP_NEXT;
	case STORE_DIFFERS:
		run_event(r, true, "ArtifactVerificationFailed",
			"failed to verify integrity of artifact: the stored file is not of the "
			"status's digest",
			NULL);
		break;
	case STORE_MISSING:
		break;
	}
	return file_missing(a);
}

/* ---- where the bytes go ---------------------------------------------------------------------- */

enum step_ret artifact_room_start(struct task *t)
{
	return lanes_is_big(ARTIFACT(t)->input.size) ? lanes_wait(RUN(t), true) : STEP_NEXT;
}

/* Is it what the status names, and lost? That comes back whatever the quota says. */
static bool is_restored(const struct artifact_run *a)
{
	char path[STORE_PATH_MAX];
	struct err ignored = {0};

	return a->missing &&
		!store_path_of(
			path, a->run.c->kind->name, a->run.ns, a->run.name, a->name, &ignored) &&
		!strcmp(path, a->have_path);
}

enum step_ret artifact_quota_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	return task_wait(t, store_room_start(env_of(a)->store, a->input.size, 0, is_restored(a)));
}

enum step_ret artifact_quota_resume(struct task *t)
{
	if (task_op_failed(t))
		return artifact_disk_failed(
			RUN(t), "ArchiveOperationFailed", "unable to make room for the layer");
	ARTIFACT(t)->room = store_room_take(t->op);
	return STEP_NEXT;
}

static void room_release(struct artifact_run *a)
{
	store_room_release(env_of(a)->store, a->room);
	a->room = 0;
}

enum step_ret artifact_temp_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	return a->input.needs_file ? task_wait(t, store_temp_start(env_of(a)->store)) : STEP_NEXT;
}

enum step_ret artifact_temp_resume(struct task *t)
{
	if (task_op_failed(t))
		return artifact_disk_failed(
			RUN(t), "DirectoryCreationFailed", "unable to store the layer");
	ARTIFACT(t)->temp = store_temp_take(t->op);
	return STEP_NEXT;
}

/* ---- from layer to artifact ------------------------------------------------------------------ */

enum step_ret artifact_publish_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);
	const struct source_env *e = env_of(a);
	struct publish_req req = {.store = e->store,
		.account = e->account,
		.owner = a->run.ns,
		.path = a->path,
		.layer = a->input.digest,
		.maker = a->input.maker,
		.size = a->input.size,
		.bytes = &a->bytes,
		.temp = &a->temp,
		.copy = a->input.copy,
		.ignore = a->input.ignore,
		.limits = {.entries = e->max_entries, .expanded = e->max_expanded},
		.algo = e->algo,
		.room = a->room,
		.must = is_restored(a),
		.have_file = a->have_file};

	if (store_path_of(a->path, a->run.c->kind->name, a->run.ns, a->run.name, a->name, &t->err))
		return run_fail(RUN(t), COND_STORAGE_FAILED, "InvalidPath");
	a->input.maker = (struct publish_maker){0};
	if (!strcmp(a->path, a->have_path)) {
		req.have = a->have_digest;
		/* A stored digest is compared with its own algorithm; under one path both must be
		   of the same. */
		if (req.have.algo != DIGEST_NONE && (a->have_file || a->missing))
			req.algo = req.have.algo;
	}
	return task_wait(t, publish_start(t->self.loop, &req));
}

/* What whoever wrote the object can do about it. A Helm chart's provenance, a JSON file, one YAML
   file: he may not know what the layer is. And spec.ignore, which may leave out nearly all of it,
   helps against none of the limits on all that is in it. */
static void say_what_helps(struct artifact_run *a)
{
	static const char *const flags[] = {
		[PACK_OVER_EXPANDED] = " (--artifact-max-expanded-size)",
		[PACK_OVER_ENTRIES] = " (--artifact-max-entries)",
		[PACK_OVER_RATIO] = "",
		[PACK_OVER_NAMES] = "",
	};
	struct err *err = &a->run.task.err;

	switch (err->code) {
	case PACK_NO_ARCHIVE:
		err_wrap(err,
			"a layer of media type '%.200s' is not what 'extract' needs "
			"(layerSelector.operation 'copy' takes it as it is)",
			a->input.media_type);
		break;
	case PACK_OVER_EXPANDED:
	case PACK_OVER_ENTRIES:
	case PACK_OVER_RATIO:
	case PACK_OVER_NAMES:
		err_append(err,
			"%s, before spec.ignore leaves anything out; " ARTIFACT_PUSH_LESS
			", or let layerSelector choose another layer or take this one as it is "
			"(operation 'copy')",
			flags[err->code]);
		break;
	case -ENOBUFS:
		err_append(err, " (--memory-budget)");
		break;
	default:
		break;
	}
}

enum step_ret artifact_publish_resume(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);
	struct publish_result *res = publish_result(t->op);

	if (task_op_failed(t)) {
		if (res->storage_failed)
			return artifact_disk_failed(RUN(t), "ArchiveOperationFailed",
				"unable to archive artifact to storage");
		if (a->input.failed)
			return a->input.failed(RUN(t));
		say_what_helps(a);
		err_wrap(&t->err, "failed to extract layer contents from artifact");
		return run_fail(RUN(t), COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
	}
	if (*res->why)
		log_debug(&a->run.log, "repacked the layer", LS("why", res->why));
	a->digest = res->digest;
	a->size = res->size;
	a->same_bytes = res->same;
	if (res->hold && a->run.c->follows) {
		err_set(&t->err, ERR_RETRY,
			"what its source is packed to is not what the status names: whoever leads "
			"has to replace it");
		return run_fail(RUN(t), COND_STORAGE_FAILED, "ArchiveOperationFailed");
	}
	if (!res->hold) {
		a->stored = true;
		room_release(a); /* it counts itself */
		run_end(RUN(t), RUN_MADE);
		return STEP_NEXT;
	}
	a->temp = res->temp;
	res->temp = STORE_TEMP_INIT;
	return STEP_NEXT;
}

/* ---- same path, new bytes: the status first, then the file ----------------------------------- */

enum step_ret artifact_hold_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	if (a->stored)
		return STEP_NEXT;
	a->hold = HOLD_ASKED;
	return task_wait(t,
		store_prepare_start(env_of(a)->store,
			&(struct store_put){
				.path = a->path, .digest = a->digest, .temp = &a->temp}));
}

enum step_ret artifact_hold_resume(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	if (task_op_failed(t))
		return artifact_disk_failed(
			RUN(t), "ArchiveOperationFailed", "unable to archive artifact to storage");
	a->stored = true;
	a->hold = HOLD_HELD;
	run_end(RUN(t), RUN_MADE);
	return STEP_NEXT;
}

enum step_ret artifact_commit_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	/* A status that was refused still promises the old bytes; the new ones are dropped at the
	   end. */
	if (a->hold != HOLD_HELD || !a->run.patched)
		return STEP_NEXT;
	a->hold = HOLD_NONE;
	return task_wait(t, store_commit_start(env_of(a)->store, a->path));
}

enum step_ret artifact_commit_resume(struct task *t)
{
	if (t->op->err.kind != ERR_NONE) {
		/* The status is ahead of the disk: the next run finds the file missing and restores
		   it. */
		log_error(&RUN(t)->log, "cannot replace the artifact", LE(&t->op->err));
		run_end(RUN(t), RUN_AGAIN);
	}
	return STEP_NEXT;
}

/* ---- what goes ------------------------------------------------------------------------------- */

/* At the start of a run: what was superseded by an earlier one, also while the registry fails. */
enum step_ret artifact_tidy_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	return task_wait(t, store_retain_start(env_of(a)->store, a->dir));
}

/* At the end: only a new artifact makes others superfluous. */
enum step_ret artifact_retain_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	if (!a->stored || !a->run.patched || t->err.kind != ERR_NONE)
		return STEP_NEXT;
	return task_wait(t, store_retain_start(env_of(a)->store, a->dir));
}

enum step_ret artifact_retain_resume(struct task *t)
{
	if (t->op->err.kind != ERR_NONE)
		log_error(&RUN(t)->log, "garbage collection of artifacts failed", LE(&t->op->err));
	return STEP_NEXT;
}

enum step_ret artifact_cleanup_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);
	struct run *r = RUN(t);

	/* Also when a cancel came before we heard that the path is held. */
	if (a->hold != HOLD_NONE)
		store_abandon(env_of(a)->store, a->path);
	a->hold = HOLD_NONE;
	store_temp_discard(env_of(a)->store, &a->temp);
	room_release(a);
	/* Published, and no status names it: it goes as what was superseded goes. */
	if (a->stored && !r->patched && !r->item->queue_item.leaving)
		store_set_current(env_of(a)->store, a->dir, ARTIFACT_ITEM(r->item)->path);
	restore_check(a);
	if (a->missing && !a->stored && t->err.kind != ERR_NONE)
		restore_failed(a);
	return STEP_NEXT;
}

enum step_ret artifact_remove_start(struct task *t)
{
	struct artifact_run *a = ARTIFACT(t);

	if (!*a->dir)
		return STEP_NEXT;
	/* Also when the finalizer is gone already: somebody may have taken it away. */
	return task_wait(t, store_remove_start(env_of(a)->store, a->dir));
}

enum step_ret artifact_remove_resume(struct task *t)
{
	if (task_op_failed(t)) {
		err_wrap(&t->err, "garbage collection for deleted resource");
		run_event(RUN(t), true, "GarbageCollectionFailed", t->err.msg, NULL);
		return STEP_FAIL;
	}
	return STEP_NEXT;
}
