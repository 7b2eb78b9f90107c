#include "base/base64.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "oci/blob.h"
#include "oci/identity.h"

#include <string.h>

static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};

/* ---- credentials ---------------------------------------------------------------------------------------------------- */

enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *key = NULL;
	struct oci_identity *id;

	if (!r->spec.secret) {
		r->identity = oci_identity_ref(r->c->anonymous);
		return STEP_NEXT;
	}
	key = mem_printf("%s/%s", r->ns, r->spec.secret);
	id = map_get(&r->c->identities, key);
	if (id) {
		r->identity = oci_identity_ref(id);
		return STEP_NEXT;
	}
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &SECRETS,
				.ns = r->ns,
				.name = r->spec.secret,
				.deadline_ms = (uint64_t)r->spec.timeout_ms}));
}

static int decode(const json_t *secret, const char *key, struct buf *out, struct err *err)
{
	const char *text = obj_str(secret, "data", key);

	if (!text)
		return err_set(err, ERR_RETRY, "it has no key '%s'", key);
	return base64_decode(out, text, strlen(text), BASE64_NEWLINES, err);
}

/* Secrets of other types are ignored, as the kubelet and Flux do: the result is anonymous. */
static int read_secret(
	struct oci_identity *id, const json_t *secret, const char *what, struct err *err)
{
	static const struct {
		const char *type, *key;
		enum oci_docker_form form;
	} forms[] = {
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", OCI_DOCKER_CONFIG_JSON},
		{"kubernetes.io/dockercfg", ".dockercfg", OCI_DOCKER_CFG}};
	const char *type = obj_str_or("", secret, "type");
	auto_buf struct buf data = BUF_INIT(LIMIT_PULL_SECRET);
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(forms); i++) {
		if (strcmp(type, forms[i].type) != 0)
			continue;
		rc = decode(secret, forms[i].key, &data, err);
		if (rc)
			err_wrap(err, "%s", what);
		else
			rc = oci_identity_add_docker(
				id, data.p, data.len, forms[i].form, what, err);
		mem_wipe(data.p, data.cap);
	}
	return rc;
}

enum step_ret credentials_resume(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *key = mem_printf("%s/%s", r->ns, r->spec.secret);
	auto_free char *what = mem_printf("Secret '%s'", key);
	struct oci_identity *id;
	const json_t *secret;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to get credential: failed to get secret '%s'", key);
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	secret = kube_result(t->op);
	id = oci_identity_new();
	if (read_secret(id, secret, what, &t->err)) {
		oci_identity_unref(id);
		err_wrap(&t->err, "failed to get credential");
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	r->identity = id;
	/* Two runs may have read it at the same time; the last one wins. A change drops it through the watch. */
	if (refs_any(&r->c->secret_users, key))
		oci_identity_unref(map_put(&r->c->identities, key, oci_identity_ref(id)));
	return STEP_NEXT;
}

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
	const json_t *status = obj_get(r->obj, "status");
	const char *revision = obj_str_or("", status, "artifact", "revision");
	const json_t *selector = obj_get(status, "observedLayerSelector");

	if (strlen(revision) >= sizeof(r->revision) ||
		oci_revision_digest(revision, &r->manifest, &t->err)) {
		t->err.code = 404; /* nothing that could be asked for */
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
	return task_wait(t,
		oci_resolve_start(r->c->opts.oci,
			&(struct oci_resolve_req){.repo = &r->where,
				.identity = r->identity,
				.digest = r->spec.digest,
				.semver = r->spec.semver,
				.semver_filter = r->spec.semver_filter,
				.tag = r->spec.tag,
				.layer_type = r->spec.layer_type,
				.timeout_ms = (uint64_t)r->spec.timeout_ms}));
}

enum step_ret resolve_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct oci_resolved *res = oci_resolve_result(t->op);

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
	outdated(r);
	r->unchanged = nothing_changed(r);
	return r->unchanged ? STEP_DONE : STEP_NEXT;
}

/* ---- a place among those that pull --------------------------------------------------------------------------------------- */

enum step_ret slot_start(struct task *t)
{
	return task_wait(t, gate_wait_start(&RUN(t)->c->gate));
}

enum step_ret slot_resume(struct task *t)
{
	struct run *r = RUN(t);

	gate_enter(t->op);
	r->in_gate = true;
	progress_arm(r);
	return STEP_NEXT;
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
				.timeout_ms = (uint64_t)r->spec.timeout_ms}));
}

enum step_ret manifest_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct oci_image *image = oci_image_result(t->op);

	if (task_op_failed(t)) {
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
				.timeout_ms = (uint64_t)r->spec.timeout_ms}));
}

enum step_ret pull_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct buf *mem;

	if (task_op_failed(t)) {
		/* A negative code is an errno of ours: the disk, not the registry, refused the bytes. */
		bool disk = t->err.code < 0 && r->temp.fd >= 0;

		err_wrap(&t->err, "failed to pull artifact from '%.500s'", r->spec.url);
		return disk ? run_fail(r, COND_STORAGE_FAILED, "ArchiveOperationFailed")
			    : run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
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
