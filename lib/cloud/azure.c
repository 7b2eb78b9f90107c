#include "cloud/azure.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/host.h"
#include "cloud/oauth.h"

#include <stdio.h>
#include <string.h>

static const char *const suffixes[] = {"azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de"};

static void azure_open(struct cloud *c)
{
	c->azure = azure_env_new(&c->env);
}

static void azure_close(struct cloud *c)
{
	azure_env_free(c->azure);
	c->azure = NULL;
}

/* ---- the host -------------------------------------------------------------------------------- */

static int azure_place(
	const struct cloud *c, const char *host, struct cloud_place *place, struct err *err)
{
	const struct azure_env *e = c->azure;
	const char *found = NULL;
	size_t i;

	if (e->err.kind != ERR_NONE) {
		*err = e->err;
		return -1;
	}
	for (i = 0; i < ARRAY_LEN(suffixes) && !found; i++)
		if (cloud_host_is_below(host, suffixes[i]))
			found = suffixes[i];
	if (!found && e->suffix && cloud_host_is_below(host, e->suffix))
		found = e->suffix;
	if (!found)
		return err_set(err, ERR_RETRY,
			"'%.255s' is no registry of Azure: their names end with .azurecr.io, "
			".azurecr.cn, .azurecr.us%s%.100s or .azurecr.de, and have no port",
			host, e->suffix ? ", ." : "", e->suffix ? e->suffix : "");
	snprintf(place->suffix, sizeof(place->suffix), "%s", found);
	return 0;
}

static void azure_access_key(const struct cloud_ticket *t, struct buf *key)
{
	auto_buf struct buf authority = BUF_INIT(LIMIT_URL);
	struct err later = {0}; /* the exchange says it */

	if (azure_authority(t, &authority, &later))
		buf_reset(&authority);
	buf_addf(key, "%s ", buf_str(&authority));
	azure_scope(t, key);
}

static void azure_credential_key(const struct cloud_ticket *t, struct buf *key)
{
	buf_adds(key, t->host);
}

/* ---- the access token ------------------------------------------------------------------------ */

struct azure_access {
	struct cloud_fetch fetch;
	struct azure_login login;
	struct secret assertion; /* or the client's secret */
};

static enum step_ret access_fail(struct azure_access *a, const struct err *err)
{
	struct err e = *err;

	if (a->login.name)
		err_wrap(&e, "%s", a->login.name);
	return task_fail(&a->fetch.task, &e);
}

static enum step_ret access_source_start(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);
	struct err err = {0};

	if (azure_login_choose(a->fetch.ticket, &a->login, &err))
		return access_fail(a, &err);
	a->fetch.got.source = a->login.name;
	return STEP_NEXT;
}

/* What is shown to Entra. */
static enum step_ret access_assertion_start(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);
	const struct cloud_env *env = &a->fetch.ticket->cloud->env;
	const char *secret;

	switch (a->login.source) {
	case AZURE_ACCOUNT:
		return task_wait(
			t, cloud_account_token_start(a->fetch.ticket, AZURE_ACCOUNT_AUDIENCE));
	case AZURE_FEDERATED:
		return task_wait(t,
			cloud_file_start(t->self.loop,
				cloud_env_get(env, "AZURE_FEDERATED_TOKEN_FILE"),
				LIMIT_CLOUD_FILE));
	case AZURE_SECRET:
		secret = cloud_env_get(env, "AZURE_CLIENT_SECRET");
		secret_set(&a->assertion, secret, strlen(secret));
		break;
	default:
		break;
	}
	return STEP_NEXT;
}

static enum step_ret access_assertion_resume(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);
	struct err err = t->op->err;

	if (a->login.source == AZURE_ACCOUNT) {
		if (err.kind != ERR_NONE)
			return access_fail(a, &err);
		secret_copy(&a->assertion, cloud_account_token_result(a->fetch.ticket, t->op));
		return STEP_NEXT;
	}
	if (err.kind == ERR_NONE &&
		!cloud_token_take(&a->assertion, cloud_file_result(t->op), &err))
		return STEP_NEXT;
	err_wrap(&err, "AZURE_FEDERATED_TOKEN_FILE");
	return access_fail(a, &err);
}

static bool access_is_managed(const struct azure_access *a)
{
	return a->login.source == AZURE_APP_SERVICE || a->login.source == AZURE_IMDS;
}

/* Its service is being set up, or updated; both pass. */
static bool imds_passing(int status)
{
	return status == 404 || status == 410;
}

static bool imds_is_throttled(const struct http_res *res)
{
	return res->status == 429 || imds_passing(res->status);
}

static int app_service_check(const struct cloud_env *env, struct err *err)
{
	if (!cloud_token_ok(cloud_env_get(env, "IDENTITY_HEADER")))
		return err_set(err, ERR_RETRY, "IDENTITY_HEADER is nothing that can be sent");
	return cloud_url_check(cloud_env_get(env, "IDENTITY_ENDPOINT"), "IDENTITY_ENDPOINT",
		CLOUD_URL_ANY, NULL, err);
}

static struct op *managed_ask(struct azure_access *a)
{
	struct cloud_ticket *t = a->fetch.ticket;
	const struct http_hdr hdrs[] = {a->login.source == AZURE_IMDS
			? (struct http_hdr){"Metadata", "true"}
			: (struct http_hdr){"X-IDENTITY-HEADER",
				  cloud_env_get(&t->cloud->env, "IDENTITY_HEADER")},
		{NULL, NULL}};
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	struct cloud_ask ask = {.what = "imds",
		.method = "GET",
		.hdrs = hdrs,
		.local = true,
		.is_throttled = a->login.source == AZURE_IMDS ? imds_is_throttled : NULL};
	struct err err = {0};

	azure_managed_url(t, &a->login, &url);
	if (a->login.source == AZURE_APP_SERVICE && app_service_check(&t->cloud->env, &err))
		return op_failed(t->cloud->loop, &err);
	ask.url = buf_str(&url);
	return cloud_ask_start(t, &ask);
}

static struct op *entra_ask(struct azure_access *a)
{
	struct cloud_ticket *t = a->fetch.ticket;
	auto_buf struct buf url = BUF_INIT(LIMIT_URL), form = BUF_INIT(2 * LIMIT_CLOUD_FILE);
	struct cloud_ask ask = {.what = "entra"};
	struct err err = {0};

	if (azure_entra_url(t, &a->login, &url, &err))
		return op_failed(t->cloud->loop, &err);
	ask.url = buf_str(&url);
	azure_entra_form(t, &a->login, a->assertion.p, &form);
	return cloud_form_post(t, &ask, &form);
}

static enum step_ret access_token_start(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);

	return task_wait(t, access_is_managed(a) ? managed_ask(a) : entra_ask(a));
}

static void managed_refused(const struct azure_access *a, const struct op *op, struct err *err)
{
	int status = cloud_ask_result(op)->status;

	cloud_refused(op, err);
	/* The node has it or it has not: the back-off decides when it is asked again. */
	if (imds_passing(status))
		err->kind = ERR_RETRY;
	if (status == 400 && !a->login.client) {
		size_t n = strlen(err->msg);

		snprintf(err->msg + n, sizeof(err->msg) - n,
			" (AZURE_CLIENT_ID says which identity, if the node has several)");
	}
}

static enum step_ret access_token_resume(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);
	auto_json json_t *answer = NULL;
	struct err err = t->op->err;

	if (err.kind != ERR_NONE)
		return access_fail(a, &err);
	if (cloud_ask_result(t->op)->status != 200) {
		if (access_is_managed(a))
			managed_refused(a, t->op, &err);
		else if (a->login.source == AZURE_SECRET)
			cloud_refused(t->op, &err);
		else
			cloud_refused_token(t->op, &a->assertion, &err);
		return access_fail(a, &err);
	}
	answer = cloud_ask_json(t->op, &err);
	if (!answer || cloud_token_read(answer, &a->fetch.got, &err))
		return access_fail(a, &err);
	return STEP_NEXT;
}

static void access_free(struct task *t)
{
	struct azure_access *a = FETCH(t, struct azure_access);

	cloud_fetch_clear(&a->fetch);
	secret_clear(&a->assertion);
	free(a);
}

static struct op *azure_access(struct cloud_ticket *t)
{
	static const struct step steps[] = {
		{"source", access_source_start},
		{"assertion", access_assertion_start, access_assertion_resume},
		{"token", access_token_start, access_token_resume},
		{0},
	};
	struct azure_access *a = NEW(struct azure_access);

	cloud_fetch_init(&a->fetch, t, "azure access", steps, access_free);
	return task_spawn(&a->fetch.task);
}

/* ---- the registry's password ----------------------------------------------------------------- */

struct azure_credential {
	struct cloud_fetch fetch;
	struct secret access;
	const char *source; /* of it; NULL: the account */
};

/* With the system's CAs only: who could answer for the registry with one of a tenant's would read
   the token of the controller. */
static enum step_ret credential_exchange_start(struct task *t)
{
	struct azure_credential *c = FETCH(t, struct azure_credential);
	const char *host = c->fetch.ticket->host;
	auto_buf struct buf url = BUF_INIT(LIMIT_URL), form = BUF_INIT(2 * LIMIT_CLOUD_FILE);
	struct cloud_ask ask = {.what = "exchange"};

	azure_exchange_url(host, &url);
	azure_exchange_form(host, c->access.p, &form);
	ask.url = buf_str(&url);
	return task_wait(t, cloud_form_post(c->fetch.ticket, &ask, &form));
}

static enum step_ret credential_exchange_resume(struct task *t)
{
	struct azure_credential *c = FETCH(t, struct azure_credential);
	auto_json json_t *answer = NULL;
	struct err err = t->op->err;

	if (err.kind == ERR_NONE && cloud_ask_result(t->op)->status != 200)
		cloud_refused(t->op, &err);
	if (err.kind == ERR_NONE && (answer = cloud_ask_json(t->op, &err)) &&
		!azure_exchange_read(answer, &c->fetch.got, &err))
		return STEP_NEXT;
	err_wrap(&err, "%s%stoken exchange with '%s'", c->source ? c->source : "",
		c->source ? ": " : "", c->fetch.ticket->host);
	return task_fail(t, &err);
}

static void credential_free(struct task *t)
{
	struct azure_credential *c = FETCH(t, struct azure_credential);

	cloud_fetch_clear(&c->fetch);
	secret_clear(&c->access);
	free(c);
}

static struct op *azure_credential(struct cloud_ticket *t, const struct cloud_secrets *access)
{
	static const struct step steps[] = {
		{"exchange", credential_exchange_start, credential_exchange_resume},
		{0},
	};
	struct azure_credential *c = NEW(struct azure_credential);

	secret_copy(&c->access, &access->first);
	c->source = access->source;
	cloud_fetch_init(&c->fetch, t, "azure credential", steps, credential_free);
	return task_spawn(&c->fetch.task);
}

const struct cloud_provider_ops cloud_azure = {
	.name = "azure",
	.open = azure_open,
	.close = azure_close,
	.place = azure_place,
	.access_key = azure_access_key,
	.credential_key = azure_credential_key,
	.access = azure_access,
	.credential = azure_credential,
};
