/*
 * JSON that was written for Go's encoding/json: names of members match whatever their case (the
 * last one of a name counts), null is as good as nothing, and a value of the wrong type is an
 * error. Any thread.
 */
#ifndef HOOK_SHAPE_H
#define HOOK_SHAPE_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum hook_kind {
	HOOK_TEXT,
	HOOK_TEXTS,
	HOOK_TIME, /* RFC 3339 */
	HOOK_URI, /* a reference (RFC 3986 section 4.1), as far as Go's parser asks */
	HOOK_PURL, /* a package URL: pkg:TYPE/NAME */
	HOOK_OBJECT
};

/* A list of these ends with a NULL name. */
struct hook_shape {
	const char *name;
	enum hook_kind kind;
	const struct hook_shape *in; /* of HOOK_OBJECT; NULL: any */
	bool needed; /* it has to be there, and a text must not be empty */
	const char *words; /* " a b c ": a text that is not empty is one of these */
};

/* An object whose members are of these types as far as they are there, and those that are needed
   are there; NULL or null is as good as an empty one. Members of other names may be anything. */
bool hook_shape_fits(const json_t *o, const struct hook_shape *shape);
/* The member, NULL when it is not there or null. */
const json_t *hook_member(const json_t *o, const char *name);
/* Its text; "" when there is none. */
const char *hook_text(const json_t *o, const char *name);

#endif
