/* Types whose caller signs the body. */
#include "base/buf.h"
#include "test/unit/crypto/mac.h"
#include "test/unit/hook/fixture.h"

Suite *suite_signed(void);

#define FIRE HOOK_FIRE
#define NO HOOK_REFUSED
#define BAD HOOK_BAD

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, NULL);
}

static void teardown(void)
{
	fixture_clear(&f);
}

static enum hook_said hmac(const char *signature)
{
	return fixture_said(&f,
		&(struct ask){.type = "generic-hmac",
			.headers = {"x-signature", signature},
			.body = "{\"a\":1}"});
}

START_TEST(rc_10_generic_hmac)
{
	static const char body[] = "{\"a\":1}";

	ck_assert_int_eq(hmac(mac_text("sha1=", EVP_sha1(), TOKEN, body, false)), FIRE);
	ck_assert_int_eq(hmac(mac_text("sha256=", EVP_sha256(), TOKEN, body, false)), FIRE);
	ck_assert_int_eq(hmac(mac_text("sha512=", EVP_sha512(), TOKEN, body, false)), FIRE);
	ck_assert_int_eq(hmac(mac_text("sha256=", EVP_sha256(), TOKEN, body, true)), FIRE);
	ck_assert_int_eq(hmac(mac_text("SHA256=", EVP_sha256(), TOKEN, body, false)), NO);
	ck_assert_int_eq(hmac(mac_text("", EVP_sha256(), TOKEN, body, false)), NO);
	ck_assert_int_eq(hmac(mac_text("sha256=", EVP_sha256(), "another", body, false)), NO);
	ck_assert_int_eq(hmac(NULL), NO);
	/* not in the row: the hash has to be the one that the prefix names, and all of it */
	ck_assert_int_eq(hmac(mac_text("sha512=", EVP_sha256(), TOKEN, body, false)), NO);
	ck_assert_int_eq(hmac("sha256="), NO);
	ck_assert_int_eq(hmac("sha256=zz"), NO);
	ck_assert_int_eq(hmac(mac_text("sha256=", EVP_sha256(), TOKEN, "{\"a\":2}", false)), NO);
}
END_TEST

static enum hook_said hub(const char *type, const char *content, const char *body,
	const char *strong, const char *weak)
{
	struct ask a = {.type = type, .headers = {"X-GitHub-Event", "push"}, .body = body};
	size_t n = 2;

	if (content) {
		a.headers[n++] = "content-type";
		a.headers[n++] = content;
	}
	if (strong) {
		a.headers[n++] = "X-Hub-Signature-256";
		a.headers[n++] = strong;
	}
	if (weak) {
		a.headers[n++] = "X-Hub-Signature";
		a.headers[n++] = weak;
	}
	return fixture_said(&f, &a);
}

static void hub_all(const char *type)
{
	static const char body[] = "{\"zen\":\"x\"}", form[] = "a=b&payload=%7B%22a%22%3A1%7D";
	const char *strong = mac_text("sha256=", EVP_sha256(), TOKEN, body, false);
	const char *weak = mac_text("sha1=", EVP_sha1(), TOKEN, body, false);
	const char *bad = mac_text("sha256=", EVP_sha256(), "another", body, false);

	ck_assert_int_eq(hub(type, "application/json", body, strong, NULL), FIRE);
	ck_assert_int_eq(hub(type, "application/json", body, NULL, weak), FIRE);
	ck_assert_int_eq(hub(type, "application/json", body, bad, weak), NO);
	ck_assert_int_eq(hub(type, "application/json", body, NULL, NULL), NO);
	ck_assert_int_eq(hub(type, "Application/JSON; charset=utf-8", body, strong, NULL), FIRE);
	ck_assert_int_eq(hub(type, "application/x-www-form-urlencoded", form,
				 mac_text("sha256=", EVP_sha256(), TOKEN, form, false), NULL),
		FIRE);
	/* signed over the payload and not over the form */
	ck_assert_int_eq(
		hub(type, "application/x-www-form-urlencoded", form,
			mac_text("sha256=", EVP_sha256(), TOKEN, "{\"a\":1}", false), NULL),
		NO);
	ck_assert_int_eq(hub(type, NULL, body, strong, NULL), BAD);
	ck_assert_int_eq(hub(type, "text/plain", body, strong, NULL), BAD);
}

START_TEST(rc_11_github)
{
	hub_all("github");
}
END_TEST

/* Forms that Go's url.ParseQuery refuses or takes. */
START_TEST(test_forms)
{
	static const struct {
		const char *form;
		enum hook_said said;
	} rows[] = {{"payload=a%zz", BAD}, {"payload=1;a=2", BAD}, {"a=%4", BAD}, {"", FIRE},
		{"&&payload&", FIRE}, {"=&payload=%00", FIRE}, {"%=1", BAD}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(hub("github", "application/x-www-form-urlencoded", rows[i].form,
				      mac_text("sha256=", EVP_sha256(), TOKEN, rows[i].form, false),
				      NULL) == rows[i].said,
			"%s", rows[i].form);
}
END_TEST

/* Filters see no JSON in a form, and no body at all in one without a content type. */
START_TEST(test_form_filter)
{
	static const char form[] = "payload=%7B%22a%22%3A1%7D";
	struct ask a = {.type = "github",
		.filtered = true,
		.headers = {"Content-Type", "application/x-www-form-urlencoded",
			"X-Hub-Signature-256",
			mac_text("sha256=", EVP_sha256(), TOKEN, form, false)},
		.body = form};
	struct op *op = fixture_ask(&f, &a);

	ck_assert_uint_eq(json_object_size(fixture_verdict(&a, op)->req), 0);
	op_free(op);
}
END_TEST

static enum hook_said event(const char *type, const char *header, const char *name, bool listed)
{
	static const char *const events[] = {"Push", "pull_request", NULL};
	static const char body[] = "{}";

	return fixture_said(&f,
		&(struct ask){.type = type,
			.events = listed ? events : NULL,
			.headers = {"Content-Type", "application/json", "X-Hub-Signature-256",
				mac_text("sha256=", EVP_sha256(), TOKEN, body, false), header,
				name},
			.body = body});
}

START_TEST(rc_12_github_events)
{
	ck_assert_int_eq(event("github", "X-GitHub-Event", "pull_request", true), FIRE);
	ck_assert_int_eq(event("github", "X-GitHub-Event", "PUSH", true), FIRE);
	ck_assert_int_eq(event("github", "X-GitHub-Event", "issues", true), NO);
	ck_assert_int_eq(event("github", "X-GitHub-Event", "issues", false), FIRE);
	ck_assert_int_eq(event("github", "X-GitHub-Event", "ping", true), HOOK_QUIET);
	ck_assert_int_eq(event("github", "X-GitHub-Event", "ping", false), HOOK_QUIET);
	ck_assert_int_eq(hub("github", "application/json", "{}", "sha256=00", NULL), NO);
}
END_TEST

START_TEST(rc_14_bitbucket)
{
	hub_all("bitbucket");
	ck_assert_int_eq(event("bitbucket", "X-Event-Key", "push", true), FIRE);
	ck_assert_int_eq(event("bitbucket", "X-Event-Key", "repo:refs_changed", true), NO);
	ck_assert_int_eq(event("bitbucket", "X-GitHub-Event", "push", true), NO);
	ck_assert_int_eq(event("bitbucket", "X-Event-Key", "ping", false), FIRE);
}
END_TEST

static enum hook_said nexus(const char *signature, const char *body)
{
	return fixture_said(&f,
		&(struct ask){.type = "nexus",
			.headers = {"X-Nexus-Webhook-Signature", signature},
			.body = body});
}

START_TEST(rc_18_nexus)
{
	static const char body[] = "{\"action\":\"CREATED\",\"repositoryName\":\"docker\"}";
	static const struct {
		const char *body;
		enum hook_said said;
	} rows[] = {{"text", BAD}, {"", BAD}, {"[]", BAD}, {"{\"action\":1}", BAD}, {"{} x", BAD},
		{"null", FIRE}, {"{} \n", FIRE}};
	size_t i;

	ck_assert_int_eq(nexus(mac_text("", EVP_sha1(), TOKEN, body, false), body), FIRE);
	ck_assert_int_eq(nexus(mac_text("", EVP_sha1(), TOKEN, body, true), body), NO);
	ck_assert_int_eq(nexus(mac_text("sha1=", EVP_sha1(), TOKEN, body, false), body), NO);
	ck_assert_int_eq(nexus(mac_text("", EVP_sha256(), TOKEN, body, false), body), NO);
	ck_assert_int_eq(nexus(NULL, body), NO);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(nexus(mac_text("", EVP_sha1(), TOKEN, rows[i].body, false),
				      rows[i].body) == rows[i].said,
			"%s", rows[i].body);
}
END_TEST

/* Without a token nobody may call, whatever he signs with. */
START_TEST(rc_22_empty_token)
{
	static const char body[] = "{}";
	const char *good = mac_text("sha256=", EVP_sha256(), "", body, false);
	const char *nexus_good = mac_text("", EVP_sha1(), "", body, false);
	static const char *const types[] = {"generic", "generic-hmac", "github", "bitbucket",
		"gitlab", "harbor", "dockerhub", "quay", "acr", "nexus", "cdevents", "gcr"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		struct ask a = {.type = types[i],
			.token = "",
			.headers = {"Content-Type", "application/json", "X-Signature", good,
				"X-Hub-Signature-256", good, "X-Nexus-Webhook-Signature",
				nexus_good, "X-Gitlab-Token", ""},
			.body = body};

		ck_assert_msg(fixture_said(&f, &a) == NO, "%s", types[i]);
	}
}
END_TEST

/* A body over LIMIT_HOOK_AT_ONCE goes to a worker, and the verdict is the same. */
START_TEST(test_large)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct ask a = {.type = "generic-hmac", .filtered = true};
	struct op *op;

	buf_adds(&body, "{\"a\":\"");
	while (body.len < 200 * 1024)
		buf_adds(&body, "0123456789");
	buf_adds(&body, "\"}");
	a.body = body.p;
	a.headers[0] = "X-Signature";
	a.headers[1] = mac_text("sha256=", EVP_sha256(), TOKEN, body.p, false);
	a.headers[2] = "Content-Type";
	a.headers[3] = "application/json";
	op = fixture_ask(&f, &a);
	ck_assert_int_eq(fixture_verdict(&a, op)->said, FIRE);
	ck_assert_uint_gt(
		json_string_length(json_object_get(hook_verdict(op)->req, "a")), 199 * 1024);
	op_free(op);
	a.headers[1] = mac_text("sha256=", EVP_sha256(), "another", body.p, false);
	ck_assert_int_eq(fixture_said(&f, &a), NO);
	/* whoever does not wait leaves nothing behind */
	op_drop(fixture_start(&f, &a));
}
END_TEST

Suite *suite_signed(void)
{
	Suite *s = suite_create("signed");
	TCase *t = tcase_create("signed");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rc_10_generic_hmac);
	tcase_add_test(t, rc_11_github);
	tcase_add_test(t, test_forms);
	tcase_add_test(t, test_form_filter);
	tcase_add_test(t, rc_12_github_events);
	tcase_add_test(t, rc_14_bitbucket);
	tcase_add_test(t, rc_18_nexus);
	tcase_add_test(t, rc_22_empty_token);
	tcase_add_test(t, test_large);
	suite_add_tcase(s, t);
	return s;
}
