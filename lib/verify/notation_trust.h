/*
 * Whom an object with the provider notation believes: trustpolicy.json and the certificates of one
 * Secret. One entry that cannot be read makes all of it useless. The certificates answer for every
 * store that a policy names, whatever its type and name. References are counted on the loop thread;
 * what is in it is read in any.
 */
#ifndef VERIFY_NOTATION_TRUST_H
#define VERIFY_NOTATION_TRUST_H
#include "base/err.h"
#include "crypto/digest.h"
#include "crypto/notary_cert.h"
#include "verify/notation_policy.h"

#include <jansson.h>

struct verify_trust {
	unsigned refs;
	struct digest digest; /* of all that counts: others have another one */
	size_t size; /* about, in bytes */
	struct verify_notation_policy *policy;
	struct notary_certs certs;
};

/* Of a Secret as the API server has it: `trustpolicy.json`, and each entry whose name ends in
   ".crt" or ".pem". 0, *out is a reference of the caller's; or -1 (ERR_RETRY); the message names
   the entry. */
int verify_trust_read(struct verify_trust **out, const json_t *secret, struct err *err) must_check;
struct verify_trust *verify_trust_ref(struct verify_trust *t);
void verify_trust_unref(struct verify_trust *t); /* NULL is fine */

#endif
