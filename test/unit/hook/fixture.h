/* What the tests of lib/hook share: a hook, and calls that are made of text. */
#ifndef UNIT_HOOK_FIXTURE_H
#define UNIT_HOOK_FIXTURE_H
#include "base/buf.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "hook/hook.h"
#include "http/client.h"
#include "oci/registry.h"

#include <check.h>
#include <string.h>
#include <strings.h>

#define TOKEN "s3cr3t-of-the-receiver"

/* Headers are pairs of name and value; NULL ends them. */
struct ask {
	const char *type, *token, *email, *audience;
	const char *const *events;
	struct hook_oidc *oidc;
	bool filtered;
	const char *headers[12];
	const char *body;
	size_t len; /* 0: as the text says */
};

struct fixture {
	struct loop *loop;
	struct http_client *http;
	struct oci_client *oci;
	struct hook *hook;
};

static inline const char *fixture_header(void *x, const char *name)
{
	const struct ask *a = x;
	size_t i;

	for (i = 0; i + 1 < ARRAY_LEN(a->headers) && a->headers[i]; i += 2)
		if (!strcasecmp(a->headers[i], name))
			return a->headers[i + 1];
	return NULL;
}

static inline void fixture_init(struct fixture *f, const char *google)
{
	static const struct http_client_opts opts = {.max_per_host = 24};

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	f->loop = loop_new();
	f->http = http_client_new(f->loop, &opts);
	f->oci = oci_client_new(f->loop, f->http);
	f->hook = hook_new(&(struct hook_opts){.loop = f->loop, .oci = f->oci, .google = google});
}

static inline void fixture_clear(struct fixture *f)
{
	int i;

	hook_free(f->hook);
	oci_client_stop(f->oci);
	for (i = 0; i < 10; i++)
		loop_turn(f->loop, false);
	oci_client_free(f->oci);
	http_client_free(f->http);
	while (loop_turn(f->loop, false))
		;
	ck_assert_int_eq(loop_free(f->loop), 0);
}

static inline void fixture_done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

static inline struct op *fixture_start(struct fixture *f, const struct ask *a)
{
	struct secret token = {0};
	struct hook_spec spec = {.type = hook_type_find(a->type),
		.token = &token,
		.email = a->email,
		.audience = a->audience,
		.events = a->events,
		.oidc = a->oidc,
		.filtered = a->filtered,
		.owner = "apps"};
	struct hook_call call = {.header = fixture_header,
		.x = (void *)a,
		.body = a->body,
		.len = a->len     ? a->len
			: a->body ? strlen(a->body)
				  : 0};
	struct op *op;

	ck_assert_ptr_nonnull(spec.type);
	secret_set(&token, a->token ? a->token : TOKEN, strlen(a->token ? a->token : TOKEN));
	op = hook_check_start(f->hook, &spec, &call);
	secret_clear(&token);
	return op;
}

/* What it says is checked for what every verdict has to keep to. */
static inline const struct hook_verdict *fixture_verdict(const struct ask *a, struct op *op)
{
	const struct hook_verdict *v = hook_verdict(op);

	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_ptr_null(strstr(v->why, a->token && *a->token ? a->token : TOKEN));
	ck_assert_ptr_null(strstr(v->detail, a->token && *a->token ? a->token : TOKEN));
	ck_assert_int_eq(!*v->why, v->status == 200);
	if (v->said != HOOK_FIRE) {
		ck_assert_ptr_null(v->req);
		ck_assert_ptr_null(v->claims);
		ck_assert_uint_eq(v->pushes.len, 0);
	}
	ck_assert(v->said != HOOK_FIRE || a->filtered == json_is_object(v->req));
	return v;
}

static inline struct op *fixture_ask(struct fixture *f, const struct ask *a)
{
	struct op *op = fixture_start(f, a);
	bool done = false;

	op_then(op, fixture_done, &done);
	while (!done)
		loop_turn(f->loop, true);
	return op;
}

static inline enum hook_said fixture_said(struct fixture *f, const struct ask *a)
{
	struct op *op = fixture_ask(f, a);
	enum hook_said said = fixture_verdict(a, op)->said;

	op_free(op);
	return said;
}

#endif
