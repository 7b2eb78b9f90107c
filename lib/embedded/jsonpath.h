/*
 * The part of kubectl's JSONPath that printer columns use: .a.b, ['a'], [0], [-1], [*],
 * [?(@.a.b=="x")] (also != and 'x'). Compiled once, read only after: any thread.
 */
#ifndef EMBEDDED_JSONPATH_H
#define EMBEDDED_JSONPATH_H
#include "base/err.h"

#include <jansson.h>

struct emb_jsonpath;

struct emb_jsonpath *emb_jsonpath_new(const char *text, struct err *err) must_check;
void emb_jsonpath_free(struct emb_jsonpath *p); /* NULL is fine */
/* The first value found, borrowed from o; NULL: none. */
const json_t *emb_jsonpath_first(const struct emb_jsonpath *p, const json_t *o);

#endif
