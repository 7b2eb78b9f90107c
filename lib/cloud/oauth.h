/*
 * What Entra ID, Google's token servers and the metadata services of both have in common: OAuth 2.0
 * (RFC 6749; token exchange: RFC 8693). A form goes out; "access_token" and "expires_in" come back,
 * or "error" and "error_description". Nothing a stranger sends is trusted: a token is visible ASCII
 * of bounded length, a time is bounded. Loop thread.
 */
#ifndef CLOUD_OAUTH_H
#define CLOUD_OAUTH_H
#include "cloud/provider.h"

/* Of a token that does not say when it ends. */
#define CLOUD_OAUTH_LIFE_MS 300000

/* Appends "name=value", percent-encoded, with '&' before all but the first. */
void cloud_form_add(struct buf *form, const char *name, const char *value);
/* POSTs a form, which is wiped. ask says all but method and body; its headers, if any, are of the
   caller, with Content-Type among them (CLOUD_FORM_TYPE). */
struct op *cloud_form_post(struct cloud_ticket *t, struct cloud_ask *ask, struct buf *form);
#define CLOUD_FORM_TYPE "application/x-www-form-urlencoded"

/* May it go into a header? */
bool cloud_token_ok(const char *token);
/* The token that is all of a text, blanks and line ends around it apart. -1: there is none. */
int cloud_token_take(struct secret *token, const struct buf *text, struct err *err) must_check;
/* "access_token", and when it ends: "expires_in" or "expires_on", a number or a text of digits. */
int cloud_token_read(const json_t *answer, struct cloud_secrets *got, struct err *err) must_check;

/* The code and the words of a refusal, in any of the forms that Entra, ACR, the metadata services
   and Google have: borrowed from the answer, NULL when there are none. */
void cloud_refusal_read(const json_t *answer, const char **code, const char **text);
/* The answer (any but 200) as an error. Returns -1. */
int cloud_refused(const struct op *op, struct err *err);
/* The same of an answer to a token of ours that it was about: its claims are told. */
int cloud_refused_token(const struct op *op, const struct secret *jwt, struct err *err);

enum cloud_url_kind {
	CLOUD_URL_HTTPS,
	CLOUD_URL_HTTPS_OR_HERE, /* http to this very machine too */
	CLOUD_URL_ANY, /* http to anywhere */
};
/* Is it such a URL, without user and fragment? `what` names it in the message. *local (may be
   NULL): it is of this machine or link, so no proxy leads there. */
int cloud_url_check(const char *url, const char *what, enum cloud_url_kind kind, bool *local,
	struct err *err) must_check;

#endif
