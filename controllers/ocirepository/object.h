/*
 * What this controller needs of an OCIRepository object: a compact copy for the time between runs, and its spec as a struct for a run.
 * The API server has validated against the CRD, but an object may be older than the schema: everything is checked again here.
 */
#ifndef OCIREPOSITORY_OBJECT_H
#define OCIREPOSITORY_OBJECT_H
#include "base/err.h"
#include "kube/client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define OCIREPO_FINALIZER "finalizers.fluxcd.io"
#define OCIREPO_REQUESTED_AT "reconcile.fluxcd.io/requestedAt"
#define OCIREPO_API_VERSION "source.toolkit.fluxcd.io/v1"
#define OCIREPO_KIND "OCIRepository"
#define OCIREPO_STORE_KIND "ocirepository"

extern const struct kube_resource ocirepo_resource;

/* Borrowed from the tree it was read from. */
struct ocirepo_spec {
	const char *url;
	const char *digest, *semver, *semver_filter, *tag; /* NULL: not given */
	const char *ignore; /* NULL: not given ("" is given) */
	const json_t *layer_selector; /* NULL: not given */
	const char *layer_type; /* NULL: any */
	const char *secret; /* spec.secretRef.name, or NULL */
	int64_t interval_ms, timeout_ms;
	bool copy; /* layerSelector.operation */
	bool insecure, suspend;
	const char *
		not_built; /* the first field in use that this version does not have yet, or NULL */
};

/* -1: a field that the schema would have refused (ERR_STALL). */
int ocirepo_spec_read(struct ocirepo_spec *s, const json_t *obj, struct err *err) must_check;

/* Of metadata. "" and 0 when absent. */
const char *ocirepo_requested_at(const json_t *obj);
int64_t ocirepo_generation(const json_t *obj);
/* Its resourceVersion; "" without one. */
const char *ocirepo_version(const json_t *obj);
bool ocirepo_deleting(const json_t *obj);

/* The object as text, without what no run looks at (managedFields, foreign annotations, labels). Not
   whole: it is larger than LIMIT_OBJECT_KEPT, its spec and the large parts of its status are left
   out. Free it. */
char *ocirepo_compact(const json_t *obj, bool *whole);

/* Two layer selectors as values: absent and null are the same, an empty one is not absent. */
bool ocirepo_selector_equal(const json_t *a, const json_t *b);

#endif
