#include "embedded/patch.h"

#include "base/obj.h"
#include "embedded/status.h"

#include <stdbool.h>
#include <string.h>

/* ---- RFC 7386 -------------------------------------------------------------------------------- */

void emb_patch_merge(json_t **o, const json_t *patch)
{
	const char *key;
	json_t *value;

	if (!json_is_object(patch)) {
		json_decref(*o);
		*o = json_deep_copy(patch);
		return;
	}
	if (!json_is_object(*o)) {
		json_decref(*o);
		*o = json_object();
	}
	json_object_foreach ((json_t *)(uintptr_t)patch, key, value) {
		json_t *member;

		if (json_is_null(value)) {
			json_object_del(*o, key);
			continue;
		}
		member = json_object_get(*o, key);
		if (json_is_object(member) && json_is_object(value)) {
			emb_patch_merge(&member, value);
		} else {
			member = NULL;
			emb_patch_merge(&member, value);
			json_object_set_new(*o, key, member);
		}
	}
}

/* ---- strategic ------------------------------------------------------------------------------- */

static bool list_has(const json_t *list, const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), value))
			return true;
	return false;
}

static void list_remove(json_t *list, const json_t *values)
{
	size_t i = 0;

	while (i < json_array_size(list)) {
		if (list_has(values, json_array_get(list, i)))
			json_array_remove(list, i);
		else
			i++;
	}
}

static void list_union(json_t *list, const json_t *values)
{
	size_t i;

	for (i = 0; i < json_array_size(values); i++)
		if (!list_has(list, json_array_get(values, i)))
			json_array_append_new(list, json_deep_copy(json_array_get(values, i)));
}

/* The key by which a list of objects merges; NULL: it does not. */
static const char *merge_key(const char *field)
{
	if (!strcmp(field, "ownerReferences"))
		return "uid";
	if (!strcmp(field, "secrets"))
		return "name";
	return strcmp(field, "conditions") ? NULL : "type";
}

static int patch_strategic(json_t *o, const json_t *patch, struct emb_status *st);

static size_t list_find(const json_t *list, const char *key, const json_t *value)
{
	size_t i, n = json_array_size(list);

	for (i = 0; i < n; i++) {
		const json_t *v = json_object_get(json_array_get(list, i), key);

		if (v && json_equal(v, value))
			return i;
	}
	return n;
}

static int list_merge(json_t *list, const json_t *patch, const char *key, struct emb_status *st)
{
	json_t *value;
	size_t i;

	json_array_foreach (patch, i, value) {
		const char *what = obj_str_or("", value, "$patch");
		const json_t *id = json_object_get(value, key);
		size_t at;

		if (!strcmp(what, "replace"))
			continue;
		if (!id)
			return emb_bad_request(st,
				"map: %s does not contain declared merge key: %s",
				"the list's element", key);
		at = list_find(list, key, id);
		if (!strcmp(what, "delete")) {
			if (at < json_array_size(list))
				json_array_remove(list, at);
			continue;
		}
		if (at == json_array_size(list))
			json_array_append_new(list, json_object());
		if (patch_strategic(json_array_get(list, at), value, st))
			return -1;
	}
	return 0;
}

static bool patch_replaces(const json_t *list)
{
	json_t *value;
	size_t i;

	json_array_foreach (list, i, value)
		if (!strcmp(obj_str_or("", value, "$patch"), "replace"))
			return true;
	return false;
}

static int patch_list(json_t *o, const char *key, const json_t *value, struct emb_status *st)
{
	const char *by = merge_key(key);
	json_t *list = json_object_get(o, key);

	if (strcmp(key, "finalizers") != 0 && !by) {
		json_object_set_new(o, key, json_deep_copy(value));
		return 0;
	}
	if (!json_is_array(list) || patch_replaces(value)) {
		list = json_array();
		json_object_set_new(o, key, list);
	}
	if (by)
		return list_merge(list, value, by, st);
	list_union(list, value);
	return 0;
}

static int patch_directive(json_t *o, const char *key, const json_t *value, struct emb_status *st)
{
	static const char remove[] = "$deleteFromPrimitiveList/";

	if (!strncmp(key, remove, sizeof(remove) - 1)) {
		list_remove(json_object_get(o, key + sizeof(remove) - 1), value);
		return 0;
	}
	/* The order within finalizers, conditions and owners means nothing. */
	if (!strncmp(key, "$setElementOrder/", 17) || !strcmp(key, "$patch") ||
		!strcmp(key, "$retainKeys"))
		return 0;
	return emb_bad_request(
		st, "unknown directive \"%.100s\" in the strategic merge patch", key);
}

static int patch_member(json_t *o, const char *key, const json_t *value, struct emb_status *st)
{
	json_t *member;

	if (key[0] == '$')
		return patch_directive(o, key, value, st);
	if (json_is_null(value) || !strcmp(obj_str_or("", value, "$patch"), "delete")) {
		json_object_del(o, key);
		return 0;
	}
	if (json_is_array(value))
		return patch_list(o, key, value, st);
	if (!json_is_object(value)) {
		json_object_set_new(o, key, json_deep_copy(value));
		return 0;
	}
	member = json_object_get(o, key);
	if (!json_is_object(member)) {
		member = json_object();
		json_object_set_new(o, key, member);
	}
	return patch_strategic(member, value, st);
}

static int patch_strategic(json_t *o, const json_t *patch, struct emb_status *st)
{
	const char *what = obj_str_or("merge", patch, "$patch"), *key;
	const json_t *retain = json_object_get(patch, "$retainKeys");
	json_t *value;
	void *next;

	if (strcmp(what, "merge") != 0 && strcmp(what, "replace") != 0)
		return emb_bad_request(st, "unknown value \"%.100s\" of $patch", what);
	if (!strcmp(what, "replace"))
		json_object_clear(o);
	if (retain) {
		json_object_foreach_safe (o, next, key, value) {
			json_t *name = json_string(key);

			if (!list_has(retain, name))
				json_object_del(o, key);
			json_decref(name);
		}
	}
	json_object_foreach ((json_t *)(uintptr_t)patch, key, value)
		if (patch_member(o, key, value, st))
			return -1;
	return 0;
}

int emb_patch_strategic(json_t *o, const json_t *patch, struct emb_status *st)
{
	return patch_strategic(o, patch, st);
}

/* ---- three-way ------------------------------------------------------------------------------- */

void emb_patch_three_way(json_t *live, const json_t *last, const json_t *wanted)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)last, key, value)
		if (!json_object_get(wanted, key))
			json_object_del(live, key);
	json_object_foreach ((json_t *)(uintptr_t)wanted, key, value) {
		json_t *member = json_object_get(live, key);

		if (json_is_object(value) && json_is_object(member))
			emb_patch_three_way(member, json_object_get(last, key), value);
		else
			json_object_set_new(live, key, json_deep_copy(value));
	}
}
