#include "base/limits.h"
#include "base/obj.h"
#include "base/utf8.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/order.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/show.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "oci/image.h"
#include "oci/resolve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 8 /* tags that are asked for */
#define AHEAD 64 /* of the first that is not printed yet: so many answers are kept */
#define TEXT_MAX 200 /* of an annotation */
/* Rows are printed as they come. So wide is what push writes by itself: a time, and a short branch
   with its SHA-1; what is longer moves the rest of its row. */
#define ROW "%-*s  %-71s  %-20s  %-52s  %s\n"
#define FAILURES_MAX 16 /* in a row: there is no use in asking on */

struct row {
	struct list *list;
	const char *tag;
	struct op *op; /* resolve, then image */
	struct digest digest;
	char *created, *revision, *source;
	bool done;
};

struct list {
	struct run *run;
	const struct args *args;
	VEC(char *) tags; /* LIMIT_TAGS at most */
	int width; /* of the longest */
	struct row rows[AHEAD]; /* of the tags from `printed` on, in turn */
	size_t next, printed; /* to be asked for; to be printed */
	unsigned running, in_a_row;
	bool failed, stopped;
};

/* ---- which tags ------------------------------------------------------------------------------ */

static int on_tag(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	struct list *l = arg;
	int n = (int)strlen(tag);

	(void)err;
	if (verdict != OCI_TAG_MATCHES)
		return 0;
	*vec_add(&l->tags) = mem_strdup(tag);
	if (n > l->width)
		l->width = n;
	return 0;
}

static int by_order(const void *a, const void *b, void *layer_type)
{
	return ocictl_tags_compare(*(char *const *)a, *(char *const *)b, layer_type);
}

static int tags_read(struct list *l, struct err *err)
{
	struct op *op = oci_tags_start(l->run->oci,
		&(struct oci_tags_req){.target = ocictl_run_target(l->run, l->args),
			.range = l->args->semver,
			.filter = l->args->semver_filter,
			.layer_type = l->args->layer_type,
			.each = on_tag,
			.arg = l});
	int rc = ocictl_run_wait(l->run, op, err);

	op_free(op);
	if (l->tags.len)
		qsort_r(l->tags.p, l->tags.len, sizeof(*l->tags.p), by_order,
			(char *)(uintptr_t)l->args->layer_type);
	return rc;
}

/* ---- one tag --------------------------------------------------------------------------------- */

static void list_fill(struct list *l);

/* An annotation is a stranger's: it stays on its line and tells the terminal nothing. */
static char *annotation(const json_t *all, const char *name)
{
	char *text = utf8_tidy(obj_str_or("", all, name), TEXT_MAX), *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (*c == '\xc2' && (unsigned char)c[1] < 0xa0)
			c[0] = c[1] = '?'; /* U+0080 to U+009F: controls, too */
	return text;
}

static const char *cell(const char *text)
{
	return *text ? text : "-";
}

static void row_show(const struct row *r)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct js_w w = JS_W(&b);

	ocictl_show_begin(&w, r->list->args, r->tag, &r->digest);
	js_kstr(&w, "created", r->created);
	js_kstr(&w, "revision", r->revision);
	js_kstr(&w, "source", r->source);
	ocictl_show_end(&w);
}

static void row_print(struct row *r)
{
	char digest[DIGEST_TEXT_MAX];

	if (r->created && r->list->args->json)
		row_show(r);
	else if (r->created)
		printf(ROW, r->list->width, r->tag, digest_format(&r->digest, digest),
			cell(r->created), cell(r->revision), cell(r->source));
	free(r->created);
	free(r->revision);
	free(r->source);
	*r = (struct row){.list = NULL};
}

static void row_done(struct row *r, const struct err *err)
{
	struct list *l = r->list;

	op_free(MOVE(r->op));
	r->done = true;
	l->running--;
	if (err) {
		fprintf(stderr, "ocictl: %s: %s\n", r->tag, err->msg);
		l->failed = true;
		l->stopped |= ++l->in_a_row >= FAILURES_MAX;
	} else {
		l->in_a_row = 0;
	}
	while (l->printed < l->next && l->rows[l->printed % AHEAD].done)
		row_print(&l->rows[l->printed++ % AHEAD]);
	list_fill(l);
}

/* What has no layer that we read has annotations all the same. */
static void on_image(struct op *op, void *arg)
{
	const struct oci_image *image = oci_image_result(op);
	struct row *r = arg;
	struct err err = op->err;

	if (image->manifest_digest.algo == DIGEST_NONE && err.kind != ERR_NONE) {
		row_done(r, &err);
		return;
	}
	r->created = annotation(image->manifest.annotations, "org.opencontainers.image.created");
	r->revision = annotation(image->manifest.annotations, "org.opencontainers.image.revision");
	r->source = annotation(image->manifest.annotations, "org.opencontainers.image.source");
	row_done(r, NULL);
}

static void on_resolved(struct op *op, void *arg)
{
	struct row *r = arg;
	struct list *l = r->list;
	struct err err = op->err;

	if (err.kind != ERR_NONE) {
		row_done(r, &err);
		return;
	}
	r->digest = oci_resolve_result(op)->digest;
	op_free(op);
	r->op = oci_image_start(l->run->oci,
		&(struct oci_image_req){.target = ocictl_run_target(l->run, l->args),
			.digest = &r->digest,
			.platform = &l->args->platform,
			.layer_type = l->args->layer_type});
	op_then(r->op, on_image, r);
}

static void row_start(struct list *l)
{
	struct row *r = &l->rows[l->next % AHEAD];

	*r = (struct row){.list = l, .tag = l->tags.p[l->next++]};
	l->running++;
	r->op = oci_resolve_start(l->run->oci,
		&(struct oci_resolve_req){
			.target = ocictl_run_target(l->run, l->args), .tag = r->tag});
	op_then(r->op, on_resolved, r);
}

/* As many as there is room for; the loop ends with the last. */
static void list_fill(struct list *l)
{
	while (!l->stopped && l->running < AT_ONCE && l->next < l->tags.len &&
		l->next < l->printed + AHEAD)
		row_start(l);
	if (!l->running)
		loop_stop(l->run->loop);
}

/* ---- the command ----------------------------------------------------------------------------- */

static int list_print(struct list *l, struct err *err)
{
	if (l->width < 3)
		l->width = 3;
	if (!l->args->json)
		printf(ROW, l->width, "TAG", "DIGEST", "CREATED", "REVISION", "SOURCE");
	if (l->tags.len) {
		list_fill(l);
		loop_run(l->run->loop);
	}
	if (l->stopped)
		return err_set(err, ERR_RETRY,
			"given up after %d failures in a row, with %zu of %zu tags", FAILURES_MAX,
			l->printed, l->tags.len);
	return l->failed ? err_set(err, ERR_RETRY, "not all tags could be read") : 0;
}

int command_list(struct args *a)
{
	struct list *l = NEW(struct list);
	struct err err = {0};
	struct run r;
	char **tag;
	int rc;

	l->run = &r;
	l->args = a;
	rc = ocictl_run_init(&r, a, &err);
	if (!rc)
		rc = tags_read(l, &err);
	if (!rc)
		rc = list_print(l, &err);
	ocictl_run_clear(&r);
	vec_each (&l->tags, tag)
		free(*tag);
	vec_clear(&l->tags);
	free(l);
	return rc ? ocictl_failed(&err) : ocictl_flush(0);
}
