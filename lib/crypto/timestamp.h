/*
 * Timestamps (RFC 3161): an authority says that it has seen some bytes at a time. They come as an
 * authority answers (TimeStampResp), or as the token alone that is in such an answer. Any thread.
 */
#ifndef CRYPTO_TIMESTAMP_H
#define CRYPTO_TIMESTAMP_H
#include "base/err.h"
#include "crypto/notary_cert.h"

#include <stddef.h>
#include <stdint.h>

struct cert;

/* Is the response (TimeStampResp in DER, n bytes) one of this authority for that message? The
   authority's anchor is its last certificate; the first one, where it is no CA, has to be who has
   signed. All of them valid at the time that the response says, which comes out. */
int timestamp_verify(int64_t *at_s, const void *der, size_t n, const void *message, size_t len,
	const struct cert *const *authority, size_t certs, struct err *err) must_check;

/* What a token says: some time between these two, both included; ms since 1970 UTC. */
struct timestamp {
	int64_t from_ms, until_ms;
	struct notary_certs chain; /* of who has signed it, up to the root */
};

/* The same of a token (TimeStampToken, with signing-certificate-v2 of RFC 5816), whose signer's
   chain has to end in one of these roots. What the Notary Project asks of such a chain beyond that
   is for who asks. *out is zeroed before; its chain is the caller's, also after a failure. */
int timestamp_token_verify(struct timestamp *out, const void *der, size_t n, const void *message,
	size_t len, const struct notary_certs *roots, struct err *err) must_check;

#endif
