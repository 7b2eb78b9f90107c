/*
 * What a tag means at one place, by HEAD: asked once for all who ask at the same time. Hundreds of
 * objects may follow one tag, with intervals that end together; one request answers them all.
 *
 * A question is the same when host, `insecure`, repository, tag, identity and mirror are: who asks
 * with other credentials, CAs or another proxy is another identity, and never gets an answer that
 * was not made for it. The time that is left must be the same, too, but for HEAD_JOIN_MS, so that
 * nobody is given up on early for somebody else. And who has pushed and then asks for a look must
 * not hear what was true before: who is not patient (target.h) joins a request of HEAD_FRESH_MS at
 * most, and none of those who are.
 *
 * Who gives up takes nothing from the others, whoever began; when all have, the request is
 * cancelled. An answer is for those who wait, and is kept for nobody. Loop thread.
 *
 *	op = oci_head_start(client, &target, "1.0.0");
 *	... when done, op->err.kind == ERR_NONE: oci_head_result(op)->status
 */
#ifndef OCI_HEAD_H
#define OCI_HEAD_H
#include "crypto/digest.h"

struct oci_client;
struct oci_target;
struct op;

#define HEAD_JOIN_MS 1000
#define HEAD_FRESH_MS 100

struct oci_head {
	int status; /* 4xx and 5xx as well, as of a quiet request (req.h) */
	struct digest digest; /* Docker-Content-Digest; DIGEST_NONE: missing or malformed */
};

/* The tag is valid (ref.h). Everything is copied. Errors are those of req.h. */
struct op *oci_head_start(struct oci_client *c, const struct oci_target *target, const char *tag);
/* Borrowed from the op. */
const struct oci_head *oci_head_result(const struct op *op);

#endif
