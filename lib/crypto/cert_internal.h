/* What the files of crypto/cert.h share. */
#ifndef CRYPTO_CERT_INTERNAL_H
#define CRYPTO_CERT_INTERNAL_H
#include <openssl/x509.h>

struct pubkey;

struct cert {
	X509 *x;
	unsigned char *der; /* as it came */
	size_t len;
	struct pubkey *key;
	int64_t from, until;
};

#endif
