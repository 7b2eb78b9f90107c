/*
 * An object that asks an OCI registry: under which name its places are counted. For the hooks of
 * any kind that does; no artifact is needed. As whom it asks is login.h's. Loop thread.
 */
#ifndef SOURCE_REGISTRY_H
#define SOURCE_REGISTRY_H
#include "cloud/cloud.h"

#include <stdbool.h>

struct buf;
struct oci_client;
struct oci_identity;
struct oci_repo;
struct revocations;

struct registry_env {
	struct oci_client *oci;
	struct revocations *revocations; /* of those who sign */
	struct oci_identity *anonymous;
	struct cloud *cloud;
	struct oci_identity *ambient[CLOUD_PROVIDERS]; /* as the controller itself, at a cloud */
	bool object_level; /* a ServiceAccount's own identity at a cloud may be used */
	char *default_account; /* whose, where an object names none; NULL: the controller's */
};

/* What the flags say of it. */
struct registry_opts {
	struct oci_client *oci;
	struct cloud *cloud;
	bool object_level;
	const char *default_account; /* copied */
};

void registry_env_init(struct registry_env *env, const struct registry_opts *opts);
void registry_env_clear(struct registry_env *env);

/* "ghcr.io|0": a registry is another one with `insecure`. Free it; NULL: the URL is none. */
char *registry_host(const char *url, bool insecure);
char *registry_host_of(const struct oci_repo *where);
bool registry_host_proven(const struct registry_env *env, const char *host);
bool registry_host_up(const struct registry_env *env, const char *host);
/* As people read it; written to out and returned. */
const char *registry_host_text(const char *host, struct buf *out);

#endif
