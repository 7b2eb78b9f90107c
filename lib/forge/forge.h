/*
 * Forges, where repositories live, through their public APIs: tokens of a GitHub App's
 * installation, and the pull or merge request of a branch at GitHub, GitLab, Gitea and Forgejo.
 *
 * Formats: "Authenticating as a GitHub App", REST API "Pulls" (GitHub); "Merge requests API"
 * (GitLab); the swagger of /api/v1 (Gitea, Forgejo).
 *
 * A token is kept until a minute before it ends, and all who ask for the same one wait for one
 * request. No credential follows a redirect: any redirect is an error that names where it
 * leads. Errors: ERR_RETRY; ERR_WAIT when the forge asks to slow down (429, or 403 with
 * Retry-After or an empty X-RateLimit-Remaining); ERR_STALL for what only a changed spec or Secret
 * can heal. They name the host that was asked and the forge's own words, never a credential.
 * Everything that a start is given is copied. Loop thread; keys sign on a worker.
 */
#ifndef FORGE_FORGE_H
#define FORGE_FORGE_H
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stdint.h>

struct forge;
struct http_client;
struct http_guard;
struct http_proxy;
struct http_trust;
struct loop;
struct op;

/* guard: where no request may go; NULL: anywhere. Both are borrowed. */
struct forge *forge_new(struct loop *l, struct http_client *http, const struct http_guard *guard);
/* Ends what nobody waits for; needs turns of the loop before forge_free. */
void forge_stop(struct forge *f);
void forge_free(struct forge *f); /* NULL is fine; all ops must have ended */

/* How a forge is reached. Zeroed: as the environment says. */
struct forge_way {
	/* NULL: the system's CAs. A pull request shows its certificate to no server but that of the
	   repository. */
	const struct http_trust *trust;
	const struct http_proxy *proxy; /* NULL: as the environment says */
	const char *owner; /* the namespace: its lane on workers */
	uint64_t timeout_ms; /* all of it together; 0: LIMIT_FORGE_MS */
};

/* ---- a GitHub App's installation ------------------------------------------------------------- */

/* As the Secret has it: githubAppID, githubAppInstallationID, githubAppInstallationOwner,
   githubAppPrivateKey, githubAppBaseURL. One of installation and owner; installation wins. */
struct forge_app {
	const char *id;
	const char *installation, *installation_owner; /* NULL: not given */
	const struct secret *key; /* PEM */
	const char *base_url; /* NULL or "": https://api.github.com; of GHES: https://HOST/api/v3 */
};

/* The token of the installation: the password of user "x-access-token" over Git, a bearer of the
   API. */
struct op *forge_token_start(
	struct forge *f, const struct forge_app *app, const struct forge_way *way);
/* Of a successful op; borrowed from it. */
const struct secret *forge_token_result(const struct op *op);
/* The forge refused this one (401): the next start asks for another, unless one was refused just
   now. */
void forge_token_refused(struct forge *f, const struct forge_app *app, const struct secret *token);

/* ---- pull and merge requests ----------------------------------------------------------------- */

enum forge_kind { FORGE_GITHUB, FORGE_GITLAB, FORGE_GITEA };

/* "github", "gitlab", "gitea" or "forgejo". False: it is none of them. */
bool forge_kind_parse(const char *name, enum forge_kind *out) must_check;

struct forge_request_req {
	enum forge_kind kind;
	const char *url; /* of the repository as Git has it: https://, http:// or ssh:// */
	/* NULL or "": made of url. Else it has to be at the host of url, or below it: the token was
	   given for that one; unless it is of whoever wrote api (token_is_own). With `app` it is
	   the App's own base URL that counts. */
	const char *api;
	bool token_is_own;
	/* One of both; app: of FORGE_GITHUB only. */
	const struct secret *token;
	const struct forge_app *app;
	struct forge_way way;
	const char *head, *base; /* branches of this repository, without refs/heads/ */
	/* Of one that is made. The title of one that is there follows, unless it ends with this one
	   ("Draft: ..."). */
	const char *title, *body;
	bool only_find; /* none is made, and the one that is there keeps its title */
};

struct forge_request {
	uint64_t number;
	char *url; /* for people; "" if the forge named none that is safe to show */
	bool created; /* by this op */
	bool updated; /* its title was changed by this op */
};

/* There is one open request of head into base after this: the one that is there, or a new one. A
   second start, also after a restart in the middle, finds what the first one made. Nothing to
   merge between the two (head has no commit that base lacks) fails with code FORGE_NOTHING; so
   does only_find where none is open. */
struct op *forge_request_start(struct forge *f, const struct forge_request_req *req);
/* Of a successful op; borrowed from it. */
const struct forge_request *forge_request_result(const struct op *op);

#define FORGE_NOTHING 1 /* err.code */

#endif
