#include "oci/push.h"

#include "base/limits.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/show.h"
#include "cmd/ocictl/spool.h"
#include "ev/op.h"
#include "http/url.h"
#include "oci/build.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct progress {
	bool tty;
	int percent;
};

static void progress_show(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;
	int percent = total ? (int)(done * 100 / total) : 100;

	if (!p->tty || percent == p->percent)
		return;
	p->percent = percent;
	fprintf(stderr, "\rpushing %.1f of %.1f MiB, %d %%", (double)done / LIMIT_MIB,
		(double)total / LIMIT_MIB, percent);
}

/* The end of the progress line: it was for the eyes only. */
static void progress_end(struct progress *p)
{
	if (p->tty && p->percent >= 0)
		fprintf(stderr, "\r\033[K");
}

static int push_send(struct args *a, const struct oci_build *made, struct err *err)
{
	const char *const tags[] = {a->ref.tag, NULL};
	struct progress progress = {.tty = isatty(2), .percent = -1};
	struct op *op;
	struct run r;
	int rc;

	rc = ocictl_run_init(&r, a, err);
	if (!rc) {
		op = oci_push_start(r.oci,
			&(struct oci_push_req){
				.target = ocictl_run_target(&r, a),
				.blobs = made->blobs,
				.blob_count = ARRAY_LEN(made->blobs),
				.manifest = buf_str(&made->manifest),
				.manifest_len = made->manifest.len,
				.media_type = OCI_TYPE_MANIFEST,
				.tags = tags,
				.progress = progress_show,
				.arg = &progress,
			});
		rc = ocictl_run_wait(&r, op, err);
		progress_end(&progress);
		if (!rc)
			ocictl_show(a, a->ref.tag, oci_push_digest(op));
		op_free(op);
	}
	ocictl_run_clear(&r);
	return rc;
}

/* CI gives the address that it cloned from, which may hold a token; who reads the artifact reads
   that. */
static void source_take(const char *given, struct buf *source)
{
	url_hide_user(source, given);
	if (strcmp(buf_str(source), given) != 0)
		fprintf(stderr, "ocictl: the user information in --source is left out\n");
}

int command_push(struct args *a)
{
	auto_buf struct buf source = BUF_INIT(BUF_ANY);
	struct oci_build_in in = {
		.path = a->path,
		.ignore = a->has_ignore ? buf_str(&a->ignore) : NULL,
		.created = a->created,
		.revision = a->revision,
		.annotations = a->annotations.p,
	};
	struct oci_build made;
	struct err err = {0};
	int rc;

	if (!a->path || !a->source || !a->revision)
		return ocictl_misused("push needs --path, --source and --revision");
	source_take(a->source, &source);
	in.source = buf_str(&source);
	if (spool_build(&made, &in, &err))
		return ocictl_failed(&err);
	/* Whoever prunes by it would have nothing left: nobody means that. */
	if (!made.files && !a->allow_empty)
		rc = ocictl_misused("there is no file in --path, or --ignore-paths leaves none; "
				    "--allow-empty pushes that all the same");
	else
		rc = push_send(a, &made, &err) ? ocictl_failed(&err) : ocictl_flush(0);
	oci_build_clear(&made);
	return rc;
}
