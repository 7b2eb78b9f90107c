/* As whom a Git server is asked, by what Secrets and URLs say. */
#include "source/git_login.h"

#include "base/base64.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/steps.h"
#include "ev/loop.h"
#include "forge/forge.h"
#include "git/auth.h"
#include "git/gitc.h"
#include "git/url.h"
#include "http/client.h"
#include "http/server.h"
#include "kube/client.h"
#include "source/artifact.h"
#include "source/git_spec.h"
#include "source/login.h"
#include "test/fake/kube.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

Suite *suite_git_login(void);

/* ---- a kind that only logs in ---------------------------------------------------------------- */

struct asker_spec {
	struct spec spec;
	struct git_spec git;
};

struct asker_run {
	struct run run;
	struct gitc_url url;
	struct git_login login;
};

#define ASKER(r) CONTAINER_OF(r, struct asker_run, run)
#define SPEC(s) CONTAINER_OF(s, struct asker_spec, spec)

static struct git_login_opts opts;
/* What the last login has come to. */
static struct gitc_auth *got;
/* The Git server refuses what it is shown. */
static bool refuses;

static void spec_free(struct spec *s)
{
	git_spec_clear(&SPEC(s)->git);
	free(SPEC(s));
}

static struct spec *spec_new(const json_t *obj)
{
	struct asker_spec *s = NEW(struct asker_spec);
	struct err err = {0};

	s->spec = (struct spec){
		.refs = 1, .free = spec_free, .size = sizeof(*s), .interval_ms = 3600000};
	ck_assert_int_eq(git_spec_read(&s->git, obj_get(obj, "spec"), &s->spec.size, &err), 0);
	return &s->spec;
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	git_spec_depends_each(&SPEC(s)->git, NULL, on, arg);
}

static void run_clear(struct run *r)
{
	git_login_clear(&ASKER(r)->login);
	gitc_url_clear(&ASKER(r)->url);
}

static enum step_ret url_start(struct task *t)
{
	struct run *r = RUN(t);

	return gitc_url_parse(&ASKER(r)->url, SPEC(r->spec)->git.url, &t->err) ? STEP_FAIL
									       : STEP_NEXT;
}

static enum step_ret login_begin(struct task *t)
{
	struct run *r = RUN(t);
	struct git_login *l = &ASKER(r)->login;

	l->opts = &opts;
	l->spec = &SPEC(r->spec)->git;
	l->url = &ASKER(r)->url;
	return git_login_start(r, l);
}

static enum step_ret login_go_on(struct task *t)
{
	return git_login_resume(RUN(t), &ASKER(RUN(t))->login);
}

static enum step_ret token_begin(struct task *t)
{
	return git_login_token_start(RUN(t), &ASKER(RUN(t))->login);
}

static enum step_ret token_go_on(struct task *t)
{
	return git_login_token_resume(RUN(t), &ASKER(RUN(t))->login);
}

static enum step_ret made(struct task *t)
{
	gitc_auth_unref(got);
	got = gitc_auth_ref(ASKER(RUN(t))->login.auth);
	if (!refuses)
		return run_done(RUN(t), RUN_MADE);
	err_code(&t->err, ERR_RETRY, GITC_AUTH_FAILED, "refused by the test");
	return run_fail(RUN(t), COND_FETCH_FAILED, "GitOperationFailed");
}

static enum step_ret reread_begin(struct task *t)
{
	return git_login_reread_start(RUN(t), &ASKER(RUN(t))->login);
}

static enum step_ret reread_go_on(struct task *t)
{
	return git_login_reread_resume(RUN(t), &ASKER(RUN(t))->login);
}

static const struct kube_resource ASKERS = {"test.example", "v1", "askers", "Asker", true};
static const char *const CONDITIONS[] = {COND_FETCH_FAILED, COND_STALLED, COND_RECONCILING, NULL};
static const char *const FAILURES[] = {COND_FETCH_FAILED, NULL};
static const struct step WORK[] = {{"url", url_start}, {"login", login_begin, login_go_on},
	{"token", token_begin, token_go_on}, {"made", made}, {0}};
static const struct step LAST[] = {
	{"reread", reread_begin, reread_go_on}, RUN_STATUS, RUN_EVENTS, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

static const struct kind asker_kind = {
	.name = "asker",
	.resource = &ASKERS,
	.item_size = sizeof(struct item),
	.run_size = sizeof(struct asker_run),
	.spec_new = spec_new,
	.depends = {LOGIN_DEPENDS},
	.depends_each = depends_each,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = CONDITIONS,
	.failures = FAILURES,
};

/* ---- its surroundings ------------------------------------------------------------------------ */

static struct loop *loop;
static struct fake_kube *kube;
static struct kube_client *client;
static struct metrics *metrics;
static struct controller *c;

static void settle(void)
{
	int quiet, i;

	for (quiet = 0; quiet < 10; quiet++) {
		for (i = 0; i < 30; i++)
			loop_turn(loop, false);
		if (c->queue.running)
			quiet = 0;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

/* What is given to `askers`: an object with this spec. */
static void ask(const char *name, const char *spec)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"mine\"},\"spec\":%s}", name, spec);

	gitc_auth_unref(got);
	got = NULL;
	fake_kube_put(kube, "askers", json);
	settle();
}

static void begin(void)
{
	clock_fake(1800000000000);
	log_set_fd(-1);
	opts = (struct git_login_opts){0};
	loop = loop_new();
	kube = fake_kube_new(loop);
	client = kube_client_new(loop, fake_kube_config(kube), &(struct kube_client_opts){0});
	metrics = metrics_new();
	c = controller_new(&asker_kind,
		&(struct controller_opts){.loop = loop, .kube = client, .metrics = metrics});
	controller_start(c);
	settle();
}

static void end(void)
{
	int i;

	gitc_auth_unref(got);
	got = NULL;
	controller_stop(c);
	settle();
	controller_free(c);
	metrics_free(metrics);
	kube_client_free(client);
	fake_kube_free(kube);
	for (i = 0; i < 20; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(loop_free(loop), 0);
}

/* Pairs of key and text; ends with NULL. */
static void secret(const char *name, const char *const *pairs)
{
	auto_json json_t *o = json_object();
	json_t *data = json_object(), *meta = json_object();
	auto_free char *text = NULL;

	for (; *pairs; pairs += 2) {
		auto_buf struct buf b = BUF_INIT(BUF_ANY);

		ck_assert_int_eq(base64_encode(&b, pairs[1], strlen(pairs[1]), BASE64_STD), 0);
		json_object_set_new(data, pairs[0], json_string(buf_str(&b)));
	}
	json_object_set_new(meta, "name", json_string(name));
	json_object_set_new(meta, "namespace", json_string("mine"));
	json_object_set_new(o, "metadata", meta);
	json_object_set_new(o, "data", data);
	text = json_dumps(o, 0);
	fake_kube_put(kube, "secrets", text);
	settle();
}

#define SECRET(name, ...) secret(name, (const char *const[]){__VA_ARGS__, NULL})

static const char *cond(const char *name, const char *type, const char *member)
{
	const json_t *all =
		obj_get(fake_kube_get(kube, "askers", "mine", name), "status", "conditions");
	json_t *one;
	size_t i;

	json_array_foreach (all, i, one)
		if (!strcmp(obj_str_or("", one, "type"), type))
			return obj_str_or("", one, member);
	return "";
}

static void refused(const char *name, const char *reason, const char *says)
{
	ck_assert_str_eq(cond(name, COND_FETCH_FAILED, "reason"), reason);
	ck_assert_msg(strstr(cond(name, COND_FETCH_FAILED, "message"), says) != NULL, "%s",
		cond(name, COND_FETCH_FAILED, "message"));
	ck_assert_ptr_null(got);
}

#define SPEC_TEXT(url, more) "{\"url\":\"" url "\"" more "}"
#define WITH_SECRET ",\"secretRef\":{\"name\":\"s\"}"

/* ---- the tests ------------------------------------------------------------------------------- */

START_TEST(test_nobody)
{
	begin();
	ask("a", SPEC_TEXT("https://git.test/a", ""));
	ck_assert_str_eq(cond("a", COND_READY, "status"), "True");
	ck_assert_ptr_nonnull(got);
	ck_assert_uint_eq(got->basic.len + got->bearer.len, 0);
	end();
}
END_TEST

START_TEST(test_basic)
{
	begin();
	SECRET("s", "username", "bot", "password", "open:sesame");
	ask("a", SPEC_TEXT("http://git.test/a", WITH_SECRET));
	ck_assert_ptr_nonnull(got);
	ck_assert_str_eq(got->basic.p, "bot:open:sesame");
	end();
}
END_TEST

START_TEST(test_bearer)
{
	begin();
	SECRET("s", "bearerToken", "abc");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	ck_assert_str_eq(got->bearer.p, "abc");
	ck_assert_uint_eq(got->basic.len, 0);
	end();
}
END_TEST

START_TEST(test_gr_16_both)
{
	begin();
	SECRET("s", "bearerToken", "abc", "username", "bot", "password", "x");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	refused("a", "AuthenticationFailed",
		"basic auth and bearer token cannot be set at the same time");
	end();
}
END_TEST

START_TEST(test_url_fills)
{
	begin();
	SECRET("s", "password", "sesame");
	ask("a", SPEC_TEXT("https://bot@git.test/a", WITH_SECRET));
	ck_assert_str_eq(got->basic.p, "bot:sesame");
	ask("b", SPEC_TEXT("https://bot:own@git.test/a", ""));
	ck_assert_str_eq(got->basic.p, "bot:own");
	/* Two that name one Secret, and have URLs of their own. */
	ask("c", SPEC_TEXT("https://other@git.test/a", WITH_SECRET));
	ck_assert_str_eq(got->basic.p, "other:sesame");
	end();
}
END_TEST

START_TEST(test_gr_16_password_only)
{
	begin();
	SECRET("s", "password", "sesame");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	refused("a", "AuthenticationFailed",
		"invalid 'https' auth option: 'password' requires 'username' to be set: Secret "
		"'mine/s' has no 'username'; it has 'password'");
	ck_assert_ptr_null(strstr(cond("a", COND_READY, "message"), "sesame"));
	end();
}
END_TEST

/* What a server's refusal is told with. */
START_TEST(test_gr_17_origin)
{
	static const struct {
		const char *url, *more, *want;
		const char *pairs[4];
	} rows[] = {
		{"https://git.test/a", "", "spec.secretRef of the GitRepository is not set", {0}},
		{"https://bot:x@git.test/a", "",
			"it does not take the user and password of the URL", {0}},
		{"https://git.test/a", WITH_SECRET,
			"Secret 'mine/s' has neither 'username' and 'password' nor 'bearerToken'; "
			"it has 'user', 'token'",
			{"user", "bot", "token", "sesame"}},
		{"https://git.test/a", WITH_SECRET,
			"Secret 'mine/s' has a 'username' and no 'password'; it has 'username', "
			"'pass'",
			{"username", "bot", "pass", "sesame"}},
		{"https://git.test/a", WITH_SECRET,
			"it does not take 'username' and 'password' of Secret 'mine/s'",
			{"username", "bot", "password", "sesame"}},
		{"https://bot@git.test/a", WITH_SECRET,
			"it does not take 'password' of Secret 'mine/s' and the URL",
			{"password", "sesame", "x", "y"}},
		{"https://git.test/a", WITH_SECRET,
			"it does not take 'bearerToken' of Secret 'mine/s'",
			{"bearerToken", "sesame", "x", "y"}},
	};
	auto_free char *spec = mem_printf("{\"url\":\"%s\"%s}", rows[_i].url, rows[_i].more);
	const char *const *p = rows[_i].pairs;

	begin();
	if (p[0])
		SECRET("s", p[0], p[1], p[2], p[3]);
	ask("a", spec);
	ck_assert_str_eq(got->origin, rows[_i].want);
	end();
}
END_TEST

START_TEST(test_gr_16_none)
{
	begin();
	ask("a", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	refused("a", "AuthenticationFailed", "failed to get secret 'mine/s'");
	SECRET("s", "username", "bot", "password", "x");
	ck_assert_str_eq(cond("a", COND_READY, "status"), "True");
	end();
}
END_TEST

START_TEST(test_gr_16_ssh)
{
	begin();
	ask("a", SPEC_TEXT("ssh://git@git.test/a", ""));
	refused("a", "AuthenticationFailed",
		"invalid 'ssh' auth option: 'identity' is required: spec.secretRef of the "
		"GitRepository is not set");
	SECRET("s", "identity", "no key");
	ask("b", SPEC_TEXT("ssh://git@git.test/a", WITH_SECRET));
	refused("b", "AuthenticationFailed",
		"'known_hosts' is required: Secret 'mine/s' has no 'known_hosts'; it has "
		"'identity'");
	SECRET("s", "identity", "no key", "known_hosts", "git.test ssh-ed25519 AAAA");
	refused("b", "AuthenticationFailed", "'identity'");
	end();
}
END_TEST

/* ---- a GitHub App ---------------------------------------------------------------------------- */

#define WITH_APP WITH_SECRET ",\"provider\":\"github\""
#define TOKENS "POST /api/v3/app/installations/42/access_tokens"

/* The forge: what it was asked, and what it says next. */
static struct {
	struct http_client *http;
	struct http_server *server;
	char *base, *key;
	unsigned asked;
	const char *expect[4]; /* one after the other */
	int status;
	const char *body;
} app;

static void app_handle(void *arg, struct http_exchange *x)
{
	auto_free char *line = mem_printf("%s %s", http_x_method(x), http_x_target(x));
	const char *shown = http_x_header(x, "Authorization");
	(void)arg;

	ck_assert_msg(app.asked < ARRAY_LEN(app.expect) && app.expect[app.asked],
		"'%s' was not expected", line);
	ck_assert_str_eq(line, app.expect[app.asked++]);
	ck_assert_ptr_nonnull(shown);
	ck_assert(!strncmp(shown, "Bearer eyJ", 10));
	if (!strcmp(http_x_method(x), "GET"))
		http_reply_text(x, 200, "{\"id\":42}");
	else
		http_reply_text(x, app.status, app.body);
}

static void app_says(int status, const char *body)
{
	app.status = status;
	app.body = body;
}

static char *key_new(void)
{
	FILE *f = popen("openssl genrsa 2048 2>/dev/null", "r");
	char text[8192];
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(pclose(f), 0);
	text[n] = 0;
	return mem_strdup(text);
}

static void app_begin(void)
{
	static const char *const proxies[] = {
		"http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "https_proxy", "HTTPS_PROXY"};
	struct err err = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(proxies); i++)
		unsetenv(proxies[i]);
	begin();
	memset(&app, 0, sizeof(app));
	app.key = key_new();
	app.http = http_client_new(loop, &(struct http_client_opts){0});
	app.server = http_server_new(loop,
		&(struct http_server_opts){
			.name = "forge", .address = "127.0.0.1:0", .handler = app_handle},
		&err);
	ck_assert_msg(app.server, "%s", err.msg);
	app.base = mem_printf("http://%s/api/v3", http_server_address(app.server));
	opts.forge = forge_new(loop, app.http, NULL);
	app_says(201, "{\"token\":\"ghs_1\",\"expires_at\":\"2027-01-15T09:00:00Z\"}");
}

static void app_end(void)
{
	struct forge *f = opts.forge;

	ck_assert_ptr_null(app.asked < ARRAY_LEN(app.expect) ? app.expect[app.asked] : NULL);
	settle();
	forge_stop(f);
	settle();
	http_server_free(app.server);
	free(app.base);
	free(app.key);
	/* Those that asked have to be gone first. */
	controller_stop(c);
	settle();
	forge_free(f);
	http_client_free(app.http);
	end();
}

static void app_secret(const char *name)
{
	SECRET("s", "githubAppID", "1234", name, strstr(name, "Owner") ? "team" : "42",
		"githubAppPrivateKey", app.key, "githubAppBaseURL", app.base);
}

/* One token for all that name the Secret, until a minute before it ends. */
START_TEST(test_app_token)
{
	app_begin();
	app.expect[0] = app.expect[1] = TOKENS;
	app_secret("githubAppInstallationID");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_1");
	ck_assert_uint_eq(got->bearer.len, 0);
	ask("b", SPEC_TEXT("https://git.test/b", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_1");
	ck_assert_uint_eq(app.asked, 1);
	app_says(201, "{\"token\":\"ghs_2\",\"expires_at\":\"2027-01-15T10:00:00Z\"}");
	clock_fake(1800000000000 + 59 * 60000 + 1000);
	ask("c", SPEC_TEXT("https://git.test/c", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_2");
	app_end();
}
END_TEST

START_TEST(test_app_owner)
{
	app_begin();
	app.expect[0] = "GET /api/v3/orgs/team/installation";
	app.expect[1] = TOKENS;
	app_secret("githubAppInstallationOwner");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_1");
	app_end();
}
END_TEST

/* A token that Git's server refused is shown to it once. */
START_TEST(test_app_token_refused)
{
	app_begin();
	app.expect[0] = app.expect[1] = TOKENS;
	app_secret("githubAppInstallationID");
	refuses = true;
	ask("a", SPEC_TEXT("https://git.test/a", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_1");
	ck_assert_str_eq(cond("a", COND_READY, "message"), "refused by the test");
	refuses = false;
	app_says(201, "{\"token\":\"ghs_2\",\"expires_at\":\"2027-01-15T10:00:00Z\"}");
	ask("b", SPEC_TEXT("https://git.test/b", WITH_APP));
	ck_assert_str_eq(got->basic.p, "x-access-token:ghs_2");
	app_end();
}
END_TEST

/* In the forge's words, without the key; another run may succeed. */
START_TEST(test_app_fails)
{
	const char *says;

	app_begin();
	app.expect[0] = TOKENS;
	app_says(401, "{\"message\":\"A JSON web token could not be decoded\"}");
	app_secret("githubAppInstallationID");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_APP));
	refused("a", "AuthenticationFailed", "A JSON web token could not be decoded");
	ck_assert_str_eq(cond("a", COND_STALLED, "status"), "");
	SECRET("s", "githubAppID", "1234", "githubAppPrivateKey", app.key);
	ask("b", SPEC_TEXT("https://git.test/a", WITH_APP));
	refused("b", "AuthenticationFailed", "neither an ID nor an owner");
	ck_assert_str_eq(cond("b", COND_STALLED, "status"), "");
	SECRET("s", "githubAppID", "1234", "githubAppInstallationID", "42", "githubAppPrivateKey",
		"no key", "githubAppBaseURL", app.base);
	ask("c", SPEC_TEXT("https://git.test/a", WITH_APP));
	refused("c", "AuthenticationFailed", "the App's private key");
	says = cond("c", COND_FETCH_FAILED, "message");
	ck_assert_ptr_null(strstr(says, "no key"));
	app_end();
}
END_TEST

START_TEST(test_gr_18_app)
{
	app_begin();
	ask("a", SPEC_TEXT("https://git.test/a", ",\"provider\":\"github\""));
	refused("a", "InvalidProviderConfiguration",
		"secretRef with github app data must be specified when provider is set to github");
	ck_assert_str_eq(cond("a", COND_STALLED, "status"), "True");
	SECRET("s", "username", "bot", "password", "x");
	ask("b", SPEC_TEXT("https://git.test/a", WITH_SECRET ",\"provider\":\"github\""));
	refused("b", "InvalidProviderConfiguration", "github app data must be specified");
	ck_assert_str_eq(cond("b", COND_STALLED, "status"), "");
	SECRET("s", "githubAppID", "1", "githubAppInstallationID", "2", "githubAppPrivateKey", "k");
	ask("c", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	refused("c", "InvalidProviderConfiguration",
		"secretRef 'mine/s' has github app data but provider is not set to github");
	ask("d", SPEC_TEXT("https://dev.azure.com/a", WITH_SECRET ",\"provider\":\"azure\""));
	refused("d", "InvalidProviderConfiguration", "provider is not set to github");
	app_end();
}
END_TEST

START_TEST(test_providers)
{
	begin();
	ask("a", SPEC_TEXT("https://git.test/a", ",\"provider\":\"aws\""));
	refused("a", "FeatureGateDisabled", "'aws' is not supported");
	ask("b",
		SPEC_TEXT("https://dev.azure.com/a",
			",\"provider\":\"azure\",\"serviceAccountName\":\"robot\""));
	refused("b", "FeatureGateDisabled", "ObjectLevelWorkloadIdentity");
	end();
}
END_TEST

START_TEST(test_proxy)
{
	begin();
	ask("a", SPEC_TEXT("https://git.test/a", ",\"proxySecretRef\":{\"name\":\"p\"}"));
	refused("a", "AuthenticationFailed", "failed to configure proxy options");
	SECRET("p", "address", "http://proxy.test:3128", "username", "u", "password", "w");
	ask("b", SPEC_TEXT("https://bot:own@git.test/a", ",\"proxySecretRef\":{\"name\":\"p\"}"));
	ck_assert_str_eq(got->proxy.host, "proxy.test");
	ck_assert_str_eq(got->proxy.user, "u");
	ck_assert_str_eq(got->basic.p, "bot:own");
	end();
}
END_TEST

/* The watch vouches for it, and a changed Secret is another login. */
START_TEST(test_kept)
{
	unsigned reads;

	begin();
	SECRET("s", "username", "bot", "password", "one");
	ask("a", SPEC_TEXT("https://git.test/a", WITH_SECRET));
	reads = fake_kube_secret_reads(kube);
	ask("b", SPEC_TEXT("https://git.test/b", WITH_SECRET));
	ck_assert_uint_eq(fake_kube_secret_reads(kube), reads);
	ck_assert_str_eq(got->basic.p, "bot:one");
	SECRET("s", "username", "bot", "password", "two");
	ck_assert_str_eq(got->basic.p, "bot:two");
	end();
}
END_TEST

Suite *suite_git_login(void)
{
	Suite *s = suite_create("git_login");
	TCase *tc = tcase_create("git_login");

	tcase_add_test(tc, test_nobody);
	tcase_add_test(tc, test_basic);
	tcase_add_test(tc, test_bearer);
	tcase_add_test(tc, test_gr_16_both);
	tcase_add_test(tc, test_url_fills);
	tcase_add_test(tc, test_gr_16_password_only);
	tcase_add_loop_test(tc, test_gr_17_origin, 0, 7);
	tcase_add_test(tc, test_gr_16_none);
	tcase_add_test(tc, test_gr_16_ssh);
	tcase_add_test(tc, test_gr_18_app);
	tcase_add_test(tc, test_app_token);
	tcase_add_test(tc, test_app_owner);
	tcase_add_test(tc, test_app_token_refused);
	tcase_add_test(tc, test_app_fails);
	tcase_add_test(tc, test_providers);
	tcase_add_test(tc, test_proxy);
	tcase_add_test(tc, test_kept);
	suite_add_tcase(s, tc);
	return s;
}
