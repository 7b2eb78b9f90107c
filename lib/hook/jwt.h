/*
 * JSON web tokens (RFC 7519) as issuers of OpenID Connect sign them, and the keys that they publish
 * (RFC 7517 section 5). What is not signed is not believed: the header only says which key and
 * which algorithm to try, and the algorithm has to fit the key. Any thread.
 *
 *	if (jwt_open(&t, text, len, err) || !jwks_verify(keys, &t) ||
 *		jwt_check(&t, issuer, audience, clock_wall_ms(), err)) ...
 *	jwt_clear(&t);
 */
#ifndef HOOK_JWT_H
#define HOOK_JWT_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "crypto/jose.h"

#include <stdint.h>

struct jwt {
	enum jose_alg alg;
	char *kid; /* NULL: it names no key */
	json_t *claims; /* an object */
	struct buf text; /* what is signed */
	struct buf sig;
};

struct jwks_key {
	char *kid; /* NULL: it has no name */
	bool has_alg;
	enum jose_alg alg; /* it is for this one only */
	struct pubkey *key;
};

struct jwks {
	VEC(struct jwks_key) keys; /* LIMIT_HOOK_KEYS at most */
};

/* Header and claims are read, nothing is believed. 0, or -1 (ERR_RETRY): it is no token, or none
   that anybody here could check; the message holds nothing of it. *out is zeroed before, and to be
   cleared after a failure too. */
int jwt_open(struct jwt *out, const char *text, size_t len, struct err *err) must_check;
void jwt_clear(struct jwt *t);
/* "iss"; "" when there is none. */
const char *jwt_issuer(const struct jwt *t);
/* Of this issuer, for this audience (one of them, if it is a list), not expired at that time, and
   not before the time from which it is good by more than five minutes, as in Flux: 0, or -1
   (ERR_RETRY). */
int jwt_check(const struct jwt *t, const char *issuer, const char *audience, int64_t now_ms,
	struct err *err) must_check;

/* A set of keys. Those that are of a type that nobody here takes, or not for signatures, are left
   out. 0, or -1 (ERR_RETRY): it is no set. *out is zeroed before, and to be cleared after a failure
   too. */
int jwks_parse(struct jwks *out, const char *text, size_t len, struct err *err) must_check;
void jwks_clear(struct jwks *k);
/* Has one of the keys signed it, the one that it names if it names one? Of those that are for its
   algorithm LIMIT_HOOK_KEYS_TRIED are tried: an issuer with so many names them. */
bool jwks_verify(const struct jwks *k, const struct jwt *t);

#endif
