/* Signatures by certificates below a .sig tag: what passes, and that each other one is refused for
   the reason that is wrong with it. */
#include "base/limits.h"
#include "base/vec.h"
#include "test/unit/verify/keyless.h"
#include "verify/legacy.h"
#include "verify/policy.h"

Suite *suite_legacy_keyless(void);

#define ANY "."
#define DEV "^dev@example\\.com$"
#define SET "the log's promise (SET) is not of this entry"
#define NUMBERS "an index or a time that is none"
#define NO_CA "the certificate is of no authority of the trusted root: "

static const struct keyless_row rows[] = {
	{"good", NULL},
	{"good-b", NULL, .manifest = "b"},
	{"email", NULL, .subject = DEV},
	{"other-name", NULL, .subject = "^dev!example\\.com$"},
	{"dns", NULL, .subject = "^host\\.example$"},
	{"many-names", NULL, .subject = DEV},
	{"many-names", NULL},
	{"old-issuer", NULL},
	{"new-issuer", NULL},
	{"two-scts", NULL},
	{"edges", NULL},
	{"p384-leaf", NULL},
	{"good", NULL, .root = "log-edges"},
	{"good", NO_CA "unable to get local issuer", .root = "anchor-only"},
	{"good", NULL, .root = "intermediate-only"},
	{"good", NULL, .root = "two-authorities"},
	{"names-inside", NULL, .root = "names", .subject = DEV},
	/* unanchored, as in Flux */
	{"good", NULL, .issuer = "issuer", .subject = "org/app"},
	/* L-N2 */
	{"good-b", "it is the signature of 'sha256:"},
	{"good", "it is the signature of 'sha256:", .manifest = "b"},
	/* L-N3, L-N4 */
	{"payload-changed", "the log entry is of another payload"},
	{"no-entry",
		"the layer has no annotation 'dev.sigstore.cosign/bundle', and no log is asked"},
	{"certificate-broken", "the certificate: it is no certificate in PEM"},
	{"no-certificate", "the layer has no annotation 'dev.sigstore.cosign/certificate'"},
	{"signed-by-another", "it is no signature by its certificate"},
	/* L-N5 */
	{"set-changed", SET},
	{"set-of-another-log", SET},
	{"time-changed", SET},
	{"index-changed", SET},
	{"index-negative", NUMBERS},
	{"index-large", NUMBERS},
	{"time-zero", NUMBERS},
	{"time-large", NUMBERS},
	{"log-ed25519", "is not of the kind that promises are signed with", .root = "log-ed25519"},
	{"time-real", "the log entry has no time or no index"},
	{"unknown-log", "the log entry is of a log that the trusted root does not have"},
	{"log-id-changed", "the log entry is of a log that the trusted root does not have"},
	{"log-id-upper", "the log entry's 'logID' is none"},
	{"log-id-empty", "the log entry's 'logID' is none"},
	{"log-id-odd", "the log entry's 'logID' is none"},
	{"log-id-long", "the log entry's 'logID' is none"},
	{"body-no-base64", "the log entry's 'body': malformed base64"},
	{"index-text", "the log entry has no time or no index"},
	{"entry-long", "the log entry has 26"},
	{"no-set", "the log entry has no 'SignedEntryTimestamp'"},
	{"good", "the log entry is of 2026-01-15T12:00:00Z, when the log was not trusted",
		.root = "log-later"},
	{"good", "the log entry is of 2026-01-15T12:00:00Z, when the log was not trusted",
		.root = "log-before"},
	/* L-N6 */
	{"entry-of-another-signature", "the log entry is of another signature"},
	{"entry-of-another-certificate", "the log entry is of another certificate"},
	{"entry-of-another-payload", "the log entry is of another payload"},
	{"entry-of-two-certificates", "the log entry is of another certificate"},
	{"body-no-signature", "the log entry is of another signature"},
	{"body-signature-short", "the log entry is of another signature"},
	{"body-signature-long", "the log entry is of another signature"},
	{"body-no-key", "the log entry is of another certificate"},
	{"body-key-junk", "the log entry is of another certificate"},
	{"body-no-hash", "the log entry has a digest of ''"},
	/* L-N7 */
	{"body-no-string", "the log entry has no 'body'"},
	{"body-no-json", "the body of the log entry"},
	{"body-other-kind", "the log entry is a 'rekord' '0.0.1'"},
	{"body-other-version", "the log entry is a 'hashedrekord' '0.0.2'"},
	{"body-sha512", "the log entry has a digest of 'sha512'"},
	{"entry-twice", "duplicate object key"},
	/* L-N8 */
	{"logged-before",
		"it was logged at 2026-01-15T12:00:00Z, and its certificate is valid from "
		"2026-01-15T12:00:01Z on"},
	{"logged-after",
		"it was logged at 2026-01-15T12:00:00Z, and its certificate is valid until "
		"2026-01-15T11:59:59Z"},
	{"logged-after-authority",
		"it was logged at 2026-01-15T12:00:00Z, when its authority's certificate was not "
		"valid",
		.root = "short"},
	/* L-N9 */
	{"no-sct", "the certificate has no timestamp (SCT)"},
	{"sct-of-unknown-log", "it is of a log that the trusted root does not have"},
	{"sct-of-another-certificate", "its signature is not of this certificate by that log"},
	{"good", "it is of a time when the log was not trusted", .root = "ct-before"},
	{"good", "it is of a time when the log was not trusted", .root = "ct-later"},
	{"good", "it is of a log that the trusted root does not have", .root = "no-ct"},
	/* L-N10 */
	{"self-made", NO_CA "certificate signature failure"},
	{"eku-server", NO_CA "the certificate is not for signing code"},
	{"no-eku", NO_CA "the certificate is not for signing code"},
	{"wrong-eku", NO_CA "a certificate above it is of an authority for other purposes",
		.root = "wrong-eku"},
	{"no-ca", NO_CA "invalid CA certificate", .root = "no-ca"},
	{"good", NO_CA "a certificate above it is of no authority", .root = "old-anchor"},
	{"path-length", NO_CA "path length constraint exceeded", .root = "path-length"},
	{"names-outside", NO_CA "permitted subtree violation", .root = "names", .subject = ANY},
	{"critical", NO_CA "unhandled critical extension"},
	{"good", NO_CA "none was trusted at that time", .root = "authority-before"},
	{"good", NO_CA "none was trusted at that time", .root = "authority-ended"},
	/* L-N11 */
	{"good", "the issuer fits no entry", .issuer = "^https://other\\.example$"},
	{"good", "the subject fits no entry", .subject = "^https://github\\.com/org/other/"},
	{"good", "the issuer fits no entry", .issuer = "^HTTPS://ISSUER\\.EXAMPLE$"},
	{"many-names", "the subject fits no entry", .subject = "^ops@example\\.com$"},
	{"two-issuers", "the certificate names two issuers", .issuer = ANY},
	{"no-issuer", "the certificate does not say who the issuer is", .issuer = ANY},
	{"issuer-trailing", "the issuer in the certificate: it is no UTF8String", .issuer = ANY},
	{"san-nul", "a name in the certificate has a NUL", .subject = ANY},
	{"other-name-nul", "a name in the certificate has a NUL", .subject = ANY},
	{"two-other-names", "the certificate has two otherNames", .subject = ANY},
	{"other-name-type", "an otherName of the type '1.2.3.4'", .subject = ANY},
	{"nobody", "the certificate names nobody", .subject = ANY},
};

static json_t *text_at(json_t *o, const char *name)
{
	json_t *v = json_object_get(o, name);

	return v ? v : json_null();
}

static enum verdict prove(json_t *o, const struct verify_policy *policy, const char *of,
	struct buf *signer, struct err *err)
{
	const char *payload = json_string_value(json_object_get(o, "payload"));
	auto_buf struct buf bytes = BUF_INIT(BUF_ANY);
	struct digest digest, manifest = vector_digest(of);
	char digest_text[DIGEST_TEXT_MAX];
	struct verify_legacy_layers l = {0};
	enum verdict verdict;
	auto_free char *text = NULL;
	json_t *m, *notes;

	buf_adds(&bytes, payload);
	digest_mem(&digest, DIGEST_SHA256, payload, strlen(payload));
	notes = json_pack("{sO}", "dev.cosignproject.cosign/signature", text_at(o, "signature"));
	if (json_object_get(o, "certificate"))
		json_object_set(notes, VERIFY_LEGACY_CERTIFICATE, text_at(o, "certificate"));
	if (json_object_get(o, "entry"))
		json_object_set(notes, VERIFY_LEGACY_LOG_ENTRY, text_at(o, "entry"));
	m = json_pack("{s[{sssIso}]}", "layers", "digest", digest_format(&digest, digest_text),
		"size", (json_int_t)strlen(payload), "annotations", notes);
	text = json_dumps(m, 0);
	json_decref(m);
	ck_assert_msg(!verify_legacy_read(&l, text, strlen(text), err), "%s", err->msg);
	verdict = VERDICT_BAD;
	if (l.p[0].why)
		err_set(err, ERR_RETRY, "%s", l.p[0].why);
	else
		verdict = verify_legacy(&l.p[0], &bytes, policy, &manifest, NULL, signer, err);
	verify_legacy_clear(&l);
	return verdict;
}

START_TEST(test_rows)
{
	keyless_row_check("legacy", &rows[_i], prove);
}
END_TEST

/* A name is shown whole, with its branch. */
START_TEST(test_long_name)
{
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("legacy", "long-name");
	auto_buf struct buf signer = BUF_INIT(VERIFY_SIGNER_MAX);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct err err = {0};

	keyless_who(&who, NULL, "^https://github\\.com/org/app/.*/release\\.yaml@refs/heads/main$");
	ck_assert_int_eq(prove(o, &policy, "a", &signer, &err), VERDICT_GOOD);
	ck_assert_msg(
		strstr(buf_str(&signer), "@refs/heads/main' of 'https://issuer.example'") != NULL,
		"%s", buf_str(&signer));
	verify_identities_clear(&who);
	json_decref(o);
	verify_root_unref(root);
}
END_TEST

/* One of several is enough, and both of its patterns must fit. */
START_TEST(test_several_identities)
{
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("legacy", "good");
	auto_buf struct buf signer = BUF_INIT(1024);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct err err = {0};

	verify_identities_add(&who, "^https://other\\.example$", KEYLESS_SUBJECT);
	keyless_who(&who, NULL, "^nobody$");
	ck_assert_int_eq(prove(o, &policy, "a", &signer, &err), VERDICT_BAD);
	ck_assert_msg(strstr(err.msg, "the subject fits no entry"), "%s", err.msg);
	verify_identities_clear(&who);
	verify_identities_add(&who, "^https://other\\.example$", ANY);
	keyless_who(&who, NULL, NULL);
	err_clear(&err);
	ck_assert_int_eq(prove(o, &policy, "a", &signer, &err), VERDICT_GOOD);
	verify_identities_clear(&who);
	json_decref(o);
	verify_root_unref(root);
}
END_TEST

static const struct {
	const char *issuer, *subject, *why;
} patterns[] = {
	{"", "a", "matchOIDCIdentity[0]: issuer is empty"},
	{"a", "", "matchOIDCIdentity[0]: subject is empty"},
	{"(", "a", "matchOIDCIdentity[0]: issuer: "},
	{"a", "[", "matchOIDCIdentity[0]: subject: "},
	{NULL, NULL, "matchOIDCIdentity has 0 entries"},
};

START_TEST(test_patterns)
{
	struct verify_identities who = {0};
	struct err err = {0};

	if (patterns[_i].issuer)
		verify_identities_add(&who, patterns[_i].issuer, patterns[_i].subject);
	ck_assert_int_eq(verify_identities_compile(&who, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, patterns[_i].why), "%s", err.msg);
	verify_identities_clear(&who);
}
END_TEST

Suite *suite_legacy_keyless(void)
{
	Suite *s = suite_create("legacy_keyless");
	TCase *tc = tcase_create("legacy_keyless");

	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_long_name);
	tcase_add_test(tc, test_several_identities);
	tcase_add_loop_test(tc, test_patterns, 0, ARRAY_LEN(patterns));
	suite_add_tcase(s, tc);
	return s;
}
