/*
 * Tokens of the installations of GitHub Apps. Each is fetched once for all who wait for it, and
 * kept. The fetch belongs to the entry: who waits no more takes nothing from the others.
 */
#include "base/ascii.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "ev/work.h"
#include "forge/internal.h"
#include "http/url.h"

#include <errno.h>
#include <string.h>

/* GitHub takes no JWT that lasts for more than ten minutes, and its clock may be behind ours. */
#define JWT_SKEW_S 60
#define JWT_LIFE_S 540

struct entry {
	struct lru_item item;
	struct forge *forge;
	struct secret token;
	uint64_t until_ms; /* on clock_ms() */
	int64_t wall_until_ms; /* on clock_wall_ms(): both have to agree */
	uint64_t refused_until_ms; /* none is replaced before that */
	struct op *fetch; /* on its way */
	struct flight flight;
};

struct wait {
	struct flight_wait base;
	struct secret token;
};

struct fetch {
	struct task task;
	struct forge *forge;
	struct entry *entry;
	char *api, *id, *installation, *owner;
	struct secret key, jwt;
	struct forge_route route;
	bool as_user; /* the owner is no organisation */
	struct secret token; /* of a success */
	int64_t expires_ms;
};

#define FETCH(t) TASK(t, struct fetch)

/* ---- the JWT --------------------------------------------------------------------------------- */

struct sign {
	struct buf jwt;
	struct secret key;
};

static int sign_run(void *job, const atomic_bool *stop, struct err *err)
{
	auto_buf struct buf signature = BUF_INIT(RSA_BITS_MAX / 8);
	struct sign *s = job;

	(void)stop; /* some milliseconds */
	if (rsa_sign_sha256(&signature, s->key.p, s->key.len, buf_str(&s->jwt), s->jwt.len, err))
		return err_wrap(err, "the App's private key");
	buf_addc(&s->jwt, '.');
	if (base64_encode(&s->jwt, signature.p, signature.len, BASE64_URL))
		return err_set(err, ERR_STALL, "the App's ID is too long");
	return 0;
}

static void sign_free(void *job)
{
	struct sign *s = job;

	if (s->jwt.p)
		mem_wipe(s->jwt.p, s->jwt.cap);
	buf_clear(&s->jwt);
	secret_clear(&s->key);
	free(s);
}

static void jwt_begin(struct buf *out, const char *id)
{
	auto_buf struct buf claims = BUF_INIT(LIMIT_TOKEN_BODY);
	static const char header[] = "{\"alg\":\"RS256\",\"typ\":\"JWT\"}";
	int64_t from = clock_wall_ms() / 1000 - JWT_SKEW_S;
	struct js_w w = JS_W(&claims);

	js_begin(&w, '{');
	js_kint(&w, "iat", from);
	js_kint(&w, "exp", from + JWT_LIFE_S);
	js_kstr(&w, "iss", id);
	js_end(&w, '}');
	base64_encode(out, header, sizeof(header) - 1, BASE64_URL);
	buf_addc(out, '.');
	base64_encode(out, buf_str(&claims), claims.len, BASE64_URL);
}

static enum step_ret sign_start(struct task *t)
{
	struct fetch *f = FETCH(t);
	struct sign *s = NEW(struct sign);

	buf_init(&s->jwt, LIMIT_TOKEN_BODY);
	secret_copy(&s->key, &f->key);
	jwt_begin(&s->jwt, f->id);
	return task_wait(t,
		work_start_for(t->self.loop, WORK_HEAVY, f->route.owner, sign_run, sign_free, s));
}

static enum step_ret sign_resume(struct task *t)
{
	struct sign *s = work_job(t->op);

	if (task_op_failed(t))
		return STEP_FAIL;
	secret_set(&FETCH(t)->jwt, s->jwt.p, s->jwt.len);
	return STEP_NEXT;
}

/* ---- the installation ------------------------------------------------------------------------ */

static struct op *fetch_ask(struct fetch *f, const char *method, const char *url)
{
	return forge_ask_start(f->forge,
		&(struct forge_ask){.kind = FORGE_GITHUB,
			.method = method,
			.url = url,
			.bearer = &f->jwt,
			.route = &f->route});
}

static enum step_ret find_start(struct task *t)
{
	struct fetch *f = FETCH(t);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);

	if (f->installation)
		return STEP_NEXT;
	buf_addf(&url, "%s/%s/", f->api, f->as_user ? "users" : "orgs");
	url_encode(&url, f->owner);
	buf_adds(&url, "/installation");
	return task_wait(t, fetch_ask(f, "GET", buf_str(&url)));
}

static enum step_ret find_resume(struct task *t)
{
	struct fetch *f = FETCH(t);
	auto_json json_t *o = NULL;
	struct err err = {0};
	int64_t id;

	if (task_op_failed(t))
		return STEP_FAIL;
	if (http_result(t->op)->status == 404 && !f->as_user) {
		f->as_user = true;
		return STEP_AGAIN;
	}
	if (forge_ask_check(t->op, &err) || !(o = forge_ask_json(t->op, &err))) {
		err_wrap(&err, "the App's installation at '%.100s'", f->owner);
		return task_fail(t, &err);
	}
	id = obj_int(0, o, "id");
	if (id <= 0) {
		err_set(&err, ERR_RETRY, "the answer has no ID of the App's installation");
		return task_fail(t, &err);
	}
	f->installation = mem_printf("%lld", (long long)id);
	return STEP_NEXT;
}

/* ---- the token ------------------------------------------------------------------------------- */

static enum step_ret token_start(struct task *t)
{
	struct fetch *f = FETCH(t);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);

	buf_addf(&url, "%s/app/installations/", f->api);
	url_encode(&url, f->installation);
	buf_adds(&url, "/access_tokens");
	return task_wait(t, fetch_ask(f, "POST", buf_str(&url)));
}

/* May it go into a header, and into a password? */
static bool token_ok(const char *token)
{
	size_t n = 0;

	for (; token && token[n]; n++)
		if (token[n] <= 0x20 || token[n] > 0x7e || n >= LIMIT_CLOUD_PASSWORD)
			return false;
	return n > 0;
}

static enum step_ret token_resume(struct task *t)
{
	struct fetch *f = FETCH(t);
	auto_json json_t *o = NULL;
	struct err err = {0};
	const char *token, *expires;

	if (task_op_failed(t))
		return STEP_FAIL;
	if (forge_ask_check(t->op, &err) || !(o = forge_ask_json(t->op, &err))) {
		err_wrap(&err, "the App's token");
		return task_fail(t, &err);
	}
	token = obj_str(o, "token");
	expires = obj_str(o, "expires_at");
	if (!token_ok(token)) {
		err_set(&err, ERR_RETRY, "the answer has no token of the App's installation");
		return task_fail(t, &err);
	}
	if (!expires || time_parse_rfc3339(expires, &f->expires_ms, &err))
		f->expires_ms = 0;
	secret_set(&f->token, token, strlen(token));
	return STEP_NEXT;
}

static const struct step fetch_steps[] = {{"sign", sign_start, sign_resume, false},
	{"find", find_start, find_resume, false}, {"token", token_start, token_resume, false},
	{NULL, NULL, NULL, false}};

static void fetch_free(struct task *t)
{
	struct fetch *f = FETCH(t);

	free(f->api);
	free(f->id);
	free(f->installation);
	free(f->owner);
	secret_clear(&f->key);
	secret_clear(&f->jwt);
	secret_clear(&f->token);
	forge_route_clear(&f->route);
	free(f);
}

static const struct log_ctx *fetch_log(const struct task *t)
{
	return flight_log(&CONTAINER_OF(t, const struct fetch, task)->entry->flight);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static bool entry_busy(const struct lru_item *it)
{
	const struct entry *e = CONTAINER_OF(it, const struct entry, item);

	return e->fetch || !flight_is_empty(&e->flight);
}

static void entry_free(struct lru_item *it)
{
	struct entry *e = CONTAINER_OF(it, struct entry, item);

	secret_clear(&e->token);
	free(e);
}

void forge_tokens_init(struct forge *f)
{
	lru_init(&f->tokens, LIMIT_FORGE_TOKENS, entry_busy, entry_free);
}

void forge_tokens_stop(struct forge *f)
{
	struct lru_item *it;

	lru_each (&f->tokens, it) {
		struct entry *e = CONTAINER_OF(it, struct entry, item);

		if (e->fetch)
			op_cancel(e->fetch);
	}
}

static bool entry_serves(const struct entry *e)
{
	return e->token.len && clock_ms() < e->until_ms && clock_wall_ms() < e->wall_until_ms;
}

static void entry_keep(struct entry *e, const struct fetch *f)
{
	int64_t now = clock_wall_ms(), life = f->expires_ms - now - LIMIT_FORGE_EARLY_MS;

	life = life < 0 ? 0 : life > LIMIT_FORGE_LIFE_MS ? LIMIT_FORGE_LIFE_MS : life;
	secret_copy(&e->token, &f->token);
	e->until_ms = clock_ms() + (uint64_t)life;
	e->wall_until_ms = now + life;
}

static void entry_give(struct flight *f, struct flight_wait *base)
{
	secret_copy(&CONTAINER_OF(base, struct wait, base)->token,
		&CONTAINER_OF(f, struct entry, flight)->token);
}

static void on_fetched(struct op *op, void *arg)
{
	struct entry *e = arg;

	e->fetch = NULL;
	if (op->err.kind == ERR_NONE)
		entry_keep(e, TASK_OF_OP(op, struct fetch));
	flight_land(&e->flight, &op->err, entry_give);
	op_free(op);
}

static void overdue(struct flight *f, struct flight_wait *w, bool alone, struct err *err)
{
	(void)f;
	(void)w;
	(void)alone;
	err_code(err, ERR_RETRY, -ETIMEDOUT, "the App's token did not come in time");
}

static void entry_fetch(
	struct entry *e, const struct forge_app *app, char *api, const struct forge_way *way)
{
	struct fetch *f = NEW(struct fetch);
	struct forge_way whole = *way;

	/* It is for all who join it: its time is its own. */
	whole.timeout_ms = 0;
	f->forge = e->forge;
	f->entry = e;
	f->api = api;
	f->id = mem_strdup(app->id);
	if (app->installation && *app->installation)
		f->installation = mem_strdup(app->installation);
	f->owner = mem_strdup(app->installation_owner);
	secret_copy(&f->key, app->key);
	forge_route_init(&f->route, &whole);
	task_init(&f->task, e->forge->loop, "forge-token", fetch_steps, NULL, fetch_free);
	f->task.log_fn = fetch_log;
	e->fetch = task_spawn(&f->task);
	op_then(e->fetch, on_fetched, e);
}

/* ---- who asks -------------------------------------------------------------------------------- */

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	secret_clear(&w->token);
	free(w);
}

static const struct op_type wait_type = {"forge-token", flight_wait_cancel, wait_free};

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == 0;
}

static bool word_ok(const char *s)
{
	const char *p = s;

	for (; ascii_is_alnum(*p) || *p == '-' || *p == '_' || *p == '.'; p++)
		;
	return p > s && !*p && p - s <= 100;
}

static int app_check(const struct forge_app *app, struct err *err)
{
	bool installed = app->installation && *app->installation;

	if (!app->id || !word_ok(app->id))
		return err_set(err, ERR_STALL, "the App's ID is none");
	if (installed && !all_digits(app->installation))
		return err_set(err, ERR_STALL, "the ID of the App's installation is no number");
	if (!installed && (!app->installation_owner || !word_ok(app->installation_owner)))
		return err_set(err, ERR_STALL,
			"there is neither an ID nor an owner of the App's installation");
	if (!app->key || !app->key->len)
		return err_set(err, ERR_STALL, "there is no private key of the App");
	return 0;
}

/* Whoever has the key may have its tokens; the key itself is in no key of ours. */
static char *entry_key(const struct forge_app *app, const char *api)
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, app->key->p, app->key->len);
	return mem_printf("%s %s %s %s %s", api, app->id, app->installation ?: "",
		app->installation_owner ?: "", digest_hex(&d, hex));
}

static struct entry *entry_get(struct forge *f, const char *key)
{
	struct lru_item *it = lru_get(&f->tokens, key);
	struct entry *e;

	if (it)
		return CONTAINER_OF(it, struct entry, item);
	e = NEW(struct entry);
	e->forge = f;
	flight_init(&e->flight, NULL, overdue);
	lru_add(&f->tokens, key, &e->item);
	return e;
}

struct op *forge_token_start(
	struct forge *f, const struct forge_app *app, const struct forge_way *way)
{
	uint64_t timeout_ms = way->timeout_ms ? way->timeout_ms : LIMIT_FORGE_MS;
	auto_free char *key = NULL, *api = NULL;
	struct err err = {0};
	struct entry *e;
	struct wait *w;

	if (app_check(app, &err) || forge_base_read(&api, app->base_url, &err))
		return op_failed(f->loop, &err);
	key = entry_key(app, api);
	e = entry_get(f, key);
	w = NEW(struct wait);
	flight_wait_init(&w->base, &wait_type, f->loop);
	if (entry_serves(e)) {
		secret_copy(&w->token, &e->token);
		op_finish(&w->base.op);
		return &w->base.op;
	}
	flight_join(&e->flight, &w->base, timeout_ms);
	if (!e->fetch)
		entry_fetch(e, app, MOVE(api), way);
	return &w->base.op;
}

const struct secret *forge_token_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct wait, base.op)->token;
}

void forge_token_refused(struct forge *f, const struct forge_app *app, const struct secret *token)
{
	auto_free char *key = NULL, *api = NULL;
	struct lru_item *it;
	struct err ignored;
	struct entry *e;

	if (app_check(app, &ignored) || forge_base_read(&api, app->base_url, &ignored))
		return;
	key = entry_key(app, api);
	it = lru_get(&f->tokens, key);
	e = it ? CONTAINER_OF(it, struct entry, item) : NULL;
	if (!e || !secret_equal(&e->token, token) || clock_ms() < e->refused_until_ms)
		return;
	e->refused_until_ms = clock_ms() + LIMIT_CLOUD_REFUSED_MS;
	secret_clear(&e->token);
}
