/*
 * WWW-Authenticate challenges (RFC 9110 section 11.6.1; Bearer realm, service and scope as the
 * distribution token specification has them) and what the text of a realm must be; where it may
 * lead is judged when the connection is opened (http/guard.h). Plain parsing, no state. Any thread.
 */
#ifndef OCI_AUTH_H
#define OCI_AUTH_H
#include "base/err.h"

#include <stdbool.h>

enum oci_scheme { OCI_AUTH_NONE, OCI_AUTH_BASIC, OCI_AUTH_BEARER };

#define OCI_SCOPE_MAX 1024
#define OCI_REALM_MAX 2048

/* What we can answer of the challenges that a 401 carried. */
struct oci_challenge {
	enum oci_scheme scheme;
	char realm[OCI_REALM_MAX]; /* Bearer */
	char service[256];
	char scope[OCI_SCOPE_MAX];
};

/*
 * Reads one header value, which may hold several challenges; Bearer wins over Basic, others are
 * skipped. *c is filled only with one that is better than what it holds, so the values of several
 * headers are fed one after the other into a zeroed *c. -1 (ERR_RETRY): malformed, or a parameter
 * too long.
 */
int oci_challenge_parse(struct oci_challenge *c, const char *value, struct err *err) must_check;

/*
 * May credentials or a token request go to this realm? https, or http when the registry itself was
 * reached over http; no user info. registry_url is the URL that was asked. -1 (ERR_RETRY) names
 * what is wrong.
 */
int oci_realm_check(const char *realm, const char *registry_url, struct err *err) must_check;

#endif
