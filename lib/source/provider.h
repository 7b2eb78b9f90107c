/*
 * The login of an identity at a cloud, for the registry client (struct oci_login): as whoever runs
 * this program, or as a ServiceAccount (service_account.h). Reference counted by who uses it. Loop
 * thread.
 */
#ifndef SOURCE_PROVIDER_H
#define SOURCE_PROVIDER_H
#include "cloud/cloud.h"

struct http_proxy;
struct oci_identity;

struct provider_login_opts {
	struct cloud *cloud;
	enum cloud_provider provider;
	struct cloud_account *account; /* takes a reference; NULL: as the environment says */
};

/* Gives the identity a login: it goes by the identity's own proxy, which is set before. cloud is
   borrowed. */
void provider_login_add(struct oci_identity *id, const struct provider_login_opts *opts);
/* For struct cloud_opts: counts for the object that a login was for, in
   gotk_token_cache_events_total. */
void provider_looked_up(const struct log_ctx *who, struct cloud_lookups n);
/* The provider whose registry this host is, for who forgot to name it; NULL: of none. */
const char *provider_hint(struct cloud *c, const char *host);

#endif
