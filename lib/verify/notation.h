/*
 * Is a manifest signed as a trust policy of the Notary Project wants it (trust store and policy
 * specification, "Signature Verification")? The checks, in order: integrity, with the certificates'
 * own rules; authenticity; expiry; the time of signing; revocation; and at the end, what it is a
 * signature of. No network is asked here: were certificates revoked? is a question that is handed
 * out, and only when nothing else is wrong and the signer is one of those who are trusted.
 *
 * Any thread. `now` is the caller's.
 */
#ifndef VERIFY_NOTATION_H
#define VERIFY_NOTATION_H
#include "base/buf.h"
#include "crypto/digest.h"
#include "crypto/notary_cert.h"
#include "verify/checks.h"
#include "verify/verdict.h"

#include <stddef.h>
#include <stdint.h>

#define VERIFY_NOTATION_TYPE "application/vnd.cncf.notary.signature"

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

/*
 * Questions that are left: was none of the first n certificates of that chain revoked? Each is
 * issued by the one behind it. Owns the chains; zeroed is none.
 */
struct verify_question {
	struct notary_certs chain;
	size_t n;
	int64_t signed_ms; /* when it was signed, by who is trusted for that; 0: nobody says */
	const char *check; /* whose question it is, and what comes of a failure */
	enum verify_action action;
};

struct verify_open {
	struct verify_question questions[2];
	unsigned len, at; /* at: the one that is to be asked now */
	bool ignored;
};

void verify_open_clear(struct verify_open *open);

struct verify_notation_said {
	/* What is to be asked; zeroed before. NULL: nobody can be asked, so what could be revoked
	   fails. */
	struct verify_open *open;
	/* Of GOOD and IGNORED: which checks have failed that the statement only logs; "": none. */
	struct buf *logged;
	struct buf *signer; /* whom the certificate names, of a signature that is whole; or NULL */
	struct verify_report *report; /* what was checked; or NULL */
};

/* By one statement, which does not skip. type: of the envelope. IGNORED: authenticity has failed
   and is only logged, so nobody knows who has signed. OPEN: there are questions; each is asked and
   answered, until the verdict is another one. */
enum verdict verify_notation(const struct verify_trust *trust, const struct verify_statement *s,
	const struct verify_artifact *artifact, const char *type, const char *envelope, size_t n,
	int64_t now_ms, const struct verify_notation_said *said, struct err *err) must_check;
/* The answer to the question at hand: ERR_NONE, none was; or why not. */
enum verdict verify_notation_answer(const struct verify_notation_said *said,
	const struct err *answer, struct err *err) must_check;

#endif
