/* What the tests of Azure and Google Cloud share: struct cloud on a loop, a ServiceAccount, and a
   server that notes what it is asked and answers as the test said. The clock stands still. */
#ifndef UNIT_CLOUD_OAUTH_RIG_H
#define UNIT_CLOUD_OAUTH_RIG_H
#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cloud/oauth.h"
#include "cloud/provider.h"
#include "ev/loop.h"
#include "ev/sleep.h"
#include "http/server.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIG_NOW_MS 1769851800000LL /* 2026-01-31T09:30:00Z */

struct rig_answer {
	const char *method, *path, *body;
	int status;
	unsigned times; /* 0: for ever */
};

struct rig {
	struct http_exchange *held; /* of an answer without a body */
	struct loop *loop;
	struct http_client *http;
	struct http_server *server;
	char *base; /* "http://127.0.0.1:PORT" */
	struct rig_answer answers[16];
	size_t count;
	struct buf log;
	struct cloud_env env;
	struct cloud *cloud;
	struct cloud_ticket *ticket;
	/* A ServiceAccount, apps/tenant, whose token is `token`. */
	struct cloud_account account;
	struct secret token;
	char *audience; /* that it was asked for */
	char dir[32];
};

static inline void rig_note(struct rig *r, struct http_exchange *x, const char *header)
{
	const char *value = http_x_header(x, header);

	if (value)
		buf_addf(&r->log, " %s=%s", header, value);
}

static inline void rig_handle(void *arg, struct http_exchange *x)
{
	static const char *const params[] = {"scopes", "api-version", "resource", "client_id"};
	struct rig *r = arg;
	const struct buf *body = http_x_body(x);
	size_t i;

	buf_addf(&r->log, "%s %s", http_x_method(x), http_x_path(x));
	for (i = 0; i < ARRAY_LEN(params); i++)
		if (http_x_query(x, params[i]))
			buf_addf(&r->log, " %s=%s", params[i], http_x_query(x, params[i]));
	rig_note(r, x, "Metadata-Flavor");
	rig_note(r, x, "Metadata");
	rig_note(r, x, "X-IDENTITY-HEADER");
	rig_note(r, x, "X-Test");
	rig_note(r, x, "Authorization");
	if (body && body->len)
		buf_addf(&r->log, " %s", buf_str(body));
	buf_addc(&r->log, '\n');
	for (i = 0; i < r->count; i++) {
		struct rig_answer *a = &r->answers[i];

		if (!a->method || strcmp(a->method, http_x_method(x)) ||
			strcmp(a->path, http_x_path(x)))
			continue;
		if (a->times && !--a->times)
			a->method = NULL;
		if (a->body)
			http_reply_text(x, a->status, a->body);
		else
			r->held = x; /* the test answers, or nobody */
		return;
	}
	http_reply_text(x, 599, "nothing was told to answer this");
}

static inline struct rig_answer *rig_on(
	struct rig *r, const char *method, const char *path, const char *body)
{
	struct rig_answer *a = &r->answers[r->count++];

	ck_assert(r->count <= ARRAY_LEN(r->answers));
	*a = (struct rig_answer){method, path, body, 200, 0};
	return a;
}

static inline void rig_nothing(struct cloud_account *a)
{
	(void)a;
}

static inline struct op *rig_token_start(struct cloud_account *a, const char *audience)
{
	struct rig *r = CONTAINER_OF(a, struct rig, account);

	free(r->audience);
	r->audience = mem_strdup(audience);
	return sleep_start(r->loop, 0);
}

/* Whose token a result is: an op does not say. */
static struct rig *rig_now;

static inline const struct secret *rig_token_now(struct op *op)
{
	(void)op;
	return &rig_now->token;
}

static inline void rig_init(struct rig *r)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
		"HTTP_PROXY", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY"};
	struct http_server_opts opts = {.name = "cloud",
		.address = "127.0.0.1:0",
		.handler = rig_handle,
		.max_body = 65536};
	struct err err = {0};
	size_t i;

	*r = (struct rig){.dir = "/tmp/oci-test.XXXXXX"};
	for (i = 0; i < ARRAY_LEN(proxies); i++)
		unsetenv(proxies[i]);
	clock_fake(RIG_NOW_MS);
	ck_assert(mkdtemp(r->dir));
	buf_init(&r->log, BUF_ANY);
	r->loop = loop_new();
	r->http = http_client_new(r->loop, &(struct http_client_opts){0});
	opts.arg = r;
	r->server = http_server_new(r->loop, &opts, &err);
	ck_assert_msg(r->server, "%s", err.msg);
	r->base = mem_printf("http://%s", http_server_address(r->server));
	rig_now = r;
	r->account = (struct cloud_account){.ref = rig_nothing,
		.unref = rig_nothing,
		.ns = "apps",
		.name = "tenant",
		.uid = "u-1",
		.token_start = rig_token_start,
		.token_result = rig_token_now};
}

/* The variables are set; from here on they are read. with_account: the ServiceAccount's login. */
static inline void rig_open(struct rig *r, const struct cloud_provider_ops *provider,
	const char *host, bool with_account)
{
	struct cloud_ticket *t;

	r->cloud = cloud_new(&(struct cloud_opts){
		.loop = r->loop, .http = r->http, .env = &r->env, .cache_max = 10});
	t = r->ticket = NEW(struct cloud_ticket);
	t->refs = 1;
	t->cloud = r->cloud;
	t->provider = provider;
	t->account = with_account ? &r->account : NULL;
	t->host = mem_strdup(host);
	t->until_ms = clock_ms() + 60000;
}

static inline void rig_close(struct rig *r)
{
	int i;

	if (r->ticket)
		cloud_ticket_unref(r->ticket);
	if (r->cloud) {
		cloud_stop(r->cloud);
		for (i = 0; i < 10; i++)
			loop_turn(r->loop, false);
		cloud_free(r->cloud);
	}
	r->ticket = NULL;
	r->cloud = NULL;
}

static inline void rig_clear(struct rig *r)
{
	auto_free char *cmd = mem_printf("rm -rf %s", r->dir);

	rig_close(r);
	http_client_free(r->http);
	http_server_free(r->server);
	while (loop_turn(r->loop, false))
		;
	ck_assert_int_eq(loop_free(r->loop), 0);
	json_decref((json_t *)r->account.annotations);
	cloud_env_clear(&r->env);
	secret_clear(&r->token);
	buf_clear(&r->log);
	free(r->audience);
	free(r->base);
	ck_assert_int_eq(system(cmd), 0);
}

static inline void rig_done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

/* Turns the loop until the op is done. What pauses before another try is let through. */
static inline void rig_until(struct rig *r, struct op *op)
{
	bool done = false;
	int i;

	op_then(op, rig_done, &done);
	for (i = 0; !done; i++) {
		if (i % 200 == 199)
			loop_test_advance(r->loop, 100);
		if (!loop_turn(r->loop, false) && !done)
			ck_abort_msg("nothing to wait for");
		usleep(200);
	}
}

static inline struct cloud_fetch *rig_wait(struct rig *r, struct op *op)
{
	rig_until(r, op);
	return TASK_OF_OP(op, struct cloud_fetch);
}

/* A whole login, by the frame; the caller frees the op. */
static inline struct op *rig_login(struct rig *r, enum cloud_provider provider, bool with_account)
{
	const struct cloud_who who = {
		.provider = provider, .account = with_account ? &r->account : NULL};
	struct op *op = cloud_login_start(r->cloud, &who, r->ticket->host, 30000);

	rig_until(r, op);
	return op;
}

/* The path of a new file with this text, in a directory that goes with the rig. */
static inline char *rig_file(struct rig *r, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", r->dir, name);
	FILE *f = fopen(path, "w");

	ck_assert(f && fputs(text, f) >= 0);
	ck_assert_int_eq(fclose(f), 0);
	return path;
}

static inline void rig_annotate(struct rig *r, const char *key, const char *value)
{
	if (!r->account.annotations)
		r->account.annotations = json_object();
	json_object_set_new((json_t *)r->account.annotations, key, json_string(value));
}

/* A JSON web token with these claims and no signature worth the name. */
static inline char *rig_jwt(const char *claims)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, "eyJhbGciOiJSUzI1NiJ9.");
	base64_encode(&b, claims, strlen(claims), BASE64_URL);
	buf_adds(&b, ".c2ln");
	return buf_take(&b);
}

static inline void rig_says(const struct op *op, const char *says)
{
	ck_assert_msg(op->err.kind != ERR_NONE, "no error where '%s' was expected", says);
	ck_assert_msg(strstr(op->err.msg, says), "'%s' does not say '%s'", op->err.msg, says);
}

static inline void rig_ok(const struct op *op)
{
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
}

#endif
