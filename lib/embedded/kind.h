/*
 * What the API serves: one struct emb_kind per resource, from the CRDs in the binary and from the
 * built-in kinds (builtin.h). All of it is read only after emb_kinds_new, so workers and the
 * loop share it without a lock.
 */
#ifndef EMBEDDED_KIND_H
#define EMBEDDED_KIND_H
#include "base/err.h"
#include "base/vec.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct emb_schema;
struct emb_jsonpath;
struct emb_causes;
struct emb_status;
struct embedded_crd;

struct emb_column {
	char *name, *type, *format, *description;
	int priority;
	struct emb_jsonpath *path; /* NULL: the object's name, or a built-in kind's own cell */
};

struct emb_version {
	char *name; /* "v1" */
	char *api_version; /* "source.toolkit.fluxcd.io/v1" */
	bool storage;
	struct emb_schema *schema;
	char *schema_text; /* what it was made from, JSON: for people (openapi.h) */
	struct emb_column *columns;
	size_t n_columns;
};

/* What a built-in kind does beyond its schema. Any may be NULL. */
struct emb_builtin {
	/* Normalises and validates; old is NULL on create. Returns -1 with *st filled for what a
	   typed API server could not even read (400); everything else goes to causes. */
	int (*admit)(
		json_t *o, const json_t *old, struct emb_causes *causes, struct emb_status *st);
	/* Appends one cell per column to the array. */
	void (*cells)(json_t *cells, const json_t *o, int64_t now_ms);
	/* The object's value of a field selector, "" when it is absent; NULL: this kind has no such
	   field. */
	const char *(*field)(const json_t *o, const char *path);
	uint64_t keep_ms; /* objects go this long after their last write; 0: they stay */
	bool unconditional_update; /* PUT without resourceVersion is taken */
};

struct emb_kind {
	char *group; /* "" is the core group */
	char *kind, *list_kind, *plural, *singular;
	/* "ocirepositories.source.toolkit.fluxcd.io", "secrets": as messages name it; also the key
	   in the database */
	char *resource;
	char *group_kind; /* "OCIRepository.source.toolkit.fluxcd.io", "Secret" */
	char **short_names, **categories; /* end with NULL */
	bool namespaced, has_status;
	bool is_namespace; /* the kind Namespace itself */
	struct emb_version *versions; /* in the order of discovery, the preferred one first */
	size_t n_versions;
	const struct emb_builtin *builtin; /* NULL: from a CRD */
};

struct emb_kinds {
	struct emb_kind *p;
	size_t len;
	struct emb_schema *meta; /* of metadata */
};

/* crds ends with a NULL name. A CRD that asks for what this API cannot do (unknown CEL
   rules, oneOf, conversion webhooks, ...) is an error that names the file and the keyword: never a
   silent difference. */
struct emb_kinds *emb_kinds_new(const struct embedded_crd *crds, struct err *err) must_check;
void emb_kinds_free(struct emb_kinds *ks);
/* By URL parts. version NULL: any; *v (may be NULL) gets the version. */
const struct emb_kind *emb_kinds_find(const struct emb_kinds *ks, const char *group,
	const char *version, const char *plural, const struct emb_version **v);
/* By the text of an object's apiVersion and kind. */
const struct emb_kind *emb_kinds_of(const struct emb_kinds *ks, const char *api_version,
	const char *kind, const struct emb_version **v);
const struct emb_kind *emb_kinds_namespace(const struct emb_kinds *ks);
/* A kube_field_fn; kind: a struct emb_kind. */
const char *emb_kind_field(const void *kind, const json_t *o, const char *path);

#endif
