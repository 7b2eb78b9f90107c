/*
 * A signature of the Notary Project as a JSON web signature (signature envelope specification for
 * JWS): payload and protected header in base64url, and beside them the certificates of who signed,
 * from the signer's up to the root.
 *
 * What is opened is whole: the signature is the first certificate's, by the algorithm that its key
 * implies, and the header says nothing that nobody here understands. Nothing is known of the
 * certificates yet (notation_chain.h). Any thread; the owner clears.
 *
 *	struct verify_jws jws = {0};
 *	if (!verify_jws_open(&jws, text, n, err)) ...
 *	verify_jws_clear(&jws);
 */
#ifndef VERIFY_JWS_H
#define VERIFY_JWS_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/notary_cert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_JWS_TYPE "application/jose+json"

struct verify_jws {
	struct notary_certs chain; /* one at least */
	struct buf payload;
	/* notary.x509.signingAuthority: the time is the word of who is trusted for it. Else it is
	   the signer's own, and proves nothing. */
	bool by_authority;
	int64_t signed_ms, expires_ms; /* since 1970 UTC; 0: never */
	struct buf sig, signing; /* and the bytes that it is of */
};

/* *out is zeroed before, and to be cleared after a failure, too. -1: ERR_RETRY. */
int verify_jws_open(struct verify_jws *out, const char *text, size_t n, struct err *err) must_check;
void verify_jws_clear(struct verify_jws *jws);

#endif
