/*
 * The login of an identity at a cloud, for the registry client (struct oci_login): as the
 * controller itself, or as a ServiceAccount, for which Kubernetes makes a token that the cloud
 * takes (TokenRequest, authentication.k8s.io/v1). Reference counted by who uses it. Loop thread.
 */
#ifndef SOURCE_PROVIDER_H
#define SOURCE_PROVIDER_H
#include "cloud/cloud.h"

#include <jansson.h>

struct http_proxy;
struct kube_client;
struct oci_identity;

struct provider_login_opts {
	struct cloud *cloud;
	enum cloud_provider provider;
	struct kube_client *kube; /* with an account */
	const json_t *account; /* the ServiceAccount as it was read; NULL: the controller itself */
};

/* Gives the identity a login: it goes by the identity's own proxy, which is set before. All is
   copied but cloud and kube, which are borrowed. */
void provider_login_add(struct oci_identity *id, const struct provider_login_opts *opts);
/* For struct cloud_opts: counts for the object that a login was for, in
   gotk_token_cache_events_total. */
void provider_looked_up(const struct log_ctx *who, struct cloud_lookups n);
/* The provider whose registry this host is, for who forgot to name it; NULL: of none. */
const char *provider_hint(struct cloud *c, const char *host);

#endif
