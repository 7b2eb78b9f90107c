/*
 * Types of text/cel, and how two of them are made one. A type that is not known yet is a parameter;
 * it is bound when an argument tells. As cel-go's checker does it, quirks included, since they
 * decide what is refused.
 */
#ifndef TEXT_CEL_TYPE_H
#define TEXT_CEL_TYPE_H
#include "text/cel_internal.h"

struct cel_type {
	enum cel_kind kind;
	unsigned param; /* which one */
	/* Items of a list, key and value of a map, what an optional one holds, whose type a type
	   is. */
	const struct cel_type *of[2];
};

struct cel_types {
	struct cel_pool pool;
	const struct cel_type **bound; /* of each parameter; NULL: free */
	size_t params, cap;
	/* What was bound, and what was there before, to take it back. */
	struct cel_undo {
		unsigned param;
		const struct cel_type *was;
	} *undo;
	size_t undos, undo_cap;
	uint64_t steps; /* left */
	bool over; /* too large, or out of steps: whatever was answered then means nothing */
};

void cel_types_init(struct cel_types *t);
void cel_types_clear(struct cel_types *t);
/* One of the kinds without parts. */
const struct cel_type *cel_type_plain(enum cel_kind kind);
const struct cel_type *cel_type_new(struct cel_types *t, enum cel_kind kind,
	const struct cel_type *a, const struct cel_type *b);
const struct cel_type *cel_type_param(struct cel_types *t);
/* Parameters replaced by what they are bound to. */
const struct cel_type *cel_type_resolve(struct cel_types *t, const struct cel_type *a);
/* The same when all is known: what is not bound is dyn. */
const struct cel_type *cel_type_final(struct cel_types *t, const struct cel_type *a);
/* May an a stand where b is asked for? If so, what had to be bound stays bound. */
bool cel_type_fits(struct cel_types *t, const struct cel_type *a, const struct cel_type *b);
bool cel_types_fit(struct cel_types *t, const struct cel_type *const *a,
	const struct cel_type *const *b, size_t n);
/* The wider of two that fit. */
const struct cel_type *cel_type_wider(
	struct cel_types *t, const struct cel_type *a, const struct cel_type *b);
bool cel_type_same(struct cel_types *t, const struct cel_type *a, const struct cel_type *b);
/* For messages: `list(map(string, dyn))`. */
#define CEL_TYPE_TEXT 128
const char *cel_type_show(struct cel_types *t, const struct cel_type *a, char out[CEL_TYPE_TEXT]);

#endif
