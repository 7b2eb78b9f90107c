#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "oci/blob.h"
#include "oci/identity.h"

#include <errno.h>
#include <string.h>

/* What takes longer says so. */
#define SLOW_ANSWER_MS 10000
#define SLOW_PULL_MS 1000

/* ---- which manifest ----------------------------------------------------------------------------------------------------- */

static void outdated(struct run *r)
{
	char ref[OCI_REPO_TEXT_MAX];

	if (*r->have_path &&
		strcmp(obj_str_or("", r->obj, "status", "artifact", "revision"), r->revision) != 0)
		cond_put(&r->conds, COND_OUTDATED, COND_TRUE, "NewRevision",
			"new revision '%s' for '%s'", r->revision, oci_repo_format(&r->where, ref));
}

/* Everything that went into the artifact of the status is the same now. */
static bool nothing_changed(const struct run *r)
{
	const json_t *status = obj_get(r->obj, "status");
	const char *ignore = obj_str(status, "observedIgnore");

	if (!r->have_file ||
		strcmp(obj_str_or("", status, "artifact", "revision"), r->revision) != 0)
		return false;
	if (!ignore != !r->spec.ignore || (ignore && strcmp(ignore, r->spec.ignore) != 0))
		return false;
	return ocirepo_selector_equal(
		r->spec.layer_selector, obj_get(status, "observedLayerSelector"));
}

static enum step_ret restore_resolve(struct task *t)
{
	struct run *r = RUN(t);
	const json_t *status = obj_get(r->first, "status");
	const char *revision = obj_str_or("", status, "artifact", "revision");
	const json_t *selector = obj_get(status, "observedLayerSelector");

	if (strlen(revision) >= sizeof(r->revision) ||
		oci_revision_digest(revision, &r->manifest, &t->err)) {
		r->lost = true; /* nothing that could be asked for */
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	memcpy(r->revision, revision, strlen(revision) + 1);
	/* Tag and rules may have moved on: what the status names was made with these. */
	r->spec.ignore = obj_str(status, "observedIgnore");
	r->spec.layer_selector = json_is_object(selector) ? selector : NULL;
	r->spec.layer_type = obj_str(selector, "mediaType");
	r->spec.copy = !strcmp(obj_str_or("extract", selector, "operation"), "copy");
	r->resolved = true;
	return STEP_NEXT;
}

enum step_ret resolve_start(struct task *t)
{
	struct run *r = RUN(t);

	if (r->restore)
		return restore_resolve(t);
	r->asking = true;
	progress_arm(r, SLOW_ANSWER_MS);
	return task_wait(t,
		oci_resolve_start(r->c->opts.oci,
			&(struct oci_resolve_req){.repo = &r->where,
				.identity = r->identity,
				.digest = r->spec.digest,
				.semver = r->spec.semver,
				.semver_filter = r->spec.semver_filter,
				.tag = r->spec.tag,
				.layer_type = r->spec.layer_type,
				.timeout_ms = (uint64_t)r->spec.timeout_ms,
				.owner = r->ns}));
}

enum step_ret resolve_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct oci_resolved *res = oci_resolve_result(t->op);

	r->asking = false;
	timer_cancel(&r->slow);
	if (task_op_failed(t)) {
		if (res && res->stage == OCI_RESOLVE_TAGS) {
			err_wrap(&t->err, "failed to determine the artifact tag for '%.500s'",
				r->spec.url);
			return run_fail(r, COND_FETCH_FAILED, "ReadOperationFailed");
		}
		err_wrap(&t->err, "failed to determine artifact digest");
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	r->resolved = true;
	r->manifest = res->digest;
	memcpy(r->revision, res->revision, sizeof(r->revision));
	if (!r->first && settled_same(r)) {
		r->unchanged = true;
		return STEP_DONE;
	}
	if (!run_open(r))
		return STEP_DONE;
	outdated(r);
	r->unchanged = nothing_changed(r);
	return r->unchanged ? STEP_DONE : STEP_NEXT;
}

/* ---- a place among those that pull --------------------------------------------------------------------------------------- */

enum step_ret slot_start(struct task *t)
{
	progress_arm(RUN(t), SLOW_PULL_MS);
	return lane_wait(RUN(t), false);
}

/* Only the manifest tells how large the layer is. */
enum step_ret room_start(struct task *t)
{
	struct run *r = RUN(t);

	return lane_is_big(r->layer->size) ? lane_wait(r, true) : STEP_NEXT;
}

/* ---- pull ----------------------------------------------------------------------------------------------------------------- */

enum step_ret manifest_start(struct task *t)
{
	struct run *r = RUN(t);

	return task_wait(t,
		oci_image_start(r->c->opts.oci,
			&(struct oci_image_req){.repo = &r->where,
				.identity = r->identity,
				.digest = &r->manifest,
				.layer_type = r->spec.layer_type,
				.timeout_ms = (uint64_t)r->spec.timeout_ms,
				.owner = r->ns}));
}

enum step_ret manifest_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct oci_image *image = oci_image_result(t->op);

	if (task_op_failed(t)) {
		restore_refused(r);
		if (image && image->stage == OCI_IMAGE_LAYER)
			return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
		err_wrap(&t->err, "failed to pull artifact from '%.500s'", r->spec.url);
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	r->layer = image->layer;
	r->metadata = image->manifest.annotations;
	r->image = MOVE(t->op);
	return STEP_NEXT;
}

enum step_ret temp_start(struct task *t)
{
	struct run *r = RUN(t);
	uint64_t max = r->c->opts.max_blob ? r->c->opts.max_blob : LIMIT_BLOB;

	if (r->layer->size > max) {
		err_set(&t->err, ERR_RETRY,
			"layer of '%.500s' has %llu bytes, more than the %llu that "
			"--artifact-max-size allows; "
			"push less, with spec.ignore's patterns in a .sourceignore or "
			"--ignore-paths",
			r->spec.url, (unsigned long long)r->layer->size, (unsigned long long)max);
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
	}
	if (!oci_blob_needs_file(r->layer->size))
		return STEP_NEXT;
	return task_wait(t, store_temp_start(r->c->opts.store));
}

enum step_ret temp_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "unable to store the layer");
		return run_fail(r, COND_STORAGE_FAILED, "DirectoryCreationFailed");
	}
	r->temp = store_temp_take(t->op);
	return STEP_NEXT;
}

enum step_ret pull_start(struct task *t)
{
	struct run *r = RUN(t);

	return task_wait(t,
		oci_blob_start(r->c->opts.oci,
			&(struct oci_blob_req){.repo = &r->where,
				.identity = r->identity,
				.blob = r->layer,
				.fd = r->temp.fd,
				.max = r->c->opts.max_blob,
				.timeout_ms = (uint64_t)r->spec.timeout_ms,
				.owner = r->ns}));
}

/* What writing a file fails with, and a connection does not: the disk, not the registry, refused the bytes. */
static bool is_of_disk(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EIO || error == EROFS ||
		error == EFBIG;
}

enum step_ret pull_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct buf *mem;

	if (task_op_failed(t)) {
		bool disk = r->temp.fd >= 0 && is_of_disk(-t->err.code);

		restore_refused(r);
		err_wrap(&t->err, "failed to pull artifact from '%.500s'", r->spec.url);
		return disk ? run_fail(r, COND_STORAGE_FAILED, "ArchiveOperationFailed")
			    : run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
	}
	mem = oci_blob_mem(t->op);
	if (mem) {
		struct buf empty = BUF_INIT(mem->max);

		buf_clear(&r->bytes);
		r->bytes = *mem;
		*mem = empty;
	}
	return STEP_NEXT;
}
