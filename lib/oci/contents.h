/*
 * Small manifests and blobs that were fetched by digest and proven to be what it says: signatures,
 * bundles and the like, which many objects of one repository want, again and again. Kept for who
 * has fetched it, by identity and repository: what one login may read is never given to another
 * one, and its credentials are others once they change (oci/identity.h). What is kept needs no date
 * until when it is true, since a digest never means anything else.
 *
 * Up to LIMIT_CONTENT_KEPT each, and LIMIT_CONTENTS_BYTES in all; the oldest go first. Loop thread;
 * the bytes of one that is referred to may be read in any.
 */
#ifndef OCI_CONTENTS_H
#define OCI_CONTENTS_H
#include "base/buf.h"
#include "crypto/digest.h"
#include "oci/target.h"

#include <stdbool.h>

struct oci_contents;

struct oci_kept {
	struct buf body;
	char *type; /* as the registry has said it; "" */
};

struct oci_contents *oci_contents_new(void);
void oci_contents_free(struct oci_contents *c);
/* A reference of the caller's; NULL: it is not there. */
struct oci_kept *oci_contents_get(struct oci_contents *c, const struct oci_target *target,
	bool blob, const struct digest *digest);
/* Copies what was proven; what is too large is left. */
void oci_contents_put(struct oci_contents *c, const struct oci_target *target, bool blob,
	const struct digest *digest, const struct buf *body, const char *type);
void oci_kept_unref(struct oci_kept *k); /* NULL is fine */

#endif
