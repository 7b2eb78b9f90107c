#include "cmd/ocictl/order.h"

#include "oci/manifest.h"
#include "oci/tags.h"
#include "text/semver.h"

#include <string.h>

int ocictl_tags_compare(const char *a, const char *b, const char *layer_type)
{
	bool chart = oci_type_is_chart(layer_type);
	struct semver va, vb;
	bool a_is = oci_tag_version(&va, a, chart), b_is = oci_tag_version(&vb, b, chart);

	if (a_is != b_is)
		return a_is ? -1 : 1;
	if (!a_is || !strcmp(a, b))
		return strcmp(a, b);
	return semver_better(&va, a, &vb, b) ? -1 : 1;
}
