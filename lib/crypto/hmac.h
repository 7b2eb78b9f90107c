/*
 * HMAC (RFC 2104): signatures with a key that both sides have, made with SHA-256, and checked with
 * what others use. Any thread.
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

/* SHA-1 is there for who sends nothing else: as a hash inside of HMAC it is not broken. */
enum hmac_algo { HMAC_SHA1, HMAC_SHA256, HMAC_SHA512 };

/* Is mac, of its whole length, the one of these n bytes? The time it takes says nothing of how much
   of it is right. */
bool hmac_verifies(enum hmac_algo algo, const void *key, size_t key_len, const void *data, size_t n,
	const void *mac, size_t mac_len);

#endif
