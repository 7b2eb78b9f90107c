/* Azure: which hosts, whose identity, what is sent and read. Entra and ACR speak https only: their
   forms and answers are looked at here, whole exchanges by the scripts. A managed identity is asked
   for here. */
#include "cloud/azure.h"

#include "base/obj.h"
#include "test/unit/cloud/oauth_rig.h"

Suite *suite_azure(void);

#define ENV_FILE \
	"{\"resourceManagerEndpoint\":\"https://management.local/\",\"tokenAudience\":\"https://" \
	"management.local/\",\"containerRegistryDNSSuffix\":\"azurecr.private\"}"

/* ---- hosts ----------------------------------------------------------------------------------- */

static const struct {
	const char *host, *suffix; /* suffix NULL: refused */
	const char *with_file; /* with the environment file; "" as without it */
} hosts[] = {
	{"x.azurecr.io", "azurecr.io", ""},
	{"x.azurecr.cn", "azurecr.cn", ""},
	{"x.azurecr.us", "azurecr.us", ""},
	{"x.azurecr.de", "azurecr.de", ""},
	{"name-hash.eastus.geo.azurecr.io", "azurecr.io", ""},
	{"x.azurecr.private", NULL, "azurecr.private"},
	{"xazurecr.private", NULL, NULL},
	{"azurecr.private", NULL, NULL},
	{"azurecr.io", NULL, ""},
	{".azurecr.io", NULL, ""},
	{"xazurecr.io", NULL, ""},
	{"x.azurecr.io.evil", NULL, ""},
	{"x.azurecr.io.evil.azurecr.com", NULL, ""},
	{"x.azurecr.io:443", NULL, ""},
	{"x.azurecr.io.", NULL, ""},
	{"x.azurecr.fr", NULL, ""},
	{"x_y.azurecr.io", NULL, ""},
	{"a..azurecr.io", NULL, ""},
	{"evil/x.azurecr.io", NULL, ""},
	{"X.azurecr.io", NULL, ""},
	{"", NULL, ""},
};

static void place(const struct rig *r, const char *host, const char *suffix)
{
	struct cloud_place got = {.suffix = ""};
	struct err err = {0};
	int rc = cloud_azure.place(r->cloud, host, &got, &err);

	ck_assert_msg((rc == 0) == (suffix != NULL), "'%s': %s", host, err.msg);
	if (suffix)
		ck_assert_str_eq(got.suffix, suffix);
	else
		ck_assert_msg(
			strstr(err.msg, ".azurecr.io") && strstr(err.msg, host), "%s", err.msg);
}

START_TEST(test_host)
{
	const char *host = hosts[_i].host, *with = hosts[_i].with_file;
	auto_free char *path = NULL;
	struct rig r;

	rig_init(&r);
	rig_open(&r, &cloud_azure, host, false);
	place(&r, host, hosts[_i].suffix);
	rig_close(&r);
	path = rig_file(&r, "env.json", ENV_FILE);
	cloud_env_set(&r.env, "AZURE_ENVIRONMENT_FILEPATH", path);
	rig_open(&r, &cloud_azure, host, false);
	place(&r, host, with && !*with ? hosts[_i].suffix : with);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *name, *json, *says, *suffix; /* says NULL: it is taken */
} env_files[] = {
	{"whole", ENV_FILE, NULL, "azurecr.private"},
	{"no suffix", "{\"resourceManagerEndpoint\":\"https://m\",\"tokenAudience\":\"a\"}", NULL,
		NULL},
	{"upper case, a dot",
		"{\"resourceManagerEndpoint\":\"https://m\",\"tokenAudience\":\"a\","
		"\"containerRegistryDNSSuffix\":\".AzureCR.Private\"}",
		NULL, "azurecr.private"},
	{"no endpoint", "{\"tokenAudience\":\"a\"}", "'resourceManagerEndpoint'", NULL},
	{"no audience", "{\"resourceManagerEndpoint\":\"https://m\"}", "'tokenAudience'", NULL},
	{"empty audience", "{\"resourceManagerEndpoint\":\"https://m\",\"tokenAudience\":\"\"}",
		"'tokenAudience'", NULL},
	{"odd suffix",
		"{\"resourceManagerEndpoint\":\"https://m\",\"tokenAudience\":\"a\","
		"\"containerRegistryDNSSuffix\":\"*\"}",
		"'containerRegistryDNSSuffix'", NULL},
	{"a list", "[]", "'resourceManagerEndpoint'", NULL},
	{"no JSON", "resourceManagerEndpoint", "it", NULL},
};

START_TEST(test_env_file)
{
	const char *name = env_files[_i].name, *says = env_files[_i].says;
	auto_free char *path = NULL;
	struct cloud_place got;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	path = rig_file(&r, "env.json", env_files[_i].json);
	cloud_env_set(&r.env, "AZURE_ENVIRONMENT_FILEPATH", path);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	ck_assert_msg(!cloud_azure.place(r.cloud, "x.azurecr.io", &got, &err) == !says, "%s: %s",
		name, err.msg);
	if (says)
		ck_assert_msg(
			strstr(err.msg, says) && strstr(err.msg, "AZURE_ENVIRONMENT_FILEPATH"),
			"%s: %s", name, err.msg);
	else if (env_files[_i].suffix)
		ck_assert_str_eq(r.cloud->azure->suffix, env_files[_i].suffix);
	else
		ck_assert_ptr_null(r.cloud->azure->suffix);
	rig_clear(&r);
}
END_TEST

START_TEST(test_env_file_gone)
{
	struct cloud_place got;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	cloud_env_set(&r.env, "AZURE_ENVIRONMENT_FILEPATH", "/nowhere/env.json");
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	ck_assert_int_eq(cloud_azure.place(r.cloud, "x.azurecr.io", &got, &err), -1);
	ck_assert_msg(strstr(err.msg, "AZURE_ENVIRONMENT_FILEPATH") &&
			strstr(err.msg, "/nowhere/env.json"),
		"%s", err.msg);
	rig_clear(&r);
}
END_TEST

/* ---- whose identity -------------------------------------------------------------------------- */

#define TENANT "AZURE_TENANT_ID=ten-1"
#define CLIENT "AZURE_CLIENT_ID=cli-1"
#define SECRET "AZURE_CLIENT_SECRET=s3cret"
#define AUTHORITY "AZURE_AUTHORITY_HOST=https://login.example/"
#define FEDERATED "AZURE_FEDERATED_TOKEN_FILE=/token"
#define ENDPOINT "IDENTITY_ENDPOINT=http://127.0.0.1:1/msi"
#define HEADER "IDENTITY_HEADER=h"

static const struct {
	const char *name, *env[8];
	enum azure_source source;
	const char *says; /* an error that says so; NULL: source */
} sources[] = {
	{"nothing", {NULL}, AZURE_IMDS, NULL},
	{"a client alone", {CLIENT}, AZURE_IMDS, NULL},
	{"secret", {TENANT, CLIENT, SECRET}, AZURE_SECRET, NULL},
	{"secret without tenant", {CLIENT, SECRET}, AZURE_IMDS, NULL},
	{"the webhook's four", {TENANT, CLIENT, AUTHORITY, FEDERATED}, AZURE_FEDERATED, NULL},
	{"secret before the four", {TENANT, CLIENT, SECRET, AUTHORITY, FEDERATED}, AZURE_SECRET,
		NULL},
	{"three of the four", {TENANT, CLIENT, FEDERATED}, AZURE_IMDS, NULL},
	{"federated before App Service", {TENANT, CLIENT, AUTHORITY, FEDERATED, ENDPOINT, HEADER},
		AZURE_FEDERATED, NULL},
	{"App Service", {ENDPOINT, HEADER}, AZURE_APP_SERVICE, NULL},
	{"App Service without header", {ENDPOINT}, AZURE_IMDS, NULL},
	{"App Service before Cloud Shell", {ENDPOINT, HEADER, "MSI_ENDPOINT=http://x"},
		AZURE_APP_SERVICE, NULL},
	{"certificate", {TENANT, CLIENT, "AZURE_CLIENT_CERTIFICATE_PATH=/c"}, 0,
		"AZURE_CLIENT_CERTIFICATE_PATH is set"},
	{"secret before certificate", {TENANT, CLIENT, SECRET, "AZURE_CLIENT_CERTIFICATE_PATH=/c"},
		AZURE_SECRET, NULL},
	{"password", {TENANT, CLIENT, "AZURE_USERNAME=u", "AZURE_PASSWORD=hunter2"}, 0,
		"AZURE_USERNAME is set"},
	{"user without password", {TENANT, CLIENT, "AZURE_USERNAME=u"}, AZURE_IMDS, NULL},
	{"Service Fabric", {ENDPOINT, HEADER, "IDENTITY_SERVER_THUMBPRINT=t"}, 0,
		"IDENTITY_SERVER_THUMBPRINT is set"},
	{"Arc", {"IMDS_ENDPOINT=http://x"}, 0, "IMDS_ENDPOINT is set"},
	{"Cloud Shell", {"MSI_ENDPOINT=http://x"}, 0, "MSI_ENDPOINT is set"},
	{"a tenant that leads elsewhere", {"AZURE_TENANT_ID=../x", CLIENT, SECRET}, 0,
		"AZURE_TENANT_ID"},
};

static void rig_setenv(struct rig *r, const char *pair)
{
	auto_free char *name = mem_strdup(pair);
	char *value = strchr(name, '=');

	*value++ = '\0';
	cloud_env_set(&r->env, name, value);
}

START_TEST(test_source)
{
	const char *name = sources[_i].name, *says = sources[_i].says;
	struct azure_login login;
	struct err err = {0};
	struct rig r;
	size_t i;
	int rc;

	rig_init(&r);
	for (i = 0; sources[_i].env[i]; i++)
		rig_setenv(&r, sources[_i].env[i]);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	r.cloud->azure->arc = false;
	rc = azure_login_choose(r.ticket, &login, &err);
	ck_assert_msg(!rc == !says, "%s: %s", name, err.msg);
	if (says)
		ck_assert_msg(strstr(err.msg, says) && !strstr(err.msg, "hunter2"), "%s: %s", name,
			err.msg);
	else
		ck_assert_msg(login.source == sources[_i].source, "%s: %d", name, login.source);
	rig_clear(&r);
}
END_TEST

START_TEST(test_source_arc)
{
	struct azure_login login;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	r.cloud->azure->arc = true;
	ck_assert_int_eq(azure_login_choose(r.ticket, &login, &err), -1);
	ck_assert_msg(strstr(err.msg, "himds"), "%s", err.msg);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *name, *tenant, *client;
	const char *says; /* the annotation; NULL: good */
} annotations[] = {
	{"both", "ten-1.example", "cli-1", NULL},
	{"none", NULL, NULL, AZURE_TENANT_KEY},
	{"no client", "ten-1", NULL, AZURE_CLIENT_KEY},
	{"no tenant", NULL, "cli-1", AZURE_TENANT_KEY},
	{"empty tenant", "", "cli-1", AZURE_TENANT_KEY},
	{"a path as client", "ten-1", "../x", AZURE_CLIENT_KEY},
	{"a path as tenant", "../x", "cli-1", AZURE_TENANT_KEY},
	{"dots", "..", "cli-1", AZURE_TENANT_KEY},
	{"a query", "ten?x", "cli-1", AZURE_TENANT_KEY},
	{"a line", "ten\n", "cli-1", AZURE_TENANT_KEY},
};

/* Case 71: nobody is asked, Kubernetes neither. */
START_TEST(test_annotations)
{
	const char *name = annotations[_i].name, *says = annotations[_i].says;
	struct azure_login login;
	struct err err = {0};
	struct op *op;
	struct rig r;

	rig_init(&r);
	rig_annotate(&r, "other", "x");
	if (annotations[_i].tenant)
		rig_annotate(&r, AZURE_TENANT_KEY, annotations[_i].tenant);
	if (annotations[_i].client)
		rig_annotate(&r, AZURE_CLIENT_KEY, annotations[_i].client);
	rig_setenv(&r, "AZURE_TENANT_ID=of-the-controller");
	rig_open(&r, &cloud_azure, "x.azurecr.io", true);
	ck_assert_msg(
		!azure_login_choose(r.ticket, &login, &err) == !says, "%s: %s", name, err.msg);
	if (!says) {
		ck_assert_int_eq(login.source, AZURE_ACCOUNT);
		ck_assert_str_eq(login.tenant, "ten-1.example");
		ck_assert_str_eq(login.client, "cli-1");
	} else {
		op = rig_login(&r, CLOUD_AZURE, true);
		rig_says(op, says);
		rig_says(op, "from azure: ServiceAccount 'apps/tenant': ");
		ck_assert(!strchr(op->err.msg, '\n'));
		op_free(op);
		ck_assert_ptr_null(r.audience);
		ck_assert_str_eq(buf_str(&r.log), "");
	}
	rig_clear(&r);
}
END_TEST

/* ---- Entra ----------------------------------------------------------------------------------- */

static const struct {
	const char *host, *authority; /* NULL: not set */
	const char *url; /* NULL: refused */
} authorities[] = {
	{"x.azurecr.io", NULL, "https://login.microsoftonline.com/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.de", NULL, "https://login.microsoftonline.com/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.cn", NULL, "https://login.chinacloudapi.cn/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.us", NULL, "https://login.microsoftonline.us/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.cn", "https://login.example/", "https://login.example/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.io", "https://login.example", "https://login.example/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.io", "https://adfs.local/adfs//",
		"https://adfs.local/adfs/ten-1/oauth2/v2.0/token"},
	{"x.azurecr.io", "http://login.example/", NULL},
	{"x.azurecr.io", "http://127.0.0.1:8080/", NULL},
	{"x.azurecr.io", "login.example", NULL},
	{"x.azurecr.io", "https://u:hunter2@login.example/", NULL},
	{"x.azurecr.io", "https://login.example/?a=b", NULL},
};

START_TEST(test_authority)
{
	const char *url = authorities[_i].url;
	auto_buf struct buf got = BUF_INIT(1000);
	struct azure_login login;
	struct err err = {0};
	struct rig r;
	int rc;

	rig_init(&r);
	rig_setenv(&r, TENANT);
	rig_setenv(&r, CLIENT);
	rig_setenv(&r, SECRET);
	if (authorities[_i].authority)
		cloud_env_set(&r.env, "AZURE_AUTHORITY_HOST", authorities[_i].authority);
	rig_open(&r, &cloud_azure, authorities[_i].host, false);
	ck_assert_int_eq(cloud_azure.place(r.cloud, r.ticket->host, &r.ticket->place, &err), 0);
	ck_assert_msg(!azure_login_choose(r.ticket, &login, &err), "%s", err.msg);
	rc = azure_entra_url(r.ticket, &login, &got, &err);
	ck_assert_msg(!rc == !!url, "%s: %s", authorities[_i].authority, err.msg);
	if (url) {
		ck_assert_str_eq(buf_str(&got), url);
	} else {
		struct cloud_fetch *f = rig_wait(&r, cloud_azure.access(r.ticket));

		rig_says(&f->task.self, "AZURE_AUTHORITY_HOST");
		ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
		op_free(&f->task.self);
	}
	rig_clear(&r);
}
END_TEST

static void form_is(struct rig *r, enum azure_source source, const char *want)
{
	const struct azure_login login = {.source = source, .tenant = "ten-1", .client = "cli 1"};
	auto_buf struct buf form = BUF_INIT(4096);

	azure_entra_form(r->ticket, &login, "a.b&c", &form);
	ck_assert_str_eq(buf_str(&form), want);
}

START_TEST(test_forms)
{
	static const char assertion[] =
		"grant_type=client_credentials&client_id=cli%201&scope=https%3A%2F%2F"
		"containerregistry.azure.net%2F.default&client_assertion_type=urn%3Aietf%3Aparams"
		"%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=a.b%26c";
	auto_buf struct buf exchange = BUF_INIT(4096), url = BUF_INIT(4096);
	auto_free char *path = NULL;
	struct rig r;

	rig_init(&r);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	form_is(&r, AZURE_SECRET,
		"grant_type=client_credentials&client_id=cli%201&scope=https%3A%2F%2F"
		"containerregistry.azure.net%2F.default&client_secret=a.b%26c");
	form_is(&r, AZURE_FEDERATED, assertion);
	form_is(&r, AZURE_ACCOUNT, assertion);
	azure_exchange_form("x.azurecr.io", "t+k", &exchange);
	ck_assert_str_eq(buf_str(&exchange),
		"grant_type=access_token&service=x.azurecr.io&access_token=t%2Bk");
	azure_exchange_url("x.azurecr.io", &url);
	ck_assert_str_eq(
		buf_str(&url), "https://x.azurecr.io/oauth2/exchange?api-version=2021-07-01");
	rig_close(&r);
	/* Two slashes, as the file has one at its end (case 58). */
	path = rig_file(&r, "env.json", ENV_FILE);
	cloud_env_set(&r.env, "AZURE_ENVIRONMENT_FILEPATH", path);
	rig_open(&r, &cloud_azure, "x.azurecr.private", false);
	form_is(&r, AZURE_SECRET,
		"grant_type=client_credentials&client_id=cli%201&scope=https%3A%2F%2F"
		"management.local%2F%2F.default&client_secret=a.b%26c");
	rig_clear(&r);
}
END_TEST

START_TEST(test_keys)
{
	auto_buf struct buf a = BUF_INIT(1000), b = BUF_INIT(1000), c = BUF_INIT(1000);
	struct rig r;

	rig_init(&r);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	cloud_azure.access_key(r.ticket, &a);
	snprintf(r.ticket->place.suffix, sizeof(r.ticket->place.suffix), "azurecr.cn");
	cloud_azure.access_key(r.ticket, &b);
	ck_assert_str_ne(buf_str(&a), buf_str(&b));
	ck_assert(strstr(buf_str(&a), "containerregistry.azure.net"));
	cloud_azure.credential_key(r.ticket, &c);
	ck_assert_str_eq(buf_str(&c), "x.azurecr.io");
	rig_clear(&r);
}
END_TEST

/* ---- managed identities ---------------------------------------------------------------------- */

START_TEST(test_managed_url)
{
	struct azure_login login = {.source = AZURE_IMDS};
	auto_buf struct buf url = BUF_INIT(4096);
	auto_free char *path = NULL;
	struct rig r;

	rig_init(&r);
	rig_setenv(&r, "IDENTITY_ENDPOINT=http://127.0.0.1:1/msi?x=y");
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	azure_managed_url(r.ticket, &login, &url);
	ck_assert_str_eq(buf_str(&url),
		"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
		"&resource=https%3A%2F%2Fcontainerregistry.azure.net");
	buf_reset(&url);
	login = (struct azure_login){.source = AZURE_APP_SERVICE, .client = "cli&1"};
	azure_managed_url(r.ticket, &login, &url);
	ck_assert_str_eq(buf_str(&url),
		"http://127.0.0.1:1/msi?x=y&api-version=2019-08-01"
		"&resource=https%3A%2F%2Fcontainerregistry.azure.net&client_id=cli%261");
	rig_close(&r);
	path = rig_file(&r, "env.json", ENV_FILE);
	cloud_env_set(&r.env, "AZURE_ENVIRONMENT_FILEPATH", path);
	rig_open(&r, &cloud_azure, "x.azurecr.private", false);
	buf_reset(&url);
	login = (struct azure_login){.source = AZURE_IMDS};
	azure_managed_url(r.ticket, &login, &url);
	ck_assert_str_eq(buf_str(&url),
		"http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"
		"&resource=https%3A%2F%2Fmanagement.local%2F");
	rig_clear(&r);
}
END_TEST

static void app_service(struct rig *r, const char *client)
{
	auto_free char *endpoint = NULL;

	rig_init(r);
	endpoint = mem_printf("%s/msi/token", r->base);
	cloud_env_set(&r->env, "IDENTITY_ENDPOINT", endpoint);
	cloud_env_set(&r->env, "IDENTITY_HEADER", "head3r");
	cloud_env_set(&r->env, "AZURE_CLIENT_ID", client);
	rig_open(r, &cloud_azure, "x.azurecr.io", false);
}

/* Case 53. */
START_TEST(test_app_service)
{
	struct cloud_fetch *f;
	struct rig r;

	app_service(&r, "cli-1");
	rig_on(&r, "GET", "/msi/token",
		"{\"access_token\":\"tok\",\"expires_on\":\"1769855400\",\"token_type\":"
		"\"Bearer\"}");
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_ok(&f->task.self);
	ck_assert_str_eq(f->got.first.p, "tok");
	ck_assert_int_eq(f->got.expires_ms, RIG_NOW_MS + 3600000);
	ck_assert_str_eq(f->got.source, "identity of the App Service");
	op_free(&f->task.self);
	ck_assert_str_eq(buf_str(&r.log),
		"GET /msi/token api-version=2019-08-01 "
		"resource=https://containerregistry.azure.net client_id=cli-1 "
		"X-IDENTITY-HEADER=head3r\n");
	rig_clear(&r);
}
END_TEST

static void managed_fails(
	const char *client, int status, const char *body, const char *says, bool hint)
{
	struct cloud_fetch *f;
	struct rig r;

	app_service(&r, client);
	rig_on(&r, "GET", "/msi/token", body)->status = status;
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_says(&f->task.self, says);
	rig_says(&f->task.self, "identity of the App Service");
	ck_assert_msg(!strstr(f->task.self.err.msg, "AZURE_CLIENT_ID") == !hint, "%s",
		f->task.self.err.msg);
	ck_assert(!strstr(f->task.self.err.msg, "head3r"));
	op_free(&f->task.self);
	rig_clear(&r);
}

static void app_service_bad(const char *variable, const char *value)
{
	struct cloud_fetch *f;
	struct rig r;

	app_service(&r, NULL);
	rig_close(&r);
	cloud_env_set(&r.env, variable, value);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_says(&f->task.self, variable);
	ck_assert_int_eq(f->task.self.err.kind, ERR_RETRY);
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	ck_assert_str_eq(buf_str(&r.log), "");
	op_free(&f->task.self);
	rig_clear(&r);
}

START_TEST(test_app_service_bad)
{
	app_service_bad("IDENTITY_HEADER", "a\r\nhunter2");
	app_service_bad("IDENTITY_ENDPOINT", "/msi");
	app_service_bad("IDENTITY_ENDPOINT", "http://u:hunter2@127.0.0.1/");
}
END_TEST

/* Case 52, and answers that are none. */
START_TEST(test_managed_refused)
{
	static const char several[] = "{\"error\":\"invalid_request\",\"error_description\":"
				      "\"Multiple user assigned identities exist\"}";

	managed_fails(NULL, 400, several,
		"400: invalid_request: Multiple user assigned identities exist", true);
	managed_fails("cli-1", 400, several, "400: invalid_request", false);
	managed_fails(NULL, 403, "{\"statusCode\":403,\"message\":\"no\"}", "403: no", false);
	managed_fails(NULL, 200, "{}", "access_token", false);
	managed_fails(NULL, 200, "<html>", "JSON", false);
	managed_fails(NULL, 500, "<html>hunter2", "500", false);
}
END_TEST

/* ---- federation ------------------------------------------------------------------------------ */

static void federated(struct rig *r, const char *path)
{
	rig_init(r);
	rig_setenv(r, TENANT);
	rig_setenv(r, CLIENT);
	rig_setenv(r, AUTHORITY);
	cloud_env_set(&r->env, "AZURE_FEDERATED_TOKEN_FILE", path);
	rig_open(r, &cloud_azure, "x.azurecr.io", false);
}

START_TEST(test_federated_file)
{
	struct cloud_fetch *f;
	auto_free char *path = NULL;
	struct rig r;

	federated(&r, "/nowhere/token");
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_says(&f->task.self, "AZURE_FEDERATED_TOKEN_FILE");
	rig_says(&f->task.self, "/nowhere/token");
	rig_says(&f->task.self, "workload identity of the pod");
	op_free(&f->task.self);
	path = rig_file(&r, "token", " \n");
	rig_close(&r);
	cloud_env_set(&r.env, "AZURE_FEDERATED_TOKEN_FILE", path);
	rig_open(&r, &cloud_azure, "x.azurecr.io", false);
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_says(&f->task.self, "AZURE_FEDERATED_TOKEN_FILE");
	rig_says(&f->task.self, "empty");
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

/* Case 68, as far as http goes: whom Kubernetes makes the token for. */
START_TEST(test_account_audience)
{
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	rig_annotate(&r, AZURE_TENANT_KEY, "ten-1");
	rig_annotate(&r, AZURE_CLIENT_KEY, "cli-1");
	rig_setenv(&r, "AZURE_AUTHORITY_HOST=https://127.0.0.1:1/");
	secret_set(&r.token, "jwt", 3);
	rig_open(&r, &cloud_azure, "x.azurecr.io", true);
	f = rig_wait(&r, cloud_azure.access(r.ticket));
	rig_says(&f->task.self, "127.0.0.1");
	ck_assert_str_eq(r.audience, "api://AzureADTokenExchange");
	ck_assert_ptr_null(f->got.source);
	op_free(&f->task.self);
	rig_clear(&r);
}
END_TEST

/* ---- the exchange's answer ------------------------------------------------------------------- */

static void exchange(const char *name, const char *claims, int64_t life_ms)
{
	auto_free char *jwt = rig_jwt(claims);
	auto_free char *want = mem_printf(AZURE_ACR_USER ":%s", jwt);
	json_t *o = json_pack("{s:s}", "refresh_token", jwt);
	struct cloud_secrets got = {.expires_ms = 1};
	struct err err = {0};

	ck_assert_msg(!azure_exchange_read(o, &got, &err), "%s: %s", name, err.msg);
	ck_assert_str_eq(got.first.p, want);
	ck_assert_msg(got.expires_ms == RIG_NOW_MS + life_ms, "%s: %lld", name,
		(long long)(got.expires_ms - RIG_NOW_MS));
	cloud_secrets_clear(&got);
	json_decref(o);
}

static void exchange_bad(const char *json, const char *says)
{
	struct cloud_secrets got = {.expires_ms = 1};
	struct err err = {0};
	auto_json json_t *o = obj_parse(json, strlen(json), "test", &err);

	ck_assert_msg(azure_exchange_read(o, &got, &err) == -1, "%s", json);
	ck_assert_msg(
		strstr(err.msg, says) && !strstr(err.msg, "hunter2"), "%s: %s", json, err.msg);
	ck_assert(!got.first.len);
}

/* Case 57. */
START_TEST(test_exchange)
{
	clock_fake(RIG_NOW_MS);
	exchange("exp", "{\"exp\":1769862600}", 10800000);
	exchange("a fraction", "{\"exp\":1769851801.5}", 1500);
	exchange("no exp", "{\"sub\":\"x\"}", 300000);
	exchange("exp is a text", "{\"exp\":\"1769862600\"}", 300000);
	exchange("exp is nonsense", "{\"exp\":1e300}", 300000);
	exchange("exp is negative", "{\"exp\":-1}", 300000);
	exchange_bad("{}", "holds no 'refresh_token'");
	exchange_bad("{\"refresh_token\":\"\"}", "holds no 'refresh_token'");
	exchange_bad("{\"refresh_token\":7}", "holds no 'refresh_token'");
	exchange_bad("{\"refresh_token\":\"hunter2\"}", "no JSON web token");
	exchange_bad("{\"refresh_token\":\"a.hunter2.c\"}", "no JSON web token");
	exchange_bad("{\"refresh_token\":\"a.e30.c\\nhunter2\"}", "no JSON web token");
}
END_TEST

/* It fails at the connection here; what is asked for is the registry itself, with https. */
START_TEST(test_credential)
{
	struct cloud_secrets access = {.expires_ms = 0};
	struct cloud_fetch *f;
	struct rig r;

	rig_init(&r);
	rig_open(&r, &cloud_azure, "127.0.0.1:1", false);
	secret_set(&access.first, "hunter2", 7);
	f = rig_wait(&r, cloud_azure.credential(r.ticket, &access));
	rig_says(&f->task.self, "127.0.0.1:1");
	ck_assert(!strstr(f->task.self.err.msg, "hunter2"));
	op_free(&f->task.self);
	cloud_secrets_clear(&access);
	rig_clear(&r);
}
END_TEST

Suite *suite_azure(void)
{
	Suite *s = suite_create("azure");
	TCase *tc = tcase_create("azure");

	tcase_add_loop_test(tc, test_host, 0, ARRAY_LEN(hosts));
	tcase_add_loop_test(tc, test_env_file, 0, ARRAY_LEN(env_files));
	tcase_add_test(tc, test_env_file_gone);
	tcase_add_loop_test(tc, test_source, 0, ARRAY_LEN(sources));
	tcase_add_test(tc, test_source_arc);
	tcase_add_loop_test(tc, test_annotations, 0, ARRAY_LEN(annotations));
	tcase_add_loop_test(tc, test_authority, 0, ARRAY_LEN(authorities));
	tcase_add_test(tc, test_forms);
	tcase_add_test(tc, test_keys);
	tcase_add_test(tc, test_managed_url);
	tcase_add_test(tc, test_app_service);
	tcase_add_test(tc, test_app_service_bad);
	tcase_add_test(tc, test_managed_refused);
	tcase_add_test(tc, test_federated_file);
	tcase_add_test(tc, test_account_audience);
	tcase_add_test(tc, test_exchange);
	tcase_add_test(tc, test_credential);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(s, tc);
	return s;
}
