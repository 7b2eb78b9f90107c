#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/layer.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/spool.h"
#include "oci/build.h"
#include "pack/differ.h"
#include "pack/path.h"

#include <stdio.h>
#include <string.h>

static void on_diff(void *ctx, enum pack_difference how, const char *path)
{
	static const char letters[] = {
		[PACK_ADDED] = 'A', [PACK_REMOVED] = 'D', [PACK_CHANGED] = 'M'};
	char quoted[PACK_QUOTE_MAX];
	bool *differs = ctx;

	*differs = true;
	printf("%c %s\n", letters[how], pack_quote(quoted, path, strlen(path)));
}

/* What a push would make of the path, and what is there. */
static int diff_compare(
	struct args *a, const struct oci_build *made, bool *differs, struct err *err)
{
	struct layer before, after;
	int rc;

	rc = layer_of_file(&after, made->fd, made->blobs[0].size, err);
	if (!rc) {
		rc = layer_fetch(&before, a, err);
		if (!rc)
			rc = pack_differ(&before.in, &after.in, on_diff, differs, err);
		layer_clear(&before);
	}
	layer_clear(&after);
	return rc;
}

int command_diff(struct args *a)
{
	struct oci_build_in in = {.path = a->path,
		.ignore = a->has_ignore ? buf_str(&a->ignore) : NULL,
		.source = "",
		.revision = ""};
	struct oci_build made;
	bool differs = false;
	struct err err = {0};
	int rc;

	if (!a->path)
		return ocictl_misused("diff needs --path");
	rc = spool_build(&made, &in, &err);
	if (!rc) {
		rc = diff_compare(a, &made, &differs, &err);
		oci_build_clear(&made);
	}
	if (rc)
		(void)ocictl_failed(&err);
	if (rc || ocictl_flush(0))
		return EXIT_USAGE;
	return differs ? EXIT_FAILED : 0;
}
