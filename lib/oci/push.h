/*
 * Writing to a registry: blobs (HEAD first, what is there is not sent again; POST, then one PUT),
 * manifests, tags. For ocictl and its like. Loop thread.
 */
#ifndef OCI_PUSH_H
#define OCI_PUSH_H
#include "oci/manifest.h"
#include "oci/target.h"

#include <stdint.h>

struct oci_client;
struct op;

struct oci_push_blob {
	struct digest digest;
	uint64_t size;
	const void *mem; /* NULL: in fd, from offset 0 */
	int fd;
};

struct oci_push_req {
	struct oci_target target;
	const struct oci_push_blob
		*blobs; /* in this order; borrowed until the op is done, as is manifest */
	unsigned blob_count;
	const char *manifest;
	size_t manifest_len;
	const char *media_type; /* of the manifest */
	const char *const *tags; /* ends with NULL; each gets the manifest. None: by digest only */
	void (*progress)(void *arg, uint64_t done, uint64_t total); /* may be NULL */
	void *arg;
};

struct op *oci_push_start(struct oci_client *c, const struct oci_push_req *req);
/* Of the manifest, as computed here (and compared with the registry's answer). */
const struct digest *oci_push_digest(const struct op *op);

/* Gives the manifest behind a reference more tags: GET, then PUT the same bytes under each. The
   result is oci_push_digest. */
struct oci_retag_req {
	struct oci_target target;
	const char *from; /* tag or digest text */
	const char *const *tags;
};
struct op *oci_retag_start(struct oci_client *c, const struct oci_retag_req *req);

#endif
