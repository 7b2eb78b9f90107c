#include "oci/resolve.h"
#include "base/limits.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/order.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/show.h"
#include "ev/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tags of a repository: LIMIT_TAGS of them at most, so that all fit into memory. */
struct heard {
	VEC(struct heard_tag {
		char *tag;
		enum oci_tag_verdict verdict;
	})
	tags;
	int width; /* of the longest */
};

static int on_tag(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	struct heard *h = arg;
	int n = (int)strlen(tag);

	(void)err;
	*vec_add(&h->tags) = (struct heard_tag){mem_strdup(tag), verdict};
	if (n > h->width)
		h->width = n;
	return 0;
}

/* Who stands before the choice would have it in the same words. */
static void verdict_say(const struct heard *h, const struct heard_tag *t, const char *chosen)
{
	static const char *const why[] = {
		[OCI_TAG_FILTERED] = "does not pass the filter",
		[OCI_TAG_NO_VERSION] = "is no version",
		[OCI_TAG_PRERELEASE] = "is a prerelease, and the range takes none",
		[OCI_TAG_OUTSIDE] = "is outside of the range",
	};

	if (t->verdict != OCI_TAG_MATCHES)
		fprintf(stderr, "%-*s  %s\n", h->width, t->tag, why[t->verdict]);
	else if (!strcmp(t->tag, chosen))
		fprintf(stderr, "%-*s  is chosen\n", h->width, t->tag);
	else
		fprintf(stderr, "%-*s  is in the range, but %s is better\n", h->width, t->tag,
			chosen);
}

static int by_order(const void *a, const void *b, void *layer_type)
{
	const struct heard_tag *x = a, *y = b;

	return ocictl_tags_compare(x->tag, y->tag, layer_type);
}

static void heard_say(struct heard *h, const struct args *a, const struct oci_resolved *res)
{
	auto_buf struct buf said = BUF_INIT(2048);
	const struct oci_tags_result *tags = &res->tags;
	const struct heard_tag *t;

	if (h->tags.len)
		qsort_r(h->tags.p, h->tags.len, sizeof(*h->tags.p), by_order,
			(char *)(uintptr_t)a->layer_type);
	vec_each (&h->tags, t)
		verdict_say(h, t, tags->tag);
	if (tags->total > h->tags.len)
		fprintf(stderr, "%llu more are no valid tags\n",
			(unsigned long long)(tags->total - h->tags.len));
	if (!*tags->tag)
		return;
	oci_tags_say(tags, a->semver, a->semver_filter, &said);
	fprintf(stderr, "%s is %s\n", tags->tag, buf_str(&said));
}

static void heard_clear(struct heard *h)
{
	struct heard_tag *t;

	vec_each (&h->tags, t)
		free(t->tag);
	vec_clear(&h->tags);
}

static int resolve_ask(const struct args *a, struct heard *h, struct err *err)
{
	char digest[DIGEST_TEXT_MAX] = "";
	const struct oci_resolved *res;
	struct op *op;
	struct run r;
	int rc;

	if (a->ref.digest.algo != DIGEST_NONE)
		digest_format(&a->ref.digest, digest);
	rc = ocictl_run_init(&r, a, err);
	if (!rc) {
		op = oci_resolve_start(r.oci,
			&(struct oci_resolve_req){.target = ocictl_run_target(&r, a),
				.digest = digest,
				.semver = a->semver,
				.semver_filter = a->semver_filter,
				.tag = a->ref.tag,
				.layer_type = a->layer_type,
				.each = on_tag,
				.arg = h});
		rc = ocictl_run_wait(&r, op, err);
		res = oci_resolve_result(op);
		if (a->semver)
			heard_say(h, a, res);
		if (!rc)
			ocictl_show(a, res->tag, &res->digest);
		op_free(op);
	}
	ocictl_run_clear(&r);
	return rc;
}

int command_resolve(struct args *a)
{
	struct heard h = {.width = 0};
	struct err err = {0};
	int rc;

	if (a->semver && (*a->ref.tag || a->ref.digest.algo != DIGEST_NONE))
		return ocictl_misused("with --semver the URL is the repository's, without a tag");
	if (a->semver_filter && !a->semver)
		return ocictl_misused("--semver-filter needs --semver");
	rc = resolve_ask(a, &h, &err);
	heard_clear(&h);
	return rc ? ocictl_failed(&err) : ocictl_flush(0);
}
