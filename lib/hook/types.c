#include "hook/hook.h"
#include "hook/how.h"

#include <string.h>

static const struct hook_type types[] = {
	{"acr", .how = &hook_acr},
	{"bitbucket", .how = &hook_bitbucket},
	{"cdevents", .how = &hook_cdevents},
	{"dockerhub", .how = &hook_dockerhub},
	{"gcr", .by_google = true, .how = &hook_gcr},
	{"generic", .how = &hook_generic},
	{"generic-hmac", .how = &hook_hmac},
	/* Who calls is known by then, and the body may be anything. */
	{"generic-oidc", .by_issuer = true, .how = &hook_generic},
	{"github", .how = &hook_github},
	{"gitlab", .how = &hook_gitlab},
	{"harbor", .how = &hook_harbor},
	{"nexus", .how = &hook_nexus},
	{"quay", .how = &hook_quay},
};

const struct hook_type *hook_type_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}
