/* spec.oidcProviders. */
#include "hook/oidc.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_oidc(void);

static int make(struct hook_oidc **out, const char *text, struct err *err)
{
	json_t *list = json_loads(text, 0, NULL);
	int rc;

	ck_assert_msg(list != NULL, "%s", text);
	rc = hook_oidc_new(out, list, err);
	json_decref(list);
	return rc;
}

#define V "\"validations\":[{\"expression\":\"claims.a == 'x'\",\"message\":\"m\"}]"

START_TEST(test_refused)
{
	static const struct {
		const char *text, *why;
		int code;
	} rows[] = {{"[]", "oidcProviders has 0 entries", 0},
		{"{}", "oidcProviders has 0 entries", 0},
		{"[1]", "oidcProviders[0]: issuerURL is required", 0},
		{"[{\"issuerURL\":\"\"," V "}]", "oidcProviders[0]: issuerURL is required", 0},
		{"[{\"issuerURL\":\"ftp://x\"," V "}]", "begins with neither", 0},
		{"[{\"issuerURL\":\"https://x\"}]", "oidcProviders[0]: validations is empty", 0},
		{"[{\"issuerURL\":\"https://x\"," V "},{\"issuerURL\":\"https://x\"," V "}]",
			"oidcProviders[1]: issuerURL 'https://x' is there twice", 0},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":\"true\"}]}]",
			"validations[0]: message is required", 0},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"message\":\"m\"}]}]",
			"validations[0]: expression is required", 0},
		{"[{\"issuerURL\":\"https://x\",\"variables\":[{\"expression\":\"1\"}]," V "}]",
			"variables[0]: name is required", 0},
		{"[{\"issuerURL\":\"https://x\",\"variables\":[{\"name\":\"a\"}]," V "}]",
			"variables[0]: expression is required", 0},
		{"[{\"issuerURL\":\"https://"
		 "x\",\"variables\":[{\"name\":\"a\",\"expression\":\"(\"}]," V "}]",
			"oidcProviders[0]: variables[0]: expression: ", HOOK_OIDC_CEL},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":\"claims.a\","
		 "\"message\":\"m\"}]}]",
			"oidcProviders[0]: validations[0]: expression: ", HOOK_OIDC_CEL},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":\"req.a == 1.0\","
		 "\"message\":\"m\"}]}]",
			"oidcProviders[0]: validations[0]: expression: ", HOOK_OIDC_CEL}};
	struct hook_oidc *o;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};

		ck_assert_msg(make(&o, rows[i].text, &err), "%s", rows[i].text);
		ck_assert_msg(strstr(err.msg, rows[i].why) != NULL, "%s", err.msg);
		ck_assert_int_eq(err.kind, ERR_STALL);
		ck_assert_int_eq(err.code, rows[i].code);
	}
}
END_TEST

START_TEST(test_find)
{
	const struct hook_provider *p;
	struct hook_oidc *o;
	struct err err = {0};

	ck_assert_msg(!make(&o,
			      "[{\"issuerURL\":\"https://x\"," V "},{\"issuerURL\":\"http://y/\","
			      "\"audience\":\"mine\"," V "}]",
			      &err),
		"%s", err.msg);
	p = hook_oidc_find(o, "https://x");
	ck_assert_str_eq(hook_provider_issuer(p), "https://x");
	ck_assert_str_eq(hook_provider_audience(p), "notification-controller");
	ck_assert_str_eq(hook_provider_audience(hook_oidc_find(o, "http://y/")), "mine");
	ck_assert_ptr_null(hook_oidc_find(o, "http://y"));
	ck_assert_ptr_null(hook_oidc_find(o, ""));
	ck_assert_ptr_null(hook_oidc_find(NULL, "https://x"));
	hook_oidc_unref(hook_oidc_ref(o));
	hook_oidc_unref(o);
}
END_TEST

START_TEST(test_judge)
{
	static const struct {
		const char *claims, *why;
	} rows[] = {{"{\"a\":\"x\",\"n\":2}", NULL}, {"{\"a\":\"y\",\"n\":2}", "claims: first"},
		{"{\"a\":\"y\",\"n\":3}", "claims: first; second"},
		{"{\"a\":\"x\"}", "the variable 'twice'"}, {"{\"n\":2}", "the validation 'first'"}};
	struct hook_oidc *o;
	struct err err = {0};
	size_t i;

	ck_assert_msg(
		!make(&o,
			"[{\"issuerURL\":\"https://x\",\"variables\":[{\"name\":\"twice\","
			"\"expression\":\"claims.n + claims.n\"},{\"name\":\"more\",\"expression\":"
			"\"vars.twice + 1.0\"}],\"validations\":[{\"expression\":"
			"\"claims.a == 'x'\",\"message\":\"first\"},{\"expression\":"
			"\"vars.more == 5.0\",\"message\":\"second\"}]}]",
			&err),
		"%s", err.msg);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *claims = json_loads(rows[i].claims, 0, NULL);
		int rc;

		err = (struct err){0};
		rc = hook_oidc_judge(hook_oidc_find(o, "https://x"), claims, &err);
		ck_assert_msg(rows[i].why ? rc && strstr(err.msg, rows[i].why) : !rc, "%s: %s",
			rows[i].claims, err.msg);
		json_decref(claims);
	}
	hook_oidc_unref(o);
}
END_TEST

Suite *suite_oidc(void)
{
	Suite *s = suite_create("oidc");
	TCase *t = tcase_create("oidc");

	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_find);
	tcase_add_test(t, test_judge);
	suite_add_tcase(s, t);
	return s;
}
