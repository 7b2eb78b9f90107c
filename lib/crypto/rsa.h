/*
 * RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2; RFC 7518 section 3.3), as JSON web
 * tokens are signed with it. Any thread; a signature takes milliseconds, so a worker is the place.
 */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H
#include "base/buf.h"
#include "base/err.h"

#define RSA_BITS_MIN 2048 /* RFC 7518 section 3.3 */
#define RSA_BITS_MAX 8192 /* 30 ms for one signature */

/* Appends the signature of n bytes with the private key of a PEM text (PKCS#1 or PKCS#8, without a
   passphrase). 0, or -1: ERR_RETRY, the message never holds any of the text. */
int rsa_sign_sha256(struct buf *out, const char *pem, size_t pem_len, const void *data, size_t n,
	struct err *err) must_check;

#endif
