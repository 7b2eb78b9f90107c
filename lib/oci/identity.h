/*
 * Who asks a registry, and whom it trusts: CAs and client certificate, proxy, credentials. Built
 * once from a pull Secret (the caller caches it until the Secret changes), shared by all requests
 * made with it. Its id is unique for the life of the process and is the key under which tokens are
 * cached: credentials that changed are another identity, so no old token is ever used for them.
 *
 * Reference counted; set it up before the first request, after that nothing changes. Loop thread.
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

enum oci_docker_form {
	/* Secret kubernetes.io/dockerconfigjson, key .dockerconfigjson; ~/.docker/config.json */
	OCI_DOCKER_CONFIG_JSON,
	/* Secret kubernetes.io/dockercfg, key .dockercfg: the map inside "auths" alone */
	OCI_DOCKER_CFG,
};

/* Empty members are not set. With an identity token, basic may hold "user:password" too. */
struct oci_cred {
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
 * The credentials for a repository: of all matching keys the one that is last in byte order, as the
 * kubelet and Flux do it (an exact host before a wildcard, a longer path before a shorter one).
 * NULL: anonymous. Borrowed from the identity.
 */
const struct oci_cred *oci_identity_cred(
	const struct oci_identity *id, const struct oci_repo *repo);

/* Why there is no user and password for it, for messages: "no credentials were given". Into `out`,
   and returned. Names no host of the entries: who reads a condition may not read the Secret. */
#define OCI_IDENTITY_WHY_MAX 96
const char *oci_identity_why_not(
	const struct oci_identity *id, const struct oci_repo *repo, char out[OCI_IDENTITY_WHY_MAX]);

/* For setting up (certSecretRef, proxySecretRef); never NULL. Its `insecure` stays false:
   oci_identity_trust_for has it. */
struct http_trust *oci_identity_trust(struct oci_identity *id);
struct http_proxy *oci_identity_proxy(struct oci_identity *id);
/* Does it reach registries by a proxy of its own? */
bool oci_identity_goes_aside(const struct oci_identity *id);
/* What a request uses. `insecure` turns verification off only where no CA or certificate was
   set. */
const struct http_trust *oci_identity_trust_for(const struct oci_identity *id, bool insecure);

#endif
