/* Which hosts are AWS's registries, which hosts are asked for their passwords, and where STS is. */
#include "base/mem.h"
#include "cloud/aws.h"

#include <check.h>
#include <string.h>

Suite *suite_aws_place(void);

#define N "123456789012"

enum { FIPS = 1, DUAL = 2 };

static const struct {
	unsigned env; /* variables that are set */
	const char *host, *region, *api, *sts;
} good[] = {
	{0, N ".dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "api.ecr.eu-west-1.amazonaws.com",
		"sts.eu-west-1.amazonaws.com"},
	{0, N ".dkr.ecr.eu-west-1.amazonaws.com:443", "eu-west-1",
		"api.ecr.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"},
	{0, N ".dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1",
		"api.ecr.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
	{0, N ".dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
		"api.ecr.eusc-de-east-1.amazonaws.eu", "sts.eusc-de-east-1.amazonaws.eu"},
	{0, N ".dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
		"api.ecr.us-iso-east-1.c2s.ic.gov", "sts.us-iso-east-1.c2s.ic.gov"},
	{0, N ".dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1",
		"api.ecr.us-isob-east-1.sc2s.sgov.gov", "sts.us-isob-east-1.sc2s.sgov.gov"},
	{0, N ".dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1",
		"api.ecr.eu-isoe-west-1.cloud.adc-e.uk", "sts.eu-isoe-west-1.cloud.adc-e.uk"},
	{0, N ".dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1",
		"api.ecr.us-isof-south-1.csp.hci.ic.gov", "sts.us-isof-south-1.csp.hci.ic.gov"},
	{0, N ".dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1",
		"api.ecr-fips.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com"},
	{0, N ".dkr-ecr.eu-west-1.on.aws", "eu-west-1", "ecr.eu-west-1.api.aws",
		"sts.eu-west-1.amazonaws.com"},
	{0, N ".dkr-ecr-fips.us-gov-west-1.on.aws", "us-gov-west-1",
		"ecr-fips.us-gov-west-1.api.aws", "sts.us-gov-west-1.amazonaws.com"},
	{0, N ".dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1",
		"ecr.cn-north-1.api.amazonwebservices.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
	{0, N ".dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu", "eusc-de-east-1",
		"ecr.eusc-de-east-1.api.amazonwebservices.eu", "sts.eusc-de-east-1.amazonaws.eu"},
	{0, "public.ecr.aws", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com",
		"sts.us-east-1.amazonaws.com"},
	{0, "public.ecr.aws:443", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com",
		"sts.us-east-1.amazonaws.com"},
	{0, "ecr-public.aws.com", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com",
		"sts.us-east-1.amazonaws.com"},
	/* 32 letters */
	{0, N ".dkr.ecr.abcdefghijklmnopqrstuvwxyz-01234.amazonaws.com",
		"abcdefghijklmnopqrstuvwxyz-01234",
		"api.ecr.abcdefghijklmnopqrstuvwxyz-01234.amazonaws.com",
		"sts.abcdefghijklmnopqrstuvwxyz-01234.amazonaws.com"},

	{FIPS, N ".dkr.ecr.us-east-1.amazonaws.com", "us-east-1",
		"api.ecr-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"},
	{FIPS, N ".dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1",
		"api.ecr-fips.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"},
	{FIPS, "public.ecr.aws", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com",
		"sts-fips.us-east-1.amazonaws.com"},
	{DUAL, N ".dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "ecr.eu-west-1.api.aws",
		"sts.eu-west-1.api.aws"},
	{DUAL, N ".dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1",
		"ecr.cn-north-1.api.amazonwebservices.com.cn",
		"sts.cn-north-1.api.amazonwebservices.com.cn"},
	{DUAL, "public.ecr.aws", "us-east-1", "ecr-public.us-east-1.api.aws",
		"sts.us-east-1.api.aws"},
	{FIPS | DUAL, N ".dkr.ecr.us-east-1.amazonaws.com", "us-east-1",
		"ecr-fips.us-east-1.api.aws", "sts-fips.us-east-1.api.aws"},
	{FIPS | DUAL, N ".dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1",
		"ecr-fips.us-gov-west-1.api.aws", "sts-fips.us-gov-west-1.api.aws"},
	{FIPS | DUAL, N ".dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
		"ecr-fips.us-iso-east-1.api.aws.ic.gov", "sts-fips.us-iso-east-1.api.aws.ic.gov"},
};

static const char *const bad[] = {
	"",
	":443",
	"ghcr.io",
	"amazonaws.com",
	"dkr.ecr.eu-west-1.amazonaws.com",
	"ecr.eu-west-1.amazonaws.com",
	".dkr.ecr.eu-west-1.amazonaws.com",
	N ".dkr.ecr.eu-west-1.amazonaws.com.evil.example",
	N ".dkr.ecr.eu-west-1.amazonaws.com.",
	N ".dkr.ecr.eu-west-1.amazonaws.com:444",
	N ".dkr.ecr.eu-west-1.amazonaws.com:80",
	N ".dkr.ecr.eu-west-1.amazonaws.com:",
	N ".dkr.ecr.eu-west-1.amazonaws.com:443:443",
	N ".dkr.ecr.eu-west-1.amazonaws.co",
	N ".dkr.ecr.eu-west-1.xamazonaws.com",
	N ".dkr.ecr.eu-west-1.evil.example",
	N ".dkr.ecr.eu-west-1.",
	N ".dkr.ecr.eu-west-1",
	N ".dkr.ecr.eu-west-1.x.amazonaws.com",
	N ".dkr.ecr.eu_west_1.amazonaws.com",
	N ".dkr.ecr.EU-WEST-1.amazonaws.com",
	N ".dkr.ecr..amazonaws.com",
	N ".dkr.ecr.amazonaws.com",
	N ".dkr.ecr.abcdefghijklmnopqrstuvwxyz-012345.amazonaws.com",
	N ".dkr.ecr.eu-west-1.on.aws",
	N ".dkr-ecr.eu-west-1.amazonaws.com",
	N ".dkr-ecr.eu-west-1.api.aws",
	N ".dkr.ecr.eu-west-1.api.aws",
	N ".dkr-ecr.us-iso-east-1.on.aws.ic.gov",
	N ".dkr.ecr-fip.eu-west-1.amazonaws.com",
	N ".dkrxecr.eu-west-1.amazonaws.com",
	N "xdkr.ecr.eu-west-1.amazonaws.com",
	"12345678901.dkr.ecr.eu-west-1.amazonaws.com",
	"1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
	"a12345678901.dkr.ecr.eu-west-1.amazonaws.com",
	"x." N ".dkr.ecr.eu-west-1.amazonaws.com",
	" " N ".dkr.ecr.eu-west-1.amazonaws.com",
	"public.ecr.aws.evil.example",
	"xpublic.ecr.aws",
	"x.public.ecr.aws",
	"public.ecr.aws:444",
	"ecr.aws",
	"aws.com",
};

static void set(struct cloud *c, unsigned env)
{
	cloud_env_set(&c->env, "AWS_USE_FIPS_ENDPOINT", env & FIPS ? "true" : NULL);
	cloud_env_set(&c->env, "AWS_USE_DUALSTACK_ENDPOINT", env & DUAL ? "TRUE" : "false");
}

START_TEST(test_good)
{
	struct cloud c = {0};
	struct cloud_place place;
	struct err err = {0};
	auto_free char *sts = NULL, *want = mem_printf("https://%s/", good[_i].sts);

	set(&c, good[_i].env);
	ck_assert_msg(!cloud_aws.place(&c, good[_i].host, &place, &err), "%s: %s", good[_i].host,
		err.msg);
	ck_assert_str_eq(place.region, good[_i].region);
	ck_assert_str_eq(place.api, good[_i].api);
	ck_assert_int_eq(!strncmp(place.api, "api.ecr-public.", 15) ||
			!strncmp(place.api, "ecr-public.", 11),
		place.form == AWS_PUBLIC);
	sts = aws_sts_url(&c.env, &place);
	ck_assert_str_eq(sts, want);
	cloud_env_clear(&c.env);
}
END_TEST

START_TEST(test_bad)
{
	struct cloud c = {0};
	struct cloud_place place;
	struct err err = {0};
	auto_free char *quoted = mem_printf("'%s' is no registry of AWS", bad[_i]);

	ck_assert_msg(cloud_aws.place(&c, bad[_i], &place, &err) == -1, "'%s' is one", bad[_i]);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_msg(strstr(err.msg, quoted), "%s", err.msg);
	/* It says what would be one, and what to do, and no more than that. */
	ck_assert_msg(strstr(err.msg,
			      " such as ACCOUNT.dkr.ecr.REGION.amazonaws.com or public.ecr.aws: "
			      "correct spec.provider, or use a pull Secret"),
		"%s", err.msg);
	ck_assert_uint_lt(strlen(err.msg), strlen(quoted) + 120);
}
END_TEST

/* Another region, suffix or API is another key; another account of the same registry is not. */
START_TEST(test_keys)
{
	static const struct {
		const char *host;
		bool same_access, same_credential;
	} others[] = {
		{N ".dkr.ecr.eu-west-1.amazonaws.com", true, true},
		{"210987654321.dkr.ecr.eu-west-1.amazonaws.com", true, true},
		{N ".dkr.ecr-fips.eu-west-1.amazonaws.com", true, false},
		{N ".dkr-ecr.eu-west-1.on.aws", true, false},
		{N ".dkr.ecr.eu-west-2.amazonaws.com", false, false},
		{N ".dkr.ecr.eu-west-1.amazonaws.com.cn", false, false},
		{"public.ecr.aws", false, false},
	};
	struct cloud c = {0};
	struct cloud_ticket first = {.cloud = &c}, t = {.cloud = &c};
	auto_buf struct buf access = BUF_INIT(BUF_ANY), credential = BUF_INIT(BUF_ANY);
	struct err err = {0};
	size_t i;

	ck_assert(!cloud_aws.place(&c, others[0].host, &first.place, &err));
	cloud_aws.access_key(&first, &access);
	cloud_aws.credential_key(&first, &credential);
	for (i = 0; i < ARRAY_LEN(others); i++) {
		auto_buf struct buf a = BUF_INIT(BUF_ANY), b = BUF_INIT(BUF_ANY);

		ck_assert(!cloud_aws.place(&c, others[i].host, &t.place, &err));
		cloud_aws.access_key(&t, &a);
		cloud_aws.credential_key(&t, &b);
		ck_assert_int_eq(!strcmp(buf_str(&a), buf_str(&access)), others[i].same_access);
		ck_assert_int_eq(
			!strcmp(buf_str(&b), buf_str(&credential)), others[i].same_credential);
	}
}
END_TEST

static const struct {
	const char *value, *url, *host, *path; /* url NULL: refused, as host says */
	bool local;
} endpoints[] = {
	{NULL, "https://sts.example/", "sts.example", "/", false},
	{"http://127.0.0.1:4566", "http://127.0.0.1:4566/", "127.0.0.1:4566", "/", true},
	{"http://localhost:4566/", "http://localhost:4566/", "localhost:4566", "/", true},
	{"https://vpce-1.example:443/base", "https://vpce-1.example/base", "vpce-1.example",
		"/base", false},
	{"http://169.254.1.2/", "http://169.254.1.2/", "169.254.1.2", "/", true},
	{"http://[fd00:ec2::254]/", "http://[fd00:ec2::254]/", "[fd00:ec2::254]", "/", true},
	{"http://[fd00:ec3::254]/", "http://[fd00:ec3::254]/", "[fd00:ec3::254]", "/", false},
	{"http://[::1]:1/", "http://[::1]:1/", "[::1]:1", "/", true},
	{"https://10.0.0.1/", "https://10.0.0.1/", "10.0.0.1", "/", false},
	{"sts.example", NULL, "AWS_ENDPOINT_URL_STS: ", NULL, false},
	{"ftp://sts.example", NULL, "AWS_ENDPOINT_URL_STS: ", NULL, false},
	{"https://u:secret@sts.example/", NULL, "AWS_ENDPOINT_URL_STS: ", NULL, false},
	{"https://sts.example/?secret=1", NULL, "AWS_ENDPOINT_URL_STS: ", NULL, false},
	{"https://sts.example/#secret", NULL, "AWS_ENDPOINT_URL_STS: ", NULL, false},
};

START_TEST(test_endpoints)
{
	auto_endpoint struct aws_endpoint at = {NULL};
	struct cloud_env env = {0};
	struct err err = {0};
	int rc;

	cloud_env_set(&env, "AWS_ENDPOINT_URL_STS", endpoints[_i].value);
	rc = aws_endpoint(&at, &env, "AWS_ENDPOINT_URL_STS", "https://sts.example/", &err);
	cloud_env_clear(&env);
	if (!endpoints[_i].url) {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.kind, ERR_RETRY);
		ck_assert_msg(strstr(err.msg, endpoints[_i].host), "%s", err.msg);
		ck_assert_msg(!strstr(err.msg, "secret"), "%s", err.msg);
		return;
	}
	ck_assert_msg(!rc, "%s", err.msg);
	ck_assert_str_eq(at.url, endpoints[_i].url);
	ck_assert_str_eq(at.host, endpoints[_i].host);
	ck_assert_str_eq(at.path, endpoints[_i].path);
	ck_assert_int_eq(at.local, endpoints[_i].local);
}
END_TEST

Suite *suite_aws_place(void)
{
	Suite *s = suite_create("aws_place");
	TCase *t = tcase_create("aws_place");

	tcase_add_loop_test(t, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bad));
	tcase_add_test(t, test_keys);
	tcase_add_loop_test(t, test_endpoints, 0, ARRAY_LEN(endpoints));
	suite_add_tcase(s, t);
	return s;
}
