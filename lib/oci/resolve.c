#include "oci/resolve.h"

#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "oci/answer.h"
#include "oci/head.h"
#include "oci/manifest.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"

#include <stdio.h>
#include <string.h>

#define HASH_INLINE (64 * 1024) /* bytes of a manifest that the loop itself may hash */

struct hash;

struct resolve {
	struct task task;
	struct oci_client *client;
	struct oci_route route;
	char *digest, *semver, *filter, *tag, *layer_type, *owner;
	char *current; /* the tag that was chosen before, or NULL */
	struct digest current_digest;
	bool current_missed;
	struct err no_match; /* of the list; ERR_NONE: there is a choice */
	int (*each)(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err);
	void *arg;
	char *path, *what;
	bool named; /* tag stands before digest */
	int head_status; /* of a HEAD that gave nothing; 0: none */
	struct hash *hash; /* to be done */
	struct oci_resolved result;
};

static bool resolve_given(const char *s)
{
	return s && *s;
}

static enum step_ret resolve_fail(struct resolve *r, const char *text)
{
	struct err err = {0};

	err_set(&err, ERR_RETRY, "%s", text);
	return task_fail(&r->task, &err);
}

/* ---- semver ---------------------------------------------------------------------------------- */

static enum step_ret resolve_tags_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct oci_tags_req req = {
		.target = r->route.target,
		.range = r->semver,
		.filter = r->filter,
		.layer_type = r->layer_type,
		.current = r->current,
		.each = r->each,
		.arg = r->arg,
	};

	if (resolve_given(r->digest) || !resolve_given(r->semver))
		return STEP_NEXT;
	r->result.stage = OCI_RESOLVE_TAGS;
	return task_wait(t, oci_tags_start(r->client, &req));
}

static enum step_ret resolve_tags_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	r->result.tags = *oci_tags_result(t->op);
	r->route.target.patient = false; /* it was let through */
	if (t->op->err.kind != ERR_NONE && !r->result.tags.behind)
		return task_fail(t, &t->op->err);
	r->no_match = t->op->err;
	free(r->tag);
	r->tag = mem_strdup(r->result.tags.tag);
	return STEP_NEXT;
}

static enum step_ret resolve_found(struct resolve *r)
{
	oci_revision_format(r->result.tag, &r->result.digest, r->result.revision);
	return STEP_DONE;
}

/* ---- a list that lacks the current tag ------------------------------------------------------- */

static enum step_ret resolve_current_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	if (!r->result.tags.behind)
		return STEP_NEXT;
	r->result.stage = OCI_RESOLVE_DIGEST;
	return task_wait(t,
		oci_resolve_start(r->client,
			&(struct oci_resolve_req){
				.target = r->route.target, .tag = r->current, .owner = r->owner}));
}

static enum step_ret resolve_keep_current(
	struct resolve *r, enum oci_current how, const struct digest *digest)
{
	r->result.current = how;
	r->result.digest = *digest;
	snprintf(r->result.tag, sizeof(r->result.tag), "%s", r->current);
	return resolve_found(r);
}

static enum step_ret resolve_current_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct oci_tags_result *tags = &r->result.tags;

	if (t->op->err.kind == ERR_NONE) {
		memcpy(tags->runner_up, tags->tag, sizeof(tags->runner_up));
		snprintf(tags->tag, sizeof(tags->tag), "%s", r->current);
		return resolve_keep_current(
			r, OCI_CURRENT_STAYS, &oci_resolve_result(t->op)->digest);
	}
	if (!oci_says_unknown(&t->op->err))
		return task_fail(t, &t->op->err);
	if (!r->current_missed)
		return resolve_keep_current(r, OCI_CURRENT_MISSED, &r->current_digest);
	r->result.current = OCI_CURRENT_GONE;
	if (r->no_match.kind == ERR_NONE)
		return STEP_NEXT;
	r->result.stage = OCI_RESOLVE_TAGS;
	return task_fail(t, &r->no_match);
}

/* ---- digest ---------------------------------------------------------------------------------- */

static enum step_ret resolve_pinned(struct resolve *r)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	if (digest_parse(&r->result.digest, r->digest, &err)) {
		err_wrap(&err, "digest of '%s'", oci_repo_format(r->route.target.repo, repo));
		return task_fail(&r->task, &err);
	}
	return resolve_found(r);
}

/* What the tag means, by its manifest. */
static struct op *resolve_get(struct resolve *r)
{
	static const struct http_hdr hdrs[] = {{"Accept", OCI_ACCEPT_MANIFEST}, {NULL, NULL}};

	return oci_route_ask(&r->route,
		&(struct oci_req){
			.kind = OCI_KIND_MANIFEST,
			.method = "GET",
			.path = r->path,
			.what = r->what,
			.hdrs = hdrs,
			.max_body = LIMIT_MANIFEST,
		});
}

/* resolve_chart_tag() has not taken it. */
#define PLUS_HINT \
	"; '+' needs the layerSelector.mediaType of a Helm chart, '" OCI_TYPE_HELM_CHART "'"

static enum step_ret resolve_head_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct oci_target now;
	char text[640], repo[OCI_REPO_TEXT_MAX];

	r->result.stage = OCI_RESOLVE_DIGEST;
	if (resolve_given(r->digest) && !r->named)
		return resolve_pinned(r);
	if (!oci_tag_valid(r->tag, strlen(r->tag))) {
		snprintf(text, sizeof(text), "'%.140s' of '%.300s' is no valid tag%s", r->tag,
			oci_repo_format(r->route.target.repo, repo),
			strchr(r->tag, '+') ? PLUS_HINT : "");
		return resolve_fail(r, text);
	}
	snprintf(r->result.tag, sizeof(r->result.tag), "%s", r->tag);
	if (r->named)
		return resolve_pinned(r);
	free(r->path);
	free(r->what);
	r->path = mem_printf("manifests/%s", r->tag);
	r->what = mem_printf("tag '%s'", r->tag);
	r->head_status = 0;
	now = oci_route_target(&r->route);
	if (oci_client_no_head(r->client, &now))
		return STEP_NEXT;
	return task_wait(t, oci_route_ask_tag(&r->route, r->tag));
}

/* The question failed where it was asked: the next mirror is asked from the beginning. */
static enum step_ret resolve_failed(struct resolve *r)
{
	struct err err = r->task.op->err;

	if (oci_route_next(&r->route, task_log(&r->task), &err))
		return task_goto(&r->task, "head");
	return task_fail(&r->task, &err);
}

static enum step_ret resolve_head_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	const struct oci_head *head;

	if (t->op->err.kind != ERR_NONE)
		return resolve_failed(r);
	head = oci_head_result(t->op);
	r->result.digest = head->digest;
	if (head->status < 300 && head->digest.algo != DIGEST_NONE)
		return resolve_found(r);
	r->head_status = head->status;
	return STEP_NEXT;
}

/* The answer with a manifest, and what its bytes hash to. */
struct hash {
	struct op *answer;
	struct digest said; /* by the registry; DIGEST_NONE: nothing */
	struct digest real;
};

static int hash_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct hash *h = job;
	const struct buf *body = &oci_req_result(h->answer)->body;

	(void)stop; /* some milliseconds at most */
	(void)err;
	digest_mem(&h->real, h->said.algo ? h->said.algo : DIGEST_SHA256, buf_str(body), body->len);
	return 0;
}

static void hash_free(void *job)
{
	struct hash *h = job;

	if (h)
		op_free(h->answer);
	free(h);
}

/* The digest of the bytes counts; one that the registry states must agree. */
static enum step_ret resolve_hashed(struct resolve *r, const struct hash *h)
{
	char stated[DIGEST_TEXT_MAX], real[DIGEST_TEXT_MAX], text[768];
	struct err err = {0};

	r->result.digest = h->real;
	if (h->said.algo == DIGEST_NONE || digest_equal(&h->said, &h->real))
		return resolve_found(r);
	snprintf(text, sizeof(text),
		"%s of '%.300s': the registry says that the manifest's digest is '%s', but the "
		"digest of what it sent is '%s'",
		r->what, oci_route_repo(&r->route)->host, digest_format(&h->said, stated),
		digest_format(&h->real, real));
	err_set(&err, ERR_RETRY, "%s", text);
	if (oci_route_lied(&r->route, task_log(&r->task), &err))
		return task_goto(&r->task, "head");
	return task_fail(&r->task, &err);
}

/* HEAD was refused, or had no digest: GET has it, or says what is wrong (an answer to HEAD has no
   body). */
static enum step_ret resolve_get_start(struct task *t)
{
	return task_wait(t, resolve_get(TASK(t, struct resolve)));
}

static enum step_ret resolve_get_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	if (t->op->err.kind != ERR_NONE)
		return resolve_failed(r);
	if (r->head_status) {
		struct oci_target now = oci_route_target(&r->route);

		oci_client_head_refused(r->client, &now, r->head_status);
	}
	r->hash = NEW(struct hash);
	if (!oci_answer_digest(oci_req_result(t->op), &r->hash->said))
		r->hash->said = (struct digest){0};
	r->hash->answer = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret hash_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct hash *h = MOVE(r->hash);
	struct err none = {0};
	enum step_ret rc;

	if (oci_req_result(h->answer)->body.len > HASH_INLINE)
		return task_wait(t,
			work_start_for(t->self.loop, WORK_HEAVY, r->owner, hash_run, hash_free, h));
	BUG_IF(hash_run(h, NULL, &none));
	rc = resolve_hashed(r, h);
	hash_free(h);
	return rc;
}

static enum step_ret hash_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	return resolve_hashed(TASK(t, struct resolve), work_job(t->op));
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void resolve_free(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	oci_route_clear(&r->route);
	hash_free(r->hash);
	free(r->digest);
	free(r->semver);
	free(r->filter);
	free(r->tag);
	free(r->layer_type);
	free(r->owner);
	free(r->current);
	free(r->path);
	free(r->what);
	free(r);
}

/* `+` is no character of a tag, and helm push writes `_` for it. */
static void resolve_chart_tag(struct resolve *r)
{
	char *at;

	if (oci_type_is_chart(r->layer_type))
		for (at = r->tag; *at; at++)
			if (*at == '+')
				*at = '_';
}

/* What follows the '@' pins; what stands before it only names. */
static void resolve_split_tag(struct resolve *r)
{
	char *at =
		resolve_given(r->digest) || resolve_given(r->semver) ? NULL : strchr(r->tag, '@');

	if (!at)
		return;
	*at = '\0';
	free(r->digest);
	r->digest = mem_strdup(at + 1);
	r->named = true;
}

/* What is no revision with a tag is none that could stay. */
static void resolve_read_current(struct resolve *r, const char *revision)
{
	const char *at = revision ? strchr(revision, '@') : NULL;
	struct err ignored = {0};

	if (at && !oci_revision_digest(revision, &r->current_digest, &ignored))
		r->current = mem_strndup(revision, (size_t)(at - revision));
}

struct op *oci_resolve_start(struct oci_client *c, const struct oci_resolve_req *req)
{
	static const struct step steps[] = {
		{"tags", resolve_tags_start, resolve_tags_resume},
		{"current", resolve_current_start, resolve_current_resume},
		{"head", resolve_head_start, resolve_head_resume}, /* or done: pinned by digest */
		{"get", resolve_get_start, resolve_get_resume},
		{"hash", hash_start, hash_resume},
		{0},
	};
	struct resolve *r = NEW(struct resolve);

	r->client = c;
	oci_route_init(&r->route, c, &req->target);
	r->digest = mem_strdup(req->digest);
	r->semver = mem_strdup(req->semver);
	r->filter = mem_strdup(req->semver_filter);
	r->layer_type = mem_strdup(req->layer_type);
	r->owner = mem_strdup(req->owner);
	r->each = req->each;
	r->arg = req->arg;
	r->tag = mem_strdup(resolve_given(req->tag) ? req->tag : OCI_DEFAULT_TAG);
	resolve_split_tag(r);
	resolve_chart_tag(r);
	resolve_read_current(r, req->current);
	r->current_missed = req->current_missed;
	task_init(&r->task, oci_client_loop(c), "resolve", steps, NULL, resolve_free);
	return task_spawn(&r->task);
}

const struct oci_resolved *oci_resolve_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct resolve)->result;
}
