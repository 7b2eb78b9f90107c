#include "source/registry.h"

#include "base/buf.h"
#include "base/mem.h"
#include "oci/identity.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "source/provider.h"
#include "source/revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void registry_env_init(struct registry_env *env, const struct registry_opts *opts)
{
	unsigned i;

	env->oci = opts->oci;
	env->revocations = revocations_new(opts->oci);
	env->anonymous = oci_identity_new();
	env->cloud = opts->cloud;
	env->object_level = opts->object_level;
	env->default_account = mem_strdup(opts->default_account);
	for (i = 0; i < CLOUD_PROVIDERS; i++) {
		env->ambient[i] = oci_identity_new();
		provider_login_add(env->ambient[i],
			&(struct provider_login_opts){
				.cloud = env->cloud, .provider = (enum cloud_provider)i});
	}
}

void registry_env_clear(struct registry_env *env)
{
	unsigned i;

	revocations_free(env->revocations);
	oci_identity_unref(env->anonymous);
	for (i = 0; i < CLOUD_PROVIDERS; i++)
		oci_identity_unref(env->ambient[i]);
	free(env->default_account);
}

char *registry_host_of(const struct oci_repo *where)
{
	return mem_printf("%s|%d", where->host, where->insecure);
}

char *registry_host(const char *url, bool insecure)
{
	struct oci_repo where;
	struct err err = {0};

	if (oci_repo_parse(&where, url, insecure, &err))
		return NULL;
	return registry_host_of(&where);
}

static void host_parse(const char *host, struct oci_repo *out)
{
	const char *end = strchr(host, '|');

	*out = (struct oci_repo){.insecure = end && end[1] == '1'};
	snprintf(out->host, sizeof(out->host), "%.*s", end ? (int)(end - host) : 0, host);
}

bool registry_host_proven(const struct registry_env *env, const char *host)
{
	struct oci_repo where;

	host_parse(host, &where);
	return oci_client_is_proven(env->oci, &where);
}

bool registry_host_up(const struct registry_env *env, const char *host)
{
	struct oci_repo where;

	host_parse(host, &where);
	return oci_client_is_up(env->oci, &where);
}

const char *registry_host_text(const char *host, struct buf *out)
{
	struct oci_repo where;

	host_parse(host, &where);
	buf_adds(out, where.host);
	return buf_str(out);
}
