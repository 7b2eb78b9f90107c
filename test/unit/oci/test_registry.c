#include "oci/registry.h"

#include "base/log.h"
#include "http/proxy_env.h"
#include "oci/req.h"
#include "oci/resolve.h"
#include "test/unit/oci/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

Suite *suite_registry(void);

#define HEAD_LINE "HEAD /v2/app/manifests/1.0"

static struct op *start(struct fixture *x, struct oci_identity *id, const char *tag)
{
	return oci_resolve_start(x->oci,
		&(struct oci_resolve_req){
			.target = {&x->repo, id ? id : x->nobody, 60000}, .tag = tag});
}

static struct op *ask(struct fixture *x, struct oci_identity *id)
{
	struct op *op = start(x, id, "1.0");

	fixture_wait(x, op);
	return op;
}

/* An image that takes one Authorization only. */
static void guarded(
	struct fixture *x, struct fake_image *image, const char *need, const char *challenge)
{
	struct fake_answer *a;
	int i;

	fake_image(x->reg, "app", "1.0", "a/b", "hello", 5, image);
	for (i = 0; i < 2; i++) {
		a = fake_on(x->reg, i ? "HEAD" : "GET", "/v2/app/manifests/2.0");
		a->need = need;
		a->challenge = challenge;
		a->headers = image->paths[3];
		a->body = image->json;
	}
}

static struct op *ask2(struct fixture *x, struct oci_identity *id)
{
	struct op *op = start(x, id, "2.0");

	fixture_wait(x, op);
	return op;
}

static unsigned fake_count(const struct fixture *x, const char *line)
{
	const char *at = fake_log(x->reg);
	unsigned n = 0;

	while ((at = strstr(at, line))) {
		at += strlen(line);
		n++;
	}
	return n;
}

/* ---- Basic ----------------------------------------------------------------------------------- */

START_TEST(basic)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	/* The first request shows nothing; later ones know. */
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nHEAD /v2/app/manifests/2.0\n"
		"HEAD /v2/app/manifests/2.0 auth=Basic dTpw\n"
		"HEAD /v2/app/manifests/2.0 auth=Basic dTpw\n");
	/* What one identity learnt shows another one's password to nobody. */
	fake_log_reset(x.reg);
	op = ask2(&x, NULL);
	fixture_failed(
		op, "a user and password are needed: no credentials were given: the registry");
	fixture_failed(op, "401");
	op_free(op);
	ck_assert(!strstr(fake_log(x.reg), "auth="));
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(basic_refused)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	guarded(&x, &image, "Basic bmljZTp0cnk=", "Basic realm=\"r\"");
	op = ask2(&x, id);
	fixture_failed(op, "the user and password were refused");
	ck_assert_int_eq(op->err.code, 401);
	ck_assert(!strstr(op->err.msg, "dTpw"));
	op_free(op);
	/* Two requests, not more: accounts get locked. */
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nHEAD /v2/app/manifests/2.0\n"
		"HEAD /v2/app/manifests/2.0 auth=Basic dTpw\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* ---- Bearer ---------------------------------------------------------------------------------- */

static char *bearer(const struct fixture *x, const char *scope)
{
	return mem_printf("Bearer realm=\"http://%s/token\",service=\"svc\",scope=\"%s\"",
		fake_host(x->reg), scope);
}

START_TEST(token)
{
	auto_free char *challenge = NULL;
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	id = fixture_user(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\",\"expires_in\":300}";
	for (i = 0; i < 2; i++) {
		op = ask2(&x, id);
		fixture_ok(op);
		op_free(op);
	}
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nHEAD /v2/app/manifests/2.0\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull auth=Basic dTpw\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	/* Anonymous has its own token, asked for without a password. */
	fake_log_reset(x.reg);
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"HEAD /v2/app/manifests/2.0\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* "task: row row" for each of the tasks that say something in a row. */
static void rows_of(const char *log, struct buf *out)
{
	char task[32], last[32] = "", row[32];
	const char *at;

	for (at = log; (at = strstr(at, "\"task\":\"")); at++) {
		ck_assert_int_eq(
			sscanf(at, "\"task\":\"%31[^\"]\",\"step\":\"%31[^\"]", task, row), 2);
		if (strcmp(task, last))
			buf_addf(out, "%s%s:", *last ? "\n" : "", task);
		buf_addf(out, " %s", row);
		snprintf(last, sizeof(last), "%s", task);
	}
}

/* The rows tell what happens, attempt by attempt: TLS, plain http and its 401, a token, the end. */
START_TEST(token_trace)
{
	auto_buf struct buf rows = BUF_INIT(4096);
	auto_free char *challenge = NULL, *log = mem_zalloc(32768);
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int fds[2];

	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\",\"expires_in\":300}";
	ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
	log_set_fd(fds[1]);
	ck_assert_int_eq(log_set_level("trace"), 0);
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_int_gt(read(fds[0], log, 32767), 0);
	rows_of(log, &rows);
	ck_assert_str_eq(buf_str(&rows),
		"resolve: tags current head\n"
		"registry request: aim admit login token send aim admit login token "
		"send aim admit login token\n"
		"token: admit pause ask end\n"
		"registry request: send release end\n"
		"resolve: end");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(token_expires)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"access_token\":\"tok\",\"expires_in\":300}";
	op_free(ask2(&x, NULL));
	fake_log_reset(x.reg);
	loop_test_advance(x.loop, 269 * 1000);
	op_free(ask2(&x, NULL));
	ck_assert_str_eq(fake_log(x.reg), "HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	/* Before it dies a new one is fetched; no request is lost to a 401. */
	fake_log_reset(x.reg);
	loop_test_advance(x.loop, 2 * 1000);
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"GET /token?service=svc&scope=repository%3Aapp%3Apull\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	/* One that the registry refuses before its time is replaced, once. */
	fake_log_reset(x.reg);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/3.0");
	a->need = "Bearer never";
	a->challenge = challenge;
	op = start(&x, NULL, "3.0");
	fixture_wait(&x, op);
	fixture_failed(op, "the token was refused");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"HEAD /v2/app/manifests/3.0 auth=Bearer tok\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull\n"
		"HEAD /v2/app/manifests/3.0 auth=Bearer tok\n");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(token_single_flight)
{
	auto_free char *challenge = NULL;
	struct op *ops[20];
	bool done[20] = {false};
	struct fake_image image;
	struct oci_stats stats;
	struct fixture x;
	size_t i, left;

	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	for (i = 0; i < ARRAY_LEN(ops); i++) {
		ops[i] = start(&x, NULL, "2.0");
		op_then(ops[i], fixture_done, &done[i]);
	}
	op_cancel(ops[0]); /* one that gives up takes nothing from the others */
	do {
		loop_turn(x.loop, true);
		for (i = left = 0; i < ARRAY_LEN(ops); i++)
			left += !done[i];
	} while (left);
	ck_assert_int_eq(ops[0]->err.kind, ERR_CANCELED);
	for (i = 1; i < ARRAY_LEN(ops); i++)
		fixture_ok(ops[i]);
	for (i = 0; i < ARRAY_LEN(ops); i++)
		op_free(ops[i]);
	oci_client_stats(x.oci, &stats);
	ck_assert_uint_eq(stats.requests[OCI_KIND_TOKEN], 1);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(identity_token)
{
	static const char config[] =
		"{\"%s\":{\"auth\":\"dTpw\",\"identitytoken\":\"refresh/me\"}}";
	struct oci_identity *id = oci_identity_new();
	auto_free char *challenge = NULL, *json = NULL;
	struct fake_answer *post;
	struct fake_image image;
	struct err err = {0};
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	json = mem_printf(config, fake_host(x.reg));
	ck_assert(!oci_identity_add_docker(id, json, strlen(json), OCI_DOCKER_CFG, "s", &err));
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	post = fake_on(x.reg, "POST", "/token");
	post->body = "{\"access_token\":\"tok\",\"expires_in\":60}";
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nHEAD /v2/app/manifests/2.0\nPOST /token\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	ck_assert_str_eq(buf_str(fake_bodies(x.reg)),
		"grant_type=refresh_token&client_id=flux&service=svc&scope=repository%3Aapp%3Apull&"
		"refresh_token=refresh%2Fme");
	oci_identity_unref(id);

	/* A token server without that form is asked the old way. */
	id = oci_identity_new();
	ck_assert(!oci_identity_add_docker(id, json, strlen(json), OCI_DOCKER_CFG, "s", &err));
	post->status = 404;
	fake_log_reset(x.reg);
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"HEAD /v2/app/manifests/2.0\nPOST /token\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull auth=Basic dTpw\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer tok\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(registry_token)
{
	struct oci_identity *id = oci_identity_new();
	auto_free char *challenge = NULL, *json = NULL;
	struct fake_image image;
	struct err err = {0};
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	json = mem_printf("{\"%s\":{\"registrytoken\":\"rt\"}}", fake_host(x.reg));
	ck_assert(!oci_identity_add_docker(id, json, strlen(json), OCI_DOCKER_CFG, "s", &err));
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer rt", challenge);
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nHEAD /v2/app/manifests/2.0\n"
		"HEAD /v2/app/manifests/2.0 auth=Bearer rt\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(other_scope)
{
	auto_free char *challenge = NULL;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	challenge = bearer(&x, "repository:mirror/app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_msg(strstr(fake_log(x.reg),
			      "GET "
			      "/token?service=svc&scope=repository%3Aapp%3Apull&scope=repository%"
			      "3Amirror%2Fapp%3Apull\n"),
		"%s", fake_log(x.reg));
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* The rights of a push, in whatever order the registry names them, are asked for once. */
START_TEST(turned_scope)
{
	static const char *const scopes[] = {
		"repository:app:pull,push", "repository:app:push,pull", "repository:app:pull"};
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	challenge = bearer(&x, scopes[_i]);
	a = fake_on(x.reg, "POST", "/v2/app/x");
	a->need = "Bearer tok";
	a->challenge = challenge;
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = oci_req_start(x.oci,
		&(struct oci_req){.target = {&x.repo, x.nobody, 60000},
			.kind = OCI_KIND_MANIFEST,
			.method = "POST",
			.path = "x",
			.what = "it",
			.max_body = 100,
			.write = true});
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
	ck_assert_msg(strstr(fake_log(x.reg),
			      "GET /token?service=svc&scope=repository%3Aapp%3Apull%2Cpush\n"),
		"%s", fake_log(x.reg));
	fixture_clear(&x);
}
END_TEST

/* ---- what was learnt may be out of date ------------------------------------------------------ */

/* The repository's token server is known, and its token too old to be used. What the server says to
   the next one is the test's. The clock is faked. */
static void learn(struct fixture *x, struct fake_image *image, const char *challenge)
{
	struct fake_answer *a;
	struct op *op;

	guarded(x, image, "Bearer tok", challenge);
	a = fake_on(x->reg, "GET", "/token");
	a->body = "{\"token\":\"tok\"}";
	a->times = 1;
	op = ask2(x, NULL);
	fixture_ok(op);
	op_free(op);
	loop_test_advance(x->loop, 61 * 1000);
	fake_log_reset(x->reg);
}

/* Tag 3.0 of the same repository, which takes another token now. */
static void moved(struct fixture *x, struct fake_image *image, const char *challenge)
{
	struct fake_answer *a = fake_on(x->reg, "HEAD", "/v2/app/manifests/3.0");

	a->need = "Bearer tok2";
	a->challenge = challenge;
	a->headers = image->paths[3];
	fake_on(x->reg, "GET", "/other/token")->body = "{\"token\":\"tok2\"}";
}

#define MOVED_LOG \
	"GET /token?service=svc&scope=repository%3Aapp%3Apull\n" \
	"HEAD /v2/app/manifests/3.0\n" \
	"GET /other/token?service=svc&scope=repository%3Aapp%3Apull\n" \
	"HEAD /v2/app/manifests/3.0 auth=Bearer tok2\n"

/* A token server that has moved: what was learnt from an older challenge is no reason to give up,
   whatever the old one says. */
START_TEST(other_realm)
{
	static const int refusals[] = {400, 401, 403, 404, 410, 429, 500, 503};
	auto_free char *challenge = NULL, *other = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	other = mem_printf(
		"Bearer realm=\"http://%s/other/token\",service=\"svc\"", fake_host(x.reg));
	learn(&x, &image, challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = refusals[_i];
	a->body = "";
	a->headers = refusals[_i] == 503 ? "Retry-After: 60\r\n" : NULL;
	moved(&x, &image, other);
	op = start(&x, NULL, "3.0");
	fixture_advance(&x, op, 100, 10000);
	if (refusals[_i] == 503) {
		/* The registry was asked, but names the same host, which said when to come back. */
		fixture_failed(op, "the token server answered 503");
		ck_assert_int_eq(op->err.kind, ERR_HELD);
		ck_assert(strstr(fake_log(x.reg), "HEAD /v2/app/manifests/3.0\n"));
	} else if (refusals[_i] == 500) {
		fixture_ok(op);
		ck_assert(strstr(fake_log(x.reg), MOVED_LOG));
		ck_assert_uint_eq(fake_count(&x, "GET /token"), 3);
	} else {
		fixture_ok(op);
		ck_assert_str_eq(fake_log(x.reg), MOVED_LOG);
	}
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* One that hangs costs a part of the time only. */
START_TEST(other_realm_hangs)
{
	auto_free char *challenge = NULL, *other = NULL;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	other = mem_printf(
		"Bearer realm=\"http://%s/other/token\",service=\"svc\"", fake_host(x.reg));
	learn(&x, &image, challenge);
	fake_on(x.reg, "GET", "/token")->way = FAKE_SILENT;
	moved(&x, &image, other);
	op = start(&x, NULL, "3.0");
	fixture_until(&x, "GET /token?service=svc&scope=repository%3Aapp%3Apull\n");
	loop_test_advance(x.loop, LIMIT_TOKEN_AGAIN_MS - 1);
	ck_assert(!strstr(fake_log(x.reg), "HEAD"));
	loop_test_advance(x.loop, 1);
	fixture_wait(&x, op);
	fixture_ok(op);
	ck_assert_str_eq(fake_log(x.reg), MOVED_LOG);
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* It asks for no token any more. */
START_TEST(open_now)
{
	auto_free char *challenge = NULL;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int i;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	learn(&x, &image, challenge);
	fake_on(x.reg, "GET", "/token")->status = 500;
	for (i = 0; i < 2; i++) {
		op = start(&x, NULL, "1.0");
		fixture_advance(&x, op, 100, 10000);
		fixture_ok(op);
		op_free(op);
	}
	ck_assert_uint_eq(fake_count(&x, "GET /token"), 3);
	ck_assert_uint_eq(fake_count(&x, HEAD_LINE "\n"), 2);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* What one repository taught is no business of another one. */
START_TEST(repositories_apart)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	learn(&x, &image, challenge);
	a = fake_on(x.reg, "HEAD", "/v2/open/manifests/2.0");
	a->headers = image.paths[3];
	fixture_repo(&x.repo, x.reg, "open");
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "HEAD /v2/open/manifests/2.0\n");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* Tokens are kept up to so many bytes, not only so many. rows: short ones, long ones */
START_TEST(tokens_of_some_bytes)
{
	enum { REPOS = 300 };
	auto_free char *text = mem_zalloc(30001), *body = NULL, *need = NULL;
	char *paths[REPOS], *challenges[REPOS];
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	unsigned asked = 0;
	int i;

	fixture_init(&x);
	memset(text, 't', _i ? 30000 : 30);
	body = mem_printf("{\"token\":\"%s\"}", text);
	need = mem_printf("Bearer %s", text);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &image);
	fake_on(x.reg, "GET", "/token")->body = body;
	for (i = 0; i < REPOS; i++) {
		auto_free char *scope = mem_printf("repository:r%d:pull", i);

		challenges[i] = bearer(&x, scope);
		paths[i] = mem_printf("/v2/r%d/manifests/1.0", i);
		a = fake_on(x.reg, "HEAD", paths[i]);
		a->need = need;
		a->challenge = challenges[i];
		a->headers = image.paths[3];
	}
	for (i = 0; i <= REPOS; i++) { /* the first one twice */
		auto_free char *name = mem_printf("r%d", i % REPOS);
		struct op *op;

		if (i == REPOS)
			asked = fake_count(&x, "GET /token");
		fixture_repo(&x.repo, x.reg, name);
		op = ask(&x, NULL);
		fixture_ok(op);
		op_free(op);
	}
	ck_assert_uint_eq(fake_count(&x, "GET /token") - asked, _i ? 1 : 0);
	for (i = 0; i < REPOS; i++) {
		free(paths[i]);
		free(challenges[i]);
	}
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* The same server refuses again: told once, as it said it. */
START_TEST(realm_refuses_later)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	learn(&x, &image, challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = _i ? 429 : 403;
	a->body = "";
	op = ask2(&x, NULL);
	fixture_failed(op, _i ? "429 Too Many" : "403 Forbidden");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"GET /token?service=svc&scope=repository%3Aapp%3Apull\n"
		"HEAD /v2/app/manifests/2.0\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull\n");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *name;
	int status;
	const char *body, *says;
} token_lies[] = {
	{"denied", 401, "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"no such user\"}]}",
		"401 Unauthorized (UNAUTHORIZED: no such user)"},
	{"oauth error", 400, "{\"error\":\"invalid_grant\",\"error_description\":\"gone\"}",
		"(invalid_grant: gone)"},
	{"html", 200, "<html>hunter2</html>", "holds no token"},
	{"empty", 200, "", "holds no token"},
	{"no token", 200, "{\"expires_in\":3}", "holds no token"},
	{"line break in it", 200, "{\"token\":\"a\\r\\nX-Evil: 1\"}", "malformed token"},
	{"redirect", 302, "", "302"},
	{"server error", 500, "<html>", "500 Internal Server Error"},
};

START_TEST(token_lie)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = token_lies[_i].status;
	a->body = token_lies[_i].body;
	op = ask2(&x, NULL);
	fixture_failed(op, token_lies[_i].says);
	fixture_failed(op, "no token for '127.0.0.1:");
	ck_assert_msg(!strstr(op->err.msg, "hunter2"), "%s", op->err.msg);
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *challenge, *says;
} challenge_lies[] = {
	{"Bearer realm=\"http://169.254.169.254/latest\"", "is a link-local address"},
	{"Bearer realm=\"http://user:pw@auth.example/\"", "user information"},
	{"Bearer realm=\"gopher://auth.example/\"", "token server"},
	{"Bearer service=\"x\"", "no realm"},
	{"Negotiate", "without a challenge that we can answer"},
	{"Bearer realm=\"x", "malformed"},
};

START_TEST(challenge_lie)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	guarded(&x, &image, "Bearer tok", challenge_lies[_i].challenge);
	op = ask2(&x, id);
	fixture_failed(op, challenge_lies[_i].says);
	fixture_failed(op, "tag '2.0'");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "tls\nHEAD /v2/app/manifests/2.0\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* A registry that names another one's token server must not be given that one's tokens. */
START_TEST(tokens_stay_apart)
{
	auto_free char *challenge = NULL, *evil_challenge = NULL;
	struct fake_registry *evil;
	struct oci_repo evil_repo;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	evil = fake_registry_new(x.loop);
	challenge = mem_printf(
		"Bearer realm=\"http://localhost:%u/token\",service=\"svc\"", fake_port(x.reg));
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\",\"expires_in\":300}";
	op = ask2(&x, NULL);
	fixture_ok(op);
	op_free(op);
	fixture_repo(&evil_repo, evil, "app");
	evil_challenge = mem_strdup(challenge);
	a = fake_on(evil, "HEAD", "/v2/app/manifests/2.0");
	a->need = "Bearer nothing";
	a->challenge = evil_challenge;
	fake_log_reset(x.reg);
	op = oci_resolve_start(x.oci,
		&(struct oci_resolve_req){.target = {&evil_repo, x.nobody, 60000}, .tag = "2.0"});
	fixture_wait(&x, op);
	op_free(op);
	/* It may name the server, but then a token is fetched for it; the other's is not taken from
	   the cache. */
	ck_assert_str_eq(fake_log(x.reg), "GET /token?service=svc&scope=repository%3Aapp%3Apull\n");
	fake_image_clear(&image);
	fake_registry_free(evil);
	fixture_clear(&x);
}
END_TEST

/* ---- schemes --------------------------------------------------------------------------------- */

START_TEST(no_plain_http)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	snprintf(x.repo.host, sizeof(x.repo.host), "127.0.0.2:%u", fake_port(x.reg));
	op = ask(&x, NULL);
	fixture_failed(op, "the registry '127.0.0.2:");
	op_free(op);
	ck_assert(!strstr(fake_log(x.reg), "HEAD"));
	fixture_clear(&x);
}
END_TEST

/* Who asks through a proxy of its own has heard the proxy, perhaps, and not the registry: the
   others find out for themselves, before they show a password. */
START_TEST(plain_by_proxy)
{
	struct oci_identity *id = oci_identity_new();
	auto_free char *proxy = NULL;
	struct fake_registry *px;
	struct err err = {0};
	struct fixture x;

	fixture_init(&x);
	px = fake_registry_new(x.loop);
	proxy = mem_printf("http://%s", fake_host(px));
	ck_assert(!proxy_parse(oci_identity_proxy(id), proxy, &err));
	op_free(ask(&x, id));
	ck_assert_msg(strstr(fake_log(px), "HEAD http://"), "%s", fake_log(px));
	ck_assert_str_eq(fake_log(x.reg), "");
	op_free(ask(&x, NULL));
	ck_assert_msg(!strncmp(fake_log(x.reg), "tls\nHEAD ", 9), "%s", fake_log(x.reg));
	/* And it knows what it has learnt. */
	fake_log_reset(px);
	op_free(ask(&x, id));
	ck_assert_msg(!strstr(fake_log(px), "CONNECT"), "%s", fake_log(px));
	oci_identity_unref(id);
	fake_registry_free(px);
	fixture_clear(&x);
}
END_TEST

START_TEST(nobody_listens)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	snprintf(x.repo.host, sizeof(x.repo.host), "127.0.0.1:1");
	op = ask(&x, NULL);
	fixture_failed(op, "tag '1.0' of '127.0.0.1:1/app'");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(own_ports)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	oci_client_own_address(x.oci, "127.0.0.1:9");
	oci_client_own_host(x.oci, "source-controller.flux-system.svc.cluster.local.");
	snprintf(x.repo.host, sizeof(x.repo.host), "127.0.0.1:9");
	op = ask(&x, NULL);
	fixture_failed(op, "this controller itself");
	ck_assert_int_eq(op->err.kind, ERR_STALL);
	op_free(op);
	snprintf(x.repo.host, sizeof(x.repo.host),
		"source-controller.flux-system.svc.cluster.local");
	op = ask(&x, NULL);
	fixture_failed(op, "this controller itself");
	op_free(op);
	/* A registry cannot send us there either. */
	fixture_repo(&x.repo, x.reg, "app");
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0");
	a->status = 302;
	a->headers = "Location: http://localhost:9/ocirepository/x\r\n";
	op = ask(&x, NULL);
	fixture_failed(op, "this controller itself");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- once more ------------------------------------------------------------------------------- */

/* `times` answers like this, with 200 behind them: how often it is asked, and what comes of it. */
static const struct {
	int status;
	const char *headers;
	unsigned times, asked;
	bool ok;
} passing[] = {
	{500, NULL, 1, 2, true},
	{500, NULL, 2, 3, true},
	{500, NULL, 0, 3, false},
	{502, NULL, 1, 2, true},
	{503, NULL, 1, 2, true},
	{503, "Retry-After: 1\r\n", 1, 2, true},
	{503, "Retry-After: 2\r\n", 1, 1, false},
	{504, NULL, 1, 2, true},
	{429, "Retry-After: 1\r\n", 1, 2, true},
	{429, "Retry-After: 30\r\n", 1, 1, false},
	{429, "Retry-After: 0\r\n", 1, 2, true},
	{429, "Retry-After: soon\r\n", 1, 1, false},
	{429, NULL, 1, 1, false},
	{404, NULL, 1, 1, false},
	{501, NULL, 1, 1, false},
};

START_TEST(passing_answer)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	clock_fake(1700000000000);
	fixture_init(&x);
	a = fake_on(x.reg, "GET", "/v2/app/x");
	a->status = passing[_i].status;
	a->headers = passing[_i].headers;
	a->times = passing[_i].times;
	fake_on(x.reg, "GET", "/v2/app/x")->body = "hello";
	op = oci_req_start(x.oci,
		&(struct oci_req){.target = {&x.repo, x.nobody, 60000},
			.kind = OCI_KIND_MANIFEST,
			.method = "GET",
			.path = "x",
			.what = "it",
			.max_body = 100});
	fixture_advance(&x, op, 50, 10000);
	ck_assert_msg((op->err.kind == ERR_NONE) == passing[_i].ok, "%s", op->err.msg);
	ck_assert_uint_eq(fake_count(&x, "GET /v2/app/x\n"), passing[_i].asked);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* What was asked three times in vain is asked once from then on, by everybody, until the host
   answers well. */
START_TEST(outage)
{
	static const struct {
		const char *path;
		int status;
		unsigned asked;
		bool ok;
	} rows[] = {
		{"x", 502, 3, false},
		{"x", 502, 1, false},
		{"x", 404, 1, false},
		{"y", 502, 2, true},
	};
	struct fake_answer *a, *accident;
	struct fixture x;
	struct op *op;
	size_t i;

	clock_fake(1700000000000);
	fixture_init(&x);
	a = fake_on(x.reg, "GET", "/v2/app/x");
	accident = fake_on(x.reg, "GET", "/v2/app/y");
	accident->status = 502;
	accident->times = 1;
	fake_on(x.reg, "GET", "/v2/app/y")->body = "hello";
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		a->status = rows[i].status;
		fake_log_reset(x.reg);
		op = oci_req_start(x.oci,
			&(struct oci_req){.target = {&x.repo, x.nobody, 60000},
				.kind = OCI_KIND_MANIFEST,
				.method = "GET",
				.path = rows[i].path,
				.what = "it",
				.max_body = 100});
		fixture_advance(&x, op, 50, 10000);
		ck_assert_int_eq(op->err.kind == ERR_NONE, rows[i].ok);
		ck_assert_uint_eq(fake_count(&x, "GET /v2/app/"), rows[i].asked);
		op_free(op);
	}
	fixture_clear(&x);
}
END_TEST

/* Within the time of the call: there is none left for a pause. No push is repeated, and none that
   says that it does so itself. */
START_TEST(passing_not_repeated)
{
	struct oci_req req = {.kind = OCI_KIND_MANIFEST,
		.method = _i == 2 ? "POST" : "GET",
		.path = "x",
		.what = "it",
		.max_body = 100,
		.target.timeout_ms = _i ? 60000 : 90,
		.write = _i == 2,
		.once = _i == 1};
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	clock_fake(1700000000000);
	fixture_init(&x);
	a = fake_on(x.reg, req.method, "/v2/app/x");
	a->status = 502;
	req.target.repo = &x.repo;
	req.target.identity = x.nobody;
	op = oci_req_start(x.oci, &req);
	fixture_wait(&x, op);
	fixture_failed(op, "502");
	ck_assert_uint_eq(fake_count(&x, "/v2/app/x\n"), 1);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* The body of a manifest is cut: the headers were there, and nobody has seen any of it. */
START_TEST(passing_cut)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	clock_fake(1700000000000);
	fixture_init(&x);
	a = fake_on(x.reg, "GET", "/v2/app/x");
	a->body = "hello";
	a->way = _i ? FAKE_RESET : FAKE_CUT;
	a->cut = 2;
	a->times = 2;
	fake_on(x.reg, "GET", "/v2/app/x")->body = "hello";
	op = oci_req_start(x.oci,
		&(struct oci_req){.target = {&x.repo, x.nobody, 60000},
			.kind = OCI_KIND_MANIFEST,
			.method = "GET",
			.path = "x",
			.what = "it",
			.max_body = 100});
	fixture_advance(&x, op, 50, 10000);
	fixture_ok(op);
	ck_assert_str_eq(buf_str(&oci_req_result(op)->body), "hello");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(passing_token)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	clock_fake(1700000000000);
	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = 502;
	a->times = 2;
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = start(&x, NULL, "2.0");
	fixture_advance(&x, op, 50, 10000);
	fixture_ok(op);
	ck_assert_uint_eq(fake_count(&x, "GET /token"), 3);
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* ---- a challenge at /v2/ only ---------------------------------------------------------------- */

#define HEAD2 "HEAD /v2/app/manifests/2.0"

/* It refuses once, as if there were nothing; then it is the one above. */
static void hidden(struct fixture *x, struct fake_image *image, int status, const char *need)
{
	struct fake_answer *a = fake_on(x->reg, "HEAD", "/v2/app/manifests/2.0");

	a->status = status;
	a->times = 1;
	guarded(x, image, need, "Negotiate");
}

START_TEST(ping_challenge)
{
	static const int codes[] = {404, 403, 401};
	auto_free char *challenge = NULL;
	struct oci_identity *id;
	struct fake_image image;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	challenge = bearer(&x, "");
	hidden(&x, &image, codes[_i], "Bearer tok");
	a = fake_on(x.reg, "GET", "/v2/");
	a->need = "Bearer tok";
	a->challenge = challenge;
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	op_free(ask2(&x, id));
	ck_assert_str_eq(fake_log(x.reg),
		"tls\n" HEAD2 "\nGET /v2/\n"
		"GET /token?service=svc&scope=repository%3Aapp%3Apull auth=Basic dTpw\n" HEAD2
		" auth=Bearer tok\n" HEAD2 " auth=Bearer tok\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* One that never says what it wants. */
START_TEST(ping_no_challenge)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	hidden(&x, &image, 404, "Basic dTpw");
	fake_on(x.reg, "GET", "/v2/")->status = _i;
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	op_free(ask2(&x, id));
	ck_assert_str_eq(fake_log(x.reg),
		"tls\n" HEAD2 "\nGET /v2/\n" HEAD2 " auth=Basic dTpw\n" HEAD2 " auth=Basic dTpw\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* What is really not there costs two requests more, once; without credentials none. */
START_TEST(ping_in_vain)
{
	struct oci_identity *id;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	fake_on(x.reg, "GET", "/v2/")->body = "{}";
	op = ask2(&x, id);
	fixture_failed(op, "404");
	op_free(op);
	ck_assert_uint_eq(fake_count(&x, "GET /v2/\n"), 1);
	op = ask2(&x, id);
	fixture_failed(op, "404");
	op_free(op);
	op = ask2(&x, NULL);
	fixture_failed(op, "404");
	op_free(op);
	ck_assert_uint_eq(fake_count(&x, "GET /v2/\n"), 1);
	oci_identity_unref(id);
	fixture_clear(&x);
}
END_TEST

/* ---- token servers that redirect ------------------------------------------------------------- */

static const int redirects_of_tokens[] = {301, 302, 303, 307, 308};

START_TEST(token_redirect)
{
	auto_free char *challenge = NULL;
	struct oci_identity *id;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = redirects_of_tokens[_i];
	a->headers = "Location: /token/?service=svc\r\n";
	fake_on(x.reg, "GET", "/token/")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_uint_eq(fake_count(&x, "GET /token/?service=svc auth=Basic dTpw\n"), 1);
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* Another origin sees no credentials, neither in a header nor in a form. */
START_TEST(token_redirect_away)
{
	auto_free char *challenge = NULL, *location = NULL, *json = NULL;
	struct oci_identity *id = oci_identity_new();
	struct fake_registry *other;
	struct fake_answer *a;
	struct fake_image image;
	struct err err = {0};
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	other = fake_registry_new(x.loop);
	json = mem_printf("{\"%s\":{\"auth\":\"dTpw\"%s}}", fake_host(x.reg),
		_i ? ",\"identitytoken\":\"refresh\"" : "");
	ck_assert(!oci_identity_add_docker(id, json, strlen(json), OCI_DOCKER_CFG, "s", &err));
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	location = mem_printf("Location: http://%s/elsewhere\r\n", fake_host(other));
	a = fake_on(x.reg, _i ? "POST" : "GET", "/token");
	a->status = 307;
	a->headers = location;
	if (_i)
		fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	fake_on(other, "GET", "/elsewhere")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, id);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(other), _i ? "" : "GET /elsewhere\n");
	oci_identity_unref(id);
	fake_image_clear(&image);
	fake_registry_free(other);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *headers, *says;
} token_redirect_lies[] = {
	{"Location: /token\r\n", "302 once too often"},
	{"Location: http://[\r\n", "cannot be read"},
	{"Location: http://u:hunter2@127.0.0.1/\r\n", "user information"},
	{"Location: http://169.254.169.254/latest\r\n", "is a link-local address"},
};

START_TEST(token_redirect_lie)
{
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	a = fake_on(x.reg, "GET", "/token");
	a->status = 302;
	a->headers = token_redirect_lies[_i].headers;
	op = ask2(&x, NULL);
	fixture_failed(op, token_redirect_lies[_i].says);
	ck_assert_msg(!strstr(op->err.msg, "hunter2"), "%s", op->err.msg);
	ck_assert_uint_le(fake_count(&x, "GET /token"), LIMIT_REDIRECTS + 1);
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

static const int form_refusals[] = {400, 401, 403, 404, 405, 415, 429};

/* A token server that does not know the OAuth2 form says so in many ways. */
START_TEST(identity_token_refused)
{
	auto_free char *challenge = NULL, *json = NULL;
	struct oci_identity *id = oci_identity_new();
	struct fake_image image;
	struct err err = {0};
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	json = mem_printf(
		"{\"%s\":{\"auth\":\"dTpw\",\"identitytoken\":\"refresh\"}}", fake_host(x.reg));
	ck_assert(!oci_identity_add_docker(id, json, strlen(json), OCI_DOCKER_CFG, "s", &err));
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "POST", "/token")->status = form_refusals[_i];
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op = ask2(&x, id);
	if (form_refusals[_i] == 429)
		fixture_failed(op, "429");
	else
		fixture_ok(op);
	op_free(op);
	ck_assert_uint_eq(fake_count(&x, "POST /token"), 1);
	ck_assert_uint_eq(fake_count(&x, "auth=Basic dTpw\n"), form_refusals[_i] != 429);
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* ---- answers --------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *headers, *body, *says;
	enum err_kind kind;
	uint64_t retry_ms;
} answers[] = {
	{429, "Retry-After: 30\r\n", "", "429 Too Many Requests", ERR_WAIT, 30000},
	{503, "Retry-After: 5\r\n", "", "503 Service Unavailable", ERR_WAIT, 5000},
	{429, NULL, "", "429 Too Many Requests", ERR_RETRY, 0},
	{503, NULL, "", "503 Service Unavailable", ERR_RETRY, 0},
	{500, "Retry-After: 5\r\n",
		"{\"errors\":[{\"code\":\"UNKNOWN\",\"message\":\"a\\nb\\u0007 \\u00e4c\"}]}",
		"500 Internal Server Error (UNKNOWN: a b ?", ERR_RETRY, 0},
	{403, NULL,
		"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no. CorrelationId: "
		"8f14e45f-ceea-467f-9575-2d1f3c5b8a10\"}]}",
		"(DENIED: no. CorrelationId: <id>)", ERR_RETRY, 0},
	{403, NULL, "{\"errors\":[{\"code\":\"DENIED\"},{\"message\":\"x\"}]}", "(DENIED; x)",
		ERR_RETRY, 0},
	{400, NULL,
		"{\"errors\":[{\"code\":\"MANIFEST_INVALID\",\"message\":\"manifest invalid\","
		"\"detail\":\"unknown media\\ntype: a/b\"}]}",
		"(MANIFEST_INVALID: manifest invalid: unknown media type: a/b)", ERR_RETRY, 0},
	{404, NULL,
		"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"not here\",\"detail\":"
		"{\"Name\":\"app\",\"Tag\":\"1.0\",\"n\":17,\"x\":{},\"requestId\":\"q1w2e3\"}}]}",
		"(MANIFEST_UNKNOWN: not here: Name=app, Tag=1.0, requestId=<id>)", ERR_RETRY, 0},
	{403, NULL,
		"{\"errors\":[{\"code\":\"DENIED\",\"detail\":[{\"Type\":\"repository\","
		"\"Class\":\"\",\"Name\":\"app\"},{\"Type\":\"x\"}]},"
		"{\"message\":\"no: why\",\"detail\":[\"why\"]}]}",
		"(DENIED: Type=repository, Name=app; no: why)", ERR_RETRY, 0},
	{403, NULL,
		"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"got Basic aHVudGVyMg==, so no\","
		"\"detail\":{\"auth\":\"Bearer "
		"hunter2.x\",\"password\":\"hunter2\",\"at\":\"a/b\"}}]}",
		"(DENIED: got Basic xxxxxxxxxxxx, so no: auth=Bearer xxxxxxxxx, password=xxxxxxx, "
		"at=a/b)",
		ERR_RETRY, 0},
	{404, NULL, "{\"errors\":[{\"code\":\"X\",\"detail\":[]},{\"detail\":17}]}",
		"404 Not Found (X", ERR_RETRY, 0},
	{404, NULL, "<html>not a registry</html>", "404 Not Found", ERR_RETRY, 0},
	{418, NULL, "{\"errors\":17}", "answered 418", ERR_RETRY, 0},
	{404, NULL, "{\"errors\":[1,\"x\",null,{\"code\":5}]}", "404 Not Found", ERR_RETRY, 0},
	{302, NULL, "", "redirects without saying where to", ERR_RETRY, 0},
	{302, "Location: http://[\r\n", "", "cannot be read", ERR_RETRY, 0},
	{302, "Location: file:///etc/passwd\r\n", "", "cannot be read", ERR_RETRY, 0},
	{302, "Location: http://u:hunter2@127.0.0.1/\r\n", "", "user information", ERR_RETRY, 0},
};

START_TEST(answer)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	for (i = 0; i < 2; i++) {
		a = fake_on(x.reg, i ? "HEAD" : "GET", "/v2/app/manifests/1.0");
		a->status = answers[_i].status;
		a->headers = answers[_i].headers;
		a->body = answers[_i].body;
	}
	op = ask(&x, NULL);
	fixture_failed(op, answers[_i].says);
	ck_assert_msg(op->err.kind == answers[_i].kind, "%s: %s", op->err.msg,
		err_kind_name(op->err.kind));
	ck_assert_uint_eq(op->err.retry_ms, answers[_i].retry_ms);
	ck_assert_msg(!strstr(op->err.msg, "hunter2"), "%s", op->err.msg);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- redirects ------------------------------------------------------------------------------- */

START_TEST(redirect_elsewhere)
{
	auto_free char *location = NULL, *second = NULL;
	struct oci_identity *id;
	struct fake_registry *other;
	struct fake_image image;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	other = fake_registry_new(x.loop);
	id = fixture_user(&x);
	fake_image(other, "real", "1.0", "a/b", "hello", 5, &image);
	location = mem_printf("Location: http://%s/v2/real/manifests/1.0\r\n", fake_host(other));
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0");
	a->need = "Basic dTpw";
	a->challenge = "Basic realm=\"r\"";
	a->status = 307;
	a->headers = location;
	op = ask(&x, id);
	fixture_ok(op);
	ck_assert(digest_equal(&oci_resolve_result(op)->digest, &image.manifest));
	op_free(op);
	/* Another port is another origin: no password goes there. */
	ck_assert_str_eq(fake_log(other), "HEAD /v2/real/manifests/1.0\n");

	/* Nor after a challenge from there. */
	a = fake_on(other, "HEAD", "/v2/trap/manifests/1.0");
	a->need = "Basic dTpw";
	a->challenge = "Basic realm=\"r\"";
	second = mem_printf("Location: http://%s/v2/trap/manifests/1.0\r\n", fake_host(other));
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/3.0");
	a->status = 307;
	a->headers = second;
	op = start(&x, id, "3.0");
	fixture_wait(&x, op);
	fixture_failed(op, "the host it redirects to, '127.0.0.1:");
	fixture_failed(op, "answered 401 Unauthorized");
	ck_assert(!strstr(op->err.msg, "UNAUTHORIZED"));
	op_free(op);
	ck_assert(!strstr(fake_log(other), "auth="));
	oci_identity_unref(id);
	fake_image_clear(&image);
	fake_registry_free(other);
	fixture_clear(&x);
}
END_TEST

START_TEST(redirect_at_home)
{
	struct oci_identity *id;
	struct fake_image image;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	id = fixture_user(&x);
	guarded(&x, &image, "Basic dTpw", "Basic realm=\"r\"");
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/3.0");
	a->status = 301;
	a->headers = "Location: 2.0\r\n";
	op = start(&x, id, "3.0");
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
	oci_identity_unref(id);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(endless_redirects)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	const char *p;
	int n = 0;

	fixture_init(&x);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0");
	a->status = 302;
	a->headers = "Location: /v2/app/manifests/1.0\r\n";
	op = ask(&x, NULL);
	fixture_failed(op, "redirects more than 10 times");
	op_free(op);
	for (p = fake_log(x.reg); (p = strstr(p, "HEAD")); p++)
		n++;
	ck_assert_int_eq(n, 11);
	fixture_clear(&x);
}
END_TEST

/* ---- lies of the wire ------------------------------------------------------------------------ */

START_TEST(silence)
{
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_SILENT;
	op = start(&x, NULL, "1.0");
	fixture_until(&x, HEAD_LINE "\n");
	fixture_advance(&x, op, 1000, 70000);
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(endless_headers)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_HEADERS;
	op = ask(&x, NULL);
	fixture_failed(op, "headers are larger than 65536 bytes");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(reset)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->status = 405;
	a = fake_on(x.reg, "GET", "/v2/app/manifests/1.0");
	a->way = FAKE_RESET;
	a->body = "{\"schemaVersion\":2}";
	a->cut = 5;
	op = ask(&x, NULL);
	fixture_failed(op, "tag '1.0' of");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(endless_body)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->status = 405;
	a = fake_on(x.reg, "GET", "/v2/app/manifests/1.0");
	a->way = FAKE_ENDLESS;
	a->chunked = _i;
	op = ask(&x, NULL);
	fixture_failed(op, "larger than 4194304 bytes");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

/* spec.timeout may be 1000m: no question is held so long. */
START_TEST(long_timeout)
{
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_SILENT;
	op = oci_resolve_start(x.oci,
		&(struct oci_resolve_req){
			.target = {&x.repo, x.nobody, 1000 * 60 * 1000}, .tag = "1.0"});
	fixture_until(&x, HEAD_LINE "\n");
	fixture_advance(&x, op, 1000, LIMIT_REQUEST_MS + 2000);
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Redirects, tokens and challenges have one time together. */
START_TEST(one_deadline)
{
	struct http_client_stats stats;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	fake_on(x.reg, "GET", "/b")->way = FAKE_SILENT;
	a = fake_on(x.reg, "GET", "/v2/app/manifests/1.0");
	a->status = 307;
	a->headers = "Location: /b\r\nContent-Length: 40\r\nConnection: close\r\n";
	a->way = FAKE_DRIP;
	a->drip_ms = 1000;
	op = oci_req_start(x.oci,
		&(struct oci_req){.target = {&x.repo, x.nobody, 60000},
			.kind = OCI_KIND_MANIFEST,
			.method = "GET",
			.path = "manifests/1.0",
			.what = "manifest",
			.max_body = 1000});
	fixture_until(&x, "GET /v2/app/manifests/1.0\n");
	fixture_advance(&x, op, 500, 62000);
	fixture_failed(op, "/b': not done within 1m0s");
	ck_assert_int_eq(op->err.code, -ETIMEDOUT);
	op_free(op);
	http_client_stats(x.http, &stats);
	ck_assert_uint_eq(stats.open_requests, 0);
	fixture_clear(&x);
}
END_TEST

/* ---- health ---------------------------------------------------------------------------------- */

static void changed(void *arg, const char *host)
{
	unsigned *n = arg;

	ck_assert(!strncmp(host, "127.0.0.1:", 10));
	++*n;
}

struct seen_host {
	unsigned n, in_flight;
	bool up, proven;
	const char *role;
};

static void see_host(void *arg, const struct oci_host_info *info)
{
	struct seen_host *h = arg;

	*h = (struct seen_host){h->n + 1, info->in_flight, info->up, info->proven, info->role};
}

/* Hosts of other requests are not made to wait, and not blamed. */
START_TEST(dead_host)
{
	struct seen_host seen = {0};
	struct oci_repo dead;
	struct oci_stats stats;
	struct fixture x;
	unsigned told = 0, too = 0;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	oci_client_on_change(x.oci, changed, &told);
	oci_client_on_change(x.oci, changed, &too);
	dead = x.repo;
	ck_assert(!oci_client_is_proven(x.oci, &dead));
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_SILENT;
	op = start(&x, NULL, "1.0");
	fixture_until(&x, HEAD_LINE "\n");
	oci_client_each_host(x.oci, see_host, &seen);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_uint_eq(seen.in_flight, 1);
	ck_assert_str_eq(seen.role, "registry");
	ck_assert(!seen.proven);
	fixture_advance(&x, op, 100, 70000); /* small steps: it must not be due again */
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	loop_turn(x.loop, false);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(too, 1);
	oci_client_off_change(x.oci, changed, &too);
	/* At once, and nothing is sent. */
	fake_log_reset(x.reg);
	op = ask(&x, NULL);
	fixture_failed(op, "tag '1.0' of '127.0.0.1:");
	fixture_failed(op,
		"' does not answer (no answer in time); it is tried again at least once a minute");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	oci_client_stats(x.oci, &stats);
	ck_assert_uint_eq(stats.refused, 1);
	ck_assert(oci_client_is_proven(x.oci, &dead));
	/* A probe of our own that is answered, whatever the answer is, brings it back. */
	loop_test_advance(x.loop, 1300);
	while (told < 2)
		loop_turn(x.loop, true);
	ck_assert_str_eq(fake_log(x.reg), "tls\nGET /v2/\n");
	ck_assert_uint_eq(told, 2);
	ck_assert_uint_eq(too, 1);
	oci_client_each_host(x.oci, see_host, &seen);
	ck_assert(seen.proven && seen.up && !seen.in_flight);
	fixture_clear(&x);
}
END_TEST

static void hangs(struct fixture *x)
{
	struct op *op = start(x, NULL, "1.0");

	fixture_advance(x, op, 100, 70000);
	fixture_failed(op, "not done within 1m0s");
	op_free(op);
}

static bool is_up(struct fixture *x)
{
	int i;

	for (i = 0; i < 200; i++)
		loop_turn(x->loop, false);
	return oci_client_is_up(x->oci, &x->repo);
}

/* A repository that hangs does not speak for its registry: we ask that ourselves, without anything
   of anybody's, and follow it nowhere. rows: what /v2/ says */
START_TEST(hung_repository)
{
	static const struct {
		int status;
		const char *headers;
	} said[] = {
		{200, NULL},
		{401, "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:1/token\"\r\n"},
		{302, "Location: /elsewhere\r\n"},
		{503, "Retry-After: 60\r\n"},
	};
	struct fake_answer *a;
	struct oci_stats stats;
	struct fixture x;
	struct op *op;
	int i;

	clock_fake(1000000);
	fixture_init(&x);
	a = fake_on(x.reg, "GET", "/v2/");
	a->status = said[_i].status;
	a->headers = said[_i].headers;
	op = ask(&x, NULL); /* there is nothing, but an answer */
	op_free(op);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_SILENT;
	for (i = 0; i < 3; i++)
		hangs(&x);
	ck_assert(is_up(&x));
	ck_assert_uint_eq(fake_count(&x, "GET /v2/\n"), 1);
	ck_assert_ptr_null(strstr(fake_log(x.reg), "elsewhere"));
	for (i = 0; i < 3; i++)
		hangs(&x);
	ck_assert(is_up(&x));
	oci_client_stats(x.oci, &stats);
	ck_assert_uint_eq(stats.requests[OCI_KIND_PROBE], 2);
	ck_assert_uint_eq(stats.refused, 0);
	/* Now all of it hangs. */
	a->way = FAKE_SILENT;
	for (i = 0; i < 3; i++)
		hangs(&x);
	ck_assert(is_up(&x));
	loop_test_advance(x.loop, LIMIT_PROBE_MS);
	ck_assert(!is_up(&x));
	op = ask(&x, NULL);
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Where a redirect led says nothing about the registry. */
START_TEST(dead_elsewhere)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0");
	a->status = 307;
	a->headers = "Location: http://127.0.0.1:1/secret/path?key=hunter2\r\n";
	fake_on(x.reg, "GET", "/v2/app/manifests/1.0")->status = 404;
	for (i = 0; i < 5; i++) {
		op = ask(&x, NULL);
		fixture_failed(op, "HEAD 'http://127.0.0.1:1': ");
		ck_assert_msg(!strstr(op->err.msg, "secret"), "%s", op->err.msg);
		op_free(op);
	}
	fixture_clear(&x);
}
END_TEST

START_TEST(not_before)
{
	struct fake_answer *a;
	auto_free char *said = NULL;
	struct oci_identity *user;
	struct fake_image image;
	struct fixture x;
	struct op *op;
	int i;

	clock_fake(1000000);
	fixture_init(&x);
	user = fixture_user(&x);
	for (i = 0; i < 2; i++) {
		a = fake_on(x.reg, i ? "HEAD" : "GET", "/v2/app/manifests/2.0");
		a->status = 429;
		a->headers = "Retry-After: 30\r\n";
		a->body = "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\"}]}";
	}
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &image);
	op = ask2(&x, NULL);
	ck_assert_int_eq(op->err.kind, ERR_WAIT);
	said = mem_strdup(strstr(op->err.msg, "the registry"));
	op_free(op);
	fake_log_reset(x.reg);
	loop_test_advance(x.loop, 10000);
	op = ask(&x, NULL);
	fixture_failed(op, said);
	fixture_failed(op, "tag '1.0' of '127.0.0.1:");
	ck_assert_int_eq(op->err.kind, ERR_HELD);
	ck_assert_uint_eq(op->err.retry_ms, 20000);
	ck_assert_int_eq(op->err.code, 429);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	/* Somebody else was told nothing. */
	op = ask(&x, user);
	fixture_ok(op);
	op_free(op);
	loop_test_advance(x.loop, 20000);
	op = ask(&x, NULL);
	fixture_ok(op);
	op_free(op);
	oci_identity_unref(user);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

static void request_line(
	void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n)
{
	buf_addf(arg, "%s %s %s %llu\n", oci_kind_name(kind), host, code, (unsigned long long)n);
}

/* Each request that has ended is counted once: challenge, token, answer, and one that is given up;
   a vain try over TLS is none. */
START_TEST(counts_by_host)
{
	auto_free char *challenge = NULL, *want = NULL;
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct fake_image image;
	struct fixture x;
	struct op *op;
	const char *host;
	int i;

	fixture_init(&x);
	host = fake_host(x.reg);
	challenge = bearer(&x, "repository:app:pull");
	guarded(&x, &image, "Bearer tok", challenge);
	fake_on(x.reg, "GET", "/token")->body = "{\"token\":\"tok\"}";
	op_free(ask2(&x, NULL));
	op_free(ask2(&x, NULL));
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0")->way = FAKE_SILENT;
	op = start(&x, NULL, "1.0");
	for (i = 0; i < 200 && !strstr(fake_log(x.reg), HEAD_LINE); i++)
		loop_turn(x.loop, true);
	op_cancel(op);
	fixture_wait(&x, op);
	op_free(op);
	oci_client_each_request(x.oci, request_line, &got);
	want = mem_printf("head %s 401 1\ntoken %s 200 1\nhead %s 200 2\nhead %s <canceled> 1\n",
		host, host, host, host);
	ck_assert_str_eq(buf_str(&got), want);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(counts)
{
	struct fake_image image;
	struct oci_stats stats;
	struct fixture x;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &image);
	op_free(ask(&x, NULL));
	op_free(ask(&x, NULL));
	oci_client_stats(x.oci, &stats);
	ck_assert_uint_eq(stats.requests[OCI_KIND_HEAD], 2);
	ck_assert_uint_eq(stats.requests[OCI_KIND_MANIFEST], 0);
	ck_assert_str_eq(oci_kind_name(OCI_KIND_TAGS), "tags");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

Suite *suite_registry(void)
{
	Suite *s = suite_create("registry");
	TCase *t = tcase_create("registry");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, basic);
	tcase_add_test(t, basic_refused);
	tcase_add_test(t, token);
	tcase_add_test(t, token_trace);
	tcase_add_test(t, token_expires);
	tcase_add_test(t, token_single_flight);
	tcase_add_test(t, identity_token);
	tcase_add_loop_test(t, passing_answer, 0, ARRAY_LEN(passing));
	tcase_add_test(t, outage);
	tcase_add_loop_test(t, passing_not_repeated, 0, 3);
	tcase_add_loop_test(t, passing_cut, 0, 2);
	tcase_add_test(t, passing_token);
	tcase_add_loop_test(t, ping_challenge, 0, 3);
	tcase_add_loop_test(t, ping_no_challenge, 200, 201);
	tcase_add_loop_test(t, ping_no_challenge, 404, 405);
	tcase_add_test(t, ping_in_vain);
	tcase_add_loop_test(t, token_redirect, 0, ARRAY_LEN(redirects_of_tokens));
	tcase_add_loop_test(t, token_redirect_away, 0, 2);
	tcase_add_loop_test(t, token_redirect_lie, 0, ARRAY_LEN(token_redirect_lies));
	tcase_add_loop_test(t, identity_token_refused, 0, ARRAY_LEN(form_refusals));
	tcase_add_test(t, registry_token);
	tcase_add_test(t, other_scope);
	tcase_add_loop_test(t, turned_scope, 0, 3);
	tcase_add_loop_test(t, other_realm, 0, 8);
	tcase_add_test(t, other_realm_hangs);
	tcase_add_test(t, open_now);
	tcase_add_test(t, repositories_apart);
	tcase_add_loop_test(t, tokens_of_some_bytes, 0, 2);
	tcase_add_loop_test(t, realm_refuses_later, 0, 2);
	tcase_add_loop_test(t, token_lie, 0, ARRAY_LEN(token_lies));
	tcase_add_loop_test(t, challenge_lie, 0, ARRAY_LEN(challenge_lies));
	tcase_add_test(t, tokens_stay_apart);
	tcase_add_test(t, no_plain_http);
	tcase_add_test(t, plain_by_proxy);
	tcase_add_test(t, nobody_listens);
	tcase_add_test(t, own_ports);
	tcase_add_loop_test(t, answer, 0, ARRAY_LEN(answers));
	tcase_add_test(t, redirect_elsewhere);
	tcase_add_test(t, redirect_at_home);
	tcase_add_test(t, endless_redirects);
	tcase_add_test(t, silence);
	tcase_add_test(t, endless_headers);
	tcase_add_test(t, reset);
	tcase_add_loop_test(t, endless_body, 0, 2);
	tcase_add_test(t, long_timeout);
	tcase_add_test(t, one_deadline);
	tcase_add_test(t, dead_host);
	tcase_add_loop_test(t, hung_repository, 0, 4);
	tcase_add_test(t, dead_elsewhere);
	tcase_add_test(t, not_before);
	tcase_add_test(t, counts);
	tcase_add_test(t, counts_by_host);
	suite_add_tcase(s, t);
	return s;
}
