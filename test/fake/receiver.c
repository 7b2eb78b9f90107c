#include "test/fake/receiver.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "ev/loop.h"
#include "http/server.h"

#include <check.h>
#include <string.h>

struct fake_receiver {
	struct loop *loop;
	struct http_server *server;
	char *address, *url, *except;
	int status, except_status;
	unsigned requests;
	VEC(struct http_exchange *) waiting;
	struct buf said;
	json_t *last;
	char *text;
};

static void answer(struct fake_receiver *r, struct http_exchange *x, int status)
{
	const struct buf *body = http_x_body(x);
	struct err err = {0};
	auto_json json_t *o = obj_parse(body->p, body->len, "event", &err);

	ck_assert_msg(o != NULL, "%s", err.msg);
	if (status < 300)
		buf_addf(&r->said, "%s %s %s\n", obj_str_or("", o, "involvedObject", "name"),
			obj_str_or("", o, "severity"), obj_str_or("", o, "reason"));
	http_reply_text(x, status, "");
}

static void forget(void *arg, struct http_exchange *x, bool gone)
{
	struct fake_receiver *r = arg;
	size_t i;

	(void)gone;
	for (i = 0; i < r->waiting.len; i++)
		if (r->waiting.p[i] == x)
			r->waiting.p[i] = r->waiting.p[--r->waiting.len];
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct fake_receiver *r = arg;
	const struct buf *body = http_x_body(x);
	struct err err = {0};
	const char *name;

	ck_assert_str_eq(http_x_method(x), "POST");
	ck_assert_str_eq(http_x_path(x), "/");
	ck_assert_str_eq(http_x_header(x, "Content-Type"), "application/json");
	ck_assert_uint_le(body->len, LIMIT_NOTICE);
	r->requests++;
	json_decref(r->last);
	free(r->text);
	r->text = mem_strndup(body->p, body->len);
	r->last = obj_parse(body->p, body->len, "event", &err);
	ck_assert_msg(r->last != NULL, "%s", err.msg);
	name = obj_str_or("", r->last, "involvedObject", "name");
	if (r->except && !strcmp(name, r->except)) {
		answer(r, x, r->except_status);
	} else if (r->status) {
		answer(r, x, r->status);
	} else {
		http_x_on_end(x, forget, r);
		*vec_add(&r->waiting) = x;
	}
}

void fake_receiver_start(struct fake_receiver *r)
{
	struct err err = {0};

	r->server = http_server_new(r->loop,
		&(struct http_server_opts){.name = "receiver",
			.address = r->address ? r->address : "127.0.0.1:0",
			.handler = on_request,
			.arg = r,
			.max_body = LIMIT_MIB},
		&err);
	ck_assert_msg(r->server != NULL, "%s", err.msg);
	if (!r->address)
		r->address = mem_strdup(http_server_address(r->server));
}

struct fake_receiver *fake_receiver_new(struct loop *l)
{
	struct fake_receiver *r = NEW(struct fake_receiver);

	r->loop = l;
	r->status = 202;
	buf_init(&r->said, BUF_ANY);
	fake_receiver_start(r);
	r->url = mem_printf("http://%s/", r->address);
	return r;
}

void fake_receiver_stop(struct fake_receiver *r)
{
	int i;

	http_server_free(r->server);
	r->server = NULL;
	for (i = 0; i < 20; i++)
		loop_turn(r->loop, false);
}

void fake_receiver_free(struct fake_receiver *r)
{
	if (r->server)
		fake_receiver_stop(r);
	json_decref(r->last);
	vec_clear(&r->waiting);
	buf_clear(&r->said);
	free(r->text);
	free(r->except);
	free(r->address);
	free(r->url);
	free(r);
}

const char *fake_receiver_url(const struct fake_receiver *r)
{
	return r->url;
}

void fake_receiver_answer(struct fake_receiver *r, int status)
{
	r->status = status;
	while (status && r->waiting.len) {
		struct http_exchange *x = r->waiting.p[0];

		forget(r, x, false);
		answer(r, x, status);
	}
}

void fake_receiver_except(struct fake_receiver *r, const char *name, int status)
{
	free(r->except);
	r->except = mem_strdup(name);
	r->except_status = status;
}

unsigned fake_receiver_requests(const struct fake_receiver *r)
{
	return r->requests;
}

unsigned fake_receiver_waiting(const struct fake_receiver *r)
{
	return (unsigned)r->waiting.len;
}

const char *fake_receiver_said(const struct fake_receiver *r)
{
	return buf_str(&r->said);
}

const json_t *fake_receiver_last(const struct fake_receiver *r)
{
	return r->last;
}

const char *fake_receiver_last_text(const struct fake_receiver *r)
{
	return r->text;
}
