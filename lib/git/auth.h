/*
 * As whom a server is asked, and whom we trust: what a Secret says, read by whoever builds it
 * (source/git_login.h). Immutable from gitc_auth_seal on, so requests in flight share it. Loop
 * thread.
 *
 *	struct gitc_auth *a = gitc_auth_new();
 *
 *	secret_set(&a->basic, "user:password", 13);
 *	gitc_auth_seal(a);
 *	... gitc_auth_unref(a);
 *
 * NULL in its place is: nobody, the system's CAs, the environment's proxy. The user and password of
 * a URL count when there is neither `basic` nor `bearer`.
 */
#ifndef GIT_AUTH_H
#define GIT_AUTH_H
#include "base/buf.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "http/client.h"

struct gitc_auth {
	unsigned refs;
	/* http */
	struct secret basic; /* "user:password" */
	struct secret bearer;
	struct http_trust trust;
	struct http_proxy proxy;
	/* ssh */
	struct secret identity; /* the private key, in PEM */
	struct secret passphrase;
	struct buf known_hosts;
	/* Where `basic` or `bearer` is from, or why there is none of both: what is said when the
	   server wants another one. No value of it. NULL: nobody knows. */
	char *origin;
	/* Of all of the above, by gitc_auth_seal: what one auth fetched another one with the same
	   may have. */
	struct digest fingerprint;
};

/* One reference, nothing in it. */
struct gitc_auth *gitc_auth_new(void);
void gitc_auth_seal(struct gitc_auth *a);
struct gitc_auth *gitc_auth_ref(struct gitc_auth *a); /* NULL is fine */
void gitc_auth_unref(struct gitc_auth *a); /* NULL is fine */

#endif
