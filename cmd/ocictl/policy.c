#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/objects.h"
#include "cmd/ocictl/run.h"
#include "controllers/imagepolicy/spec.h"
#include "ev/op.h"
#include "image/name.h"
#include "image/tags_write.h"
#include "oci/tags.h"

#include <stdio.h>
#include <string.h>

struct policy {
	const struct args *args;
	struct objects objects;
	struct image_tags_list list;
	uint64_t excluded;
	struct choose_rules rules; /* borrowed from the objects */
	struct choose *choose;
	struct choose_result result;
};

/* ---- the tags -------------------------------------------------------------------------------- */

static int on_tag(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	(void)verdict;
	return image_tags_list_add(arg, tag, err);
}

static int tags_ask(struct policy *p, struct err *err)
{
	struct op *op;
	struct run r;
	int rc = ocictl_run_init(&r, p->args, err);

	if (!rc) {
		op = oci_tags_start(r.oci,
			&(struct oci_tags_req){.target = ocictl_run_target(&r, p->args),
				.each = on_tag,
				.arg = &p->list});
		rc = ocictl_run_wait(&r, op, err);
		op_free(op);
	}
	ocictl_run_clear(&r);
	return rc;
}

/* First each tag once, so that those are counted that are left out then. */
static int tags_exclude(struct policy *p, struct err *err)
{
	static const atomic_bool never;
	struct image_filter filter;
	size_t all;
	int rc;

	if (image_filter_init(&filter, p->objects.exclude, err))
		return -1;
	rc = image_tags_list_settle(&p->list, NULL, &never, err);
	all = p->list.at.len;
	if (!rc)
		rc = image_tags_list_settle(&p->list, &filter, &never, err);
	p->excluded = all - p->list.at.len;
	image_filter_clear(&filter);
	return rc;
}

/* ---- for people ------------------------------------------------------------------------------ */

/* "of 7 tags 2 are excluded, 1 is skipped, 3 pass the filter '...'" */
static void policy_say_counts(const struct policy *p)
{
	const struct choose_result *r = &p->result;
	unsigned long long excluded = p->excluded, skipped = r->skipped, passed = r->passed;

	fprintf(stderr, "of %llu tags %llu %s excluded", (unsigned long long)r->total + excluded,
		excluded, excluded == 1 ? "is" : "are");
	if (p->rules.skip)
		fprintf(stderr, ", %llu %s skipped", skipped, skipped == 1 ? "is" : "are");
	if (p->rules.pattern)
		fprintf(stderr, ", %llu %s the filter '%.*s'", passed,
			passed == 1 ? "passes" : "pass",
			(int)utf8_cut(p->rules.pattern, strlen(p->rules.pattern), 200),
			p->rules.pattern);
	else
		fprintf(stderr, ", %llu %s left", passed, passed == 1 ? "is" : "are");
	fputc('\n', stderr);
}

static void policy_say_runners(const struct policy *p)
{
	char key[CHOOSE_KEY_SHOWN + 1];
	int width = 0, n;
	const char *tag;
	unsigned i;

	for (i = 0; i < p->args->runners && (tag = choose_nth(p->choose, i, key)); i++) {
		n = (int)strlen(tag);
		width = n > width ? n : width;
	}
	for (i = 0; i < p->args->runners && (tag = choose_nth(p->choose, i, key)); i++)
		fprintf(stderr, "%3u  %-*s  by '%s'\n", i + 1, width, tag, key);
}

/* ---- the result ------------------------------------------------------------------------------ */

static void policy_write(const struct policy *p, const char *ref, const char *why)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	char key[CHOOSE_KEY_SHOWN + 1], repo[OCI_REPO_TEXT_MAX];
	auto_free char *url = mem_printf("oci://%s", ref);
	struct js_w w = JS_W(&b);
	const char *tag;
	unsigned i;

	js_begin(&w, '{');
	js_kstr(&w, "url", url);
	js_kstr(&w, "repository", oci_repo_format(&p->args->ref.repo, repo));
	js_kstr(&w, "tag", p->result.tag);
	js_kstr(&w, "why", why);
	js_kint(&w, "total", (int64_t)(p->result.total + p->excluded));
	js_kint(&w, "excluded", (int64_t)p->excluded);
	js_kint(&w, "skipped", (int64_t)p->result.skipped);
	js_kint(&w, "passed", (int64_t)p->result.passed);
	if (p->args->runners) {
		js_key(&w, "runners");
		js_begin(&w, '[');
		for (i = 0; i < p->args->runners && (tag = choose_nth(p->choose, i, key)); i++) {
			js_begin(&w, '{');
			js_kstr(&w, "tag", tag);
			js_kstr(&w, "key", key);
			js_end(&w, '}');
		}
		js_end(&w, ']');
	}
	js_end(&w, '}');
	puts(buf_str(&b));
}

static void policy_show(const struct policy *p)
{
	auto_buf struct buf why = BUF_INIT(BUF_ANY);
	char ref[OCI_REF_TEXT_MAX];

	choose_say(&p->rules, &p->result, &why);
	fprintf(stderr, "%s: %s\n", p->result.tag, buf_str(&why));
	oci_ref_format(&p->args->ref.repo, p->result.tag, NULL, ref);
	if (p->args->json)
		policy_write(p, ref, buf_str(&why));
	else
		puts(ref);
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int policy_choose(struct policy *p, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < p->list.at.len; i++)
		if (choose_tag(p->choose, image_tags_list_at(&p->list, i), 0, err))
			return -1;
	rc = choose_end(p->choose, &p->result, err);
	/* Of a list that is empty the controller asks nobody. */
	if (!p->list.at.len)
		rc = err_set(err, ERR_RETRY, "no tags in database");
	policy_say_runners(p);
	policy_say_counts(p);
	if (!rc)
		policy_show(p);
	return rc;
}

/* Rules that are none need no registry. */
static int policy_rules(struct policy *p, struct err *err)
{
	const struct imagepolicy_spec *s = p->objects.policy;

	p->rules = imagepolicy_rules(s, clock_wall_ms() / 1000);
	p->rules.keep = p->args->runners;
	p->rules.all = false;
	if (s->by_build)
		fputs("build times do not count here: the order is the policy's own\n", stderr);
	if (s->age_ms)
		fputs("minimum-age does not count here: only the controller knows since when a "
		      "tag is there\n",
			stderr);
	if (imagepolicy_check_chosen(s, err) || choose_new(&p->choose, &p->rules, err))
		return err_wrap(err, "invalid policy");
	return 0;
}

static int policy_repository(const struct policy *p, struct args *a, struct err *err)
{
	a->ref.repo.insecure = a->insecure || p->objects.insecure;
	if (a->has_repo)
		return 0;
	return image_name_parse(&a->ref.repo, p->objects.image, a->ref.repo.insecure, err);
}

static int policy_run(struct policy *p, struct args *a, struct err *err)
{
	if (objects_read(&p->objects, a, err) || policy_repository(p, a, err) ||
		policy_rules(p, err) || tags_ask(p, err) || tags_exclude(p, err))
		return -1;
	return policy_choose(p, err);
}

int command_policy(struct args *a)
{
	struct policy p = {.args = a};
	const char *wrong = objects_misused(a);
	struct err err = {0};
	int rc;

	if (wrong)
		return ocictl_misused(wrong);
	image_tags_list_init(&p.list, LIMIT_TAGS_MEMORY);
	rc = policy_run(&p, a, &err);
	choose_free(p.choose);
	image_tags_list_clear(&p.list);
	objects_clear(&p.objects);
	return rc ? ocictl_failed(&err) : ocictl_flush(0);
}
