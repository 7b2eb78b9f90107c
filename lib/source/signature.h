/*
 * Is a manifest signed by one of these keys? Looks for signatures in its repository, and proves
 * each until one is good. Loop thread; the proving is done by workers.
 *
 * Sigstore bundles that refer to the manifest come first (verify/bundle.h, oci/referrers.h). If
 * there is one at all, even one that proves nothing, it is theirs to say; what cannot be fetched or
 * read as a bundle is none. Else the signatures below the tag `sha256-<hex>.sig` count
 * (verify/legacy.h).
 *
 * The whole takes the target's timeout_ms at most, and LIMIT_SIGNATURE_BYTES of what is fetched.
 *
 *	op = signature_start(&(struct signature_req){
 *		.oci = client, .target = target, .manifest = &digest, .keys = keys, .owner = ns});
 *	... done, no error: it is
 */
#ifndef SOURCE_SIGNATURE_H
#define SOURCE_SIGNATURE_H
#include "oci/target.h"

struct digest;
struct oci_client;
struct op;
struct verify_keys;
struct verify_trust;

struct signature_req {
	struct oci_client *oci;
	struct oci_target target;
	const struct digest *manifest;
	struct verify_keys *keys;
	struct verify_trust *trust; /* instead of keys, for notary.h */
	const char *owner; /* of memory and jobs on workers: a namespace */
};

/* Everything is copied. Success: it is. Errors of the registry keep their kind and code; a manifest
   without a good signature is ERR_RETRY. */
struct op *signature_start(const struct signature_req *req);

#endif
