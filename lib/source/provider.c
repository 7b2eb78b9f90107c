#include "source/provider.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "ev/task.h"
#include "http/client.h"
#include "kube/client.h"
#include "oci/identity.h"
#include "source/item.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_LIFE_S 600 /* the least that Kubernetes makes; it is used once */

static const struct kube_resource accounts = {"", "v1", "serviceaccounts", "ServiceAccount", true};

struct provider_login {
	struct oci_login base;
	struct cloud_account account;
	unsigned refs; /* of both */
	struct cloud *cloud;
	enum cloud_provider provider;
	struct http_proxy proxy;
	struct kube_client *kube; /* NULL: it is the controller itself */
	char *ns, *name, *uid; /* of the ServiceAccount */
	json_t *annotations;
};

static void provider_login_ref(struct provider_login *l)
{
	l->refs++;
}

static void provider_login_unref(struct provider_login *l)
{
	if (--l->refs)
		return;
	http_proxy_clear(&l->proxy);
	free(l->ns);
	free(l->name);
	free(l->uid);
	json_decref(l->annotations);
	free(l);
}

/* ---- the token of a ServiceAccount ----------------------------------------------------------- */

struct account_token {
	struct task task;
	struct provider_login *login;
	char *audience;
	struct secret token;
};

static enum step_ret account_ask_start(struct task *t)
{
	struct account_token *a = TASK(t, struct account_token);
	auto_json json_t *body = json_pack("{s:s, s:s, s:{s:[s], s:i}}", "apiVersion",
		"authentication.k8s.io/v1", "kind", "TokenRequest", "spec", "audiences",
		a->audience, "expirationSeconds", TOKEN_LIFE_S);

	return task_wait(t,
		kube_start(a->login->kube,
			&(struct kube_req){.verb = KUBE_CREATE,
				.resource = &accounts,
				.ns = a->login->account.ns,
				.name = a->login->account.name,
				.subresource = "token",
				.body = body,
				.deadline_ms = LIMIT_SECRET_READ_MS}));
}

static enum step_ret account_ask_resume(struct task *t)
{
	struct account_token *a = TASK(t, struct account_token);
	const char *token;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to create kubernetes token for service account '%s/%s'",
			a->login->account.ns, a->login->account.name);
		return STEP_FAIL;
	}
	token = obj_str(kube_result(t->op), "status", "token");
	if (!token || !*token || strlen(token) > LIMIT_CLOUD_PASSWORD) {
		err_set(&t->err, ERR_RETRY,
			"the answer to a TokenRequest for service account '%s/%s' holds no token",
			a->login->account.ns, a->login->account.name);
		return STEP_FAIL;
	}
	secret_set(&a->token, token, strlen(token));
	return STEP_NEXT;
}

static void account_token_free(struct task *t)
{
	struct account_token *a = TASK(t, struct account_token);

	secret_clear(&a->token);
	free(a->audience);
	provider_login_unref(a->login);
	free(a);
}

static struct op *account_token_start(struct cloud_account *account, const char *audience)
{
	static const struct step steps[] = {{"ask", account_ask_start, account_ask_resume}, {0}};
	struct account_token *a = NEW(struct account_token);

	a->login = CONTAINER_OF(account, struct provider_login, account);
	provider_login_ref(a->login);
	a->audience = mem_strdup(audience);
	task_init(&a->task, kube_client_loop(a->login->kube), "service account token", steps, NULL,
		account_token_free);
	return task_spawn(&a->task);
}

static const struct secret *account_token_result(struct op *op)
{
	return &TASK_OF_OP(op, struct account_token)->token;
}

static void account_ref(struct cloud_account *a)
{
	provider_login_ref(CONTAINER_OF(a, struct provider_login, account));
}

static void account_unref(struct cloud_account *a)
{
	provider_login_unref(CONTAINER_OF(a, struct provider_login, account));
}

/* ---- for the registry client ----------------------------------------------------------------- */

static void login_ref(struct oci_login *l)
{
	provider_login_ref(CONTAINER_OF(l, struct provider_login, base));
}

static void login_unref(struct oci_login *l)
{
	provider_login_unref(CONTAINER_OF(l, struct provider_login, base));
}

static struct cloud_who login_who(struct provider_login *l)
{
	return (struct cloud_who){.provider = l->provider,
		.account = l->kube ? &l->account : NULL,
		.proxy = l->proxy.url ? &l->proxy : NULL};
}

static struct op *login_start_at(struct oci_login *base, const char *host, uint64_t timeout_ms)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct cloud_who who = login_who(l);

	return cloud_login_start(l->cloud, &who, host, timeout_ms);
}

static const struct secret *login_result(struct op *op)
{
	return cloud_login_result(op);
}

static bool login_serves(struct oci_login *base, const char *host)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct err ignored = {0};

	return !cloud_host_check(l->cloud, l->provider, host, &ignored);
}

static bool login_refused(struct oci_login *base, const char *host, const struct secret *password)
{
	struct provider_login *l = CONTAINER_OF(base, struct provider_login, base);
	struct cloud_who who = login_who(l);

	return cloud_login_refused(l->cloud, &who, host, password);
}

/* Of all that annotations may hold only what a cloud looks at. */
static json_t *annotations_of(const json_t *account)
{
	json_t *to = json_object();
	size_t i;

	for (i = 0; cloud_account_keys[i]; i++) {
		const char *v = obj_str(account, "metadata", "annotations", cloud_account_keys[i]);

		if (v)
			json_object_set_new(to, cloud_account_keys[i], json_string(v));
	}
	return to;
}

static void login_set_account(struct provider_login *l, const struct provider_login_opts *opts)
{
	l->kube = opts->kube;
	l->ns = mem_strdup(object_ns(opts->account));
	l->name = mem_strdup(object_name(opts->account));
	l->uid = mem_strdup(object_uid(opts->account));
	l->annotations = annotations_of(opts->account);
	l->account = (struct cloud_account){.ref = account_ref,
		.unref = account_unref,
		.ns = l->ns,
		.name = l->name,
		.uid = l->uid,
		.annotations = l->annotations,
		.token_start = account_token_start,
		.token_result = account_token_result};
}

void provider_login_add(struct oci_identity *id, const struct provider_login_opts *opts)
{
	struct provider_login *l = NEW(struct provider_login);

	l->refs = 1;
	l->base = (struct oci_login){.ref = login_ref,
		.unref = login_unref,
		.start = login_start_at,
		.result = login_result,
		.serves = login_serves,
		.refused = login_refused};
	l->cloud = opts->cloud;
	l->provider = opts->provider;
	http_proxy_copy(&l->proxy, oci_identity_proxy(id));
	if (opts->account)
		login_set_account(l, opts);
	oci_identity_set_login(id, &l->base);
	provider_login_unref(l);
}

void provider_looked_up(const struct log_ctx *who, struct cloud_lookups n)
{
	struct run *r = run_of_log(who);
	struct metric_family *f;
	struct artifact_item *a;

	if (!r)
		return;
	a = ARTIFACT_ITEM(r->item);
	f = metrics_counter(r->c->opts.metrics, "gotk_token_cache_events_total",
		"Lookups of an object's logins at a cloud.",
		"event_type,kind,name,namespace,operation");
	if (n.hits && !a->login_hits)
		a->login_hits = metric_series(
			f, "cache_hit", r->c->kind->resource->kind, r->name, r->ns, "reconcile");
	if (n.misses && !a->login_misses)
		a->login_misses = metric_series(
			f, "cache_miss", r->c->kind->resource->kind, r->name, r->ns, "reconcile");
	if (n.hits)
		metric_add(a->login_hits, n.hits);
	if (n.misses)
		metric_add(a->login_misses, n.misses);
}

const char *provider_hint(struct cloud *c, const char *host)
{
	struct err ignored = {0};
	unsigned i;

	for (i = 0; i < CLOUD_PROVIDERS; i++)
		if (!cloud_host_check(c, (enum cloud_provider)i, host, &ignored))
			return cloud_provider_name((enum cloud_provider)i);
	return NULL;
}
