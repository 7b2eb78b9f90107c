/* Pull Secrets: which identity a run has, and who is to run again when a Secret changes. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "kube/watch.h"
#include "oci/identity.h"

#include <string.h>

static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};

/* An identity, and the version of the Secret that it was built of. */
struct pull_identity {
	struct oci_identity *id;
	char *rv;
};

void identity_drop(struct ocirepo *c, const char *key)
{
	struct pull_identity *p = map_del(&c->identities, key);

	if (!p)
		return;
	oci_identity_unref(p->id);
	free(p->rv);
	free(p);
}

/* The last reader wins, unless the watch has told of a newer version than the one that was read. */
static void identity_keep(struct run *r, const char *key, struct oci_identity *id, const char *rv)
{
	struct ocirepo *c = r->c;
	const struct kube_entry *e =
		c->secrets ? kube_watch_find(c->secrets, r->ns, r->spec.secret) : NULL;
	struct pull_identity *p;

	if (!refs_any(&c->secret_users, key) || (e && kube_version_older(rv, e->rv)))
		return;
	identity_drop(c, key);
	p = NEW(struct pull_identity);
	p->id = oci_identity_ref(id);
	p->rv = mem_strdup(rv);
	map_put(&c->identities, key, p);
}

/* ---- the watch ----------------------------------------------------------------------------------------------------------- */

static void requeue_user(void *arg, void *user)
{
	struct repo *repo = user;
	const bool *all = arg;

	if (!*all && !repo->queue_item.failures)
		return;
	repo_renew(repo);
	repo_due(repo);
}

static void pull_secret_changed(struct ocirepo *c, const struct kube_entry *e, bool deleted)
{
	auto_free char *key = mem_printf("%s/%s", kube_entry_ns(e), kube_entry_name(e));
	const struct pull_identity *p;
	bool known, all;

	if (!refs_any(&c->secret_users, key))
		return;
	p = map_get(&c->identities, key);
	/* Read already in this version: news only for those whose last run was before it. */
	known = p && !deleted && !strcmp(p->rv, e->rv);
	/* The first list tells nothing new: whoever needs a Secret has read it or will. */
	all = !known && (p || kube_watch_synced(c->secrets));
	if (!known)
		identity_drop(c, key);
	refs_each(&c->secret_users, key, requeue_user, &all);
}

static void pull_secret_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	(void)obj;
	(void)added;
	pull_secret_changed(arg, e, false);
}

static void pull_secret_deleted(void *arg, struct kube_entry *e)
{
	pull_secret_changed(arg, e, true);
}

static void secrets_error(void *arg, const struct err *err, uint64_t in_ms)
{
	(void)arg;
	log_error(NULL, "cannot watch", LS("resource", "secrets"), LU("retryMs", in_ms), LE(err));
}

struct op *credentials_watch(struct ocirepo *c)
{
	return kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = &SECRETS,
			.ns = c->ns,
			.metadata_only = true,
			.on_set = pull_secret_set,
			.on_deleted = pull_secret_deleted,
			.on_error = secrets_error,
			.arg = c});
}

/* ---- the step ------------------------------------------------------------------------------------------------------------- */

enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *key = NULL;
	const struct pull_identity *p;

	if (!r->spec.secret) {
		r->identity = oci_identity_ref(r->c->anonymous);
		return STEP_NEXT;
	}
	key = mem_printf("%s/%s", r->ns, r->spec.secret);
	p = map_get(&r->c->identities, key);
	if (p) {
		r->identity = oci_identity_ref(p->id);
		return STEP_NEXT;
	}
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &SECRETS,
				.ns = r->ns,
				.name = r->spec.secret,
				.deadline_ms = (uint64_t)r->spec.timeout_ms}));
}

static int decode(const json_t *secret, const char *key, struct buf *out, struct err *err)
{
	const char *text = obj_str(secret, "data", key);

	if (!text)
		return err_set(err, ERR_RETRY, "it has no key '%s'", key);
	return base64_decode(out, text, strlen(text), BASE64_NEWLINES, err);
}

/* Secrets of other types are ignored, as the kubelet and Flux do: the result is anonymous. */
static int read_secret(
	struct oci_identity *id, const json_t *secret, const char *what, struct err *err)
{
	static const struct {
		const char *type, *key;
		enum oci_docker_form form;
	} forms[] = {
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", OCI_DOCKER_CONFIG_JSON},
		{"kubernetes.io/dockercfg", ".dockercfg", OCI_DOCKER_CFG}};
	const char *type = obj_str_or("", secret, "type");
	auto_buf struct buf data = BUF_INIT(LIMIT_PULL_SECRET);
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(forms); i++) {
		if (strcmp(type, forms[i].type) != 0)
			continue;
		rc = decode(secret, forms[i].key, &data, err);
		if (rc)
			err_wrap(err, "%s", what);
		else
			rc = oci_identity_add_docker(
				id, data.p, data.len, forms[i].form, what, err);
		mem_wipe(data.p, data.cap);
	}
	return rc;
}

enum step_ret credentials_resume(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *key = mem_printf("%s/%s", r->ns, r->spec.secret);
	auto_free char *what = mem_printf("Secret '%s'", key);
	struct oci_identity *id;
	const json_t *secret;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to get credential: failed to get secret '%s'", key);
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	secret = kube_result(t->op);
	id = oci_identity_new();
	if (read_secret(id, secret, what, &t->err)) {
		oci_identity_unref(id);
		err_wrap(&t->err, "failed to get credential");
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	r->identity = id;
	identity_keep(r, key, id, obj_str_or("", secret, "metadata", "resourceVersion"));
	return STEP_NEXT;
}
