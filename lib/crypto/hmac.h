/*
 * HMAC (RFC 2104) with SHA-256: signatures with a key that both sides have. Any thread.
 *
 *	hmac_sha256(&key, secret, strlen(secret), "20260131", 8);
 *	hmac_sha256(&key, key.bin, digest_size(key.algo), "eu-west-1", 9);
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H
#include "crypto/digest.h"

/* out may be where key or data is. Aborts when OpenSSL cannot do it (no memory). A key that was
   made of a secret is one itself: mem_wipe it. */
void hmac_sha256(
	struct digest *out, const void *key, size_t key_len, const void *data, size_t data_len);

#endif
