/*
 * Values of templates: what Go's reflection sees. A value has a type with a name, because errors
 * and comparisons tell of types; a static table says what the types of the data are:
 *
 *	static const struct value_type change = {.kind = VALUE_STRUCT, .name = "update.Change"};
 *	static const struct value_type changes = {
 *		.kind = VALUE_LIST, .name = "[]update.Change", .elem = &change};
 *
 *	struct value_pool pool = VALUE_POOL(LIMIT);
 *	struct value *list = value_list(&pool, &changes), *c = value_struct(&pool, &change);
 *	value_field(&pool, c, "OldValue", value_string(&pool, "1.0", 3));
 *	value_add(&pool, list, c);
 *	...
 *	if (value_pool_over(&pool)) ...
 *	value_pool_clear(&pool);
 *
 * A pool owns all values that were made with it, with copies of their texts; values of the same
 * pool hold each other, and one value may be part of several. Past the pool's limit the makers
 * return NULL and take NULL (they do nothing then): check value_pool_over() once at the end. One
 * thread at a time while they are made; then any.
 */
#ifndef TEMPLATE_VALUE_H
#define TEMPLATE_VALUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
	VALUE_ANY, /* a type only: interface {} */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP,
	VALUE_STRUCT,
};

/* Static: compared by address. */
struct value_type {
	enum value_kind kind;
	const char *name; /* as Go writes it: "map[string]string" */
	const struct value_type *key, *elem; /* of maps, and elem of lists */
};

/* Types that Go itself has. */
extern const struct value_type value_type_any, value_type_bool, value_type_int, value_type_int64,
	value_type_uint64, value_type_uint8, value_type_float64, value_type_string,
	value_type_list_any, value_type_list_int, value_type_list_list, value_type_list_string,
	value_type_map_any, value_type_map_string;

/* What a field of a struct is. */
enum value_role {
	VALUE_FIELD, /* found by its name, and printed */
	VALUE_EMBEDDED, /* so too, and its own fields are found as the struct's */
	VALUE_METHOD, /* found, not printed, no part of what is compared */
	VALUE_GONE, /* using it is an error: the value is the message */
};

struct value;

struct value_entry {
	const struct value *key; /* a field's name too */
	const struct value *value; /* NULL: nil */
	enum value_role role;
	const char *json; /* a field's name in JSON, where it is left out when it is empty; NULL:
			     its name, and never left out. Static */
};

/* Read only, once it was made. */
struct value {
	const struct value_type *type;
	bool nil; /* a list or map that is nil */
	size_t len; /* bytes, items, entries */
	size_t cap;
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double d;
		const char *s; /* terminated; may hold NULs */
		const struct value **items; /* NULL: nil */
		struct value_entry *entries; /* a map's in the order of its keys */
	};
	const struct value *text; /* what a struct prints as (a Stringer); NULL: its fields */
};

struct value_pool {
	struct value_block *head;
	size_t used, max; /* bytes */
	bool over;
};

#define VALUE_POOL(limit) ((struct value_pool){.max = (limit)})

bool value_pool_over(const struct value_pool *p);
void value_pool_clear(struct value_pool *p);

struct value *value_string(struct value_pool *p, const char *s, size_t len);
struct value *value_list(struct value_pool *p, const struct value_type *type);
void value_add(struct value_pool *p, struct value *list, const struct value *item);
struct value *value_map(struct value_pool *p, const struct value_type *type);
/* Keys are strings or structs. A key that is there gets the new value. */
void value_put(
	struct value_pool *p, struct value *map, const struct value *key, const struct value *v);
struct value *value_struct(struct value_pool *p, const struct value_type *type);
/* Fields are printed in the order they were added. */
void value_field(struct value_pool *p, struct value *s, const char *name, const struct value *v);
void value_embed(struct value_pool *p, struct value *s, const char *name, const struct value *v);
/* A method without arguments: its result. */
void value_method(struct value_pool *p, struct value *s, const char *name, const struct value *v);
/* The field that was added last has this name in JSON (static), and is left out when empty. */
void value_json(struct value *s, const char *name);
/* A field that was removed: TMPL_REMOVED with this message. */
void value_gone(struct value_pool *p, struct value *s, const char *name, const char *message);
/* The struct is a Stringer: this is how it prints, wherever it does. */
void value_prints(struct value *s, const struct value *text);

#endif
