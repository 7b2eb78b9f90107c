#include "oci/identity_secret.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/client.h"
#include "oci/identity.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHAT "secret 'apps/s'"

static char *ca, *cert, *key, *text;

static char *file_read(const char *dir, const char *name)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	char bytes[8192];
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(bytes, 1, sizeof(bytes) - 1, f);
	fclose(f);
	bytes[n] = '\0';
	return mem_strdup(bytes);
}

/* Once for all tests, which are forked from here. */
static void certs_make(void)
{
	char dir[] = "/tmp/oci-unit-XXXXXX", cmd[512];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd),
		"cd %s && for n in ca cert; do openssl req -x509 -newkey ec -pkeyopt "
		"ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$n -keyout $n.key -out "
		"$n.pem 2>/dev/null || exit 1; done",
		dir);
	ck_assert_int_eq(system(cmd), 0);
	ca = file_read(dir, "ca.pem");
	cert = file_read(dir, "cert.pem");
	key = file_read(dir, "cert.key");
	text = mem_printf("# our own\n%s\nthe end\n", ca);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void certs_free(void)
{
	free(ca);
	free(cert);
	free(key);
	free(text);
}

static const char *value_of(const char *v)
{
	return !strcmp(v, "@ca")      ? ca
		: !strcmp(v, "@cert") ? cert
		: !strcmp(v, "@key")  ? key
		: !strcmp(v, "@text") ? text
				      : v;
}

/* A Secret of these values: name and value in turn, ends with NULL. */
static json_t *secret_of(const char *const *values)
{
	json_t *data = json_object();

	for (; *values; values += 2) {
		auto_buf struct buf b64 = BUF_INIT(BUF_ANY);

		ck_assert(!base64_encode(
			&b64, value_of(values[1]), strlen(value_of(values[1])), BASE64_STD));
		json_object_set_new(data, values[0], json_string(buf_str(&b64)));
	}
	return json_pack("{s:s,s:o}", "type", "Opaque", "data", data);
}

static const struct {
	const char *name;
	const char *values[9];
	const char *error; /* NULL: it is taken */
	bool ca, pair;
} certs[] = {
	{"ca", {"ca.crt", "@ca"}, NULL, true, false},
	{"pair", {"tls.crt", "@cert", "tls.key", "@key"}, NULL, false, true},
	{"all", {"ca.crt", "@ca", "tls.crt", "@cert", "tls.key", "@key"}, NULL, true, true},
	{"old names", {"caFile", "@ca", "certFile", "@cert", "keyFile", "@key"}, NULL, true, true},
	{"mixed names", {"tls.crt", "@cert", "keyFile", "@key"}, NULL, false, true},
	{"an empty new key hides the old one", {"ca.crt", "", "caFile", "@ca"},
		"must contain either 'ca.crt' or both", false, false},
	{"an empty pair beside a ca", {"ca.crt", "@ca", "tls.crt", "", "tls.key", ""}, NULL, true,
		false},
	{"text around", {"ca.crt", "@text"}, NULL, true, false},
	{"half a pair", {"tls.crt", "@cert"}, "contains 'tls.crt' but missing 'tls.key'", false,
		false},
	{"the other half", {"tls.key", "@key"}, "contains 'tls.key' but missing 'tls.crt'", false,
		false},
	{"another's key", {"tls.crt", "@ca", "tls.key", "@key"},
		"failed to parse TLS certificate and key", false, false},
	{"rubbish", {"ca.crt", "hunter2"}, "failed to parse CA certificate", false, false},
	{"a pair of rubbish", {"tls.crt", "hunter2", "tls.key", "hunter2"},
		"failed to parse TLS certificate and key", false, false},
	{"nothing", {"hunter2", "hunter2"}, "must contain either 'ca.crt' or both", false, false},
};

START_TEST(test_certs)
{
	json_t *secret = secret_of(certs[_i].values);
	struct oci_identity *id = oci_identity_new();
	const struct http_trust *t = oci_identity_trust(id);
	struct err err = {0};
	int rc = oci_identity_add_tls(id, secret, WHAT, &err);

	ck_assert_msg(!rc == !certs[_i].error, "%s: %s", certs[_i].name, err.msg);
	if (rc) {
		ck_assert_msg(strstr(err.msg, certs[_i].error) != NULL, "%s: %s", certs[_i].name,
			err.msg);
		ck_assert_ptr_eq(strstr(err.msg, WHAT), err.msg);
		ck_assert_ptr_null(strstr(err.msg, "hunter2"));
		ck_assert_int_eq(err.kind, ERR_RETRY);
	} else {
		ck_assert_int_eq(t->ca_pem.len > 0, certs[_i].ca);
		ck_assert_int_eq(t->cert_pem.len > 0, certs[_i].pair);
		ck_assert_int_eq(t->key_pem.len > 0, certs[_i].pair);
		ck_assert(!t->ca_only && !t->insecure);
		/* What is there must be proved, whatever spec.insecure says. */
		ck_assert(!oci_identity_trust_for(id, true)->insecure);
	}
	oci_identity_unref(id);
	json_decref(secret);
}
END_TEST

static const struct {
	const char *name;
	const char *values[7];
	const char *error, *url, *user, *password;
} proxies[] = {
	{"address", {"address", "http://proxy:3128"}, NULL, "http://proxy:3128", NULL, NULL},
	{"its user", {"address", "http://a:b@proxy:3128"}, NULL, "http://proxy:3128", "a", "b"},
	{"another user", {"address", "http://a:b@proxy:3128", "username", "c", "password", "d"},
		NULL, "http://proxy:3128", "c", "d"},
	{"a user alone", {"address", "http://a:b@proxy:3128", "username", "c"}, NULL,
		"http://proxy:3128", "c", ""},
	{"a password alone", {"address", "http://proxy:3128", "password", "hunter2"}, NULL,
		"http://proxy:3128", NULL, NULL},
	{"a user with signs", {"address", "https://proxy", "username", "a:b@c", "password", "@:"},
		NULL, "https://proxy:443", "a:b@c", "@:"},
	{"socks", {"address", "socks5://proxy"}, NULL, "socks5h://proxy:1080", NULL, NULL},
	{"no address", {"username", "c"}, "key 'address' not found", NULL, NULL, NULL},
	{"an empty one", {"address", ""}, "proxy address is empty", NULL, NULL, NULL},
	{"ftp", {"address", "ftp://u:hunter2@proxy"},
		"must use one of the supported schemes (http, https, socks5), got 'ftp'", NULL,
		NULL, NULL},
	{"socks5h", {"address", "socks5h://proxy"}, "supported schemes", NULL, NULL, NULL},
	{"no scheme", {"address", "u:hunter2@proxy:3128"}, "supported schemes", NULL, NULL, NULL},
	{"a port that is none", {"address", "http://u:hunter2@proxy:port"}, "", NULL, NULL, NULL},
};

START_TEST(test_proxies)
{
	json_t *secret = secret_of(proxies[_i].values);
	struct oci_identity *id = oci_identity_new();
	const struct http_proxy *p = oci_identity_proxy(id);
	struct err err = {0};
	int rc = oci_identity_set_proxy(id, secret, WHAT, &err);

	ck_assert_msg(!rc == !proxies[_i].error, "%s: %s", proxies[_i].name, err.msg);
	if (rc) {
		ck_assert_msg(strstr(err.msg, proxies[_i].error) != NULL, "%s: %s",
			proxies[_i].name, err.msg);
		ck_assert_ptr_eq(strstr(err.msg, WHAT), err.msg);
		ck_assert_ptr_null(strstr(err.msg, "hunter2"));
	} else {
		ck_assert_str_eq(p->url, proxies[_i].url);
		ck_assert_pstr_eq(p->user, proxies[_i].user);
		if (proxies[_i].password)
			ck_assert_str_eq(p->password.p ? p->password.p : "", proxies[_i].password);
		ck_assert(oci_identity_goes_aside(id));
	}
	oci_identity_unref(id);
	json_decref(secret);
}
END_TEST

START_TEST(test_too_long)
{
	auto_buf struct buf address = BUF_INIT(BUF_ANY);
	const char *values[] = {"address", NULL, NULL};
	struct oci_identity *id = oci_identity_new();
	struct err err = {0};
	json_t *secret;

	buf_adds(&address, "http://");
	while (address.len <= 2048)
		buf_addc(&address, 'a');
	values[1] = buf_str(&address);
	secret = secret_of(values);
	ck_assert_int_eq(oci_identity_set_proxy(id, secret, WHAT, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "maximum length of 2048 characters"));
	oci_identity_unref(id);
	json_decref(secret);
}
END_TEST

Suite *suite_identity_secret(void);
Suite *suite_identity_secret(void)
{
	Suite *s = suite_create("identity_secret");
	TCase *t = tcase_create("identity_secret");

	tcase_add_unchecked_fixture(t, certs_make, certs_free);
	tcase_add_loop_test(t, test_certs, 0, ARRAY_LEN(certs));
	tcase_add_loop_test(t, test_proxies, 0, ARRAY_LEN(proxies));
	tcase_add_test(t, test_too_long);
	suite_add_tcase(s, t);
	return s;
}
