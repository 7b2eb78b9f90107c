#include "embedded/json_patch.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/status.h"

#include <stdbool.h>
#include <string.h>

#define WORK_MAX (1000 * 1000) /* values touched, a fraction of a second */

struct patch {
	json_t **root;
	struct emb_status *st;
	const char *op, *path; /* of the operation at hand, for messages */
	size_t copied; /* bytes */
	uint64_t copied_values, work;
};

/* The API server's sentence, and after it what was wrong. */
static int patch_fails(struct patch *p, const char *why)
{
	return emb_status_set(p->st, 422, "Invalid", NULL, NULL,
		"the server rejected our request due to an error in our request: %s '%.500s': %s",
		p->op, p->path, why);
}

static int patch_too_large(struct patch *p)
{
	return emb_status_set(p->st, 413, "RequestEntityTooLarge", NULL, NULL,
		"Request entity too large: what the JSON patch makes is too large or too deep");
}

static int patch_spend(struct patch *p, uint64_t values)
{
	p->work += values;
	return p->work > WORK_MAX ? patch_too_large(p) : 0;
}

/* ---- pointers -------------------------------------------------------------------------------- */

/* The next token of a pointer that stands at a slash, unescaped into out; moves *at behind it. */
static int pointer_token(const char **at, struct buf *out)
{
	const char *s = *at + 1;

	buf_reset(out);
	for (; *s && *s != '/'; s++) {
		char c = *s;

		if (c == '~') {
			s++;
			if (*s != '0' && *s != '1')
				return -1;
			c = *s == '0' ? '~' : '/';
		}
		buf_addc(out, c);
	}
	*at = s;
	return 0;
}

/* RFC 6901 section 4: digits without a leading zero. -1: no index. */
static long long pointer_index(const char *token)
{
	size_t n = strlen(token);

	if (!n || n > 9 || strspn(token, "0123456789") != n || (n > 1 && token[0] == '0'))
		return -1;
	return strtoll(token, NULL, 10);
}

/* A place in the tree: the container and the last token. */
struct place {
	json_t *parent; /* NULL: the place is the root */
	struct buf token;
	unsigned depth; /* of what stands there; the root's is 0 */
};

static void place_clear(struct place *pl)
{
	buf_clear(&pl->token);
}
#define auto_place __attribute__((cleanup(place_clear)))
#define PLACE_INIT ((struct place){.token = BUF_INIT(LIMIT_REQUEST_BODY)})

static json_t *place_get(const struct patch *p, const struct place *pl)
{
	const char *token = buf_str(&pl->token);

	if (!pl->parent)
		return *p->root;
	if (json_is_object(pl->parent))
		return json_object_get(pl->parent, token);
	/* -1 is past the end of every list. */
	return json_array_get(pl->parent, (size_t)pointer_index(token));
}

static int place_find(struct patch *p, const char *pointer, struct place *pl)
{
	const char *at = pointer;

	if (*at && *at != '/')
		return patch_fails(p, "a path begins with a slash");
	while (*at) {
		json_t *next = place_get(p, pl);

		if (!json_is_object(next) && !json_is_array(next))
			return patch_fails(p, "nothing is there that could hold it");
		if (pointer_token(&at, &pl->token))
			return patch_fails(p, "a ~ is followed by 0 or 1");
		pl->parent = next;
		pl->depth++;
	}
	return 0;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Counts the values of a tree and looks how deep it is; false: deeper than max. */
static bool value_fits(const json_t *v, unsigned max, uint64_t *count)
{
	const char *key;
	json_t *value;
	size_t i;

	(*count)++;
	if (!json_is_object(v) && !json_is_array(v))
		return true;
	if (!max)
		return false;
	if (json_is_array(v)) {
		json_array_foreach (v, i, value)
			if (!value_fits(value, max - 1, count))
				return false;
		return true;
	}
	json_object_foreach ((json_t *)(uintptr_t)v, key, value)
		if (!value_fits(value, max - 1, count))
			return false;
	return true;
}

/* Puts v (taken over) at the place; in a list it is inserted, or it takes the place of what is
   there. */
static int place_put(struct patch *p, struct place *pl, json_t *v, bool insert)
{
	const char *token = buf_str(&pl->token);
	auto_json json_t *value = v;
	uint64_t count = 0;
	long long at;

	if (pl->depth >= LIMIT_JSON_API_DEPTH ||
		!value_fits(v, LIMIT_JSON_API_DEPTH - pl->depth, &count))
		return patch_too_large(p);
	if (patch_spend(p, count))
		return -1;
	if (!pl->parent) {
		json_decref(*p->root);
		*p->root = MOVE(value);
		return 0;
	}
	if (json_is_object(pl->parent)) {
		if (json_object_set(pl->parent, token, value))
			return patch_fails(p, "such a name cannot be");
		return 0;
	}
	at = !strcmp(token, "-") && insert ? (long long)json_array_size(pl->parent)
					   : pointer_index(token);
	if (at < 0 || (size_t)at >= json_array_size(pl->parent) + insert)
		return patch_fails(p, "the list has no such place");
	if (patch_spend(p, insert ? json_array_size(pl->parent) - (size_t)at : 1))
		return -1;
	if (insert ? json_array_insert(pl->parent, (size_t)at, value)
		   : json_array_set(pl->parent, (size_t)at, value))
		return patch_fails(p, "such a value cannot be");
	return 0;
}

/* What stood there, for the caller; NULL after a failure. */
static json_t *place_take(struct patch *p, struct place *pl)
{
	json_t *v = place_get(p, pl);

	if (!v || !pl->parent) {
		patch_fails(p, v ? "the object itself cannot go" : "nothing is there");
		return NULL;
	}
	if (json_is_array(pl->parent) && patch_spend(p, json_array_size(pl->parent)))
		return NULL;
	json_incref(v);
	if (json_is_object(pl->parent))
		json_object_del(pl->parent, buf_str(&pl->token));
	else
		json_array_remove(pl->parent, (size_t)pointer_index(buf_str(&pl->token)));
	return v;
}

/* ---- operations ------------------------------------------------------------------------------ */

static int patch_need(struct patch *p, const json_t *op, const char *member, const json_t **v)
{
	*v = json_object_get(op, member);
	if (*v)
		return 0;
	return patch_fails(p, !strcmp(member, "from") ? "from is missing" : "value is missing");
}

static int patch_add(struct patch *p, const json_t *op)
{
	auto_place struct place pl = PLACE_INIT;
	const json_t *v;

	if (patch_need(p, op, "value", &v) || place_find(p, p->path, &pl))
		return -1;
	return place_put(p, &pl, json_deep_copy(v), true);
}

static int patch_replace(struct patch *p, const json_t *op)
{
	auto_place struct place pl = PLACE_INIT;
	const json_t *v;

	if (patch_need(p, op, "value", &v) || place_find(p, p->path, &pl))
		return -1;
	return place_put(p, &pl, json_deep_copy(v), false);
}

static int patch_remove(struct patch *p, const json_t *op)
{
	auto_place struct place pl = PLACE_INIT;
	auto_json json_t *v = NULL;

	(void)op;
	if (place_find(p, p->path, &pl))
		return -1;
	v = place_take(p, &pl);
	return v ? 0 : -1;
}

static int patch_test(struct patch *p, const json_t *op)
{
	auto_place struct place pl = PLACE_INIT;
	const json_t *want, *got;

	if (patch_need(p, op, "value", &want) || place_find(p, p->path, &pl))
		return -1;
	got = place_get(p, &pl);
	if (got ? json_equal(got, want) : json_is_null(want))
		return 0;
	return patch_fails(p, "the value is another one");
}

static int patch_from(struct patch *p, const json_t *op, struct place *from)
{
	const json_t *v;

	if (patch_need(p, op, "from", &v))
		return -1;
	if (!json_is_string(v))
		return patch_fails(p, "from is no text");
	return place_find(p, json_string_value(v), from);
}

static int patch_copy(struct patch *p, const json_t *op)
{
	auto_place struct place from = PLACE_INIT, to = PLACE_INIT;
	const json_t *v;

	if (patch_from(p, op, &from))
		return -1;
	v = place_get(p, &from);
	if (!v)
		return patch_fails(p, "nothing is where from leads");
	p->copied += json_dumpb(v, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!value_fits(v, LIMIT_JSON_API_DEPTH, &p->copied_values) ||
		p->copied > LIMIT_KUBE_OBJECT || p->copied_values > LIMIT_JSON_API_VALUES)
		return patch_too_large(p);
	if (place_find(p, p->path, &to))
		return -1;
	return place_put(p, &to, json_deep_copy(v), true);
}

/* Into itself, which the RFC forbids, is nowhere once the value is taken out. */
static int patch_move(struct patch *p, const json_t *op)
{
	auto_place struct place from = PLACE_INIT, to = PLACE_INIT;
	auto_json json_t *v = NULL;

	if (patch_from(p, op, &from))
		return -1;
	if (!strcmp(obj_str(op, "from"), p->path))
		return place_get(p, &from) ? 0 : patch_fails(p, "nothing is where from leads");
	v = place_take(p, &from);
	if (!v || place_find(p, p->path, &to))
		return -1;
	return place_put(p, &to, MOVE(v), true);
}

static int patch_one(struct patch *p, const json_t *op)
{
	static const struct {
		const char *name;
		int (*run)(struct patch *p, const json_t *op);
	} ops[] = {{"add", patch_add}, {"remove", patch_remove}, {"replace", patch_replace},
		{"move", patch_move}, {"copy", patch_copy}, {"test", patch_test}};
	size_t i;

	p->op = obj_str_or("", op, "op");
	p->path = obj_str_or("", op, "path");
	if (patch_spend(p, 1))
		return -1;
	if (!obj_str(op, "path"))
		return patch_fails(p, "path is missing");
	for (i = 0; i < ARRAY_LEN(ops); i++)
		if (!strcmp(p->op, ops[i].name))
			return ops[i].run(p, op);
	p->op = "op";
	p->path = obj_str_or("", op, "op");
	return patch_fails(p, "there is no such operation");
}

int emb_json_patch(json_t **o, const json_t *ops, struct emb_status *st)
{
	struct patch p = {.root = o, .st = st};
	uint64_t values = 0;
	json_t *op;
	size_t i;

	if (!json_is_array(ops))
		return emb_bad_request(
			st, "error decoding patch: a JSON patch is a list of operations");
	if (json_array_size(ops) > LIMIT_EMBEDDED_PATCH_OPS)
		return emb_status_set(st, 413, "RequestEntityTooLarge", NULL, NULL,
			"Request entity too large: The allowed maximum operations in a JSON patch "
			"is %d, got %zu",
			LIMIT_EMBEDDED_PATCH_OPS, json_array_size(ops));
	json_array_foreach (ops, i, op)
		if (!json_is_object(op))
			return emb_bad_request(
				st, "error decoding patch: operation %zu is no object", i);
	json_array_foreach (ops, i, op)
		if (patch_one(&p, op))
			return -1;
	/* What is stored has to be read again. */
	if (!value_fits(*o, LIMIT_JSON_API_DEPTH, &values) || values > LIMIT_JSON_API_VALUES)
		return patch_too_large(&p);
	return 0;
}
