/* Whole logins at AWS, against one server that plays STS, ECR, the metadata service and the agent
   of a container. */
#include "test/unit/cloud/aws_rig.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "http/client.h"
#include "test/fake/dns.h"
#include "test/fake/registry.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_aws(void);

#define ECR_LINE(id, token) \
	"POST /ecr " id "/20260131/eu-west-1/ecr/aws4_request" token \
	" AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken\n"
#define SESSION_LINE ECR_LINE(RIG_ID, " " RIG_TOKEN)
#define ROLES "/imds/latest/meta-data/iam/security-credentials/"
#define IMDS_LINES \
	"PUT /imds/latest/api/token 300\nGET " ROLES " imds-token\nGET " ROLES \
	"node%2Brole imds-token\n" SESSION_LINE
#define ROLE "arn:aws:iam::123456789012:role/a+b"

static void set_static(struct rig *r)
{
	cloud_env_set(&r->env, "AWS_ACCESS_KEY_ID", "AKIA1");
	cloud_env_set(&r->env, "AWS_SECRET_ACCESS_KEY", "static-secret");
}

static void set_web(struct rig *r, const char *token)
{
	auto_free char *path = rig_file(r, "jwt", token);

	cloud_env_set(&r->env, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
	cloud_env_set(&r->env, "AWS_ROLE_ARN", ROLE);
	cloud_env_set(&r->env, "AWS_ROLE_SESSION_NAME", "me@x");
}

static void set_container(struct rig *r, const char *token)
{
	auto_free char *path = rig_file(r, "bearer", token), *url = rig_url(r, "/creds");

	cloud_env_set(&r->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
	cloud_env_set(&r->env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
}

#define STS_LINE(session, token) \
	"POST /sts " \
	"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A" \
	"123456789012%3Arole%2Fa%2Bb&RoleSessionName=" session "&WebIdentityToken=" token "\n"

/* ---- sources --------------------------------------------------------------------------------- */

START_TEST(test_static)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	r.key = "static-secret";
	set_static(&r);
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, ECR_LINE("AKIA1", ""));
	/* It is kept, for another registry there too, and its keys are. */
	rig_ok(&r, RIG_HOST);
	rig_ok(&r, "210987654321.dkr.ecr.eu-west-1.amazonaws.com:443");
	rig_log_is(&r, "");
	rig_clear(&r);
}
END_TEST

START_TEST(test_static_other_names)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	r.key = "static-secret";
	cloud_env_set(&r.env, "AWS_ACCESS_KEY", "AKIA2");
	cloud_env_set(&r.env, "AWS_SECRET_KEY", "static-secret");
	cloud_env_set(&r.env, "AWS_SESSION_TOKEN", "tok");
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, ECR_LINE("AKIA2", " tok"));
	rig_clear(&r);
}
END_TEST

START_TEST(test_web_identity)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_web(&r, "jwt-1.x+y\n");
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, STS_LINE("me%40x", "jwt-1.x%2By") SESSION_LINE);
	rig_clear(&r);
}
END_TEST

START_TEST(test_web_identity_without_a_name)
{
	struct rig r;
	const char *name;

	rig_init(&r);
	rig_well(&r);
	set_web(&r, "jwt-1");
	cloud_env_set(&r.env, "AWS_ROLE_SESSION_NAME", NULL);
	rig_ok(&r, RIG_HOST);
	name = strstr(buf_str(&r.log), "RoleSessionName=");
	ck_assert(name);
	ck_assert_uint_eq(strspn(name + 16, "0123456789"), 19); /* nanoseconds */
	ck_assert(!strncmp(name + 16, "17698962", 8));
	rig_clear(&r);
}
END_TEST

/* The file is read for each login: what it holds then counts. */
START_TEST(test_web_identity_rotates)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_web(&r, "jwt-1");
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, STS_LINE("me%40x", "jwt-1") SESSION_LINE);
	set_web(&r, "jwt-2");
	loop_test_advance(r.loop, 61 * 60 * 1000);
	rig_ok(&r, RIG_HOST);
	ck_assert_uint_eq(rig_count(&r, STS_LINE("me%40x", "jwt-2")), 1);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *token; /* NULL: no file */
	bool no_role;
	const char *says;
} bad_web[] = {
	{"jwt-1", true,
		"web identity of the pod: AWS_WEB_IDENTITY_TOKEN_FILE is set, and "
		"AWS_ROLE_ARN is not"},
	{NULL, false, "web identity of the pod: AWS_WEB_IDENTITY_TOKEN_FILE: open '/none/x'"},
	{"", false, "holds no token"},
	{" \n", false, "holds no token"},
	{"a b", false, "holds no token"},
};

START_TEST(test_web_identity_broken)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_web(&r, bad_web[_i].token ? bad_web[_i].token : "");
	if (!bad_web[_i].token)
		cloud_env_set(&r.env, "AWS_WEB_IDENTITY_TOKEN_FILE", "/none/x");
	if (bad_web[_i].no_role)
		cloud_env_set(&r.env, "AWS_ROLE_ARN", NULL);
	rig_failed(&r, RIG_HOST, bad_web[_i].says);
	rig_log_is(&r, "");
	rig_clear(&r);
}
END_TEST

START_TEST(test_profile)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	r.key = "static-secret";
	set_container(&r, "bearer-1"); /* comes after */
	free(rig_file(&r, ".aws/config",
		"[profile p]\naws_access_key_id=AKIA3\naws_secret_access_key=static-secret\n"));
	cloud_env_set(&r.env, "AWS_PROFILE", "p");
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, ECR_LINE("AKIA3", ""));
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *credentials, *profile, *named, *says; /* says NULL: the agent is asked */
} profiles[] = {
	{"[default]\nregion=x\n", NULL, NULL, NULL},
	{NULL, NULL, NULL, NULL},
	{NULL, NULL, "/none/credentials", NULL},
	{"[default]\nregion=x\n", "q", NULL,
		"profile: no file has the profile 'q' that AWS_PROFILE names"},
	{"[default]\ncredential_process=/bin/x\n", NULL, NULL,
		"profile: the profile 'default' of AWS has credential_process"},
	{NULL, NULL, "/", "profile: '/' is not a regular file"},
};

START_TEST(test_profiles)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_container(&r, "bearer-1");
	if (profiles[_i].credentials)
		free(rig_file(&r, ".aws/credentials", profiles[_i].credentials));
	cloud_env_set(&r.env, "AWS_PROFILE", profiles[_i].profile);
	cloud_env_set(&r.env, "AWS_SHARED_CREDENTIALS_FILE", profiles[_i].named);
	if (profiles[_i].says) {
		rig_failed(&r, RIG_HOST, profiles[_i].says);
		rig_log_is(&r, "");
	} else {
		rig_ok(&r, RIG_HOST);
		rig_log_is(&r, "GET /creds auth=bearer-1\n" SESSION_LINE);
	}
	rig_clear(&r);
}
END_TEST

/* The token is sent as it is, and read each time. */
START_TEST(test_container)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	cloud_env_set(&r.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "bearer-of-the-environment");
	set_container(&r, "bearer-1 x");
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, "GET /creds auth=bearer-1 x\n" SESSION_LINE);
	set_container(&r, "bearer-2");
	loop_test_advance(r.loop, 61 * 60 * 1000);
	rig_ok(&r, RIG_HOST);
	ck_assert_uint_eq(rig_count(&r, "GET /creds auth=bearer-2\n"), 1);
	rig_clear(&r);
}
END_TEST

START_TEST(test_container_tokens)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_container(&r, "bearer-1");
	cloud_env_set(&r.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", NULL);
	if (_i)
		cloud_env_set(&r.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "bearer-env");
	rig_ok(&r, RIG_HOST);
	rig_log_is(
		&r, _i ? "GET /creds auth=bearer-env\n" SESSION_LINE : "GET /creds\n" SESSION_LINE);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *token, *url, *relative, *says; /* NULL: as it is well */
} bad_container[] = {
	{"bearer-1\n", NULL, NULL,
		"Pod Identity: the file of AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE holds a line "
		"break"},
	{"bearer-1\r\nX: y", NULL, NULL, "holds a line break"},
	{"", NULL, NULL, "holds nothing"},
	{"bearer-\x01", NULL, NULL, "holds no text"},
	{NULL, "http://10.0.0.1/creds", NULL, "and not to '10.0.0.1'"},
	{NULL, "http://169.254.169.254/creds", NULL, "and not to '169.254.169.254'"},
	{NULL, "http://[fd00:ec2::24]/creds", NULL, "and not to 'fd00:ec2::24'"},
	{NULL, "http://public.test/creds", NULL, "and not to '203.0.113.7'"},
	{NULL, "http://both.test/creds", NULL, "and not to '"},
	{NULL, "ftp://127.0.0.1/creds", NULL, "AWS_CONTAINER_CREDENTIALS_FULL_URI: "},
	{NULL, NULL, "@evil.example/creds",
		"role of the ECS task: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with"},
	{NULL, NULL, ".evil.example/creds", "does not begin with '/'"},
};

static const struct dns_row names[] = {
	{"public.test", DNS_A, "203.0.113.7", 60},
	{"both.test", DNS_A, "203.0.113.7", 60},
	{"both.test", DNS_A, "198.51.100.7", 60},
	{"agent.test", DNS_A, "127.0.0.1", 60},
	{0},
};

START_TEST(test_container_broken)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	r.dns = fake_dns_new(r.loop, names, "");
	set_container(&r, bad_container[_i].token ? bad_container[_i].token : "bearer-1");
	if (bad_container[_i].url)
		cloud_env_set(&r.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", bad_container[_i].url);
	cloud_env_set(&r.env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", bad_container[_i].relative);
	rig_failed(&r, RIG_HOST, bad_container[_i].says);
	rig_log_is(&r, "");
	rig_clear(&r);
}
END_TEST

/* A name may be asked when it leads to where an address might. */
START_TEST(test_container_name)
{
	struct rig r;
	auto_free char *url = NULL, *named = NULL;

	rig_init(&r);
	rig_well(&r);
	r.dns = fake_dns_new(r.loop, names, "");
	set_container(&r, "bearer-1");
	url = rig_url(&r, "/creds");
	named = mem_printf("http://agent.test%s", strchr(url + strlen("http://"), ':'));
	cloud_env_set(&r.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI", named);
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, "GET /creds auth=bearer-1\n" SESSION_LINE);
	rig_clear(&r);
}
END_TEST

static const struct {
	struct rig_answer answer;
	const char *says; /* NULL: it goes well */
	unsigned asked;
} agents[] = {
	{{.status = 400, .body = "{\"code\":\"AccessDenied\",\"message\":\"no association\"}"},
		"' answered 400: AccessDenied: no association", 1},
	{{.status = 404, .body = "who are you"}, "' answered 404: who are you", 1},
	{{.body = "<html>"}, "' answered 200 with something that is not JSON", 1},
	{{.body = "{}"}, "Pod Identity: the agent's answer: there is no AccessKeyId", 1},
	{{.status = 500, .times = 2}, NULL, 3},
	{{.status = 429, .times = 2}, NULL, 3},
	{{.status = 503}, "answered 503", 3},
};

START_TEST(test_agents)
{
	struct rig_answer a = agents[_i].answer;
	struct rig r;

	rig_init(&r);
	a.method = "GET";
	a.path = "/creds";
	rig_on(&r, a);
	rig_well(&r);
	set_container(&r, "bearer-1");
	if (agents[_i].says)
		rig_failed(&r, RIG_HOST, agents[_i].says);
	else
		rig_ok(&r, RIG_HOST);
	ck_assert_uint_eq(rig_count(&r, "GET /creds"), agents[_i].asked);
	rig_clear(&r);
}
END_TEST

/* Nothing is configured: the node's role. A proxy of the object does not see it. */
START_TEST(test_imds)
{
	struct http_proxy proxy = {.url = (char *)(uintptr_t)"http://127.0.0.1:1"};
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	r.who.proxy = &proxy;
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, IMDS_LINES);
	rig_clear(&r);
}
END_TEST

#define PUT "PUT", "/imds/latest/api/token"
#define LIST "GET", ROLES
#define ROLE_PATH "GET", ROLES "node%2Brole"

static const struct {
	struct rig_answer answers[3];
	const char *variable;
	const char *says; /* NULL: it goes well */
	const char *log; /* NULL: not looked at */
} imds[] = {
	{{{PUT, .status = 403}}, NULL, NULL,
		"PUT /imds/latest/api/token 300\nGET " ROLES "\nGET " ROLES
		"node%2Brole\n" SESSION_LINE},
	{{{PUT, .status = 404}}, NULL, NULL, NULL},
	{{{PUT, .status = 405}}, NULL, NULL, NULL},
	{{{PUT, .silent = true}}, NULL, NULL,
		"PUT /imds/latest/api/token 300\nPUT /imds/latest/api/token 300\nGET " ROLES
		"\nGET " ROLES "node%2Brole\n" SESSION_LINE},
	{{{PUT, .status = 403}}, "AWS_EC2_METADATA_V1_DISABLED",
		"node role: a token was refused with status 403, and AWS_EC2_METADATA_V1_DISABLED "
		"forbids",
		"PUT /imds/latest/api/token 300\n"},
	{{{PUT, .silent = true}}, "AWS_EC2_METADATA_V1_DISABLED",
		"hop limit? use IRSA or Pod Identity", NULL},
	{{{PUT, .status = 400, .body = "bad"}}, NULL, "' answered 400: bad",
		"PUT /imds/latest/api/token 300\n"},
	{{{PUT, .body = "a b"}}, NULL, "node role: the metadata service's token is malformed",
		"PUT /imds/latest/api/token 300\n"},
	{{{PUT, .body = ""}}, NULL, "token is malformed", NULL},
	{{{LIST, .status = 404}}, NULL, "node role: the metadata service has no role for this node",
		"PUT /imds/latest/api/token 300\nGET " ROLES " imds-token\n"},
	{{{LIST, .body = "\n"}}, NULL, "named no role", NULL},
	{{{LIST, .body = "a/../b c"}}, NULL, "named no role", NULL},
	/* A token that it does not know any more: another one, once. */
	{{{LIST, .status = 401, .times = 1}}, NULL, NULL,
		"PUT /imds/latest/api/token 300\nGET " ROLES " imds-token\n" IMDS_LINES},
	{{{ROLE_PATH, .status = 401, .times = 1}}, NULL, NULL,
		"PUT /imds/latest/api/token 300\nGET " ROLES " imds-token\nGET " ROLES
		"node%2Brole imds-token\n" IMDS_LINES},
	{{{LIST, .status = 401}}, NULL, "answered 401",
		"PUT /imds/latest/api/token 300\nGET " ROLES
		" imds-token\nPUT /imds/latest/api/token 300\nGET " ROLES " imds-token\n"},
	{{{PUT, .status = 403}, {LIST, .status = 401}}, NULL,
		"node role: the metadata service wants a token, and gave none", NULL},
	{{{PUT, .silent = true}, {LIST, .status = 401}}, NULL, "gave none: hop limit?", NULL},
	{{{PUT, .silent = true}, {LIST, .silent = true}}, NULL,
		"node role: no answer from the metadata service: hop limit? use IRSA or Pod "
		"Identity",
		"PUT /imds/latest/api/token 300\nPUT /imds/latest/api/token 300\nGET " ROLES "\n"},
	{{{ROLE_PATH, .body = "{\"Code\":\"Failed\",\"Message\":\"no profile\"}"}}, NULL,
		"' answered 200: Failed: no profile", NULL},
	{{{ROLE_PATH, .body = "{\"Code\":\"Success\"}"}}, NULL,
		"node role: the metadata service's answer: there is no AccessKeyId", NULL},
	{{{ROLE_PATH, .body = "x"}}, NULL, "not JSON", NULL},
	{{{PUT, .status = 500, .times = 1}}, NULL, NULL, NULL},
	{{{LIST, .status = 503, .times = 2}}, NULL, NULL, NULL},
	{{{PUT}}, "AWS_EC2_METADATA_DISABLED",
		"no credentials of AWS are configured, and AWS_EC2_METADATA_DISABLED forbids", ""},
};

START_TEST(test_imds_answers)
{
	struct rig r;
	uint64_t since;
	size_t i;

	rig_init(&r);
	for (i = 0; i < ARRAY_LEN(imds[_i].answers) && imds[_i].answers[i].method; i++)
		rig_on(&r, imds[_i].answers[i]);
	rig_well(&r);
	if (imds[_i].variable)
		cloud_env_set(&r.env, imds[_i].variable, "True");
	since = clock_ms();
	if (imds[_i].says)
		rig_failed(&r, RIG_HOST, imds[_i].says);
	else
		rig_ok(&r, RIG_HOST);
	/* However it goes, an object does not wait for it. */
	ck_assert_uint_lt(clock_ms() - since, 5000);
	if (imds[_i].log)
		rig_log_is(&r, imds[_i].log);
	rig_clear(&r);
}
END_TEST

START_TEST(test_imds_refuses_connections)
{
	struct rig r;

	rig_init(&r);
	cloud_env_set(&r.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
	rig_failed(&r, RIG_HOST, "node role: no answer from the metadata service: hop limit?");
	rig_clear(&r);
}
END_TEST

START_TEST(test_imds_bad_endpoint)
{
	struct rig r;

	rig_init(&r);
	cloud_env_set(&r.env, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "127.0.0.1");
	rig_failed(&r, RIG_HOST, "node role: AWS_EC2_METADATA_SERVICE_ENDPOINT: ");
	rig_clear(&r);
}
END_TEST

/* The first that is configured. It failing, no other is asked. */
START_TEST(test_order)
{
	struct rig r;

	rig_init(&r);
	if (_i == 2)
		rig_on(&r, (struct rig_answer){"POST", "/sts", .status = 403});
	rig_well(&r);
	set_web(&r, "jwt-1");
	set_container(&r, "bearer-1");
	if (_i == 0) {
		set_static(&r);
		r.key = "static-secret";
		rig_ok(&r, RIG_HOST);
		rig_log_is(&r, ECR_LINE("AKIA1", ""));
	} else if (_i == 1) {
		rig_ok(&r, RIG_HOST);
		rig_log_is(&r, STS_LINE("me%40x", "jwt-1") SESSION_LINE);
	} else {
		rig_failed(&r, RIG_HOST, "web identity of the pod");
		rig_log_is(&r, STS_LINE("me%40x", "jwt-1"));
	}
	rig_clear(&r);
}
END_TEST

/* ---- hosts ----------------------------------------------------------------------------------- */

START_TEST(test_public)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	rig_ok(&r, "Public.ECR.aws");
	ck_assert_uint_eq(rig_count(&r,
				  "POST /ecr-public " RIG_ID
				  "/20260131/us-east-1/ecr-public/aws4_request " RIG_TOKEN
				  " SpencerFrontendService.GetAuthorizationToken\n"),
		1);
	rig_clear(&r);
}
END_TEST

START_TEST(test_other_hosts)
{
	static const char *const hosts[] = {"ghcr.io", RIG_HOST ".evil.example", RIG_HOST ":444"};
	struct rig r;
	size_t i;

	rig_init(&r);
	rig_well(&r);
	set_static(&r);
	for (i = 0; i < ARRAY_LEN(hosts); i++)
		rig_failed(&r, hosts[i], "' is no registry of AWS such as ACCOUNT.dkr.ecr.REGION");
	rig_log_is(&r, "");
	rig_clear(&r);
}
END_TEST

START_TEST(test_bad_endpoint)
{
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_static(&r);
	cloud_env_set(&r.env, "AWS_ENDPOINT_URL_ECR", "https://u:static-secret@x/");
	rig_failed(&r, RIG_HOST, "keys of the environment: AWS_ENDPOINT_URL_ECR: ");
	rig_clear(&r);
}
END_TEST

START_TEST(test_ca_bundle)
{
	auto_free char *empty = NULL;
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_static(&r);
	empty = rig_file(&r, "ca", "no certificate\n");
	cloud_env_set(&r.env, "AWS_CA_BUNDLE", _i ? empty : "/none/ca");
	rig_failed(&r, RIG_HOST,
		_i ? "AWS_CA_BUNDLE: the file holds no certificate"
		   : "AWS_CA_BUNDLE: open '/none/ca'");
	rig_log_is(&r, "");
	rig_clear(&r);
}
END_TEST

/* ---- refusals -------------------------------------------------------------------------------- */

#define STS_ERROR(code, text) \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" text \
	"</Message></Error><RequestId>1</RequestId></ErrorResponse>"
/* {"iss":"https://oidc.example","sub":"system:serviceaccount:apps:x","aud":["sts"]} */
#define JWT \
	"jwt-h." \
	"eyJpc3MiOiJodHRwczovL29pZGMuZXhhbXBsZSIsInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDphcHBz" \
	"OngiLCJhdWQiOlsic3RzIl19.sig"

START_TEST(test_sts_denied)
{
	struct rig r;

	rig_init(&r);
	rig_on(&r,
		(struct rig_answer){"POST", "/sts", .status = 403,
			.body = STS_ERROR("AccessDenied", "Not authorized &amp; so on")});
	rig_well(&r);
	set_web(&r, JWT);
	rig_failed(&r, RIG_HOST, "web identity of the pod: '127.0.0.1:");
	ck_assert_msg(strstr(rig_err.msg,
			      "' answered 403: AccessDenied: Not authorized & so on (the token has "
			      "iss 'https://oidc.example', sub 'system:serviceaccount:apps:x', aud "
			      "'sts')"),
		"%s", rig_err.msg);
	ck_assert_int_eq(rig_err.kind, ERR_RETRY);
	ck_assert_uint_eq(rig_count(&r, "POST /sts"), 1);
	ck_assert_uint_eq(rig_count(&r, "POST /ecr"), 0);
	rig_clear(&r);
}
END_TEST

START_TEST(test_ecr_denied)
{
	struct rig r;

	rig_init(&r);
	rig_on(&r,
		(struct rig_answer){"POST", "/ecr", .status = 400,
			.body = "{\"__type\":\"AccessDeniedException\",\"Message\":\"User: x is "
				"not authorized\"}"});
	rig_well(&r);
	set_web(&r, JWT);
	rig_failed(
		&r, RIG_HOST, "' answered 400: AccessDeniedException: User: x is not authorized");
	ck_assert(!strncmp(rig_err.msg + 35, "web identity of the pod: ", 25));
	ck_assert_int_eq(rig_err.kind, ERR_RETRY);
	ck_assert_uint_eq(rig_count(&r, "POST /ecr"), 1);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *path, *body;
} throttles[] = {
	{"/ecr", "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"},
	{"/sts", STS_ERROR("Throttling", "Rate exceeded")},
	{"/sts", STS_ERROR("IDPCommunicationError", "Rate exceeded")},
};

START_TEST(test_throttled)
{
	auto_free char *line = mem_printf("POST %s ", throttles[_i].path);
	struct rig r;

	rig_init(&r);
	rig_on(&r,
		(struct rig_answer){"POST", throttles[_i].path, .status = 400, .times = 2,
			.body = throttles[_i].body});
	rig_well(&r);
	set_web(&r, "jwt-1");
	rig_ok(&r, RIG_HOST);
	ck_assert_uint_eq(rig_count(&r, line), 3);
	rig_clear(&r);

	rig_init(&r);
	rig_on(&r,
		(struct rig_answer){
			"POST", throttles[_i].path, .status = 400, .body = throttles[_i].body});
	rig_well(&r);
	set_web(&r, "jwt-1");
	rig_failed(&r, RIG_HOST, ": Rate exceeded");
	ck_assert_uint_eq(rig_count(&r, line), 3);
	ck_assert_int_eq(rig_err.kind, ERR_WAIT);
	ck_assert_uint_gt(rig_err.retry_ms, 0);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *path, *body, *says;
} odd[] = {
	{"/ecr", "{\"authorizationData\":[]}", "has no authorizationData"},
	{"/ecr",
		"{\"authorizationData\":[{\"authorizationToken\":\"QVdTOmE6Yg==\",\"expiresAt\":1}]"
		"}",
		"is no user and password"},
	{"/ecr", "{\"authorizationData\":[{\"authorizationToken\":\"@\",\"expiresAt\":1}]}",
		"is no user and password"},
	{"/ecr", "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3N3b3Jk\"}]}",
		"expiresAt"},
	{"/ecr",
		"{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3N3b3Jk\","
		"\"expiresAt\":\"1769939400\"}]}",
		"expiresAt"},
	{"/ecr", "<html>", "with something that is not JSON"},
	{"/ecr", "", "with something that is not JSON"},
	{"/sts", "<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>",
		"': the answer is no XML that can be read: it has a document type"},
	{"/sts", "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>", "no XML"},
	{"/sts", "{}", "no XML"},
	{"/sts", "<x/>", "there is no SessionToken"},
};

START_TEST(test_odd)
{
	struct rig r;

	rig_init(&r);
	rig_on(&r, (struct rig_answer){"POST", odd[_i].path, .body = odd[_i].body});
	rig_well(&r);
	set_web(&r, "jwt-1");
	rig_failed(&r, RIG_HOST, odd[_i].says);
	rig_clear(&r);
}
END_TEST

START_TEST(test_large)
{
	auto_free char *body = mem_alloc(70 * 1024 + 1);
	struct rig r;

	memset(body, 'x', 70 * 1024);
	body[70 * 1024] = '\0';
	memcpy(body, "<x>", 3);
	rig_init(&r);
	rig_on(&r, (struct rig_answer){"POST", "/sts", .body = body});
	set_web(&r, "jwt-1");
	rig_failed(&r, RIG_HOST, "web identity of the pod: ");
	ck_assert_uint_eq(rig_count(&r, "POST /sts"), 1);
	rig_clear(&r);
}
END_TEST

/* ---- the clock ------------------------------------------------------------------------------- */

#define DENIED "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired\"}"
#define PASSWORD \
	"{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnBhc3N3b3Jk\"," \
	"\"expiresAt\":1769939400}]}"

/* AWS's clock is 20 minutes ahead, in February already: the day of the scope tells. */
START_TEST(test_clock)
{
	struct rig r;
	struct fake_registry *f;
	struct fake_answer *a;
	auto_free char *url = NULL;
	const char *first, *second;

	rig_init(&r);
	set_static(&r);
	f = fake_registry_new(r.loop);
	url = mem_printf("http://%s/", fake_host(f));
	cloud_env_set(&r.env, "AWS_ENDPOINT_URL_ECR", url);
	loop_test_advance(r.loop, 2 * 3600 * 1000); /* 23:50 */
	a = fake_on(f, "POST", "/");
	a->times = 1;
	a->status = 403;
	a->headers = "Date: Sun, 01 Feb 2026 00:10:00 GMT\r\n";
	a->body = DENIED;
	a = fake_on(f, "POST", "/");
	a->headers = "Date: Sun, 01 Feb 2026 00:10:01 GMT\r\n";
	a->body = PASSWORD;
	rig_ok(&r, RIG_HOST);
	first = strstr(fake_log(f), "AKIA1/20260131/");
	ck_assert(first);
	second = strstr(first, "AKIA1/20260201/");
	ck_assert_msg(second, "%s", fake_log(f));
	ck_assert(!strstr(second + 1, "AKIA1/"));

	/* The offset is kept: the next region is asked right the first time. */
	fake_log_reset(f);
	rig_ok(&r, "123456789012.dkr.ecr.eu-west-2.amazonaws.com");
	ck_assert_msg(strstr(fake_log(f), "AKIA1/20260201/eu-west-2/"), "%s", fake_log(f));
	ck_assert(!strstr(fake_log(f), "20260131"));
	fake_registry_free(f);
	rig_clear(&r);
}
END_TEST

static const struct {
	const char *headers, *body;
	unsigned asked;
} clocks[] = {
	{"Date: Sun, 01 Feb 2026 00:10:00 GMT\r\n", DENIED, 2}, /* refused again: no third time */
	{"Date: Sat, 31 Jan 2026 21:51:00 GMT\r\n", DENIED, 1}, /* a minute: it is not that */
	{"", DENIED, 1},
	{"Date: Sun, 01 Feb 2026 00:10:00 GMT\r\n",
		"{\"__type\":\"UnrecognizedClientException\",\"message\":\"no such key\"}", 1},
};

START_TEST(test_clock_refused)
{
	struct rig r;
	struct fake_registry *f;
	struct fake_answer *a;
	auto_free char *url = NULL;
	const char *at;
	unsigned n = 0;

	rig_init(&r);
	set_static(&r);
	f = fake_registry_new(r.loop);
	url = mem_printf("http://%s/", fake_host(f));
	cloud_env_set(&r.env, "AWS_ENDPOINT_URL_ECR", url);
	a = fake_on(f, "POST", "/");
	a->status = 400;
	a->headers = clocks[_i].headers;
	a->body = clocks[_i].body;
	rig_failed(&r, RIG_HOST, "answered 400: ");
	for (at = fake_log(f); (at = strstr(at, "POST /")); at++)
		n++;
	ck_assert_uint_eq(n, clocks[_i].asked);
	fake_registry_free(f);
	rig_clear(&r);
}
END_TEST

/* ---- ServiceAccounts ------------------------------------------------------------------------- */

/* Its own role, whatever the controller has. */
START_TEST(test_account)
{
	struct rig_account a;
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	set_static(&r);
	set_container(&r, "bearer-1");
	rig_account(&r, &a, "tenant", ROLE);
	rig_ok(&r, RIG_HOST);
	rig_log_is(&r, STS_LINE("tenant.apps.eu-west-1.fluxcd.io", "jwt-of-tenant") SESSION_LINE);
	ck_assert_str_eq(a.audience, "sts.amazonaws.com");
	ck_assert_uint_eq(a.tokens, 1);
	rig_clear(&r);
	rig_account_clear(&a);
}
END_TEST

/* A name that is too long is cut, and two of them that begin alike are not one. */
START_TEST(test_account_long_name)
{
	static const char *const tails[] = {"aaaa", "aaab", "aaaa"};
	char sessions[ARRAY_LEN(tails)][80];
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(tails); i++) {
		auto_free char *name = mem_printf(
			"a-service-account-with-a-name-of-sixty-eight-characters-in-all-x%s",
			tails[i]);
		struct rig_account a;
		struct rig r;
		const char *at;

		rig_init(&r);
		rig_well(&r);
		rig_account(&r, &a, name, ROLE);
		rig_ok(&r, RIG_HOST);
		at = strstr(buf_str(&r.log), "RoleSessionName=");
		ck_assert(at);
		n = strcspn(at + 16, "&");
		ck_assert_uint_eq(n, 64);
		snprintf(sessions[i], sizeof(sessions[i]), "%.*s", (int)n, at + 16);
		ck_assert_msg(!strncmp(sessions[i], name, 55) && sessions[i][55] == '.' &&
				strspn(sessions[i] + 56, "0123456789abcdef") == 8,
			"%s", sessions[i]);
		rig_clear(&r);
		rig_account_clear(&a);
	}
	ck_assert_str_ne(sessions[0], sessions[1]);
	ck_assert_str_eq(sessions[0], sessions[2]);
}
END_TEST

static const struct {
	const char *role, *says; /* says NULL: it goes well */
} roles[] = {
	{"arn:aws:iam::123456789012:role/a", NULL},
	{"arn:aws-cn:iam::123456789012:role/path/a", NULL},
	{"arn:aws-us-gov:iam::1:role/a", NULL},
	{NULL, "has no annotation 'eks.amazonaws.com/role-arn'"},
	{"", "has no annotation 'eks.amazonaws.com/role-arn'"},
	{"x", "annotation 'eks.amazonaws.com/role-arn' is no role of AWS: 'x'"},
	{"arn:aws:iam::123456789012:role/", "is no role"},
	{"arn:aws:iam::123456789012:user/a", "is no role"},
	{"arn:aws:iam::12345678901x:role/a", "is no role"},
	{"arn:aws:iam:::role/a", "is no role"},
	{"arn:aws:sts::123456789012:role/a", "is no role"},
	{"arn:gcp:iam::123456789012:role/a", "is no role"},
	{"arn:aws:iam::123456789012:role/a b", "is no role"},
	{"arn:aws:iam::123456789012:role/a\nb", "role/a b'"},
	{"xarn:aws:iam::123456789012:role/a", "is no role"},
};

START_TEST(test_account_roles)
{
	struct rig_account a;
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	rig_account(&r, &a, "tenant", roles[_i].role);
	if (roles[_i].says) {
		rig_failed(&r, RIG_HOST, roles[_i].says);
		ck_assert_msg(
			strstr(rig_err.msg, "ServiceAccount 'apps/tenant': "), "%s", rig_err.msg);
		ck_assert_uint_eq(a.tokens, 0);
		rig_log_is(&r, "");
	} else {
		rig_ok(&r, RIG_HOST);
	}
	rig_clear(&r);
	rig_account_clear(&a);
}
END_TEST

START_TEST(test_account_without_token)
{
	struct rig_account a;
	struct rig r;

	rig_init(&r);
	rig_well(&r);
	rig_account(&r, &a, "tenant", ROLE);
	a.refuse = true;
	rig_failed(&r, RIG_HOST, "ServiceAccount 'apps/tenant': failed to create kubernetes token");
	rig_log_is(&r, "");
	rig_clear(&r);
	rig_account_clear(&a);
}
END_TEST

START_TEST(test_account_denied)
{
	struct rig_account a;
	struct rig r;

	rig_init(&r);
	rig_on(&r,
		(struct rig_answer){
			"POST", "/sts", .status = 403, .body = STS_ERROR("AccessDenied", "no")});
	rig_account(&r, &a, "tenant", ROLE);
	rig_failed(&r, RIG_HOST,
		"failed to get credential from aws: ServiceAccount 'apps/tenant': '127.0.0.1:");
	ck_assert(strstr(rig_err.msg, "' answered 403: AccessDenied: no"));
	rig_clear(&r);
	rig_account_clear(&a);
}
END_TEST

Suite *suite_aws(void)
{
	Suite *s = suite_create("aws");
	TCase *t = tcase_create("sources");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_static);
	tcase_add_test(t, test_static_other_names);
	tcase_add_test(t, test_web_identity);
	tcase_add_test(t, test_web_identity_without_a_name);
	tcase_add_test(t, test_web_identity_rotates);
	tcase_add_loop_test(t, test_web_identity_broken, 0, ARRAY_LEN(bad_web));
	tcase_add_test(t, test_profile);
	tcase_add_loop_test(t, test_profiles, 0, ARRAY_LEN(profiles));
	tcase_add_test(t, test_container);
	tcase_add_loop_test(t, test_container_tokens, 0, 2);
	tcase_add_loop_test(t, test_container_broken, 0, ARRAY_LEN(bad_container));
	tcase_add_test(t, test_container_name);
	tcase_add_loop_test(t, test_agents, 0, ARRAY_LEN(agents));
	tcase_add_test(t, test_imds);
	tcase_add_loop_test(t, test_imds_answers, 0, ARRAY_LEN(imds));
	tcase_add_test(t, test_imds_refuses_connections);
	tcase_add_test(t, test_imds_bad_endpoint);
	tcase_add_loop_test(t, test_order, 0, 3);
	suite_add_tcase(s, t);

	t = tcase_create("logins");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_public);
	tcase_add_test(t, test_other_hosts);
	tcase_add_test(t, test_bad_endpoint);
	tcase_add_loop_test(t, test_ca_bundle, 0, 2);
	tcase_add_test(t, test_sts_denied);
	tcase_add_test(t, test_ecr_denied);
	tcase_add_loop_test(t, test_throttled, 0, ARRAY_LEN(throttles));
	tcase_add_loop_test(t, test_odd, 0, ARRAY_LEN(odd));
	tcase_add_test(t, test_large);
	tcase_add_test(t, test_clock);
	tcase_add_loop_test(t, test_clock_refused, 0, ARRAY_LEN(clocks));
	suite_add_tcase(s, t);

	t = tcase_create("accounts");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_account);
	tcase_add_test(t, test_account_long_name);
	tcase_add_loop_test(t, test_account_roles, 0, ARRAY_LEN(roles));
	tcase_add_test(t, test_account_without_token);
	tcase_add_test(t, test_account_denied);
	suite_add_tcase(s, t);
	return s;
}
