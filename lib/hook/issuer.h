/*
 * Who issues tokens: the keys that an issuer publishes (OpenID Connect Discovery 1.0 sections 3 and
 * 4), fetched when a token of it comes, kept for LIMIT_HOOK_KEYS_MS, and for longer while it does
 * not answer. Many who ask share one fetch. A token that none of the keys has signed is a reason to
 * ask again, since issuers change keys; but anybody can make such a token, so that is done once in
 * LIMIT_HOOK_KEYS_AGAIN_MS. A fetch goes on when nobody waits any more. Loop thread.
 *
 *	op = issuer_ask_start(issuers, "https://token.example", &jwt);
 *	... done, no error: issuer_vouches(op)
 */
#ifndef HOOK_ISSUER_H
#define HOOK_ISSUER_H
#include <stdbool.h>

struct issuers;
struct jwt;
struct loop;
struct oci_client;
struct op;

struct issuers *issuers_new(struct loop *l, struct oci_client *oci);
/* All its ops must have ended. */
void issuers_free(struct issuers *s);

/* Has this issuer signed this token, which is borrowed until the op is done? What is in the token
   is not looked at. The op fails (ERR_RETRY) when the keys cannot be had now. */
struct op *issuer_ask_start(struct issuers *s, const char *issuer, const struct jwt *t);
bool issuer_vouches(const struct op *op);

#endif
