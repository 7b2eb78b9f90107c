#include "oci/req.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "ev/flight.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "http/guard.h"
#include "http/url.h"
#include "oci/again.h"
#include "oci/answer.h"
#include "oci/health.h"
#include "oci/host.h"
#include "oci/identity.h"
#include "oci/internal.h"
#include "oci/layout.h"
#include "oci/memo.h"
#include "oci/mirrors.h"
#include "oci/rate.h"
#include "oci/ref.h"
#include "oci/req_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBE_MS 10000 /* for a TLS answer of a host that may speak plain http */

/* ---- one attempt ----------------------------------------------------------------------------- */

static int req_on_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct call *q = arg;

	if (!q->away)
		oci_pass_answered(&q->pass);
	if (res->status < 200 || res->status > 299)
		return 0;
	if (q->req.stream)
		timer_cancel(&q->deadline);
	if (!q->req.on_headers)
		return 0;
	return q->req.on_headers(q->req.arg, res, err);
}

static enum http_body_ret req_on_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct call *q = arg;

	q->body_begun = true;
	return q->req.on_body(q->req.arg, data, n, err);
}

static long req_on_upload(void *arg, char *to, size_t room)
{
	struct call *q = arg;
	long n = q->req.on_upload(q->req.arg, q->uploaded, to, room);

	if (n > 0)
		q->uploaded += (uint64_t)n;
	return n;
}

/* The call's own timer bounds all attempts together; these are the bounds of one. */
static void req_deadlines(const struct call *q, struct http_req *r)
{
	/* A host that may speak plain http gets half of the time for a TLS answer. */
	if (q->probing && !q->plain)
		r->headers_ms =
			q->target.timeout_ms / 2 < PROBE_MS ? q->target.timeout_ms / 2 : PROBE_MS;
	if (q->target.mirror && !q->away)
		r->connect_ms = LIMIT_MIRROR_CONNECT_MS;
	if (!q->req.stream)
		return;
	r->idle_ms = LIMIT_BLOB_IDLE_MS;
	r->min_rate = LIMIT_BLOB_RATE;
	r->min_rate_window_ms = LIMIT_BLOB_RATE_MS;
}

/* The whole call took too long. While it waits for a token that wait has the same time, and knows
   better what is missing. */
static void req_overdue(void *arg)
{
	struct call *q = arg;

	if (!q->task.op ||
		!(task_is_at(&q->task, "send") || task_is_at(&q->task, "ping") ||
			task_is_at(&q->task, "layout")))
		return;
	q->overdue = true;
	op_cancel(q->task.op);
}

__attribute__((format(printf, 3, 4))) static enum step_ret req_fail_code(
	struct call *q, int code, const char *fmt, ...)
{
	struct err err = {0};
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_code(&err, ERR_RETRY, code, "%s", text);
	return oci_call_fail(q, &err);
}

/* Said in the same words each time: how much of the time an earlier hop took is not told. */
static void req_say_overdue(const struct call *q, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	char text[TIME_TEXT_MAX];

	oci_call_show_url(q, &shown);
	err_code(err, ERR_RETRY, -ETIMEDOUT, "%s '%.500s': %s within %s", q->req.method,
		buf_str(&shown), q->req.stream ? "no answer" : "not done",
		time_format_duration((int64_t)q->target.timeout_ms, text));
}

/* ---- aim, admit, token, send ----------------------------------------------------------------- */

/* The URL of the registry itself, with the scheme that it spoke (or https, to find out). */
static int req_aim(struct call *q, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_URL);

	q->probing = q->host->speaks == OCI_SPEAKS_UNKNOWN;
	q->plain = q->host->speaks == OCI_SPEAKS_PLAIN || (q->probing && q->plain);
	q->away = false;
	q->hop = (struct http_hop){0};
	free(MOVE(q->origin));
	q->origin = mem_printf("%s://%s", q->plain ? "http" : "https", q->target.repo->host);
	buf_adds(&text, q->origin);
	if (q->path[0] == '/')
		buf_adds(&text, q->path);
	else
		buf_addf(&text, "/v2/%s/%s", q->target.repo->name, q->path);
	url_clear(&q->url);
	if (text.over)
		return err_set(err, ERR_RETRY, "the URL is longer than %d bytes", LIMIT_URL);
	if (url_parse(&q->url, buf_str(&text), err))
		return -1;
	return http_guard_check(&q->client->guard, &q->url, err);
}

static enum step_ret aim_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct err err = {0};

	return req_aim(q, &err) ? oci_call_fail(q, &err) : STEP_NEXT;
}

/* Is there something left for it, by what the registry said before? */
static bool req_is_paced(struct call *q, const struct oci_health_key *key, struct err *err)
{
	struct oci_client *c = q->client;

	if (c->once ||
		!oci_pace_take(&c->paces, key, oci_identity_id(q->target.identity), q->req.kind,
			q->target.patient, &q->pace, err))
		return false;
	c->stats.paced++;
	return true;
}

/* Once in a call: may this host be asked at all? Then the time begins. */
static enum step_ret req_admit_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct oci_health *health = q->client->health;
	struct oci_health_key key = oci_host_key(q->target.repo);
	struct err err = {0};

	if (q->until_ms)
		return STEP_NEXT;
	if (!q->req.probe &&
		(oci_health_held(health, &key, oci_identity_id(q->target.identity), &err) ||
			oci_pass_take(
				health, &key, oci_target_goes_aside(&q->target), &q->pass, &err) ||
			req_is_paced(q, &key, &err)))
		return oci_call_fail(q, &err);
	timer_set(&q->deadline, q->target.timeout_ms);
	q->until_ms = clock_ms() + q->target.timeout_ms;
	return STEP_NEXT;
}

static enum step_ret req_send_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL), shown = BUF_INIT(LIMIT_URL);
	struct oci_stats *stats = &q->client->stats;
	struct err err = {0};
	struct http_req r = {
		.method = q->req.method,
		.hdrs = q->hdrs,
		.body = q->req.body,
		.body_len = q->req.body_len,
		.trust = oci_target_trust(&q->target, q->target.repo->insecure || q->req.probe),
		.proxy = oci_target_proxy(&q->target),
		.on_connect = oci_call_on_connect,
		.on_headers = req_on_headers,
		.arg = q,
		.max_body = q->req.max_body,
	};

	if (!timer_is_set(&q->deadline)) { /* it was due while the token came */
		req_say_overdue(q, &err);
		return oci_call_fail(q, &err);
	}
	url_format(&q->url, &url);
	r.url = buf_str(&url);
	oci_call_show_url(q, &shown);
	r.display = buf_str(&shown);
	if (q->req.on_body) {
		r.on_body = req_on_body;
		r.keep_error_body = true;
	} else if (!r.max_body && strcmp(q->req.method, "HEAD")) {
		r.max_body = LIMIT_ERROR_BODY;
	}
	if (q->req.on_upload) {
		q->uploaded = 0;
		r.on_upload = req_on_upload;
		r.body_total = q->req.body_total;
	}
	req_deadlines(q, &r);
	/* Only to the registry itself, and only once it has shown which scheme it speaks. */
	q->sent_basic = q->sent_bearer = false;
	if (!q->away && !q->probing && q->token.len) {
		r.bearer = &q->token;
		q->sent_bearer = true;
	} else if (!q->away && !q->probing && q->basic) {
		r.basic = q->basic;
		q->sent_basic = true;
	}
	stats->requests[q->req.kind]++;
	q->asking = true;
	return task_wait(t, http_start(q->client->http, &r));
}

/* ---- once more ------------------------------------------------------------------------------- */

/* A question that nobody has seen a part of the answer of. */
static bool req_may_repeat(const struct call *q)
{
	bool question = !strcmp(q->req.method, "GET") || !strcmp(q->req.method, "HEAD");

	return question && !q->req.write && !q->req.once && !q->body_begun && !q->overdue &&
		oci_pass_may_repeat(&q->pass);
}

static void req_in_vain(struct call *q)
{
	if (q->again.pauses && !q->away)
		oci_pass_well(&q->pass, false);
}

/* ms: as again.h says. False: it is not repeated, and the failure stands. */
static bool req_repeat(struct call *q, int64_t ms)
{
	uint64_t now = clock_ms();

	if (ms < 0 || now + (uint64_t)ms >= q->until_ms)
		return false;
	if (!timer_is_set(&q->deadline))
		timer_set(&q->deadline, q->until_ms - now);
	q->redirects = 0;
	q->pause_ms = (uint64_t)ms;
	return true;
}

static enum step_ret req_pause_start(struct task *t)
{
	struct call *q = TASK(t, struct call);

	if (!q->pause_ms)
		return task_goto(t, "aim");
	return task_wait(t, sleep_start(q->client->loop, q->pause_ms));
}

static enum step_ret req_pause_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : task_goto(t, "aim");
}

/* ---- answers --------------------------------------------------------------------------------- */

static enum step_ret req_redirected(struct call *q, const struct http_res *res)
{
	const char *location = http_header(res, "Location");
	auto_url struct url to = {0}, origin = {0};
	struct err err = {0};

	if (!location || !*location)
		return req_fail_code(
			q, res->status, "the registry redirects without saying where to");
	if (strcmp(q->req.method, "GET") && strcmp(q->req.method, "HEAD"))
		return req_fail_code(
			q, res->status, "the registry redirects an upload, which is not followed");
	if (++q->redirects > LIMIT_REDIRECTS)
		return req_fail_code(q, res->status, "the registry redirects more than %d times",
			LIMIT_REDIRECTS);
	q->client->stats.redirects++;
	if (url_resolve(&to, &q->url, location, &err)) {
		err.kind = ERR_RETRY;
		err_wrap(&err, "the registry redirects to a URL that cannot be read");
		return oci_call_fail(q, &err);
	}
	if (http_guard_redirect(&q->client->guard, &q->url, &to, q->target.repo->insecure, &err) ||
		url_parse(&origin, q->origin, &err))
		return oci_call_fail(q, &err);
	q->away = !url_same_origin(&to, &origin);
	q->hop = q->away ? q->named : (struct http_hop){0};
	url_clear(&q->url);
	q->url = to;
	to = (struct url){0};
	return task_goto(&q->task, "token");
}

/* What would help, in the word of whoever asks: a field of the spec, a flag, a mirror's rule. */
static void req_say_remedy(const struct call *q, const struct http_res *res, struct err *err)
{
	oci_answer_none(res, err);
	if (res->no_tls && !q->away && !oci_repo_http_allowed(q->target.repo))
		err_append(err, "; 'insecure' allows plain http");
}

/* No answer: was it a registry that speaks plain http only? */
static enum step_ret req_unanswered(struct call *q)
{
	const struct http_res *res = http_result(q->task.op);
	bool answered = res->tls_answered || res->headers_complete;
	struct err err = q->task.op->err;
	bool in_vain = err.code != -EPERM && !answered && !q->away && q->probing && !q->plain &&
		!q->overdue;

	if (err.kind == ERR_CANCELED && !q->overdue)
		return task_fail(&q->task, &err);
	if (q->overdue)
		req_say_overdue(q, &err);
	if (!in_vain)
		oci_call_count(q, OCI_TALLY_ERROR);
	if (err.code == -EPERM && !q->away && host_classify(q->url.host) != HOST_NAME)
		err.kind = ERR_STALL; /* the spec names one of our own ports */
	if (err.code == -EPERM)
		return oci_call_fail(q, &err);
	if (!q->away && answered) {
		q->host->speaks = q->plain ? OCI_SPEAKS_PLAIN : OCI_SPEAKS_TLS;
	} else if (in_vain) {
		q->plain = true;
		q->asking = false;
		q->client->stats.requests[q->req.kind]--; /* no request got through */
		return task_goto(&q->task, "aim");
	}
	if (q->req.probe && answered)
		return STEP_DONE;
	if (req_may_repeat(q) && req_repeat(q, oci_again_failure(&q->again, res, &err)))
		return task_goto(&q->task, "pause");
	req_in_vain(q);
	req_say_remedy(q, res, &err);
	if (q->away)
		return oci_call_fail(q, &err);
	if (!answered && oci_repo_http_allowed(q->target.repo))
		q->host->speaks = OCI_SPEAKS_UNKNOWN; /* it may have changed: find out next time */
	if (res->headers_complete)
		oci_pass_answered(&q->pass);
	oci_pass_failed(&q->pass, &err);
	return oci_call_fail(q, &err);
}

/* The registry's own words on how many requests are left. */
static void req_hear_rate(struct call *q, const struct http_res *res)
{
	struct oci_rate rate;

	oci_pace_heard(&q->pace, oci_rate_read(&rate, res) ? &rate : NULL);
}

/* There is an answer: is it the end? */
static enum step_ret req_judge(struct call *q)
{
	const struct http_res *res = http_result(q->task.op);
	struct oci_health_key key = oci_host_key(q->target.repo);
	struct err err = {0};

	if (!q->away) {
		oci_pass_answered(&q->pass);
		req_hear_rate(q, res);
		q->named = http_hop_from(res, &q->url);
		if (q->challenge && res->status != 401)
			oci_memo_set(q->client->memos, q->target.repo,
				oci_identity_id(q->target.identity), q->challenge, &q->named);
		q->host->speaks = q->plain ? OCI_SPEAKS_PLAIN : OCI_SPEAKS_TLS;
		/* What a TLS server says to plain http. */
		if (q->plain && res->status == 400 &&
			!http_header(res, "Docker-Distribution-Api-Version"))
			q->host->speaks = OCI_SPEAKS_UNKNOWN;
		q->probing = false;
	}
	if (q->req.probe) {
		q->answer = MOVE(q->task.op);
		return STEP_DONE;
	}
	if (req_may_repeat(q) && req_repeat(q, oci_again_answer(&q->again, res)))
		return task_goto(&q->task, "pause");
	if (oci_again_passing(res->status))
		req_in_vain(q);
	else if (!q->away)
		oci_pass_well(&q->pass, true);
	if (oci_call_hides_challenge(q, res)) {
		q->answer = MOVE(q->task.op);
		return task_goto(&q->task, "ping");
	}
	if (oci_is_redirect(res->status))
		return req_redirected(q, res);
	if (oci_call_goes_on(q, res))
		return task_goto(&q->task, "aim");
	switch (res->status) {
	case 401:
		return oci_call_challenged(q, res);
	case 429:
	case 503:
		q->client->stats.throttled++;
		break;
	default:
		if ((res->status >= 200 && res->status <= 299) ||
			(q->req.quiet && res->status >= 400)) {
			q->answer = MOVE(q->task.op);
			return STEP_DONE;
		}
	}
	if (q->away)
		return oci_call_fail_elsewhere(q, res);
	oci_answer_error(res, "the registry", &err);
	oci_health_hold(q->client->health, &key, oci_identity_id(q->target.identity), &err);
	return oci_call_fail(q, &err);
}

static enum step_ret req_send_resume(struct task *t)
{
	struct call *q = TASK(t, struct call);

	if (t->op->err.kind != ERR_NONE)
		return req_unanswered(q);
	oci_call_count(q, http_result(t->op)->status);
	return req_judge(q);
}

/* ---- an image layout instead of a registry --------------------------------------------------- */

static bool req_is_layout(const struct call *q)
{
	return q->target.mirror && q->target.mirror->layout;
}

/* "bytes=5-": the only form that is asked for here. */
static uint64_t req_range_from(const struct call *q)
{
	const struct http_hdr *h;
	unsigned long long from = 0;

	for (h = q->hdrs; h->name; h++)
		if (!strcmp(h->name, "Range") && sscanf(h->value, "bytes=%llu-", &from) == 1)
			return from;
	return 0;
}

static enum step_ret req_layout_start(struct task *t)
{
	struct call *q = TASK(t, struct call);

	timer_set(&q->deadline, q->target.timeout_ms);
	return task_wait(t,
		oci_layout_start(q->client,
			&(struct oci_layout_req){
				.mirror = q->target.mirror,
				.repo = q->target.repo,
				.head = !strcmp(q->req.method, "HEAD"),
				.path = q->path,
				.from = req_range_from(q),
				.on_headers = req_on_headers,
				.on_body = q->req.on_body ? req_on_body : NULL,
				.arg = q,
				.max_body = q->req.max_body,
			}));
}

static enum step_ret req_layout_resume(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct err err = t->op->err;
	char text[TIME_TEXT_MAX];
	const struct http_res *res;

	if (err.kind == ERR_CANCELED && !q->overdue)
		return task_fail(t, &err);
	if (q->overdue)
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "the layout '%.300s': not done within %s",
			q->target.mirror->layout,
			time_format_duration((int64_t)q->target.timeout_ms, text));
	if (err.kind != ERR_NONE)
		return oci_call_fail(q, &err);
	res = oci_layout_result(t->op);
	if (res->status > 299 && !q->req.quiet) {
		auto_free char *who = mem_printf("the layout '%.300s'", q->target.mirror->layout);

		oci_answer_error(res, who, &err);
		return oci_call_fail(q, &err);
	}
	q->answer = MOVE(t->op);
	return STEP_DONE;
}

/* ---- the task -------------------------------------------------------------------------------- */

static enum step_ret req_release_start(struct task *t)
{
	struct call *q = TASK(t, struct call);

	oci_call_count(q, OCI_TALLY_CANCELED);
	timer_cancel(&q->deadline);
	oci_pass_release(&q->pass);
	oci_pace_release(&q->pace);
	return STEP_NEXT;
}

static void call_free(struct task *t)
{
	struct call *q = TASK(t, struct call);

	BUG_IF(q->pass.host || q->pace.pace);
	q->host->users--;
	oci_target_clear(&q->target);
	op_free(q->answer);
	http_hdrs_free(q->hdrs);
	free(q->path);
	free(q->what);
	free(q->origin);
	free(q->challenge);
	url_clear(&q->url);
	secret_clear(&q->login);
	secret_clear(&q->token);
	free(q);
}

static const struct log_ctx *call_log(const struct task *t)
{
	return flight_log(TASK(t, struct call)->req.flight);
}

struct op *oci_req_start(struct oci_client *c, const struct oci_req *req)
{
	static const struct step steps[] = {
		{"aim", aim_start},
		{"admit", req_admit_start},
		{"login", oci_call_login_start, oci_call_login_resume},
		{"token", oci_call_token_start, oci_call_token_resume},
		{"send", req_send_start, req_send_resume}, /* done, or on to another row */
		/* Only reached by name, and left for "aim". */
		{"ping", oci_call_ping_start, oci_call_ping_resume},
		{"pause", req_pause_start, req_pause_resume},
		{0},
	};
	static const struct step last[] = {{"release", req_release_start, .always = true}, {0}};
	static const struct step from_layout[] = {
		{"layout", req_layout_start, req_layout_resume}, {0}};
	struct call *q = NEW(struct call);

	q->client = c;
	q->req = *req;
	oci_target_init(&q->target, &req->target);
	q->path = mem_strdup(req->path);
	q->what = mem_strdup(req->what);
	q->hdrs = http_hdrs_copy(req->hdrs);
	q->req.target = q->target;
	q->req.path = q->path;
	q->req.what = q->what;
	q->req.hdrs = q->hdrs;
	q->host = oci_host_get(&c->hosts, &q->target);
	q->host->users++;
	if (!q->target.timeout_ms || (!q->req.write && q->target.timeout_ms > LIMIT_REQUEST_MS))
		q->target.timeout_ms = LIMIT_REQUEST_MS;
	timer_init(&q->deadline, c->loop, req_overdue, q);
	task_init(&q->task, c->loop, "registry request", req_is_layout(q) ? from_layout : steps,
		last, call_free);
	if (req->flight)
		q->task.log_fn = call_log;
	return task_spawn(&q->task);
}

const struct http_res *oci_req_result(const struct op *op)
{
	const struct call *q = TASK_OF_OP(op, struct call);

	if (!q->answer)
		return NULL;
	return req_is_layout(q) ? oci_layout_result(q->answer) : http_result(q->answer);
}

void oci_req_body_drop(struct op *op)
{
	struct call *q = TASK_OF_OP(op, struct call);

	if (q->answer && !req_is_layout(q))
		http_body_drop(q->answer);
}

const struct url *oci_req_url(const struct op *op)
{
	return &TASK_OF_OP(op, struct call)->url;
}

void oci_req_resume(struct op *op)
{
	struct call *q = TASK_OF_OP(op, struct call);

	if (task_is_at(&q->task, "send") && q->task.op)
		http_resume(q->task.op);
	else if (task_is_at(&q->task, "layout") && q->task.op)
		oci_layout_resume(q->task.op);
}
