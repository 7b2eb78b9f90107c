#include "base/base64.h"
#include "base/limits.h"
#include "base/obj.h"
#include "crypto/jose.h"
#include "crypto/pubkey.h"
#include "test/unit/forge/rig.h"

#include <stdio.h>

Suite *suite_token(void);

#define ANSWER "{\"token\":\"ghs_1\",\"expires_at\":\"2026-01-31T10:30:00Z\"}"
#define ANSWER_2 "{\"token\":\"ghs_2\",\"expires_at\":\"2026-01-31T11:30:00Z\"}"
#define TOKENS "POST /api/v3/app/installations/42/access_tokens"

static char *run(const char *cmd)
{
	struct buf b = BUF_INIT(1 << 16);
	FILE *f = popen(cmd, "r");
	char line[512];

	ck_assert(f);
	while (fgets(line, sizeof(line), f))
		buf_adds(&b, line);
	ck_assert_int_eq(pclose(f), 0);
	return buf_take(&b);
}

static struct secret key;

static void make_key(void)
{
	key.p = run("openssl genrsa 2048 2>/dev/null");
	key.len = strlen(key.p);
}

static struct op *ask(struct rig *r, const char *installation, const char *owner)
{
	auto_free char *base = mem_printf("%s/api/v3", r->base);

	return forge_token_start(r->forge,
		&(struct forge_app){.id = "1234",
			.installation = installation,
			.installation_owner = owner,
			.key = &key,
			.base_url = base},
		&r->way);
}

static void is_token(struct op *op, const char *want)
{
	rig_ok(op);
	ck_assert_str_eq(forge_token_result(op)->p, want);
	op_free(op);
}

/* The JWT that was shown: RS256 by the App's key, of the App, for nine minutes. */
static void check_jwt(const char *bearer)
{
	auto_free char *pem = NULL;
	auto_buf struct buf claims = BUF_INIT(4096), sig = BUF_INIT(4096);
	const char *jwt = bearer + strlen("Bearer "), *dot, *last;
	auto_json json_t *o = NULL;
	struct pubkey *k;
	struct err err = {0};

	setenv("FORGE_KEY", key.p, 1);
	pem = run("printf '%s' \"$FORGE_KEY\" | openssl rsa -pubout 2>/dev/null");
	ck_assert(!strncmp(bearer, "Bearer ", 7));
	dot = strchr(jwt, '.');
	last = strrchr(jwt, '.');
	ck_assert(dot && last > dot);
	ck_assert(!base64_decode(&claims, dot + 1, (size_t)(last - dot - 1), BASE64_URL, &err));
	ck_assert(!base64_decode(&sig, last + 1, strlen(last + 1), BASE64_URL, &err));
	ck_assert_msg(!pubkey_parse(&k, pem, strlen(pem), &err), "%s", err.msg);
	ck_assert(jose_verifies(k, JOSE_RS256, sig.p, sig.len, jwt, (size_t)(last - jwt)));
	pubkey_free(k);
	o = json_loads(buf_str(&claims), 0, NULL);
	ck_assert_str_eq(obj_str(o, "iss"), "1234");
	ck_assert_int_eq(obj_int(0, o, "iat"), RIG_NOW_MS / 1000 - 60);
	ck_assert_int_eq(obj_int(0, o, "exp"), RIG_NOW_MS / 1000 + 480);
}

START_TEST(test_of_an_installation)
{
	struct op *a, *b;
	struct rig r;

	make_key();
	rig_init(&r);
	/* Two at once are one request, and who comes later none. */
	rig_on(&r, TOKENS, NULL, 201, ANSWER);
	a = ask(&r, "42", NULL);
	b = ask(&r, "42", NULL);
	op_drop(b);
	b = ask(&r, "42", NULL);
	is_token(rig_wait(&r, a), "ghs_1");
	is_token(rig_wait(&r, b), "ghs_1");
	check_jwt(r.seen);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

START_TEST(test_kept_until_a_minute_before_its_end)
{
	struct rig r;

	make_key();
	rig_init(&r);
	rig_on(&r, TOKENS, NULL, 201, ANSWER);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	loop_test_advance(r.loop, 58 * 60 * 1000);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	loop_test_advance(r.loop, 60 * 1000);
	rig_on(&r, TOKENS, NULL, 201, ANSWER_2);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_2");
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

/* One that was refused is replaced, once in a while. */
START_TEST(test_refused)
{
	auto_free char *base = NULL;
	struct secret first = {(char[]){"ghs_1"}, 5}, second = {(char[]){"ghs_2"}, 5};
	struct forge_app app;
	struct rig r;

	make_key();
	rig_init(&r);
	base = mem_printf("%s/api/v3", r.base);
	app = (struct forge_app){"1234", "42", NULL, &key, base};
	rig_on(&r, TOKENS, NULL, 201, ANSWER);
	rig_on(&r, TOKENS, NULL, 201, ANSWER_2);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	forge_token_refused(r.forge, &app, &second);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	forge_token_refused(r.forge, &app, &first);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_2");
	forge_token_refused(r.forge, &app, &second);
	is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_2");
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

START_TEST(test_of_an_owner)
{
	struct op *op;
	struct rig r;

	make_key();
	rig_init(&r);
	rig_on(&r, "GET /api/v3/orgs/acme/installation", NULL, 404, "{\"message\":\"Not Found\"}");
	rig_on(&r, "GET /api/v3/users/acme/installation", NULL, 200, "{\"id\":42}");
	rig_on(&r, TOKENS, NULL, 201, ANSWER);
	is_token(rig_wait(&r, ask(&r, NULL, "acme")), "ghs_1");
	rig_on(&r, "GET /api/v3/orgs/nobody/installation", NULL, 404, "");
	rig_on(&r, "GET /api/v3/users/nobody/installation", NULL, 404,
		"{\"message\":\"Not Found\"}");
	op = rig_wait(&r, ask(&r, "", "nobody"));
	rig_says(op, "installation at 'nobody'");
	rig_says(op, "Not Found");
	op_free(op);
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

START_TEST(test_bad_answers)
{
	static const struct {
		int status;
		const char *body, *says;
	} rows[] = {
		{401, "{\"message\":\"A JSON web token could not be decoded\"}",
			"A JSON web token could not be decoded"},
		{201, "{}", "no token"},
		{201, "{\"token\":\"a b\"}", "no token"},
		{201, "no JSON", "127.0.0.1"},
		{302, "", "no credential follows"},
	};
	struct rig r;
	size_t i;

	make_key();
	rig_init(&r);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct op *op;

		rig_on(&r, TOKENS, NULL, rows[i].status, rows[i].body);
		op = rig_wait(&r, ask(&r, "42", NULL));
		rig_says(op, rows[i].says);
		op_free(op);
	}
	/* Without an end it serves those who wait, and is not kept. */
	for (i = 0; i < 2; i++) {
		rig_on(&r, TOKENS, NULL, 201, "{\"token\":\"ghs_1\"}");
		is_token(rig_wait(&r, ask(&r, "42", NULL)), "ghs_1");
	}
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

START_TEST(test_bad_apps)
{
	static const struct {
		struct forge_app app;
		const char *says;
	} rows[] = {
		{{.id = "", .installation = "1", .key = &key}, "ID is none"},
		{{.id = "a/b", .installation = "1", .key = &key}, "ID is none"},
		{{.id = "1", .installation = "x", .key = &key}, "no number"},
		{{.id = "1", .key = &key}, "neither"},
		{{.id = "1", .installation_owner = "../x", .key = &key}, "neither"},
		{{.id = "1", .installation = "1"}, "no private key"},
		{{.id = "1",
			 .installation = "1",
			 .key = &key,
			 .base_url = "http://ghes.test/api/v3"},
			"https"},
		{{.id = "1", .installation = "1", .key = &key, .base_url = "https://h/?x"},
			"no place"},
		{{.id = "1", .installation = "1", .key = &key, .base_url = "https://h/"},
			"private key"},
	};
	struct rig r;
	size_t i;

	key.p = mem_strdup("hunter2");
	key.len = 7;
	rig_init(&r);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct op *op = rig_wait(&r, forge_token_start(r.forge, &rows[i].app, &r.way));

		rig_says(op, rows[i].says);
		ck_assert(!strstr(op->err.msg, "hunter2"));
		op_free(op);
	}
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

/* A pull request as an App: its base URL counts, and a token that was taken back is replaced. */
START_TEST(test_request_of_an_app)
{
	static const char find[] =
		"GET /api/v3/repos/o/r/pulls?state=open&head=o%3Ab&base=main&per_page=100";
	auto_free char *base = NULL;
	struct forge_app app;
	struct op *op;
	struct rig r;

	make_key();
	rig_init(&r);
	base = mem_printf("%s/api/v3", r.base);
	app = (struct forge_app){"1234", "42", NULL, &key, base};
	rig_on(&r, TOKENS, NULL, 201, ANSWER);
	rig_on(&r, find, NULL, 401, "{\"message\":\"Bad credentials\"}")->auth = "Bearer ghs_1";
	rig_on(&r, TOKENS, NULL, 201, ANSWER_2);
	rig_on(&r, find, NULL, 200, "[]")->auth = "Bearer ghs_2";
	rig_on(&r, "POST /api/v3/repos/o/r/pulls",
		"{\"title\":\"T\",\"body\":\"\",\"head\":\"b\",\"base\":\"main\"}", 201,
		"{\"number\":1,\"html_url\":\"javascript:x\"}");
	op = rig_wait(&r,
		forge_request_start(r.forge,
			&(struct forge_request_req){.url = "https://git.test/o/r.git",
				.app = &app,
				.way = r.way,
				.head = "b",
				.base = "main",
				.title = "T"}));
	rig_ok(op);
	ck_assert_str_eq(forge_request_result(op)->url, "");
	op_free(op);
	rig_clear(&r);
	secret_clear(&key);
}
END_TEST

Suite *suite_token(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_of_an_installation);
	tcase_add_test(t, test_kept_until_a_minute_before_its_end);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_of_an_owner);
	tcase_add_test(t, test_bad_answers);
	tcase_add_test(t, test_bad_apps);
	tcase_add_test(t, test_request_of_an_app);
	suite_add_tcase(s, t);
	return s;
}
