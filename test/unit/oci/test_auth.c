#include "oci/auth.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_auth(void);

static const struct {
	const char *header;
	int rc;
	enum oci_scheme scheme;
	const char *realm, *service, *scope;
} challenges[] = {
	{"Bearer "
	 "realm=\"https://auth.docker.io/"
	 "token\",service=\"registry.docker.io\",scope=\"repository:library/alpine:pull\"",
		0, OCI_AUTH_BEARER, "https://auth.docker.io/token", "registry.docker.io",
		"repository:library/alpine:pull"},
	{"bearer REALM=\"https://a/t\" , Service = \"s\"", 0, OCI_AUTH_BEARER, "https://a/t", "s",
		""},
	{"Basic realm=\"Registry\"", 0, OCI_AUTH_BASIC, "Registry", "", ""},
	{"Basic", 0, OCI_AUTH_BASIC, "", "", ""},
	{"Basic realm=Nexus", 0, OCI_AUTH_BASIC, "Nexus", "", ""},
	{"Negotiate, Basic realm=\"x\"", 0, OCI_AUTH_BASIC, "x", "", ""},
	{"Negotiate YWJjZA==, Basic realm=\"x\"", 0, OCI_AUTH_BASIC, "x", "", ""},
	{"Basic realm=\"x\", Bearer realm=\"https://a/t\",service=\"s\"", 0, OCI_AUTH_BEARER,
		"https://a/t", "s", ""},
	{"Bearer realm=\"https://a/t\", Basic realm=\"x\"", 0, OCI_AUTH_BEARER, "https://a/t", "",
		""},
	{"Digest realm=\"d\", qop=\"auth, auth-int\", nonce=\"a,b\", Basic realm=\"x\"", 0,
		OCI_AUTH_BASIC, "x", "", ""},
	{"Bearer realm=\"a\\\"b\"", 0, OCI_AUTH_BEARER, "a\"b", "", ""},
	{"Bearer realm=\"https://a/t\",error=\"invalid_token\",error_description=\"x, y=z\"", 0,
		OCI_AUTH_BEARER, "https://a/t", "", ""},
	{"", 0, OCI_AUTH_NONE, "", "", ""},
	{" , ,", 0, OCI_AUTH_NONE, "", "", ""},
	{"Negotiate", 0, OCI_AUTH_NONE, "", "", ""},
	{"Bearer", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer service=\"x\"", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=\"unterminated", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=\"a\\", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=\"a\",realm=\"b\"", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=\"a\" garbage\"", -1, OCI_AUTH_NONE, "", "", ""},
	{"Bearer realm=\"a\nb\"", -1, OCI_AUTH_NONE, "", "", ""},
	{"\"Bearer\" realm=x", -1, OCI_AUTH_NONE, "", "", ""},
};

START_TEST(challenge)
{
	struct oci_challenge c = {.scheme = OCI_AUTH_NONE};
	struct err err = {0};
	int rc = oci_challenge_parse(&c, challenges[_i].header, &err);

	ck_assert_msg(rc == challenges[_i].rc, "'%s': %d %s", challenges[_i].header, rc, err.msg);
	ck_assert_msg(
		c.scheme == challenges[_i].scheme, "'%s': %d", challenges[_i].header, c.scheme);
	ck_assert_str_eq(c.realm, challenges[_i].realm);
	ck_assert_str_eq(c.service, challenges[_i].service);
	ck_assert_str_eq(c.scope, challenges[_i].scope);
}
END_TEST

START_TEST(too_long)
{
	struct oci_challenge c = {.scheme = OCI_AUTH_NONE};
	auto_free char *scope = mem_zalloc(OCI_SCOPE_MAX + 1);
	auto_free char *header = NULL;
	struct err err = {0};

	memset(scope, 's', OCI_SCOPE_MAX);
	header = mem_printf("Bearer realm=\"https://a/t\",scope=\"%s\"", scope);
	ck_assert(oci_challenge_parse(&c, header, &err));
	ck_assert(strstr(err.msg, "longer than") != NULL);
	header[strlen(header) - 2] = '"';
	header[strlen(header) - 1] = '\0';
	ck_assert(!oci_challenge_parse(&c, header, &err));
}
END_TEST

START_TEST(several_headers)
{
	struct oci_challenge c = {.scheme = OCI_AUTH_NONE};
	struct err err = {0};

	ck_assert(!oci_challenge_parse(&c, "Bearer realm=\"https://a/t\"", &err));
	ck_assert(!oci_challenge_parse(&c, "Basic realm=\"x\"", &err));
	ck_assert_int_eq(c.scheme, OCI_AUTH_BEARER);
	ck_assert_str_eq(c.realm, "https://a/t");
}
END_TEST

static const struct {
	const char *realm, *registry;
	bool ok;
} realms[] = {
	{"https://auth.docker.io/token", "https://index.docker.io", true},
	{"https://auth.docker.io/token?account=x", "https://index.docker.io", true},
	{"http://auth.docker.io/token", "https://index.docker.io", false},
	{"http://auth.local.example/token", "http://reg.example", true},
	/* Addresses are judged when the connection is opened (test_guard.c). */
	{"https://10.0.0.1/token", "https://reg.example", true},
	{"http://127.0.0.1:5001/token", "http://127.0.0.1:5000", true},
	{"https://0x7f.1/token", "https://reg.example", false},
	{"https://user:pw@auth.example/token", "https://reg.example", false},
	{"ftp://auth.example/token", "https://reg.example", false},
	{"file:///etc/passwd", "https://reg.example", false},
	{"/token", "https://reg.example", false},
	{"", "https://reg.example", false},
};

START_TEST(realm)
{
	struct err err = {0};
	int rc = oci_realm_check(realms[_i].realm, realms[_i].registry, &err);

	ck_assert_msg(!rc == realms[_i].ok, "'%s' from '%s': %d %s", realms[_i].realm,
		realms[_i].registry, rc, err.msg);
	if (rc)
		ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert(!strstr(err.msg, "pw"));
}
END_TEST

Suite *suite_auth(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");

	tcase_add_loop_test(t, challenge, 0, ARRAY_LEN(challenges));
	tcase_add_loop_test(t, realm, 0, ARRAY_LEN(realms));
	tcase_add_test(t, too_long);
	tcase_add_test(t, several_headers);
	suite_add_tcase(s, t);
	return s;
}
