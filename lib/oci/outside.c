#include "oci/outside.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "http/client.h"
#include "http/url.h"
#include "oci/internal.h"

#include <string.h>

struct outside {
	struct task task;
	struct oci_client *oci;
	struct url url;
	char *whole, *shown; /* the URL */
	char *type;
	struct buf body;
	uint64_t max_body, deadline_ms;
	enum oci_kind kind;
	struct http_hop hop;
	bool asking;
	struct op *answer;
};

static void count(struct outside *o, int status)
{
	if (o->asking)
		oci_tally_add(&o->oci->tally, o->kind, &o->url, status);
	o->asking = false;
}

static int on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct outside *o = arg;

	return http_guard_connect(&o->oci->guard, &o->hop, ip, port, err);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int url_check(struct outside *o, const struct oci_outside_req *req, struct err *err)
{
	const struct outside *by =
		req->said_by ? TASK_OF_OP(req->said_by, const struct outside) : NULL;

	if (o->url.has_user || o->url.has_fragment || (o->url.https && !req->issuer))
		return err_set(err, ERR_RETRY,
			req->issuer ? "it is a URL with user or fragment"
				    : "it is no plain URL of http, without user and fragment");
	if (by && by->url.https && !o->url.https)
		return err_set(err, ERR_RETRY, "it leads from https to http");
	return http_guard_check(&o->oci->guard, &o->url, err);
}

static int url_read(struct outside *o, const struct oci_outside_req *req, struct err *err)
{
	auto_buf struct buf whole = BUF_INIT(LIMIT_URL), shown = BUF_INIT(LIMIT_URL);
	size_t n;

	if (url_parse(&o->url, req->url, err) || url_check(o, req, err))
		return -1;
	url_redacted(&o->url, &shown);
	url_format(&o->url, &whole);
	n = whole.len;
	if (req->more)
		buf_addf(&whole, "%s%s", whole.p[n - 1] == '/' ? "" : "/", req->more);
	if (buf_over(&whole))
		return err_set(err, ERR_RETRY, "its URL is too long");
	o->whole = buf_take(&whole);
	o->shown = buf_take(&shown);
	return 0;
}

/* Who has chosen where it goes. */
static struct http_hop hop_of(const struct oci_outside_req *req)
{
	struct http_hop hop = {0};

	if (!req->issuer)
		return (struct http_hop){.chosen = true, .by_cert = true, .from = HOST_PRIVATE};
	if (req->said_by) {
		const struct outside *by = TASK_OF_OP(req->said_by, const struct outside);

		hop = http_hop_from(http_result(by->answer), &by->url);
		hop.by_issuer = true;
	}
	return hop;
}

static enum step_ret ask_start(struct task *t)
{
	static const struct http_hdr none[] = {{NULL, NULL}};
	struct outside *o = TASK(t, struct outside);
	const struct http_hdr typed[] = {{"Content-Type", o->type}, {NULL, NULL}};

	if (t->err.kind != ERR_NONE)
		return STEP_FAIL;
	o->asking = true;
	o->oci->stats.requests[o->kind]++;
	return task_wait(t,
		http_start(o->oci->http,
			&(struct http_req){.method = o->type ? "POST" : "GET",
				.url = o->whole,
				.display = o->shown,
				.hdrs = o->type ? typed : none,
				.body = o->type ? buf_str(&o->body) : NULL,
				.body_len = o->body.len,
				.deadline_ms = o->deadline_ms,
				.max_body = o->max_body,
				.on_connect = on_connect,
				.arg = o}));
}

static enum step_ret ask_resume(struct task *t)
{
	struct outside *o = TASK(t, struct outside);
	struct err err = {0};
	int status;

	if (task_op_failed(t)) {
		count(o, OCI_TALLY_ERROR);
		return STEP_FAIL;
	}
	status = http_result(t->op)->status;
	count(o, status);
	if (status != 200) {
		err_code(&err, ERR_RETRY, status, "%s '%.400s': the answer is %d",
			o->type ? "POST" : "GET", o->shown, status);
		return task_fail(t, &err);
	}
	o->answer = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret end_start(struct task *t)
{
	count(TASK(t, struct outside), OCI_TALLY_CANCELED);
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void outside_free(struct task *t)
{
	struct outside *o = TASK(t, struct outside);

	url_clear(&o->url);
	free(o->whole);
	free(o->shown);
	free(o->type);
	buf_clear(&o->body);
	op_free(o->answer);
	free(o);
}

struct op *oci_outside_start(struct oci_client *c, const struct oci_outside_req *req)
{
	static const struct step steps[] = {{"ask", ask_start, ask_resume}, {0}};
	static const struct step last[] = {{"end", end_start, .always = true}, {0}};
	struct outside *o = NEW(struct outside);
	struct err err = {0};

	o->oci = c;
	o->type = mem_strdup(req->type);
	buf_init(&o->body, req->body_len);
	if (req->type)
		BUG_IF(buf_add(&o->body, req->body, req->body_len));
	o->max_body = req->max_body;
	o->deadline_ms = req->deadline_ms;
	o->kind = req->issuer ? OCI_KIND_ISSUER : OCI_KIND_REVOCATION;
	o->hop = hop_of(req);
	task_init(&o->task, c->loop, "outside request", steps, last, outside_free);
	if (url_read(o, req, &err)) {
		o->task.err = err;
		o->task.err.kind = ERR_RETRY;
	}
	return task_spawn(&o->task);
}

const struct buf *oci_outside_body(const struct op *op)
{
	return &http_result(TASK_OF_OP(op, struct outside)->answer)->body;
}
