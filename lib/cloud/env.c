#include "cloud/env.h"

#include "base/err.h"
#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

const char *const cloud_env_names[] = {
	/* AWS: credentials */
	"AWS_ACCESS_KEY_ID",
	"AWS_ACCESS_KEY",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SECRET_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_WEB_IDENTITY_TOKEN_FILE",
	"AWS_ROLE_ARN",
	"AWS_ROLE_SESSION_NAME",
	"AWS_SHARED_CREDENTIALS_FILE",
	"AWS_CONFIG_FILE",
	"AWS_PROFILE",
	"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN",
	"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
	"AWS_EC2_METADATA_DISABLED",
	"AWS_EC2_METADATA_V1_DISABLED",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT",
	"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
	/* AWS: endpoints */
	"AWS_ENDPOINT_URL_STS",
	"AWS_ENDPOINT_URL_ECR",
	"AWS_ENDPOINT_URL_ECR_PUBLIC",
	"AWS_USE_FIPS_ENDPOINT",
	"AWS_USE_DUALSTACK_ENDPOINT",
	"AWS_CA_BUNDLE",
	/* Azure */
	"AZURE_TENANT_ID",
	"AZURE_CLIENT_ID",
	"AZURE_CLIENT_SECRET",
	"AZURE_CLIENT_CERTIFICATE_PATH",
	"AZURE_USERNAME",
	"AZURE_PASSWORD",
	"AZURE_AUTHORITY_HOST",
	"AZURE_FEDERATED_TOKEN_FILE",
	"AZURE_ENVIRONMENT_FILEPATH",
	"IDENTITY_ENDPOINT",
	"IDENTITY_HEADER",
	"IDENTITY_SERVER_THUMBPRINT",
	"MSI_ENDPOINT",
	"IMDS_ENDPOINT",
	/* Google Cloud */
	"GOOGLE_APPLICATION_CREDENTIALS",
	"GCE_METADATA_HOST",
	"OCI_GCP_STS_URL",
	"OCI_GCP_IAM_URL",
	/* where profiles and credentials of a user lie */
	"HOME",
	NULL,
};

#define NAMES (ARRAY_LEN(cloud_env_names) - 1)

static size_t env_index(const char *name)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		if (!strcmp(cloud_env_names[i], name))
			return i;
	bug_abort(__FILE__, __LINE__, name);
}

static void env_value_free(char *value)
{
	if (value)
		mem_wipe(value, strlen(value));
	free(value);
}

static void env_put(struct cloud_env *e, size_t i, const char *value)
{
	if (!e->values)
		e->values = mem_zalloc(NAMES * sizeof(*e->values));
	env_value_free(e->values[i]);
	e->values[i] = mem_strdup(value);
}

void cloud_env_set(struct cloud_env *e, const char *name, const char *value)
{
	env_put(e, env_index(name), value);
}

void cloud_env_read(struct cloud_env *e)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		cloud_env_set(e, cloud_env_names[i], getenv(cloud_env_names[i]));
}

void cloud_env_copy(struct cloud_env *to, const struct cloud_env *from)
{
	size_t i;

	for (i = 0; i < NAMES; i++)
		env_put(to, i, from && from->values ? from->values[i] : NULL);
}

void cloud_env_clear(struct cloud_env *e)
{
	size_t i;

	for (i = 0; e->values && i < NAMES; i++)
		env_value_free(e->values[i]);
	free(MOVE(e->values));
}

const char *cloud_env_get(const struct cloud_env *e, const char *name)
{
	const char *v = e->values ? e->values[env_index(name)] : NULL;

	return v && *v ? v : NULL;
}
