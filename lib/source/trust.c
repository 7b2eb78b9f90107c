#include "source/trust.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/object.h"
#include "kube/client.h"
#include "source/login.h"
#include "source/public_root.h"
#include "source/trust_file.h"
#include "verify/keys.h"
#include "verify/notation_trust.h"
#include "verify/trusted_root.h"

#define NTH_SECRETS 0 /* in LOGIN_DEPENDS */

void trust_clear(struct trust *t)
{
	verify_keys_unref(t->keys);
	verify_root_unref(t->root);
	verify_trust_unref(t->notary);
	*t = (struct trust){0};
}

void trust_depends_each(const char *secret, kind_ref_fn on, void *arg)
{
	if (secret)
		on(arg, NTH_SECRETS, NULL, secret);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

struct trust_value {
	struct depends_value value;
	unsigned refs;
	struct verify_keys *keys; /* one of the three */
	struct verify_root *root;
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
	verify_root_unref(t->root);
	verify_trust_unref(t->notary);
	free(t);
}

/* No login is kept under such a name: a namespace has no colon. */
static char *trust_name(const struct run *r, const struct trust *t)
{
	static const char *const what[] = {[TRUST_KEYS] = "verify",
		[TRUST_ROOT] = "verify-root",
		[TRUST_NOTATION] = "verify-notation"};

	return mem_printf("%s:%s/%s", what[t->kind], r->ns, t->secret);
}

/* Gives up the reference to the value. */
static void trust_set(struct trust *t, struct depends_value *v)
{
	const struct trust_value *value = CONTAINER_OF(v, struct trust_value, value);

	verify_keys_unref(MOVE(t->keys));
	verify_root_unref(MOVE(t->root));
	verify_trust_unref(MOVE(t->notary));
	if (value->keys)
		t->keys = verify_keys_ref(value->keys);
	if (value->notary)
		t->notary = verify_trust_ref(value->notary);
	t->root = verify_root_ref(value->root);
	v->unref(v);
}

/* The operator's own, or else the public one. NULL: it is not there yet. */
static struct verify_root *shared_root(const struct trust *t)
{
	return t->file ? trust_file_root(t->file) : public_root_known(t->public_root);
}

bool trust_known(struct run *r, struct trust *t)
{
	auto_free char *name = NULL;
	struct depends_parts parts = {0};
	struct depends_value *v;

	if (t->keys || t->root || t->notary)
		return true;
	if (!t->secret) {
		t->root = verify_root_ref(shared_root(t));
		return t->root;
	}
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
	if (t->notary)
		return &t->notary->digest;
	return t->keys ? verify_keys_digest(t->keys) : &t->root->digest;
}

/* ---- reading --------------------------------------------------------------------------------- */

enum step_ret trust_start(struct run *r, struct trust *t)
{
	if (trust_known(r, t))
		return STEP_NEXT;
	if (!t->secret)
		return task_wait(&r->task, public_root_start(t->public_root, t->timeout_ms));
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

static int value_read(
	struct trust_value *v, enum trust_kind kind, const json_t *secret, struct err *err)
{
	switch (kind) {
	case TRUST_KEYS:
		if (verify_keys_read(&v->keys, secret, err))
			return -1;
		v->value.size = verify_keys_size(v->keys);
		return 0;
	case TRUST_ROOT:
		if (verify_root_read(&v->root, secret, err))
			return -1;
		v->value.size = v->root->size;
		return 0;
	default:
		if (verify_trust_read(&v->notary, secret, err))
			return -1;
		v->value.size = v->notary->size;
		return 0;
	}
}

/* A new reference to what the Secret comes to; NULL: it comes to nothing. */
static struct depends_value *value_of(struct run *r, const struct trust *t, const char *name,
	const struct depends_parts *parts, const json_t *secret, struct err *err)
{
	struct depends_value *kept = depends_read(r->c->depends, name, parts);
	struct trust_value *v;

	if (kept)
		return kept;
	v = NEW(struct trust_value);
	v->refs = 1;
	v->value = (struct depends_value){.ref = value_ref, .unref = value_unref};
	if (value_read(v, t->kind, secret, err)) {
		value_unref(&v->value);
		return NULL;
	}
	depends_keep(r->c->depends, name, parts, &v->value);
	if (v->root)
		trust_file_warn(&r->log, v->root);
	return &v->value;
}

static int public_root_took(struct run *r, struct trust *t)
{
	struct err *err = &r->task.err;

	if (!task_op_failed(&r->task)) {
		t->root = verify_root_ref(public_root_known(t->public_root));
		return 0;
	}
	err_wrap(err, "unable to initialize trusted root");
	/* Nobody has answered: that may be how it is meant to be. */
	if (err->code)
		err_append(err,
			"; where the internet cannot be reached, give "
			"spec.verify.trustedRootSecretRef or --sigstore-trusted-root");
	return -1;
}

int trust_took(struct run *r, struct trust *t)
{
	auto_free char *name = NULL;
	struct depends_parts parts = {0};
	struct depends_value *v;
	const json_t *secret;

	if (!t->secret)
		return public_root_took(r, t);
	if (task_op_failed(&r->task))
		return err_wrap(&r->task.err, "failed to get secret '%s/%s'", r->ns, t->secret);
	name = trust_name(r, t);
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
