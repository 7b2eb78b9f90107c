/* What annotations demand besides: of certificates what they say of the build, of keys an entry of
   a log; in both layouts, and each refusal with its own reason. */
#include "base/limits.h"
#include "base/vec.h"
#include "crypto/digest.h"
#include "test/unit/crypto/certs.h"
#include "test/unit/verify/keyless.h"
#include "verify/bundle.h"
#include "verify/checks.h"
#include "verify/demands.h"
#include "verify/legacy.h"

Suite *suite_demands(void);

#define SIGNER "https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1"
#define P VERIFY_DEMANDS_PREFIX

/* ---- reading --------------------------------------------------------------------------------- */

static const struct {
	const char *annotations, *why;
} reads[] = {
	{"{}", NULL},
	{"{\"reconcile.fluxcd.io/requestedAt\":\"now\",\"verify.example/source\":\"x\"}", NULL},
	{"{\"" P "source-repository-uri\":\"https://github.com/org/app\"}", NULL},
	{"{\"" P "build-signer-uri\":\"a\",\"" P "runner-environment\":\"b\",\"" P
	 "source-repository-ref\":\"c\",\"" P "build-trigger\":\"d\",\"" P
	 "require-log\":\"true\"}",
		NULL},
	{"{\"" P "require-log\":\"false\"}", NULL},
	{"{\"" P "require-log\":\"yes\"}",
		"annotation '" P "require-log': it is neither 'true' nor 'false'"},
	{"{\"" P "require-log\":\"\"}", "it is neither 'true' nor 'false'"},
	{"{\"" P "source-repositry-uri\":\"x\"}",
		"annotation '" P "source-repositry-uri': nobody knows what that demands"},
	{"{\"" P "Build-Trigger\":\"x\"}", "nobody knows what that demands"},
	{"{\"" P "\":\"x\"}", "annotation '" P "': nobody knows what that demands"},
	{"{\"" P "build-trigger\":\"\"}",
		"annotation '" P "build-trigger': it is empty: without it anything will do"},
	{"{\"" P "build-trigger\":1}", "annotation '" P "build-trigger': it is no plain text"},
	{"{\"" P "build-trigger\":\"a\\u0000b\"}", "it is no plain text"},
};

START_TEST(test_read)
{
	json_t *o = json_loads(reads[_i].annotations, JSON_ALLOW_NUL, NULL);
	struct verify_demands d = {0};
	struct err err = {0};

	ck_assert(o);
	ck_assert_int_eq(verify_demands_read(&d, o, &err), reads[_i].why ? -1 : 0);
	if (reads[_i].why) {
		ck_assert_int_eq(err.kind, ERR_STALL);
		ck_assert_msg(strstr(err.msg, reads[_i].why), "%s", err.msg);
	}
	verify_demands_clear(&d);
	json_decref(o);
}
END_TEST

START_TEST(test_long_value)
{
	struct verify_demands d = {0};
	struct err err = {0};
	char *value = mem_zalloc(LIMIT_PATTERN + 2);

	memset(value, 'x', LIMIT_PATTERN);
	ck_assert(!verify_demands_add(&d, "build-trigger", value, &err));
	value[LIMIT_PATTERN] = 'x';
	ck_assert(verify_demands_add(&d, "build-trigger", value, &err));
	ck_assert_msg(strstr(err.msg, "it has more than "), "%s", err.msg);
	free(value);
	verify_demands_clear(&d);
}
END_TEST

static struct digest digest_of(const struct verify_demands *d)
{
	auto_digest_ctx struct digest_ctx h = {0};
	struct digest out;

	digest_ctx_init(&h, DIGEST_SHA256);
	verify_demands_digest(d, &h);
	digest_final(&h, &out);
	return out;
}

/* Whatever is demanded is part of what an artifact was verified by. */
START_TEST(test_digest)
{
	static const char *const sets[][2] = {{"build-trigger", "push"}, {"build-trigger", "tag"},
		{"source-repository-ref", "push"}, {"source-repository-uri", "push"},
		{"build-signer-uri", "push"}, {"runner-environment", "push"},
		{"require-log", "true"}};
	struct digest seen[ARRAY_LEN(sets) + 1];
	struct verify_demands d = {0}, copy = {0};
	struct err err = {0};
	size_t i, k;

	for (i = 0; i <= ARRAY_LEN(sets); i++) {
		if (i)
			ck_assert(!verify_demands_add(&d, sets[i - 1][0], sets[i - 1][1], &err));
		seen[i] = digest_of(&d);
		for (k = 0; k < i; k++)
			ck_assert(!digest_equal(&seen[i], &seen[k]));
		verify_demands_copy(&copy, &d);
		seen[i] = digest_of(&copy);
		verify_demands_clear(&copy);
		verify_demands_clear(&d);
		ck_assert(!verify_demands_of_certificate(&d));
	}
}
END_TEST

/* ---- proving --------------------------------------------------------------------------------- */

static enum verdict bundle_prove(json_t *o, const struct verify_policy *policy, struct err *err)
{
	auto_free char *text = json_dumps(o, 0);
	auto_buf struct buf signer = BUF_INIT(BUF_ANY);
	struct digest manifest = vector_digest("a");
	struct verify_bundle b = {0};
	enum verdict verdict;

	ck_assert_msg(!verify_bundle_parse(&b, text, strlen(text), err), "%s", err->msg);
	verdict = verify_bundle(&b, policy, &manifest, NULL, &signer, err);
	verify_bundle_clear(&b);
	return verdict;
}

static char *text_at(json_t *o, const char *name)
{
	return (char *)(uintptr_t)json_string_value(json_object_get(o, name));
}

static enum verdict layer_prove(json_t *o, const struct verify_policy *policy, struct err *err)
{
	const char *payload = text_at(o, "payload"), *sig = text_at(o, "signature");
	struct verify_legacy_layer layer = {.sig = BUF_INIT(BUF_ANY),
		.certificate = text_at(o, "certificate"),
		.log_entry = text_at(o, "entry")};
	auto_buf struct buf signer = BUF_INIT(BUF_ANY), bytes = BUF_INIT(BUF_ANY);
	struct digest manifest = vector_digest("a");
	enum verdict verdict;

	buf_adds(&bytes, payload);
	ck_assert(!base64_decode(&layer.sig, sig, strlen(sig), BASE64_STD, err));
	verdict = verify_legacy(&layer, &bytes, policy, &manifest, NULL, &signer, err);
	buf_clear(&layer.sig);
	return verdict;
}

/* "name=value name=value" */
static void demand(struct verify_demands *d, const char *words)
{
	auto_free char *copy = mem_strdup(words);
	char *rest = copy, *word;
	struct err err = {0};

	while (*words && (word = strsep(&rest, " "))) {
		char *value = strchr(word, '=');

		*value++ = '\0';
		ck_assert_msg(!verify_demands_add(d, word, value, &err), "%s", err.msg);
	}
}

static void row_check(const char *file, const char *name, const char *root_name, const char *words,
	const char *keys, const char *why)
{
	struct verify_root *root = keyless_root(root_name);
	json_t *o = keyless_case(file, name);
	struct verify_identities who = {0};
	struct verify_demands demands = {0};
	struct verify_policy policy = {.root = root, .who = &who, .demands = &demands};
	struct verify_keys *k = keys ? vector_keys(keys) : NULL;
	struct err err = {0};
	enum verdict got;

	policy.keys = k;
	keyless_who(&who, NULL, NULL);
	demand(&demands, words);
	got = !strcmp(file, "bundle") ? bundle_prove(o, &policy, &err)
				      : layer_prove(o, &policy, &err);
	ck_assert_msg((got == VERDICT_GOOD) == !why, "%s %s: %s", file, name, err.msg);
	if (why)
		ck_assert_msg(strstr(err.msg, why), "%s %s: %s", file, name, err.msg);
	verify_demands_clear(&demands);
	verify_identities_clear(&who);
	verify_keys_unref(k);
	json_decref(o);
	verify_root_unref(root);
}

#define ALL \
	"build-signer-uri=" SIGNER " runner-environment=github-hosted " \
	"source-repository-uri=https://github.com/org/app source-repository-ref=refs/tags/v1 " \
	"build-trigger=push"
#define NOT_TEXT "the certificate's source-repository-ref: it is no UTF8String"

static const struct {
	const char *name, *demands, *why;
} builds[] = {
	{"build", "", NULL},
	{"build", ALL, NULL},
	{"good", "", NULL},
	{"build-source-only", "source-repository-uri=https://github.com/org/app", NULL},
	{"build", "build-signer-uri=x",
		"the certificate's build-signer-uri is 'https://github.com/org/app/.github/"
		"workflows/release.yaml@refs/tags/v1', not 'x'"},
	{"build", "runner-environment=self-hosted",
		"the certificate's runner-environment is 'github-hosted', not 'self-hosted'"},
	{"build", "source-repository-uri=https://github.com/org/ap",
		"the certificate's source-repository-uri is 'https://github.com/org/app', not "
		"'https://github.com/org/ap'"},
	{"build", "source-repository-uri=https://github.com/org/app2",
		"the certificate's source-repository-uri is"},
	{"build", "source-repository-uri=https://github.com/ORG/app",
		"the certificate's source-repository-uri is"},
	/* no patterns */
	{"build", "source-repository-uri=.*", "the certificate's source-repository-uri is"},
	{"build", "source-repository-ref=refs/tags/v2",
		"the certificate's source-repository-ref is 'refs/tags/v1', not 'refs/tags/v2'"},
	{"build", "build-trigger=schedule",
		"the certificate's build-trigger is 'push', not 'schedule'"},
	{"good", "build-signer-uri=x",
		"the certificate has no build-signer-uri (1.3.6.1.4.1.57264.1.9)"},
	{"good", "runner-environment=x",
		"the certificate has no runner-environment (1.3.6.1.4.1.57264.1.11)"},
	{"good", "source-repository-uri=x",
		"the certificate has no source-repository-uri (1.3.6.1.4.1.57264.1.12)"},
	{"build-source-only", "source-repository-ref=x",
		"the certificate has no source-repository-ref (1.3.6.1.4.1.57264.1.14)"},
	{"good", "build-trigger=x",
		"the certificate has no build-trigger (1.3.6.1.4.1.57264.1.20)"},
	{"build-no-text", "source-repository-ref=refs/tags/v1", NOT_TEXT},
	{"build-no-text", "source-repository-uri=https://github.com/org/app", NULL},
	{"build-trailing", "source-repository-ref=refs/tags/v1", NOT_TEXT},
	{"build-empty", "source-repository-ref=refs/tags/v1",
		"the certificate's source-repository-ref is '', not 'refs/tags/v1'"},
	{"build-nul", "source-repository-ref=refs/tags/v1",
		"the certificate's source-repository-ref is"},
	/* A certificate is in a log in any case. */
	{"build", "require-log=true", NULL},
};

START_TEST(test_builds)
{
	row_check("legacy", builds[_i].name, "good", builds[_i].demands, NULL, builds[_i].why);
	row_check("bundle", builds[_i].name, "good", builds[_i].demands, NULL, builds[_i].why);
}
END_TEST

/* Nobody says which of the two counts. */
START_TEST(test_twice)
{
	static const char *const wanted[] = {"a", "b", "c"};
	struct cert *leaf = cert_of("source-twice");
	struct verify_demands d = {0};
	struct err err = {0};

	ck_assert(!verify_demands_add(&d, "source-repository-uri", wanted[_i], &err));
	ck_assert_int_eq(verify_demands_check(&d, leaf, &err), -1);
	ck_assert_str_eq(err.msg, "the certificate has the extension 1.3.6.1.4.1.57264.1.12 twice");
	verify_demands_clear(&d);
	cert_free(leaf);
}
END_TEST

#define LOG "require-log=true"
#define ANOTHER(what) "the log entry is of another " what
#define SET "the log's promise (SET) is not of this entry"
#define UNKNOWN_LOG "the log entry is of a log that the trusted root does not have"
#define NO_WAY "the inclusion proof does not lead from this signature to the root"

static const struct {
	const char *file, *name, *root, *demands, *keys, *why;
} logged[] = {
	{"legacy", "key", "good", "", "rsa2048", NULL},
	{"legacy", "key", "good", LOG, "rsa2048", NULL},
	{"legacy", "key", "good", LOG, "p256 rsa2048", NULL},
	{"legacy", "key", "good", "require-log=false", "rsa2048", NULL},
	{"legacy", "key", "good", LOG, "p256", "it is a signature of none of the keys"},
	{"legacy", "key", "log-later", LOG, "rsa2048", "when the log was not trusted"},
	{"legacy", "key", "log-later", "", "rsa2048", NULL},
	{"legacy", "key-no-entry", "good", "", "rsa2048", NULL},
	{"legacy", "key-no-entry", "good", LOG, "rsa2048",
		"the layer has no annotation 'dev.sigstore.cosign/bundle', and no log is asked"},
	{"legacy", "key-of-another-key", "good", LOG, "rsa2048", ANOTHER("key")},
	{"legacy", "key-of-a-certificate", "good", LOG, "rsa2048", ANOTHER("key")},
	{"legacy", "key-of-another-signature", "good", LOG, "rsa2048", ANOTHER("signature")},
	{"legacy", "key-of-another-payload", "good", LOG, "rsa2048", ANOTHER("payload")},
	{"legacy", "key-unknown-log", "good", LOG, "rsa2048", UNKNOWN_LOG},
	{"legacy", "key-set-changed", "good", LOG, "rsa2048", SET},
	{"legacy", "key-set-changed", "good", "", "rsa2048", NULL},
	{"bundle", "key", "good", "", "rsa2048", NULL},
	{"bundle", "key", "good", LOG, "rsa2048", NULL},
	{"bundle", "key", "good", LOG, "p256 rsa2048", NULL},
	{"bundle", "key-intoto", "good", LOG, "rsa2048", NULL},
	{"bundle", "key-no-set", "good", LOG, "rsa2048", NULL},
	{"bundle", "key-v2", "v2", LOG, "rsa2048", NULL},
	{"bundle", "key", "good", LOG, "p256", "it is a signature of none of the keys"},
	{"bundle", "key-no-entry", "good", "", "rsa2048", NULL},
	{"bundle", "key-no-entry", "good", LOG, "rsa2048", "the bundle has no entry of a log"},
	{"bundle", "key-of-another-key", "good", LOG, "rsa2048", ANOTHER("key")},
	{"bundle", "key-of-a-certificate", "good", LOG, "rsa2048", ANOTHER("key")},
	{"bundle", "key-of-another-signature", "good", LOG, "rsa2048", ANOTHER("signature")},
	{"bundle", "key-of-another-payload", "good", LOG, "rsa2048", ANOTHER("payload")},
	{"bundle", "key-unknown-log", "good", LOG, "rsa2048", UNKNOWN_LOG},
	{"bundle", "key-set-changed", "good", LOG, "rsa2048", SET},
	{"bundle", "key-set-changed", "good", "", "rsa2048", NULL},
	{"bundle", "key-note-other-key", "good", LOG, "rsa2048",
		"the checkpoint is not signed by the entry's log"},
	{"bundle", "key-v2", "good", LOG, "rsa2048", UNKNOWN_LOG},
	{"bundle", "key-v2-of-another-key", "v2", LOG, "rsa2048", NO_WAY},
	{"bundle", "key-v2-of-another-signature", "v2", LOG, "rsa2048", NO_WAY},
	{"bundle", "key-v2-as-certificate", "v2", LOG, "rsa2048", NO_WAY},
	{"bundle", "key-v2-other-log-key", "v2", LOG, "rsa2048",
		"the checkpoint is not signed by the entry's log"},
};

/* A root without logs lets pass what none knows, but for who wants one. */
START_TEST(test_no_logs)
{
	row_check("bundle", "stamped", "no-logs", "", NULL, NULL);
	row_check("bundle", "stamped", "no-logs", LOG, NULL, "the bundle has no entry of a log");
	row_check("bundle", "stamped-and-logged", "no-logs", LOG, NULL, UNKNOWN_LOG);
}
END_TEST

/* Of who wants a log and nothing else the certificate is not asked what was built. */
START_TEST(test_log_alone)
{
	struct verify_root *root = keyless_root("good");
	struct verify_identities who = {0};
	struct verify_demands demands = {0};
	struct verify_report report = {0};
	struct verify_policy policy = {
		.root = root, .who = &who, .demands = &demands, .report = &report};
	json_t *o = keyless_case(_i ? "bundle" : "legacy", "good");
	const struct verify_reported *row;
	struct err err = {0};
	size_t asked = 0;

	keyless_who(&who, NULL, NULL);
	demand(&demands, LOG);
	ck_assert_int_eq((_i ? bundle_prove : layer_prove)(o, &policy, &err), VERDICT_GOOD);
	vec_each (&report.rows, row) {
		if (strcmp(row->name, "extensions") != 0)
			continue;
		ck_assert_int_eq(row->outcome, VERIFY_NOT_ASKED);
		asked++;
	}
	ck_assert_uint_eq(asked, 1);
	verify_report_clear(&report);
	json_decref(o);
	verify_demands_clear(&demands);
	verify_identities_clear(&who);
	verify_root_unref(root);
}
END_TEST

START_TEST(test_logged)
{
	row_check(logged[_i].file, logged[_i].name, logged[_i].root, logged[_i].demands,
		logged[_i].keys, logged[_i].why);
}
END_TEST

Suite *suite_demands(void)
{
	Suite *s = suite_create("demands");
	TCase *tc = tcase_create("demands");

	tcase_add_loop_test(tc, test_read, 0, ARRAY_LEN(reads));
	tcase_add_test(tc, test_digest);
	tcase_add_loop_test(tc, test_builds, 0, ARRAY_LEN(builds));
	tcase_add_loop_test(tc, test_logged, 0, ARRAY_LEN(logged));
	tcase_add_loop_test(tc, test_twice, 0, 3);
	tcase_add_test(tc, test_no_logs);
	tcase_add_loop_test(tc, test_log_alone, 0, 2);
	tcase_add_test(tc, test_long_value);
	suite_add_tcase(s, tc);
	return s;
}
