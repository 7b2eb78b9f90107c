#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/show.h"
#include "ev/op.h"
#include "oci/push.h"

#include <stdio.h>

static int tag_send(struct args *a, const char *from, struct err *err)
{
	const char *const *tag;
	struct op *op;
	struct run r;
	int rc;

	rc = ocictl_run_init(&r, a, err);
	if (!rc) {
		op = oci_retag_start(r.oci,
			&(struct oci_retag_req){.target = ocictl_run_target(&r, a),
				.from = from,
				.tags = a->tags.p});
		rc = ocictl_run_wait(&r, op, err);
		for (tag = a->tags.p; !rc && *tag; tag++)
			ocictl_show(a, *tag, oci_push_digest(op));
		op_free(op);
	}
	ocictl_run_clear(&r);
	return rc;
}

int command_tag(struct args *a)
{
	char from[DIGEST_TEXT_MAX + OCI_TAG_MAX];
	struct err err = {0};

	if (!a->tags.p[0])
		return ocictl_misused("tag needs --tag");
	snprintf(from, sizeof(from), "%s", a->ref.tag);
	if (a->ref.digest.algo != DIGEST_NONE)
		digest_format(&a->ref.digest, from);
	return tag_send(a, from, &err) ? ocictl_failed(&err) : ocictl_flush(0);
}
