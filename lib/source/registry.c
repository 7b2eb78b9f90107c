#include "source/registry.h"

#include "base/buf.h"
#include "base/mem.h"
#include "oci/ref.h"
#include "oci/registry.h"

#include <stdio.h>
#include <string.h>

char *registry_host(const char *url, bool insecure)
{
	struct oci_repo where;
	struct err err = {0};

	if (oci_repo_parse(&where, url, insecure, &err))
		return NULL;
	return mem_printf("%s|%d", where.host, where.insecure);
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
