#include "embedded/table.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "embedded/jsonpath.h"
#include "embedded/kind.h"

#include <stdio.h>
#include <string.h>

/* "5m" or "5m30s": the smaller unit only when it is not zero. */
static char *table_two_units(char *out, int64_t big, char big_unit, int64_t small, char small_unit)
{
	if (small)
		snprintf(out, EMB_AGE_MAX, "%lld%c%lld%c", (long long)big, big_unit,
			(long long)small, small_unit);
	else
		snprintf(out, EMB_AGE_MAX, "%lld%c", (long long)big, big_unit);
	return out;
}

char *emb_age(int64_t ms, char out[EMB_AGE_MAX])
{
	int64_t s = ms / 1000, m = ms / 60000, h = ms / 3600000;

	if (s < -1) {
		snprintf(out, EMB_AGE_MAX, "<invalid>");
		return out;
	}
	if (ms < 0)
		s = 0;
	if (s < 120)
		return table_two_units(out, s, 's', 0, 0);
	if (m < 10)
		return table_two_units(out, m, 'm', s % 60, 's');
	if (m < 180)
		return table_two_units(out, m, 'm', 0, 0);
	if (h < 8)
		return table_two_units(out, h, 'h', m % 60, 'm');
	if (h < 48)
		return table_two_units(out, h, 'h', 0, 0);
	if (h < 24 * 8)
		return table_two_units(out, h / 24, 'd', h % 24, 'h');
	if (h < 24 * 365 * 2)
		return table_two_units(out, h / 24, 'd', 0, 0);
	if (h < 24 * 365 * 8)
		return table_two_units(out, h / 24 / 365, 'y', h / 24 % 365, 'd');
	return table_two_units(out, h / 24 / 365, 'y', 0, 0);
}

char *emb_age_since(const char *rfc3339, int64_t now_ms, char out[EMB_AGE_MAX])
{
	struct err err;
	int64_t at;

	if (rfc3339 && !time_parse_rfc3339(rfc3339, &at, &err))
		return emb_age(now_ms - at, out);
	snprintf(out, EMB_AGE_MAX, "<unknown>");
	return out;
}

json_t *emb_table_columns(const struct emb_version *v)
{
	json_t *out = json_array();
	size_t i;

	for (i = 0; i < v->n_columns; i++) {
		const struct emb_column *c = &v->columns[i];

		json_array_append_new(out,
			json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", c->name, "type", c->type,
				"format", c->format, "description", c->description, "priority",
				c->priority));
	}
	return out;
}

json_t *emb_partial(const json_t *o)
{
	json_t *meta = json_object_get(o, "metadata");

	return json_pack("{s:s, s:s, s:O}", "kind", "PartialObjectMetadata", "apiVersion",
		"meta.k8s.io/v1", "metadata", meta ? meta : json_null());
}

static json_t *table_cell(const struct emb_column *c, const json_t *o, int64_t now_ms)
{
	const json_t *v = emb_jsonpath_first(c->path, o);
	char age[EMB_AGE_MAX];
	char *text;
	json_t *out;

	if (!v || json_is_null(v))
		return json_null();
	if (!strcmp(c->type, "date"))
		return json_string(emb_age_since(json_string_value(v), now_ms, age));
	if (!strcmp(c->type, "integer") || !strcmp(c->type, "number"))
		return json_is_number(v) ? json_deep_copy(v) : json_null();
	if (!strcmp(c->type, "boolean"))
		return json_is_boolean(v) ? json_deep_copy(v) : json_null();
	if (json_is_string(v))
		return json_deep_copy(v);
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	out = text ? json_string(text) : json_null();
	free(text);
	return out;
}

json_t *emb_table_row(const struct emb_kind *k, const struct emb_version *v, const json_t *o,
	enum emb_include include, int64_t now_ms)
{
	json_t *cells = json_array(), *row;
	size_t i;

	if (k->builtin) {
		k->builtin->cells(cells, o, now_ms);
	} else {
		for (i = 0; i < v->n_columns; i++) {
			json_t *c = v->columns[i].path
				? table_cell(&v->columns[i], o, now_ms)
				: json_string(obj_str_or("", o, "metadata", "name"));

			json_array_append_new(cells, c);
		}
	}
	row = json_pack("{s:o}", "cells", cells);
	if (include == EMB_INCLUDE_METADATA)
		json_object_set_new(row, "object", emb_partial(o));
	else if (include == EMB_INCLUDE_OBJECT)
		json_object_set_new(row, "object", json_deep_copy(o));
	return row;
}
