#include "controllers/ocirepository/object.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "oci/ref.h"

#include <string.h>

const struct kube_resource ocirepo_resource = {
	"source.toolkit.fluxcd.io", "v1", "ocirepositories", OCIREPO_KIND, true};

#define DEFAULT_TIMEOUT_MS 60000
/* An interval of nothing would be a busy loop against the registry. */
#define LEAST_INTERVAL_MS 1000

static int duration(
	const json_t *spec, const char *key, int64_t fallback, int64_t *out, struct err *err)
{
	const char *text = obj_str(spec, key);

	*out = fallback;
	if (text && time_parse_duration(text, out, err)) {
		err->kind = ERR_STALL;
		return err_wrap(err, "spec.%s", key);
	}
	return 0;
}

static const char *not_built(const json_t *spec)
{
	static const char *const names[] = {
		"verify", "serviceAccountName", "certSecretRef", "proxySecretRef"};
	const char *provider = obj_str(spec, "provider");
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *v = obj_get(spec, names[i]);

		/* An empty name is as good as none, as it is for Flux. */
		if (v && !json_is_null(v) && !(json_is_string(v) && !json_string_length(v)))
			return names[i];
	}
	if (provider && *provider && strcmp(provider, "generic") != 0)
		return "provider";
	return NULL;
}

/* No rule, name or reference has one; to read on without them would mean something else than what was written. */
static bool has_nul(const json_t *v)
{
	const char *key;
	json_t *one;
	size_t i;

	if (json_is_string(v))
		return strlen(json_string_value(v)) != json_string_length(v);
	json_object_foreach ((json_t *)(uintptr_t)v, key, one)
		if (has_nul(one))
			return true;
	json_array_foreach (v, i, one)
		if (has_nul(one))
			return true;
	return false;
}

/* Renovate and others write `1.2.3@sha256:...` into the tag: that is the digest. Anything else behind an '@' is a slip of the pen that no
   registry can mend. */
static int check_tag(const char *tag, struct err *err)
{
	const char *at = tag ? strchr(tag, '@') : NULL;
	struct digest ignored;

	if (!at)
		return 0;
	if (!oci_tag_valid(tag, (size_t)(at - tag)))
		return err_set(err, ERR_STALL,
			"spec.ref.tag: '%.200s' is no tag with a digest behind it; a digest alone "
			"belongs in spec.ref.digest",
			tag);
	if (!digest_parse(&ignored, at + 1, err))
		return 0;
	err->kind = ERR_STALL;
	return err_wrap(err, "spec.ref.tag: what follows '@' belongs in spec.ref.digest");
}

static const char *filled(const char *s)
{
	return s && *s ? s : NULL;
}

int ocirepo_spec_read(struct ocirepo_spec *s, const json_t *obj, struct err *err)
{
	const json_t *spec = obj_get(obj, "spec"), *selector = obj_get(spec, "layerSelector");

	*s = (struct ocirepo_spec){
		.url = obj_str_or("", spec, "url"),
		.digest = filled(obj_str(spec, "ref", "digest")),
		.semver = filled(obj_str(spec, "ref", "semver")),
		.semver_filter = filled(obj_str(spec, "ref", "semverFilter")),
		.tag = filled(obj_str(spec, "ref", "tag")),
		.ignore = obj_str(spec, "ignore"),
		.layer_selector = json_is_object(selector) ? selector : NULL,
		.layer_type = filled(obj_str(selector, "mediaType")),
		.secret = filled(obj_str(spec, "secretRef", "name")),
		.copy = !strcmp(obj_str_or("extract", selector, "operation"), "copy"),
		.insecure = obj_bool(false, spec, "insecure"),
		.suspend = obj_bool(false, spec, "suspend"),
		.not_built = not_built(spec),
	};
	if (has_nul(spec))
		return err_set(err, ERR_STALL, "spec holds a NUL character");
	if (duration(spec, "interval", 0, &s->interval_ms, err) ||
		duration(spec, "timeout", DEFAULT_TIMEOUT_MS, &s->timeout_ms, err))
		return -1;
	if (s->interval_ms < LEAST_INTERVAL_MS)
		s->interval_ms = LEAST_INTERVAL_MS;
	if (s->timeout_ms < 1) {
		s->timeout_ms = DEFAULT_TIMEOUT_MS; /* for a restore */
		return err_set(err, ERR_STALL, "spec.timeout: '%.64s' leaves no time for a request",
			obj_str_or("", spec, "timeout"));
	}
	return s->digest || s->semver ? 0 : check_tag(s->tag, err);
}

const char *ocirepo_requested_at(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "annotations", OCIREPO_REQUESTED_AT);
}

const char *ocirepo_version(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "resourceVersion");
}

int64_t ocirepo_generation(const json_t *obj)
{
	return obj_int(0, obj, "metadata", "generation");
}

bool ocirepo_deleting(const json_t *obj)
{
	return obj_str(obj, "metadata", "deletionTimestamp") != NULL;
}

static void keep(json_t *to, const json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);

	if (v)
		json_object_set(to, key, v);
}

/* Of an object that is too large to be kept: what there is to know of it between its runs. */
static void keep_little(json_t *small, const json_t *obj)
{
	static const char *const fields[] = {
		"conditions", "observedGeneration", "lastHandledReconcileAt"};
	json_t *status = json_object(), *artifact = json_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		keep(status, obj_get(obj, "status"), fields[i]);
	keep(artifact, obj_get(obj, "status", "artifact"), "path");
	keep(artifact, obj_get(obj, "status", "artifact"), "digest");
	if (json_object_size(artifact))
		json_object_set(status, "artifact", artifact);
	json_decref(artifact);
	json_object_del(small, "spec");
	json_object_set_new(small, "status", status);
}

char *ocirepo_compact(const json_t *obj, bool *whole)
{
	static const char *const fields[] = {"name", "namespace", "uid", "resourceVersion",
		"generation", "finalizers", "deletionTimestamp"};
	const json_t *meta = obj_get(obj, "metadata"), *notes = obj_get(meta, "annotations");
	json_t *small = json_object(), *m = json_object(), *a = json_object();
	auto_buf struct buf b = BUF_INIT(LIMIT_KUBE_OBJECT * 2);
	const char *key;
	json_t *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		keep(m, meta, fields[i]);
	json_object_foreach ((json_t *)(uintptr_t)notes, key, v)
		if (!strcmp(key, OCIREPO_REQUESTED_AT) ||
			!strncmp(key, "event.toolkit.fluxcd.io/", 24))
			json_object_set(a, key, v);
	if (json_object_size(a))
		json_object_set(m, "annotations", a);
	json_object_set(small, "metadata", m);
	keep(small, obj, "spec");
	keep(small, obj, "status");
	obj_write(small, &b);
	*whole = b.len <= LIMIT_OBJECT_KEPT;
	if (!*whole) {
		keep_little(small, obj);
		buf_reset(&b);
		obj_write(small, &b);
	}
	json_decref(a);
	json_decref(m);
	json_decref(small);
	/* Exactly as much as it needs: ten thousand of these stay in memory. */
	return mem_strndup(buf_str(&b), b.len);
}

bool ocirepo_selector_equal(const json_t *a, const json_t *b)
{
	bool has_a = json_is_object(a), has_b = json_is_object(b);

	if (!has_a || !has_b)
		return has_a == has_b;
	return !strcmp(obj_str_or("", a, "mediaType"), obj_str_or("", b, "mediaType")) &&
		!strcmp(obj_str_or("", a, "operation"), obj_str_or("", b, "operation"));
}
