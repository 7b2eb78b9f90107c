#include "hook/issuer.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/obj.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "hook/jwt.h"
#include "http/url.h"
#include "oci/outside.h"

#include <string.h>

#define DISCOVERY "/.well-known/openid-configuration"

struct issuers {
	struct loop *loop;
	struct oci_client *oci;
	struct lru all;
};

struct issuer {
	struct lru_item item; /* its key is the URL */
	struct issuers *of;
	struct jwks keys;
	bool has_keys;
	uint64_t keys_since, asked_at; /* on clock_ms() */
	uint64_t failed_until;
	struct err failed;
	struct op *fetch;
	struct flight flight;
};

struct fetch {
	struct task task;
	struct oci_client *oci;
	char *issuer;
	struct op *config;
	struct jwks keys;
};

struct ask {
	struct flight_wait base;
	const struct jwt *jwt;
	bool good;
};

/* ---- a fetch --------------------------------------------------------------------------------- */

static enum step_ret config_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	size_t n = strlen(f->issuer);
	auto_free char *url = mem_printf(
		"%.*s" DISCOVERY, (int)(n && f->issuer[n - 1] == '/' ? n - 1 : n), f->issuer);

	return task_wait(t,
		oci_outside_start(f->oci,
			&(struct oci_outside_req){.url = url,
				.max_body = LIMIT_HOOK_ISSUER,
				.deadline_ms = LIMIT_HOOK_ISSUER_MS,
				.issuer = true}));
}

static enum step_ret config_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (task_op_failed(t))
		return STEP_FAIL;
	f->config = MOVE(t->op);
	return STEP_NEXT;
}

static json_t *config_read(const struct fetch *f, struct err *err)
{
	const struct buf *body = oci_outside_body(f->config);
	json_t *o = obj_parse_within(
		buf_str(body), body->len, &obj_answer, "what it says of itself", err);

	if (!o)
		return NULL;
	if (!strcmp(obj_str_or("", o, "issuer"), f->issuer) && obj_str(o, "jwks_uri"))
		return o;
	err_set(err, ERR_RETRY, "what it says of itself is of another issuer, or names no keys");
	json_decref(o);
	return NULL;
}

static enum step_ret keys_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct err err = {0};
	auto_json json_t *config = config_read(f, &err);

	if (!config)
		return task_fail(t, &err);
	return task_wait(t,
		oci_outside_start(f->oci,
			&(struct oci_outside_req){.url = obj_str(config, "jwks_uri"),
				.max_body = LIMIT_HOOK_JWKS,
				.deadline_ms = LIMIT_HOOK_ISSUER_MS,
				.issuer = true,
				.said_by = f->config}));
}

static enum step_ret keys_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct err err = {0};
	const struct buf *body;

	if (task_op_failed(t))
		return STEP_FAIL;
	body = oci_outside_body(t->op);
	if (jwks_parse(&f->keys, buf_str(body), body->len, &err))
		return task_fail(t, &err);
	return STEP_NEXT;
}

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	free(f->issuer);
	op_free(f->config);
	jwks_clear(&f->keys);
	free(f);
}

static struct op *fetch_start(struct issuer *i)
{
	static const struct step steps[] = {
		{"config", config_start, config_resume}, {"keys", keys_start, keys_resume}, {0}};
	struct fetch *f = NEW(struct fetch);

	f->oci = i->of->oci;
	f->issuer = mem_strdup(i->item.key);
	task_init(&f->task, i->of->loop, "issuer", steps, NULL, fetch_free);
	return task_spawn(&f->task);
}

/* ---- an issuer ------------------------------------------------------------------------------- */

static bool keys_are_younger(const struct issuer *i, uint64_t ms)
{
	return i->has_keys && clock_ms() - i->keys_since < ms;
}

static void issuer_forget(struct issuer *i)
{
	jwks_clear(&i->keys);
	i->has_keys = false;
}

static void issuer_learn(struct issuer *i, struct fetch *f)
{
	issuer_forget(i);
	i->keys = f->keys;
	f->keys = (struct jwks){0};
	i->has_keys = true;
	i->keys_since = clock_ms();
	i->failed_until = 0;
}

static void ask_give(struct flight *f, struct flight_wait *base)
{
	const struct issuer *i = CONTAINER_OF(f, const struct issuer, flight);
	struct ask *a = CONTAINER_OF(base, struct ask, base);

	a->good = jwks_verify(&i->keys, a->jwt);
}

/* What those who wait hear of it: nothing, while there are keys that will do. */
static void issuer_miss(struct issuer *i, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

	url_safe(&shown, i->item.key);
	err_wrap(err, "the issuer '%.300s'", buf_str(&shown));
	i->failed = *err;
	i->failed_until = clock_ms() + LIMIT_HOOK_KEYS_FAILED_MS;
	if (keys_are_younger(i, LIMIT_HOOK_KEYS_OLD_MS))
		err_clear(err);
	else
		issuer_forget(i);
}

static void fetch_done(struct op *op, void *arg)
{
	struct issuer *i = arg;
	struct err err = op->err;

	i->fetch = NULL;
	if (err.kind == ERR_NONE)
		issuer_learn(i, TASK_OF_OP(op, struct fetch));
	else
		issuer_miss(i, &err);
	op_free(op);
	flight_land(&i->flight, &err, ask_give);
}

static void fetch_begin(struct issuer *i)
{
	i->asked_at = clock_ms();
	i->fetch = fetch_start(i);
	op_then(i->fetch, fetch_done, i);
}

static bool issuer_is_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct issuer, item)->fetch;
}

static void issuer_free(struct lru_item *it)
{
	struct issuer *i = CONTAINER_OF(it, struct issuer, item);

	op_drop(i->fetch);
	issuer_forget(i);
	free(i);
}

static struct issuer *issuer_get(struct issuers *s, const char *url)
{
	struct lru_item *it = lru_get(&s->all, url);
	struct issuer *i;

	if (it)
		return CONTAINER_OF(it, struct issuer, item);
	i = NEW(struct issuer);
	i->of = s;
	flight_init(&i->flight, NULL, NULL);
	lru_add(&s->all, url, &i->item);
	return i;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void ask_free(struct op *op)
{
	struct ask *a = CONTAINER_OF(op, struct ask, base.op);

	flight_wait_leave(&a->base);
	free(a);
}

/* Do the keys that are there settle it? */
static bool ask_settle(const struct issuer *i, struct ask *a)
{
	if (!keys_are_younger(i, LIMIT_HOOK_KEYS_MS))
		return false;
	a->good = jwks_verify(&i->keys, a->jwt);
	return a->good || clock_ms() - i->asked_at < LIMIT_HOOK_KEYS_AGAIN_MS;
}

/* After a failure the issuer is left alone for a while: what there is has to do. */
static void ask_without(const struct issuer *i, struct ask *a)
{
	if (keys_are_younger(i, LIMIT_HOOK_KEYS_OLD_MS)) {
		a->good = jwks_verify(&i->keys, a->jwt);
		op_finish(&a->base.op);
	} else {
		op_end(&a->base.op, &i->failed);
	}
}

struct op *issuer_ask_start(struct issuers *s, const char *issuer, const struct jwt *t)
{
	static const struct op_type type = {"issuer", flight_wait_cancel, ask_free};
	struct issuer *i = issuer_get(s, issuer);
	struct ask *a = NEW(struct ask);

	a->jwt = t;
	flight_wait_init(&a->base, &type, s->loop);
	if (ask_settle(i, a)) {
		op_finish(&a->base.op);
	} else if (!i->fetch && clock_ms() < i->failed_until) {
		ask_without(i, a);
	} else {
		flight_join(&i->flight, &a->base, 0);
		if (!i->fetch)
			fetch_begin(i);
	}
	return &a->base.op;
}

bool issuer_vouches(const struct op *op)
{
	return CONTAINER_OF(op, const struct ask, base.op)->good;
}

struct issuers *issuers_new(struct loop *l, struct oci_client *oci)
{
	struct issuers *s = NEW(struct issuers);

	s->loop = l;
	s->oci = oci;
	lru_init(&s->all, LIMIT_HOOK_ISSUERS, issuer_is_busy, issuer_free);
	return s;
}

void issuers_free(struct issuers *s)
{
	lru_clear(&s->all);
	free(s);
}
