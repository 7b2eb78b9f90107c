/* Patches: two JSON documents, separated by a NUL. A merge patch applied twice changes nothing
   more, and leaves no null of its own behind; what a three-way merge wants is there after; a
   strategic patch never makes anything but an object. */
#include "embedded/patch.h"

#include "base/mem.h"
#include "base/obj.h"
#include "embedded/status.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* Every leaf of want stands in o. */
static void contains(const json_t *o, const json_t *want)
{
	const char *key;
	json_t *value;

	if (!json_is_object(want)) {
		BUG_IF(!json_equal(o, want));
		return;
	}
	BUG_IF(!json_is_object(o));
	json_object_foreach ((json_t *)(uintptr_t)want, key, value)
		contains(json_object_get(o, key), value);
}

static void merge(const json_t *a, const json_t *patch)
{
	json_t *once = json_deep_copy(a), *twice;

	emb_patch_merge(&once, patch);
	twice = json_deep_copy(once);
	emb_patch_merge(&twice, patch);
	BUG_IF(!json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
}

static void strategic(const json_t *a, const json_t *patch)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	auto_json json_t *o = json_deep_copy(a);
	int rc = emb_patch_strategic(o, patch, &st);

	BUG_IF(!json_is_object(o) || (rc != 0) != (st.code != 0));
}

static void three_way(const json_t *a, const json_t *wanted)
{
	auto_json json_t *live = json_deep_copy(a), *same = json_deep_copy(wanted);

	emb_patch_three_way(live, a, wanted);
	contains(live, wanted);
	/* Everything that was there was applied by us: what is not wanted any more is gone. */
	BUG_IF(!json_equal(live, same));
	json_decref(live);
	live = json_deep_copy(a);
	emb_patch_three_way(live, NULL, wanted);
	contains(live, wanted);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned char *nul = memchr(data, 0, size);
	auto_json json_t *a = NULL, *b = NULL;
	struct err err;

	if (!nul)
		return 0;
	a = obj_parse((const char *)data, (size_t)(nul - data), "a", &err);
	b = obj_parse((const char *)nul + 1, size - (size_t)(nul - data) - 1, "b", &err);
	if (!a || !b)
		return 0;
	merge(a, b);
	if (json_is_object(a) && json_is_object(b)) {
		strategic(a, b);
		three_way(a, b);
	}
	return 0;
}
