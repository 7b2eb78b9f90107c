/* Signatures as the Notary Project has them for RSA keys of 2048 bits: for tests above crypto,
   which does not sign so. */
#ifndef UNIT_CRYPTO_PSS_H
#define UNIT_CRYPTO_PSS_H
#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* PS256 (RFC 7518 section 3.5) of n bytes, with the private key of a PEM text. */
static inline void pss_sign(struct buf *out, const char *pem, const void *data, size_t n)
{
	BIO *in = BIO_new_mem_buf(pem, (int)strlen(pem));
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL;
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	BUG_IF(!key || EVP_DigestSignInit(m, &c, EVP_sha256(), NULL, key) != 1 ||
		EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) != 1 ||
		EVP_DigestSign(m, sig, &len, data, n) != 1 || buf_add(out, sig, len));
	EVP_MD_CTX_free(m);
	EVP_PKEY_free(key);
	BIO_free(in);
}

#endif
