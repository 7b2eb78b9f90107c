/*
 * Was a certificate revoked, as far as an answer (ocsp.h) or a list (crl.h) of its issuer says? Any
 * thread.
 */
#ifndef CRYPTO_REVOKED_H
#define CRYPTO_REVOKED_H
#include "base/err.h"

#include <stdint.h>

/* Who signs may have a clock of its own. */
#define REVOKED_SKEW_MS (5 * 60 * 1000)

/* Zeroed: nobody has said anything. */
enum revoked_status {
	REVOKED_UNKNOWN, /* who was asked does not know the certificate */
	REVOKED_NO,
	REVOKED_YES,
};

struct revoked {
	enum revoked_status status;
	/* When, and from when on its key was not to be believed; ms since 1970 UTC. 0: not said. */
	int64_t since_ms, invalid_ms;
	int reason; /* RFC 5280 section 5.3.1; 0 as well when none is given */
	int64_t until_ms; /* then there will be news */
};

/* "keyCompromise", ... */
const char *revoked_reason(int reason);
/* Did it count when something was signed? signed_ms 0: nobody vouches for when that was. */
static inline int revoked_counts(const struct revoked *r, int64_t signed_ms)
{
	return r->status == REVOKED_YES &&
		!(signed_ms && r->invalid_ms && signed_ms < r->invalid_ms);
}

/* Does it count now? what: "answer" or "list", for the message. */
int revoked_window_check(const char *what, int64_t from_ms, int64_t until_ms, int64_t now_ms,
	struct err *err) must_check;

#endif
