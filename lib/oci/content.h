/*
 * A small manifest or blob as bytes, whole and in memory: what belongs to an artifact and is not
 * its layer. Asked for by digest, it is what its digest and size say, or the op fails; by a tag, it
 * is what the registry has under it. The bytes are hashed on the loop: a few milliseconds for the
 * largest that `max` should allow, 4 MiB. What is small, and asked for by digest, is fetched once
 * for each identity as long as it is kept (contents.h). Loop thread.
 *
 *	op = oci_content_start(client,
 *		&(struct oci_content_req){
 *			.target = target, .digest = &digest, .size = size, .max = LIMIT_BUNDLE});
 *	... done, no error: oci_content_body(op)
 *
 * Errors are those of req.h; oci_says_missing (answer.h) says whether it is not there.
 */
#ifndef OCI_CONTENT_H
#define OCI_CONTENT_H
#include "base/buf.h"
#include "crypto/digest.h"
#include "oci/target.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_client;
struct op;

#define OCI_SIZE_ANY UINT64_MAX

struct oci_content_req {
	struct oci_target target;
	bool blob; /* and no manifest */
	const char *tag; /* of a manifest; NULL: it is asked for by digest */
	const struct digest *digest;
	uint64_t size; /* by digest: exactly so many bytes; OCI_SIZE_ANY: as many as it has */
	uint64_t max;
};

/* Everything is copied. */
struct op *oci_content_start(struct oci_client *c, const struct oci_content_req *req);
/* Borrowed from the op. */
const struct buf *oci_content_body(const struct op *op);
/* Frees the bytes, and keeps what the account has given for them, for what was made of them. */
void oci_content_drop(struct op *op);
/* Its media type, as the registry says it; "" when it does not. Borrowed from the op. */
const char *oci_content_type(const struct op *op);

#endif
