/*
 * The spec of an ImagePolicy (image.toolkit.fluxcd.io/v1), read once per change of the object. The
 * API server has validated it against the CRD, but an object may be older than the schema:
 * everything is checked again here. Loop thread.
 */
#ifndef IMAGEPOLICY_SPEC_H
#define IMAGEPOLICY_SPEC_H
#include "ctl/kind.h"
#include "ctl/spec.h"
#include "image/choose.h"

#include <jansson.h>

/* Annotations of an object: the tag that it is to choose, whatever its rules say; a regular
   expression of tags that it is never to choose; and for how long a tag has to have been there
   before it may win: a Go duration. And by what they are ordered instead of the policy's own order,
   which has IMAGEPOLICY_BY_BUILD for its only value. */
#define IMAGEPOLICY_PIN "oci-source-controller/pin"
#define IMAGEPOLICY_SKIP "oci-source-controller/skip"
#define IMAGEPOLICY_AGE "oci-source-controller/minimum-age"
#define IMAGEPOLICY_ORDER "oci-source-controller/order"
#define IMAGEPOLICY_BY_BUILD "build-time"

/* spec.digestReflectionPolicy */
enum imagepolicy_reflects { REFLECT_NEVER, REFLECT_IF_NOT_PRESENT, REFLECT_ALWAYS };

struct imagepolicy_spec {
	struct spec spec;
	char *repository; /* imageRepositoryRef: its name ... */
	char *namespace; /* ... and its namespace; NULL: the policy's own */
	char *from; /* the policy's own, when that is another one; else NULL */
	bool chosen; /* policy has one of the three */
	enum choose_by by;
	bool desc;
	char *range, *pattern, *extract; /* NULL: not given */
	char *pin, *skip; /* NULL: none */
	int64_t age_ms; /* 0: any */
	bool by_build; /* the order is that of build times (dates.h) */
	enum imagepolicy_reflects digest;
	bool no_interval; /* though digest is REFLECT_ALWAYS */
};

#define IMAGEPOLICY_SPEC(s) CONTAINER_OF(s, struct imagepolicy_spec, spec)

/* Never NULL: what is wrong stands in it. */
struct spec *imagepolicy_spec_new(const json_t *obj);
/* Has it rules at all? What else is wrong with them choose_new() says. */
int imagepolicy_check_chosen(const struct imagepolicy_spec *s, struct err *err) must_check;
/* As lib/image/choose.h takes them; the texts are borrowed. now_s: seconds since 1970. */
struct choose_rules imagepolicy_rules(const struct imagepolicy_spec *s, int64_t now_s);

#endif
