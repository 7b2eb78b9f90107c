#include "oci/token.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/flight.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "http/client.h"
#include "http/url.h"
#include "oci/again.h"
#include "oci/answer.h"
#include "oci/health.h"
#include "oci/identity.h"
#include "oci/ref.h"
#include "oci/tally.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SERVER_PATH_MAX 256
#define DEFAULT_LIFE_S 60 /* distribution token specification: "expires_in" */

struct oci_tokens {
	struct loop *loop;
	struct http_client *http;
	const struct http_guard *guard;
	struct oci_health *health;
	uint64_t *requests;
	struct oci_tally *tally;
	struct lru entries;
	bool stopped;
};

struct entry {
	struct lru_item item;
	struct oci_tokens *tokens;
	struct secret token; /* empty: none */
	uint64_t good_until; /* on clock_ms() */
	struct fetch *fetch; /* on its way */
	struct flight flight; /* those who wait for it */
};

/* Somebody who waits for an entry's fetch. */
struct wait {
	struct flight_wait base;
	struct secret token;
};

struct fetch {
	struct task task;
	struct entry *entry;
	struct oci_target target; /* its time is that of a waiter, and not looked at */
	const struct oci_cred *cred; /* of the target's identity */
	struct secret login; /* instead */
	struct http_hop hop;
	char *realm, *service, *scopes; /* scopes: divided by blanks */
	char *server; /* scheme, host and path of the realm: the key of its health */
	uint64_t until_ms; /* on clock_ms(): all its requests together */
	struct oci_pass pass;
	struct oci_again again;
	uint64_t pause_ms; /* before it asks again; 0: at once */
	bool post; /* the request in flight is the OAuth2 one */
	char *at; /* where a redirect led, or NULL: it is the realm that is asked */
	struct http_hop via; /* to `at`, as the server stood that named it */
	bool asking; /* a request is on its way */
	bool away; /* `at` is of another origin than the realm: no credentials */
	unsigned redirects;
	struct secret token;
	uint64_t life_ms;
};

/* ---- one fetch ------------------------------------------------------------------------------- */

static int token_on_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct fetch *f = arg;

	(void)res;
	(void)err;
	oci_pass_answered(&f->pass);
	return 0;
}

static int token_on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct http_guard *g = ((struct fetch *)arg)->entry->tokens->guard;
	const struct fetch *f = arg;

	if (http_guard_connect(g, &f->hop, ip, port, err))
		return -1;
	return f->at ? http_guard_connect(g, &f->via, ip, port, err) : 0;
}

/* One parameter for each scope: the form that every token server reads. */
static void token_add_query(const struct fetch *f, struct buf *url, bool has_query)
{
	auto_free char *copy = mem_strdup(f->scopes);
	char sep = has_query ? '&' : '?', *at, *end;

	if (*f->service) {
		url_add_param(url, sep, "service", f->service);
		sep = '&';
	}
	for (at = copy; *at; at = end) {
		at += strspn(at, " ");
		end = at + strcspn(at, " ");
		if (*end)
			*end++ = '\0';
		if (*at)
			url_add_param(url, sep, "scope", at);
		sep = '&';
	}
}

static void token_add_form(const struct fetch *f, struct buf *body)
{
	buf_adds(body, "grant_type=refresh_token&client_id=flux");
	url_add_param(body, '&', "service", f->service);
	url_add_param(body, '&', "scope", f->scopes);
	url_add_param(body, '&', "refresh_token", f->cred->identity_token.p);
}

static const struct secret *token_basic(const struct fetch *f)
{
	if (f->cred)
		return f->cred->basic.len ? &f->cred->basic : NULL;
	return f->login.len ? &f->login : NULL;
}

static struct op *token_ask(struct fetch *f)
{
	static const struct http_hdr form[] = {
		{"Content-Type", "application/x-www-form-urlencoded"}, {NULL, NULL}};
	auto_buf struct buf url = BUF_INIT(LIMIT_URL), body = BUF_INIT(LIMIT_TOKEN_BODY);
	uint64_t now = clock_ms();
	struct http_req req = {.method = f->post ? "POST" : "GET",
		.trust = oci_target_trust(&f->target, f->target.repo->insecure),
		.proxy = oci_target_proxy(&f->target),
		.deadline_ms = f->until_ms > now ? f->until_ms - now : 1,
		.max_body = LIMIT_TOKEN_BODY,
		.on_headers = token_on_headers,
		.on_connect = token_on_connect,
		.arg = f};
	struct loop *l = f->task.self.loop;
	auto_url struct url u = {0};
	struct err err = {0};
	struct op *op;

	if (url_parse(&u, f->at ? f->at : f->realm, &err) ||
		http_guard_check(f->entry->tokens->guard, &u, &err))
		return op_failed(l, &err);
	url_format(&u, &url);
	if (f->post) {
		token_add_form(f, &body);
		req.hdrs = form;
		req.body = buf_str(&body);
		req.body_len = body.len;
	} else {
		if (!f->at) /* a redirect has its own query */
			token_add_query(f, &url, u.has_query);
		req.basic = f->away ? NULL : token_basic(f);
	}
	if (url.over || body.over) {
		err_set(&err, ERR_RETRY, "the request for a token is too long");
		op = op_failed(l, &err);
	} else {
		req.url = buf_str(&url);
		++*f->entry->tokens->requests;
		f->asking = true;
		op = http_start(f->entry->tokens->http, &req);
	}
	if (f->post)
		mem_wipe(body.p, body.len);
	return op;
}

/* Goes into a header: visible ASCII only, and not longer than a header may be. */
static bool token_plausible(const char *s)
{
	size_t n = 0;

	for (; s[n]; n++)
		if (s[n] <= 0x20 || s[n] > 0x7e || n > LIMIT_HEADERS / 2)
			return false;
	return n > 0;
}

static int answer_read(struct fetch *f, const struct http_res *res, struct err *err)
{
	auto_json json_t *o = NULL;
	struct err hidden = {0}; /* jansson quotes what it read */
	const char *token;
	int64_t life;

	o = obj_parse_within(buf_str(&res->body), res->body.len, &obj_answer,
		"the token server's answer", &hidden);
	if (hidden.code == -E2BIG) { /* our own words */
		*err = hidden;
		return -1;
	}
	token = obj_str(o, "token");
	if (!token || !*token)
		token = obj_str(o, "access_token");
	if (!token || !*token)
		return err_set(err, ERR_RETRY, "the token server's answer holds no token");
	if (!token_plausible(token))
		return err_set(err, ERR_RETRY, "the token server's answer holds a malformed token");
	secret_set(&f->token, token, strlen(token));
	life = obj_int(DEFAULT_LIFE_S, o, "expires_in");
	if (life < DEFAULT_LIFE_S)
		life = DEFAULT_LIFE_S;
	if (life > LIMIT_TOKEN_MAX_S)
		life = LIMIT_TOKEN_MAX_S;
	f->life_ms = (uint64_t)life * 1000;
	return 0;
}

static void token_add_subject(const struct fetch *f, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	char repo[OCI_REPO_TEXT_MAX];

	url_safe(&shown, f->realm);
	err_wrap(err, "no token for '%s' from '%.300s'", oci_repo_format(f->target.repo, repo),
		buf_str(&shown));
}

static enum step_ret token_fail(struct fetch *f, const struct err *err)
{
	struct err e = *err;

	token_add_subject(f, &e);
	return task_fail(&f->task, &e);
}

static struct oci_health_key key_of_server(const struct fetch *f)
{
	return (struct oci_health_key){
		f->target.repo->host, f->target.repo->insecure, f->server, f->hop};
}

static enum step_ret token_admit_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct oci_health *health = f->entry->tokens->health;
	struct oci_health_key key = key_of_server(f);
	struct err err = {0};

	if (oci_health_held(health, &key, oci_identity_id(f->target.identity), &err) ||
		oci_pass_take(health, &key, oci_target_goes_aside(&f->target), &f->pass, &err))
		return token_fail(f, &err);
	f->post = f->cred && f->cred->identity_token.len;
	f->until_ms = clock_ms() + LIMIT_TOKEN_MS;
	return STEP_NEXT;
}

static enum step_ret token_pause_start(struct task *t)
{
	uint64_t ms = TASK(t, struct fetch)->pause_ms;

	return ms ? task_wait(t, sleep_start(t->self.loop, ms)) : STEP_NEXT;
}

static enum step_ret token_pause_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step_ret token_ask_start(struct task *t)
{
	return task_wait(t, token_ask(TASK(t, struct fetch)));
}

/* It is the realm that is asked next, not where it redirected to. */
static void back_to_realm(struct fetch *f)
{
	free(MOVE(f->at));
	f->away = false;
	f->redirects = 0;
}

static enum step_ret token_fail_redirect(struct fetch *f, int status, const char *what)
{
	struct err err = {0};

	err_code(&err, ERR_RETRY, status, "the token server answered %d %s", status, what);
	return token_fail(f, &err);
}

/* As a registry's: bounded, checked, and another origin gets no credentials. A form holds some, so
   the realm is asked without one then. */
static enum step_ret token_redirected(struct fetch *f, const struct http_res *res)
{
	auto_url struct url from = {0}, to = {0}, realm = {0};
	const char *location = http_header(res, "Location");
	auto_buf struct buf text = BUF_INIT(LIMIT_URL);
	struct err err = {0};

	if (!location || !*location)
		return token_fail_redirect(f, res->status, "without saying where to");
	if (++f->redirects > LIMIT_REDIRECTS)
		return token_fail_redirect(f, res->status, "once too often");
	if (url_parse(&realm, f->realm, &err) || url_parse(&from, res->url, &err) ||
		url_resolve(&to, &from, location, &err))
		return token_fail_redirect(f, res->status, "with a URL that cannot be read");
	if (http_guard_redirect(
		    f->entry->tokens->guard, &from, &to, f->target.repo->insecure, &err))
		return token_fail(f, &err);
	f->away = !url_same_origin(&to, &realm);
	if (f->away && f->post) {
		f->post = false;
		back_to_realm(f);
		return STEP_AGAIN;
	}
	f->via = http_hop_from(res, &from);
	url_format(&to, &text);
	free(f->at);
	f->at = buf_take(&text);
	return STEP_AGAIN;
}

static enum step_ret token_refused(struct fetch *f, const struct http_res *res)
{
	struct oci_health_key key = key_of_server(f);
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	auto_url struct url at = {0};
	struct err err = {0};

	if (f->away && !url_parse(&at, f->at, &err)) {
		url_authority(&at, &host);
		oci_answer_elsewhere(res, buf_str(&host), &err);
		return token_fail(f, &err);
	}
	oci_answer_error(res, "the token server", &err);
	oci_health_hold(f->entry->tokens->health, &key, oci_identity_id(f->target.identity), &err);
	return token_fail(f, &err);
}

/* False: it is not asked again, and the failure stands. */
static bool token_repeat(struct fetch *f, int64_t ms)
{
	if (ms < 0 || clock_ms() + (uint64_t)ms >= f->until_ms)
		return false;
	back_to_realm(f);
	f->pause_ms = (uint64_t)ms;
	return true;
}

static void token_in_vain(struct fetch *f)
{
	if (f->again.pauses && !f->away)
		oci_pass_well(&f->pass, false);
}

/* text: the URL that was asked. */
static void tally_add(struct oci_tokens *t, enum oci_kind kind, const char *text, int status)
{
	auto_url struct url u = {0};
	struct err err = {0};

	if (!url_parse(&u, text, &err))
		oci_tally_add(t->tally, kind, &u, status);
}

static void token_count(struct fetch *f, int status)
{
	if (f->asking)
		tally_add(f->entry->tokens, OCI_KIND_TOKEN, f->at ? f->at : f->realm, status);
	f->asking = false;
}

static enum step_ret token_ask_failed(struct fetch *f)
{
	struct op *op = f->task.op;
	struct err err = op->err;

	token_count(f, OCI_TALLY_ERROR);
	if (oci_pass_may_repeat(&f->pass) &&
		token_repeat(f, oci_again_failure(&f->again, http_result(op), &err)))
		return task_goto(&f->task, "pause");
	token_in_vain(f);
	oci_answer_none(http_result(op), &err);
	oci_pass_failed(&f->pass, &err);
	return token_fail(f, &err);
}

static enum step_ret token_ask_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	const struct http_res *res;
	struct err err = t->op->err;

	if (err.kind != ERR_NONE)
		return token_ask_failed(f);
	res = http_result(t->op);
	token_count(f, res->status);
	if (oci_pass_may_repeat(&f->pass) && token_repeat(f, oci_again_answer(&f->again, res)))
		return task_goto(t, "pause");
	if (oci_again_passing(res->status))
		token_in_vain(f);
	else if (!f->away)
		oci_pass_well(&f->pass, true);
	if (oci_is_redirect(res->status))
		return token_redirected(f, res);
	/* Not every token server has the OAuth2 form. The distribution specification names 404 for
	   that; there are those that say 400, 401, 403 or 405. */
	if (f->post && res->status >= 400 && res->status <= 499 && res->status != 429) {
		f->post = false;
		back_to_realm(f);
		return STEP_AGAIN;
	}
	if (res->status != 200)
		return token_refused(f, res);
	if (answer_read(f, res, &err))
		return token_fail(f, &err);
	return STEP_NEXT;
}

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	oci_pass_release(&f->pass);
	oci_target_clear(&f->target);
	free(f->server);
	free(f->realm);
	free(f->at);
	free(f->service);
	free(f->scopes);
	secret_clear(&f->login);
	secret_clear(&f->token);
	free(f);
}

/* ---- does it answer at all ------------------------------------------------------------------- */

struct probe {
	struct task task;
	struct oci_tokens *tokens;
	struct http_hop hop;
	char *url;
};

static int on_probe_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct probe *p = arg;

	return http_guard_connect(p->tokens->guard, &p->hop, ip, port, err);
}

static enum step_ret probe_ask_start(struct task *t)
{
	struct probe *p = TASK(t, struct probe);
	const struct http_trust trust = {.insecure = true};
	struct http_req req = {.method = "GET",
		.url = p->url,
		.trust = &trust,
		.deadline_ms = LIMIT_PROBE_MS,
		.max_body = LIMIT_ERROR_BODY,
		.on_connect = on_probe_connect,
		.arg = p};
	auto_url struct url u = {0};
	struct err err = {0};

	if (url_parse(&u, p->url, &err) || http_guard_check(p->tokens->guard, &u, &err))
		return task_fail(t, &err);
	return task_wait(t, http_start(p->tokens->http, &req));
}

static enum step_ret probe_ask_resume(struct task *t)
{
	const struct http_res *res = http_result(t->op);
	struct probe *p = TASK(t, struct probe);

	tally_add(p->tokens, OCI_KIND_PROBE, p->url,
		t->op->err.kind == ERR_NONE ? res->status : OCI_TALLY_ERROR);
	if (t->op->err.kind == ERR_NONE || res->headers_complete || res->tls_answered)
		return STEP_NEXT;
	return task_fail(t, &t->op->err);
}

static void probe_free(struct task *t)
{
	struct probe *p = TASK(t, struct probe);

	free(p->url);
	free(p);
}

struct op *oci_token_probe(struct oci_tokens *t, const struct oci_health_key *key)
{
	static const struct step steps[] = {{"ask", probe_ask_start, probe_ask_resume}, {0}};
	struct probe *p = NEW(struct probe);

	p->tokens = t;
	p->hop = key->hop;
	p->url = mem_strdup(key->realm);
	task_init(&p->task, t->loop, "token server probe", steps, NULL, probe_free);
	return task_spawn(&p->task);
}

/* ---- the cache ------------------------------------------------------------------------------- */

static void fetch_spawn(struct entry *e, struct fetch *f);

/* Somebody came while a fetch that nobody waited for was being cancelled: it begins again. */
static bool fetch_begin_again(struct entry *e, struct fetch *old, const struct err *err)
{
	struct fetch *f;

	if (err->kind != ERR_CANCELED || flight_is_empty(&e->flight) || e->tokens->stopped)
		return false;
	f = NEW(struct fetch);
	oci_target_init(&f->target, &old->target);
	f->cred = old->cred;
	secret_copy(&f->login, &old->login);
	f->realm = MOVE(old->realm);
	f->service = MOVE(old->service);
	f->scopes = MOVE(old->scopes);
	f->server = MOVE(old->server);
	f->hop = old->hop;
	op_free(&old->task.self);
	fetch_spawn(e, f);
	return true;
}

static void token_give(struct flight *flight, struct flight_wait *base)
{
	struct wait *w = CONTAINER_OF(base, struct wait, base);

	secret_copy(&w->token, &CONTAINER_OF(flight, struct entry, flight)->token);
}

static size_t entry_size(const struct entry *e, const char *key)
{
	return sizeof(*e) + strlen(key) + e->token.len;
}

static void fetch_done(struct op *op, void *arg)
{
	struct entry *e = arg;
	struct fetch *f = e->fetch;

	token_count(f, OCI_TALLY_CANCELED);
	if (fetch_begin_again(e, f, &op->err))
		return;
	e->fetch = NULL;
	if (op->err.kind == ERR_NONE) {
		/* A tenth of its life, or 30 s, earlier than the server says: no request shall
		   carry one that dies on the way. */
		uint64_t margin = f->life_ms / 10 < 30000 ? f->life_ms / 10 : 30000;

		secret_copy(&e->token, &f->token);
		e->good_until = clock_ms() + f->life_ms - margin;
		lru_resize(&e->tokens->entries, &e->item, entry_size(e, e->item.key));
	}
	flight_land(&e->flight, &op->err, token_give);
	op_free(op);
}

static bool entry_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct entry, item)->fetch;
}

static void entry_free(struct lru_item *it)
{
	struct entry *e = CONTAINER_OF(it, struct entry, item);

	BUG_IF(e->fetch || !flight_is_empty(&e->flight));
	secret_clear(&e->token);
	free(e);
}

struct oci_tokens *oci_tokens_new(struct loop *l, struct http_client *http,
	const struct http_guard *guard, struct oci_health *health, uint64_t *requests,
	struct oci_tally *tally)
{
	struct oci_tokens *t = NEW(struct oci_tokens);

	t->loop = l;
	t->http = http;
	t->guard = guard;
	t->health = health;
	t->requests = requests;
	t->tally = tally;
	lru_init(&t->entries, LIMIT_TOKENS, entry_busy, entry_free);
	t->entries.max_bytes = LIMIT_TOKENS_BYTES;
	return t;
}

void oci_tokens_stop(struct oci_tokens *t)
{
	struct lru_item *it;

	t->stopped = true;
	lru_each (&t->entries, it) {
		struct entry *e = CONTAINER_OF(it, struct entry, item);

		if (e->fetch)
			op_cancel(&e->fetch->task.self);
	}
}

void oci_tokens_free(struct oci_tokens *t)
{
	if (!t)
		return;
	lru_clear(&t->entries);
	free(t);
}

/* No part can hold a line feed: the challenge parser and the URL parser refuse control
   characters. */
static char *token_key(const struct oci_token_req *req)
{
	return mem_printf("%s\n%s\n%s\n%s\n%llu\n%zu\n%d\n%d\n%d", req->target.repo->host,
		req->realm, req->service, req->scope,
		(unsigned long long)oci_identity_id(req->target.identity),
		req->cred ? req->cred->nth : 0, req->target.repo->insecure, req->hop.from,
		req->target.mirror != NULL);
}

static struct entry *token_find(struct oci_tokens *t, const struct oci_token_req *req)
{
	auto_free char *key = token_key(req);
	struct lru_item *it = lru_get(&t->entries, key);

	return it ? CONTAINER_OF(it, struct entry, item) : NULL;
}

const struct secret *oci_token_peek(struct oci_tokens *t, const struct oci_token_req *req)
{
	struct entry *e = token_find(t, req);

	return e && e->token.len && clock_ms() < e->good_until ? &e->token : NULL;
}

void oci_token_refused(
	struct oci_tokens *t, const struct oci_token_req *req, const struct secret *token)
{
	struct entry *e = token_find(t, req);

	if (e && secret_equal(&e->token, token))
		secret_clear(&e->token);
}

/* One fetch may be for many: its lines are told under whoever has waited longest and still does. */
static const struct log_ctx *fetch_log(const struct task *t)
{
	return flight_log(&TASK(t, struct fetch)->entry->flight);
}

static void fetch_spawn(struct entry *e, struct fetch *f)
{
	static const struct step steps[] = {
		{"admit", token_admit_start},
		{"pause", token_pause_start,
			token_pause_resume}, /* before a passing failure is asked again */
		{"ask", token_ask_start,
			token_ask_resume}, /* once more for a redirect, and without the form */
		{0},
	};

	f->entry = e;
	task_init(&f->task, e->tokens->loop, "token", steps, NULL, fetch_free);
	f->task.log_fn = fetch_log;
	e->fetch = f;
	op_then(task_spawn(&f->task), fetch_done, e);
}

/* Without its query, and of a long one without its path: records of them are kept. */
static char *server_of(const char *realm)
{
	auto_buf struct buf server = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	struct err ignored = {0}; /* the request will say it */

	if (url_parse(&u, realm, &ignored))
		return mem_strdup("");
	if (strlen(u.path) > SERVER_PATH_MAX) {
		free(u.path);
		u.path = mem_strdup("/");
	}
	url_redacted(&u, &server);
	return buf_take(&server);
}

static void fetch_start(struct entry *e, const struct oci_token_req *req)
{
	struct fetch *f = NEW(struct fetch);
	f->server = server_of(req->realm);
	oci_target_init(&f->target, &req->target);
	f->cred = req->cred;
	if (req->login)
		secret_copy(&f->login, req->login);
	f->hop = req->hop;
	f->realm = mem_strdup(req->realm);
	f->service = mem_strdup(req->service);
	f->scopes = mem_printf("%s%s%s", req->scope, req->extra_scope ? " " : "",
		req->extra_scope ? req->extra_scope : "");
	fetch_spawn(e, f);
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* Without anybody who waits there is no reason to hold a connection. */
static void token_deserted(struct flight *flight)
{
	struct entry *e = CONTAINER_OF(flight, struct entry, flight);

	if (e->fetch)
		op_cancel(&e->fetch->task.self);
}

static void token_overdue(struct flight *flight, struct flight_wait *w, bool alone, struct err *err)
{
	struct fetch *f = CONTAINER_OF(flight, struct entry, flight)->fetch;

	(void)w;
	err_code(err, ERR_RETRY, -ETIMEDOUT, "the token server did not answer in time");
	if (alone)
		oci_pass_failed(&f->pass, err);
	token_add_subject(f, err);
}

static void token_wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	secret_clear(&w->token);
	free(w);
}

struct op *oci_token_start(struct oci_tokens *t, const struct oci_token_req *req)
{
	static const struct op_type type = {"token", flight_wait_cancel, token_wait_free};
	struct wait *w = NEW(struct wait);
	struct entry *e = token_find(t, req);

	flight_wait_init(&w->base, &type, t->loop);
	if (e && e->token.len && clock_ms() < e->good_until) {
		secret_copy(&w->token, &e->token);
		op_finish(&w->base.op);
		return &w->base.op;
	}
	if (!e) {
		auto_free char *key = token_key(req);

		e = NEW(struct entry);
		e->tokens = t;
		flight_init(&e->flight, token_deserted, token_overdue);
		e->item.size = entry_size(e, key);
		lru_add(&t->entries, key, &e->item);
	}
	secret_clear(&e->token);
	if (!e->fetch)
		fetch_start(e, req);
	flight_join(&e->flight, &w->base, req->target.timeout_ms);
	return &w->base.op;
}

const struct secret *oci_token_result(struct op *op)
{
	return &CONTAINER_OF(op, struct wait, base.op)->token;
}
