/* What crypto/notary_cert.h keeps, for crypto/timestamp.h. */
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

#endif
