/*
 * The index of an image layout. Properties: what is refused says why; each tag that is listed is
 * found, is a valid one, and comes once; a repository's own layout lists no fewer than one that it
 * shares.
 */
#include "base/mem.h"
#include "oci/layout_index.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check_tags(const struct oci_manifest *m, const struct oci_layout_names *names)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	size_t n = oci_layout_index_tags(m, names, &text), i;
	auto_json json_t *o = NULL;
	const char *before = "";
	struct err err = {0};
	json_t *tag;

	o = obj_parse(buf_str(&text), text.len, "the tags", &err);
	BUG_IF(!o || json_array_size(obj_get(o, "tags")) != n);
	json_array_foreach (obj_get(o, "tags"), i, tag) {
		const char *s = json_string_value(tag);

		BUG_IF(!oci_tag_valid(s, strlen(s)) || strcmp(before, s) >= 0);
		BUG_IF(!oci_layout_index_find(m, names, s));
		before = s;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oci_manifest m = {0};
	struct oci_repo repo;
	struct err err = {0};

	BUG_IF(oci_repo_parse(&repo, "oci://ghcr.io/org/app", false, &err));
	if (oci_layout_index_parse(&m, (const char *)data, size, &err)) {
		BUG_IF(m.children.p || m.layers.p || !*err.msg);
		return 0;
	}
	BUG_IF(check_tags(&m, &(struct oci_layout_names){&repo, true}) <
		check_tags(&m, &(struct oci_layout_names){&repo, false}));
	oci_manifest_clear(&m);
	return 0;
}
