#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "cloud/frame.h"
#include "crypto/rand.h"
#include "ev/sleep.h"
#include "http/url.h"
#include "text/steady.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_LEAST_MS 200
#define PAUSE_MOST_MS 2000
#define THROTTLED_MS 5000 /* who was asked to slow down without a word of how long */

struct ask {
	struct task task;
	struct cloud_ticket *ticket;
	struct cloud_ask ask; /* its pointers are to the copies below, or not looked at */
	char *method, *url;
	struct http_hdr *hdrs;
	struct secret bearer, body; /* a body may be a form with a password */
	char *host; /* for messages */
	unsigned tried;
	uint64_t pause_ms;
	struct op *answer;
};

/* ---- counting -------------------------------------------------------------------------------- */

/* One row for each provider, what and code: there are some dozens. */
struct tally_row {
	const char *provider, *what;
	int code;
	uint64_t n;
};

struct cloud_tally {
	VEC(struct tally_row) rows;
};

struct cloud_tally *cloud_tally_new(void)
{
	return NEW(struct cloud_tally);
}

void cloud_tally_free(struct cloud_tally *t)
{
	if (t)
		vec_clear(&t->rows);
	free(t);
}

static void tally_count(struct cloud_tally *t, const char *provider, const char *what, int code)
{
	struct tally_row *r;

	vec_each (&t->rows, r)
		if (r->code == code && !strcmp(r->what, what) && r->provider == provider) {
			r->n++;
			return;
		}
	*vec_add(&t->rows) = (struct tally_row){provider, what, code, 1};
}

void cloud_requests_each(const struct cloud *c,
	void (*on)(void *arg, const char *provider, const char *what, int code, uint64_t n),
	void *arg)
{
	const struct tally_row *r;

	vec_each (&c->tally->rows, r)
		on(arg, r->provider, r->what, r->code, r->n);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static uint64_t ask_time_left(const struct ask *a)
{
	uint64_t now = clock_ms();

	return a->ticket->until_ms > now ? a->ticket->until_ms - now : 0;
}

static enum step_ret ask_pause_start(struct task *t)
{
	struct ask *a = TASK(t, struct ask);

	return a->pause_ms ? task_wait(t, sleep_start(t->self.loop, a->pause_ms)) : STEP_NEXT;
}

static enum step_ret ask_pause_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

/* What goes in clear is shown to nobody's proxy but the operator's: it may be the controller's own
   credential, and the proxy a tenant's. */
static const struct http_proxy *ask_proxy(const struct ask *a)
{
	static const struct http_proxy direct = {.none = true};

	if (a->ask.local)
		return &direct;
	return strncmp(a->url, "https:", 6) != 0 ? NULL : &a->ticket->proxy;
}

static enum step_ret ask_send_start(struct task *t)
{
	struct ask *a = TASK(t, struct ask);
	uint64_t left = ask_time_left(a), each = a->ask.each_ms;
	struct err err = {0};

	if (!left) {
		err_set(&err, ERR_RETRY, "no time is left to ask '%s'", a->host);
		return task_fail(t, &err);
	}
	snprintf(a->ticket->asking, sizeof(a->ticket->asking), "%s", a->host);
	return task_wait(t,
		http_start(a->ticket->cloud->http,
			&(struct http_req){.method = a->method,
				.url = a->url,
				.hdrs = a->hdrs,
				.bearer = a->bearer.len ? &a->bearer : NULL,
				.body = a->body.p,
				.body_len = a->body.len,
				.trust = a->ask.trust,
				.proxy = ask_proxy(a),
				.on_connect = a->ask.on_connect,
				.deadline_ms = left < each ? left : each,
				.max_body = LIMIT_TOKEN_BODY}));
}

/* False: there is no time for it, or it was tried often enough. */
static bool ask_again(struct ask *a, int64_t asked_ms)
{
	uint64_t ms;
	uint32_t r;

	if (a->tried >= a->ask.tries)
		return false;
	rand_bytes(&r, sizeof(r));
	ms = PAUSE_LEAST_MS << (a->tried - 1);
	ms += r % ms;
	if (asked_ms > (int64_t)ms)
		ms = (uint64_t)asked_ms;
	if (ms > PAUSE_MOST_MS || ms >= ask_time_left(a))
		return false;
	a->pause_ms = ms;
	return true;
}

static bool ask_is_throttled(const struct ask *a, const struct http_res *res)
{
	return res->status == 429 ||
		(res->status >= 400 && a->ask.is_throttled && a->ask.is_throttled(res));
}

/* A URL that cannot be read, an answer that is too large and an address that may not be asked are
   the same the next time. */
static bool ask_may_pass(const struct err *err)
{
	return err->kind != ERR_STALL && err->code != -EFBIG && err->code != -EPERM;
}

static enum step_ret ask_send_resume(struct task *t)
{
	struct ask *a = TASK(t, struct ask);
	const struct http_res *res = http_result(t->op);
	bool answered = t->op->err.kind == ERR_NONE;

	a->ticket->asking[0] = '\0';

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	a->tried++;
	tally_count(a->ticket->cloud->tally, a->ticket->provider->name, a->ask.what,
		answered ? res->status : 0);
	if ((!answered && ask_may_pass(&t->op->err)) ||
		(answered && (res->status >= 500 || ask_is_throttled(a, res))))
		if (ask_again(a, answered ? http_retry_after_ms(res) : -1))
			return task_goto(t, "pause");
	if (task_op_failed(t))
		return STEP_FAIL;
	a->answer = MOVE(t->op);
	return STEP_DONE;
}

static void ask_free(struct task *t)
{
	struct ask *a = TASK(t, struct ask);

	if (a->answer) {
		const struct buf *body = &http_result(a->answer)->body;

		if (body->p)
			mem_wipe(body->p, body->len);
		op_free(a->answer);
	}
	http_hdrs_free(a->hdrs);
	secret_clear(&a->bearer);
	secret_clear(&a->body);
	free(a->method);
	free(a->url);
	free(a->host);
	cloud_ticket_unref(a->ticket);
	free(a);
}

/* Of a URL that cannot be read, the text without what may be secret; the request will fail. */
static char *ask_host(const char *text)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	struct err ignored = {0};

	if (url_parse(&u, text, &ignored))
		url_safe(&b, text);
	else
		url_authority(&u, &b);
	return buf_take(&b);
}

struct op *cloud_ask_start(struct cloud_ticket *t, const struct cloud_ask *ask)
{
	static const struct step steps[] = {
		{"pause", ask_pause_start, ask_pause_resume}, /* before it is asked again */
		{"send", ask_send_start, ask_send_resume},
		{0},
	};
	struct ask *a = NEW(struct ask);

	a->ticket = cloud_ticket_ref(t);
	a->ask = *ask;
	a->method = mem_strdup(ask->method);
	a->url = mem_strdup(ask->url);
	a->host = ask_host(ask->url);
	a->hdrs = http_hdrs_copy(ask->hdrs);
	if (ask->bearer)
		secret_copy(&a->bearer, ask->bearer);
	if (ask->body_len)
		secret_set(&a->body, ask->body, ask->body_len);
	if (!a->ask.tries)
		a->ask.tries = LIMIT_CLOUD_TRIES;
	if (!a->ask.each_ms)
		a->ask.each_ms = LIMIT_CLOUD_REQUEST_MS;
	task_init(&a->task, t->cloud->loop, "cloud request", steps, NULL, ask_free);
	return task_spawn(&a->task);
}

const struct http_res *cloud_ask_result(const struct op *op)
{
	return http_result(TASK_OF_OP(op, struct ask)->answer);
}

const char *cloud_ask_host(const struct op *op)
{
	return TASK_OF_OP(op, const struct ask)->host;
}

/* ---- answers --------------------------------------------------------------------------------- */

int cloud_ask_refused(const struct op *op, const char *code, const char *text, struct err *err)
{
	const struct ask *a = TASK_OF_OP(op, struct ask);
	const struct http_res *res = http_result(a->answer);
	auto_buf struct buf raw = BUF_INIT(LIMIT_CLOUD_TEXT + 4);
	auto_buf struct buf said = BUF_INIT(LIMIT_CLOUD_TEXT * 2);

	if (code)
		steady_add_clean(&raw, code, LIMIT_CLOUD_TEXT);
	if (raw.len && text && *text)
		buf_adds(&raw, ": ");
	if (text)
		steady_add_clean(&raw, text, LIMIT_CLOUD_TEXT);
	steady_add(&said, buf_str(&raw), a->host);
	err_code(err, ERR_RETRY, res->status, "'%s' answered %d%s%s", a->host, res->status,
		said.len ? ": " : "", buf_str(&said));
	if (ask_is_throttled(a, res)) {
		int64_t ms = http_retry_after_ms(res);

		err->kind = ERR_WAIT;
		err->retry_ms = ms > 0 ? (uint64_t)ms : THROTTLED_MS;
	}
	return -1;
}

json_t *cloud_ask_json(const struct op *op, struct err *err)
{
	const struct ask *a = TASK_OF_OP(op, struct ask);
	const struct http_res *res = http_result(a->answer);
	struct err hidden = {0}; /* jansson quotes what it read, and that may be a token */
	json_t *o = obj_parse_within(
		buf_str(&res->body), res->body.len, &obj_answer, "the answer", &hidden);

	if (json_is_object(o))
		return o;
	json_decref(o);
	err_code(err, ERR_RETRY, res->status, "'%s' answered %d with something that is not JSON",
		a->host, res->status);
	return NULL;
}
