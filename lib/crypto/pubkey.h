/*
 * Public keys as signatures are checked with them: ECDSA on P-256, P-384 and P-521, RSA, Ed25519.
 * The algorithm is the key's and nobody else's choice: ECDSA (DER) and RSASSA-PKCS1-v1_5 with
 * SHA-256 whatever the size of the key, unless the caller knows better, Ed25519 without a hash
 * before it (RFC 8032 section 5.1).
 *
 * A key is read only once it is there: any thread. The longest check, P-521 or RSA of
 * RSA_BITS_MAX, takes about a millisecond.
 *
 *	if (pubkey_parse(&key, pem, len, err))
 *		return -1;
 *	good = pubkey_verifies(key, sig, sig_len, data, n);
 *	pubkey_free(key);
 */
#ifndef CRYPTO_PUBKEY_H
#define CRYPTO_PUBKEY_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct pubkey;

enum pubkey_kind { PUBKEY_EC, PUBKEY_RSA, PUBKEY_ED25519 };
enum pubkey_form { PUBKEY_SPKI, PUBKEY_PKCS1 }; /* SubjectPublicKeyInfo; RSAPublicKey */

/* The only block of a PEM text: "PUBLIC KEY" (SubjectPublicKeyInfo, RFC 5280) or "RSA PUBLIC KEY"
   (PKCS#1, RFC 8017). 0, *out is the caller's; or -1 (ERR_RETRY):
   anything else, a certificate too; the message holds none of the text. */
int pubkey_parse(struct pubkey **out, const char *pem, size_t len, struct err *err) must_check;
/* The same of DER: the n bytes and no more. */
int pubkey_parse_der(struct pubkey **out, const void *der, size_t n, enum pubkey_form form,
	struct err *err) must_check;
void pubkey_free(struct pubkey *key); /* NULL is fine */
enum pubkey_kind pubkey_kind(const struct pubkey *key);
int pubkey_bits(const struct pubkey *key); /* 256, 384, 521; 2048 and more; 253 */
bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* Appends its SubjectPublicKeyInfo in DER. */
void pubkey_write(const struct pubkey *key, struct buf *out);
/* Is it this key's signature of these n bytes? False for whatever goes wrong. */
bool pubkey_verifies(
	const struct pubkey *key, const void *sig, size_t sig_len, const void *data, size_t n);
/* With another hash than SHA-256; for Ed25519 it says nothing. */
bool pubkey_verifies_with(const struct pubkey *key, enum digest_algo hash, const void *sig,
	size_t sig_len, const void *data, size_t n);

#endif
