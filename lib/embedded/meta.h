/* ObjectMeta: what clients may write into `metadata`, and what of it must hold. Any thread. */
#ifndef EMBEDDED_META_H
#define EMBEDDED_META_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct emb_kind;
struct emb_schema;
struct emb_paths;
struct emb_causes;
struct emb_status;

struct emb_schema *emb_meta_schema(struct err *err) must_check;
/* The schema of metadata itself as JSON; the caller's. */
json_t *emb_meta_schema_json(struct err *err) must_check;
/* Makes metadata an object without unknown fields, managedFields and selfLink. Wrong types are
   a 400. */
int emb_meta_read(const struct emb_schema *meta, const struct emb_kind *k, json_t *o,
	struct emb_paths *unknown, struct emb_status *st);
void emb_meta_validate(const struct emb_kind *k, const json_t *o, struct emb_causes *causes);
/* The finalizers of an object that is being deleted may only become fewer. */
void emb_meta_check_finalizers(const json_t *o, const json_t *old, struct emb_causes *causes);
bool emb_meta_has_finalizers(const json_t *o);
/* A name from metadata.generateName. */
void emb_meta_generate(json_t *meta);

#endif
