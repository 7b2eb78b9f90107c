#include "hook/shape.h"

#include "base/time.h"

#include <string.h>
#include <strings.h>

static bool time_fits(const json_t *v)
{
	struct err ignored = {0};
	int64_t ms;

	return json_is_string(v) && !time_parse_rfc3339(json_string_value(v), &ms, &ignored);
}

static bool texts_fit(const json_t *v)
{
	size_t i;

	for (i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)) && !json_is_null(json_array_get(v, i)))
			return false;
	return json_is_array(v);
}

static bool value_fits(const json_t *v, const struct hook_shape *s)
{
	if (json_is_null(v))
		return true;
	switch (s->kind) {
	case HOOK_TEXT:
		return json_is_string(v);
	case HOOK_TEXTS:
		return texts_fit(v);
	case HOOK_TIME:
		return time_fits(v);
	default:
		return hook_shape_fits(v, s->in);
	}
}

bool hook_shape_fits(const json_t *o, const struct hook_shape *shape)
{
	const struct hook_shape *s;
	const char *name;
	json_t *v;

	if (json_is_null(o))
		return true;
	json_object_foreach ((json_t *)o, name, v)
		for (s = shape; s->name; s++)
			if (!strcasecmp(name, s->name) && !value_fits(v, s))
				return false;
	return json_is_object(o);
}

const json_t *hook_member(const json_t *o, const char *name)
{
	const json_t *found = NULL;
	const char *at;
	json_t *v;

	json_object_foreach ((json_t *)o, at, v)
		if (!strcasecmp(at, name) && !json_is_null(v))
			found = v;
	return found;
}

const char *hook_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(hook_member(o, name));

	return text ? text : "";
}
