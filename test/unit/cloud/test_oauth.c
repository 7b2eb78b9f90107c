/* Forms, answers and refusals that Azure and Google Cloud share, and names of hosts. */
#include "cloud/oauth.h"

#include "base/limits.h"
#include "base/obj.h"
#include "cloud/host.h"
#include "test/unit/cloud/oauth_rig.h"

Suite *suite_oauth(void);

static json_t *parse(const char *text)
{
	struct err err = {0};
	json_t *o = obj_parse(text, strlen(text), "test", &err);

	ck_assert_msg(o, "%s", err.msg);
	return o;
}

START_TEST(test_form)
{
	auto_buf struct buf form = BUF_INIT(1000);

	cloud_form_add(&form, "a", "x y&=+/%");
	cloud_form_add(&form, "b_c", "");
	cloud_form_add(&form, "d", "https://e/.default");
	ck_assert_str_eq(
		buf_str(&form), "a=x%20y%26%3D%2B%2F%25&b_c=&d=https%3A%2F%2Fe%2F.default");
}
END_TEST

static const struct {
	const char *name, *json;
	const char *token; /* NULL: refused */
	int64_t life_s;
} tokens[] = {
	{"number", "{\"access_token\":\"t\",\"expires_in\":3599}", "t", 3599},
	{"text", "{\"access_token\":\"t\",\"expires_in\":\"86399\"}", "t", 86399},
	{"at", "{\"access_token\":\"t\",\"expires_on\":\"1769851900\"}", "t", 100},
	{"at, a number", "{\"access_token\":\"t\",\"expires_on\":1769851900}", "t", 100},
	{"in before at",
		"{\"access_token\":\"t\",\"expires_in\":\"7\",\"expires_on\":\"1769851900\"}", "t",
		7},
	{"has ended", "{\"access_token\":\"t\",\"expires_on\":\"1769851700\"}", "t", 0},
	{"says nothing", "{\"access_token\":\"t\"}", "t", 300},
	{"says nonsense", "{\"access_token\":\"t\",\"expires_in\":\"soon\"}", "t", 300},
	{"empty", "{\"access_token\":\"t\",\"expires_in\":\"\"}", "t", 300},
	{"negative", "{\"access_token\":\"t\",\"expires_in\":-5}", "t", 300},
	{"for ever", "{\"access_token\":\"t\",\"expires_in\":9223372036854775807}", "t", 604800},
	{"for ever, text", "{\"access_token\":\"t\",\"expires_in\":\"92233720368547758070\"}", "t",
		300},
	{"no token", "{\"expires_in\":3599}", NULL, 0},
	{"empty token", "{\"access_token\":\"\"}", NULL, 0},
	{"another type", "{\"access_token\":1}", NULL, 0},
	{"a line break", "{\"access_token\":\"a\\r\\nHost: b\"}", NULL, 0},
	{"a blank", "{\"access_token\":\"a b\"}", NULL, 0},
	{"not ASCII", "{\"access_token\":\"\\u00e9\"}", NULL, 0},
	{"a list", "[]", NULL, 0},
};

START_TEST(test_token)
{
	const char *name = tokens[_i].name, *want = tokens[_i].token;
	auto_json json_t *o = parse(tokens[_i].json);
	struct cloud_secrets got = {.expires_ms = 1};
	struct err err = {0};
	int rc;

	clock_fake(RIG_NOW_MS);
	rc = cloud_token_read(o, &got, &err);
	ck_assert_msg((rc == 0) == (want != NULL), "%s: %s", name, err.msg);
	if (!want) {
		ck_assert_msg(strstr(err.msg, "access_token"), "%s: %s", name, err.msg);
		ck_assert_msg(!got.first.len, "%s", name);
		return;
	}
	ck_assert_msg(!strcmp(got.first.p, want), "%s: %s", name, got.first.p);
	ck_assert_msg(got.expires_ms == RIG_NOW_MS + tokens[_i].life_s * 1000, "%s: %lld", name,
		(long long)(got.expires_ms - RIG_NOW_MS) / 1000);
	cloud_secrets_clear(&got);
}
END_TEST

START_TEST(test_token_length)
{
	auto_free char *long_one = mem_zalloc(LIMIT_CLOUD_PASSWORD + 2);

	memset(long_one, 'a', LIMIT_CLOUD_PASSWORD + 1);
	ck_assert(!cloud_token_ok(long_one));
	long_one[LIMIT_CLOUD_PASSWORD] = '\0';
	ck_assert(cloud_token_ok(long_one));
	ck_assert(!cloud_token_ok(""));
}
END_TEST

static void take(const char *text, size_t len, const char *want)
{
	auto_buf struct buf b = BUF_INIT(1000);
	auto_secret struct secret token = {0};
	struct err err = {0};

	buf_add(&b, text, len);
	ck_assert_msg(!cloud_token_take(&token, &b, &err) == (want != NULL), "'%s'", text);
	if (want)
		ck_assert_str_eq(token.p, want);
	else
		ck_assert_ptr_null(token.p);
	ck_assert(!strstr(err.msg, "hunter2"));
}

START_TEST(test_take)
{
	take("hunter2", 7, "hunter2");
	take(" \r\nhunter2\t\n", 11, "hunter2");
	take("", 0, NULL);
	take(" \n", 2, NULL);
	take("hunter2 hunter2", 15, NULL);
	take("hunter2\0x", 9, NULL);
	take("\0", 1, NULL);
}
END_TEST

static const struct {
	const char *json, *code, *text;
} refusals[] = {
	{"{\"error\":\"invalid_grant\",\"error_description\":\"no\"}", "invalid_grant", "no"},
	{"{\"error\":\"invalid_grant\"}", "invalid_grant", NULL},
	{"{\"error\":{\"code\":403,\"message\":\"m\",\"status\":\"PERMISSION_DENIED\"}}",
		"PERMISSION_DENIED", "m"},
	{"{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"m\"}]}", "UNAUTHORIZED", "m"},
	{"{\"statusCode\":400,\"message\":\"m\"}", NULL, "m"},
	{"{\"errors\":[]}", NULL, NULL},
	{"{\"errors\":[1]}", NULL, NULL},
	{"{\"errors\":{}}", NULL, NULL},
	{"{\"error\":1,\"message\":2}", NULL, NULL},
	{"[]", NULL, NULL},
};

static void same(const char *what, const char *got, const char *want)
{
	ck_assert_msg(got == want || (got && want && !strcmp(got, want)), "%s: '%s', not '%s'",
		what, got, want);
}

START_TEST(test_refusal)
{
	auto_json json_t *o = parse(refusals[_i].json);
	const char *code = "x", *text = "x";

	cloud_refusal_read(o, &code, &text);
	same(refusals[_i].json, code, refusals[_i].code);
	same(refusals[_i].json, text, refusals[_i].text);
}
END_TEST

static const struct {
	const char *url;
	bool https, here, any; /* is it one of that kind? */
	bool local;
} urls[] = {
	{"https://sts.googleapis.com/v1/token", true, true, true, false},
	{"https://127.0.0.1:8443/token", true, true, true, true},
	{"http://127.0.0.1:8080/token", false, true, true, true},
	{"http://[::1]/token", false, true, true, true},
	{"http://localhost:8080/token", false, true, true, true},
	{"http://localhost.example.com/token", false, false, true, false},
	{"http://169.254.169.254/token", false, false, true, true},
	{"http://10.0.0.1/token", false, false, true, false},
	{"http://idp.example.com/token", false, false, true, false},
	{"https://user:hunter2@idp.example.com/", false, false, false, false},
	{"https://idp.example.com/#x", false, false, false, false},
	{"ftp://idp.example.com/", false, false, false, false},
	{"idp.example.com", false, false, false, false},
	{"https:///token", false, false, false, false},
	{"", false, false, false, false},
};

START_TEST(test_url)
{
	const bool want[] = {urls[_i].https, urls[_i].here, urls[_i].any};
	const char *url = urls[_i].url;
	int kind;

	for (kind = CLOUD_URL_HTTPS; kind <= CLOUD_URL_ANY; kind++) {
		bool local = !urls[_i].local;
		struct err err = {0};
		int rc = cloud_url_check(url, "THIS", (enum cloud_url_kind)kind, &local, &err);

		ck_assert_msg((rc == 0) == want[kind], "'%s' as %d: %s", url, kind, err.msg);
		if (!rc)
			ck_assert_msg(local == urls[_i].local, "'%s': local", url);
		else
			ck_assert_msg(strstr(err.msg, "THIS") && !strstr(err.msg, "hunter2"),
				"'%s': %s", url, err.msg);
	}
}
END_TEST

START_TEST(test_labels)
{
	auto_free char *label = mem_alloc(65);

	memset(label, 'a', 64);
	label[64] = '\0';
	ck_assert(cloud_labels_ok("a", 1));
	ck_assert(cloud_labels_ok("a-1.b", 5));
	ck_assert(cloud_labels_ok(label, 63));
	ck_assert(!cloud_labels_ok(label, 64));
	ck_assert(!cloud_labels_ok("", 0));
	ck_assert(!cloud_labels_ok(".a", 2));
	ck_assert(!cloud_labels_ok("a.", 2));
	ck_assert(!cloud_labels_ok("a..b", 4));
	ck_assert(!cloud_labels_ok("-a", 2));
	ck_assert(!cloud_labels_ok("a-", 2));
	ck_assert(!cloud_labels_ok("a_b", 3));
	ck_assert(!cloud_labels_ok("A", 1));
	ck_assert(!cloud_labels_ok("a/b", 3));
	ck_assert(!cloud_labels_ok("a:1", 3));
	ck_assert(cloud_host_is_below("x.azurecr.io", "azurecr.io"));
	ck_assert(!cloud_host_is_below("azurecr.io", "azurecr.io"));
	ck_assert(!cloud_host_is_below(".azurecr.io", "azurecr.io"));
	ck_assert(!cloud_host_is_below("xazurecr.io", "azurecr.io"));
	ck_assert(!cloud_host_is_below("x.azurecr.io.", "azurecr.io"));
}
END_TEST

Suite *suite_oauth(void)
{
	Suite *s = suite_create("oauth");
	TCase *tc = tcase_create("oauth");

	tcase_add_test(tc, test_form);
	tcase_add_loop_test(tc, test_token, 0, ARRAY_LEN(tokens));
	tcase_add_test(tc, test_token_length);
	tcase_add_test(tc, test_take);
	tcase_add_loop_test(tc, test_refusal, 0, ARRAY_LEN(refusals));
	tcase_add_loop_test(tc, test_url, 0, ARRAY_LEN(urls));
	tcase_add_test(tc, test_labels);
	suite_add_tcase(s, tc);
	return s;
}
