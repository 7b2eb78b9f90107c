#include "kube/client.h"

#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "http/url.h"
#include "kube/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_MS 30000
#define MAX_WAITS 3
#define MAX_WAIT_MS 10000
#define MAX_CODES 256

struct code_count {
	const char *method;
	int status;
	uint64_t n;
};

struct kube_client {
	struct loop *loop;
	struct kube_config *cfg;
	struct http_client *http;
	char *field_manager;
	double qps, burst, tokens; /* tokens below 0: that many requests wait already */
	uint64_t tokens_ms;
	struct kube_stats stats;
	VEC(struct code_count) codes;
};

struct kube_client *kube_client_new(
	struct loop *l, struct kube_config *cfg, const struct kube_client_opts *opts)
{
	struct kube_client *c = NEW(struct kube_client);
	unsigned connections = opts->max_connections ? opts->max_connections : 32;

	c->loop = l;
	c->cfg = cfg;
	c->field_manager =
		mem_strdup(opts->field_manager ? opts->field_manager : "oci-source-controller");
	c->qps = opts->qps;
	c->burst = c->tokens = opts->burst ? opts->burst : opts->qps;
	c->tokens_ms = clock_ms();
	c->http = http_client_new(l,
		&(struct http_client_opts){.max_connections = connections,
			.max_per_host = connections,
			.account = opts->account,
			.pool = ACCOUNT_JOBS, /* the API server does not stall on purpose */
			.user_agent =
				opts->user_agent ? opts->user_agent : "oci-source-controller"});
	return c;
}

void kube_client_free(struct kube_client *c)
{
	if (!c)
		return;
	http_client_free(c->http);
	kube_config_free(c->cfg);
	vec_clear(&c->codes);
	free(c->field_manager);
	free(c);
}

struct loop *kube_client_loop(const struct kube_client *c)
{
	return c->loop;
}

/* ---- paths ----------------------------------------------------------------------------------- */

void kube_resource_copy(struct kube_resource_copy *to, const struct kube_resource *from)
{
	to->text[0] = mem_strdup(from->group);
	to->text[1] = mem_strdup(from->version);
	to->text[2] = mem_strdup(from->plural);
	to->text[3] = mem_strdup(from->kind);
	to->r = (struct kube_resource){
		to->text[0], to->text[1], to->text[2], to->text[3], from->namespaced};
}

void kube_resource_clear(struct kube_resource_copy *c)
{
	size_t i;

	for (i = 0; i < 4; i++)
		free(c->text[i]);
	*c = (struct kube_resource_copy){0};
}

static void path_add_part(struct buf *b, const char *s)
{
	buf_addc(b, '/');
	/* "." and ".." are no names of objects, but would be path segments with a meaning. */
	if (!strcmp(s, ".") || !strcmp(s, ".."))
		buf_adds(b, "%2E");
	else
		url_encode(b, s);
}

void kube_path(struct buf *b, const struct kube_resource *res, const char *ns, const char *name,
	const char *sub)
{
	if (*res->group) {
		buf_adds(b, "/apis");
		path_add_part(b, res->group);
	} else {
		buf_adds(b, "/api");
	}
	path_add_part(b, res->version);
	if (res->namespaced && ns && *ns) {
		buf_adds(b, "/namespaces");
		path_add_part(b, ns);
	}
	path_add_part(b, res->plural);
	if (name)
		path_add_part(b, name);
	if (sub)
		path_add_part(b, sub);
}

void kube_query_add(struct buf *url, const char *key, const char *value)
{
	buf_addc(url, strchr(buf_str(url), '?') ? '&' : '?');
	buf_addf(url, "%s=", key);
	url_encode(url, value);
}

/* ---- requests -------------------------------------------------------------------------------- */

struct op *kube_http_start(
	struct kube_client *c, enum kube_verb verb, const char *path, const struct http_req *req)
{
	auto_buf struct buf url = BUF_INIT(BUF_ANY), display = BUF_INIT(BUF_ANY);
	struct http_req full = *req;
	struct op *op;

	buf_addf(&url, "%s%s", c->cfg->server, path);
	buf_adds(&display, strncmp(c->cfg->server, "https:", 6) ? "http://" : "https://");
	buf_adds(&display, c->cfg->host);
	buf_add(&display, path, strcspn(path, "?"));
	full.url = buf_str(&url);
	full.display = buf_str(&display);
	full.bearer = kube_config_token(c->cfg, false);
	full.basic = full.bearer ? NULL : &c->cfg->basic;
	full.trust = kube_config_trust(c->cfg);
	full.proxy = &c->cfg->proxy;
	c->stats.verbs[verb]++;
	op = http_start(c->http, &full);
	if (url.p)
		mem_wipe(url.p, url.len);
	return op;
}

void kube_http_count(struct kube_client *c, const char *method, int status)
{
	struct code_count *e;

	vec_each (&c->codes, e) {
		if (e->status == status && !strcmp(e->method, method)) {
			e->n++;
			return;
		}
	}
	if (c->codes.len < MAX_CODES)
		*vec_add(&c->codes) = (struct code_count){method, status, 1};
}

int kube_status_json_err(
	struct err *err, const char *what, int status, uint64_t retry_ms, const json_t *st)
{
	const char *message = obj_str(st, "message");
	int64_t seconds = obj_int(0, st, "details", "retryAfterSeconds");

	if (!retry_ms && seconds > 0 && seconds < 3600)
		retry_ms = (uint64_t)seconds * 1000;
	if (message && *message)
		err_code(err, ERR_RETRY, status, "%s: %.700s (status %d)", what, message, status);
	else
		err_code(err, ERR_RETRY, status, "%s: the API server answered with status %d", what,
			status);
	if (retry_ms) {
		err->kind = ERR_WAIT;
		err->retry_ms = retry_ms;
	}
	return -1;
}

int kube_status_err(struct err *err, const char *what, const struct http_res *res)
{
	struct err ignored = {0};
	auto_json json_t *st = obj_parse_api(res->body.p, res->body.len, "the Status", &ignored);
	int64_t wait = http_retry_after_ms(res);

	return kube_status_json_err(err, what, res->status, wait > 0 ? (uint64_t)wait : 0, st);
}

bool kube_try_again(struct kube_tries *t, struct kube_client *c, enum kube_verb verb,
	const struct http_res *res, uint64_t *wait_ms)
{
	int64_t asked = http_retry_after_ms(res);
	uint64_t ms = asked > 0 ? (uint64_t)asked : 0, now = clock_ms();

	*wait_ms = 0;
	if (res->status == 401 && !t->token && c->cfg->token_file) {
		auto_secret struct secret old = {0};
		const struct secret *token;

		t->token = true;
		secret_copy(&old, &c->cfg->token);
		token = kube_config_token(c->cfg, true);
		return token && !secret_equal(token, &old);
	}
	if (res->status != 429 && (res->status < 500 || verb == KUBE_CREATE))
		return false;
	/* A 429 without a time is a server in distress as well; a 5xx without one may be
	   anything. */
	if (!ms && res->status == 429)
		ms = 1000;
	if (!ms || ms > MAX_WAIT_MS || t->waits >= MAX_WAITS || now + ms >= t->end_ms)
		return false;
	t->waits++;
	*wait_ms = ms;
	return true;
}

/* ---- one request as a task ------------------------------------------------------------------- */

struct kube_op {
	struct task task;
	struct kube_client *c;
	enum kube_verb verb;
	struct buf path, body;
	char *what; /* "get OCIRepository 'apps/web'" */
	bool metadata_only, urgent;
	uint64_t wait_ms; /* before it is sent again; 0: not at all */
	struct kube_tries tries;
	json_t *result;
};

static const struct {
	const char *method, *word;
} VERBS[KUBE_VERBS] = {{"GET", "get"}, {"GET", "list"}, {"GET", "watch"}, {"POST", "create"},
	{"PUT", "update"}, {"PATCH", "patch"}, {"DELETE", "delete"}};

/* Each request takes a token; when there is none it waits for the one that comes when its turn
   does. */
static enum step_ret throttle_start(struct task *t)
{
	struct kube_client *c = TASK(t, struct kube_op)->c;
	uint64_t now = clock_ms();

	if (c->qps <= 0 || TASK(t, struct kube_op)->urgent)
		return STEP_NEXT;
	c->tokens += (double)(now - c->tokens_ms) * c->qps / 1000;
	if (c->tokens > c->burst)
		c->tokens = c->burst;
	c->tokens_ms = now;
	c->tokens -= 1;
	if (c->tokens >= 0)
		return STEP_NEXT;
	return task_wait(t, sleep_start(c->loop, (uint64_t)(-c->tokens * 1000 / c->qps) + 1));
}

static enum step_ret kube_wait_start(struct task *t)
{
	struct kube_op *k = TASK(t, struct kube_op);

	return k->wait_ms ? task_wait(t, sleep_start(k->c->loop, k->wait_ms)) : STEP_NEXT;
}

static enum step_ret kube_wait_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step_ret request_start(struct task *t)
{
	struct kube_op *k = TASK(t, struct kube_op);
	struct http_hdr hdrs[3] = {{"Accept", "application/json"}, {NULL, NULL}, {NULL, NULL}};
	uint64_t now = clock_ms();

	if (now >= k->tries.end_ms) {
		err_code(&t->err, ERR_RETRY, -ETIMEDOUT, "%s: no time left to send it", k->what);
		return STEP_FAIL;
	}
	if (k->metadata_only)
		hdrs[0].value = KUBE_ACCEPT_META;
	if (k->body.len)
		hdrs[1] = (struct http_hdr){"Content-Type",
			k->verb == KUBE_PATCH ? "application/merge-patch+json"
					      : "application/json"};
	return task_wait(t,
		kube_http_start(k->c, k->verb, buf_str(&k->path),
			&(struct http_req){.method = VERBS[k->verb].method,
				.hdrs = hdrs,
				.body = k->body.p,
				.body_len = k->body.len,
				.deadline_ms = k->tries.end_ms - now,
				.max_body = LIMIT_KUBE_OBJECT}));
}

static enum step_ret request_resume(struct task *t)
{
	struct kube_op *k = TASK(t, struct kube_op);
	const struct http_res *res = http_result(t->op);

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	kube_http_count(k->c, VERBS[k->verb].method, t->op->err.kind ? 0 : res->status);
	if (task_op_failed(t)) {
		/* A token or an address that cannot be sent today may be another tomorrow. */
		if (t->err.kind == ERR_STALL)
			t->err.kind = ERR_RETRY;
		return STEP_FAIL;
	}
	if (res->status >= 200 && res->status < 300) {
		k->result = obj_parse_api(res->body.p, res->body.len, k->what, &t->err);
		return k->result ? STEP_NEXT : STEP_FAIL;
	}
	if (kube_try_again(&k->tries, k->c, k->verb, res, &k->wait_ms))
		return task_goto(t, "wait");
	kube_status_err(&t->err, k->what, res);
	return STEP_FAIL;
}

static void kube_op_free(struct task *t)
{
	struct kube_op *k = TASK(t, struct kube_op);

	json_decref(k->result);
	if (k->body.p)
		mem_wipe(k->body.p, k->body.len);
	buf_clear(&k->path);
	buf_clear(&k->body);
	free(k->what);
	free(k);
}

static void delete_body(struct buf *b, const char *uid)
{
	struct js_w w = JS_W(b);

	js_begin(&w, '{');
	js_kstr(&w, "apiVersion", "v1");
	js_kstr(&w, "kind", "DeleteOptions");
	js_key(&w, "preconditions");
	js_begin(&w, '{');
	js_kstr(&w, "uid", uid);
	js_end(&w, '}');
	js_end(&w, '}');
}

struct op *kube_start(struct kube_client *c, const struct kube_req *req)
{
	static const struct step steps[] = {
		{"throttle", throttle_start, kube_wait_resume},
		{"wait", kube_wait_start,
			kube_wait_resume}, /* as the server asked, before it is sent again */
		{"request", request_start, request_resume},
		{0},
	};
	struct kube_op *k = NEW(struct kube_op);
	bool writes =
		req->verb == KUBE_CREATE || req->verb == KUBE_UPDATE || req->verb == KUBE_PATCH;

	BUG_IF(req->verb == KUBE_LIST || req->verb == KUBE_WATCH);
	BUG_IF(writes && !req->body);
	task_init(&k->task, c->loop, "kube", steps, NULL, kube_op_free);
	k->c = c;
	k->verb = req->verb;
	k->metadata_only = req->metadata_only;
	k->urgent = req->urgent;
	k->path = k->body = BUF_INIT(BUF_ANY);
	k->tries.end_ms = clock_ms() + (req->deadline_ms ? req->deadline_ms : DEADLINE_MS);
	kube_path(&k->path, req->resource, req->ns,
		req->verb == KUBE_CREATE && !req->subresource ? NULL : req->name, req->subresource);
	if (writes)
		kube_query_add(&k->path, "fieldManager", c->field_manager);
	if (writes)
		obj_write(req->body, &k->body);
	else if (req->verb == KUBE_DELETE && req->if_uid)
		delete_body(&k->body, req->if_uid);
	k->what = mem_printf("%s %s '%s%s%s'", VERBS[req->verb].word, req->resource->kind,
		req->ns ? req->ns : "", req->ns ? "/" : "", req->name ? req->name : "");
	return task_spawn(&k->task);
}

const json_t *kube_result(const struct op *op)
{
	return TASK_OF_OP(op, struct kube_op)->result;
}

json_t *kube_take(struct op *op)
{
	return MOVE(TASK_OF_OP(op, struct kube_op)->result);
}

/* ---- counters -------------------------------------------------------------------------------- */

void kube_client_stats(const struct kube_client *c, struct kube_stats *out)
{
	*out = c->stats;
	http_client_stats(c->http, &out->http);
}

void kube_client_each_code(const struct kube_client *c,
	void (*fn)(void *arg, const char *code, const char *method, const char *host, uint64_t n),
	void *arg)
{
	const struct code_count *e;
	char code[16];

	vec_each (&c->codes, e) {
		snprintf(code, sizeof(code), "%d", e->status);
		fn(arg, e->status ? code : "<error>", e->method, c->cfg->host, e->n);
	}
}
