#include "cloud/azure.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "cloud/host.h"
#include "cloud/oauth.h"
#include "http/url.h"
#include "text/steady.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SCOPE "https://containerregistry.azure.net/.default"
#define SCOPE_END "/.default"
#define IMDS_URL \
	"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource="
#define ARC_AGENT "/opt/azcmagent/bin/himds"
#define NAME_MAX_LEN 256 /* of a tenant or a client: a GUID, or a domain */

/* ---- the environment file -------------------------------------------------------------------- */

static char *suffix_read(const char *text)
{
	char *suffix, *p;

	if (!text || !*text)
		return NULL;
	suffix = mem_strdup(*text == '.' ? text + 1 : text);
	for (p = suffix; *p; p++)
		if (ascii_is_upper(*p))
			*p += 'a' - 'A';
	return suffix;
}

int azure_env_parse(struct azure_env *e, const char *text, size_t len, struct err *err)
{
	static const char *const needed[] = {"resourceManagerEndpoint", "tokenAudience"};
	auto_json json_t *o = obj_parse_within(text, len, &obj_answer, "it", err);
	auto_free char *suffix = NULL;
	size_t i;

	if (!o)
		return -1;
	for (i = 0; i < ARRAY_LEN(needed); i++)
		if (!*obj_str_or("", o, needed[i]))
			return err_set(err, ERR_RETRY, "it has no '%s'", needed[i]);
	suffix = suffix_read(obj_str(o, "containerRegistryDNSSuffix"));
	if (suffix && !cloud_labels_ok(suffix, strlen(suffix)))
		return err_set(err, ERR_RETRY,
			"its 'containerRegistryDNSSuffix' '%.100s' is no name of a domain", suffix);
	e->suffix = MOVE(suffix);
	e->endpoint = mem_strdup(obj_str(o, needed[0]));
	return 0;
}

struct azure_env *azure_env_new(const struct cloud_env *env)
{
	const char *path = cloud_env_get(env, "AZURE_ENVIRONMENT_FILEPATH");
	auto_buf struct buf text = BUF_INIT(LIMIT_TOKEN_BODY);
	struct azure_env *e = NEW(struct azure_env);
	struct stat st;

	e->arc = !sys_statat(AT_FDCWD, ARC_AGENT, &st);
	e->named = path;
	if (path &&
		(sys_read_file(AT_FDCWD, path, &text, &e->err) ||
			azure_env_parse(e, buf_str(&text), text.len, &e->err)))
		err_wrap(&e->err, "AZURE_ENVIRONMENT_FILEPATH '%.300s'", path);
	return e;
}

void azure_env_free(struct azure_env *e)
{
	if (!e)
		return;
	free(e->suffix);
	free(e->endpoint);
	free(e);
}

/* ---- whose identity -------------------------------------------------------------------------- */

/* It goes into a path. */
static bool name_ok(const char *s)
{
	size_t n;

	for (n = 0; s[n]; n++)
		if ((!ascii_is_alnum(s[n]) && s[n] != '.' && s[n] != '-') || n >= NAME_MAX_LEN)
			return false;
	return n && strcmp(s, ".") && strcmp(s, "..");
}

static int name_check(const char *what, const char *key, const char *value, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_CLOUD_TEXT + 4);

	if (!value)
		return err_set(err, ERR_RETRY, "the %s '%s' is missing", what, key);
	if (name_ok(value))
		return 0;
	steady_add_clean(&shown, value, LIMIT_CLOUD_TEXT);
	return err_set(err, ERR_RETRY,
		"the %s '%s' is '%s': only letters, digits, '.' and '-' are allowed", what, key,
		buf_str(&shown));
}

static int account_choose(const struct cloud_ticket *t, struct azure_login *login, struct err *err)
{
	login->source = AZURE_ACCOUNT;
	login->tenant = cloud_account_annotation(t, AZURE_TENANT_KEY);
	login->client = cloud_account_annotation(t, AZURE_CLIENT_KEY);
	return name_check("annotation", AZURE_TENANT_KEY, login->tenant, err) ||
			name_check("annotation", AZURE_CLIENT_KEY, login->client, err)
		? -1
		: 0;
}

static int not_built(const char *variable, const char *what, struct err *err)
{
	return err_set(err, ERR_RETRY,
		"%s is set, but %s is not supported: use workload identity, a client secret or a "
		"managed identity",
		variable, what);
}

/* Sources 3 to 5: what Azure gives to a machine. */
static int managed_choose(const struct cloud_ticket *t, struct azure_login *login, struct err *err)
{
	const struct cloud_env *env = &t->cloud->env;
	bool endpoint = cloud_env_get(env, "IDENTITY_ENDPOINT");
	bool header = cloud_env_get(env, "IDENTITY_HEADER");

	login->tenant = NULL;
	if (endpoint && header && cloud_env_get(env, "IDENTITY_SERVER_THUMBPRINT"))
		return not_built(
			"IDENTITY_SERVER_THUMBPRINT", "the identity of Service Fabric", err);
	if (endpoint && header) {
		login->source = AZURE_APP_SERVICE;
		login->name = "identity of the App Service";
		return 0;
	}
	if (cloud_env_get(env, "IMDS_ENDPOINT"))
		return not_built("IMDS_ENDPOINT", "the identity of Azure Arc", err);
	if (cloud_env_get(env, "MSI_ENDPOINT"))
		return not_built("MSI_ENDPOINT",
			"the identity of Cloud Shell and Azure Machine Learning", err);
	if (t->cloud->azure->arc)
		return err_set(err, ERR_RETRY,
			"an agent of Azure Arc (" ARC_AGENT ") is installed, but its identity is "
			"not supported");
	login->source = AZURE_IMDS;
	login->name = "managed identity of the node";
	return 0;
}

/* Source 1. True: it is this one, or *err says why it cannot be. */
static bool app_choose(const struct cloud_env *env, struct azure_login *login, struct err *err)
{
	login->source = AZURE_SECRET;
	login->name = "client secret of the environment";
	if (!login->tenant || !login->client)
		return false;
	if (cloud_env_get(env, "AZURE_CLIENT_SECRET"))
		return true;
	if (cloud_env_get(env, "AZURE_CLIENT_CERTIFICATE_PATH")) {
		not_built("AZURE_CLIENT_CERTIFICATE_PATH", "a client certificate", err);
		return true;
	}
	if (cloud_env_get(env, "AZURE_USERNAME") && cloud_env_get(env, "AZURE_PASSWORD")) {
		not_built("AZURE_USERNAME", "a user's password", err);
		return true;
	}
	return false;
}

static int controller_choose(
	const struct cloud_ticket *t, struct azure_login *login, struct err *err)
{
	const struct cloud_env *env = &t->cloud->env;
	struct err refused = {0};

	login->tenant = cloud_env_get(env, "AZURE_TENANT_ID");
	login->client = cloud_env_get(env, "AZURE_CLIENT_ID");
	if (!app_choose(env, login, &refused)) {
		if (!login->tenant || !login->client ||
			!cloud_env_get(env, "AZURE_AUTHORITY_HOST") ||
			!cloud_env_get(env, "AZURE_FEDERATED_TOKEN_FILE"))
			return managed_choose(t, login, err);
		login->source = AZURE_FEDERATED;
		login->name = "workload identity of the pod";
	}
	if (refused.kind != ERR_NONE) {
		*err = refused;
		return -1;
	}
	return name_check("variable", "AZURE_TENANT_ID", login->tenant, err);
}

int azure_login_choose(const struct cloud_ticket *t, struct azure_login *login, struct err *err)
{
	*login = (struct azure_login){.source = AZURE_IMDS};
	return t->account ? account_choose(t, login, err) : controller_choose(t, login, err);
}

/* ---- the access token ------------------------------------------------------------------------ */

void azure_scope(const struct cloud_ticket *t, struct buf *out)
{
	if (t->scope)
		buf_adds(out, t->scope);
	else if (t->cloud->azure->endpoint) /* with a slash at its end: two then */
		buf_addf(out, "%s" SCOPE_END, t->cloud->azure->endpoint);
	else
		buf_adds(out, SCOPE);
}

static const char *authority_by_suffix(const char *suffix)
{
	if (!strcmp(suffix, "azurecr.cn"))
		return "https://login.chinacloudapi.cn";
	if (!strcmp(suffix, "azurecr.us"))
		return "https://login.microsoftonline.us";
	return "https://login.microsoftonline.com";
}

int azure_authority(const struct cloud_ticket *t, struct buf *out, struct err *err)
{
	const char *set = cloud_env_get(&t->cloud->env, "AZURE_AUTHORITY_HOST");
	size_t n;

	if (!set)
		return buf_adds(out, authority_by_suffix(t->place.suffix));
	if (cloud_url_check(set, "AZURE_AUTHORITY_HOST", CLOUD_URL_HTTPS, NULL, err))
		return -1;
	if (strchr(set, '?'))
		return err_set(err, ERR_RETRY, "AZURE_AUTHORITY_HOST has a query");
	for (n = strlen(set); set[n - 1] == '/'; n--)
		;
	return buf_add(out, set, n);
}

int azure_entra_url(const struct cloud_ticket *t, const struct azure_login *login, struct buf *url,
	struct err *err)
{
	if (azure_authority(t, url, err))
		return -1;
	buf_addf(url, "/%s/oauth2/v2.0/token", login->tenant);
	return 0;
}

void azure_entra_form(const struct cloud_ticket *t, const struct azure_login *login,
	const char *secret, struct buf *form)
{
	auto_buf struct buf scope = BUF_INIT(LIMIT_URL);

	azure_scope(t, &scope);
	cloud_form_add(form, "grant_type", "client_credentials");
	cloud_form_add(form, "client_id", login->client);
	cloud_form_add(form, "scope", buf_str(&scope));
	if (login->source == AZURE_SECRET) {
		cloud_form_add(form, "client_secret", secret);
		return;
	}
	cloud_form_add(form, "client_assertion_type",
		"urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	cloud_form_add(form, "client_assertion", secret);
}

/* What a managed identity is asked for: the scope without what v2.0 of the endpoint adds. */
static void add_resource(const struct cloud_ticket *t, struct buf *url)
{
	auto_buf struct buf scope = BUF_INIT(LIMIT_URL);
	size_t end = strlen(SCOPE_END);

	azure_scope(t, &scope);
	if (!buf_over(&scope))
		scope.p[scope.len - end] = '\0';
	url_encode(url, buf_str(&scope));
}

void azure_managed_url(
	const struct cloud_ticket *t, const struct azure_login *login, struct buf *url)
{
	const char *at = cloud_env_get(&t->cloud->env, "IDENTITY_ENDPOINT");

	if (login->source == AZURE_IMDS)
		buf_adds(url, IMDS_URL);
	else
		buf_addf(url, "%s%capi-version=2019-08-01&resource=", at,
			strchr(at, '?') ? '&' : '?');
	add_resource(t, url);
	if (login->client) {
		buf_adds(url, "&client_id=");
		url_encode(url, login->client);
	}
}

/* ---- the registry's password ----------------------------------------------------------------- */

void azure_exchange_url(const char *host, struct buf *url)
{
	buf_addf(url, "https://%s/oauth2/exchange?api-version=2021-07-01", host);
}

void azure_exchange_form(const char *host, const char *access_token, struct buf *form)
{
	cloud_form_add(form, "grant_type", "access_token");
	cloud_form_add(form, "service", host);
	cloud_form_add(form, "access_token", access_token);
}

/* "exp" of a JSON web token, in seconds (RFC 7519 section 4.1.4: a number, maybe with a
   fraction). */
static int64_t exp_ms_read(const json_t *claims)
{
	const json_t *exp = obj_get(claims, "exp");
	double s = json_number_value(exp);

	if (!json_is_number(exp) || !(s > 0) || s > 1e12)
		return clock_wall_ms() + CLOUD_OAUTH_LIFE_MS;
	return (int64_t)(s * 1000);
}

int azure_exchange_read(const json_t *answer, struct cloud_secrets *got, struct err *err)
{
	const char *token = obj_str(answer, "refresh_token");
	auto_json json_t *claims = NULL;
	char *pair;

	if (!token || !*token)
		return err_set(err, ERR_RETRY, "the answer holds no 'refresh_token'");
	claims = cloud_token_ok(token) ? cloud_jwt_claims(token, strlen(token), err) : NULL;
	if (!claims)
		return err_set(
			err, ERR_RETRY, "the 'refresh_token' of the answer is no JSON web token");
	got->expires_ms = exp_ms_read(claims);
	pair = mem_printf(AZURE_ACR_USER ":%s", token);
	secret_set(&got->first, pair, strlen(pair));
	mem_wipe(pair, strlen(pair));
	free(pair);
	return 0;
}
