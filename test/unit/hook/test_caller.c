/* Types whose callers show a token of an issuer. */
#include "hook/oidc.h"
#include "test/unit/hook/fake_issuer.h"

Suite *suite_caller(void);

static struct fixture f;
static struct fake_issuer who;
static EVP_PKEY *key, *stranger;

static void setup(void)
{
	struct loop *l;

	fixture_init(&f, "http://127.0.0.1:1");
	l = f.loop;
	fake_issuer_init(&who, l);
	hook_free(f.hook);
	f.hook = hook_new(&(struct hook_opts){.loop = l, .oci = f.oci, .google = who.url});
	key = jose_make("ES256");
	stranger = jose_make("ES256");
	json_array_append_new(who.keys, jose_jwk(key, "k1"));
}

static void teardown(void)
{
	jose_free(key);
	jose_free(stranger);
	fake_issuer_clear(&who);
	fixture_clear(&f);
}

/* ---- gcr ------------------------------------------------------------------------------------- */

#define EMAIL "hook@acme.example"
#define EVENT \
	"{\"message\":{\"data\":" \
	"\"eyJhY3Rpb24iOiJJTlNFUlQiLCJkaWdlc3QiOiJnY3IuaW8vYWNtZS9zaG9wQHNoY" \
	"TI1NjowMSIsInRhZyI6Imdjci5pby9hY21lL3Nob3A6djEifQ==\",\"messageId\":\"136969346945\"," \
	"\"publishTime\":\"2026-01-31T09:30:00.5Z\"},\"subscription\":\"projects/acme/hook\"}"

static struct ask gcr(const char *bearer, const char *body)
{
	return (struct ask){.type = "gcr",
		.email = EMAIL,
		.audience = "https://hook.example",
		.headers = {"Content-Type", "application/json", "Authorization", bearer},
		.body = body};
}

static enum hook_said gcr_said(json_t *claims, EVP_PKEY *with, const char *body)
{
	auto_free char *bearer = fake_issuer_bearer(with, "k1", claims);
	struct ask a = gcr(bearer, body);

	return fixture_said(&f, &a);
}

static json_t *gcr_claims(const char *more)
{
	json_t *claims = fake_issuer_claims(who.url, "https://hook.example",
		"{\"email\":\"" EMAIL "\",\"email_verified\":true}");
	json_t *on_top = json_loads(more ? more : "{}", 0, NULL);

	json_object_update(claims, on_top);
	json_decref(on_top);
	return claims;
}

START_TEST(rc_19_gcr)
{
	struct ask none = gcr(NULL, EVENT);

	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	none = gcr("Basic eHg6eHg=", EVENT);
	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	none = gcr("Bearer x", EVENT);
	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	ck_assert_uint_eq(who.configs, 0);
	ck_assert_int_eq(gcr_said(gcr_claims(NULL), key, EVENT), HOOK_FIRE);
	ck_assert_int_eq(gcr_said(gcr_claims(NULL), stranger, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(gcr_said(gcr_claims("{\"aud\":\"other\"}"), key, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(gcr_said(gcr_claims("{\"exp\":1}"), key, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(gcr_said(gcr_claims("{\"email\":\"x\"}"), key, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(
		gcr_said(gcr_claims("{\"email_verified\":false}"), key, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(
		gcr_said(gcr_claims("{\"email_verified\":\"true\"}"), key, EVENT), HOOK_REFUSED);
	ck_assert_int_eq(gcr_said(gcr_claims("{\"iss\":\"https://x\"}"), key, EVENT), HOOK_REFUSED);
	ck_assert_uint_eq(who.configs, 1);
}
END_TEST

START_TEST(rc_19_gcr_secret)
{
	auto_free char *bearer = fake_issuer_bearer(key, "k1", gcr_claims(NULL));
	struct ask a = gcr(bearer, EVENT);

	a.email = NULL;
	ck_assert_int_eq(fixture_said(&f, &a), HOOK_REFUSED);
	a.email = "";
	ck_assert_int_eq(fixture_said(&f, &a), HOOK_REFUSED);
	a.email = EMAIL;
	a.audience = NULL;
	ck_assert_int_eq(fixture_said(&f, &a), HOOK_REFUSED);
	a.audience = "https://hook.example";
	ck_assert_int_eq(fixture_said(&f, &a), HOOK_FIRE);
}
END_TEST

START_TEST(test_gcr_bodies)
{
	static const struct {
		const char *body;
		enum hook_said said;
	} rows[] = {{"", HOOK_BAD}, {"{}", HOOK_BAD}, {"[]", HOOK_BAD},
		{"{\"message\":{\"data\":\"e30=\"}}", HOOK_FIRE},
		{"{\"message\":{\"data\":\"e30\"}}", HOOK_BAD},
		{"{\"message\":{\"data\":\"W10=\"}}", HOOK_BAD},
		{"{\"message\":{\"data\":\"bnVsbA==\"}}", HOOK_FIRE},
		{"{\"message\":{\"data\":\"eyJ0YWciOjF9\"}}", HOOK_BAD},
		{"{\"message\":{\"data\":1}}", HOOK_BAD},
		{"{\"message\":{\"data\":\"e30=\",\"publishTime\":\"now\"}}", HOOK_BAD},
		{"{\"message\":{\"data\":\"e30=\",\"publishTime\":null}} x", HOOK_FIRE}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(gcr_said(gcr_claims(NULL), key, rows[i].body) == rows[i].said, "%s",
			rows[i].body);
}
END_TEST

/* Filters see the event in the message, and only it. */
START_TEST(test_gcr_req)
{
	auto_free char *bearer = fake_issuer_bearer(key, "k1", gcr_claims(NULL));
	struct ask a = gcr(bearer, EVENT);
	const struct hook_verdict *v;
	struct op *op;

	a.filtered = true;
	op = fixture_ask(&f, &a);
	v = fixture_verdict(&a, op);
	ck_assert_uint_eq(json_object_size(v->req), 3);
	ck_assert_str_eq(json_string_value(json_object_get(v->req, "action")), "INSERT");
	ck_assert_str_eq(json_string_value(json_object_get(v->req, "tag")), "gcr.io/acme/shop:v1");
	ck_assert_uint_eq(v->pushes.len, 1);
	ck_assert_str_eq(v->pushes.p[0].repo.host, "gcr.io");
	ck_assert_str_eq(v->pushes.p[0].repo.name, "acme/shop");
	ck_assert_str_eq(v->pushes.p[0].tag, "v1");
	op_free(op);
}
END_TEST

/* ---- generic-oidc ---------------------------------------------------------------------------- */

static struct hook_oidc *providers(const char *more)
{
	auto_free char *text =
		mem_printf("[{\"issuerURL\":\"https://"
			   "other.example\",\"validations\":[{\"expression\":\"true\","
			   "\"message\":\"m\"}]},{\"issuerURL\":\"%s\",%s}]",
			who.url, more);
	json_t *list = json_loads(text, 0, NULL);
	struct hook_oidc *o = NULL;
	struct err err = {0};

	ck_assert_ptr_nonnull(list);
	ck_assert_msg(!hook_oidc_new(&o, list, &err), "%s", err.msg);
	json_decref(list);
	return o;
}

#define RULES \
	"\"variables\":[{\"name\":\"repo\",\"expression\":\"claims.repository\"},{\"name\":" \
	"\"own\"," \
	"\"expression\":\"vars.repo.startsWith('acme/')\"}],\"validations\":[{\"expression\":" \
	"\"vars.own == true\",\"message\":\"not ours\"},{\"expression\":\"claims.ref == " \
	"'refs/heads/main'\"," \
	"\"message\":\"not main\"}]"
#define GOOD "{\"repository\":\"acme/shop\",\"ref\":\"refs/heads/main\"}"

static struct ask oidc(struct hook_oidc *o, const char *bearer)
{
	return (struct ask){.type = "generic-oidc",
		.token = "",
		.oidc = o,
		.headers = {"Authorization", bearer},
		.body = "x"};
}

static enum hook_said oidc_said(struct hook_oidc *o, EVP_PKEY *with, json_t *claims)
{
	auto_free char *bearer = fake_issuer_bearer(with, "k1", claims);
	struct ask a = oidc(o, bearer);

	return fixture_said(&f, &a);
}

static json_t *claims(const char *more)
{
	return fake_issuer_claims(who.url, "notification-controller", more);
}

START_TEST(rc_20_oidc)
{
	struct hook_oidc *o = providers(RULES "");
	struct ask none = oidc(o, NULL);
	json_t *late = claims(GOOD), *aud = claims(GOOD), *iss = claims(GOOD);

	json_object_set_new(late, "exp", json_integer(clock_wall_ms() / 1000 - 1));
	json_object_set_new(aud, "aud", json_string("other"));
	json_object_set_new(iss, "iss", json_string("https://evil.example"));
	ck_assert_int_eq(oidc_said(o, key, claims(GOOD)), HOOK_FIRE);
	ck_assert_int_eq(oidc_said(o, key, late), HOOK_REFUSED);
	ck_assert_int_eq(oidc_said(o, key, aud), HOOK_REFUSED);
	ck_assert_int_eq(oidc_said(o, key, iss), HOOK_REFUSED);
	ck_assert_int_eq(oidc_said(o, stranger, claims(GOOD)), HOOK_REFUSED);
	ck_assert_int_eq(
		oidc_said(o, key,
			claims("{\"repository\":\"evil/shop\",\"ref\":\"refs/heads/main\"}")),
		HOOK_REFUSED);
	/* a variable that cannot be evaluated */
	ck_assert_int_eq(oidc_said(o, key, claims("{\"ref\":\"refs/heads/main\"}")), HOOK_REFUSED);
	ck_assert_int_eq(oidc_said(o, key, claims("{\"repository\":\"acme/shop\",\"ref\":\"x\"}")),
		HOOK_REFUSED);
	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	none = oidc(o, "bearer x");
	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	none = oidc(NULL, "Bearer e30.e30.e30");
	ck_assert_int_eq(fixture_said(&f, &none), HOOK_REFUSED);
	hook_oidc_unref(o);
}
END_TEST

/* An audience of its own; and the claims go to the filters. */
START_TEST(rc_20_claims)
{
	struct hook_oidc *o = providers("\"audience\":\"mine\",\"validations\":[{\"expression\":"
					"\"true\",\"message\":\"m\"}]");
	auto_free char *bearer =
		fake_issuer_bearer(key, "k1", fake_issuer_claims(who.url, "mine", "{\"n\":7}"));
	struct ask a = oidc(o, bearer);
	struct op *op;

	ck_assert_int_eq(oidc_said(o, key, claims(NULL)), HOOK_REFUSED);
	a.filtered = true;
	a.body = "{\"a\":1}";
	a.headers[2] = "Content-Type";
	a.headers[3] = "application/json";
	op = fixture_start(&f, &a);
	hook_oidc_unref(o); /* the check has its own */
	{
		bool done = false;

		op_then(op, fixture_done, &done);
		while (!done)
			loop_turn(f.loop, true);
	}
	ck_assert_int_eq(fixture_verdict(&a, op)->said, HOOK_FIRE);
	ck_assert(json_number_value(json_object_get(hook_verdict(op)->claims, "n")) == 7);
	ck_assert_uint_eq(json_object_size(hook_verdict(op)->req), 1);
	op_free(op);
}
END_TEST

/* Answers do not tell what was wrong; the log does. */
START_TEST(rc_36_reasons)
{
	struct hook_oidc *o = providers(RULES "");
	auto_free char *forged = fake_issuer_bearer(stranger, "k1", claims(GOOD));
	auto_free char *wrong =
		fake_issuer_bearer(key, "k1", claims("{\"repository\":\"acme/x\",\"ref\":\"x\"}"));
	struct ask one = oidc(o, forged), two = oidc(o, wrong);
	struct op *a = fixture_ask(&f, &one), *b = fixture_ask(&f, &two);

	ck_assert_str_eq(fixture_verdict(&one, a)->why, fixture_verdict(&two, b)->why);
	ck_assert_ptr_nonnull(strstr(hook_verdict(a)->detail, "has signed"));
	ck_assert_str_eq(hook_verdict(b)->detail, "claims: not main");
	op_free(a);
	op_free(b);
	hook_oidc_unref(o);
}
END_TEST

/* The issuer does not answer, or not as one: it is not the caller's fault. */
START_TEST(test_unable)
{
	struct hook_oidc *o = providers(RULES "");
	auto_free char *bearer = fake_issuer_bearer(key, "k1", claims(GOOD));
	struct ask a = oidc(o, bearer);
	struct op *op;

	who.status = 500;
	op = fixture_ask(&f, &a);
	ck_assert_int_eq(fixture_verdict(&a, op)->said, HOOK_UNABLE);
	ck_assert_int_eq(hook_verdict(op)->status, 503);
	ck_assert_ptr_nonnull(strstr(hook_verdict(op)->detail, "the answer is 500"));
	op_free(op);
	hook_oidc_unref(o);
}
END_TEST

Suite *suite_caller(void)
{
	Suite *s = suite_create("caller");
	TCase *t = tcase_create("caller");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rc_19_gcr);
	tcase_add_test(t, rc_19_gcr_secret);
	tcase_add_test(t, test_gcr_bodies);
	tcase_add_test(t, test_gcr_req);
	tcase_add_test(t, rc_20_oidc);
	tcase_add_test(t, rc_20_claims);
	tcase_add_test(t, rc_36_reasons);
	tcase_add_test(t, test_unable);
	suite_add_tcase(s, t);
	return s;
}
