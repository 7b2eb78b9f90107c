#include "ctl/object.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"

#include <string.h>

const char *object_ns(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "namespace");
}

const char *object_name(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "name");
}

const char *object_uid(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "uid");
}

const char *object_version(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "resourceVersion");
}

const char *object_requested_at(const json_t *obj)
{
	return obj_str_or("", obj, "metadata", "annotations", OBJECT_REQUESTED_AT);
}

int64_t object_generation(const json_t *obj)
{
	return obj_int(0, obj, "metadata", "generation");
}

bool object_deleting(const json_t *obj)
{
	return obj_str(obj, "metadata", "deletionTimestamp") != NULL;
}

bool object_has_nul(const json_t *v)
{
	const char *key;
	json_t *one;
	size_t i;

	if (json_is_string(v))
		return strlen(json_string_value(v)) != json_string_length(v);
	json_object_foreach ((json_t *)(uintptr_t)v, key, one)
		if (object_has_nul(one))
			return true;
	json_array_foreach (v, i, one)
		if (object_has_nul(one))
			return true;
	return false;
}

int object_duration(
	const json_t *spec, const char *key, int64_t fallback_ms, int64_t *out_ms, struct err *err)
{
	const char *text = obj_str(spec, key);

	*out_ms = fallback_ms;
	if (text && time_parse_duration(text, out_ms, err)) {
		err->kind = ERR_STALL;
		return err_wrap(err, "spec.%s", key);
	}
	return 0;
}

int object_secret_value(const json_t *secret, const char *key, struct secret *out, struct err *err)
{
	const char *text = obj_str(secret, "data", key);
	struct buf plain = BUF_INIT(LIMIT_PULL_SECRET);
	int rc;

	secret_clear(out);
	if (!text)
		return 0;
	rc = base64_decode(&plain, text, strlen(text), BASE64_NEWLINES, err);
	if (rc)
		err_wrap(err, "key '%s'", key);
	else if (plain.len)
		secret_set(out, plain.p, plain.len);
	if (plain.p)
		mem_wipe(plain.p, plain.cap);
	buf_clear(&plain);
	return rc;
}

void object_member_keep(json_t *to, const json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);

	if (v)
		json_object_set(to, key, v);
}

/* Of an object that is too large to be kept: what there is to know of its status between its
   runs. */
static json_t *little_status(
	const json_t *obj, void (*status_kept)(const json_t *status, json_t *kept))
{
	static const char *const fields[] = {
		"conditions", "observedGeneration", "lastHandledReconcileAt"};
	const json_t *from = obj_get(obj, "status");
	json_t *status = json_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		object_member_keep(status, from, fields[i]);
	if (status_kept)
		status_kept(from, status);
	return status;
}

/* Those that a run reads: requests, and what Events carry on (fluxcd/pkg/apis/event). */
static json_t *own_annotations(const json_t *meta)
{
	json_t *a = json_object(), *v;
	const char *key;

	json_object_foreach (obj_get(meta, "annotations"), key, v)
		if (!strcmp(key, OBJECT_REQUESTED_AT) ||
			!strncmp(key, "event.toolkit.fluxcd.io/", 24))
			json_object_set(a, key, v);
	return a;
}

/* "a/" stands for all below it. */
static void annotations_keep(json_t *out, const json_t *all, const char *key)
{
	size_t n = strlen(key);
	const char *name;
	json_t *v;

	if (key[n - 1] != '/') {
		object_member_keep(out, all, key);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)all, name, v)
		if (!strncmp(name, key, n))
			json_object_set(out, name, v);
}

struct digest object_annotations(const json_t *obj, const char *const *keys)
{
	const json_t *all = obj_get(obj, "metadata", "annotations");
	auto_buf struct buf b = BUF_INIT(LIMIT_KUBE_OBJECT * 2);
	struct digest d = {.algo = DIGEST_NONE};
	json_t *some;

	if (!all || !keys)
		return d;
	some = json_object();
	for (; *keys; keys++)
		annotations_keep(some, all, *keys);
	if (json_object_size(some)) {
		obj_write(some, &b);
		digest_mem(&d, DIGEST_SHA256, buf_str(&b), b.len);
	}
	json_decref(some);
	return d;
}

bool object_annotations_are(const json_t *obj, const char *const *keys, const struct digest *d)
{
	struct digest now = object_annotations(obj, keys);

	return now.algo == DIGEST_NONE ? d->algo == DIGEST_NONE : digest_equal(&now, d);
}

char *object_text(const json_t *obj, size_t room,
	void (*status_kept)(const json_t *status, json_t *kept), bool *whole)
{
	static const char *const fields[] = {"name", "namespace", "uid", "resourceVersion",
		"generation", "finalizers", "deletionTimestamp"};
	const json_t *meta = obj_get(obj, "metadata");
	json_t *small = json_object(), *m = json_object(), *a = own_annotations(meta);
	auto_buf struct buf b = BUF_INIT(LIMIT_KUBE_OBJECT * 2);
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		object_member_keep(m, meta, fields[i]);
	if (json_object_size(a))
		json_object_set(m, "annotations", a);
	json_object_set(small, "metadata", m);
	object_member_keep(small, obj, "status");
	obj_write(small, &b);
	*whole = b.len + room <= LIMIT_OBJECT_KEPT;
	if (!*whole) {
		json_object_set_new(small, "status", little_status(obj, status_kept));
		buf_reset(&b);
		obj_write(small, &b);
	}
	json_decref(a);
	json_decref(m);
	json_decref(small);
	/* Exactly as much as it needs: ten thousand of these stay in memory. */
	return mem_strndup(buf_str(&b), b.len);
}
