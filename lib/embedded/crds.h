/*
 * The CustomResourceDefinitions that the build puts into the binary (embed-crds.sh makes the C file
 * from deploy/crds): the very files that kubectl applies to a cluster. The array ends with a NULL
 * name.
 */
#ifndef EMBEDDED_CRDS_H
#define EMBEDDED_CRDS_H
#include <stddef.h>

struct embedded_crd {
	const char *name; /* of the file, for messages */
	const char *text; /* YAML, not terminated */
	size_t len;
};

extern const struct embedded_crd embedded_crds[];

#endif
