/*
 * The spec of a Receiver (notification.toolkit.fluxcd.io/v1), read once per change of the object.
 * The API server has validated it against the CRD, but an object may be older than the schema:
 * everything is checked again here. Expressions are only kept: a worker compiles them (filter.h).
 * Loop thread.
 */
#ifndef RECEIVER_SPEC_H
#define RECEIVER_SPEC_H
#include "base/vec.h"
#include "controllers/receiver/kinds.h"
#include "ctl/spec.h"
#include "hook/hook.h"

#include <jansson.h>

/* One object, or all objects of a kind with certain labels. */
struct receiver_resource {
	const struct receiver_target *target; /* NULL: wrong */
	char *kind; /* as given */
	char *group, *version; /* NULL: wrong */
	char *name; /* NULL: all with these labels */
	char *selector; /* "a=b,c=d"; "": all */
	char *ns; /* NULL: the Receiver's */
	char *filter; /* NULL: none of its own */
	const char *wrong; /* why it cannot be woken, as a sentence; NULL */
};

struct receiver_spec {
	struct spec spec;
	const struct hook_type *type; /* NULL: there is no such */
	char *secret; /* NULL: not given */
	char **events; /* ends with NULL; NULL: all */
	VEC(struct receiver_resource) resources;
	char *filter; /* resourceFilter; NULL: none */
	bool filtered; /* there is a filter at all */
	struct hook_oidc *oidc; /* of generic-oidc */
	bool feeds, selects; /* the annotation RECEIVER_PAYLOAD: any value, "select" */
};

#define RECEIVER_SPEC(s) CONTAINER_OF(s, struct receiver_spec, spec)

/* Never NULL: what is wrong stands in it. */
struct spec *receiver_spec_new(const json_t *obj);

#endif
