#include "text/steady.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_steady(void);

#define URL "https://reg.example:5000/v2/org/app/manifests/main-3f2c1a9b4d"
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *text, *want;
} texts[] = {
	/* Azure Container Registry */
	{"UNAUTHORIZED: authentication required, visit https://aka.ms/acr/authorization for more "
	 "information. CorrelationId: 8f14e45f-ceea-467f-9575-2d1f3c5b8a10",
		"UNAUTHORIZED: authentication required, visit https://aka.ms/acr/authorization for "
		"more "
		"information. CorrelationId: <id>"},
	{"DENIED: client with IP '40.1.2.3' is not allowed access. Refer "
	 "https://aka.ms/acr/firewall "
	 "(correlation id=\"abc\")",
		"DENIED: client with IP '40.1.2.3' is not allowed access. Refer "
		"https://aka.ms/acr/firewall (correlation id=\"<id>\")"},
	/* Amazon ECR and S3 */
	{"RepositoryNotFoundException: The repository with name 'app' does not exist in the "
	 "registry "
	 "with id '123456789012' (Service: AmazonECR; Status Code: 400; Request ID: "
	 "1b2c3d4e-0000-4a5b-8c6d-7e8f9a0b1c2d; Proxy: null)",
		"RepositoryNotFoundException: The repository with name 'app' does not exist in the "
		"registry with id '<id>' (Service: AmazonECR; Status Code: 400; Request ID: <id>; "
		"Proxy: null)"},
	{"AccessDenied (RequestId: TX234S0F24A06C7, HostId: abc)",
		"AccessDenied (RequestId: <id>, HostId: abc)"},
	{"SlowDown TX234S0F24A06C7", "SlowDown <id>"},
	/* Docker Hub */
	{"TOOMANYREQUESTS: You have reached your unauthenticated pull rate limit. "
	 "https://www.docker.com/increase-rate-limit",
		"TOOMANYREQUESTS: You have reached your unauthenticated pull rate limit. "
		"https://www.docker.com/increase-rate-limit"},
	/* GitHub */
	{"TOOMANYREQUESTS: retry-after: 215.32??s, allowed: 44000/minute",
		"TOOMANYREQUESTS: retry-after: <time>, allowed: 44000/minute"},
	{"request id E3A2:3C5F:1A2B3C4:1B2C3D4:65A1B2C3 failed",
		"request id E3A2:3C5F:1A2B3C4:"
		"1B2C3D4:<id> failed"},
	{"request id: E3A2:3C5F:1A2B3C4:1B2C3D4:65A1B2C3 failed", "request id: <id> failed"},
	/* Google Artifact Registry */
	{"DENIED: Permission \"artifactregistry.repositories.downloadArtifacts\" denied on "
	 "resource "
	 "\"projects/prod-1/locations/us/repositories/apps\" (or it may not exist)",
		"DENIED: Permission \"artifactregistry.repositories.downloadArtifacts\" denied on "
		"resource \"projects/prod-1/locations/us/repositories/apps\" (or it may not "
		"exist)"},
	{"Quota exceeded, trace 105445aa7843bc8bf206b12000100000/1;o=1",
		"Quota exceeded, trace <id>/1;o=1"},
	/* Harbor, distribution */
	{"NOT_FOUND: artifact org/app:main-3f2c1a9b4d not found",
		"NOT_FOUND: artifact org/app:main-3f2c1a9b4d not found"},
	{"MANIFEST_UNKNOWN: manifest sha256:" HEX64 " unknown to main-aaaaaaaa1",
		"MANIFEST_UNKNOWN: manifest sha256:" HEX64 " unknown to main-<id>"},
	{"UNKNOWN: unknown error at 2026-01-31T09:30:00.123Z", "UNKNOWN: unknown error at <time>"},
	{"2026/01/31 09:30:00 [emerg] no space, retry in 37 seconds",
		"<time> [emerg] no space, retry in <time>"},
	{"since 2026-01-31T09:30:00+02:00 or 2026-01-31 or 09:30Z",
		"since <time> or <time> or 09:30Z"},
	{"try again after 1m30.5s", "try again after <time>"},
	{"try again in 12.5 s.", "try again in <time>."},
	{"X-Request-Id: req-7", "X-Request-Id: <id>"},
	{"traceId=4bf92f3577b34da6 spanId=00f067aa0ba902b7", "traceId=<id> spanId=<id>"},
	{"Cloudflare Ray ID: 8a1b2c3d4e5f6789-FRA", "Cloudflare Ray ID: <id>"},
	/* What says something and does not change */
	{"request id is missing", "request id is missing"},
	{"x509: certificate is for v1.2.3, port 5000, 404, 1048576 bytes, kubernetes1",
		"x509: certificate is for v1.2.3, port 5000, 404, 1048576 bytes, kubernetes1"},
	{"effaced decade facades deadbeef", "effaced decade facades deadbeef"},
	{"", ""},
};

START_TEST(text)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);

	steady_add(&out, texts[_i].text, URL);
	ck_assert_str_eq(buf_str(&out), texts[_i].want);
}
END_TEST

Suite *suite_steady(void)
{
	Suite *s = suite_create("steady");
	TCase *t = tcase_create("steady");

	tcase_add_loop_test(t, text, 0, ARRAY_LEN(texts));
	suite_add_tcase(s, t);
	return s;
}
