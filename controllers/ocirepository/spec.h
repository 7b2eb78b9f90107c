/*
 * The spec of an OCIRepository (source.toolkit.fluxcd.io/v1), read once per change of the object.
 * The API server has validated it against the CRD, but an object may be older than the schema:
 * everything is checked again here. Loop thread.
 */
#ifndef OCIREPOSITORY_SPEC_H
#define OCIREPOSITORY_SPEC_H
#include "ctl/spec.h"
#include "oci/platform.h"
#include "source/login.h"
#include "source/trust.h"
#include "verify/demands.h"
#include "verify/identity.h"

#include <jansson.h>

/* The annotation of an object that names the platform of an index: "linux/arm64". In the metadata
   of the status's artifact it says which one that was made for. */
#define OCIREPOSITORY_PLATFORM "oci-source-controller/platform"
/* For how long its registry may fail while it stays Ready: a Go duration, "0s" for not at all. */
#define OCIREPOSITORY_GRACE "oci-source-controller/outage-grace"

struct ocirepository_spec {
	struct spec spec;
	char *url;
	char *digest, *semver, *semver_filter, *tag; /* NULL: not given */
	char *ignore; /* NULL: not given ("" is given) */
	bool has_selector;
	char *layer_type, *layer_operation; /* of layerSelector, as given; NULL: not given */
	struct login_refs login; /* secretRef, serviceAccountName, certSecretRef, proxySecretRef */
	enum trust_kind verify; /* what spec.verify trusts */
	char *verify_secret; /* a Secret with that; NULL: none, or the operator's root */
	struct verify_identities identities; /* spec.verify.matchOIDCIdentity, not compiled */
	struct verify_demands demands; /* of the annotations below VERIFY_DEMANDS_PREFIX */
	char *logs_secret; /* with TRUST_KEYS and demands.log: as verify_secret of TRUST_ROOT */
	struct oci_platform *platform; /* of the annotation; NULL: oci_platform_default */
	int64_t timeout_ms;
	bool insecure;
	/* What of the fields in use this version does not have, as a beginning of a sentence; NULL:
	   nothing. */
	const char *not_built;
};

#define OCIREPOSITORY_SPEC(s) CONTAINER_OF(s, struct ocirepository_spec, spec)

/* Never NULL: what is wrong stands in it. */
struct spec *ocirepository_spec_new(const json_t *obj);
/* Drops what can be long, and is needed by nobody who finds nothing to do: spec.ignore. */
void ocirepository_spec_slim(struct spec *s);

/* What layerSelector comes to. type NULL: any layer. */
const char *ocirepository_layer_type(const struct ocirepository_spec *s);
bool ocirepository_copies(const struct ocirepository_spec *s);
/* As it stands in the spec, for status.observedLayerSelector; NULL without one. */
json_t *ocirepository_selector_json(const struct ocirepository_spec *s);
/* Is it the one that was observed? Absent and null are the same, an empty one is not absent. */
bool ocirepository_selector_is(const struct ocirepository_spec *s, const json_t *observed);

/* Is it the platform that the status's artifact was made for? */
bool ocirepository_platform_is(const struct ocirepository_spec *s, const json_t *artifact);

#endif
