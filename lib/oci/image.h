/*
 * The manifest behind a digest, checked: GET by digest, the bytes hashed and compared with the
 * digest asked for and with Docker-Content-Digest; an index leads to its entry for the platform,
 * which is checked the same way and may be an index once more, but not a third one. Then the layer
 * is chosen. Loop thread.
 *
 *	op = oci_image_start(client,
 *		&(struct oci_image_req){
 *			.target = {&repo, id, 60000}, .digest = &resolved->digest});
 *	... oci_image_result(op)->layer, ->annotations
 */
#ifndef OCI_IMAGE_H
#define OCI_IMAGE_H
#include "oci/manifest.h"
#include "oci/target.h"

#include <stdint.h>

struct oci_client;
struct op;

struct oci_image_req {
	struct oci_target target;
	const struct digest *digest;
	const struct oci_platform *platform; /* of an index. Copied; NULL: oci_platform_default */
	const char *layer_type; /* spec.layerSelector.mediaType; NULL or "": the first layer */
	const char *owner; /* of memory and jobs on workers: a namespace. Copied; NULL: the host */
};

enum oci_image_stage {
	OCI_IMAGE_FETCH, /* up to an image manifest, an index too: OCIArtifactPullFailed */
	OCI_IMAGE_LAYER, /* what is in it, and its layer: OCIArtifactLayerOperationFailed */
};

struct oci_image {
	enum oci_image_stage stage; /* reached; where it failed */
	struct digest manifest_digest; /* of the image manifest: the child's, behind an index */
	struct oci_manifest manifest;
	const struct oci_descriptor *layer; /* in manifest */
};

struct op *oci_image_start(struct oci_client *c, const struct oci_image_req *req);
/* Borrowed from the op. manifest.annotations is artifact.metadata. */
const struct oci_image *oci_image_result(const struct op *op);

#endif
