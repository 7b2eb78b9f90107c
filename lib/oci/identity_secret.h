/*
 * An identity of Kubernetes Secrets, as the kubelet and Flux read them: pull Secrets of the types
 * kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg, and of any type spec.certSecretRef
 * and spec.proxySecretRef (fluxcd/pkg/runtime/secrets). `what` names the Secret in messages; they
 * name keys, never a value. What is kept of one has at most LIMIT_PULL_SECRET_KEPT bytes. Loop
 * thread.
 */
#ifndef OCI_IDENTITY_SECRET_H
#define OCI_IDENTITY_SECRET_H
#include "base/err.h"

#include <jansson.h>

struct oci_identity;

/* Adds the credentials that the Secret has; one of another type adds nothing. -1 (ERR_RETRY): it is
   not what its type says. */
int oci_identity_add_secret(struct oci_identity *id, const json_t *secret, const char *what,
	struct err *err) must_check;
/* ca.crt is trusted beside the system's CAs; tls.crt and tls.key show who asks. The names of
   before, caFile, certFile and keyFile, count where the new one is not there. -1 (ERR_RETRY): there
   is neither a CA nor a whole pair, or they cannot be read, or do not belong together. */
int oci_identity_add_tls(struct oci_identity *id, const json_t *secret, const char *what,
	struct err *err) must_check;
/* Registries are reached through the proxy `address` (http, https, socks5), whatever the
   environment says; `username` and `password` instead of those that the address has. -1
   (ERR_RETRY): there is none, or it is no such address. */
int oci_identity_set_proxy(struct oci_identity *id, const json_t *secret, const char *what,
	struct err *err) must_check;

#endif
