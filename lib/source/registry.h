/*
 * An object that asks an OCI registry: under which name its places are counted. For the hooks of
 * any kind that does; no artifact is needed. As whom it asks is login.h's. Loop thread.
 */
#ifndef SOURCE_REGISTRY_H
#define SOURCE_REGISTRY_H
#include <stdbool.h>

struct buf;
struct oci_client;
struct oci_identity;

struct registry_env {
	struct oci_client *oci;
	struct oci_identity *anonymous;
};

/* "ghcr.io|0": a registry is another one with `insecure`. Free it; NULL: the URL is none. */
char *registry_host(const char *url, bool insecure);
bool registry_host_proven(const struct registry_env *env, const char *host);
bool registry_host_up(const struct registry_env *env, const char *host);
/* As people read it; written to out and returned. */
const char *registry_host_text(const char *host, struct buf *out);

#endif
