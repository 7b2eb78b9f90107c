#include "source/registry.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/object.h"
#include "kube/client.h"
#include "oci/identity.h"
#include "oci/identity_secret.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "source/artifact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is kept of a Secret. */
struct secret_identity {
	struct depends_value value;
	unsigned refs;
	struct oci_identity *id;
};

static struct depends_value *value_ref(struct depends_value *v)
{
	CONTAINER_OF(v, struct secret_identity, value)->refs++;
	return v;
}

static void value_unref(struct depends_value *v)
{
	struct secret_identity *s = CONTAINER_OF(v, struct secret_identity, value);

	if (--s->refs)
		return;
	oci_identity_unref(s->id);
	free(s);
}

/* The login takes a reference to the identity, and gives up the one to the value. */
static void login_set(
	struct registry_login *l, struct depends_value *v, const char *version, bool read)
{
	oci_identity_unref(l->identity);
	l->identity = oci_identity_ref(CONTAINER_OF(v, struct secret_identity, value)->id);
	free(l->version);
	l->version = mem_strdup(version);
	l->read = read;
	v->unref(v);
}

void registry_login_clear(struct registry_login *l)
{
	oci_identity_unref(l->identity);
	free(l->version);
	*l = (struct registry_login){0};
}

static struct depends *secrets_of(const struct run *r)
{
	return r->c->depends[0];
}

static char *key_of(const struct run *r, const struct registry_login *l)
{
	return mem_printf("%s/%s", r->ns, l->secret);
}

static struct op *secret_read_start(const struct run *r, const struct registry_login *l)
{
	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = r->c->kind->depends[0],
			.ns = r->ns,
			.name = l->secret,
			.deadline_ms = l->timeout_ms < LIMIT_SECRET_READ_MS
				? l->timeout_ms
				: LIMIT_SECRET_READ_MS});
}

enum step_ret registry_login_start(
	struct run *r, struct registry_login *l, const struct registry_env *env)
{
	auto_free char *key = NULL;
	struct depends_value *v;
	const char *version;

	if (!l->secret) {
		l->identity = oci_identity_ref(env->anonymous);
		return STEP_NEXT;
	}
	key = key_of(r, l);
	v = depends_vouched(secrets_of(r), key, &version);
	if (!v)
		return task_wait(&r->task, secret_read_start(r, l));
	login_set(l, v, version, false);
	return STEP_NEXT;
}

/* A new reference to what the Secret as it was read comes to; NULL with *err. What is kept and of
   the same version stays. */
static struct depends_value *value_of(
	struct run *r, const struct registry_login *l, const json_t *secret, struct err *err)
{
	auto_free char *key = key_of(r, l), *what = mem_printf("Secret '%s'", key);
	struct depends_value *v = depends_read(secrets_of(r), key, object_version(secret));
	struct secret_identity *s;

	if (v)
		return v;
	s = NEW(struct secret_identity);
	s->refs = 1;
	s->id = oci_identity_new();
	s->value = (struct depends_value){.ref = value_ref, .unref = value_unref};
	if (oci_identity_add_secret(s->id, secret, what, err)) {
		value_unref(&s->value);
		return NULL;
	}
	s->value.size = oci_identity_size(s->id);
	depends_keep(secrets_of(r), key, object_version(secret), &s->value);
	return &s->value;
}

enum step_ret registry_login_resume(struct run *r, struct registry_login *l)
{
	struct task *t = &r->task;
	struct depends_value *v;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to get credential: failed to get secret '%s/%s'", r->ns,
			l->secret);
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	v = value_of(r, l, kube_result(t->op), &t->err);
	if (!v) {
		err_wrap(&t->err, "failed to get credential");
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	login_set(l, v, object_version(kube_result(t->op)), true);
	return STEP_NEXT;
}

/* ---- after a refusal ------------------------------------------------------------------------- */

enum step_ret registry_reread_start(struct run *r, struct registry_login *l)
{
	const struct err *err = &r->task.err;
	bool refused = err->code == 401 || err->code == 403;

	if (err->kind == ERR_NONE || !refused || !l->version || l->read)
		return STEP_NEXT;
	return task_wait(&r->task, secret_read_start(r, l));
}

enum step_ret registry_reread_resume(struct run *r, struct registry_login *l)
{
	const json_t *secret = kube_result(r->task.op);
	struct depends_value *v;
	struct err ignored = {0};

	if (!secret) {
		/* Gone, or nobody knows: whoever needs it next asks again. The run's own error is
		   what is told. */
		auto_free char *key = key_of(r, l);

		depends_drop(secrets_of(r), key);
		return STEP_NEXT;
	}
	if (!strcmp(object_version(secret), l->version))
		return STEP_NEXT;
	log_info(&r->log, "the Secret has changed, trying again", LS("secret", l->secret));
	v = value_of(r, l, secret, &ignored); /* NULL: the next run says what is wrong with it */
	if (v)
		v->unref(v);
	r->task.err = (struct err){0};
	run_end(r, RUN_AGAIN);
	return STEP_NEXT;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

char *registry_host(const char *url, bool insecure)
{
	struct oci_repo where;
	struct err err = {0};

	if (oci_repo_parse(&where, url, insecure, &err))
		return NULL;
	return mem_printf("%s|%d", where.host, where.insecure);
}

static void host_parse(const char *host, struct oci_repo *out)
{
	const char *end = strchr(host, '|');

	*out = (struct oci_repo){.insecure = end && end[1] == '1'};
	snprintf(out->host, sizeof(out->host), "%.*s", end ? (int)(end - host) : 0, host);
}

bool registry_host_proven(const struct registry_env *env, const char *host)
{
	struct oci_repo where;

	host_parse(host, &where);
	return oci_client_is_proven(env->oci, &where);
}

bool registry_host_up(const struct registry_env *env, const char *host)
{
	struct oci_repo where;

	host_parse(host, &where);
	return oci_client_is_up(env->oci, &where);
}

const char *registry_host_text(const char *host, struct buf *out)
{
	struct oci_repo where;

	host_parse(host, &where);
	buf_adds(out, where.host);
	return buf_str(out);
}
