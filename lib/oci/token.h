/*
 * Bearer tokens: fetched from a realm, cached by (registry, realm, service, scope, identity and
 * which of its credentials),
 * refreshed before they expire, one fetch for all who wait. The registry's host belongs to the key:
 * a registry that names another one's realm must not get that one's tokens.
 *
 * A fetch lives as long as somebody waits for it, and LIMIT_TOKEN_MS at most: each who waits has a
 * time of their own, and takes nothing from the others by giving up. The token server has a record
 * in health.h for each registry that named it, and what its Retry-After says is kept there.
 *
 * With an identity token: OAuth2 POST (refresh_token grant; what is refused with a 4xx but 429 is
 * tried with GET); else GET with Basic credentials or without. Passing failures are repeated
 * (again.h). Redirects are followed as a registry's are: LIMIT_REDIRECTS, credentials to the
 * realm's own origin only, addresses judged by where the registry and the token server stand
 * (guard.h).
 *
 * Part of lib/oci's own machinery; callers outside use resolve.h, image.h, blob.h. Loop thread.
 */
#ifndef OCI_TOKEN_H
#define OCI_TOKEN_H
#include "base/err.h"
#include "base/secret.h"
#include "http/guard.h"
#include "oci/target.h"

#include <stdint.h>

struct http_client;
struct loop;
struct oci_health;
struct oci_cred;
struct oci_health_key;
struct oci_tally;
struct oci_tokens;
struct op;

struct oci_token_req {
	struct oci_target target;
	const struct oci_cred *cred; /* of the target's identity; part of the key. NULL: none */
	/* "user:password" of a login instead; no part of the key: a token outlives it. NULL:
	   none. */
	const struct secret *login;
	const char *realm; /* checked by oci_realm_check */
	struct http_hop hop; /* who named it; part of the key */
	const char *service;
	const char *scope; /* "repository:org/app:pull" */
	/* what a challenge asked for besides, or NULL: asked for too, no part of the key */
	const char *extra_scope;
};

/* `requests` is counted up for each request to a realm, and `tally` when it has ended; borrowed, as
   are guard and health. */
struct oci_tokens *oci_tokens_new(struct loop *l, struct http_client *http,
	const struct http_guard *guard, struct oci_health *health, uint64_t *requests,
	struct oci_tally *tally);
/* All ops must have ended; fetches that are being cancelled need turns of the loop after
   oci_tokens_stop. */
void oci_tokens_stop(struct oci_tokens *t);
void oci_tokens_free(struct oci_tokens *t);

/* A cached token that is good for a while yet, or NULL. Borrowed until the next turn of the
   loop. */
const struct secret *oci_token_peek(struct oci_tokens *t, const struct oci_token_req *req);
/* Waits for a token. Everything in req is copied. */
struct op *oci_token_start(struct oci_tokens *t, const struct oci_token_req *req);
/* Does the realm answer at all? Succeeds with any answer; carries no credentials, follows
   nothing. */
struct op *oci_token_probe(struct oci_tokens *t, const struct oci_health_key *key);
/* Of a successful op; borrowed from it. */
const struct secret *oci_token_result(struct op *op);
/* The registry refused this token: forget it (only if it is still the one in the cache). */
void oci_token_refused(
	struct oci_tokens *t, const struct oci_token_req *req, const struct secret *token);

#endif
