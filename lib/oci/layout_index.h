/*
 * What the index.json of an image layout names (OCI image-spec 1.1, image-layout.md, "index.json
 * file"). An entry's annotation org.opencontainers.image.ref.name is a tag ("1.0", as oras and
 * skopeo write it) or a whole reference ("ghcr.io/org/app:1.0", as crane does); an entry that has
 * none has no name here. Of two entries with one name the later one counts: tools that add to a
 * layout append.
 *
 * Whole references are for their repository alone. A tag does not say of which repository it is: it
 * counts where the layout is one repository's own.
 *
 * No state, any thread. Results are borrowed from the index.
 *
 *	oci_layout_index_parse(&m, text, len, err);
 *	d = oci_layout_index_find(&m, &(struct oci_layout_names){&repo, true}, "1.0");
 *	oci_manifest_clear(&m);
 */
#ifndef OCI_LAYOUT_INDEX_H
#define OCI_LAYOUT_INDEX_H
#include "base/buf.h"
#include "oci/manifest.h"
#include "oci/ref.h"

struct oci_layout_names {
	const struct oci_repo *repo;
	bool own; /* the layout is that repository's: tags alone count as well */
};

/* *m is zeroed or was cleared. */
int oci_layout_index_parse(
	struct oci_manifest *m, const char *data, size_t len, struct err *err) must_check;
/* NULL: nothing is called so. */
const struct oci_descriptor *oci_layout_index_find(
	const struct oci_manifest *m, const struct oci_layout_names *names, const char *tag);
/* Appends what to tell of a tag that was not found: the names that would have been it, how many
   entries there are, and the name of one, cut. */
void oci_layout_index_say_missing(const struct oci_manifest *m,
	const struct oci_layout_names *names, const char *tag, struct buf *out);
/* Appends {"tags":[...]}, each once and in the order of bytes; returns how many. */
size_t oci_layout_index_tags(
	const struct oci_manifest *m, const struct oci_layout_names *names, struct buf *out);

#endif
