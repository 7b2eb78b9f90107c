/*
 * A question to a server that is no registry. Through the process's proxy where there is one; with
 * nobody's credentials, and no redirect is followed.
 *
 * One that a certificate names: was it revoked? Plain http as the standards have it (RFC 6960
 * appendix A, RFC 5280 section 4.2.1.13), since the answer is signed. Whoever has made the
 * certificate has chosen where it goes, so the address is judged as the one of a registry's
 * redirect (guard.h): public and private networks, and neither this machine nor the cloud's
 * metadata, unless --registry-allow-private names them.
 *
 * One that issues tokens: which are your keys? The user has chosen it, so it may be anywhere but at
 * this controller's own ports. Where its answer leads is judged as a registry's redirect, and not
 * to plain http from https. Loop thread.
 *
 *	op = oci_outside_start(client, &(struct oci_outside_req){
 *		.url = "http://pki.example/root.crl", .max_body = LIMIT_CRL, .deadline_ms = 5000});
 *	... done, no error: oci_outside_body(op)
 */
#ifndef OCI_OUTSIDE_H
#define OCI_OUTSIDE_H
#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_client;
struct op;

struct oci_outside_req {
	const char *url;
	const char *more; /* put behind the URL's path, and not shown in messages; NULL: nothing */
	const char *type; /* of body; NULL: it is a GET */
	const void *body;
	size_t body_len;
	uint64_t max_body, deadline_ms;
	bool issuer; /* of tokens; otherwise a certificate names the URL */
	const struct op *said_by; /* with issuer: the answer that names the URL; NULL: the user */
};

/* Everything is copied. Success: the answer was 200. Errors are ERR_RETRY, and say nothing of what
   the server said. */
struct op *oci_outside_start(struct oci_client *c, const struct oci_outside_req *req);
/* Borrowed from the op. */
const struct buf *oci_outside_body(const struct op *op);

#endif
