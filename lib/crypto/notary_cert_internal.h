/* What the files that look into a certificate of notary_cert.h share. */
#ifndef CRYPTO_NOTARY_CERT_INTERNAL_H
#define CRYPTO_NOTARY_CERT_INTERNAL_H
#include "crypto/notary_cert.h"

#include <openssl/x509.h>

struct notary_cert {
	X509 *x;
	enum notary_alg alg;
	struct notary_cert_facts facts;
};

/* x is its own from then on. */
struct notary_cert *notary_cert_of(X509 *x);
/* Since 1970 UTC. */
bool notary_time_read(const ASN1_TIME *t, int64_t *ms);
bool notary_name_equal(const X509_NAME *a, const X509_NAME *b);
/* May a key of its kind and size issue anything? */
bool notary_issuer_key_ok(const EVP_PKEY *key);
/* Are n bytes signed so by the key, with SHA-256 or better (RFC 5280 section 4.1.1.2)? */
bool notary_signed_by(const X509_ALGOR *alg, const ASN1_BIT_STRING *sig, const void *data, size_t n,
	EVP_PKEY *key);

#endif
