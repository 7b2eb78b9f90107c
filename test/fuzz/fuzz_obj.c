/*
 * The measure of JSON. Properties: a document that the parser takes is refused by the measure if
 * and only if its tree is larger than the limits; one that is refused says why; what an API server
 * sends stays as it is, but for managedFields.
 */
#include "base/obj.h"

#include "base/err.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static size_t values_of(const json_t *o, unsigned depth, unsigned *deepest)
{
	json_t *node = (json_t *)(uintptr_t)o, *v;
	size_t n = 1, i;
	const char *key;

	if (json_is_object(o) || json_is_array(o))
		depth++;
	if (depth > *deepest)
		*deepest = depth;
	json_object_foreach (node, key, v)
		n += values_of(v, depth, deepest);
	json_array_foreach (node, i, v)
		n += values_of(v, depth, deepest);
	return n;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct obj_limits few = {8, 3}, any = {1000000, 1000};
	const char *text = (const char *)data;
	unsigned depth = 0;
	struct err err = {0};
	json_t *o = json_loadb(
		text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int rc = obj_measure(text, size, &few, "it", &err);

	BUG_IF(rc && (err.code != -E2BIG || !err.msg[0]));
	if (o) {
		BUG_IF((values_of(o, 0, &depth) > few.values || depth > few.depth) != (rc == -1));
		json_decref(o);
		o = obj_parse_api(text, size, "it", &err);
		BUG_IF(!o && !obj_measure(text, size, &any, "it", &err) && err.code != -E2BIG);
		json_decref(o);
	}
	o = obj_parse_within(text, size, &few, "it", &err);
	BUG_IF(o && (rc || values_of(o, 0, &depth) > few.values || depth > few.depth));
	json_decref(o);
	return 0;
}
