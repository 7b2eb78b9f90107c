#include "source/provider.h"

#include "base/mem.h"
#include "http/client.h"
#include "oci/identity.h"

#include <stdlib.h>
#include <string.h>

struct provider_login {
	struct oci_login base;
	unsigned refs;
	struct cloud *cloud;
	enum cloud_provider provider;
	struct http_proxy proxy;
	struct cloud_account *account; /* NULL: the controller itself */
};

static void provider_login_ref(struct provider_login *l)
{
	l->refs++;
}

static void provider_login_unref(struct provider_login *l)
{
	if (--l->refs)
		return;
	http_proxy_clear(&l->proxy);
	if (l->account)
		l->account->unref(l->account);
	free(l);
}

/* ---- for the registry client ----------------------------------------------------------------- */

static void login_ref(struct oci_login *l)
{
	provider_login_ref(CONTAINER_OF(l, struct provider_login, base));
}

static void login_unref(struct oci_login *l)
{
	provider_login_unref(CONTAINER_OF(l, struct provider_login, base));
}

static struct cloud_who login_who(struct provider_login *l)
{
	return (struct cloud_who){.provider = l->provider,
		.account = l->account,
		.proxy = l->proxy.url ? &l->proxy : NULL};
}

static struct op *login_start_at(struct oci_login *base, const char *host, uint64_t timeout_ms)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct cloud_who who = login_who(l);

	return cloud_login_start(l->cloud, &who, host, timeout_ms);
}

static const struct secret *login_result(struct op *op)
{
	return cloud_login_result(op);
}

static bool login_serves(struct oci_login *base, const char *host)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct err ignored = {0};

	return !cloud_host_check(l->cloud, l->provider, host, &ignored);
}

static size_t login_size(const struct oci_login *base)
{
	const struct provider_login *l = CONTAINER_OF(base, const struct provider_login, base);

	return sizeof(*l) + (l->account ? l->account->size : 0);
}

static bool login_refused(struct oci_login *base, const char *host, const struct secret *password)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct cloud_who who = login_who(l);

	return cloud_login_refused(l->cloud, &who, host, password);
}

void provider_login_add(struct oci_identity *id, const struct provider_login_opts *opts)
{
	struct provider_login *l = NEW(struct provider_login);

	l->refs = 1;
	l->base = (struct oci_login){.ref = login_ref,
		.unref = login_unref,
		.start = login_start_at,
		.result = login_result,
		.serves = login_serves,
		.size = login_size,
		.refused = login_refused};
	l->cloud = opts->cloud;
	l->provider = opts->provider;
	http_proxy_copy(&l->proxy, oci_identity_proxy(id));
	l->account = opts->account;
	if (l->account)
		l->account->ref(l->account);
	oci_identity_set_login(id, &l->base);
	provider_login_unref(l);
}

const char *provider_hint(struct cloud *c, const char *host)
{
	struct err ignored = {0};
	unsigned i;

	for (i = 0; i < CLOUD_PROVIDERS; i++)
		if (!cloud_host_check(c, (enum cloud_provider)i, host, &ignored))
			return cloud_provider_name((enum cloud_provider)i);
	return NULL;
}
