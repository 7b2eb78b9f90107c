/*
 * The kind ImagePolicy (image.toolkit.fluxcd.io/v1): which tag of an image is the one to use. It
 * knows ImageRepositories through the catalog (image/catalog.h), whose news make the policies due
 * that refer to them; no registry is asked but for digests, and for a tag that has vanished from
 * its list (steps.c). Loop thread.
 *
 *	struct controller *c = imagepolicy_new(&opts);
 *	controller_start(c);     and on as ctl/controller.h says
 */
#ifndef IMAGEPOLICY_IMAGEPOLICY_H
#define IMAGEPOLICY_IMAGEPOLICY_H
#include "ctl/controller.h"
#include "source/registry.h"

#include <stdint.h>

struct image_catalog;

struct imagepolicy_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct registry_opts registry;
	struct image_catalog *catalog;
	bool no_cross_namespace; /* --no-cross-namespace-refs */
	uint64_t requeue_dependency_ms; /* --requeue-dependency; 0: 30 s */
};

extern const struct kind imagepolicy_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *imagepolicy_new(const struct imagepolicy_opts *opts);

#endif
