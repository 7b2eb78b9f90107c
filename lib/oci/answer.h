/*
 * Answers that are no success, as errors: what a registry or token server said in its JSON (OCI
 * distribution spec 1.1, "Error Codes"; also RFC 6749 section 5.2 of token servers), cleaned,
 * capped and in words that do not change (steady.h), because it ends in logs and conditions. No
 * state.
 */
#ifndef OCI_ANSWER_H
#define OCI_ANSWER_H
#include "base/err.h"

#include <stdbool.h>

struct digest;
struct http_res;
struct oci_challenge;

/* Sets *err from the status and body of an answer. `who` begins the message: "the registry". 429
   and 503 with Retry-After are ERR_WAIT, all else ERR_RETRY. Returns -1. */
int oci_answer_error(const struct http_res *res, const char *who, struct err *err);
/* Did the registry itself say, with an error code of its own, that it does not have the manifest,
   the blob or the repository? A bare 404 may be a proxy's. */
bool oci_says_unknown(const struct err *err);
/* Was the answer that it is not there? A bare 404 counts, too. */
bool oci_says_missing(const struct err *err);
/* Does the failure say nothing about what was asked, and pass by itself? There was no answer, or
   one that means "later". */
bool oci_says_later(const struct err *err);
/* The same of a host that the registry redirected to: it is nobody's business what that one says,
   so only host and status are told. */
int oci_answer_elsewhere(const struct http_res *res, const char *host, struct err *err);
/* There was no answer: says behind *err, whose program ever it is, what would help against a
   certificate that nobody vouches for. */
void oci_answer_none(const struct http_res *res, struct err *err);
/* Docker-Content-Digest. False: missing or malformed. */
bool oci_answer_digest(const struct http_res *res, struct digest *out);
/* Does it lead somewhere else, by Location? */
bool oci_is_redirect(int status);
/* A 401: the best challenge of all WWW-Authenticate headers. -1 (ERR_RETRY): none that we can
   answer. */
int oci_answer_challenge(
	const struct http_res *res, struct oci_challenge *c, struct err *err) must_check;

#endif
