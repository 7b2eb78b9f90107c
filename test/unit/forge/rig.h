/* What the tests of lib/forge share: a forge on a loop, and a server that asserts each request, in
   order, and answers as the test said. The clock stands still. */
#ifndef UNIT_FORGE_RIG_H
#define UNIT_FORGE_RIG_H
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "forge/forge.h"
#include "http/client.h"
#include "http/guard.h"
#include "http/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIG_NOW_MS 1769851800000LL /* 2026-01-31T09:30:00Z */

struct rig_answer {
	const char *request; /* "GET /target"; what else has to be in it comes behind a blank */
	const char *auth; /* the Authorization; NULL: any */
	const char *sent; /* the body; NULL: none */
	int status;
	const char *body;
	const char *header, *value; /* one more; NULL: none */
};

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct http_server *server;
	struct http_guard guard;
	struct forge *forge;
	struct forge_way way;
	struct rig_answer answers[40];
	size_t count, at;
	char *base; /* "http://127.0.0.1:PORT" */
	char *seen; /* the Authorization of the last request */
};

static inline void rig_handle(void *arg, struct http_exchange *x)
{
	struct rig *r = arg;
	const struct rig_answer *a = &r->answers[r->at];
	auto_free char *line = mem_printf("%s %s", http_x_method(x), http_x_target(x));
	const char *auth = http_x_header(x, "Authorization");

	ck_assert_msg(r->at < r->count, "'%s' was not expected", line);
	r->at++;
	ck_assert_str_eq(line, a->request);
	free(r->seen);
	r->seen = mem_strdup(auth ? auth : "");
	if (a->auth)
		ck_assert_str_eq(r->seen, a->auth);
	ck_assert_str_eq(buf_str(http_x_body(x)), a->sent ? a->sent : "");
	if (a->sent)
		ck_assert_str_eq(http_x_header(x, "Content-Type"), "application/json");
	ck_assert(strstr(http_x_header(x, "Accept"), "json"));
	if (a->header)
		http_x_add_header(x, a->header, a->value);
	http_reply_text(x, a->status, a->body ? a->body : "");
}

static inline struct rig_answer *rig_on(
	struct rig *r, const char *request, const char *sent, int status, const char *body)
{
	struct rig_answer *a = &r->answers[r->count++];

	ck_assert_uint_le(r->count, ARRAY_LEN(r->answers));
	*a = (struct rig_answer){.request = request, .sent = sent, .status = status, .body = body};
	return a;
}

static inline void rig_init(struct rig *r)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
		"HTTP_PROXY", "ALL_PROXY", "all_proxy", "no_proxy", "NO_PROXY"};
	struct http_server_opts opts = {.name = "forge",
		.address = "127.0.0.1:0",
		.handler = rig_handle,
		.max_body = 1 << 20};
	struct err err = {0};
	size_t i;

	*r = (struct rig){.way = {.owner = "apps", .timeout_ms = 30000}};
	for (i = 0; i < ARRAY_LEN(proxies); i++)
		unsetenv(proxies[i]);
	clock_fake(RIG_NOW_MS);
	r->loop = loop_new();
	r->http = http_client_new(r->loop, &(struct http_client_opts){0});
	opts.arg = r;
	r->server = http_server_new(r->loop, &opts, &err);
	ck_assert_msg(r->server, "%s", err.msg);
	r->base = mem_printf("http://%s", http_server_address(r->server));
	http_guard_init(&r->guard);
	r->forge = forge_new(r->loop, r->http, &r->guard);
}

static inline void rig_clear(struct rig *r)
{
	int i;

	ck_assert_msg(r->at == r->count, "'%s' was not asked for", r->answers[r->at].request);
	forge_stop(r->forge);
	for (i = 0; i < 10; i++)
		loop_turn(r->loop, false);
	forge_free(r->forge);
	http_client_free(r->http);
	http_server_free(r->server);
	while (loop_turn(r->loop, false))
		;
	ck_assert_int_eq(loop_free(r->loop), 0);
	http_guard_clear(&r->guard);
	free(r->base);
	free(r->seen);
}

static inline void rig_done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

static inline struct op *rig_wait(struct rig *r, struct op *op)
{
	bool done = false;

	if (op->done)
		return op;
	op_then(op, rig_done, &done);
	while (!done)
		loop_turn(r->loop, true);
	return op;
}

static inline void rig_says(const struct op *op, const char *says)
{
	ck_assert_msg(op->err.kind != ERR_NONE, "no error where '%s' was expected", says);
	ck_assert_msg(
		strstr(op->err.msg, says) != NULL, "'%s' does not say '%s'", op->err.msg, says);
}

static inline void rig_ok(const struct op *op)
{
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
}

#endif
