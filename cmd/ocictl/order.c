#include "cmd/ocictl/order.h"

#include "oci/manifest.h"
#include "oci/ref.h"
#include "text/semver.h"

#include <stdio.h>
#include <string.h>

static bool order_version(struct semver *v, const char *tag, const char *layer_type)
{
	char text[OCI_TAG_MAX + 1], *at;

	snprintf(text, sizeof(text), "%s", tag);
	if (layer_type && !strcmp(layer_type, OCI_TYPE_HELM_CHART))
		for (at = text; *at; at++)
			if (*at == '_')
				*at = '+';
	return semver_parse(v, text);
}

int ocictl_tags_compare(const char *a, const char *b, const char *layer_type)
{
	struct semver va, vb;
	bool a_is = order_version(&va, a, layer_type), b_is = order_version(&vb, b, layer_type);

	if (a_is != b_is)
		return a_is ? -1 : 1;
	if (!a_is || !strcmp(a, b))
		return strcmp(a, b);
	return semver_better(&va, a, &vb, b) ? -1 : 1;
}
