#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/op.h"
#include "forge/internal.h"
#include "http/guard.h"
#include "http/url.h"
#include "text/steady.h"

#include <stdlib.h>
#include <string.h>

void forge_route_init(struct forge_route *r, const struct forge_way *way)
{
	*r = (struct forge_route){.owner = mem_strdup(way->owner ? way->owner : "")};
	if (way->trust)
		http_trust_copy(&r->trust, way->trust);
	if (way->proxy)
		http_proxy_copy(&r->proxy, way->proxy);
	r->until_ms = clock_ms() + (way->timeout_ms ? way->timeout_ms : LIMIT_FORGE_MS);
}

void forge_route_clear(struct forge_route *r)
{
	http_trust_clear(&r->trust);
	http_proxy_clear(&r->proxy);
	free(MOVE(r->owner));
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Who wrote the URL is who gave us the credential, so it may be anywhere but here. */
static int may_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct forge *f = arg;

	return http_guard_connect(f->guard, &(struct http_hop){0}, ip, port, err);
}

static int check_place(const struct forge *f, const char *text, struct err *err)
{
	auto_url struct url u = {0};

	if (url_parse(&u, text, err))
		return -1;
	return f->guard ? http_guard_check(f->guard, &u, err) : 0;
}

struct op *forge_ask_start(struct forge *f, const struct forge_ask *ask)
{
	struct http_hdr hdrs[4] = {{"Accept", "application/json"}};
	uint64_t now = clock_ms(), until = ask->route->until_ms;
	uint64_t left = until > now ? until - now : 0;
	struct err err = {0};
	size_t n = 1;

	if (!left)
		err_set(&err, ERR_RETRY, "no time is left to ask the forge");
	if (err.kind || check_place(f, ask->url, &err))
		return op_failed(f->loop, &err);
	if (ask->kind == FORGE_GITHUB) {
		hdrs[0].value = "application/vnd.github+json";
		hdrs[n++] = (struct http_hdr){"X-GitHub-Api-Version", "2022-11-28"};
	}
	if (ask->body)
		hdrs[n++] = (struct http_hdr){"Content-Type", "application/json"};
	return http_start(f->http,
		&(struct http_req){.method = ask->method,
			.url = ask->url,
			.hdrs = hdrs,
			.bearer = ask->bearer,
			.body = ask->body ? buf_str(ask->body) : NULL,
			.body_len = ask->body ? ask->body->len : 0,
			.trust = &ask->route->trust,
			.proxy = &ask->route->proxy,
			.on_connect = f->guard ? may_connect : NULL,
			.arg = f,
			.deadline_ms =
				left < LIMIT_FORGE_REQUEST_MS ? left : LIMIT_FORGE_REQUEST_MS,
			.max_body = LIMIT_FORGE_BODY});
}

/* ---- answers --------------------------------------------------------------------------------- */

static void said_add(struct buf *b, const char *text)
{
	if (!text || !*text)
		return;
	if (b->len)
		buf_adds(b, "; ");
	steady_add_clean(b, text, LIMIT_FORGE_SAID);
}

/* A text, a list of them, lists of them by field (GitLab), or objects with a message (GitHub). */
static void said_add_any(struct buf *b, const json_t *v, unsigned depth)
{
	const char *key;
	json_t *one;
	size_t i;

	if (json_is_string(v))
		said_add(b, json_string_value(v));
	if (depth > 2)
		return;
	if (json_is_array(v))
		json_array_foreach (v, i, one)
			said_add_any(b, one, depth + 1);
	if (!json_is_object(v))
		return;
	if (obj_str(v, "message"))
		said_add(b, obj_str(v, "message"));
	else
		json_object_foreach ((json_t *)(uintptr_t)v, key, one)
			said_add_any(b, one, depth + 1);
}

/* What the forge says of a refusal, in any of their forms. */
static void said_read(struct buf *b, const struct http_res *res)
{
	struct err ignored = {0};
	auto_json json_t *o = obj_parse_within(
		buf_str(&res->body), res->body.len, &obj_answer, "the answer", &ignored);

	if (!json_is_object(o))
		return;
	said_add_any(b, obj_get(o, "message"), 0);
	if (!b->len)
		said_add_any(b, obj_get(o, "error"), 0);
	said_add_any(b, obj_get(o, "errors"), 0);
}

static int64_t header_number(const struct http_res *res, const char *name)
{
	const char *v = http_header(res, name);
	char *end;
	long long n;

	if (!v || !*v)
		return -1;
	n = strtoll(v, &end, 10);
	return *end || n < 0 ? -1 : n;
}

/* Does the answer ask to slow down? For how long, in ms; -1: it does not. */
static int64_t slow_down(const struct http_res *res, const char *said)
{
	int64_t ms = http_retry_after_ms(res);
	bool limited = res->status == 429 ||
		(res->status == 403 &&
			(ms >= 0 || header_number(res, "X-RateLimit-Remaining") == 0 ||
				strstr(said, "rate limit")));

	if (!limited)
		return -1;
	if (ms < 0)
		ms = http_wait_ms(header_number(res, "X-RateLimit-Reset"));
	if (ms < 0)
		ms = http_wait_ms(header_number(res, "RateLimit-Reset"));
	return ms < 0 ? LIMIT_FORGE_WAIT_MS : ms;
}

static void add_host(struct buf *b, const char *text)
{
	auto_url struct url u = {0};
	struct err ignored;

	if (!url_parse(&u, text, &ignored))
		url_authority(&u, b);
}

int forge_ask_check(const struct op *op, struct err *err)
{
	const struct http_res *res = http_result(op);
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	auto_buf struct buf said = BUF_INIT(LIMIT_FORGE_SAID + 8);
	auto_buf struct buf steady = BUF_INIT(LIMIT_FORGE_SAID);
	auto_buf struct buf to = BUF_INIT(LIMIT_URL);
	const char *location = http_header(res, "Location");
	int64_t wait_ms;

	if (res->status >= 200 && res->status < 300)
		return 0;
	add_host(&host, res->url);
	if (res->status >= 300 && res->status < 400) {
		url_safe(&to, location ? location : "");
		return err_code(err, ERR_RETRY, res->status,
			"'%s' answered %d and leads to '%.200s', where no credential follows",
			buf_str(&host), res->status, buf_str(&to));
	}
	said_read(&said, res);
	steady_add(&steady, buf_str(&said), res->url);
	wait_ms = slow_down(res, buf_str(&said));
	err_code(err, wait_ms < 0 ? ERR_RETRY : ERR_WAIT, res->status, "'%s' answered %d%s%s",
		buf_str(&host), res->status, steady.len ? ": " : "", buf_str(&steady));
	if (wait_ms >= 0)
		err->retry_ms = (uint64_t)wait_ms;
	return -1;
}

json_t *forge_ask_json(const struct op *op, struct err *err)
{
	const struct http_res *res = http_result(op);
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	json_t *o;

	o = obj_parse_within(buf_str(&res->body), res->body.len, &obj_api, "its answer", err);
	if (o)
		return o;
	add_host(&host, res->url);
	err_wrap(err, "'%s'", buf_str(&host));
	return NULL;
}
