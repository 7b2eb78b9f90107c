#include "cloud/cloud.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/frame.h"
#include "crypto/digest.h"

#include <stdlib.h>
#include <string.h>

static const struct cloud_provider_ops *const providers[CLOUD_PROVIDERS] = {
	[CLOUD_AWS] = &cloud_aws, [CLOUD_AZURE] = &cloud_azure, [CLOUD_GCP] = &cloud_gcp};

const char *const cloud_account_keys[] = {"eks.amazonaws.com/role-arn",
	"azure.workload.identity/tenant-id", "azure.workload.identity/client-id",
	"iam.gke.io/gcp-service-account", "gcp.auth.fluxcd.io/workload-identity-provider", NULL};

bool cloud_provider_parse(const char *name, enum cloud_provider *out)
{
	unsigned i;

	for (i = 0; i < CLOUD_PROVIDERS; i++)
		if (!strcmp(name, providers[i]->name)) {
			*out = (enum cloud_provider)i;
			return true;
		}
	return false;
}

const char *cloud_provider_name(enum cloud_provider provider)
{
	return providers[provider]->name;
}

struct cloud *cloud_new(const struct cloud_opts *opts)
{
	struct cloud *c = NEW(struct cloud);
	uint64_t life = opts->max_life_ms;
	size_t i;

	if (!life || life > LIMIT_CLOUD_LIFE_MS)
		life = LIMIT_CLOUD_LIFE_MS;
	c->loop = opts->loop;
	c->http = opts->http;
	c->looked_up = opts->cache_max ? opts->looked_up : NULL;
	cloud_env_copy(&c->env, opts->env);
	c->cache = cloud_cache_new(opts->loop, opts->cache_max, life);
	c->tally = cloud_tally_new();
	for (i = 0; i < CLOUD_PROVIDERS; i++)
		if (providers[i]->open)
			providers[i]->open(c);
	return c;
}

void cloud_stop(struct cloud *c)
{
	cloud_cache_stop(c->cache);
}

void cloud_free(struct cloud *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < CLOUD_PROVIDERS; i++)
		if (providers[i]->close)
			providers[i]->close(c);
	cloud_cache_free(c->cache);
	cloud_tally_free(c->tally);
	cloud_env_clear(&c->env);
	free(c);
}

void cloud_stats(const struct cloud *c, struct cloud_stats *out)
{
	cloud_cache_stats(c->cache, out);
}

/* ---- tickets --------------------------------------------------------------------------------- */

static struct cloud_ticket *ticket_new(
	struct cloud *c, const struct cloud_who *who, const char *host)
{
	struct cloud_ticket *t = NEW(struct cloud_ticket);
	char *p;

	t->refs = 1;
	t->cloud = c;
	t->provider = providers[who->provider];
	t->account = who->account;
	if (t->account)
		t->account->ref(t->account);
	if (who->proxy)
		http_proxy_copy(&t->proxy, who->proxy);
	t->host = mem_strdup(host);
	for (p = t->host; *p; p++)
		if (ascii_is_upper(*p))
			*p = (char)(*p | 0x20);
	t->until_ms = clock_ms() + LIMIT_CLOUD_LOGIN_MS;
	return t;
}

int cloud_host_check(
	struct cloud *c, enum cloud_provider provider, const char *host, struct err *err)
{
	struct cloud_place place = {0};

	return providers[provider]->place(c, host, &place, err);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* With its length: no value can look like the end of one. */
static void key_add(struct buf *key, const char *value)
{
	buf_addf(key, "%zu:%s\n", value ? strlen(value) : 0, value ? value : "");
}

/* The proxy's password is part of who asks, and in no text. */
static void key_add_proxy(struct buf *key, const struct http_proxy *p)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	if (!p->url) {
		buf_addc(key, '\n');
		return;
	}
	key_add(&b, p->url);
	key_add(&b, p->user);
	buf_add(&b, p->password.p ? p->password.p : "", p->password.len);
	digest_mem(&d, DIGEST_SHA256, b.p, b.len);
	mem_wipe(b.p, b.len);
	buf_addf(key, "%s\n", digest_hex(&d, hex));
}

static void key_add_who(struct buf *key, const struct cloud_ticket *t)
{
	size_t i;

	buf_addf(key, "%s\n", t->provider->name);
	if (t->account) {
		key_add(key, t->account->ns);
		key_add(key, t->account->name);
		key_add(key, t->account->uid);
		for (i = 0; cloud_account_keys[i]; i++)
			key_add(key, cloud_account_annotation(t, cloud_account_keys[i]));
	}
	key_add_proxy(key, &t->proxy);
	if (t->provider->access_key)
		t->provider->access_key(t, key);
}

/* What is kept for long is as short for long annotations as for none. */
static char *key_digest(const char *kind, const struct buf *text)
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, buf_str(text), text->len);
	return mem_printf("%s %s", kind, digest_hex(&d, hex));
}

static char *access_key(const struct cloud_ticket *t)
{
	auto_buf struct buf key = BUF_INIT(BUF_ANY);

	key_add_who(&key, t);
	return key_digest("access", &key);
}

static char *credential_key(const struct cloud_ticket *t)
{
	auto_buf struct buf key = BUF_INIT(BUF_ANY);

	key_add_who(&key, t);
	if (t->provider->credential_key)
		t->provider->credential_key(t, &key);
	return key_digest("credential", &key);
}

/* ---- the credential: an access token, and what the registry wants for it --------------------- */

struct credential {
	struct cloud_fetch fetch;
	struct cloud_secrets access;
};

static struct op *access_fetch(struct cloud_ticket *t)
{
	return t->provider->access(t);
}

static uint64_t ticket_left(const struct cloud_ticket *t)
{
	uint64_t now = clock_ms();

	return t->until_ms > now ? t->until_ms - now : 1;
}

static enum step_ret credential_access_start(struct task *t)
{
	struct cloud_ticket *ticket = FETCH(t, struct credential)->fetch.ticket;
	auto_free char *key = access_key(ticket);

	return task_wait(t,
		cloud_cache_start(
			ticket->cloud->cache, key, access_fetch, ticket, ticket_left(ticket)));
}

static enum step_ret credential_access_resume(struct task *t)
{
	struct credential *c = FETCH(t, struct credential);

	c->fetch.inner = cloud_cache_lookups(t->op);
	if (task_op_failed(t))
		return STEP_FAIL;
	cloud_secrets_copy(&c->access, cloud_cache_result(t->op));
	return STEP_NEXT;
}

static enum step_ret credential_make_start(struct task *t)
{
	struct credential *c = FETCH(t, struct credential);

	return task_wait(t, c->fetch.ticket->provider->credential(c->fetch.ticket, &c->access));
}

/* An access token that the cloud does not take any more is not shown again. One that was just made
   is as good as the next: it is what it is shown for that is refused, and others need it. */
static enum step_ret credential_make_resume(struct task *t)
{
	struct credential *c = FETCH(t, struct credential);

	if (task_op_failed(t)) {
		auto_free char *key = access_key(c->fetch.ticket);

		if (t->err.kind != ERR_WAIT &&
			(t->err.code == 400 || t->err.code == 401 || t->err.code == 403))
			(void)cloud_cache_refused(c->fetch.ticket->cloud->cache, key,
				&c->access.first, LIMIT_CLOUD_REFUSED_MS);
		return STEP_FAIL;
	}
	cloud_secrets_copy(&c->fetch.got, &TASK_OF_OP(t->op, struct cloud_fetch)->got);
	return STEP_NEXT;
}

static void credential_free(struct task *t)
{
	struct credential *c = FETCH(t, struct credential);

	cloud_secrets_clear(&c->access);
	cloud_fetch_clear(&c->fetch);
	free(c);
}

static struct op *credential_fetch(struct cloud_ticket *t)
{
	static const struct step steps[] = {
		{"access", credential_access_start, credential_access_resume},
		{"credential", credential_make_start, credential_make_resume},
		{0},
	};
	struct credential *c = NEW(struct credential);

	cloud_fetch_init(&c->fetch, t, "cloud credential", steps, credential_free);
	return task_spawn(&c->fetch.task);
}

/* ---- the login ------------------------------------------------------------------------------- */

struct login {
	struct task task;
	struct cloud_ticket *ticket;
	uint64_t timeout_ms;
	struct secret password;
};

static enum step_ret login_fail(struct login *l)
{
	const struct cloud_account *a = l->ticket->account;
	struct err *err = &l->task.err;

	if (a && err->kind != ERR_CANCELED)
		err_wrap(err, "ServiceAccount '%s/%s'", a->ns, a->name);
	err_wrap(err, "failed to get credential from %s", l->ticket->provider->name);
	return STEP_FAIL;
}

static enum step_ret login_place_start(struct task *t)
{
	struct login *l = TASK(t, struct login);
	struct cloud_ticket *k = l->ticket;

	return k->provider->place(k->cloud, k->host, &k->place, &t->err) ? login_fail(l)
									 : STEP_NEXT;
}

static enum step_ret login_credential_start(struct task *t)
{
	struct login *l = TASK(t, struct login);
	struct cloud_cache *cache = l->ticket->cloud->cache;
	auto_free char *key = credential_key(l->ticket);

	return task_wait(t,
		cloud_cache_start(cache, key, credential_fetch, l->ticket,
			cloud_cache_patience(cache, key, l->timeout_ms)));
}

static enum step_ret login_credential_resume(struct task *t)
{
	struct login *l = TASK(t, struct login);
	const struct cloud *c = l->ticket->cloud;

	if (c->looked_up)
		c->looked_up(task_log(t), cloud_cache_lookups(t->op));
	if (task_op_failed(t))
		return login_fail(l);
	secret_copy(&l->password, &cloud_cache_result(t->op)->first);
	return STEP_NEXT;
}

static void login_free(struct task *t)
{
	struct login *l = TASK(t, struct login);

	secret_clear(&l->password);
	cloud_ticket_unref(l->ticket);
	free(l);
}

struct op *cloud_login_start(
	struct cloud *c, const struct cloud_who *who, const char *host, uint64_t timeout_ms)
{
	static const struct step steps[] = {
		{"place", login_place_start},
		{"credential", login_credential_start, login_credential_resume},
		{0},
	};
	struct login *l = NEW(struct login);

	l->ticket = ticket_new(c, who, host);
	l->timeout_ms = timeout_ms;
	task_init(&l->task, c->loop, "cloud login", steps, NULL, login_free);
	return task_spawn(&l->task);
}

const struct secret *cloud_login_result(const struct op *op)
{
	return &TASK_OF_OP(op, const struct login)->password;
}

/* ---- a token for another service ------------------------------------------------------------- */

static struct cloud_ticket *token_ticket(
	struct cloud *c, const struct cloud_who *who, const char *scope)
{
	struct cloud_ticket *t = ticket_new(c, who, "");

	t->scope = mem_strdup(scope);
	return t;
}

static enum step_ret login_access_start(struct task *t)
{
	struct login *l = TASK(t, struct login);
	struct cloud_cache *cache = l->ticket->cloud->cache;
	auto_free char *key = access_key(l->ticket);

	return task_wait(t,
		cloud_cache_start(cache, key, access_fetch, l->ticket,
			cloud_cache_patience(cache, key, l->timeout_ms)));
}

struct op *cloud_token_start(
	struct cloud *c, const struct cloud_who *who, const char *scope, uint64_t timeout_ms)
{
	static const struct step steps[] = {
		{"access", login_access_start, login_credential_resume}, {0}};
	struct login *l = NEW(struct login);

	l->ticket = token_ticket(c, who, scope);
	l->timeout_ms = timeout_ms;
	task_init(&l->task, c->loop, "cloud token", steps, NULL, login_free);
	return task_spawn(&l->task);
}

const struct secret *cloud_token_result(const struct op *op)
{
	return cloud_login_result(op);
}

void cloud_token_refused(
	struct cloud *c, const struct cloud_who *who, const char *scope, const struct secret *token)
{
	struct cloud_ticket *t = token_ticket(c, who, scope);
	auto_free char *key = access_key(t);

	(void)cloud_cache_refused(c->cache, key, token, 0);
	cloud_ticket_unref(t);
}

/* Where the access token is the password, a new login would be given the same one again. */
static void access_refused(const struct cloud_ticket *t, const struct secret *password)
{
	size_t at = t->provider->access_at;
	auto_secret struct secret token = {0};
	auto_free char *key = NULL;

	if (!at || password->len <= at)
		return;
	key = access_key(t);
	secret_set(&token, password->p + at, password->len - at);
	(void)cloud_cache_refused(t->cloud->cache, key, &token, 0);
}

bool cloud_login_refused(struct cloud *c, const struct cloud_who *who, const char *host,
	const struct secret *password)
{
	struct cloud_ticket *t = ticket_new(c, who, host);
	struct err ignored = {0};
	bool other = false;

	if (!t->provider->place(c, t->host, &t->place, &ignored)) {
		auto_free char *key = credential_key(t);

		other = cloud_cache_refused(c->cache, key, password, 0);
		if (other)
			access_refused(t, password);
	}
	cloud_ticket_unref(t);
	return other;
}
