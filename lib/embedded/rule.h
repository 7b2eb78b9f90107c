/*
 * The CEL rules of our CRDs (x-kubernetes-validations) as code. This API evaluates no CEL: each
 * rule that a CRD in the binary has stands in a table, by its exact text, with a function that says
 * the same. A text that is not there is unknown, and a CRD with it is refused at the start
 * (schema.h).
 *
 * Any thread; nothing is kept.
 */
#ifndef EMBEDDED_RULE_H
#define EMBEDDED_RULE_H
#include <jansson.h>
#include <stdbool.h>

/* Does the rule hold? self is the value at which it stands, with defaults, and of the right type:
   rules are asked only where the rest of the schema found no reason not to. */
typedef bool (*emb_rule_fn)(const json_t *self);

/* NULL: unknown. */
emb_rule_fn emb_rule_find(const char *text);

#endif
