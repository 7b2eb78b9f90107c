/*
 * Who asks a registry, and whom it trusts: CAs and client certificate, proxy, credentials. Built
 * once from pull Secrets (the caller caches it until one changes), shared by all requests made with
 * it. Its id is unique for the life of the process and is the key under which tokens are cached:
 * credentials that changed are another identity, so no old token is ever used for them.
 *
 * Several credentials may match a repository. They are tried one after the other, as the kubelet
 * does; which one worked is remembered. Where none matches, a login may get some (struct
 * oci_login).
 *
 * Reference counted; set it up before the first request, after that nothing changes but which
 * credentials are tried first. Loop thread.
 *
 *	struct oci_identity *id = oci_identity_new();
 *	if (oci_identity_add_docker(id, data, len, OCI_DOCKER_CONFIG_JSON, "Secret 'ns/name'", err)) ...
 *	... oci_resolve_start(client, ...id...)           takes its own reference
 *	oci_identity_unref(id);
 */
#ifndef OCI_IDENTITY_H
#define OCI_IDENTITY_H
#include "base/err.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_proxy;
struct http_trust;
struct oci_identity;
struct oci_repo;
struct op;

enum oci_docker_form {
	/* Secret kubernetes.io/dockerconfigjson, key .dockerconfigjson; ~/.docker/config.json */
	OCI_DOCKER_CONFIG_JSON,
	/* Secret kubernetes.io/dockercfg, key .dockercfg: the map inside "auths" alone */
	OCI_DOCKER_CFG,
};

/* Empty members are not set. With an identity token, basic may hold "user:password" too. */
struct oci_cred {
	size_t nth; /* of the identity's, from 1 */
	struct secret basic; /* "user:password" */
	struct secret identity_token; /* an OAuth2 refresh token for the token server */
	struct secret registry_token; /* a bearer token for the registry itself */
};

/* Anonymous, system trust, proxy of the environment. */
struct oci_identity *oci_identity_new(void);
struct oci_identity *oci_identity_ref(struct oci_identity *id);
void oci_identity_unref(struct oci_identity *id); /* NULL is fine */
uint64_t oci_identity_id(const struct oci_identity *id);
/* Bytes of memory, about. */
size_t oci_identity_size(const struct oci_identity *id);

/*
 * Adds the entries of a Docker configuration (decoded from base64). `what` names it in messages.
 * Keys may carry a scheme, a path, and a wildcard in the host's labels;
 * `https://index.docker.io/v1/` and `docker.io` are Docker Hub. Entries: auth, or username and
 * password; identitytoken; registrytoken. -1 (ERR_RETRY): no JSON, or an entry that cannot be read
 * (the message names its key, never its value).
 */
int oci_identity_add_docker(struct oci_identity *id, const char *data, size_t len,
	enum oci_docker_form form, const char *what, struct err *err) must_check;
/* One user and password for one host ("ghcr.io"; NULL: every host), before all others: ocictl
   --creds. */
void oci_identity_add_basic(
	struct oci_identity *id, const char *host, const char *user, const char *password);
/*
 * ocictl: reads $DOCKER_CONFIG/config.json, ~/.docker/config.json or $REGISTRY_AUTH_FILE, whichever
 * is there first; none is no error. When the file keeps the credentials of repo's host in a helper
 * program: an error that says so, no program is run.
 */
int oci_identity_load_docker(
	struct oci_identity *id, const struct oci_repo *repo, struct err *err) must_check;

/*
 * The credentials to show for a repository now: of all matching keys first the one that is last in
 * byte order, as the kubelet and Flux do it (an exact host before a wildcard, a longer path before
 * a shorter one), and after oci_identity_next another one. NULL: none matches. Borrowed from the
 * identity.
 */
const struct oci_cred *oci_identity_cred(
	const struct oci_identity *id, const struct oci_repo *repo);
/* These were refused for this repository: from now on the next ones that match are shown. False:
   there are no others (of LIMIT_CREDENTIALS); the first are next again. */
bool oci_identity_next(
	struct oci_identity *id, const struct oci_repo *repo, const struct oci_cred *refused);

/* The err->code of a request that failed because a login did. The message is the login's own. */
#define OCI_LOGIN_FAILED 20

/* How to get a password when a registry asks for one: at a cloud. Reference counted by its maker,
   who embeds it. */
struct oci_login {
	void (*ref)(struct oci_login *l);
	void (*unref)(struct oci_login *l);
	/* Waits for the password for this host ("host" or "host:port"). */
	struct op *(*start)(struct oci_login *l, const char *host, uint64_t timeout_ms);
	const struct secret *(*result)(struct op *op); /* "user:password", borrowed from the op */
	/* Is this host one of those that it has passwords for? Asked of mirrors only: what an
	   object names is the object's own business. */
	bool (*serves)(struct oci_login *l, const char *host);
	/* Bytes that it holds; NULL: next to none. */
	size_t (*size)(const struct oci_login *l);
	/* The registry refused this one. True: another login may help. */
	bool (*refused)(struct oci_login *l, const char *host, const struct secret *password);
};

/* Takes a reference. */
void oci_identity_set_login(struct oci_identity *id, struct oci_login *l);
/* NULL: there is none, or credentials match. */
struct oci_login *oci_identity_login(const struct oci_identity *id, const struct oci_repo *repo);

/* What was given holds no credentials, and that is no error: an Opaque Secret, an empty file.
   `what` names it, `why` says the rest: the first one is told to who is refused. */
void oci_identity_note_nothing(struct oci_identity *id, const char *what, const char *why);
/* Why there is no user and password for it, for messages: "no credentials were given". Into `out`,
   and returned. Names no host of the entries: who reads a condition may not read the Secret. */
#define OCI_IDENTITY_WHY_MAX 480
const char *oci_identity_why_not(
	const struct oci_identity *id, const struct oci_repo *repo, char out[OCI_IDENTITY_WHY_MAX]);

/* For setting up (certSecretRef, proxySecretRef); never NULL. Its `insecure` stays false:
   oci_identity_trust_for has it. */
struct http_trust *oci_identity_trust(struct oci_identity *id);
struct http_proxy *oci_identity_proxy(struct oci_identity *id);
/* Does it reach registries by a proxy of its own? */
bool oci_identity_goes_aside(const struct oci_identity *id);
/* Does it reach them as everybody does, without CAs, a client certificate or a proxy of its own? */
bool oci_identity_is_plain(const struct oci_identity *id);
/* What a request uses. `insecure` turns verification off only where no CA or certificate was
   set. */
const struct http_trust *oci_identity_trust_for(const struct oci_identity *id, bool insecure);

#endif
