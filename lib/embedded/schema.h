/*
 * Structural schemas of CRDs (Kubernetes "Specifying a structural schema"): pruning, defaults,
 * validation, with the API server's texts.
 *
 * A compiled schema is read only: any thread. Patterns are RE2 through lib/text/match, as Go's
 * regexp finds them (unanchored). Keywords that would need an evaluator we do not have
 * (allOf, anyOf, oneOf, not) make emb_schema_new fail, and so does a rule of
 * x-kubernetes-validations that is not in the table of rule.h.
 */
#ifndef EMBEDDED_SCHEMA_H
#define EMBEDDED_SCHEMA_H
#include "base/err.h"
#include "base/vec.h"

#include <jansson.h>

struct emb_schema;
struct emb_causes;

/* Paths of fields; the owner clears with emb_paths_clear. */
struct emb_paths {
	char **p;
	size_t len, cap;
};
void emb_paths_clear(struct emb_paths *ps);
#define auto_emb_paths __attribute__((cleanup(emb_paths_clear)))

/* def is the JSON of openAPIV3Schema (borrowed). At the root apiVersion, kind and metadata are
   added: the object itself says what they are. NULL: *err names the place and the keyword. */
struct emb_schema *emb_schema_new(const json_t *def, struct err *err) must_check;
void emb_schema_free(struct emb_schema *s); /* NULL is fine */

/* Removes what the schema does not name, and nulls of fields that are not nullable. Paths of the
   unknown ones ("spec.x") are appended to unknown (at most LIMIT_EMBEDDED_UNKNOWN). */
void emb_schema_prune(const struct emb_schema *s, json_t *o, struct emb_paths *unknown);
void emb_schema_default(const struct emb_schema *s, json_t *o);
void emb_schema_validate(const struct emb_schema *s, const json_t *o, struct emb_causes *causes);

#endif
