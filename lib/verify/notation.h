/*
 * Is a manifest signed as a trust policy of the Notary Project wants it (trust store and policy
 * specification, "Signature Verification")? The checks, in order: integrity, with the certificates'
 * own rules; authenticity; expiry; the time of signing; revocation; and at the end, what it is a
 * signature of. No network is asked: what would need it, or a timestamp countersignature, is not
 * built yet and fails.
 *
 * Any thread. `now` is the caller's.
 */
#ifndef VERIFY_NOTATION_H
#define VERIFY_NOTATION_H
#include "base/buf.h"
#include "crypto/digest.h"
#include "verify/verdict.h"

#include <stddef.h>
#include <stdint.h>

#define VERIFY_NOTATION_TYPE "application/vnd.cncf.notary.signature"

struct verify_report;
struct verify_statement;
struct verify_trust;

/* What has to be signed: a manifest's descriptor. */
struct verify_artifact {
	const char *type; /* its media type */
	struct digest digest;
	uint64_t size;
};

/* The envelope that a signature's manifest holds: its one layer. *type is to be freed, also after a
   failure. -1: ERR_RETRY. */
int verify_notation_blob(const char *data, size_t n, const struct digest *subject,
	struct digest *blob, uint64_t *size, char **type, struct err *err) must_check;

struct verify_notation_said {
	/* Of GOOD and IGNORED: which checks have failed that the statement only logs; "": none. */
	struct buf *logged;
	struct buf *signer; /* whom the certificate names, of a signature that is whole; or NULL */
	struct verify_report *report; /* what was checked; or NULL */
};

/* By one statement, which does not skip. type: of the envelope. IGNORED: authenticity has failed
   and is only logged, so nobody knows who has signed. */
enum verdict verify_notation(const struct verify_trust *trust, const struct verify_statement *s,
	const struct verify_artifact *artifact, const char *type, const char *envelope, size_t n,
	int64_t now_ms, const struct verify_notation_said *said, struct err *err) must_check;

#endif
