/*
 * Manifests: OCI image manifest and index (image-spec 1.1), Docker image manifest version 2 schema
 * 2 and manifest list. Bytes from a registry, capped at LIMIT_MANIFEST by whoever read them; counts
 * are capped here. No state, any thread.
 *
 *	struct oci_manifest m = {0};
 *	if (oci_manifest_parse(&m, data, len, content_type, err))
 *		return -1;
 *	if (m.index) child = oci_manifest_platform(&m, NULL, err);
 *	else layer = oci_manifest_layer(&m, NULL, err);
 *	oci_manifest_clear(&m);
 */
#ifndef OCI_MANIFEST_H
#define OCI_MANIFEST_H
#include "base/err.h"
#include "base/obj.h"
#include "base/vec.h"
#include "crypto/digest.h"
#include "oci/platform.h"

#include <stdbool.h>
#include <stdint.h>

#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define OCI_TYPE_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_TYPE_FLUX_CONFIG "application/vnd.cncf.flux.config.v1+json"
#define OCI_TYPE_FLUX_CONTENT "application/vnd.cncf.flux.content.v1.tar+gzip"
#define OCI_TYPE_HELM_CHART "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

/* The annotation by which an entry of an image layout's index.json is called: image-spec 1.1,
   "annotations.md". */
#define OCI_REF_NAME "org.opencontainers.image.ref.name"

/* The Accept header of every manifest request. */
#define OCI_ACCEPT_MANIFEST \
	OCI_TYPE_MANIFEST ", " OCI_TYPE_INDEX ", " OCI_TYPE_DOCKER_MANIFEST \
			  ", " OCI_TYPE_DOCKER_LIST

struct oci_descriptor {
	char *media_type; /* "" when absent */
	struct digest digest;
	uint64_t size;
};

struct oci_child {
	struct oci_descriptor desc;
	char *os, *arch, *variant; /* NULL: not given */
	char *ref_name; /* its annotation OCI_REF_NAME; NULL: it has none */
};

struct oci_manifest {
	bool index;
	char *media_type; /* of the manifest itself */
	struct oci_descriptor config;
	VEC(struct oci_descriptor) layers; /* of an image */
	VEC(struct oci_child) children; /* of an index */
	json_t *annotations; /* object of strings, or NULL */
};

/* *m is zeroed or was cleared. content_type: the answer's header, or NULL; it decides only when the
   document has no mediaType. -1: m->index says whether it is an index; the code is -ENOTSUP for a
   kind of manifest that we do not read. */
int oci_manifest_parse(struct oci_manifest *m, const char *data, size_t len,
	const char *content_type, struct err *err) must_check;
void oci_manifest_clear(struct oci_manifest *m);
void oci_descriptor_clear(struct oci_descriptor *d);

/* Does it say that it is an index? It may be one though it does not. */
bool oci_descriptor_is_index(const struct oci_descriptor *d);
/* The index's entry for the platform (NULL: oci_platform_default), the first that is. One without a
   platform counts as linux/amd64, as Flux has it; an index without one is for all. NULL: none; the
   message says which there are. */
const struct oci_child *oci_manifest_platform(
	const struct oci_manifest *m, const struct oci_platform *want, struct err *err) must_check;
/* Is it the layer of a Helm chart? NULL: it is not. */
bool oci_type_is_chart(const char *media_type);
/* The first layer, or the first of that media type (NULL or "": any). NULL: none; the message says
   what there is. */
const struct oci_descriptor *oci_manifest_layer(
	const struct oci_manifest *m, const char *media_type, struct err *err) must_check;

#endif
