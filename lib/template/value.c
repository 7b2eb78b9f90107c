/* Values of templates, and the memory they are made of. */
#include "template/value.h"

#include "base/mem.h"
#include "template/internal.h"

#include <string.h>

#define TYPE(id, k, n, ...) const struct value_type value_type_##id = {k, n, ##__VA_ARGS__}

TYPE(any, VALUE_ANY, "interface {}");
TYPE(bool, VALUE_BOOL, "bool");
TYPE(int, VALUE_INT, "int");
TYPE(int64, VALUE_INT, "int64");
TYPE(uint64, VALUE_UINT, "uint64");
TYPE(uint8, VALUE_UINT, "uint8");
TYPE(float64, VALUE_FLOAT, "float64");
TYPE(string, VALUE_STRING, "string");
TYPE(list_any, VALUE_LIST, "[]interface {}", .elem = &value_type_any);
TYPE(list_int, VALUE_LIST, "[]int", .elem = &value_type_int);
TYPE(list_list, VALUE_LIST, "[][]interface {}", .elem = &value_type_list_any);
TYPE(list_string, VALUE_LIST, "[]string", .elem = &value_type_string);
TYPE(map_any, VALUE_MAP, "map[string]interface {}", .key = &value_type_string,
	.elem = &value_type_any);
TYPE(map_string, VALUE_MAP, "map[string]string", .key = &value_type_string,
	.elem = &value_type_string);

/* ---- memory ---------------------------------------------------------------------------------- */

/* Each piece is an allocation of its own, so that a sanitizer sees where one ends. */
struct value_block {
	struct value_block *next;
	max_align_t data[];
};

void *value_alloc(struct value_pool *p, size_t n)
{
	struct value_block *b;

	if (n > p->max || p->used + n + sizeof(*b) > p->max) {
		p->over = true;
		return NULL;
	}
	b = mem_zalloc(sizeof(*b) + n);
	b->next = p->head;
	p->head = b;
	p->used += n + sizeof(*b);
	return b->data;
}

bool value_pool_over(const struct value_pool *p)
{
	return p->over;
}

void value_pool_clear(struct value_pool *p)
{
	while (p->head) {
		struct value_block *b = p->head;

		p->head = b->next;
		free(b);
	}
	*p = VALUE_POOL(p->max);
}

/* Room for one more in an array of n that grows by doubling: what it outgrows stays in the pool. */
static void *grow(struct value_pool *p, void *old, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 4;
	void *to;

	if (n < *cap)
		return old;
	to = value_alloc(p, more * size);
	if (!to)
		return NULL;
	if (n)
		memcpy(to, old, n * size);
	*cap = more;
	return to;
}

/* ---- makers ---------------------------------------------------------------------------------- */

struct value *value_new(struct value_pool *p, const struct value_type *type)
{
	struct value *v = value_alloc(p, sizeof(*v));

	if (v)
		v->type = type;
	return v;
}

struct value *value_string(struct value_pool *p, const char *s, size_t len)
{
	char *copy = value_alloc(p, len + 1);
	struct value *v = copy ? value_new(p, &value_type_string) : NULL;

	if (!v)
		return NULL;
	if (len)
		memcpy(copy, s, len);
	v->s = copy;
	v->len = len;
	return v;
}

struct value *value_from_buf(struct value_pool *p, const struct buf *b)
{
	return value_string(p, buf_str(b), b->len);
}

struct value *value_int(struct value_pool *p, const struct value_type *type, int64_t i)
{
	struct value *v = value_new(p, type);

	if (v)
		v->i = i;
	return v;
}

struct value *value_float(struct value_pool *p, double d)
{
	struct value *v = value_new(p, &value_type_float64);

	if (v)
		v->d = d;
	return v;
}

struct value *value_bool(struct value_pool *p, bool b)
{
	struct value *v = value_new(p, &value_type_bool);

	if (v)
		v->b = b;
	return v;
}

struct value *value_list(struct value_pool *p, const struct value_type *type)
{
	return value_new(p, type);
}

void value_add(struct value_pool *p, struct value *list, const struct value *item)
{
	const struct value **items;

	if (!list || (!item && list->type->elem->kind != VALUE_ANY))
		return;
	items = grow(p, list->items, list->len, &list->cap, sizeof(*items));
	if (!items)
		return;
	list->items = items;
	items[list->len++] = item;
}

struct value *value_map(struct value_pool *p, const struct value_type *type)
{
	return value_new(p, type);
}

static struct value_entry *add_entry(struct value_pool *p, struct value *v, size_t at)
{
	struct value_entry *e = grow(p, v->entries, v->len, &v->cap, sizeof(*e));

	if (!e)
		return NULL;
	v->entries = e;
	memmove(&e[at + 1], &e[at], (v->len - at) * sizeof(*e));
	v->len++;
	e[at] = (struct value_entry){0};
	return &e[at];
}

/* Where the key is, or belongs. */
static bool find_key(const struct value *map, const struct value *key, size_t *at)
{
	size_t low = 0, high = map->len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = value_order(map->entries[mid].key, key);

		if (!c) {
			*at = mid;
			return true;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	*at = low;
	return false;
}

void value_put(
	struct value_pool *p, struct value *map, const struct value *key, const struct value *v)
{
	struct value_entry *e;
	size_t at;

	if (!map || !key || (!v && map->type->elem->kind != VALUE_ANY))
		return;
	e = find_key(map, key, &at) ? &map->entries[at] : add_entry(p, map, at);
	if (!e)
		return;
	e->key = key;
	e->value = v;
}

bool value_get(const struct value *map, const struct value *key, const struct value **out)
{
	size_t at;

	if (!find_key(map, key, &at))
		return false;
	*out = map->entries[at].value;
	return true;
}

bool value_get_named(const struct value *map, const char *s, size_t len, const struct value **out)
{
	struct value key = {.type = &value_type_string, .s = s, .len = len};

	return value_get(map, &key, out);
}

struct value *value_struct(struct value_pool *p, const struct value_type *type)
{
	return value_new(p, type);
}

static void add_member(struct value_pool *p, struct value *s, const char *name,
	const struct value *v, enum value_role role)
{
	const struct value *key;
	struct value_entry *e;

	if (!s || !v)
		return;
	key = value_string(p, name, strlen(name));
	e = key ? add_entry(p, s, s->len) : NULL;
	if (!e)
		return;
	e->key = key;
	e->value = v;
	e->role = role;
}

void value_field(struct value_pool *p, struct value *s, const char *name, const struct value *v)
{
	add_member(p, s, name, v, VALUE_FIELD);
}

void value_embed(struct value_pool *p, struct value *s, const char *name, const struct value *v)
{
	add_member(p, s, name, v, VALUE_EMBEDDED);
}

void value_method(struct value_pool *p, struct value *s, const char *name, const struct value *v)
{
	add_member(p, s, name, v, VALUE_METHOD);
}

void value_gone(struct value_pool *p, struct value *s, const char *name, const char *message)
{
	add_member(p, s, name, value_string(p, message, strlen(message)), VALUE_GONE);
}

void value_json(struct value *s, const char *name)
{
	if (s && s->len)
		s->entries[s->len - 1].json = name;
}

void value_prints(struct value *s, const struct value *text)
{
	if (s)
		s->text = text;
}

/* ---- looks ----------------------------------------------------------------------------------- */

const struct value_entry *value_member(const struct value *s, const char *name, size_t len)
{
	const struct value_entry *e;
	size_t i;

	for (i = 0; i < s->len; i++)
		if (s->entries[i].key->len == len && !memcmp(s->entries[i].key->s, name, len))
			return &s->entries[i];
	for (i = 0; i < s->len; i++) {
		if (s->entries[i].role != VALUE_EMBEDDED)
			continue;
		e = value_member(s->entries[i].value, name, len);
		if (e)
			return e;
	}
	return NULL;
}

static bool is_printed(const struct value_entry *e)
{
	return e->role == VALUE_FIELD || e->role == VALUE_EMBEDDED;
}

const struct value_entry *value_next_field(const struct value *s, size_t *i)
{
	while (*i < s->len && !is_printed(&s->entries[*i]))
		(*i)++;
	return *i < s->len ? &s->entries[(*i)++] : NULL;
}

bool value_truth(const struct value *v)
{
	if (!v)
		return false;
	switch (v->type->kind) {
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
	case VALUE_UINT:
		return v->i != 0;
	case VALUE_FLOAT:
		return v->d != 0;
	case VALUE_STRING:
	case VALUE_LIST:
	case VALUE_MAP:
		return v->len != 0;
	default:
		return true;
	}
}

int value_order(const struct value *a, const struct value *b)
{
	size_t i = 0, j = 0;

	if (a->type->kind == VALUE_STRING) {
		size_t n = a->len < b->len ? a->len : b->len;
		int c = n ? memcmp(a->s, b->s, n) : 0;

		return c ? c : (a->len > b->len) - (a->len < b->len);
	}
	for (;;) {
		const struct value_entry *x = value_next_field(a, &i), *y = value_next_field(b, &j);
		int c;

		if (!x || !y)
			return (x != NULL) - (y != NULL);
		c = value_order(x->value, y->value);
		if (c)
			return c;
	}
}

static bool same_lists(
	const struct value *a, const struct value *b, unsigned depth, struct value_budget *budget)
{
	size_t i;

	for (i = 0; i < a->len; i++)
		if (!value_same(a->items[i], b->items[i], depth + 1, budget))
			return false;
	return true;
}

static bool same_maps(
	const struct value *a, const struct value *b, unsigned depth, struct value_budget *budget)
{
	size_t i;

	for (i = 0; i < a->len; i++)
		if (value_order(a->entries[i].key, b->entries[i].key) ||
			!value_same(a->entries[i].value, b->entries[i].value, depth + 1, budget))
			return false;
	return true;
}

static bool same_structs(
	const struct value *a, const struct value *b, unsigned depth, struct value_budget *budget)
{
	size_t i = 0, j = 0;

	/* A version has no fields that anybody sees. */
	if (a->type->name[0] == '*')
		return same_maps(a, b, depth, budget);
	for (;;) {
		const struct value_entry *x = value_next_field(a, &i), *y = value_next_field(b, &j);

		if (!x || !y)
			return x == y;
		if (!value_same(x->value, y->value, depth + 1, budget))
			return false;
	}
}

bool value_same(
	const struct value *a, const struct value *b, unsigned depth, struct value_budget *budget)
{
	uint64_t cost = 1 + (a && a->type->kind == VALUE_STRING ? a->len / 64 : 0);

	if (depth > LIMIT_TEMPLATE_DEPTH || cost > budget->left) {
		budget->over = true;
		return false;
	}
	budget->left -= cost;
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	switch (a->type->kind) {
	case VALUE_BOOL:
		return a->b == b->b;
	case VALUE_INT:
	case VALUE_UINT:
		return a->i == b->i;
	case VALUE_FLOAT:
		return a->d == b->d;
	case VALUE_STRING:
		return !value_order(a, b);
	case VALUE_LIST:
		return a->nil == b->nil && a->len == b->len && same_lists(a, b, depth, budget);
	case VALUE_MAP:
		return a->nil == b->nil && a->len == b->len && same_maps(a, b, depth, budget);
	default:
		return same_structs(a, b, depth, budget);
	}
}

bool value_comparable(const struct value *v)
{
	const struct value_entry *e;
	size_t i = 0;

	if (!v)
		return true;
	if (v->type->kind == VALUE_LIST || v->type->kind == VALUE_MAP)
		return false;
	if (v->type->kind != VALUE_STRUCT)
		return true;
	while ((e = value_next_field(v, &i)))
		if (!value_comparable(e->value))
			return false;
	return true;
}
