#include "source/login.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "kube/client.h"
#include "oci/identity.h"
#include "oci/identity_secret.h"
#include "source/artifact.h"
#include "source/provider.h"
#include "source/registry.h"
#include "source/service_account.h"

#include <stdlib.h>
#include <string.h>

enum { NTH_SECRETS, NTH_ACCOUNTS };

const struct kube_resource login_secrets = {"", "v1", "secrets", "Secret", true};
const struct kube_resource login_service_accounts = {
	"", "v1", "serviceaccounts", "ServiceAccount", true};

void login_depends_each(const struct login_refs *refs, kind_ref_fn on, void *arg)
{
	if (refs->secret)
		on(arg, NTH_SECRETS, refs->ns, refs->secret);
	if (refs->service_account)
		on(arg, NTH_ACCOUNTS, refs->ns, refs->service_account);
	if (refs->proxy)
		on(arg, NTH_SECRETS, refs->ns, refs->proxy);
	if (refs->cert)
		on(arg, NTH_SECRETS, refs->ns, refs->cert);
}

static const char *login_ns(const struct run *r, const struct login *l)
{
	return l->refs.ns ? l->refs.ns : r->ns;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

struct login_value {
	struct depends_value value;
	unsigned refs;
	struct oci_identity *id;
	bool has_static;
};

static struct depends_value *value_ref(struct depends_value *v)
{
	CONTAINER_OF(v, struct login_value, value)->refs++;
	return v;
}

static void value_unref(struct depends_value *v)
{
	struct login_value *s = CONTAINER_OF(v, struct login_value, value);

	if (--s->refs)
		return;
	oci_identity_unref(s->id);
	free(s);
}

/* All objects of a namespace that name the same ones share it. */
static char *login_name(const struct run *r, const struct login *l)
{
	const struct login_refs *f = &l->refs;

	return mem_printf("%s/%s/%s/%s/%s/%s%s", login_ns(r, l), f->secret ? f->secret : "",
		f->service_account ? f->service_account : "", f->proxy ? f->proxy : "",
		f->cert ? f->cert : "", f->provider ? f->provider : "", f->cloud_only ? "/" : "");
}

/* The login takes a reference to the identity, and gives up the one to the value. */
static void login_set(struct login *l, struct depends_value *v, bool read)
{
	const struct login_value *s = CONTAINER_OF(v, struct login_value, value);

	oci_identity_unref(l->identity);
	l->identity = oci_identity_ref(s->id);
	l->has_static = s->has_static;
	l->read = read;
	v->unref(v);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* ROLE_IDENTITY: the ServiceAccount that --default-service-account names, whose imagePullSecrets do
   not count. */
enum role { ROLE_PULL, ROLE_ACCOUNT, ROLE_ACCOUNT_PULL, ROLE_IDENTITY, ROLE_PROXY, ROLE_CERT };

struct login_object {
	enum role role;
	char *name;
	bool read;
};

/* One after the other; what a ServiceAccount names comes to the end of the line. What was read goes
   into the identity at once: dozens of Secrets of a megabyte each must not be held together. */
struct login_read {
	VEC(struct login_object) objects;
	size_t at;
	struct depends_parts parts;
	struct oci_identity *id;
	json_t *account; /* the ServiceAccount, where it is one's identity at a cloud */
	bool has_static;
};

static void read_add(struct login_read *rd, enum role role, const char *name)
{
	if (name)
		*vec_add(&rd->objects) = (struct login_object){role, mem_strdup(name), false};
}

/* As whom a cloud is asked, when it is a ServiceAccount's own identity that counts. */
static bool reads_identity(const struct login_refs *f, const struct registry_env *env)
{
	return f->provider && env->object_level && (f->service_account || env->default_account);
}

static struct login_read *read_new(const struct login *l, const struct registry_env *env)
{
	struct login_read *rd = NEW(struct login_read);

	rd->id = oci_identity_new();
	read_add(rd, ROLE_PULL, l->refs.secret);
	read_add(rd, l->refs.provider && l->refs.cloud_only ? ROLE_IDENTITY : ROLE_ACCOUNT,
		l->refs.service_account);
	if (!l->refs.service_account && reads_identity(&l->refs, env))
		read_add(rd, ROLE_IDENTITY, env->default_account);
	read_add(rd, ROLE_PROXY, l->refs.proxy);
	read_add(rd, ROLE_CERT, l->refs.cert);
	return rd;
}

static void read_free(struct login_read *rd)
{
	struct login_object *o;

	if (!rd)
		return;
	vec_each (&rd->objects, o)
		free(o->name);
	vec_clear(&rd->objects);
	oci_identity_unref(rd->id);
	json_decref(rd->account);
	depends_parts_clear(&rd->parts);
	free(rd);
}

void login_clear(struct login *l)
{
	oci_identity_unref(l->identity);
	depends_parts_clear(&l->parts);
	read_free(l->reading);
	*l = (struct login){0};
}

static bool is_account(enum role role)
{
	return role == ROLE_ACCOUNT || role == ROLE_IDENTITY;
}

static unsigned nth_of(enum role role)
{
	return is_account(role) ? NTH_ACCOUNTS : NTH_SECRETS;
}

static enum step_ret read_next(struct run *r, const struct login *l)
{
	const struct login_object *o = &l->reading->objects.p[l->reading->at];

	return task_wait(&r->task,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = is_account(o->role) ? &login_service_accounts
								: &login_secrets,
				.ns = login_ns(r, l),
				.name = o->name,
				.deadline_ms = l->timeout_ms < LIMIT_SECRET_READ_MS
					? l->timeout_ms
					: LIMIT_SECRET_READ_MS}));
}

/* Its imagePullSecrets. They are watched from now on, too. */
static int account_took(
	struct run *r, const struct login *l, const json_t *account, struct err *err)
{
	const json_t *list = obj_get(account, "imagePullSecrets");
	VEC(const char *) names = {0};
	json_t *one;
	size_t i;
	int rc = 0;

	json_array_foreach (list, i, one) {
		const char *name = obj_str(one, "name");

		if (!name || !*name)
			continue;
		if (names.len >= LIMIT_IMAGE_PULL_SECRETS) {
			rc = err_set(err, ERR_RETRY, "it has more than %d imagePullSecrets",
				LIMIT_IMAGE_PULL_SECRETS);
			break;
		}
		*vec_add(&names) = name;
		read_add(l->reading, ROLE_ACCOUNT_PULL, name);
	}
	*vec_add(&names) = NULL;
	if (!rc)
		item_found(r->item, NTH_SECRETS, l->refs.ns, names.p);
	vec_clear(&names);
	return rc;
}

static int secret_took(struct login_read *rd, const char *ns, const struct login_object *o,
	const json_t *secret, struct err *err)
{
	auto_free char *pull = mem_printf("Secret '%s/%s'", ns, o->name);
	auto_free char *what = mem_printf("secret '%s/%s'", ns, o->name);

	switch (o->role) {
	case ROLE_PROXY:
		return oci_identity_set_proxy(rd->id, secret, what, err);
	case ROLE_CERT:
		return oci_identity_add_tls(rd->id, secret, what, err);
	default:
		rd->has_static = true;
		return oci_identity_add_secret(rd->id, secret, pull, err);
	}
}

/* The object that was asked for. -1: it could not be read, or used; t->err says so. */
static int read_took(struct run *r, const struct login *l, const struct registry_env *env)
{
	struct login_read *rd = l->reading;
	struct login_object *o = &rd->objects.p[rd->at];
	struct task *t = &r->task;
	const json_t *obj;

	if (task_op_failed(t))
		return -1;
	obj = kube_result(t->op);
	o->read = true;
	*vec_add(&rd->parts) = (struct depends_part){
		{nth_of(o->role), mem_printf("%s/%s", login_ns(r, l), o->name)},
		mem_strdup(object_version(obj))};
	rd->at++;
	if (!is_account(o->role))
		return secret_took(rd, login_ns(r, l), o, obj, &t->err);
	if (reads_identity(&l->refs, env) && service_account_check(obj, &t->err))
		return -1;
	json_decref(rd->account);
	rd->account = json_incref((json_t *)(uintptr_t)obj);
	if (o->role == ROLE_ACCOUNT)
		return account_took(r, l, obj, &t->err);
	item_found(r->item, NTH_ACCOUNTS, l->refs.ns, (const char *const[]){o->name, NULL});
	return 0;
}

/* A cloud gives the password where no credentials match. With a ServiceAccount whose own identity
   may not be used nobody is asked. */
static void read_add_login(const struct run *r, const struct login *l, struct login_read *rd,
	const struct registry_env *env)
{
	struct provider_login_opts o = {.cloud = env->cloud};

	if (!l->refs.provider || !cloud_provider_parse(l->refs.provider, &o.provider))
		return;
	if (l->refs.service_account && !env->object_level)
		return;
	if (reads_identity(&l->refs, env))
		o.account = service_account_new(r->c->opts.kube, rd->account);
	provider_login_add(rd->id, &o);
	if (o.account)
		o.account->unref(o.account);
}

/* A new reference to what all that was read comes to. What is kept and of equal versions stays. */
static struct depends_value *value_of(
	struct run *r, const struct login *l, const struct registry_env *env)
{
	const struct login_read *rd = l->reading;
	auto_free char *name = login_name(r, l);
	struct depends_value *kept = depends_read(r->c->depends, name, &rd->parts);
	struct login_value *v;

	if (kept)
		return kept;
	read_add_login(r, l, l->reading, env);
	v = NEW(struct login_value);
	v->refs = 1;
	v->id = oci_identity_ref(rd->id);
	v->has_static = rd->has_static;
	v->value = (struct depends_value){
		.ref = value_ref, .unref = value_unref, .size = oci_identity_size(v->id)};
	depends_keep(r->c->depends, name, &rd->parts, &v->value);
	return &v->value;
}

/* ---- the row --------------------------------------------------------------------------------- */

static enum step_ret login_failed(
	struct run *r, struct login *l, const struct login_object *o, const char *url)
{
	struct err *err = &r->task.err;
	const char *ns = login_ns(r, l);
	bool reads = !o->read;

	switch (o->role) {
	case ROLE_PULL:
		if (reads)
			err_wrap(err, "failed to get secret '%s/%s'", ns, o->name);
		err_wrap(err, "failed to get credential");
		break;
	case ROLE_ACCOUNT:
		err_wrap(err, "failed to get credential: failed to get service account '%s/%s'", ns,
			o->name);
		break;
	case ROLE_IDENTITY:
		if (err->code == 404 && !l->refs.service_account)
			err_set(err, ERR_RETRY,
				"the default service account is not in this namespace; with "
				"--default-service-account each one that uses a provider needs it");
		err_wrap(err, "failed to get credential: failed to get service account '%s/%s'", ns,
			o->name);
		break;
	case ROLE_ACCOUNT_PULL:
		if (reads)
			err_wrap(err, "failed to get image pull secret '%s/%s'", ns, o->name);
		err_wrap(err, "failed to get credential: service account '%s/%s'", ns,
			l->refs.service_account);
		break;
	case ROLE_PROXY:
		if (reads)
			err_wrap(err, "secret '%s/%s'", ns, o->name);
		err_wrap(err, "failed to get proxy address");
		break;
	case ROLE_CERT:
		if (reads)
			err_wrap(err, "secret '%s/%s'", ns, o->name);
		err_wrap(err, "failed to generate transport for '%.500s'", url);
		break;
	}
	read_free(MOVE(l->reading));
	return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
}

/* The identity of who names nothing: nobody, or the controller itself at a cloud. NULL: something
   has to be read. */
static struct oci_identity *identity_without_reading(
	const struct login_refs *f, const struct registry_env *env)
{
	enum cloud_provider provider;

	if (f->secret || f->service_account || f->proxy || f->cert || reads_identity(f, env))
		return NULL;
	if (f->provider && cloud_provider_parse(f->provider, &provider))
		return env->ambient[provider];
	return env->anonymous;
}

enum step_ret login_start(struct run *r, struct login *l, const struct registry_env *env)
{
	struct oci_identity *ready = identity_without_reading(&l->refs, env);
	auto_free char *name = NULL;
	struct depends_value *v;

	if (l->reading)
		return read_next(r, l);
	if (ready) {
		l->identity = oci_identity_ref(ready);
		return STEP_NEXT;
	}
	name = login_name(r, l);
	v = depends_vouched(r->c->depends, name, &l->parts);
	if (v) {
		login_set(l, v, false);
		return STEP_NEXT;
	}
	l->reading = read_new(l, env);
	return read_next(r, l);
}

enum step_ret login_resume(
	struct run *r, struct login *l, const char *url, const struct registry_env *env)
{
	struct login_read *rd = l->reading;
	size_t at = rd->at;

	if (read_took(r, l, env))
		return login_failed(r, l, &rd->objects.p[at], url);
	if (rd->at < rd->objects.len)
		return STEP_AGAIN;
	login_set(l, value_of(r, l, env), true);
	depends_parts_clear(&l->parts);
	l->parts = rd->parts;
	rd->parts = (struct depends_parts){0};
	read_free(MOVE(l->reading));
	return STEP_NEXT;
}

/* ---- the provider ---------------------------------------------------------------------------- */

enum step_ret login_check_provider(
	struct run *r, const struct login *l, const char *host, const struct registry_env *env)
{
	const struct login_refs *f = &l->refs;
	struct err *err = &r->task.err;
	enum cloud_provider provider;

	if (!f->provider || l->has_static)
		return STEP_NEXT;
	if (!cloud_provider_parse(f->provider, &provider)) {
		err_set(err, ERR_STALL,
			"spec.provider '%.64s' is not supported by this version of the controller",
			f->provider);
		return run_fail(r, NULL, "FeatureGateDisabled");
	}
	if (f->service_account && !env->object_level) {
		err_set(err, ERR_STALL,
			"spec.serviceAccountName with spec.provider '%s' needs the feature gate "
			"ObjectLevelWorkloadIdentity, which is off",
			f->provider);
		return run_fail(r, NULL, "FeatureGateDisabled");
	}
	if (!cloud_host_check(env->cloud, provider, host, err))
		return STEP_NEXT;
	err->kind = ERR_RETRY;
	err_wrap(err, "failed to get credential from %s", f->provider);
	return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
}

/* ---- after a refusal ------------------------------------------------------------------------- */

enum step_ret login_reread_start(struct run *r, struct login *l, const struct registry_env *env)
{
	const struct err *err = &r->task.err;
	bool refused = err->code == 401 || err->code == 403;

	if (!l->reading) {
		if (err->kind == ERR_NONE || !refused || !l->parts.len || l->read)
			return STEP_NEXT;
		l->reading = read_new(l, env);
	}
	return read_next(r, l);
}

enum step_ret login_reread_resume(struct run *r, struct login *l, const struct registry_env *env)
{
	struct err told = r->task.err;
	struct depends_value *v;

	if (read_took(r, l, env)) {
		/* Gone, or nobody knows: whoever needs it next asks again. The run's own error is
		   what is told. */
		auto_free char *name = login_name(r, l);

		r->task.err = told;
		depends_drop(r->c->depends, name);
		return STEP_NEXT;
	}
	if (l->reading->at < l->reading->objects.len)
		return STEP_AGAIN;
	if (depends_parts_same(&l->reading->parts, &l->parts))
		return STEP_NEXT;
	log_info(&r->log, "what it logs in with has changed, trying again");
	v = value_of(r, l, env);
	v->unref(v);
	r->task.err = (struct err){0};
	run_end(r, RUN_AGAIN);
	return STEP_NEXT;
}
