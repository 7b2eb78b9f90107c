/*
 * As whom an object asks a Git server, whom it trusts and by which way: Secrets, a ServiceAccount
 * and what stands in its URL become a struct gitc_auth (git/auth.h). For the rows of any kind that
 * asks one. Loop thread.
 *
 * What is built of Secrets is kept while something vouches for it (ctl/depends.h), and shared by
 * all objects that name the same ones. A provider's token is asked for in a row of its own, once
 * the Secrets are read: `azure` shows a token of the ServiceAccount or the controller itself,
 * `github` one of a GitHub App's installation as the password of "x-access-token". They are cached
 * where they are made (cloud/cloud.h, forge/forge.h), and one that the server refused is asked for
 * no more.
 *
 * Keys of a Secret (fluxcd/pkg/git): http and https `username` and `password`, or `bearerToken`;
 * `ca.crt` (or `caFile`), `tls.crt` and `tls.key` (or `certFile` and `keyFile`); ssh `identity` and
 * `known_hosts`, `password` of the key; `githubAppID`, `githubAppInstallationID` or
 * `githubAppInstallationOwner`, `githubAppPrivateKey`, `githubAppBaseURL`. Messages name keys,
 * never a value.
 *
 *	{"credentials", ...}	git_login_start, git_login_resume: begun again until all is read
 *	{"token", ...}		git_login_token_start, git_login_token_resume
 *	exit row {"reread", ...} git_login_reread_start, git_login_reread_resume
 */
#ifndef SOURCE_GIT_LOGIN_H
#define SOURCE_GIT_LOGIN_H
#include "cloud/cloud.h"
#include "ctl/depends.h"
#include "ctl/run.h"

#include <stdbool.h>

struct forge;
struct forge_app;
struct git_login_read;
struct git_login_value;
struct git_spec;
struct gitc_auth;
struct gitc_url;

/* What the flags say of it; borrowed. */
struct git_login_opts {
	struct cloud *cloud;
	struct forge *forge;
	bool object_level; /* a ServiceAccount's own identity at a cloud may be used */
	const char *default_account; /* whose, where an object names none; NULL: the controller's */
};

/* In the kind's run, zeroed; the first five are set before any call, and borrowed. */
struct git_login {
	const struct git_login_opts *opts;
	const struct git_spec *spec;
	const struct gitc_url *url; /* of spec->url */
	/* Where the Secrets are, of who asks as another object does. NULL: the run's own. */
	const char *ns;
	/* Of every failure; NULL: GitRepository's, below. */
	const char *reason;

	struct gitc_auth *auth; /* the result; never NULL after the first row */
	bool read; /* by this run; else it was kept */
	struct depends_parts parts; /* what it was built of */
	struct git_login_value *value; /* that is in use */
	struct git_login_read *reading; /* what was read so far */
};

void git_login_clear(struct git_login *l);

/* What a row does. A failure has the condition COND_FETCH_FAILED and the reason
   AuthenticationFailed, InvalidProviderConfiguration (which stalls where the spec is wrong) or
   FeatureGateDisabled (which stalls). */
enum step_ret git_login_start(struct run *r, struct git_login *l) must_check;
enum step_ret git_login_resume(struct run *r, struct git_login *l) must_check;
/* The provider's token, where there is one. */
enum step_ret git_login_token_start(struct run *r, struct git_login *l) must_check;
enum step_ret git_login_token_resume(struct run *r, struct git_login *l) must_check;
/* The GitHub App whose token that is; borrowed from l. False: it is none of an App. */
bool git_login_app(const struct git_login *l, struct forge_app *out);
/* What an exit row does: when what was kept is refused (GITC_AUTH_FAILED), all is read, and if it
   has changed, the run counts for nothing and the next one comes at once. */
enum step_ret git_login_reread_start(struct run *r, struct git_login *l) must_check;
enum step_ret git_login_reread_resume(struct run *r, struct git_login *l) must_check;

#endif
