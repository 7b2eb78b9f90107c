/* What AWS answers: keys, passwords, refusals, its clock. */
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/aws.h"

#include <check.h>
#include <string.h>

Suite *suite_aws_answer(void);

static struct http_res res_of(int status, const char *headers, const char *body)
{
	struct http_res res = {.status = status,
		.body = BUF_INIT(BUF_ANY),
		.raw_headers = BUF_INIT(BUF_ANY),
		.scratch = BUF_INIT(BUF_ANY)};

	buf_adds(&res.body, body);
	buf_adds(&res.raw_headers, headers);
	return res;
}

static void res_clear(struct http_res *res)
{
	buf_clear(&res->body);
	buf_clear(&res->raw_headers);
	buf_clear(&res->scratch);
}

/* ---- refusals -------------------------------------------------------------------------------- */

#define XML(code, text) \
	"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender" \
	"</Type><Code>" code "</Code><Message>" text "</Message></Error>" \
	"<RequestId>1-2-3</RequestId></ErrorResponse>"

static const struct {
	int status;
	const char *headers, *body, *code, *text;
	bool throttled;
} said[] = {
	{403, "", XML("AccessDenied", "Not authorized &amp; so on"), "AccessDenied",
		"Not authorized & so on"},
	{400, "", "\n " XML("Throttling", "Rate exceeded"), "Throttling", "Rate exceeded", true},
	{400, "", XML("IDPCommunicationError", "x"), "IDPCommunicationError", "x", true},
	{403, "", "<ErrorResponse><Error><Code>Cut", "", ""},
	{403, "", "<html><body>nginx</body></html>", "", ""},
	{400, "", "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}",
		"AccessDeniedException", "no"},
	{400, "", "{\"__type\":\"com.amazonaws.ecr#ThrottlingException\",\"Message\":\"slow\"}",
		"ThrottlingException", "slow", true},
	{400, "X-Amzn-ErrorType: TooManyRequestsException:http://x/\r\n", "{\"message\":\"m\"}",
		"TooManyRequestsException", "m", true},
	{400, "X-Amzn-ErrorType: Other\r\n", "{\"__type\":\"One\"}", "One", ""},
	{400, "X-Amzn-ErrorType: Other\r\n", "", "Other", ""},
	{400, "", "{\"code\":\"AccessDenied\",\"message\":\"agent\"}", "AccessDenied", "agent"},
	{200, "", "{\"Code\":\"Failed\",\"Message\":\"no role\"}", "Failed", "no role"},
	{404, "", "plain words\n", "", "plain words\n"},
	{500, "", "{}", "", ""},
	{500, "", "{\"__type\":17,\"message\":[]}", "", ""},
	{429, "", "", "", "", true},
	{503, "", XML("SlowDown", ""), "SlowDown", "", true},
};

START_TEST(test_said)
{
	struct http_res res = res_of(said[_i].status, said[_i].headers, said[_i].body);
	auto_said struct aws_said got = {NULL, NULL};

	aws_said_read(&got, &res);
	ck_assert_str_eq(got.code, said[_i].code);
	ck_assert_str_eq(got.text, said[_i].text);
	ck_assert_int_eq(aws_is_throttled(&res), said[_i].throttled);
	res_clear(&res);
}
END_TEST

/* ---- the clock ------------------------------------------------------------------------------- */

static const struct {
	const char *headers;
	bool differs;
} dates[] = {
	{"Date: Sat, 31 Jan 2026 09:30:00 GMT\r\n", false},
	{"Date: Sat, 31 Jan 2026 09:33:59 GMT\r\n", false},
	{"Date: Sat, 31 Jan 2026 09:26:01 GMT\r\n", false},
	{"Date: Sat, 31 Jan 2026 09:34:01 GMT\r\n", true},
	{"Date: Sat, 31 Jan 2026 09:25:59 GMT\r\n", true},
	{"Date: Tue, 19 Jan 2038 03:14:07 GMT\r\n", true},
	{"Date: soon\r\n", false},
	{"", false},
};

START_TEST(test_dates)
{
	struct http_res res = res_of(403, dates[_i].headers, "");
	int64_t at;

	ck_assert_int_eq(aws_differs(&res, 1769851800000, &at), dates[_i].differs);
	res_clear(&res);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct {
	const char *json, *token, *says; /* says: of what is refused */
	int64_t expires_ms;
} keys[] = {
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"S/K+=\",\"Token\":\"T\","
	 "\"Expiration\":\"2026-01-31T09:30:00Z\",\"AccountId\":\"1\"}",
		"T", NULL, 1769851800000},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"S/K+=\",\"Token\":\"T\"}", "T", NULL, 0},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"S/K+=\"}", NULL, NULL, 0},
	{"{\"SecretAccessKey\":\"SK\"}", NULL, "there is no AccessKeyId"},
	{"{\"AccessKeyId\":\"AK\"}", NULL, "there is no SecretAccessKey"},
	{"{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"SK\"}", NULL, "there is no AccessKeyId"},
	{"{\"AccessKeyId\":17,\"SecretAccessKey\":\"SK\"}", NULL, "there is no AccessKeyId"},
	{"{\"AccessKeyId\":\"A,K\",\"SecretAccessKey\":\"SK\"}", NULL, "AccessKeyId is malformed"},
	{"{\"AccessKeyId\":\"A/K\",\"SecretAccessKey\":\"SK\"}", NULL, "AccessKeyId is malformed"},
	{"{\"AccessKeyId\":\"A\\nK\",\"SecretAccessKey\":\"SK\"}", NULL,
		"AccessKeyId is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"S K\"}", NULL,
		"SecretAccessKey is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":\"T\\r\\nX: y\"}", NULL,
		"session token is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":17}", NULL,
		"session token is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Token\":\"T\\u00e9\"}", NULL,
		"session token is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Expiration\":\"soon\"}", NULL,
		"Expiration is malformed"},
	{"{\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",\"Expiration\":1769851800}", NULL,
		"Expiration is malformed"},
	{"[]", NULL, "there is no AccessKeyId"},
};

static void refuses(const struct err *err, const char *says)
{
	ck_assert_int_eq(err->kind, ERR_RETRY);
	ck_assert_msg(strstr(err->msg, says), "'%s' does not say '%s'", err->msg, says);
}

START_TEST(test_keys_json)
{
	struct err err = {0};
	auto_json json_t *o = obj_parse(keys[_i].json, strlen(keys[_i].json), "x", &err);
	struct cloud_secrets got = {.expires_ms = 17};
	int rc = aws_keys_of_json(&got, o, &err);

	if (keys[_i].says) {
		ck_assert_int_eq(rc, -1);
		refuses(&err, keys[_i].says);
		ck_assert(!got.first.len && !got.second.len);
		return;
	}
	ck_assert_msg(!rc, "%s", err.msg);
	ck_assert_str_eq(got.first.p, "AK");
	ck_assert_str_eq(got.second.p, "S/K+=");
	ck_assert_str_eq(got.third.p ? got.third.p : "", keys[_i].token ? keys[_i].token : "");
	ck_assert_int_eq(got.expires_ms, keys[_i].expires_ms);
	secret_clear(&got.first);
	secret_clear(&got.second);
	secret_clear(&got.third);
}
END_TEST

#define STS(inner) \
	"<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">" \
	"<AssumeRoleWithWebIdentityResult><Credentials>" inner "</Credentials>" \
	"<SubjectFromWebIdentityToken>x</SubjectFromWebIdentityToken>" \
	"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
#define STS_KEYS "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>S/K</SecretAccessKey>"
#define STS_TOKEN "<SessionToken>T&#61;&#x3d;</SessionToken>"
#define STS_END "<Expiration>2026-01-31T09:30:00Z</Expiration>"

static const struct {
	const char *xml, *says;
} xml_keys[] = {
	{STS(STS_KEYS STS_TOKEN STS_END), NULL},
	{STS("<!-- x -->" STS_END STS_TOKEN STS_KEYS), NULL},
	{STS(STS_KEYS STS_TOKEN), "there is no Expiration"},
	{STS(STS_KEYS STS_END), "there is no SessionToken"},
	{STS(STS_TOKEN STS_END), "there is no AccessKeyId"},
	{STS("<AccessKeyId>A</AccessKeyId>" STS_TOKEN STS_END), "there is no SecretAccessKey"},
	{STS(STS_KEYS STS_TOKEN "<Expiration>17</Expiration>"), "Expiration is malformed"},
	{STS(STS_KEYS STS_KEYS STS_TOKEN STS_END), "no XML that can be read"},
	{"<!DOCTYPE x>" STS(STS_KEYS STS_TOKEN STS_END), "document type"},
	{"<x>" STS(STS_KEYS STS_TOKEN STS_END) "</x>", "there is no SessionToken"},
	{"", "no XML that can be read"},
	{"{}", "no XML that can be read"},
};

START_TEST(test_keys_xml)
{
	struct cloud_secrets got = {.expires_ms = 17};
	const char *xml = xml_keys[_i].xml;
	struct err err = {0};

	if (xml_keys[_i].says) {
		ck_assert_int_eq(aws_keys_of_xml(&got, xml, strlen(xml), &err), -1);
		refuses(&err, xml_keys[_i].says);
		ck_assert(!got.first.len);
		return;
	}
	ck_assert_msg(!aws_keys_of_xml(&got, xml, strlen(xml), &err), "%s", err.msg);
	ck_assert_str_eq(got.first.p, "ASIA");
	ck_assert_str_eq(got.second.p, "S/K");
	ck_assert_str_eq(got.third.p, "T==");
	ck_assert_int_eq(got.expires_ms, 1769851800000);
	secret_clear(&got.first);
	secret_clear(&got.second);
	secret_clear(&got.third);
}
END_TEST

/* ---- passwords ------------------------------------------------------------------------------- */

#define GOOD "QVdTOnBhc3N3b3Jk" /* AWS:password */
#define ANSWER(data) "{\"authorizationData\":" data "}"
#define ONE(token, at) "{\"authorizationToken\":" token ",\"expiresAt\":" at "}"

static const struct {
	bool is_public;
	const char *json, *says;
	int64_t expires_ms;
} passwords[] = {
	{false, ANSWER("[" ONE("\"" GOOD "\"", "1769851800.25") "]"), NULL, 1769851800250},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "1769851800") "]"), NULL, 1769851800000},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "1.7698518E9") ",17]"), NULL, 1769851800000},
	{true, ANSWER(ONE("\"" GOOD "\"", "1769851800.25")), NULL, 1769851800250},
	{false, ANSWER(ONE("\"" GOOD "\"", "1769851800")), "no authorizationData"},
	{true, ANSWER("[" ONE("\"" GOOD "\"", "1769851800") "]"), "no authorizationData"},
	{false, ANSWER("[]"), "no authorizationData"},
	{false, ANSWER("[[]]"), "no authorizationData"},
	{false, ANSWER("null"), "no authorizationData"},
	{false, "{}", "no authorizationData"},
	{false, "[]", "no authorizationData"},
	{false, ANSWER("[{\"expiresAt\":1769851800}]"), "no authorizationToken"},
	{false, ANSWER("[" ONE("17", "1769851800") "]"), "no authorizationToken"},
	{false, ANSWER("[{\"authorizationToken\":\"" GOOD "\"}]"), "expiresAt"},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "\"1769851800\"") "]"), "expiresAt"},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "0") "]"), "expiresAt"},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "-1") "]"), "expiresAt"},
	{false, ANSWER("[" ONE("\"" GOOD "\"", "1e300") "]"), "expiresAt"},
	{false, ANSWER("[" ONE("\"\"", "1769851800") "]"), "no user and password"},
	{false, ANSWER("[" ONE("\"QVdTOg==\"", "1769851800") "]"),
		"no user and password"}, /* AWS: */
	{false, ANSWER("[" ONE("\"OnBhc3M=\"", "1769851800") "]"),
		"no user and password"}, /* :pass */
	{false, ANSWER("[" ONE("\"QVdTcGFzcw==\"", "1769851800") "]"), "no user and password"},
	/* AWS:a:b */
	{false, ANSWER("[" ONE("\"QVdTOmE6Yg==\"", "1769851800") "]"), "no user and password"},
	/* AWS:a LF b, AWS:a NUL b */
	{false, ANSWER("[" ONE("\"QVdTOmEKYg==\"", "1769851800") "]"), "no user and password"},
	{false, ANSWER("[" ONE("\"QVdTOmEAYg==\"", "1769851800") "]"), "no user and password"},
	{false, ANSWER("[" ONE("\"AWS:password\"", "1769851800") "]"), "no user and password"},
	{false, ANSWER("[" ONE("\"QVdTOnBhc3N3b3J\"", "1769851800") "]"), "no user and password"},
};

START_TEST(test_passwords)
{
	struct err err = {0};
	auto_json json_t *o = obj_parse(passwords[_i].json, strlen(passwords[_i].json), "x", &err);
	struct cloud_secrets got = {.expires_ms = 17};
	int rc = aws_password_of_json(&got, o, passwords[_i].is_public, &err);

	if (passwords[_i].says) {
		ck_assert_int_eq(rc, -1);
		refuses(&err, passwords[_i].says);
		ck_assert(!got.first.len);
		return;
	}
	ck_assert_msg(!rc, "%s", err.msg);
	ck_assert_str_eq(got.first.p, "AWS:password");
	ck_assert_int_eq(got.expires_ms, passwords[_i].expires_ms);
	secret_clear(&got.first);
}
END_TEST

Suite *suite_aws_answer(void)
{
	Suite *s = suite_create("aws_answer");
	TCase *t = tcase_create("aws_answer");

	tcase_add_loop_test(t, test_said, 0, ARRAY_LEN(said));
	tcase_add_loop_test(t, test_dates, 0, ARRAY_LEN(dates));
	tcase_add_loop_test(t, test_keys_json, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(t, test_keys_xml, 0, ARRAY_LEN(xml_keys));
	tcase_add_loop_test(t, test_passwords, 0, ARRAY_LEN(passwords));
	suite_add_tcase(s, t);
	return s;
}
