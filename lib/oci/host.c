#include "oci/host.h"

#include "base/limits.h"
#include "base/mem.h"
#include "oci/identity.h"
#include "oci/ref.h"
#include "oci/target.h"

#include <stdio.h>
#include <stdlib.h>

static bool host_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct oci_host, item)->users;
}

static void host_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct oci_host, item));
}

void oci_hosts_init(struct lru *hosts)
{
	lru_init(hosts, LIMIT_REGISTRY_HOSTS, host_busy, host_free);
}

struct oci_host *oci_host_get(struct lru *hosts, const struct oci_target *target)
{
	const struct oci_repo *repo = target->repo;
	char key[OCI_HOST_MAX + 32];
	struct lru_item *it;
	struct oci_host *h;

	snprintf(key, sizeof(key), "%s|%d|%llu", repo->host, repo->insecure,
		oci_target_goes_aside(target)
			? (unsigned long long)oci_identity_id(target->identity)
			: 0);
	it = lru_get(hosts, key);
	if (it)
		return CONTAINER_OF(it, struct oci_host, item);
	h = NEW(struct oci_host);
	if (!oci_repo_http_allowed(repo))
		h->speaks = OCI_SPEAKS_TLS;
	lru_add(hosts, key, &h->item);
	return h;
}
