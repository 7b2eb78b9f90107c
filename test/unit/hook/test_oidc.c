/* spec.oidcProviders. */
#include "hook/oidc.h"

#include "base/buf.h"
#include "base/limits.h"
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
	} rows[] = {{"[]", "oidcProviders has 0 entries"}, {"{}", "oidcProviders has 0 entries"},
		{"[1]", "oidcProviders[0]: issuerURL is required"},
		{"[{\"issuerURL\":\"\"," V "}]", "oidcProviders[0]: issuerURL is required"},
		{"[{\"issuerURL\":\"ftp://x\"," V "}]", "begins with neither"},
		{"[{\"issuerURL\":\"https://x\"}]", "oidcProviders[0]: validations is empty"},
		{"[{\"issuerURL\":\"https://x\"," V "},{\"issuerURL\":\"https://x\"," V "}]",
			"oidcProviders[1]: issuerURL 'https://x' is there twice"},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":\"true\"}]}]",
			"validations[0]: message is required"},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"message\":\"m\"}]}]",
			"validations[0]: expression is required"},
		{"[{\"issuerURL\":\"https://x\",\"variables\":[{\"expression\":\"1\"}]," V "}]",
			"variables[0]: name is required"},
		{"[{\"issuerURL\":\"https://x\",\"variables\":[{\"name\":\"a\"}]," V "}]",
			"variables[0]: expression is required"}};
	struct hook_oidc *o;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};

		ck_assert_msg(make(&o, rows[i].text, &err), "%s", rows[i].text);
		ck_assert_msg(strstr(err.msg, rows[i].why) != NULL, "%s", err.msg);
		ck_assert_int_eq(err.kind, ERR_STALL);
	}
}
END_TEST

/* Reading compiles nothing: that is work for a worker. */
START_TEST(test_expressions)
{
	static const struct {
		const char *text, *why;
	} rows[] = {{"[{\"issuerURL\":\"https://x\",\"variables\":[{\"name\":\"a\","
		     "\"expression\":\"(\"}]," V "}]",
			    "oidcProviders[0]: variables[0]: expression: "},
		{"[{\"issuerURL\":\"https://y\"," V "},{\"issuerURL\":\"https://x\","
		 "\"validations\":[{\"expression\":\"claims.a\",\"message\":\"m\"}]}]",
			"oidcProviders[1]: validations[0]: expression: "},
		{"[{\"issuerURL\":\"https://x\",\"validations\":[{\"expression\":"
		 "\"req.a == 1.0\",\"message\":\"m\"}]}]",
			"oidcProviders[0]: validations[0]: expression: "},
		{"[{\"issuerURL\":\"https://x\"," V "}]", NULL}};
	const atomic_bool stop = false;
	struct hook_oidc *o;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};

		ck_assert_msg(!make(&o, rows[i].text, &err), "%s", err.msg);
		ck_assert_int_eq(hook_oidc_check(o, &stop, &err), rows[i].why ? -1 : 0);
		if (rows[i].why) {
			ck_assert_msg(
				!strncmp(err.msg, rows[i].why, strlen(rows[i].why)), "%s", err.msg);
			ck_assert_int_eq(err.kind, ERR_STALL);
		}
		hook_oidc_unref(o);
	}
}
END_TEST

/* Of all issuers together, as a worker compiles them in one go. */
START_TEST(test_too_much_text)
{
	auto_free char *long_text = mem_zalloc(LIMIT_CEL_TEXT);
	auto_buf struct buf list = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct hook_oidc *o;
	int i;

	memset(long_text, ' ', LIMIT_CEL_TEXT - 1);
	for (i = 0; i < 5; i++)
		buf_addf(&list,
			"%s{\"issuerURL\":\"https://x%d\",\"validations\":[{\"expression\":"
			"\"true%s\",\"message\":\"m\"}]}",
			i ? "," : "[", i, long_text + 4);
	buf_addc(&list, ']');
	ck_assert(make(&o, buf_str(&list), &err));
	ck_assert_str_eq(err.msg,
		"oidcProviders[4]: validations[0]: the expressions are longer than 32768 bytes "
		"together");
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
	tcase_add_test(t, test_expressions);
	tcase_add_test(t, test_too_much_text);
	tcase_add_test(t, test_find);
	tcase_add_test(t, test_judge);
	suite_add_tcase(s, t);
	return s;
}
