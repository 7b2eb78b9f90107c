/* Types whose caller shows a token, or nothing. */
#include "test/unit/hook/fixture.h"

Suite *suite_token(void);

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, NULL);
}

static void teardown(void)
{
	fixture_clear(&f);
}

START_TEST(test_find)
{
	static const char *const names[] = {"generic", "generic-hmac", "generic-oidc", "github",
		"gitlab", "bitbucket", "harbor", "dockerhub", "quay", "gcr", "nexus", "acr",
		"cdevents"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		ck_assert_str_eq(hook_type_find(names[i])->name, names[i]);
		ck_assert_int_eq(hook_type_find(names[i])->by_issuer, i == 2);
		ck_assert_int_eq(hook_type_find(names[i])->by_google, i == 9);
	}
	ck_assert_ptr_null(hook_type_find("Generic"));
	ck_assert_ptr_null(hook_type_find(""));
}
END_TEST

START_TEST(test_generic)
{
	ck_assert_int_eq(fixture_said(&f, &(struct ask){.type = "generic"}), HOOK_FIRE);
	ck_assert_int_eq(
		fixture_said(&f, &(struct ask){.type = "generic", .body = "text"}), HOOK_FIRE);
}
END_TEST

static enum hook_said gitlab(const char *token, const char *event, bool listed)
{
	static const char *const events[] = {"Push Hook", "Tag Push Hook", NULL};

	return fixture_said(&f,
		&(struct ask){.type = "gitlab",
			.events = listed ? events : NULL,
			.headers = {"X-Gitlab-Event", event, "X-Gitlab-Token", token},
			.body = "any\"thing"});
}

START_TEST(rc_13_gitlab)
{
	ck_assert_int_eq(gitlab(TOKEN, "Push Hook", false), HOOK_FIRE);
	ck_assert_int_eq(gitlab("another", "Push Hook", false), HOOK_REFUSED);
	ck_assert_int_eq(gitlab(TOKEN "x", "Push Hook", false), HOOK_REFUSED);
	ck_assert_int_eq(gitlab("", "Push Hook", false), HOOK_REFUSED);
	ck_assert_int_eq(gitlab(NULL, "Push Hook", false), HOOK_REFUSED);
	ck_assert_int_eq(gitlab(TOKEN, "tag push hook", true), HOOK_FIRE);
	ck_assert_int_eq(gitlab(TOKEN, "Note Hook", true), HOOK_REFUSED);
	ck_assert_int_eq(gitlab(TOKEN, "", true), HOOK_REFUSED);
	ck_assert_int_eq(gitlab("another", "Push Hook", true), HOOK_REFUSED);
}
END_TEST

static enum hook_said harbor(const char *authorization)
{
	return fixture_said(&f,
		&(struct ask){.type = "harbor",
			.headers = {"Authorization", authorization},
			.body = "{}"});
}

START_TEST(rc_15_harbor)
{
	ck_assert_int_eq(harbor(TOKEN), HOOK_FIRE);
	ck_assert_int_eq(harbor("Bearer " TOKEN), HOOK_REFUSED);
	ck_assert_int_eq(harbor(NULL), HOOK_REFUSED);
}
END_TEST

/* Both refusals read the same: nobody learns what was right. */
START_TEST(rc_36_answers)
{
	const struct ask none = {.type = "gitlab"};
	const struct ask wrong = {.type = "gitlab", .headers = {"X-Gitlab-Token", TOKEN "!"}};
	struct op *a = fixture_ask(&f, &none), *b = fixture_ask(&f, &wrong);

	ck_assert_str_eq(fixture_verdict(&none, a)->why, fixture_verdict(&wrong, b)->why);
	ck_assert_int_eq(hook_verdict(a)->status, 400);
	op_free(a);
	op_free(b);
}
END_TEST

/* Who has set up the sender wrongly reads which header it is. */
START_TEST(test_the_header_is_named)
{
	static const struct {
		const char *type, *header;
	} rows[] = {{"generic-hmac", "X-Signature"}, {"github", "X-Hub-Signature-256"},
		{"bitbucket", "X-Hub-Signature"}, {"nexus", "X-Nexus-Webhook-Signature"},
		{"gitlab", "X-Gitlab-Token"}, {"harbor", "Authorization"}};
	const struct ask *one;
	struct op *op;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		one = &(struct ask){.type = rows[i].type,
			.headers = {"Content-Type", "application/json"},
			.body = "{}"};
		op = fixture_ask(&f, one);
		ck_assert_int_eq(fixture_verdict(one, op)->said, HOOK_REFUSED);
		ck_assert_ptr_nonnull(strstr(hook_verdict(op)->why, rows[i].header));
		op_free(op);
	}
}
END_TEST

/* ---- what filters see ------------------------------------------------------------------------ */

static int status(const char *content, const char *body)
{
	struct ask a = {.type = "generic",
		.filtered = true,
		.headers = {"Content-Type", content},
		.body = body};
	struct op *op = fixture_ask(&f, &a);
	int status = fixture_verdict(&a, op)->status;

	op_free(op);
	return status;
}

START_TEST(rc_27_bodies)
{
	ck_assert_int_eq(status("application/json", "{\"a\":1}"), 200);
	ck_assert_int_eq(status("application/json", "[1]"), 500);
	ck_assert_int_eq(status("application/json", ""), 500);
	ck_assert_int_eq(status("application/json", "{\"a\":"), 500);
	ck_assert_int_eq(status("application/json", "null"), 200);
	ck_assert_int_eq(status("application/json", "{} trailing"), 200);
	ck_assert_int_eq(status("application/vnd.x+json", "[1]"), 200);
	ck_assert_int_eq(status(NULL, "[1]"), 200);
	ck_assert_int_eq(status("application/json; charset=utf-8", "[1]"), 500);
	ck_assert_int_eq(status("APPLICATION/json;a=\"b;\\\"c\"; ", "[1]"), 500);
	ck_assert_int_eq(status("text/plain, application/json", "[1]"), 500);
	/* no content type, so what follows in the list is not looked at */
	ck_assert_int_eq(status("text/plain; x, application/json", "[1]"), 200);
	ck_assert_int_eq(status(", application/json", "[1]"), 200);
	ck_assert_int_eq(status("application/json; a", "[1]"), 200);
	ck_assert_int_eq(status("application/json; a=", "[1]"), 200);
	ck_assert_int_eq(status("application/json; a=\"b", "[1]"), 200);
	ck_assert_int_eq(status("application/json x", "[1]"), 200);
}
END_TEST

START_TEST(test_req)
{
	struct ask a = {.type = "generic",
		.filtered = true,
		.headers = {"Content-Type", "application/json"},
		.body = "{\"n\":1,\"s\":\"x\"}"};
	struct op *op = fixture_ask(&f, &a);
	const json_t *req = fixture_verdict(&a, op)->req;

	ck_assert(json_is_real(json_object_get(req, "n")));
	ck_assert_str_eq(json_string_value(json_object_get(req, "s")), "x");
	op_free(op);
	a.headers[1] = "text/plain";
	op = fixture_ask(&f, &a);
	ck_assert_uint_eq(json_object_size(fixture_verdict(&a, op)->req), 0);
	op_free(op);
}
END_TEST

Suite *suite_token(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_find);
	tcase_add_test(t, test_generic);
	tcase_add_test(t, rc_13_gitlab);
	tcase_add_test(t, rc_15_harbor);
	tcase_add_test(t, rc_36_answers);
	tcase_add_test(t, test_the_header_is_named);
	tcase_add_test(t, rc_27_bodies);
	tcase_add_test(t, test_req);
	suite_add_tcase(s, t);
	return s;
}
