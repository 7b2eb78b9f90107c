/*
 * Pull Secrets: which identity a run has, and who is to run again when a Secret changes.
 *
 * An identity is kept for the tokens that it got, and used without a look at its Secret only while something vouches for it: the watch is
 * live and knows the Secret in the very version that the identity was built of, or somebody read it a few seconds ago. Without a watch (get
 * may be allowed where list and watch are not) each run reads its Secret, and as long as that is of the same version, identity and tokens
 * stay. And whatever vouches: a refusal by the registry makes the run read it (reread).
 */
#include "base/base64.h"
#include "base/clock.h"
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
	struct lru_item item;
	struct ocirepo *c;
	struct oci_identity *id;
	char *rv;
	uint64_t read_ms; /* when the API server last gave it in this version */
};

static void identity_free(struct lru_item *it)
{
	struct pull_identity *p = CONTAINER_OF(it, struct pull_identity, item);

	p->c->identity_bytes -= oci_identity_size(p->id);
	oci_identity_unref(p->id);
	free(p->rv);
	free(p);
}

void identities_init(struct ocirepo *c)
{
	lru_init(&c->identities, LIMIT_IDENTITIES, NULL, identity_free);
}

struct pull_identity *identity_find(struct ocirepo *c, const char *key)
{
	struct lru_item *it = lru_get(&c->identities, key);

	return it ? CONTAINER_OF(it, struct pull_identity, item) : NULL;
}

void identity_drop(struct ocirepo *c, const char *key)
{
	struct pull_identity *p = identity_find(c, key);

	if (p)
		lru_drop(&c->identities, &p->item);
}

void identities_clear(struct ocirepo *c)
{
	lru_clear(&c->identities);
}

static const struct kube_entry *watched(const struct run *r)
{
	return r->c->secrets ? kube_watch_find(r->c->secrets, r->ns, r->spec.secret) : NULL;
}

static bool vouched_for(const struct run *r, const struct pull_identity *p)
{
	const struct kube_entry *e = watched(r);

	if (clock_ms() - p->read_ms < LIMIT_SECRET_SHARED_MS)
		return true;
	return e && kube_watch_live(r->c->secrets) && !strcmp(e->rv, p->rv);
}

/* The last reader wins, unless the watch has told of a newer version than the one that was read. */
static void identity_keep(
	const struct run *r, const char *key, struct oci_identity *id, const char *rv)
{
	struct ocirepo *c = r->c;
	const struct kube_entry *e = watched(r);
	struct pull_identity *p;

	if (!refs_any(&c->secret_users, key) || (e && kube_version_older(rv, e->rv)))
		return;
	identity_drop(c, key);
	p = NEW(struct pull_identity);
	p->c = c;
	p->id = oci_identity_ref(id);
	p->rv = mem_strdup(rv);
	p->read_ms = clock_ms();
	/* A Secret whose identity went is read again by its next run. */
	c->identity_bytes += oci_identity_size(id);
	while (c->identity_bytes > LIMIT_IDENTITIES_BYTES && c->identities.oldest)
		lru_drop(&c->identities, c->identities.oldest);
	lru_add(&c->identities, key, &p->item);
}

static void run_identity(struct run *r, struct oci_identity *id, const char *rv, bool read)
{
	r->identity = oci_identity_ref(id);
	r->secret_rv = mem_strdup(rv);
	r->secret_read = read;
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
	p = identity_find(c, key);
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

/* Versions of another time may come again, of other contents. */
static void secrets_reset(void *arg)
{
	identities_clear(arg);
}

/* Once for each time of trouble: it may be for good, and nothing that would need a watch is lost by it. */
static void secrets_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct ocirepo *c = arg;
	struct kube_watch_stats s = {0};

	if (c->secrets)
		kube_watch_stats(c->secrets, &s);
	if (s.failures > 1)
		log_debug(NULL, "cannot watch", LS("resource", "secrets"), LU("retryMs", in_ms),
			LE(err));
	else
		log_error(NULL, "cannot watch, each run reads its Secret",
			LS("resource", "secrets"), LE(err));
}

struct op *credentials_watch(struct ocirepo *c)
{
	return kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = &SECRETS,
			.ns = c->ns,
			.metadata_only = true,
			.on_set = pull_secret_set,
			.on_deleted = pull_secret_deleted,
			.on_reset = secrets_reset,
			.on_error = secrets_error,
			.arg = c});
}

/* ---- the step ------------------------------------------------------------------------------------------------------------- */

static struct op *secret_read_start(const struct run *r)
{
	uint64_t ms = (uint64_t)r->spec.timeout_ms;

	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = &SECRETS,
			.ns = r->ns,
			.name = r->spec.secret,
			.deadline_ms = ms < LIMIT_SECRET_READ_MS ? ms : LIMIT_SECRET_READ_MS});
}

static char *key_of(const struct run *r)
{
	return mem_printf("%s/%s", r->ns, r->spec.secret);
}

enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *key = NULL;
	const struct pull_identity *p;

	if (!r->spec.secret) {
		r->identity = oci_identity_ref(r->c->anonymous);
		return STEP_NEXT;
	}
	key = key_of(r);
	p = identity_find(r->c, key);
	if (p && vouched_for(r, p)) {
		run_identity(r, p->id, p->rv, false);
		return STEP_NEXT;
	}
	return task_wait(t, secret_read_start(r));
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

/* A new reference to the identity of the Secret as it was read; NULL with *err. One that is kept and of the same version stays. */
static struct oci_identity *identity_of(struct run *r, const json_t *secret, struct err *err)
{
	const char *rv = ocirepo_version(secret);
	auto_free char *key = key_of(r), *what = mem_printf("Secret '%s'", key);
	struct pull_identity *p = identity_find(r->c, key);
	struct oci_identity *id;

	if (p && !strcmp(p->rv, rv)) {
		p->read_ms = clock_ms();
		return oci_identity_ref(p->id);
	}
	id = oci_identity_new();
	if (read_secret(id, secret, what, err)) {
		oci_identity_unref(id);
		return NULL;
	}
	identity_keep(r, key, id, rv);
	return id;
}

enum step_ret credentials_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct oci_identity *id;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to get credential: failed to get secret '%s/%s'", r->ns,
			r->spec.secret);
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	id = identity_of(r, kube_result(t->op), &t->err);
	if (!id) {
		err_wrap(&t->err, "failed to get credential");
		return run_fail(r, COND_FETCH_FAILED, "AuthenticationFailed");
	}
	run_identity(r, id, ocirepo_version(kube_result(t->op)), true);
	oci_identity_unref(id);
	return STEP_NEXT;
}

/* ---- after a refusal -------------------------------------------------------------------------------------------------------- */

enum step_ret reread_start(struct task *t)
{
	struct run *r = RUN(t);
	bool refused = t->err.code == 401 || t->err.code == 403;

	if (t->err.kind == ERR_NONE || !refused || !r->secret_rv || r->secret_read)
		return STEP_NEXT;
	return task_wait(t, secret_read_start(r));
}

enum step_ret reread_resume(struct task *t)
{
	struct run *r = RUN(t);
	const json_t *secret = kube_result(t->op);
	struct err err = {0};

	if (!secret) {
		/* Gone, or nobody knows: whoever needs it next asks again. The run's own error is what is told. */
		auto_free char *key = key_of(r);

		identity_drop(r->c, key);
		return STEP_NEXT;
	}
	if (!strcmp(ocirepo_version(secret), r->secret_rv))
		return STEP_NEXT;
	log_info(&r->log, "the Secret has changed, trying again", LS("secret", r->spec.secret));
	oci_identity_unref(r->identity);
	r->identity =
		identity_of(r, secret, &err); /* NULL: the next run says what is wrong with it */
	t->err = (struct err){0};
	r->lost = false;
	r->silent = r->requeue_now = true;
	return STEP_NEXT;
}
