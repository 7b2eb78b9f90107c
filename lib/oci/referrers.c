#include "oci/referrers.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "ev/task.h"
#include "oci/answer.h"
#include "oci/mirrors.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"

#include <stdio.h>
#include <string.h>

struct list {
	struct task task;
	struct oci_route route;
	struct digest subject;
	const char *type;
	struct oci_referrers found;
};

char *oci_digest_tag(const struct digest *d, const char *suffix, char out[OCI_DIGEST_TAG_MAX])
{
	char hex[DIGEST_HEX_MAX];

	/* A longer digest is cut, as the specification has it: a tag has a limit. */
	snprintf(out, OCI_DIGEST_TAG_MAX, "%s-%.64s%s", digest_algo_name(d->algo),
		digest_hex(d, hex), suffix);
	return out;
}

/* ---- the list -------------------------------------------------------------------------------- */

static int entry_read(struct list *l, const json_t *o, struct err *err)
{
	const char *digest = obj_str(o, "digest"), *type = obj_str_or("", o, "artifactType");
	int64_t size = obj_int(-1, o, "size");
	struct oci_referrer *r;

	if (!digest || size < 0)
		return err_set(err, ERR_RETRY, "an entry has no digest or no size");
	r = vec_add(&l->found);
	*r = (struct oci_referrer){
		.size = (uint64_t)size, .typed = !strncmp(type, l->type, strlen(l->type))};
	return digest_parse(&r->digest, digest, err);
}

static int list_read(struct list *l, const struct buf *body, struct err *err)
{
	auto_json json_t *o = obj_parse_within(
		buf_str(body), body->len, &obj_manifest, "the list of referrers", err);
	const json_t *entries = obj_get(o, "manifests");
	json_t *one;
	size_t i;

	if (!o)
		return -1;
	if (!json_is_array(entries))
		return err_set(err, ERR_RETRY, "the list of referrers is no index");
	json_array_foreach (entries, i, one) {
		if (l->found.len == LIMIT_REFERRERS)
			break;
		if (entry_read(l, one, err))
			return err_wrap(err, "the list of referrers");
	}
	return 0;
}

/* Each half in the order of the list. */
static void list_sort(struct oci_referrers *l)
{
	struct oci_referrers sorted = {0};
	const struct oci_referrer *r;

	vec_each (l, r)
		if (r->typed)
			*vec_add(&sorted) = *r;
	vec_each (l, r)
		if (!r->typed)
			*vec_add(&sorted) = *r;
	vec_clear(l);
	*l = sorted;
}

/* A mirror that has none, or sends nonsense, is left for the next one. */
static enum step_ret list_take(struct list *l, const struct http_res *res)
{
	struct err err = {0};

	l->found.len = 0;
	if (list_read(l, &res->body, &err)) {
		if (oci_route_next(&l->route, task_log(&l->task), &err))
			return task_goto(&l->task, "api");
		return task_fail(&l->task, &err);
	}
	list_sort(&l->found);
	if (l->found.len)
		return STEP_DONE;
	err_set(&err, ERR_RETRY, "it has no list of referrers, or an empty one");
	if (oci_route_has_next(&l->route) && oci_route_next(&l->route, task_log(&l->task), &err))
		return task_goto(&l->task, "api");
	return STEP_DONE;
}

static enum step_ret list_failed(struct list *l, struct err *err)
{
	return oci_route_next(&l->route, task_log(&l->task), err) ? task_goto(&l->task, "api")
								  : task_fail(&l->task, err);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static const struct http_hdr ACCEPT[] = {{"Accept", OCI_TYPE_INDEX}, {NULL, NULL}};

/* quiet: the status of the answer is looked at. */
static enum step_ret list_ask(struct list *l, const char *path, const char *what, bool quiet)
{
	return task_wait(&l->task,
		oci_route_ask(&l->route,
			&(struct oci_req){
				.kind = OCI_KIND_MANIFEST,
				.method = "GET",
				.path = path,
				.what = what,
				.hdrs = ACCEPT,
				.max_body = LIMIT_REFERRERS_LIST,
				.quiet = quiet,
			}));
}

static enum step_ret api_start(struct task *t)
{
	struct list *l = TASK(t, struct list);
	struct oci_target target = oci_route_target(&l->route);
	char text[DIGEST_TEXT_MAX];
	auto_free char *path = NULL, *what = NULL;

	/* It answers for tags and digests only. */
	if (target.mirror && target.mirror->layout)
		return STEP_NEXT;
	digest_format(&l->subject, text);
	path = mem_printf("referrers/%s", text);
	what = mem_printf("referrers of '%s'", text);
	return list_ask(l, path, what, true);
}

static enum step_ret api_resume(struct task *t)
{
	struct list *l = TASK(t, struct list);
	struct err err = t->op->err;
	const struct http_res *res;
	const char *type;

	if (err.kind != ERR_NONE)
		return list_failed(l, &err);
	res = oci_req_result(t->op);
	type = http_header(res, "Content-Type");
	if (res->status == 200 && type && !strcmp(type, OCI_TYPE_INDEX))
		return list_take(l, res);
	/* It does not know the question, as the specification's registries before 1.1 do not. */
	if (res->status == 200 || res->status == 400 || res->status == 404 || res->status == 406)
		return STEP_NEXT;
	(void)!oci_answer_error(res, "the registry, asked for referrers", &err);
	return list_failed(l, &err);
}

static enum step_ret tag_start(struct task *t)
{
	struct list *l = TASK(t, struct list);
	char tag[OCI_DIGEST_TAG_MAX];
	auto_free char *path = NULL, *what = NULL;

	oci_digest_tag(&l->subject, "", tag);
	path = mem_printf("manifests/%s", tag);
	what = mem_printf("tag '%s'", tag);
	return list_ask(l, path, what, false);
}

static enum step_ret tag_resume(struct task *t)
{
	struct list *l = TASK(t, struct list);
	struct err err = t->op->err;

	if (err.kind == ERR_NONE)
		return list_take(l, oci_req_result(t->op));
	if (oci_says_missing(&err) && !oci_route_has_next(&l->route))
		return STEP_DONE; /* there are none */
	return list_failed(l, &err);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void list_free(struct task *t)
{
	struct list *l = TASK(t, struct list);

	oci_route_clear(&l->route);
	vec_clear(&l->found);
	free(l);
}

struct op *oci_referrers_start(struct oci_client *c, const struct oci_referrers_req *req)
{
	static const struct step steps[] = {
		{"api", api_start, api_resume},
		{"tag", tag_start, tag_resume}, /* of another mirror: back to "api" */
		{0},
	};
	struct list *l = NEW(struct list);

	oci_route_init(&l->route, c, &req->target);
	l->subject = *req->subject;
	l->type = req->type;
	task_init(&l->task, oci_client_loop(c), "referrers", steps, NULL, list_free);
	return task_spawn(&l->task);
}

const struct oci_referrers *oci_referrers_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct list)->found;
}
