/*
 * A signature of the Notary Project, whatever it came in (jws.h, cose.h): what both forms of
 * envelope say, and the rules that are the same for both (signature specification).
 *
 * What is opened is whole: the signature is the first certificate's, by the algorithm that its key
 * implies, and the header says nothing that nobody here understands. Nothing is known of the
 * certificates yet (notation_chain.h), nor of the timestamp. Any thread; the owner clears.
 *
 *	struct verify_envelope e = {0};
 *	if (verify_jws_open(&e, text, n, err)) ...
 *	verify_envelope_clear(&e);
 */
#ifndef VERIFY_ENVELOPE_H
#define VERIFY_ENVELOPE_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/notary_cert.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_envelope {
	struct notary_certs chain; /* one at least */
	struct buf payload;
	/* notary.x509.signingAuthority: the time is the word of who is trusted for it. Else it is
	   the signer's own, and proves nothing. */
	bool by_authority;
	int64_t signed_ms, expires_ms; /* since 1970 UTC; 0: never */
	struct buf sig, signing; /* and the bytes that it is of */
	struct buf timestamp; /* of sig, as it came: a TimeStampToken; empty: there is none */
};

void verify_envelope_clear(struct verify_envelope *e);

/* ---- for who opens one ----------------------------------------------------------------------- */

#define VERIFY_HEADER_SIGNED "io.cncf.notary.signingTime"
#define VERIFY_HEADER_SIGNED_BY_AUTHORITY "io.cncf.notary.authenticSigningTime"
#define VERIFY_HEADER_EXPIRES "io.cncf.notary.expiry"
#define VERIFY_HEADER_TIMESTAMP "io.cncf.notary.timestampSignature"

/* Of a zeroed one: how large each part may become. */
void verify_envelope_init(struct verify_envelope *e);
/* Is this a number of certificates that a chain may have? */
int verify_envelope_count(size_t n, struct err *err) must_check;
int verify_envelope_cert(
	struct verify_envelope *e, const void *der, size_t n, struct err *err) must_check;
/* At the end: the protected header, with the names and values of JWS, and the signature. */
int verify_envelope_check(struct verify_envelope *e, const json_t *header, enum notary_salt salt,
	struct err *err) must_check;

#endif
