#include "oci/referrers.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "ev/task.h"
#include "http/url.h"
#include "oci/answer.h"
#include "oci/mirrors.h"
#include "oci/page.h"
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
	bool exact;
	char *next; /* path and query of the next page; NULL: the first one is to be asked for */
	unsigned pages; /* that were read */
	size_t typed; /* of those found */
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

	bool typed = !strncmp(type, l->type, strlen(l->type));

	/* So many of either kind. */
	if ((typed ? l->typed : l->found.len - l->typed) == LIMIT_REFERRERS)
		return 0;
	if (!digest || size < 0)
		return err_set(err, ERR_RETRY, "an entry has no digest or no size");
	r = vec_add(&l->found);
	*r = (struct oci_referrer){.size = (uint64_t)size, .typed = typed};
	l->typed += typed;
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
	json_array_foreach (entries, i, one)
		if (entry_read(l, one, err))
			return err_wrap(err, "the list of referrers");
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
	if (l->len > LIMIT_REFERRERS)
		l->len = LIMIT_REFERRERS;
}

static void list_begin(struct list *l)
{
	free(MOVE(l->next));
	l->pages = 0;
	l->typed = l->found.len = 0;
}

static enum step_ret list_failed(struct list *l, struct err *err)
{
	list_begin(l);
	return oci_route_next(&l->route, task_log(&l->task), err) ? task_goto(&l->task, "api")
								  : task_fail(&l->task, err);
}

/* A mirror that has none, or sends nonsense, is left for the next one. paged: it may go on. */
static enum step_ret list_take(struct list *l, const struct http_res *res, bool paged)
{
	struct err err = {0};

	free(MOVE(l->next));
	if (list_read(l, &res->body, &err) || (paged && oci_page_next(l->task.op, &l->next, &err)))
		return list_failed(l, &err);
	if (l->next && l->typed < LIMIT_REFERRERS && ++l->pages < LIMIT_REFERRERS_PAGES)
		return task_goto(&l->task, "api");
	list_sort(&l->found);
	if (l->found.len)
		return STEP_DONE;
	err_set(&err, ERR_RETRY, "it has no list of referrers, or an empty one");
	if (oci_route_has_next(&l->route))
		return list_failed(l, &err);
	return STEP_DONE;
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
	auto_buf struct buf path = BUF_INIT(LIMIT_URL);
	auto_free char *what = NULL;

	/* It answers for tags and digests only. */
	if (target.mirror && target.mirror->layout)
		return STEP_NEXT;
	digest_format(&l->subject, text);
	what = mem_printf("referrers of '%s'", text);
	if (l->next)
		return list_ask(l, l->next, what, true);
	buf_addf(&path, "referrers/%s", text);
	if (l->exact)
		url_add_param(&path, '?', "artifactType", l->type);
	return list_ask(l, buf_str(&path), what, true);
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
		return list_take(l, res, true);
	/* It does not know the question, as the specification's registries before 1.1 do not. */
	if (!l->next &&
		(res->status == 200 || res->status == 400 || res->status == 404 ||
			res->status == 406))
		return STEP_NEXT;
	if (res->status == 200)
		err_set(&err, ERR_RETRY, "the next page of the list of referrers is no index");
	else
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
		return list_take(l, oci_req_result(t->op), false);
	if (oci_says_missing(&err) && !oci_route_has_next(&l->route))
		return STEP_DONE; /* there are none */
	return list_failed(l, &err);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void list_free(struct task *t)
{
	struct list *l = TASK(t, struct list);

	oci_route_clear(&l->route);
	free(l->next);
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
	l->exact = req->exact;
	task_init(&l->task, oci_client_loop(c), "referrers", steps, NULL, list_free);
	return task_spawn(&l->task);
}

const struct oci_referrers *oci_referrers_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct list)->found;
}
