/*
 * The spec of an ImageRepository, read once per change of the object. The API server has validated
 * it against the CRD, but an object may be older than the schema: everything is checked again here.
 * Loop thread.
 */
#ifndef IMAGEREPOSITORY_SPEC_H
#define IMAGEREPOSITORY_SPEC_H
#include "crypto/digest.h"
#include "ctl/spec.h"
#include "image/exclude.h"
#include "source/login.h"

#include <jansson.h>

/* What is left out when the spec names nothing. */
#define IMAGEREPOSITORY_EXCLUDED "^.*\\.sig$"

struct image_facts;
struct oci_repo;

struct imagerepository_spec {
	struct spec spec;
	char *image; /* as written */
	struct login_refs login;
	struct image_exclude exclude; /* the default in its place */
	struct digest excluded; /* of those as a set */
	json_t *access; /* spec.accessFrom; NULL: absent */
	int64_t timeout_ms; /* for login and scan together */
	bool insecure;
};

#define IMAGEREPOSITORY_SPEC(s) CONTAINER_OF(s, struct imagerepository_spec, spec)

/* Never NULL: what is wrong stands in it, but for its image (image_name_parse). */
struct spec *imagerepository_spec_new(const json_t *obj);
/* A copy, for the catalog. */
void imagerepository_facts(const struct imagerepository_spec *s, struct image_facts *out);
/* As it stands in the status, a new reference. */
json_t *imagerepository_excluded_json(const struct imagerepository_spec *s);
/* Is it the list, as a set, that was observed? */
bool imagerepository_excluded_is(const struct imagerepository_spec *s, const json_t *observed);

#endif
