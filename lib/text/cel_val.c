/* Values, most of them borrowed: a list of a body stays JSON until an item is asked for. */
#include "base/limits.h"
#include "base/mem.h"
#include "text/cel_internal.h"

#include <math.h>
#include <string.h>

#define DEPTH_MAX (LIMIT_CEL_DEPTH + LIMIT_JSON_API_DEPTH)

int cel_tick(struct cel_run *r, size_t n, struct err *err)
{
	if (r->steps > n) {
		r->steps -= n;
		return 0;
	}
	r->over = true;
	return err_set(err, ERR_RETRY, "more than %d steps", LIMIT_CEL_STEPS);
}

int cel_tick_bytes(struct cel_run *r, size_t n, struct err *err)
{
	return cel_tick(r, 1 + n / 64, err);
}

void *cel_alloc(struct cel_run *r, size_t n, struct err *err)
{
	void *p = cel_pool_alloc(&r->pool, n);

	if (!p) {
		r->over = true;
		err_set(err, ERR_RETRY, "the values take more than %llu bytes", LIMIT_CEL_MEMORY);
	}
	return p;
}

struct cel_val cel_of_bool(bool b)
{
	return (struct cel_val){.kind = CEL_BOOL, .b = b};
}

struct cel_val cel_of_int(int64_t i)
{
	return (struct cel_val){.kind = CEL_INT, .i = i};
}

struct cel_val cel_of_string(const char *s, size_t len)
{
	return (struct cel_val){.kind = CEL_STRING, .s = s, .len = len};
}

struct cel_val cel_of_json(const json_t *j, bool exact)
{
	struct cel_val v = {.kind = CEL_NULL, .exact = exact};

	switch (json_typeof(j)) {
	case JSON_TRUE:
	case JSON_FALSE:
		return cel_of_bool(json_is_true(j));
	case JSON_INTEGER:
		if (exact)
			return cel_of_int(json_integer_value(j));
		v.kind = CEL_DOUBLE;
		v.d = (double)json_integer_value(j);
		return v;
	case JSON_REAL:
		v.kind = CEL_DOUBLE;
		v.d = json_real_value(j);
		return v;
	case JSON_STRING:
		return cel_of_string(json_string_value(j), json_string_length(j));
	case JSON_ARRAY:
		v.kind = CEL_LIST;
		v.json = j;
		v.len = json_array_size(j);
		return v;
	case JSON_OBJECT:
		v.kind = CEL_MAP;
		v.json = j;
		v.len = json_object_size(j);
		return v;
	default:
		return v;
	}
}

int cel_of_some(struct cel_run *r, const struct cel_val *v, struct cel_val *out, struct err *err)
{
	struct cel_val *inner = cel_alloc(r, sizeof(*inner), err);

	if (!inner)
		return -1;
	*inner = *v;
	*out = (struct cel_val){.kind = CEL_OPTIONAL, .inner = inner};
	return 0;
}

struct cel_val cel_list_at(const struct cel_val *list, size_t i)
{
	return list->json ? cel_of_json(json_array_get(list->json, i), list->exact)
			  : list->items[i];
}

bool cel_map_next(
	const struct cel_val *map, struct cel_walk *w, struct cel_val *key, struct cel_val *value)
{
	json_t *j = (json_t *)(uintptr_t)map->json;

	if (w->i == map->len)
		return false;
	if (!j) {
		*key = map->items[2 * w->i];
		*value = map->items[2 * w->i + 1];
	} else {
		w->iter = w->i ? json_object_iter_next(j, w->iter) : json_object_iter(j);
		*key = cel_of_string(
			json_object_iter_key(w->iter), json_object_iter_key_len(w->iter));
		*value = cel_of_json(json_object_iter_value(w->iter), map->exact);
	}
	w->i++;
	return true;
}

/* ---- numbers --------------------------------------------------------------------------------- */

#define TWO_63 9223372036854775808.0
#define TWO_64 18446744073709551616.0

bool cel_double_to_int(double d, int64_t *out)
{
	if (!(d > -TWO_63 && d < TWO_63))
		return false;
	*out = (int64_t)d;
	return true;
}

bool cel_double_to_uint(double d, uint64_t *out)
{
	if (!(d >= 0 && d < TWO_64))
		return false;
	*out = (uint64_t)d;
	return true;
}

static int order(double a, double b)
{
	return (a > b) - (a < b);
}

static bool is_number(const struct cel_val *v)
{
	return v->kind == CEL_INT || v->kind == CEL_UINT || v->kind == CEL_DOUBLE;
}

static int compare_int_uint(int64_t i, uint64_t u)
{
	if (i < 0 || u > INT64_MAX)
		return -1;
	return (i > (int64_t)u) - (i < (int64_t)u);
}

/* An integer becomes a double for it, so very large ones may be equal to a neighbour. */
static int compare_double(double d, const struct cel_val *b)
{
	if (isnan(d) || (b->kind == CEL_DOUBLE && isnan(b->d)))
		return CEL_UNORDERED;
	if (b->kind == CEL_DOUBLE)
		return order(d, b->d);
	return order(d, b->kind == CEL_INT ? (double)b->i : (double)b->u);
}

static int compare_numbers(const struct cel_val *a, const struct cel_val *b)
{
	int rc;

	if (a->kind == CEL_DOUBLE)
		return compare_double(a->d, b);
	if (b->kind == CEL_DOUBLE) {
		rc = compare_double(b->d, a);
		return rc == CEL_UNORDERED ? rc : -rc;
	}
	if (a->kind == CEL_INT && b->kind == CEL_INT)
		return (a->i > b->i) - (a->i < b->i);
	if (a->kind == CEL_UINT && b->kind == CEL_UINT)
		return (a->u > b->u) - (a->u < b->u);
	return a->kind == CEL_INT ? compare_int_uint(a->i, b->u) : -compare_int_uint(b->i, a->u);
}

static int compare_text(const struct cel_val *a, const struct cel_val *b)
{
	size_t n = a->len < b->len ? a->len : b->len;
	int rc = n ? memcmp(a->s, b->s, n) : 0;

	return rc ? (rc > 0) - (rc < 0) : (a->len > b->len) - (a->len < b->len);
}

int cel_compare(const struct cel_val *a, const struct cel_val *b)
{
	if (is_number(a) && is_number(b))
		return compare_numbers(a, b);
	if (a->kind != b->kind)
		return CEL_UNORDERED;
	switch (a->kind) {
	case CEL_BOOL:
		return a->b - b->b;
	case CEL_STRING:
	case CEL_BYTES:
		return compare_text(a, b);
	case CEL_DURATION:
		return (a->i > b->i) - (a->i < b->i);
	case CEL_TIMESTAMP:
		if (a->time.sec != b->time.sec)
			return a->time.sec > b->time.sec ? 1 : -1;
		return (a->time.nsec > b->time.nsec) - (a->time.nsec < b->time.nsec);
	default:
		return CEL_UNORDERED;
	}
}

/* ---- equality -------------------------------------------------------------------------------- */

static int equal_deep(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	unsigned depth, struct err *err);

static int equal_lists(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	unsigned depth, struct err *err)
{
	size_t i;
	int rc = 1;

	for (i = 0; i < a->len && rc > 0; i++) {
		struct cel_val x = cel_list_at(a, i), y = cel_list_at(b, i);

		rc = equal_deep(r, &x, &y, depth + 1, err);
	}
	return rc;
}

static int equal_maps(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	unsigned depth, struct err *err)
{
	struct cel_walk w = {0};
	struct cel_val key, x, y;
	int rc = 1;

	while (rc > 0 && cel_map_next(a, &w, &key, &x)) {
		rc = cel_map_find(r, b, &key, &y, err);
		if (rc > 0)
			rc = equal_deep(r, &x, &y, depth + 1, err);
	}
	return rc;
}

static int equal_deep(struct cel_run *r, const struct cel_val *a, const struct cel_val *b,
	unsigned depth, struct err *err)
{
	if (depth > DEPTH_MAX) {
		r->over = true;
		return err_set(err, ERR_RETRY, "a value is nested too deep");
	}
	if (cel_tick(r, 1, err))
		return -1;
	if (is_number(a) && is_number(b))
		return compare_numbers(a, b) == 0;
	if (a->kind != b->kind)
		return 0;
	switch (a->kind) {
	case CEL_NULL:
		return 1;
	case CEL_TYPE:
		return a->type == b->type;
	case CEL_LIST:
		return a->len == b->len ? equal_lists(r, a, b, depth, err) : 0;
	case CEL_MAP:
		return a->len == b->len ? equal_maps(r, a, b, depth, err) : 0;
	case CEL_OPTIONAL:
		if (!a->inner || !b->inner)
			return a->inner == b->inner;
		return equal_deep(r, a->inner, b->inner, depth + 1, err);
	case CEL_STRING:
	case CEL_BYTES:
		if (a->len != b->len)
			return 0;
		if (cel_tick_bytes(r, a->len, err))
			return -1;
		return !compare_text(a, b);
	default:
		return cel_compare(a, b) == 0;
	}
}

int cel_equal(struct cel_run *r, const struct cel_val *a, const struct cel_val *b, struct err *err)
{
	return equal_deep(r, a, b, 0, err);
}

int cel_list_has(
	struct cel_run *r, const struct cel_val *list, const struct cel_val *v, struct err *err)
{
	size_t i;

	for (i = 0; i < list->len; i++) {
		struct cel_val item = cel_list_at(list, i);
		int rc = cel_equal(r, v, &item, err);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- keys of maps ---------------------------------------------------------------------------- */

/* Does an entry have this key, number types apart? */
static bool same_key(const struct cel_val *a, const struct cel_val *b)
{
	return a->kind == b->kind && a->kind != CEL_TYPE && cel_compare(a, b) == 0;
}

static const struct cel_val *find_entry(const struct cel_val *map, const struct cel_val *key)
{
	size_t i;

	for (i = 0; i < map->len; i++)
		if (same_key(&map->items[2 * i], key))
			return &map->items[2 * i + 1];
	return NULL;
}

static const struct cel_val *find_int(const struct cel_val *map, int64_t i)
{
	struct cel_val key = cel_of_int(i);

	return find_entry(map, &key);
}

static const struct cel_val *find_uint(const struct cel_val *map, uint64_t u)
{
	struct cel_val key = {.kind = CEL_UINT, .u = u};

	return find_entry(map, &key);
}

/* A number is looked for as each type that can hold it; a key that is a double is found as one
   only. */
static const struct cel_val *find_number(const struct cel_val *map, const struct cel_val *key)
{
	const struct cel_val *v = NULL;
	int64_t i;
	uint64_t u;

	if (key->kind == CEL_INT)
		return key->i >= 0 ? find_uint(map, (uint64_t)key->i) : NULL;
	if (key->kind == CEL_UINT)
		return key->u <= INT64_MAX ? find_int(map, (int64_t)key->u) : NULL;
	if (key->kind != CEL_DOUBLE)
		return NULL;
	if (cel_double_to_int(key->d, &i) && (double)i == key->d)
		v = find_int(map, i);
	if (!v && cel_double_to_uint(key->d, &u) && (double)u == key->d)
		v = find_uint(map, u);
	return v;
}

int cel_map_find(struct cel_run *r, const struct cel_val *map, const struct cel_val *key,
	struct cel_val *out, struct err *err)
{
	const struct cel_val *v;
	const json_t *j;

	if (cel_tick(r, 1 + (map->json ? 0 : map->len / 8), err))
		return -1;
	if (map->json) {
		if (key->kind != CEL_STRING)
			return 0;
		j = json_object_getn(map->json, key->s, key->len);
		if (j)
			*out = cel_of_json(j, map->exact);
		return j != NULL;
	}
	v = find_entry(map, key);
	if (!v)
		v = find_number(map, key);
	if (v)
		*out = *v;
	return v != NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *to_json_deep(
	struct cel_run *r, const struct cel_val *v, unsigned depth, struct err *err);

static json_t *list_to_json(
	struct cel_run *r, const struct cel_val *v, unsigned depth, struct err *err)
{
	json_t *list = json_array(), *item;
	size_t i;

	for (i = 0; list && i < v->len; i++) {
		struct cel_val at = cel_list_at(v, i);

		item = to_json_deep(r, &at, depth + 1, err);
		if (!item || json_array_append_new(list, item)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *map_to_json(
	struct cel_run *r, const struct cel_val *v, unsigned depth, struct err *err)
{
	json_t *map = json_object(), *item;
	struct cel_walk w = {0};
	struct cel_val key, value;

	while (map && cel_map_next(v, &w, &key, &value)) {
		item = NULL;
		if (key.kind == CEL_STRING)
			item = to_json_deep(r, &value, depth + 1, err);
		else
			err_set(err, ERR_RETRY, "a map with keys of type '%s' has no JSON form",
				cel_kind_name(key.kind));
		if (!item || json_object_setn_new(map, key.s, key.len, item)) {
			json_decref(map);
			return NULL;
		}
	}
	return map;
}

static json_t *to_json_deep(
	struct cel_run *r, const struct cel_val *v, unsigned depth, struct err *err)
{
	if (depth > DEPTH_MAX) {
		err_set(err, ERR_RETRY, "a value is nested too deep");
		return NULL;
	}
	/* What the values take, the JSON takes again and more. */
	if (cel_tick(r, 1, err) || !cel_alloc(r, 64 + v->len, err))
		return NULL;
	switch (v->kind) {
	case CEL_NULL:
		return json_null();
	case CEL_BOOL:
		return json_boolean(v->b);
	case CEL_INT:
		return json_integer(v->i);
	case CEL_STRING:
		return json_stringn(v->s, v->len);
	case CEL_LIST:
		return list_to_json(r, v, depth, err);
	case CEL_MAP:
		return map_to_json(r, v, depth, err);
	case CEL_DOUBLE:
		if (isfinite(v->d))
			return json_real(v->d);
		err_set(err, ERR_RETRY, "a number that is not finite has no JSON form");
		return NULL;
	default:
		err_set(err, ERR_RETRY, "a value of type '%s' has no JSON form",
			cel_kind_name(v->kind));
		return NULL;
	}
}

json_t *cel_to_json(struct cel_run *r, const struct cel_val *v, struct err *err)
{
	struct err why = {0};
	json_t *j = to_json_deep(r, v, 0, &why);

	if (!j && why.kind == ERR_NONE)
		err_set(&why, ERR_RETRY, "the value has no JSON form");
	if (!j)
		*err = why;
	return j;
}
