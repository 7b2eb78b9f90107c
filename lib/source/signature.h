/*
 * Is a manifest signed by whom it has to be? Looks for signatures in its repository, and proves
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
 *	... done, no error: it is, and signature_signer(op) says by whom
 */
#ifndef SOURCE_SIGNATURE_H
#define SOURCE_SIGNATURE_H
#include "oci/target.h"
#include "verify/verdict.h"

struct digest;
struct oci_client;
struct op;
struct revocations;
struct verify_demands;
struct verify_identities;
struct verify_keys;
struct verify_report;
struct verify_root;
struct verify_trust;

/* What was found and looked at. All of it is borrowed for the call. */
struct signature_seen {
	const char *layout; /* "bundle", "tag" or "notation" */
	const struct digest *digest; /* of what refers to the manifest; of the payload */
	const struct verify_report *report; /* empty: it is no signature, and why says so */
	enum verdict verdict;
	const char *signer; /* who has signed, as far as it is known; "" */
	const char *why; /* it is BAD; else "" */
};

struct signature_req {
	struct oci_client *oci;
	struct oci_target target;
	const struct digest *manifest;
	struct verify_keys *keys; /* by one of these; NULL: by a certificate of ... */
	struct verify_root *root; /* ... an authority in there, which names ... */
	const struct verify_identities *who; /* ... one of these; not compiled */
	const struct verify_demands *demands; /* and besides; with keys and a log: of the root */
	struct verify_trust *trust; /* instead of all four, for notary.h */
	bool ruled; /* trust is a rule's (rule_scope.h), not the object's */
	struct revocations *revocations; /* for that as well; borrowed; NULL: nobody is asked */
	const char *owner; /* of memory and jobs on workers: a namespace */
	/* Is told of each signature, in the order in which they are looked at. NULL: nobody wants
	   to know, and no report is made. */
	void (*seen)(void *arg, const struct signature_seen *one);
	void *arg;
};

/* Everything is copied. Success: it is. Errors of the registry keep their kind and code; a manifest
   without a good signature is ERR_RETRY; patterns that are none are ERR_STALL, and nobody is
   asked. */
struct op *signature_start(const struct signature_req *req);
/* Of one that has ended well: "'name' of 'issuer'", or "the key 'cosign.pub'". Borrowed from it. */
const char *signature_signer(const struct op *op);

#endif
