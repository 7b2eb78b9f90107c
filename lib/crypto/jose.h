/*
 * Signatures and public keys as JSON has them: JSON Web Algorithms (RFC 7518), JSON Web Keys (RFC
 * 7517), Ed25519 in both (RFC 8037). The algorithm is what a stranger wrote, so it only counts for
 * a key that it fits: no `none`, and no HMAC.
 *
 * Any thread; a check takes a millisecond at most.
 *
 *	if (jose_alg_parse(&alg, "ES256") || jose_key_parse(&key, jwk, err))
 *		return -1;
 *	good = jose_verifies(key, alg, sig, sig_len, text, n);
 */
#ifndef CRYPTO_JOSE_H
#define CRYPTO_JOSE_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct pubkey;

enum jose_alg {
	JOSE_RS256,
	JOSE_RS384,
	JOSE_RS512,
	JOSE_PS256,
	JOSE_ES256,
	JOSE_ES384,
	JOSE_ES512,
	JOSE_EDDSA,
};

/* 0, or -1: it is none of these. NULL is fine. */
int jose_alg_parse(enum jose_alg *alg, const char *name) must_check;
/* A key of kty RSA, EC (P-256, P-384, P-521) or OKP (Ed25519). 0, *out is the caller's; or -1
   (ERR_RETRY). */
int jose_key_parse(struct pubkey **out, const json_t *jwk, struct err *err) must_check;
/* Is it a key for this algorithm? */
bool jose_fits(const struct pubkey *key, enum jose_alg alg);
/* Is it this key's signature, by this algorithm? False if the two do not fit. */
bool jose_verifies(const struct pubkey *key, enum jose_alg alg, const void *sig, size_t sig_len,
	const void *data, size_t n);

#endif
