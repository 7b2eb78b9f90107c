#include "source/service_account.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "ev/task.h"
#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_LIFE_S 600 /* the least that Kubernetes makes; it is used once */

static const struct kube_resource accounts = {"", "v1", "serviceaccounts", "ServiceAccount", true};

struct service_account {
	struct cloud_account base;
	unsigned refs;
	struct kube_client *kube;
	char *ns, *name, *uid;
	json_t *annotations;
};

static void account_ref(struct cloud_account *base)
{
	CONTAINER_OF(base, struct service_account, base)->refs++;
}

static void account_unref(struct cloud_account *base)
{
	struct service_account *a = CONTAINER_OF(base, struct service_account, base);

	if (--a->refs)
		return;
	free(a->ns);
	free(a->name);
	free(a->uid);
	json_decref(a->annotations);
	free(a);
}

/* ---- its token ------------------------------------------------------------------------------- */

struct account_token {
	struct task task;
	struct service_account *account;
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
		kube_start(a->account->kube,
			&(struct kube_req){.verb = KUBE_CREATE,
				.resource = &accounts,
				.ns = a->account->ns,
				.name = a->account->name,
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
			a->account->ns, a->account->name);
		return STEP_FAIL;
	}
	token = obj_str(kube_result(t->op), "status", "token");
	if (!token || !*token || strlen(token) > LIMIT_CLOUD_PASSWORD) {
		err_set(&t->err, ERR_RETRY,
			"the answer to a TokenRequest for service account '%s/%s' holds no token",
			a->account->ns, a->account->name);
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
	account_unref(&a->account->base);
	free(a);
}

static struct op *account_token_start(struct cloud_account *account, const char *audience)
{
	static const struct step steps[] = {{"ask", account_ask_start, account_ask_resume}, {0}};
	struct account_token *a = NEW(struct account_token);

	a->account = CONTAINER_OF(account, struct service_account, base);
	account_ref(account);
	a->audience = mem_strdup(audience);
	task_init(&a->task, kube_client_loop(a->account->kube), "service account token", steps,
		NULL, account_token_free);
	return task_spawn(&a->task);
}

static const struct secret *account_token_result(struct op *op)
{
	return &TASK_OF_OP(op, struct account_token)->token;
}

/* ---- the account ----------------------------------------------------------------------------- */

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

static size_t account_size(const struct service_account *a)
{
	size_t n = sizeof(*a) + strlen(a->ns) + strlen(a->name) + strlen(a->uid);
	const char *key;
	json_t *v;

	json_object_foreach (a->annotations, key, v)
		n += strlen(key) + json_string_length(v);
	return n;
}

int service_account_check(const json_t *object, struct err *err)
{
	const char *const *key;

	for (key = cloud_account_keys; *key; key++) {
		const char *v = obj_str(object, "metadata", "annotations", *key);

		if (v && strlen(v) > LIMIT_CLOUD_ANNOTATION)
			return err_set(err, ERR_RETRY,
				"its annotation '%s' is longer than %d bytes", *key,
				LIMIT_CLOUD_ANNOTATION);
	}
	return 0;
}

struct cloud_account *service_account_new(struct kube_client *kube, const json_t *object)
{
	struct service_account *a = NEW(struct service_account);

	a->refs = 1;
	a->kube = kube;
	a->ns = mem_strdup(object_ns(object));
	a->name = mem_strdup(object_name(object));
	a->uid = mem_strdup(object_uid(object));
	a->annotations = annotations_of(object);
	a->base = (struct cloud_account){.size = account_size(a),
		.ref = account_ref,
		.unref = account_unref,
		.ns = a->ns,
		.name = a->name,
		.uid = a->uid,
		.annotations = a->annotations,
		.token_start = account_token_start,
		.token_result = account_token_result};
	return &a->base;
}
