/*
 * Were the certificates of a signature revoked? Asks whom each of them names: the responder of its
 * issuer (crypto/ocsp.h), and where that is none, or knows nothing, for the issuer's lists
 * (crypto/crl.h), of which each has to be had. Who asks has to know that the certificates are
 * anchored in what it trusts: strangers may name any server in theirs.
 *
 * One that names nobody cannot be revoked. One that was revoked counts before one of which nothing
 * is known, wherever they stand.
 *
 * What was said of a certificate is kept until there will be news, for LIMIT_REVOCATION_KEPT_MS at
 * most; those who ask at the same time share the question. What could not be had is not kept. Loop
 * thread; answers are read by workers.
 *
 *	struct revocations *all = revocations_new(oci);
 *	op = revocations_start(all,
 *		&(struct revocation_req){.chain = &chain, .n = chain.len - 1, .owner = ns});
 *	... done, no error: none was
 *	... the last op was freed, the loop turned until nothing is left: revocations_free(all)
 */
#ifndef SOURCE_REVOCATION_H
#define SOURCE_REVOCATION_H
#include "crypto/notary_cert.h"

#include <stdint.h>

struct oci_client;
struct op;
struct revocations;

struct revocation_req {
	const struct notary_certs *chain; /* from who has signed up to the root */
	size_t n; /* the first so many of them; each is issued by the one behind it */
	int64_t signed_ms; /* when it was signed, by who is trusted for that; 0: nobody says */
	const char *owner; /* of jobs on workers: a namespace */
};

/* oci is borrowed. */
struct revocations *revocations_new(struct oci_client *oci);
/* All ops must have ended, and what they have left behind. NULL is fine. */
void revocations_free(struct revocations *all);

/* Everything is copied. -1 (ERR_RETRY): one was revoked, or nobody knows; the message names it. */
struct op *revocations_start(struct revocations *all, const struct revocation_req *req);

#endif
