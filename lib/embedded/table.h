/*
 * Tables (meta.k8s.io/v1 Table), which `kubectl get` asks for: one row per object, with the columns
 * of the CRD or of a built-in kind. Any thread.
 */
#ifndef EMBEDDED_TABLE_H
#define EMBEDDED_TABLE_H
#include "base/buf.h"

#include <jansson.h>
#include <stdint.h>

struct emb_kind;
struct emb_version;

enum emb_include { EMB_INCLUDE_METADATA, EMB_INCLUDE_NONE, EMB_INCLUDE_OBJECT };

#define EMB_AGE_MAX 32
/* How kubectl writes an age: "47s", "9m30s", "5h12m", "3d". A bit in the future is "0s", more is
   "<invalid>". Returns out. */
char *emb_age(int64_t ms, char out[EMB_AGE_MAX]);
/* The same from a time as text; "<unknown>" when it is absent or none. */
char *emb_age_since(const char *rfc3339, int64_t now_ms, char out[EMB_AGE_MAX]);

/* The array of columnDefinitions. */
json_t *emb_table_columns(const struct emb_version *v);
/* One row; o is a whole object with apiVersion and kind. */
json_t *emb_table_row(const struct emb_kind *k, const struct emb_version *v, const json_t *o,
	enum emb_include include, int64_t now_ms);
/* {apiVersion: meta.k8s.io/v1, kind: PartialObjectMetadata, metadata}. */
json_t *emb_partial(const json_t *o);

#endif
