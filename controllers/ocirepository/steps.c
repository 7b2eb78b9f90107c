#include "ctl/steps.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/utf8.h"
#include "controllers/ocirepository/ocirepository.h"
#include "controllers/ocirepository/run.h"
#include "controllers/ocirepository/spec.h"
#include "http/url.h"
#include "kube/client.h"
#include "oci/answer.h"
#include "oci/blob_share.h"
#include "oci/identity.h"
#include "oci/image.h"
#include "oci/platform.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "oci/resolve.h"
#include "source/absence.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/login.h"
#include "source/patience.h"
#include "source/provider.h"
#include "source/registry.h"
#include "source/restore.h"
#include "source/rules_file.h"
#include "source/shown.h"
#include "source/status.h"
#include "source/trust.h"
#include "source/verified.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What takes longer says so. */
#define SLOW_ANSWER_MS 10000

_Static_assert(ARTIFACT_REVISION_MAX >= OCI_REVISION_MAX, "a revision fits");

/* ---- before any request ---------------------------------------------------------------------- */

static enum step_ret validate_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct ocirepository_spec *s = OCI_SPEC(r);

	if (!*ARTIFACT_RUN(r)->dir) {
		(void)!artifact_dir(r->item, ARTIFACT_RUN(r)->dir, &t->err);
		t->err.kind = ERR_STALL;
		return run_fail(r, COND_FETCH_FAILED, "InvalidSpec");
	}
	if (s->not_built) {
		err_set(&t->err, ERR_STALL,
			"%s is not built: what is there are the providers cosign and notation",
			s->not_built);
		return run_fail(r, NULL, "FeatureGateDisabled");
	}
	if (oci_repo_parse(&OCI_RUN(r)->where, s->url, s->insecure, &t->err)) {
		/* The URL is in the inner message, without user and query: it may hold a
		   password. */
		t->err.kind = ERR_STALL;
		err_wrap(&t->err, "URL validation failed");
		return run_fail(r, COND_FETCH_FAILED, "URLInvalid");
	}
	return STEP_NEXT;
}

/* ---- as whom --------------------------------------------------------------------------------- */

static enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	struct login *l = &OCI_RUN(r)->login;

	l->refs = OCI_SPEC(r)->login;
	l->timeout_ms = (uint64_t)OCI_SPEC(r)->timeout_ms;
	return login_start(r, l, &OCI_ENV(r)->registry);
}

static enum step_ret credentials_resume(struct task *t)
{
	struct run *r = RUN(t);

	return login_resume(r, &OCI_RUN(r)->login, OCI_SPEC(r)->url, &OCI_ENV(r)->registry);
}

static enum step_ret provider_start(struct task *t)
{
	struct run *r = RUN(t);

	return login_check_provider(
		r, &OCI_RUN(r)->login, OCI_RUN(r)->where.host, &OCI_ENV(r)->registry);
}

static enum step_ret reread_start(struct task *t)
{
	return login_reread_start(RUN(t), &OCI_RUN(RUN(t))->login, &OCI_ENV(RUN(t))->registry);
}

static enum step_ret reread_resume(struct task *t)
{
	struct run *r = RUN(t);
	enum step_ret ret = login_reread_resume(r, &OCI_RUN(r)->login, &OCI_ENV(r)->registry);

	if (r->end == RUN_AGAIN)
		ARTIFACT_RUN(r)->lost = r->reported = false;
	return ret;
}

/* Whom the run asks, as whom, and how long a request may take. */
static struct oci_target target_of(struct run *r)
{
	return (struct oci_target){
		&OCI_RUN(r)->where, OCI_RUN(r)->login.identity, (uint64_t)OCI_SPEC(r)->timeout_ms};
}

/* It says all by itself. */
static enum step_ret login_failed(struct run *r)
{
	return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
}

/* A failure of what was asked of the registry, and what that was for. Who is
   refused by a cloud's registry without having named the cloud is told. */
__attribute__((format(printf, 3, 4))) static enum step_ret registry_failed(
	struct run *r, const char *reason, const char *fmt, ...)
{
	struct err *err = &r->task.err;
	char text[ERR_MSG_MAX];
	const char *provider;
	va_list ap;

	if (err->code == OCI_LOGIN_FAILED)
		return login_failed(r);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_wrap(err, "%s", text);
	if ((err->code == 401 || err->code == 403) && !OCI_SPEC(r)->login.provider) {
		provider = provider_hint(OCI_ENV(r)->registry.cloud, OCI_RUN(r)->where.host);
		if (provider)
			err_append(err, "; spec.provider: %s would log in as the controller",
				provider);
	}
	return run_fail(r, COND_FETCH_FAILED, reason);
}

/* ---- which manifest -------------------------------------------------------------------------- */

static enum step_ret resolve_start(struct task *t)
{
	struct run *r = RUN(t);
	struct ocirepository_run *o = OCI_RUN(r);
	const struct ocirepository_spec *s = OCI_SPEC(r);
	struct oci_target target = target_of(r);

	target.patient = patience_has(r);
	o->asking = true;
	o->layer_type = ocirepository_layer_type(s);
	o->platform = s->platform ? *s->platform : oci_platform_default;
	status_progress_after(r, SLOW_ANSWER_MS);
	return task_wait(t,
		oci_resolve_start(OCI_ENV(r)->registry.oci,
			&(struct oci_resolve_req){.target = target,
				.digest = s->digest,
				.semver = s->semver,
				.semver_filter = s->semver_filter,
				.tag = s->tag,
				.layer_type = o->layer_type,
				.owner = r->ns,
				.current = ARTIFACT_ITEM(r->item)->revision,
				.current_missed = absence_is_old(r)}));
}

/* Everything that went into the artifact of the status is the same now. */
static bool is_unchanged(const struct run *r)
{
	const struct ocirepository_spec *s = OCI_SPEC(r);
	const json_t *status = obj_get(r->obj, "status");
	const char *ignore = obj_str(status, "observedIgnore");

	if (!artifact_is_current(ARTIFACT_RUN(r)))
		return false;
	if (r->settled)
		return true;
	if (!ignore != !s->ignore || (ignore && strcmp(ignore, s->ignore) != 0))
		return false;
	return ocirepository_selector_is(s, obj_get(status, "observedLayerSelector")) &&
		ocirepository_platform_is(s, obj_get(status, "artifact"));
}

static void input_of_spec(struct run *r)
{
	struct artifact_input *in = &ARTIFACT_RUN(r)->input;

	in->ignore = OCI_SPEC(r)->ignore;
	in->copy = ocirepository_copies(OCI_SPEC(r));
}

static void trust_of_spec(
	const struct run *r, struct trust *t, enum trust_kind kind, const char *secret)
{
	t->kind = kind;
	t->secret = secret;
	t->timeout_ms = (uint64_t)OCI_SPEC(r)->timeout_ms;
	t->file = OCI_ENV(r)->source.trust;
	t->public_root = OCI_ENV(r)->source.public_root;
}

static void policy_of_spec(struct run *r)
{
	struct verified *v = &OCI_RUN(r)->verified;

	trust_of_spec(r, &v->trust, OCI_SPEC(r)->verify, OCI_SPEC(r)->verify_secret);
	trust_of_spec(r, &v->logs, TRUST_ROOT, OCI_SPEC(r)->logs_secret);
	v->who = &OCI_SPEC(r)->identities;
	v->demands = &OCI_SPEC(r)->demands;
	verified_rules(v, rules_file_rules(OCI_ENV(r)->source.rules), &OCI_RUN(r)->where,
		oci_client_mirrors(OCI_ENV(r)->registry.oci));
}

static enum step_ret resolve_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	const struct oci_resolved *res = oci_resolve_result(t->op);
	char where[OCI_REPO_TEXT_MAX];

	policy_of_spec(r);
	OCI_RUN(r)->asking = false;
	status_progress_end(r);
	if (patience_put_off(r, &t->op->err))
		return run_done(r, RUN_LATER);
	absence_hear(r, res, t->op->err.kind != ERR_NONE);
	if (task_op_failed(t)) {
		if (res && res->stage == OCI_RESOLVE_TAGS)
			return registry_failed(r, "ReadOperationFailed",
				"failed to determine the artifact tag for '%.500s'",
				OCI_SPEC(r)->url);
		return registry_failed(
			r, "OCIArtifactPullFailed", "failed to determine artifact digest");
	}
	a->resolved = true;
	OCI_RUN(r)->choice = res->tags;
	OCI_RUN(r)->manifest = res->digest;
	digest_format(&res->digest, a->name);
	memcpy(a->revision, res->revision, sizeof(res->revision));
	if (r->settled && is_unchanged(r) && verified_holds(r, &OCI_RUN(r)->verified, &res->digest))
		return run_done(r, RUN_UNCHANGED);
	if (!run_open(r))
		return STEP_DONE;
	artifact_outdated(r, oci_repo_format(&OCI_RUN(r)->where, where));
	return STEP_NEXT;
}

/* ---- whose signature ------------------------------------------------------------------------- */

static enum step_ret keys_start(struct task *t)
{
	return verified_keys_start(RUN(t), &OCI_RUN(RUN(t))->verified);
}

static enum step_ret keys_resume(struct task *t)
{
	return verified_keys_resume(RUN(t), &OCI_RUN(RUN(t))->verified);
}

static enum step_ret logs_start(struct task *t)
{
	return verified_logs_start(RUN(t), &OCI_RUN(RUN(t))->verified);
}

static enum step_ret logs_resume(struct task *t)
{
	return verified_logs_resume(RUN(t), &OCI_RUN(RUN(t))->verified);
}

static enum step_ret verify_start(struct task *t)
{
	struct run *r = RUN(t);
	enum step_ret ret;

	ret = verified_start(r, &OCI_RUN(r)->verified,
		&(struct signature_req){.oci = OCI_ENV(r)->registry.oci,
			.target = target_of(r),
			.manifest = &OCI_RUN(r)->manifest,
			.revocations = OCI_ENV(r)->registry.revocations,
			.owner = r->ns});
	if (ret == STEP_WAIT)
		status_progress_after(r, SLOW_ANSWER_MS);
	return ret;
}

static enum step_ret verify_resume(struct task *t)
{
	struct run *r = RUN(t);

	status_progress_end(r);
	return verified_resume(r, &OCI_RUN(r)->verified, &OCI_RUN(r)->manifest);
}

static enum step_ret changed_start(struct task *t)
{
	struct run *r = RUN(t);

	if (is_unchanged(r))
		return run_done(r, RUN_UNCHANGED);
	input_of_spec(r);
	return STEP_NEXT;
}

/* A restore asks for what the status names. Tag and rules may have moved on: it was made with those
   that were observed. */
static enum step_ret pinned_start(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	const json_t *status = obj_get(r->first, "status");
	const char *revision = obj_str_or("", status, "artifact", "revision");
	const json_t *selector = obj_get(status, "observedLayerSelector");
	const char *type = obj_str(selector, "mediaType");
	const char *platform = obj_str(status, "artifact", "metadata", OCIREPOSITORY_PLATFORM);
	char path[STORE_PATH_MAX];

	if (strlen(revision) >= sizeof(a->revision) ||
		oci_revision_digest(revision, &OCI_RUN(r)->manifest, &t->err)) {
		restore_refused(a); /* nothing that could be asked for */
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	digest_format(&OCI_RUN(r)->manifest, a->name);
	/* What is fetched would not be the file that is missing. */
	if (store_path_of(path, r->c->kind->name, r->ns, r->name, a->name, &t->err) ||
		strcmp(path, a->have_path) != 0) {
		err_set(&t->err, ERR_RETRY,
			"status.artifact: its path and its revision name different digests");
		restore_refused(a);
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	OCI_RUN(r)->platform = oci_platform_default;
	if (platform && oci_platform_parse(&OCI_RUN(r)->platform, platform, &t->err)) {
		err_wrap(&t->err, "status.artifact.metadata '%s'", OCIREPOSITORY_PLATFORM);
		restore_refused(a);
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactPullFailed");
	}
	memcpy(a->revision, revision, strlen(revision) + 1);
	OCI_RUN(r)->layer_type = type;
	a->input.ignore = obj_str(status, "observedIgnore");
	a->input.copy = !strcmp(obj_str_or("extract", selector, "operation"), "copy");
	a->resolved = true;
	return STEP_NEXT;
}

/* ---- pull ------------------------------------------------------------------------------------ */

static enum step_ret manifest_start(struct task *t)
{
	struct run *r = RUN(t);
	struct ocirepository_run *o = OCI_RUN(r);

	return task_wait(t,
		oci_image_start(OCI_ENV(r)->registry.oci,
			&(struct oci_image_req){.target = target_of(r),
				.digest = &o->manifest,
				.platform = &o->platform,
				.layer_type = o->layer_type,
				.owner = r->ns}));
}

static enum step_ret layer_check(struct task *t)
{
	struct run *r = RUN(t);
	uint64_t size = ARTIFACT_RUN(r)->input.size;
	uint64_t max = OCI_ENV(r)->max_blob ? OCI_ENV(r)->max_blob : LIMIT_BLOB;

	if (size <= max)
		return STEP_NEXT;
	err_set(&t->err, ERR_RETRY,
		"layer of '%.500s' has %llu bytes, more than the %llu that --artifact-max-size "
		"allows; " ARTIFACT_PUSH_LESS ", or choose another layer with layerSelector",
		OCI_SPEC(r)->url, (unsigned long long)size, (unsigned long long)max);
	return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
}

/* Does the registry say itself that it does not have it? */
static void check_refused(struct run *r)
{
	if (oci_says_unknown(&r->task.err))
		restore_refused(ARTIFACT_RUN(r));
}

/* The manifest's annotations, and for which platform they were read: nothing else says so between
   two runs, and a member of the status would be lost where Flux's CRD is installed. What a manifest
   says in that name is not true. */
static json_t *metadata_new(const struct ocirepository_run *o, const json_t *annotations)
{
	json_t *m = annotations ? json_copy((json_t *)(uintptr_t)annotations) : json_object();
	char text[OCI_PLATFORM_TEXT_MAX];

	json_object_del(m, OCIREPOSITORY_PLATFORM);
	if (!oci_platform_equal(&o->platform, &oci_platform_default))
		json_object_set_new(m, OCIREPOSITORY_PLATFORM,
			json_string(oci_platform_format(&o->platform, text)));
	return m;
}

static enum step_ret manifest_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_input *in = &ARTIFACT_RUN(r)->input;
	const struct oci_image *image = oci_image_result(t->op);

	if (task_op_failed(t)) {
		check_refused(r);
		if (image && image->stage == OCI_IMAGE_LAYER)
			return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
		return registry_failed(r, "OCIArtifactPullFailed",
			"failed to pull artifact from '%.500s'", OCI_SPEC(r)->url);
	}
	in->digest = &image->layer->digest;
	in->size = image->layer->size;
	in->media_type = image->layer->media_type;
	in->needs_file = oci_blob_needs_file(image->layer->size);
	OCI_RUN(r)->metadata = metadata_new(OCI_RUN(r), image->manifest.annotations);
	in->metadata = OCI_RUN(r)->metadata;
	OCI_RUN(r)->image = MOVE(t->op);
	return layer_check(t);
}

static enum step_ret pull_start(struct task *t)
{
	struct run *r = RUN(t);
	struct ocirepository_run *o = OCI_RUN(r);

	return task_wait(t,
		oci_blob_share_start(OCI_ENV(r)->registry.oci,
			&(struct oci_blob_req){.target = target_of(r),
				.blob = oci_image_result(o->image)->layer,
				.fd = o->artifact.temp.fd,
				.max = OCI_ENV(r)->max_blob,
				.owner = r->ns}));
}

static enum step_ret pull_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	struct buf *mem;

	if (task_op_failed(t)) {
		bool disk = a->temp.fd >= 0 && artifact_is_of_disk(t->err.code);

		check_refused(r);
		if (t->err.code == OCI_LOGIN_FAILED)
			return login_failed(r);
		if (disk)
			return artifact_disk_failed(
				r, "ArchiveOperationFailed", "unable to store the layer");
		err_wrap(&t->err, "failed to pull artifact from '%.500s'", OCI_SPEC(r)->url);
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
	}
	mem = oci_blob_share_mem(t->op);
	if (mem) {
		struct buf empty = BUF_INIT(mem->max);

		buf_clear(&a->bytes);
		a->bytes = *mem;
		*mem = empty;
	}
	return STEP_NEXT;
}

/* ---- the tables ------------------------------------------------------------------------------ */

static const struct step WORK[] = {
	RUN_READ,
	RUN_FINALIZER,
	ARTIFACT_STORAGE,
	RUN_SUSPENDED,
	ARTIFACT_TIDY,
	RUN_VALID,
	{"validate", validate_start, NULL},
	{"credentials", credentials_start, credentials_resume},
	{"provider", provider_start},
	{"resolve", resolve_start, resolve_resume},
	{"keys", keys_start, keys_resume},
	{"logs", logs_start, logs_resume},
	{"verify", verify_start, verify_resume},
	{"changed", changed_start},
	RUN_SLOT,
	{"manifest", manifest_start, manifest_resume},
	ARTIFACT_ROOM,
	ARTIFACT_QUOTA,
	ARTIFACT_TEMP,
	{"pull", pull_start, pull_resume},
	ARTIFACT_PUBLISH,
	ARTIFACT_HOLD,
	{0},
};

static const struct step RESTORE[] = {
	RUN_READ,
	RUN_FINALIZER,
	ARTIFACT_STORAGE,
	ARTIFACT_TIDY,
	RESTORE_FROM_PEERS,
	RUN_VALID,
	{"validate", validate_start, NULL},
	{"credentials", credentials_start, credentials_resume},
	{"provider", provider_start},
	{"pinned", pinned_start, NULL},
	RUN_SLOT,
	{"manifest", manifest_start, manifest_resume},
	ARTIFACT_ROOM,
	ARTIFACT_QUOTA,
	ARTIFACT_TEMP,
	{"pull", pull_start, pull_resume},
	ARTIFACT_PUBLISH,
	ARTIFACT_HOLD,
	{0},
};

/* Walked to the end, also after a failure; after a cancel only what is marked. */
static const struct step LAST[] = {
	{"reread", reread_start, reread_resume},
	RUN_STATUS,
	ARTIFACT_COMMIT,
	ARTIFACT_RETAIN,
	{"events", ocirepository_events_start, NULL},
	ARTIFACT_CLEANUP,
	RUN_CLEANUP,
	{0},
};

static const struct step REMOVE[] = {ARTIFACT_REMOVE, RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

/* ---- hooks ----------------------------------------------------------------------------------- */

static void run_clear(struct run *r)
{
	struct ocirepository_run *o = OCI_RUN(r);

	op_free(o->image);
	json_decref(o->metadata);
	login_clear(&o->login);
	verified_clear(&o->verified);
	artifact_run_clear(r);
}

static void status_succeeded(struct run *r, json_t *status)
{
	const struct ocirepository_spec *s = OCI_SPEC(r);
	json_t *selector;

	verified_succeeded(r, &OCI_RUN(r)->verified, ARTIFACT_RUN(r)->revision);
	artifact_succeeded(r, status);
	if (!ARTIFACT_RUN(r)->stored)
		return;
	if (s->ignore)
		json_object_set_new(status, "observedIgnore", json_string(s->ignore));
	else
		json_object_del(status, "observedIgnore");
	selector = ocirepository_selector_json(s);
	if (selector)
		json_object_set_new(status, "observedLayerSelector", selector);
	else
		json_object_del(status, "observedLayerSelector");
}

static void status_failed(struct run *r, json_t *status)
{
	policy_of_spec(r); /* it may have failed before */
	verified_failed(r, &OCI_RUN(r)->verified, ARTIFACT_RUN(r)->revision);
	artifact_failed(r, status);
}

/* A login that fails somebody has to look at. */
static bool excused(const struct run *r)
{
	return ARTIFACT_RUN(r)->have_file && r->cond && !strcmp(r->cond, COND_FETCH_FAILED) &&
		strcmp(r->reason, "AuthenticationFailed") != 0 && oci_says_later(&r->task.err);
}

static void status_progress_say(const struct run *r, struct buf *out)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	if (a->resolved)
		buf_addf(out, "building artifact: revision '%s' of '%.500s'", a->revision,
			OCI_SPEC(r)->url);
	else if (OCI_RUN(r)->asking)
		buf_addf(out, "waiting for registry '%s' to answer", OCI_RUN(r)->where.host);
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	login_depends_each(&OCIREPOSITORY_SPEC(s)->login, on, arg);
	trust_depends_each(OCIREPOSITORY_SPEC(s)->verify_secret, on, arg);
	trust_depends_each(OCIREPOSITORY_SPEC(s)->logs_secret, on, arg);
}

/* ---- registries ------------------------------------------------------------------------------ */

static const char *url_of(const struct spec *s)
{
	return OCIREPOSITORY_SPEC(s)->url;
}

static char *host_of(const struct spec *s)
{
	return registry_host(OCIREPOSITORY_SPEC(s)->url, OCIREPOSITORY_SPEC(s)->insecure);
}

static bool host_proven(void *env, const char *key)
{
	return registry_host_proven(&((struct ocirepository_env *)env)->registry, key);
}

static bool host_up(void *env, const char *key)
{
	return registry_host_up(&((struct ocirepository_env *)env)->registry, key);
}

/* ---- for people ------------------------------------------------------------------------------ */

static void part_put(struct buf *b, const char *what, const char *text, size_t most)
{
	buf_addf(b, "%s%.*s", what, (int)utf8_cut(text, strlen(text), most), text);
}

static void shown(const struct spec *spec, struct kind_shown *out)
{
	const struct ocirepository_spec *s = OCIREPOSITORY_SPEC(spec);
	struct buf *b = &out->reference;

	if (s->digest) {
		part_put(b, "digest ", s->digest, DIGEST_TEXT_MAX);
		out->rule = "The digest is fixed: it never means anything else.";
	} else if (s->semver) {
		part_put(b, "semver ", s->semver, KIND_SHOWN_MAX / 3);
		if (s->semver_filter)
			part_put(b, ", filter ", s->semver_filter, KIND_SHOWN_MAX / 3);
		out->rule = s->semver_filter
			? "The highest version in the range, of the tags that pass the filter."
			: "The highest version in the range, of all tags of the repository.";
	} else {
		part_put(b, "tag ", s->tag ? s->tag : "latest", OCI_TAG_MAX);
		out->rule = "What the tag meant when the registry was asked last.";
	}
}

/* ---- the kind -------------------------------------------------------------------------------- */

static const struct kube_resource RESOURCE = {
	"source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository", true};

static const char *const ANNOTATIONS[] = {
	OCIREPOSITORY_PLATFORM, OCIREPOSITORY_GRACE, VERIFY_DEMANDS_PREFIX, NULL};
static const char *const CONDITIONS[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_OUTDATED,
	COND_IN_STORAGE, COND_VERIFIED, COND_STALLED, COND_RECONCILING, NULL};
static const char *const NEGATIVE[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_OUTDATED,
	COND_STALLED, COND_RECONCILING, NULL};
static const char *const DECISIVE[] = {COND_VERIFIED, NULL};
static const char *const FAILURES[] = {COND_FETCH_FAILED, COND_STORAGE_FAILED, NULL};

const struct kind ocirepository_kind = {
	.name = "ocirepository",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct artifact_item),
	.run_size = sizeof(struct ocirepository_run),
	.spec_new = ocirepository_spec_new,
	.annotations = ANNOTATIONS,
	.spec_slim = ocirepository_spec_slim,
	.host = host_of,
	.host_noun = "registry",
	.host_proven = host_proven,
	.host_up = host_up,
	.host_text = registry_host_text,
	.shown = shown,
	.url = url_of,
	.revision = artifact_revision,
	.row = artifact_row,
	.depends = {LOGIN_DEPENDS},
	.depends_each = depends_each,
	.item = &artifact_item_hooks,
	.run_init = artifact_run_init,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.restore = RESTORE,
	.restore_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = NEGATIVE,
	.failures = FAILURES,
	.decisive = DECISIVE,
	.status_kept = artifact_status_kept,
	.succeeded = status_succeeded,
	.failed = status_failed,
	.restored = artifact_restored,
	.suspended = artifact_suspended,
	.written = artifact_written,
	.excused = excused,
	.progress = status_progress_say,
	.behind = artifact_behind,
};

static const struct source_words WORDS = {
	.named_by = "digest", .fetch_failed = "OCIArtifactPullFailed", .latest = true};

static void env_listed(void *env)
{
	source_env_listed(&((struct ocirepository_env *)env)->source);
}

static void env_stopped(void *arg)
{
	struct ocirepository_env *env = arg;

	oci_client_off_change(env->registry.oci, controller_host_changed, env->controller);
}

static void env_freed(void *arg)
{
	struct ocirepository_env *env = arg;

	registry_env_clear(&env->registry);
	source_env_clear(&env->source);
	free(env);
}

struct controller *ocirepository_new(const struct ocirepository_opts *opts)
{
	struct ocirepository_env *env = NEW(struct ocirepository_env);
	struct controller_opts o = opts->controller;
	struct controller *c;

	env->source.words = &WORDS;
	env->source.store = opts->store;
	env->source.peers = opts->peers;
	env->source.account = opts->account;
	env->source.algo = opts->algo;
	env->source.urls = opts->urls;
	env->source.trust = opts->trust;
	env->source.rules = opts->rules;
	env->source.public_root = opts->public_root;
	env->source.max_expanded = opts->max_expanded;
	env->source.max_entries = opts->max_entries;
	source_env_init(&env->source, opts->adv_address);
	registry_env_init(&env->registry, &opts->registry);
	env->max_blob = opts->max_blob;
	o.env = env;
	o.listed = env_listed;
	o.stopped = env_stopped;
	o.freed = env_freed;
	c = controller_new(&ocirepository_kind, &o);
	env->controller = c;
	oci_client_on_change(opts->registry.oci, controller_host_changed, c);
	return c;
}
