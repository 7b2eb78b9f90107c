/* Each signature was computed twice elsewhere: by botocore 1.43's SigV4Auth, and by a few lines of
   Python that follow AWS's manual. They agree, and so does the Go SDK about the first two. */
#include "cloud/sigv4.h"

#include "base/mem.h"
#include "base/time.h"
#include "http/client.h"

#include <check.h>
#include <string.h>

Suite *suite_sigv4(void);

#define ID "AKIAOCISOURCETEST001"
#define KEY "oci-source-controller/test+secret/key0001"
#define TOKEN "IQoJtestSession//Token+0001=="
#define DATE "20260131T093000Z"
#define HOST "api.ecr.eu-west-1.amazonaws.com"
#define JSON {"Content-Type", "application/x-amz-json-1.1"}
#define ECR {"X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}
#define PUBLIC {"X-Amz-Target", "SpencerFrontendService.GetAuthorizationToken"}

static const struct {
	const char *name, *id, *key, *token, *region, *service, *date, *method, *host, *path;
	struct http_hdr hdrs[6];
	const char *body, *signed_names, *signature;
} vectors[] = {
	{"the contract", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/", {JSON, ECR},
		"{}", "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"28d0b322a48247d5562be85c97eb8e460e4d38768654e6153ecdba47ff5105c9"},
	{"no token", ID, KEY, "", "eu-west-1", "ecr", DATE, "POST", HOST, "/", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-target",
		"0cae00088fd5d9740bfdc6499063b079678692b9d976d0d21d9dbf1f8efe6907"},
	{"public", ID, KEY, TOKEN, "us-east-1", "ecr-public", DATE, "POST",
		"api.ecr-public.us-east-1.amazonaws.com", "/", {JSON, PUBLIC}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"27a275df4747f8164d1cd7eaadbedc955fbf81afb3cb6ea16113cf210507fa7a"},
	{"public, no token", ID, KEY, "", "us-east-1", "ecr-public", DATE, "POST",
		"api.ecr-public.us-east-1.amazonaws.com", "/", {JSON, PUBLIC}, "{}",
		"content-type;host;x-amz-date;x-amz-target",
		"e7fb2f497f5e40be34ee23b5b572df78a5d78296a19e452fe4e756e2af0d5e7d"},
	{"China", ID, KEY, TOKEN, "cn-north-1", "ecr", DATE, "POST",
		"api.ecr.cn-north-1.amazonaws.com.cn", "/", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"71864bfe4406d82a3ba797e2610c839833beeb4dc970c61934e514df7d2cd765"},
	{"FIPS", ID, KEY, TOKEN, "us-gov-west-1", "ecr", DATE, "POST",
		"ecr-fips.us-gov-west-1.api.aws", "/", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"5f42349d872f92f201f8300b2e6856b982f5c06c645c7b8a519cac92dcd3108c"},
	{"a port", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", "127.0.0.1:4566", "/",
		{JSON, ECR}, "{}", "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"8ffeceee7489f6881b525d3ba631ab4de88171c0b54eba1484711a4ca196c297"},
	{"blanks around", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{{"Content-Type", "  application/x-amz-json-1.1 "}, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"28d0b322a48247d5562be85c97eb8e460e4d38768654e6153ecdba47ff5105c9"},
	{"blanks within", ID, KEY, "", "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{JSON, ECR, {"X-Amz-Note", "a   b  c"}}, "{}",
		"content-type;host;x-amz-date;x-amz-note;x-amz-target",
		"bd384a4ad1f466335e67f65fbb36977848e0fff5a5f8189742f44d4386030ce6"},
	{"blanks everywhere", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{JSON, ECR, {"X-Amz-Note", "   a  b   c    "}}, "{}",
		"content-type;host;x-amz-date;x-amz-note;x-amz-security-token;x-amz-target",
		"a3ceda70f2d13e8c32af4e179de7ffe35b811ce15cbfbb3bffecf4449671e94d"},
	{"an empty value", ID, KEY, "", "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{JSON, ECR, {"X-Amz-Note", ""}}, "{}",
		"content-type;host;x-amz-date;x-amz-note;x-amz-target",
		"4b6bb973478547f753f2dcb5adb26cd18709b3a36545a06355f39844a26c71db"},
	{"only blanks", ID, KEY, "", "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{JSON, ECR, {"X-Amz-Note", "   "}}, "{}",
		"content-type;host;x-amz-date;x-amz-note;x-amz-target",
		"4b6bb973478547f753f2dcb5adb26cd18709b3a36545a06355f39844a26c71db"},
	{"order of names", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{{"X-Amz-Z", "1"}, {"X-Amz-A", "2"}, ECR, {"Accept", "*/*"}, JSON}, "{}",
		"accept;content-type;host;x-amz-a;x-amz-date;x-amz-security-token;x-amz-target;x-"
		"amz-z",
		"c897fbce325af5b3e9ef38a88c345f665a486e4ccf72c81f068599335051e2f7"},
	{"case of names", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{{"CONTENT-TYPE", "application/x-amz-json-1.1"},
			{"x-amz-target",
				"AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"}},
		"{}", "content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"28d0b322a48247d5562be85c97eb8e460e4d38768654e6153ecdba47ff5105c9"},
	{"a prefix of another name", ID, KEY, "", "eu-west-1", "ecr", DATE, "POST", HOST, "/",
		{{"X-Amz-T", "1"}, ECR, JSON, {"X-Amz-Target-B", "2"}}, "{}",
		"content-type;host;x-amz-date;x-amz-t;x-amz-target;x-amz-target-b",
		"0c589b5ebcdbd8c4948689665470bf34c90e58bfc38c51906fa7eda52186df6c"},
	{"no body", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/", {JSON, ECR}, "",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"30b92bedff403273788913c6b9c0d35a3d551248cb60788c72a9be8d4dd70a20"},
	{"a long body", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", HOST, "/", {JSON, ECR},
		"{\"registryIds\":[\"123456789012\",\"210987654321\"]}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"0650680392c894d526cc5b24082b9fa9b838a2985ad3460f241f166423c8c80a"},
	{"GET without headers", ID, KEY, "", "us-east-1", "sts", DATE, "GET",
		"sts.us-east-1.amazonaws.com", "/", {}, "", "host;x-amz-date",
		"832f2b6574d07dbd9d396ed67850edeeeae56ab2e7bb19a574a64332f7a1dacd"},
	{"a path", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST", "vpce.example.com",
		"/a/b-c_d.e~f", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"cea8f8275aab14da3fe355df484192cf944e23db079bb09e1dae444592db4608"},
	{"a path that is encoded", ID, KEY, TOKEN, "eu-west-1", "ecr", DATE, "POST",
		"vpce.example.com", "/a%20b/c:d@e", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"021ad4cda4a681124fcffceffbd3dc48bbbeaef443cc48976043d969acd9e95d"},
	{"the last second of a year", ID, KEY, TOKEN, "eu-west-1", "ecr", "20251231T235959Z",
		"POST", HOST, "/", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"103288e4948eec6a52b3300420026bdb4a85c2a4f7133a53d64ae8572aa3510a"},
	{"a leap day", ID, KEY, "", "eu-west-1", "ecr", "20280229T000000Z", "POST", HOST, "/",
		{JSON, ECR}, "{}", "content-type;host;x-amz-date;x-amz-target",
		"86c585b121eed0c2e90f993a8f759688a97386f6e80f5e027e48bcb93d72e792"},
	{"other keys", "ASIAZZZZZZZZZZZZZZZZ", "/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+",
		"FwoGZXIvYXdzEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ap-southeast-4", "ecr",
		DATE, "POST", "api.ecr.ap-southeast-4.amazonaws.com", "/", {JSON, ECR}, "{}",
		"content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
		"e659e846da3d4d8d4ade4cfee5f7094b16a2ce7208576c2fdb7533a367518077"},
};

/* "20260131T093000Z" */
static int64_t wall_of(const char *date)
{
	auto_free char *text = mem_printf("%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", date, date + 4,
		date + 6, date + 9, date + 11, date + 13);
	struct err err = {0};
	int64_t ms;

	ck_assert_msg(!time_parse_rfc3339(text, &ms, &err), "%s", err.msg);
	return ms;
}

START_TEST(test_vectors)
{
	auto_secret struct secret key = {0}, token = {0};
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	char date[SIGV4_DATE_MAX];
	struct sigv4 s = {.id = vectors[_i].id,
		.key = &key,
		.token = &token,
		.region = vectors[_i].region,
		.service = vectors[_i].service,
		.wall_ms = wall_of(vectors[_i].date) + 999,
		.method = vectors[_i].method,
		.host = vectors[_i].host,
		.path = vectors[_i].path,
		.hdrs = vectors[_i].hdrs,
		.body = vectors[_i].body,
		.body_len = strlen(vectors[_i].body)};
	auto_free char *want = mem_printf("AWS4-HMAC-SHA256 "
					  "Credential=%s/%.8s/%s/%s/aws4_request, "
					  "SignedHeaders=%s, Signature=%s",
		s.id, vectors[_i].date, s.region, s.service, vectors[_i].signed_names,
		vectors[_i].signature);

	secret_set(&key, vectors[_i].key, strlen(vectors[_i].key));
	secret_set(&token, vectors[_i].token, strlen(vectors[_i].token));
	sigv4_sign(&s, date, &got);
	ck_assert_str_eq(date, vectors[_i].date);
	ck_assert_msg(!strcmp(buf_str(&got), want), "%s: '%s' instead of '%s'", vectors[_i].name,
		buf_str(&got), want);

	/* Without a struct for the token it is as without a token. */
	if (!token.len) {
		buf_reset(&got);
		s.token = NULL;
		sigv4_sign(&s, date, &got);
		ck_assert_str_eq(buf_str(&got), want);
	}
}
END_TEST

Suite *suite_sigv4(void)
{
	Suite *s = suite_create("sigv4");
	TCase *t = tcase_create("sigv4");

	tcase_add_loop_test(t, test_vectors, 0, ARRAY_LEN(vectors));
	suite_add_tcase(s, t);
	return s;
}
