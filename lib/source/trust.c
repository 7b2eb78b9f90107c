#include "source/trust.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/object.h"
#include "kube/client.h"
#include "source/login.h"
#include "verify/keys.h"
#include "verify/notation_trust.h"

#define NTH_SECRETS 0 /* in LOGIN_DEPENDS */

void trust_clear(struct trust *t)
{
	verify_keys_unref(t->keys);
	verify_trust_unref(t->notary);
	*t = (struct trust){0};
}

void trust_depends_each(
	const char *secret, void (*on)(void *arg, unsigned nth, const char *name), void *arg)
{
	if (secret)
		on(arg, NTH_SECRETS, secret);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

struct trust_value {
	struct depends_value value;
	unsigned refs;
	struct verify_keys *keys; /* or */
	struct verify_trust *notary;
};

static struct depends_value *value_ref(struct depends_value *v)
{
	CONTAINER_OF(v, struct trust_value, value)->refs++;
	return v;
}

static void value_unref(struct depends_value *v)
{
	struct trust_value *t = CONTAINER_OF(v, struct trust_value, value);

	if (--t->refs)
		return;
	verify_keys_unref(t->keys);
	verify_trust_unref(t->notary);
	free(t);
}

/* No login is kept under such a name: a namespace has no colon. */
static char *trust_name(const struct run *r, const struct trust *t)
{
	return mem_printf("%s:%s/%s", t->notation ? "notation" : "verify", r->ns, t->secret);
}

/* Gives up the reference to the value. */
static void trust_set(struct trust *t, struct depends_value *v)
{
	const struct trust_value *value = CONTAINER_OF(v, struct trust_value, value);

	verify_keys_unref(t->keys);
	verify_trust_unref(t->notary);
	t->keys = value->keys ? verify_keys_ref(value->keys) : NULL;
	t->notary = value->notary ? verify_trust_ref(value->notary) : NULL;
	v->unref(v);
}

bool trust_known(struct run *r, struct trust *t)
{
	auto_free char *name = NULL;
	struct depends_parts parts = {0};
	struct depends_value *v;

	if (t->keys || t->notary)
		return true;
	name = trust_name(r, t);
	v = depends_vouched(r->c->depends, name, &parts);
	depends_parts_clear(&parts);
	if (!v)
		return false;
	trust_set(t, v);
	return true;
}

const struct digest *trust_digest(const struct trust *t)
{
	return t->notary ? &t->notary->digest : verify_keys_digest(t->keys);
}

/* ---- reading --------------------------------------------------------------------------------- */

enum step_ret trust_start(struct run *r, struct trust *t)
{
	if (trust_known(r, t))
		return STEP_NEXT;
	return task_wait(&r->task,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &login_secrets,
				.ns = r->ns,
				.name = t->secret,
				.deadline_ms = t->timeout_ms < LIMIT_SECRET_READ_MS
					? t->timeout_ms
					: LIMIT_SECRET_READ_MS}));
}

/* A new reference to what the Secret comes to; NULL: it comes to nothing. */
static struct depends_value *value_of(struct run *r, const struct trust *t, const char *name,
	const struct depends_parts *parts, const json_t *secret, struct err *err)
{
	struct depends_value *kept = depends_read(r->c->depends, name, parts);
	struct verify_keys *keys = NULL;
	struct verify_trust *notary = NULL;
	struct trust_value *v;

	if (kept)
		return kept;
	if (t->notation ? verify_trust_read(&notary, secret, err)
			: verify_keys_read(&keys, secret, err))
		return NULL;
	v = NEW(struct trust_value);
	v->refs = 1;
	v->keys = keys;
	v->notary = notary;
	v->value = (struct depends_value){.ref = value_ref,
		.unref = value_unref,
		.size = notary ? notary->size : verify_keys_size(keys)};
	depends_keep(r->c->depends, name, parts, &v->value);
	return &v->value;
}

int trust_took(struct run *r, struct trust *t)
{
	auto_free char *name = trust_name(r, t);
	struct depends_parts parts = {0};
	struct depends_value *v;
	const json_t *secret;

	if (task_op_failed(&r->task))
		return err_wrap(&r->task.err, "failed to get secret '%s/%s'", r->ns, t->secret);
	secret = kube_result(r->task.op);
	*vec_add(&parts) =
		(struct depends_part){{NTH_SECRETS, mem_printf("%s/%s", r->ns, t->secret)},
			mem_strdup(object_version(secret))};
	v = value_of(r, t, name, &parts, secret, &r->task.err);
	depends_parts_clear(&parts);
	if (!v)
		return err_wrap(&r->task.err, "secret '%s/%s'", r->ns, t->secret);
	trust_set(t, v);
	return 0;
}
