#include "controllers/receiver/token.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/object.h"
#include "kube/client.h"

#include <stdio.h>
#include <string.h>

#define NTH_SECRETS 0

static struct depends_value *token_ref(struct depends_value *v)
{
	RECEIVER_TOKEN(v)->refs++;
	return v;
}

void receiver_token_unref(struct depends_value *v)
{
	struct receiver_token *t;

	if (!v)
		return;
	t = RECEIVER_TOKEN(v);
	if (--t->refs)
		return;
	secret_clear(&t->token);
	free(t->email);
	free(t->audience);
	free(t);
}

struct depends_value *receiver_token_kept(struct controller *c, const char *ns, const char *secret)
{
	auto_free char *key = mem_printf("%s/%s", ns, secret);
	struct depends_parts parts = {0};
	struct depends_value *v = depends_vouched(c->depends, key, &parts);

	depends_parts_clear(&parts);
	return v;
}

struct op *receiver_token_read(struct controller *c, const char *ns, const char *secret)
{
	return kube_start(c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = c->kind->depends[NTH_SECRETS],
			.ns = ns,
			.name = secret,
			.deadline_ms = LIMIT_RECEIVER_ASK_MS});
}

static char *entry_text(const json_t *obj, const char *key, struct err *err)
{
	auto_secret struct secret s = {0};

	return !object_secret_value(obj, key, &s, err) && s.len ? mem_strdup(s.p) : NULL;
}

static struct depends_value *token_new(const json_t *obj, struct err *err)
{
	struct receiver_token *t = NEW(struct receiver_token);

	t->refs = 1;
	t->value = (struct depends_value){receiver_token_unref, token_ref, 0};
	if (object_secret_value(obj, "token", &t->token, err)) {
		receiver_token_unref(&t->value);
		return NULL;
	}
	if (!t->token.len) {
		receiver_token_unref(&t->value);
		err_set(err, ERR_RETRY, "its key 'token' is %s",
			obj_get(obj, "data", "token") ? "empty" : "not there");
		return NULL;
	}
	t->email = entry_text(obj, "email", err);
	t->audience = entry_text(obj, "audience", err);
	t->value.size = sizeof(*t) + t->token.len + (t->email ? strlen(t->email) : 0) +
		(t->audience ? strlen(t->audience) : 0);
	return &t->value;
}

struct depends_value *receiver_token_took(struct controller *c, const char *ns, const char *secret,
	const json_t *obj, struct err *err)
{
	auto_free char *key = mem_printf("%s/%s", ns, secret);
	struct depends_parts parts = {0};
	struct depends_value *v;

	*vec_add(&parts) = (struct depends_part){
		{NTH_SECRETS, mem_strdup(key)}, mem_strdup(object_version(obj))};
	v = depends_read(c->depends, key, &parts);
	if (!v) {
		v = token_new(obj, err);
		if (v)
			depends_keep(c->depends, key, &parts, v);
	}
	depends_parts_clear(&parts);
	return v;
}

char *receiver_path(const struct depends_value *v, const char *ns, const char *name,
	char out[RECEIVER_PATH_MAX])
{
	auto_digest_ctx struct digest_ctx h = {0};
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_ctx_init(&h, DIGEST_SHA256);
	if (v) {
		const struct secret *token =
			&CONTAINER_OF(v, const struct receiver_token, value)->token;

		digest_update(&h, token->p, token->len);
	}
	digest_update(&h, name, strlen(name));
	digest_update(&h, ns, strlen(ns));
	digest_final(&h, &d);
	snprintf(out, RECEIVER_PATH_MAX, RECEIVER_PATH_PREFIX "%s", digest_hex(&d, hex));
	return out;
}
