/* Manifests: first byte chooses the Content-Type. What is accepted has valid descriptors, and the
   choices are among them. */
#include "oci/manifest.h"

#include "base/limits.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char *const types[] = {
		NULL, OCI_TYPE_MANIFEST, OCI_TYPE_INDEX, OCI_TYPE_DOCKER_LIST "; x=y", "text/html"};
	const struct oci_descriptor *layer, *d;
	const struct oci_child *child;
	struct oci_manifest m = {0};
	struct err err = {0};

	if (!size)
		return 0;
	if (oci_manifest_parse(&m, (const char *)data + 1, size - 1,
		    types[data[0] % ARRAY_LEN(types)], &err)) {
		/* nothing is left behind */
		BUG_IF(m.layers.p || m.children.p || m.annotations || m.media_type);
		BUG_IF(err.kind != ERR_RETRY || !err.msg[0]);
		return 0;
	}
	BUG_IF(m.layers.len > LIMIT_MANIFEST_ENTRIES || m.children.len > LIMIT_MANIFEST_ENTRIES);
	BUG_IF(m.index ? m.layers.len : m.children.len);
	vec_each (&m.layers, d)
		BUG_IF(d->digest.algo == DIGEST_NONE || !d->media_type ||
			strpbrk(d->media_type, "\r\n'"));
	layer = oci_manifest_layer(&m, NULL, &err);
	BUG_IF(layer != (m.layers.len ? m.layers.p : NULL));
	if (layer && *layer->media_type)
		BUG_IF(oci_manifest_layer(&m, layer->media_type, &err) != layer);
	child = oci_manifest_platform(&m, NULL, &err);
	BUG_IF(child && (child < m.children.p || child >= m.children.p + m.children.len));
	BUG_IF(child && child->os && strcmp(child->os, "linux"));
	if (!oci_manifest_layer(&m, "no/such+type", &err))
		BUG_IF(strpbrk(err.msg, "\r\n"));
	oci_manifest_clear(&m);
	return 0;
}
