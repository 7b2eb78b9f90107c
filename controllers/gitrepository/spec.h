/*
 * The spec of a GitRepository (source.toolkit.fluxcd.io/v1), read once per change of the object.
 * The API server has validated it against the CRD, but an object may be older than the schema:
 * everything is checked again here. Loop thread.
 */
#ifndef GITREPOSITORY_SPEC_H
#define GITREPOSITORY_SPEC_H
#include "base/vec.h"
#include "ctl/spec.h"
#include "source/git_spec.h"

#include <jansson.h>
#include <stdbool.h>

/* For how long its server may fail while it stays Ready: a Go duration, "0s" for not at all. */
#define GITREPOSITORY_GRACE "oci-source-controller/outage-grace"

/* Another GitRepository of the same namespace, whose artifact goes into this one's. */
struct gitrepository_include {
	char *name;
	char *from, *to; /* as given; NULL: not given */
};

/* What has to be signed. */
enum gitrepository_verify { VERIFY_NOTHING, VERIFY_HEAD = 1, VERIFY_TAG = 2, VERIFY_BOTH = 3 };

struct gitrepository_spec {
	struct spec spec;
	struct git_spec git;
	char *ignore; /* NULL: not given ("" is given) */
	bool recurse; /* recurseSubmodules */
	VEC(struct gitrepository_include) includes;
	VEC(char *) sparse; /* as given */
	enum gitrepository_verify verify;
	char *verify_secret; /* with the keys; NULL: nothing has to be signed */
};

#define GITREPOSITORY_SPEC(s) CONTAINER_OF(s, struct gitrepository_spec, spec)

/* Never NULL: what is wrong stands in it. */
struct spec *gitrepository_spec_new(const json_t *obj);
/* Drops what can be long, and is needed by nobody who finds nothing to do: spec.ignore. */
void gitrepository_spec_slim(struct spec *s);

/* Where it goes: `to`, or a folder of its name. */
const char *gitrepository_include_to(const struct gitrepository_include *i);
/* "HEAD", "Tag", "TagAndHEAD", for status.sourceVerificationMode; NULL: nothing. */
const char *gitrepository_verify_mode(enum gitrepository_verify v);

/* For the status: what made the artifact. NULL: the spec has none. */
json_t *gitrepository_include_json(const struct gitrepository_spec *s);
json_t *gitrepository_sparse_json(const struct gitrepository_spec *s);
/* An object whose spec is what a status has observed, for gitrepository_spec_new. */
json_t *gitrepository_observed_json(const json_t *status);
/* Ignore rules, submodules, folders and includes: are they those that were observed? */
bool gitrepository_observed_is(const struct gitrepository_spec *s, const json_t *status);

#endif
