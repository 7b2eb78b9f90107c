/* trustpolicy.json, and the Secret that it lies in. */
#include "verify/notation_policy.h"

#include "base/limits.h"
#include "test/unit/verify/vectors.h"
#include "verify/notation_trust.h"

Suite *suite_notation_policy(void);

/* ---- documents ------------------------------------------------------------------------------- */

#define DN "x509.subject: C=US, ST=WA, O=Notary"
#define LEVEL(level) "\"signatureVerification\":{\"level\":\"" level "\"}"
#define LISTS "\"trustStores\":[\"ca:x\"],\"trustedIdentities\":[\"" DN "\"]"
#define SCOPES(list) "\"registryScopes\":[" list "]"
#define NAMED(name, scopes, rest) "{\"name\":\"" name "\"," SCOPES(scopes) "," rest "}"
#define POLICY(statements) "{\"version\":\"1.0\",\"trustPolicies\":[" statements "]}"
/* one statement, all of it good but for what is given */
#define ONE(rest) POLICY(NAMED("a", "\"*\"", rest))
#define SCOPED(scopes) POLICY(NAMED("a", scopes, LEVEL("strict") "," LISTS))
#define VERIFICATION(text) ONE("\"signatureVerification\":{" text "}," LISTS)
#define STORES(list) \
	ONE(LEVEL("strict") ",\"trustStores\":[" list "],\"trustedIdentities\":[\"" DN "\"]")
#define IDENTITIES(list) \
	ONE(LEVEL("strict") ",\"trustStores\":[\"ca:x\"],\"trustedIdentities\":[" list "]")

static const struct {
	const char *text, *why; /* NULL: good */
} documents[] = {
	{ONE(LEVEL("strict") "," LISTS), NULL},
	{ONE(LEVEL("permissive") "," LISTS), NULL},
	{ONE(LEVEL("audit") "," LISTS), NULL},
	{ONE(LEVEL("skip")), NULL},
	{ONE(LEVEL("skip") "," LISTS), NULL}, /* as Flux takes it */
	{ONE(LEVEL("strict") "," LISTS ",\"other\":7"), NULL},
	{"{\"version\":\"1.1\",\"trustPolicies\":[]}", "its version is '1.1', not '1.0'"},
	{"{\"version\":1.0,\"trustPolicies\":[]}", "its version is '', not '1.0'"},
	{"{\"Version\":\"1.0\",\"trustPolicies\":[]}", "its version is ''"},
	{"{\"trustPolicies\":[]}", "its version is ''"},
	{"[]", "its version is ''"},
	{"", "it is not valid JSON"},
	{"{\"version\":\"1.0\",\"version\":\"1.0\"}", "duplicate object key"},
	{POLICY(""), "it has no trustPolicies"},
	{"{\"version\":\"1.0\"}", "it has no trustPolicies"},
	{POLICY("7"), "a statement has no name"},
	{POLICY(NAMED("", "\"*\"", LEVEL("skip"))), "a statement has no name"},
	{POLICY(NAMED("a", "\"a/b\"", LEVEL("skip")) "," NAMED("a", "\"a/c\"", LEVEL("skip"))),
		"two statements are named 'a'"},
	/* levels */
	{ONE(LISTS), "statement 'a': signatureVerification.level is ''"},
	{ONE(LEVEL("Strict") "," LISTS), "signatureVerification.level is 'Strict'"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"expiry\":\"log\"}"), NULL},
	{VERIFICATION("\"level\":\"strict\",\"override\":{}"), NULL},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"integrity\":\"log\"}"),
		"integrity cannot be overridden"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"integrity\":\"enforce\"}"),
		"integrity cannot be overridden"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"expiry\":\"skip\"}"),
		"override: 'expiry' cannot be skipped"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"authenticity\":\"skip\"}"),
		"override: 'authenticity' cannot be skipped"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"revocation\":\"skip\"}"), NULL},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"expiry\":\"warn\"}"),
		"override of 'expiry': enforce, log or skip"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"expiry\":7}"),
		"override of 'expiry': enforce, log or skip"},
	{VERIFICATION("\"level\":\"strict\",\"override\":{\"other\":\"log\"}"),
		"override: there is no check 'other'"},
	{VERIFICATION("\"level\":\"strict\",\"override\":[]"), "override is no object"},
	{VERIFICATION("\"level\":\"skip\",\"override\":{\"expiry\":\"log\"}"),
		"level skip has no overrides"},
	{VERIFICATION("\"level\":\"strict\",\"verifyTimestamp\":\"\""), NULL},
	{VERIFICATION("\"level\":\"strict\",\"verifyTimestamp\":\"always\""), NULL},
	{VERIFICATION("\"level\":\"strict\",\"verifyTimestamp\":\"afterCertExpiry\""), NULL},
	{VERIFICATION("\"level\":\"strict\",\"verifyTimestamp\":\"never\""),
		"verifyTimestamp is always or afterCertExpiry"},
	{VERIFICATION("\"level\":\"strict\",\"verifyTimestamp\":7"),
		"verifyTimestamp is always or afterCertExpiry"},
	/* scopes */
	{SCOPED("\"*\""), NULL},
	{SCOPED("\"ghcr.io/org/app\",\"localhost:5000/a-b.c_d__e/f---g\",\"r/0\""), NULL},
	{SCOPED(""), "registryScopes is no list, or an empty one"},
	{SCOPED("7"), "registryScopes holds what is no text"},
	{SCOPED("\"*\",\"a/b\""), "registryScopes holds '*' and others"},
	{SCOPED("\"a/b\",\"*\""), "registryScopes holds '*' and others"},
	{SCOPED("\"a/b\",\"a/b\""), "registryScopes: 'a/b' is there twice"},
	{POLICY(NAMED("a", "\"a/b\"", LEVEL("skip")) "," NAMED("b", "\"a/b\"", LEVEL("skip"))),
		"registryScopes: 'a/b' is there twice"},
	{POLICY(NAMED("a", "\"*\"", LEVEL("skip")) "," NAMED("b", "\"*\"", LEVEL("skip"))),
		"registryScopes: '*' is there twice"},
	{SCOPED("\"ghcr.io\""), "'ghcr.io' is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io@app\""), "'ghcr.io@app' is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr./app\""), "'ghcr./app' is no REGISTRY/REPOSITORY"},
	{SCOPED("{}"), "registryScopes holds what is no text"},
	{SCOPED("\"oci://ghcr.io/app\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/app:1\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/*\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/App\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/a/\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io//a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/a..b\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/a___b\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io/a-\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"-ghcr.io/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr-/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr..io/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.-io/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr-.io/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"ghcr.io:/a\""), "is no REGISTRY/REPOSITORY"},
	{SCOPED("\"/a\""), "is no REGISTRY/REPOSITORY"},
	/* stores */
	{STORES("\"ca:x\",\"signingAuthority:a.b_c-D\",\"tsa:0\""), NULL},
	{STORES(""), "trustStores is no list, or an empty one"},
	{STORES("\"ca\""), "trustStores: 'ca' is none of ca:NAME"},
	{STORES("\"ca:\""), "trustStores: 'ca:' is none of"},
	{STORES("\"ca:a/b\""), "trustStores: 'ca:a/b' is none of"},
	{STORES("\"ca:../x\""), "trustStores: 'ca:../x' is none of"},
	{STORES("\"CA:x\""), "trustStores: 'CA:x' is none of"},
	{STORES("\"cat:x\""), "trustStores: 'cat:x' is none of"},
	{ONE(LEVEL("strict") ",\"trustedIdentities\":[\"*\"]"), "trustStores is no list"},
	/* identities */
	{IDENTITIES("\"*\""), NULL},
	{IDENTITIES("\"other:x\""), NULL},
	{IDENTITIES(""), "trustedIdentities is no list, or an empty one"},
	{IDENTITIES("\"\""), "trustedIdentities holds what is no text, or an empty one"},
	{IDENTITIES("\"*\",\"" DN "\""), "trustedIdentities holds '*' and others"},
	{IDENTITIES("\"C=US\""), "trustedIdentities: 'C=US': it is none of '*' and"},
	{IDENTITIES("\"x509.subject:\""), "it is no list of TYPE=VALUE"},
	{IDENTITIES("\"x509.subject: C=US, ST=WA\""), "it has no 'O'"},
	{IDENTITIES("\"" DN "\",\"" DN ", CN=a\""), "it overlaps with another one"},
	{IDENTITIES("\"" DN ", CN=a\",\"" DN "\""), "it overlaps with another one"},
	{IDENTITIES("\"" DN "\",\"" DN "\""), "it overlaps with another one"},
	{IDENTITIES("\"" DN ", CN=a\",\"" DN ", CN=b\""), NULL},
};

START_TEST(test_documents)
{
	const char *text = documents[_i].text;
	struct verify_notation_policy *p = NULL;
	struct err err = {0};
	int rc = verify_policy_parse(&p, text, strlen(text), &err);

	ck_assert_msg(!rc == !documents[_i].why, "%s: %s", text, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, documents[_i].why), "%s: %s", text, err.msg);
	verify_policy_free(p);
}
END_TEST

static struct verify_notation_policy *policy_of(const char *text)
{
	struct verify_notation_policy *p = NULL;
	struct err err = {0};

	ck_assert_msg(!verify_policy_parse(&p, text, strlen(text), &err), "%s", err.msg);
	return p;
}

static const char *found(const struct verify_notation_policy *p, const char *repository)
{
	const struct verify_statement *s = verify_policy_find(p, repository);

	return s ? s->name : "";
}

START_TEST(test_find)
{
	struct verify_notation_policy *p = policy_of(POLICY(NAMED("one", "\"r.io/a\",\"r.io/b\"",
		LEVEL("skip")) "," NAMED("all", "\"*\"", LEVEL("strict") "," LISTS)));

	ck_assert_str_eq(found(p, "r.io/a"), "one");
	ck_assert_str_eq(found(p, "r.io/b"), "one");
	ck_assert_str_eq(found(p, "r.io/a/c"), "all");
	ck_assert_str_eq(found(p, "R.io/a"), "all");
	ck_assert(verify_policy_find(p, "r.io/a")->skips);
	ck_assert(!verify_policy_find(p, "x/y")->skips);
	verify_policy_free(p);
	p = policy_of(SCOPED("\"r.io/a\""));
	ck_assert_str_eq(found(p, "r.io/a"), "a");
	ck_assert_str_eq(found(p, "r.io/b"), "");
	ck_assert_str_eq(found(p, "r.io/a:1"), "");
	verify_policy_free(p);
}
END_TEST

/* ---- Secrets --------------------------------------------------------------------------------- */

#define GOOD ONE(LEVEL("strict") "," LISTS)

/* %s: a certificate in PEM. */
static const struct {
	const char *policy, *name, *content;
	const char *why; /* NULL: good */
} secrets[] = {
	{GOOD, "a.crt", "%s", NULL},
	{GOOD, "a.pem", "words before it\n%s", NULL},
	/* What is behind the first one does not count, as in Flux. */
	{GOOD, "a.crt", "%sjunk", NULL},
	{NULL, "a.crt", "%s", "it has no entry 'trustpolicy.json'"},
	{"{", "a.crt", "%s", "trustpolicy.json: it is not valid JSON"},
	{GOOD, "a.cert", "%s", "it has no certificate: no entry's name ends in '.crt' or '.pem'"},
	{GOOD, "a.crt", "", "certificate 'a.crt': it is no certificate, in PEM or DER"},
	{GOOD, "a.crt", "junk", "certificate 'a.crt': it is no certificate, in PEM or DER"},
	{GOOD, "a.pem",
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEAF1XU8PWt1YgjtBcqgcH5ouvIubXf0j/5IJd5GUN2buw=\n"
		"-----END PUBLIC KEY-----\n",
		"certificate 'a.pem': it is a PEM block 'PUBLIC KEY', and no certificate"},
	{GOOD, "a.pem", "-----BEGIN CERTIFICATE-----\nanVuaw==\n-----END CERTIFICATE-----\n",
		"certificate 'a.pem': it is no certificate"},
};

static int secret_read(struct verify_trust **t, const char *policy, const char *name,
	const char *content, struct err *err)
{
	json_t *o = json_object();
	int rc;

	json_object_set_new(o, "data", json_object());
	if (policy)
		vector_entry(o, "trustpolicy.json", policy);
	vector_entry(o, name, content);
	rc = verify_trust_read(t, o, err);
	json_decref(o);
	return rc;
}

START_TEST(test_secrets)
{
	auto_free char *pem = vector_text("notation/", "p256-1", ".crt");
	const char *content = secrets[_i].content, *mark = strstr(content, "%s");
	auto_free char *text = mark
		? mem_printf("%.*s%s%s", (int)(mark - content), content, pem, mark + 2)
		: mem_strdup(content);
	struct verify_trust *t = NULL;
	struct err err = {0};
	int rc = secret_read(&t, secrets[_i].policy, secrets[_i].name, text, &err);

	ck_assert_msg(!rc == !secrets[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, secrets[_i].why), "row %d: %s", _i, err.msg);
	else
		ck_assert_uint_eq(t->certs.len, 1);
	verify_trust_unref(t);
}
END_TEST

/* What an API server does not send. */
START_TEST(test_odd_secrets)
{
	static const struct {
		const char *data, *why;
	} odd[] = {
		{"{\"trustpolicy.json\":7}", "trustpolicy.json: it is no text"},
		{"{\"trustpolicy.json\":\"#\"}", "trustpolicy.json: malformed base64"},
		{"{\"a.crt\":7}", "certificate 'a.crt': it is no text"},
		{"{\"a.crt\":\"#\"}", "certificate 'a.crt': malformed base64"},
	};
	json_t *o = json_object(), *data = json_loads(odd[_i].data, 0, NULL);
	struct verify_trust *t = NULL;
	struct err err = {0};

	vector_entry(o, "trustpolicy.json", GOOD);
	json_object_update(json_object_get(o, "data"), data);
	ck_assert_int_eq(verify_trust_read(&t, o, &err), -1);
	ck_assert_msg(strstr(err.msg, odd[_i].why) == err.msg, "%s", err.msg);
	json_decref(data);
	json_decref(o);
}
END_TEST

START_TEST(test_too_many_identities)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_notation_policy *p = NULL;
	struct err err = {0};
	int i;

	buf_adds(&text,
		"{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"a\","
		"\"registryScopes\":[\"*\"]," LEVEL("strict") ",\"trustStores\":[\"ca:x\"],"
							      "\"trustedIdentities\":[");
	for (i = 0; i <= LIMIT_POLICY_IDENTITIES; i++)
		buf_addf(&text, "%s\"" DN ", CN=%d\"", i ? "," : "", i);
	buf_adds(&text, "]}]}");
	ck_assert_int_eq(verify_policy_parse(&p, buf_str(&text), text.len, &err), -1);
	ck_assert_msg(strstr(err.msg, "there are more than 100") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_too_many_certificates)
{
	auto_free char *pem = vector_text("notation/", "p256-1", ".crt");
	json_t *o = json_object();
	struct verify_trust *t = NULL;
	struct err err = {0};
	int i;

	vector_entry(o, "trustpolicy.json", GOOD);
	for (i = 0; i < LIMIT_TRUST_CERTS; i++) {
		auto_free char *name = mem_printf("%d.crt", i);

		vector_entry(o, name, pem);
	}
	ck_assert_msg(!verify_trust_read(&t, o, &err), "%s", err.msg);
	verify_trust_unref(t);
	vector_entry(o, "one.pem", pem);
	ck_assert_int_eq(verify_trust_read(&t, o, &err), -1);
	ck_assert_str_eq(err.msg, "it has more than 100 certificates");
	json_decref(o);
}
END_TEST

/* What counts makes the digest. */
START_TEST(test_digest)
{
	auto_free char *a = vector_text("notation/", "p256-1", ".crt");
	auto_free char *b = vector_text("notation/", "p256-2", ".crt");
	struct verify_trust *t[4];
	struct err err = {0};
	int i;

	ck_assert(!secret_read(&t[0], GOOD, "a.crt", a, &err));
	ck_assert(!secret_read(&t[1], GOOD, "b.crt", a, &err));
	ck_assert(!secret_read(&t[2], GOOD, "a.crt", b, &err));
	ck_assert(!secret_read(&t[3], ONE(LEVEL("audit") "," LISTS), "a.crt", a, &err));
	ck_assert(digest_equal(&t[0]->digest, &t[1]->digest));
	ck_assert(!digest_equal(&t[0]->digest, &t[2]->digest));
	ck_assert(!digest_equal(&t[0]->digest, &t[3]->digest));
	for (i = 0; i < 4; i++)
		verify_trust_unref(t[i]);
}
END_TEST

Suite *suite_notation_policy(void)
{
	Suite *s = suite_create("notation_policy");
	TCase *tc = tcase_create("documents");

	tcase_add_loop_test(tc, test_documents, 0, ARRAY_LEN(documents));
	tcase_add_test(tc, test_find);
	tcase_add_loop_test(tc, test_secrets, 0, ARRAY_LEN(secrets));
	tcase_add_loop_test(tc, test_odd_secrets, 0, 4);
	tcase_add_test(tc, test_too_many_identities);
	tcase_add_test(tc, test_too_many_certificates);
	tcase_add_test(tc, test_digest);
	suite_add_tcase(s, tc);
	return s;
}
