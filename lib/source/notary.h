/*
 * Is a manifest signed as a trust policy of the Notary Project wants it? Looks for its signatures
 * among what refers to the manifest (oci/referrers.h), and proves LIMIT_NOTATION_TRIES of them at
 * most, in the order of the list, until one is good (verify/notation.h). Loop thread; the proving
 * is done by workers.
 *
 * Whether certificates were revoked is asked at last (revocation.h), and only for a signature with
 * which nothing else is wrong.
 *
 * What cannot be fetched ends it, whatever else is in the list, as in Flux. The whole takes the
 * target's timeout_ms at most.
 *
 *	op = notary_start(&(struct signature_req){
 *		.oci = client, .target = target, .manifest = &digest, .trust = trust,
 *		.revocations = revocations, .owner = ns});
 *	... done, no error: notary_result(op)->verdict
 */
#ifndef SOURCE_NOTARY_H
#define SOURCE_NOTARY_H
#include "source/signature.h"
#include "verify/verdict.h"

struct notary_result {
	enum verdict verdict; /* GOOD or IGNORED */
	const char *logged; /* what the policy wants to be written down; "" */
};

/* Everything is copied. Success: the artifact may be accepted. Errors of the registry keep their
   kind and code; a manifest without a good signature is ERR_RETRY. */
struct op *notary_start(const struct signature_req *req);
/* Borrowed from the op. */
struct notary_result notary_result(const struct op *op);

#endif
