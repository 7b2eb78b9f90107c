#include "source/git_login.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/ssh_key.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "forge/forge.h"
#include "git/auth.h"
#include "git/gitc.h"
#include "git/url.h"
#include "http/secret.h"
#include "kube/client.h"
#include "source/artifact.h"
#include "source/git_spec.h"
#include "source/login.h"
#include "source/service_account.h"
#include "text/steady.h"

#include <stdlib.h>
#include <string.h>

/* The service whose tokens Azure DevOps takes, and where it is. */
#define AZURE_SCOPE "499b84ac-1321-427f-aa17-267ca6975798/.default"
#define AZURE_HOST "dev.azure.com"
#define AZURE_OLD_HOSTS ".visualstudio.com"

/* As whom a GitHub App's installation shows its token to Git. */
#define APP_USER "x-access-token"

static const char *const SCHEMES[] = {
	[GITC_HTTP] = "http", [GITC_HTTPS] = "https", [GITC_SSH] = "ssh"};

/* Of the keys of a Secret in a message. */
#define KEYS_SHOWN 8
#define KEY_SHOWN_BYTES 64

/* In LOGIN_DEPENDS. */
enum { NTH_SECRETS, NTH_ACCOUNTS };

static const char *login_ns(const struct run *r, const struct git_login *l)
{
	return l->ns ? l->ns : r->ns;
}

static bool is_ssh(const struct git_login *l)
{
	return l->url->scheme == GITC_SSH;
}

static bool is_provider(const struct git_login *l, const char *name)
{
	return l->spec->provider && !strcmp(l->spec->provider, name);
}

/* As whom a cloud is asked, when it is a ServiceAccount's own identity that counts. */
static const char *account_of(const struct git_login *l)
{
	if (!is_provider(l, "azure") || !l->opts->object_level)
		return NULL;
	return l->spec->service_account ? l->spec->service_account : l->opts->default_account;
}

static enum step_ret login_fail(struct run *r, const struct git_login *l, const char *reason)
{
	return run_fail(r, COND_FETCH_FAILED, l->reason ? l->reason : reason);
}

/* ---- what is kept ---------------------------------------------------------------------------- */

/* What a Secret says of a GitHub App. */
struct app_data {
	struct secret id, installation, owner, key, base_url; /* empty: not given */
};

struct git_login_value {
	struct depends_value value;
	unsigned refs;
	struct gitc_auth *auth; /* without a provider's token */
	struct cloud_account *account; /* NULL: the controller itself */
	struct app_data app;
};

static void app_clear(struct app_data *a)
{
	secret_clear(&a->id);
	secret_clear(&a->installation);
	secret_clear(&a->owner);
	secret_clear(&a->key);
	secret_clear(&a->base_url);
}

static struct depends_value *value_ref(struct depends_value *v)
{
	CONTAINER_OF(v, struct git_login_value, value)->refs++;
	return v;
}

static void value_unref(struct depends_value *v)
{
	struct git_login_value *s = CONTAINER_OF(v, struct git_login_value, value);

	if (--s->refs)
		return;
	gitc_auth_unref(s->auth);
	if (s->account)
		s->account->unref(s->account);
	app_clear(&s->app);
	free(s);
}

static struct git_login_value *value_new(void)
{
	struct git_login_value *v = NEW(struct git_login_value);

	v->refs = 1;
	v->auth = gitc_auth_new();
	v->value = (struct depends_value){.ref = value_ref, .unref = value_unref};
	return v;
}

/* All objects of a namespace that name the same ones share it, unless their URLs have credentials
   of their own. A namespace has no colon: nobody else keeps anything under such a name. */
static char *value_name(const struct run *r, const struct git_login *l)
{
	const struct git_spec *s = l->spec;
	const struct secret *password = &l->url->password;
	const char *account = account_of(l);
	auto_digest_ctx struct digest_ctx h = {0};
	char own[DIGEST_HEX_MAX] = "";
	struct digest d;

	if (!is_ssh(l) && l->url->user) {
		digest_ctx_init(&h, DIGEST_SHA256);
		digest_update(&h, l->url->user, strlen(l->url->user) + 1);
		digest_update(&h, password->p ? password->p : "", password->len);
		digest_final(&h, &d);
		digest_hex(&d, own);
	}
	return mem_printf("git:%s/%s/%s/%s/%s/%s/%s", login_ns(r, l), s->secret ? s->secret : "",
		s->proxy ? s->proxy : "", account ? account : "", s->provider ? s->provider : "",
		SCHEMES[l->url->scheme], own);
}

/* Gives up the reference to the value, which the login has from now on. */
static void login_set(struct git_login *l, struct depends_value *v, bool read)
{
	if (l->value)
		value_unref(&l->value->value);
	l->value = CONTAINER_OF(v, struct git_login_value, value);
	gitc_auth_unref(l->auth);
	l->auth = gitc_auth_ref(l->value->auth);
	l->read = read;
}

/* ---- the Secret ------------------------------------------------------------------------------ */

static int values_read(
	const json_t *secret, const char *const *keys, struct secret *const *out, struct err *err)
{
	for (; *keys; keys++, out++)
		if (object_secret_value(secret, *keys, *out, err))
			return -1;
	return 0;
}

static int app_read(struct app_data *a, const json_t *secret, struct err *err)
{
	static const char *const keys[] = {"githubAppID", "githubAppInstallationID",
		"githubAppInstallationOwner", "githubAppPrivateKey", "githubAppBaseURL", NULL};
	struct secret *const out[] = {&a->id, &a->installation, &a->owner, &a->key, &a->base_url};

	return values_read(secret, keys, out, err);
}

/* Names of keys are no secret, and what is misspelt is found there. */
static void keys_add(struct buf *b, const json_t *secret)
{
	json_t *data = obj_get(secret, "data"), *value;
	size_t n = json_object_size(data), shown = 0;
	const char *key;

	buf_adds(b, n ? "; it has" : "; it is empty");
	json_object_foreach (data, key, value) {
		auto_buf struct buf clean = BUF_INIT(2 * KEY_SHOWN_BYTES);

		if (shown == KEYS_SHOWN)
			break;
		steady_add_clean(&clean, key, KEY_SHOWN_BYTES);
		buf_addf(b, "%s '%s'", shown++ ? "," : "", buf_str(&clean));
	}
	if (n > shown)
		buf_addf(b, ", and %zu more", n - shown);
}

/* "Secret 'apps/git' has no 'identity'; it has 'id'", or why there is none. what: as it follows
   "has". */
static char *lack_text(
	const struct run *r, const struct git_login *l, const json_t *secret, const char *what)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);

	if (!l->spec->secret)
		return mem_strdup("spec.secretRef of the GitRepository is not set");
	buf_addf(&b, "Secret '%s/%s' has %s", login_ns(r, l), l->spec->secret, what);
	keys_add(&b, secret);
	return mem_strdup(buf_str(&b));
}

/* What is said when the server wants a user, or another one (git/auth.h). */
static char *origin_of(const struct run *r, const struct git_login *l, const json_t *secret,
	const struct secret *user, const struct secret *password, const struct gitc_auth *a)
{
	const char *what = a->bearer.len     ? "'bearerToken'"
		: user->len && password->len ? "'username' and 'password'"
		: user->len                  ? "'username'"
					     : "'password'";
	const char *url = a->bearer.len || (user->len && password->len) ? "" : " and the URL";

	if (user->len && !password->len && !l->url->password.len)
		return lack_text(r, l, secret, "a 'username' and no 'password'");
	if (!a->bearer.len && !a->basic.len)
		return lack_text(
			r, l, secret, "neither 'username' and 'password' nor 'bearerToken'");
	if (!a->bearer.len && !user->len && !password->len)
		return mem_strdup("it does not take the user and password of the URL");
	return mem_printf("it does not take %s of Secret '%s/%s'%s", what, login_ns(r, l),
		l->spec->secret, url);
}

static int option_missing(const struct run *r, const struct git_login *l, const json_t *secret,
	const char *option, const char *key, struct err *err)
{
	auto_free char *no = mem_printf("no '%s'", key);
	auto_free char *why = lack_text(r, l, secret, no);

	return err_set(err, ERR_RETRY, "invalid '%s' auth option: %s: %s", SCHEMES[l->url->scheme],
		option, why);
}

/* A user without a name stays out: what stands in the URL counts then. secret NULL: none is named,
   or it is of no use. */
static int basic_set(struct gitc_auth *a, const struct run *r, const struct git_login *l,
	const json_t *secret, const struct secret *user, const struct secret *password,
	struct err *err)
{
	const struct secret *second = password->len ? password : &l->url->password;
	const char *first = user->len ? user->p : l->url->user;
	auto_free char *text = NULL;

	if (!first || !*first) {
		if (!second->len)
			return 0;
		return option_missing(
			r, l, secret, "'password' requires 'username' to be set", "username", err);
	}
	/* What is behind the first colon is the password (RFC 7617). */
	if (strchr(first, ':'))
		return err_set(err, ERR_RETRY, "'username' holds a colon");
	text = mem_printf("%s:%s", first, second->p ? second->p : "");
	secret_set(&a->basic, text, strlen(text));
	mem_wipe(text, strlen(text));
	return 0;
}

/* secret NULL: none is named. */
static int http_read(struct git_login_value *v, const struct run *r, const struct git_login *l,
	const json_t *secret, struct err *err)
{
	static const char *const keys[] = {"username", "password", "bearerToken", NULL};
	auto_secret struct secret user = {0}, password = {0}, bearer = {0};
	struct secret *const out[] = {&user, &password, &bearer};
	bool any;

	if (values_read(secret, keys, out, err) ||
		http_trust_of_secret(&v->auth->trust, secret, &any, err) ||
		app_read(&v->app, secret, err))
		return -1;
	if (bearer.len && (user.len || password.len))
		return err_set(err, ERR_RETRY,
			"basic auth and bearer token cannot be set at the same time");
	if (bearer.len)
		secret_copy(&v->auth->bearer, &bearer);
	else if (basic_set(v->auth, r, l, secret, &user, &password, err))
		return -1;
	v->auth->origin = origin_of(r, l, secret, &user, &password, v->auth);
	return 0;
}

/* Whether a passphrase is the right one is found out by who uses it: that takes a while. */
static int identity_check(const struct gitc_auth *a, const char *what, struct err *err)
{
	struct ssh_key *key = NULL;
	int rc;

	if (a->passphrase.len)
		return 0;
	rc = ssh_key_parse(&key, a->identity.p, a->identity.len, NULL, NULL, err);
	ssh_key_free(key);
	if (!rc)
		return 0;
	if (err->code != SSH_KEY_NO_PASSPHRASE)
		return err_wrap(err, "'identity'");
	return err_set(err, ERR_RETRY,
		"SSH identity key is encrypted but no 'password' field was provided in the "
		"secret '%s'",
		what);
}

/* secret NULL: none is named. */
static int ssh_read(struct git_login_value *v, const struct run *r, const struct git_login *l,
	const json_t *secret, const char *what, struct err *err)
{
	static const char *const keys[] = {"identity", "known_hosts", "password", NULL};
	auto_secret struct secret hosts = {0};
	struct secret *const out[] = {&v->auth->identity, &hosts, &v->auth->passphrase};

	if (values_read(secret, keys, out, err))
		return -1;
	if (!v->auth->identity.len)
		return option_missing(r, l, secret, "'identity' is required", "identity", err);
	if (!hosts.len)
		return option_missing(
			r, l, secret, "'known_hosts' is required", "known_hosts", err);
	v->auth->known_hosts = BUF_INIT(LIMIT_PULL_SECRET);
	buf_add(&v->auth->known_hosts, hosts.p, hosts.len);
	return identity_check(v->auth, what, err);
}

/* ---- reading --------------------------------------------------------------------------------- */

enum role { ROLE_SECRET, ROLE_ACCOUNT, ROLE_PROXY, ROLES };

/* One after the other. */
struct git_login_read {
	const char *names[ROLES]; /* NULL: not read; borrowed */
	unsigned at;
	bool got; /* the object at `at`; what follows is about what is in it */
	struct depends_parts parts;
	struct git_login_value *value;
};

static struct git_login_read *read_new(const struct git_login *l)
{
	struct git_login_read *rd = NEW(struct git_login_read);

	rd->value = value_new();
	rd->names[ROLE_SECRET] = l->spec->secret;
	rd->names[ROLE_ACCOUNT] = account_of(l);
	rd->names[ROLE_PROXY] = l->spec->proxy;
	while (rd->at < ROLES && !rd->names[rd->at])
		rd->at++;
	return rd;
}

static void read_free(struct git_login_read *rd)
{
	if (!rd)
		return;
	value_unref(&rd->value->value);
	depends_parts_clear(&rd->parts);
	free(rd);
}

void git_login_clear(struct git_login *l)
{
	if (l->value)
		value_unref(&l->value->value);
	gitc_auth_unref(l->auth);
	depends_parts_clear(&l->parts);
	read_free(l->reading);
	*l = (struct git_login){0};
}

static unsigned nth_of(unsigned role)
{
	return role == ROLE_ACCOUNT ? NTH_ACCOUNTS : NTH_SECRETS;
}

static enum step_ret read_next(struct run *r, const struct git_login *l)
{
	const struct git_login_read *rd = l->reading;
	uint64_t timeout = (uint64_t)l->spec->timeout_ms;

	return task_wait(&r->task,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = rd->at == ROLE_ACCOUNT ? &login_service_accounts
								   : &login_secrets,
				.ns = login_ns(r, l),
				.name = rd->names[rd->at],
				.deadline_ms = timeout < LIMIT_SECRET_READ_MS
					? timeout
					: LIMIT_SECRET_READ_MS}));
}

static int object_took(struct run *r, const struct git_login *l, const json_t *obj, struct err *err)
{
	struct git_login_value *v = l->reading->value;
	auto_free char *what =
		mem_printf("%s/%s", login_ns(r, l), l->reading->names[l->reading->at]);

	switch (l->reading->at) {
	case ROLE_SECRET:
		return is_ssh(l) ? ssh_read(v, r, l, obj, what, err) : http_read(v, r, l, obj, err);
	case ROLE_ACCOUNT:
		if (service_account_check(obj, err))
			return -1;
		v->account = service_account_new(r->c->opts.kube, obj);
		item_found(r->item, NTH_ACCOUNTS, l->ns,
			(const char *const[]){l->reading->names[ROLE_ACCOUNT], NULL});
		return 0;
	default:
		return http_proxy_of_secret(&v->auth->proxy, obj, err);
	}
}

/* The object that was asked for. -1: it could not be read, or used; t->err says so. */
static int read_took(struct run *r, const struct git_login *l)
{
	struct git_login_read *rd = l->reading;
	struct task *t = &r->task;
	const json_t *obj;

	if (task_op_failed(t))
		return -1;
	obj = kube_result(t->op);
	rd->got = true;
	*vec_add(&rd->parts) = (struct depends_part){
		{nth_of(rd->at), mem_printf("%s/%s", login_ns(r, l), rd->names[rd->at])},
		mem_strdup(object_version(obj))};
	if (object_took(r, l, obj, &t->err))
		return -1;
	rd->got = false;
	for (rd->at++; rd->at < ROLES && !rd->names[rd->at]; rd->at++)
		;
	return 0;
}

/* A new reference to what all that was read comes to. What is kept and of equal versions stays. */
static struct depends_value *value_of(struct run *r, const struct git_login *l)
{
	struct git_login_read *rd = l->reading;
	auto_free char *name = value_name(r, l);
	struct depends_value *kept = depends_read(r->c->depends, name, &rd->parts);
	struct gitc_auth *a = rd->value->auth;

	if (kept)
		return kept;
	gitc_auth_seal(a);
	rd->value->value.size = sizeof(*rd->value) + sizeof(*a) + a->identity.len +
		a->known_hosts.len + a->basic.len + a->bearer.len + a->trust.ca_pem.len +
		a->trust.cert_pem.len + rd->value->app.key.len;
	depends_keep(r->c->depends, name, &rd->parts, &rd->value->value);
	return value_ref(&rd->value->value);
}

static enum step_ret read_failed(struct run *r, struct git_login *l)
{
	const struct git_login_read *rd = l->reading;
	const char *ns = login_ns(r, l), *name = rd->names[rd->at];
	struct err *err = &r->task.err;

	switch (rd->at) {
	case ROLE_SECRET:
		if (rd->got)
			err_wrap(err, "failed to configure authentication options");
		else
			err_wrap(err, "failed to get secret '%s/%s'", ns, name);
		break;
	case ROLE_ACCOUNT:
		err_wrap(err, "failed to configure authentication options: service account '%s/%s'",
			ns, name);
		break;
	default:
		err_wrap(err, "failed to configure proxy options: secret '%s/%s'", ns, name);
		break;
	}
	read_free(MOVE(l->reading));
	return login_fail(r, l, "AuthenticationFailed");
}

/* ---- the provider ---------------------------------------------------------------------------- */

#define NEEDS_APP "secretRef with github app data must be specified when provider is set to github"

/* What is wrong with it before anything was read. */
static enum step_ret provider_check(struct run *r, const struct git_login *l)
{
	const struct git_spec *s = l->spec;
	struct err *err = &r->task.err;

	if (is_provider(l, "github") && !s->secret) {
		err_set(err, ERR_STALL, NEEDS_APP);
		return login_fail(r, l, "InvalidProviderConfiguration");
	}
	if (s->provider && !is_provider(l, "github") && !is_provider(l, "azure")) {
		err_set(err, ERR_STALL,
			"spec.provider '%.64s' is not supported by this version of the controller",
			s->provider);
		return login_fail(r, l, "FeatureGateDisabled");
	}
	if (s->service_account && is_provider(l, "azure") && !l->opts->object_level) {
		err_set(err, ERR_STALL,
			"to use spec.serviceAccountName for provider authentication please enable "
			"the ObjectLevelWorkloadIdentity feature gate in the controller");
		return login_fail(r, l, "FeatureGateDisabled");
	}
	return STEP_NEXT;
}

/* And after the Secret was. */
static enum step_ret app_check(struct run *r, const struct git_login *l)
{
	const struct app_data *a = &l->value->app;
	struct err *err = &r->task.err;

	if (is_provider(l, "github") && (!a->id.len || !a->key.len)) {
		err_set(err, ERR_RETRY, NEEDS_APP);
		return login_fail(r, l, "InvalidProviderConfiguration");
	}
	if (!is_provider(l, "github") && a->id.len) {
		err_set(err, ERR_RETRY,
			"secretRef '%s/%s' has github app data but provider is not set to github",
			login_ns(r, l), l->spec->secret);
		return login_fail(r, l, "InvalidProviderConfiguration");
	}
	return STEP_NEXT;
}

/* ---- the row --------------------------------------------------------------------------------- */

/* A Secret that is not named leaves out what only it can have. */
static int value_complete(
	struct git_login_value *v, const struct run *r, const struct git_login *l, struct err *err)
{
	if (l->spec->secret)
		return 0;
	return is_ssh(l) ? ssh_read(v, r, l, NULL, "", err) : http_read(v, r, l, NULL, err);
}

static enum step_ret value_failed(struct run *r, struct git_login *l)
{
	err_wrap(&r->task.err, "failed to configure authentication options");
	read_free(MOVE(l->reading));
	return login_fail(r, l, "AuthenticationFailed");
}

/* Of who names nothing. */
static enum step_ret login_of_url(struct run *r, struct git_login *l)
{
	struct git_login_value *v = value_new();

	if (value_complete(v, r, l, &r->task.err)) {
		value_unref(&v->value);
		return value_failed(r, l);
	}
	gitc_auth_seal(v->auth);
	login_set(l, &v->value, true);
	return STEP_NEXT;
}

enum step_ret git_login_start(struct run *r, struct git_login *l)
{
	auto_free char *name = NULL;
	struct depends_value *v;
	enum step_ret ret;

	if (l->reading)
		return read_next(r, l);
	ret = provider_check(r, l);
	if (ret != STEP_NEXT)
		return ret;
	if (!l->spec->secret && !l->spec->proxy && !account_of(l))
		return login_of_url(r, l);
	name = value_name(r, l);
	v = depends_vouched(r->c->depends, name, &l->parts);
	if (v) {
		login_set(l, v, false);
		return app_check(r, l);
	}
	l->reading = read_new(l);
	return read_next(r, l);
}

enum step_ret git_login_resume(struct run *r, struct git_login *l)
{
	if (read_took(r, l))
		return read_failed(r, l);
	if (l->reading->at < ROLES)
		return STEP_AGAIN;
	if (value_complete(l->reading->value, r, l, &r->task.err))
		return value_failed(r, l);
	login_set(l, value_of(r, l), true);
	depends_parts_clear(&l->parts);
	l->parts = l->reading->parts;
	l->reading->parts = (struct depends_parts){0};
	read_free(MOVE(l->reading));
	return app_check(r, l);
}

/* ---- the provider's token -------------------------------------------------------------------- */

/* The same way and trust, with this token. user NULL: it is a bearer's. */
static void token_set(struct git_login *l, const char *user, const struct secret *token)
{
	struct gitc_auth *a = gitc_auth_new();
	const struct gitc_auth *from = l->value->auth;
	char *basic;

	http_trust_copy(&a->trust, &from->trust);
	http_proxy_copy(&a->proxy, &from->proxy);
	if (user) {
		basic = mem_printf("%s:%s", user, token->p);
		secret_set(&a->basic, basic, strlen(basic));
		mem_wipe(basic, strlen(basic));
		free(basic);
	} else {
		secret_copy(&a->bearer, token);
	}
	gitc_auth_seal(a);
	gitc_auth_unref(l->auth);
	l->auth = a;
}

static enum step_ret token_failed(struct run *r, const struct git_login *l)
{
	struct err *err = &r->task.err;

	/* What is wrong may be wrong in the Secret, or at the provider: a later run may find it
	   right. */
	if (err->kind == ERR_STALL)
		err->kind = ERR_RETRY;
	err_wrap(err, "failed to configure authentication options");
	return login_fail(r, l, "AuthenticationFailed");
}

/* The parts are the value's. */
static struct forge_app app_of(const struct git_login *l)
{
	const struct app_data *a = &l->value->app;

	return (struct forge_app){.id = a->id.p,
		.installation = a->installation.p,
		.installation_owner = a->owner.p,
		.key = &a->key,
		.base_url = a->base_url.p};
}

static struct op *app_token_start(const struct run *r, const struct git_login *l)
{
	const struct gitc_auth *a = l->value->auth;
	struct forge_app app = app_of(l);

	return forge_token_start(l->opts->forge, &app,
		&(struct forge_way){.trust = &a->trust,
			.proxy = a->proxy.url ? &a->proxy : NULL,
			.owner = r->ns,
			.timeout_ms = (uint64_t)l->spec->timeout_ms});
}

/* basic is "user:token". */
static void app_token_refused(const struct git_login *l)
{
	const size_t skip = strlen(APP_USER ":");
	auto_secret struct secret token = {0};
	struct forge_app app = app_of(l);

	if (l->auth->basic.len <= skip)
		return;
	secret_set(&token, l->auth->basic.p + skip, l->auth->basic.len - skip);
	forge_token_refused(l->opts->forge, &app, &token);
}

static struct cloud_who cloud_who_of(const struct git_login *l)
{
	const struct http_proxy *proxy = &l->value->auth->proxy;

	return (struct cloud_who){.provider = CLOUD_AZURE,
		.account = l->value->account,
		.proxy = proxy->url ? proxy : NULL};
}

/* Whoever may write a URL must not be shown a token of the controller. */
static int azure_check(const struct git_login *l, struct err *err)
{
	const struct gitc_url *u = l->url;
	size_t n = strlen(u->host), end = strlen(AZURE_OLD_HOSTS);

	if (u->scheme == GITC_HTTPS &&
		(!strcmp(u->host, AZURE_HOST) ||
			(n > end && !strcmp(u->host + n - end, AZURE_OLD_HOSTS))))
		return 0;
	return err_set(err, ERR_RETRY,
		"'%.255s' is no host of Azure DevOps that is asked over https: those are "
		"'" AZURE_HOST "', and what is below '" AZURE_OLD_HOSTS "'",
		u->host);
}

enum step_ret git_login_token_start(struct run *r, struct git_login *l)
{
	struct cloud_who who;

	if (is_ssh(l) || !l->spec->provider)
		return STEP_NEXT;
	if (is_provider(l, "github"))
		return task_wait(&r->task, app_token_start(r, l));
	if (azure_check(l, &r->task.err))
		return token_failed(r, l);
	who = cloud_who_of(l);
	return task_wait(&r->task,
		cloud_token_start(
			l->opts->cloud, &who, AZURE_SCOPE, (uint64_t)l->spec->timeout_ms));
}

enum step_ret git_login_token_resume(struct run *r, struct git_login *l)
{
	struct task *t = &r->task;

	if (task_op_failed(t))
		return token_failed(r, l);
	if (is_provider(l, "github"))
		token_set(l, APP_USER, forge_token_result(t->op));
	else
		token_set(l, NULL, cloud_token_result(t->op));
	return STEP_NEXT;
}

bool git_login_app(const struct git_login *l, struct forge_app *out)
{
	if (is_ssh(l) || !is_provider(l, "github") || !l->value)
		return false;
	*out = app_of(l);
	return true;
}

/* The token that was shown was refused: the next run shows another one. */
static void token_refused(const struct git_login *l)
{
	struct cloud_who who = cloud_who_of(l);

	if (is_provider(l, "github"))
		app_token_refused(l);
	else if (l->auth->bearer.p)
		cloud_token_refused(l->opts->cloud, &who, AZURE_SCOPE, &l->auth->bearer);
}

/* ---- after a refusal ------------------------------------------------------------------------- */

enum step_ret git_login_reread_start(struct run *r, struct git_login *l)
{
	if (l->reading)
		return read_next(r, l);
	if (r->task.err.kind == ERR_NONE || r->task.err.code != GITC_AUTH_FAILED || !l->value)
		return STEP_NEXT;
	if (l->spec->provider && !is_ssh(l))
		token_refused(l);
	if (!l->parts.len || l->read)
		return STEP_NEXT;
	l->reading = read_new(l);
	return read_next(r, l);
}

enum step_ret git_login_reread_resume(struct run *r, struct git_login *l)
{
	struct err told = r->task.err;
	struct depends_value *v;

	if (read_took(r, l) ||
		(l->reading->at >= ROLES &&
			value_complete(l->reading->value, r, l, &r->task.err))) {
		/* Gone, or nobody knows: whoever needs it next asks again. The run's own error is
		   what is told. */
		auto_free char *name = value_name(r, l);

		r->task.err = told;
		depends_drop(r->c->depends, name);
		return STEP_NEXT;
	}
	if (l->reading->at < ROLES)
		return STEP_AGAIN;
	if (depends_parts_same(&l->reading->parts, &l->parts))
		return STEP_NEXT;
	log_info(&r->log, "what it logs in with has changed, trying again");
	v = value_of(r, l);
	v->unref(v);
	r->task.err = (struct err){0};
	run_end(r, RUN_AGAIN);
	return STEP_NEXT;
}
