#include "kube/patch.h"

#include "base/err.h"
#include "base/obj.h"

#include <string.h>

/* Copies v without the members that are null, at any depth below objects: in a merge patch they
   would mean "remove". */
static json_t *patch_without_nulls(const json_t *v)
{
	const char *key;
	json_t *out, *member;

	if (!json_is_object(v))
		return json_deep_copy(v);
	out = json_object();
	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		if (!json_is_null(member))
			json_object_set_new(out, key, patch_without_nulls(member));
	}
	return out;
}

/* Equal as the API server sees it: an object's null member is an absent one. */
static bool patch_same(const json_t *a, const json_t *b)
{
	json_t *d;

	if (json_is_object(a) && json_is_object(b)) {
		d = kube_merge_diff(a, b);
		json_decref(d);
		return !d;
	}
	return json_equal(a, b);
}

json_t *kube_merge_diff(const json_t *from, const json_t *to)
{
	json_t *out = json_object(), *old, *now, *d;
	const char *key;

	json_object_foreach ((json_t *)(uintptr_t)from, key, old) {
		now = json_object_get(to, key);
		if (!json_is_null(old) && (!now || json_is_null(now)))
			json_object_set_new(out, key, json_null());
	}
	json_object_foreach ((json_t *)(uintptr_t)to, key, now) {
		old = json_object_get(from, key);
		if (json_is_null(now) || (old && patch_same(old, now)))
			continue;
		d = json_is_object(old) && json_is_object(now) ? kube_merge_diff(old, now)
							       : patch_without_nulls(now);
		json_object_set_new(out, key, d);
	}
	if (json_object_size(out))
		return out;
	json_decref(out);
	return NULL;
}

static json_t *patch_preconditions(const json_t *obj)
{
	static const char *const keys[] = {"uid", "resourceVersion"};
	json_t *meta = json_object();
	size_t i;

	for (i = 0; i < 2; i++) {
		const char *v = obj_str(obj, "metadata", keys[i]);

		if (v)
			json_object_set_new(meta, keys[i], json_string(v));
	}
	return meta;
}

json_t *kube_patch_status(const json_t *obj, const json_t *status)
{
	json_t *none = json_object(), *old = obj_get(obj, "status"), *diff, *patch;

	diff = kube_merge_diff(json_is_object(old) ? old : none, status ? status : none);
	json_decref(none);
	if (!diff)
		return NULL;
	patch = json_object();
	json_object_set_new(patch, "metadata", patch_preconditions(obj));
	json_object_set_new(patch, "status", diff);
	return patch;
}

bool kube_has_finalizer(const json_t *obj, const char *finalizer)
{
	json_t *list = obj_get(obj, "metadata", "finalizers"), *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), finalizer))
			return true;
	return false;
}

static json_t *patch_finalizers(const json_t *obj, const char *finalizer, bool add)
{
	json_t *list = obj_get(obj, "metadata", "finalizers"), *now, *v, *meta, *patch;
	size_t i;

	if (kube_has_finalizer(obj, finalizer) == add)
		return NULL;
	now = json_array();
	json_array_foreach (list, i, v) {
		if (!json_is_string(v) || strcmp(json_string_value(v), finalizer) != 0)
			json_array_append(now, v);
	}
	if (add)
		json_array_append_new(now, json_string(finalizer));
	meta = patch_preconditions(obj);
	/* An empty array and an absent one are the same to the API server; null says it shorter. */
	if (!json_array_size(now)) {
		json_decref(now);
		now = json_null();
	}
	json_object_set_new(meta, "finalizers", now);
	patch = json_object();
	json_object_set_new(patch, "metadata", meta);
	return patch;
}

json_t *kube_patch_finalizer_add(const json_t *obj, const char *finalizer)
{
	return patch_finalizers(obj, finalizer, true);
}

json_t *kube_patch_finalizer_remove(const json_t *obj, const char *finalizer)
{
	return patch_finalizers(obj, finalizer, false);
}
