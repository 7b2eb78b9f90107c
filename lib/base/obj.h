/*
 * Typed getters over json_t, so that no caller walks a foreign tree by hand. A path is a list of
 * keys that ends with NULL (the macros add it): annotation keys hold dots and slashes, so there is
 * no "a.b.c" form. Whatever is absent or of another type reads as "not there". Returned strings and
 * nodes are borrowed from the tree. json_t is shared by all modules; jansson is not thread-safe per
 * tree.
 *
 *	const char *ns = obj_str(o, "metadata", "namespace");
 */
#ifndef BASE_OBJ_H
#define BASE_OBJ_H
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

json_t *obj_get_(const json_t *o, ...) __attribute__((sentinel));
const char *obj_str_(const json_t *o, ...) __attribute__((sentinel));
const char *obj_str_or_(const char *fallback, const json_t *o, ...) __attribute__((sentinel));
int64_t obj_int_(int64_t fallback, const json_t *o, ...) __attribute__((sentinel));
bool obj_bool_(bool fallback, const json_t *o, ...) __attribute__((sentinel));

#define obj_get(o, ...) obj_get_(o, __VA_ARGS__, NULL)
/* NULL when absent, not a string, or a string with a NUL inside. */
#define obj_str(o, ...) obj_str_(o, __VA_ARGS__, NULL)
#define obj_str_or(fallback, o, ...) obj_str_or_(fallback, o, __VA_ARGS__, NULL)
#define obj_int(fallback, o, ...) obj_int_(fallback, o, __VA_ARGS__, NULL)
#define obj_bool(fallback, o, ...) obj_bool_(fallback, o, __VA_ARGS__, NULL)

/* For a file of the operator's: a mapping with these keys (NULL behind the last) and no other, or
   -1 (ERR_STALL). `what` begins the message. */
int obj_known_keys(
	const json_t *o, const char *const *known, const char *what, struct err *err) must_check;
/* For a file that is a list of rules, and nothing else: the list under 'rules', of max at most.
   NULL (ERR_STALL): it is not so. */
json_t *obj_rules(const json_t *o, size_t max, struct err *err) must_check;

/*
 * How large a tree a document may become: its values (a member's name is none) and the depth of its
 * arrays and objects. They are counted in the text, before there is a tree: 4 MiB of `{}` would
 * take 300 MiB.
 */
struct obj_limits {
	unsigned values, depth;
};
extern const struct obj_limits obj_api, obj_manifest, obj_answer, obj_docker, obj_signed;

/* 0, or -1: the document is larger than that; the message says in what, and err->code is -E2BIG. It
   checks nothing else. */
int obj_measure(const char *data, size_t len, const struct obj_limits *max, const char *what,
	struct err *err) must_check;
/* Parses one JSON document; duplicate keys and trailing bytes are errors. `what` names it in the
   message. NULL on error. */
json_t *obj_parse_within(const char *data, size_t len, const struct obj_limits *max,
	const char *what, struct err *err) must_check;
/* Within obj_api: what we wrote ourselves, and what users of the embedded API wrote. */
json_t *obj_parse(const char *data, size_t len, const char *what, struct err *err) must_check;
/* The same of what an API server sends: strings may hold NULs there, since anybody may write
   "\u0000" into an annotation, and one such object must not make all others unreadable. obj_str
   reads them as not there; obj_write writes them as they came. The first "managedFields" reads as
   an empty list: nobody here looks at it, it is often half of an object, and a user can make it the
   largest part of a tree. */
json_t *obj_parse_api(const char *data, size_t len, const char *what, struct err *err) must_check;
/* Compact text appended to b. */
int obj_write(const json_t *o, struct buf *b);

void obj_auto(json_t **o);
#define auto_json __attribute__((cleanup(obj_auto)))

#endif
