/* Signatures of the Notary Project: those of its own library, and what must not pass, each for its
   reason. In JWS; for COSE see test_cose.c. */
#include "verify/notation.h"

#include "test/unit/verify/notation.h"
#include "verify/notation_chain.h"

Suite *suite_notation(void);

#define JOSE "application/jose+json"

/* ---- files ----------------------------------------------------------------------------------- */

#define KEY "it is no signature of the signer's key"
#define ALG "its algorithm is '"
#define CHAIN "certificate 'CN=signer,O=Notary,L=Seattle,ST=WA,C=US': "
#define CA1 "certificate 'CN=CA 1,O=Notary,L=Seattle,ST=WA,C=US': "
#define CA2 "certificate 'CN=CA 2,O=Notary,L=Seattle,ST=WA,C=US': "
#define JSON " is not valid JSON"

static const struct notation_row rows[] = {
	{"rsa2048-1", NULL, false},
	{"rsa2048-2", NULL, false},
	{"rsa2048-3", NULL, false},
	{"rsa3072-1", NULL, false},
	{"rsa3072-2", NULL, false},
	{"rsa3072-3", NULL, false},
	{"rsa4096-1", NULL, false},
	{"rsa4096-2", NULL, false},
	{"rsa4096-3", NULL, false},
	{"p256-1", NULL, false},
	{"p256-2", NULL, false},
	{"p256-3", NULL, false},
	{"p384-1", NULL, false},
	{"p384-2", NULL, false},
	{"p384-3", NULL, false},
	{"p521-1", NULL, false},
	{"p521-2", NULL, false},
	{"p521-3", NULL, false},
	{"by-hand", NULL, false},
	{"authority", NULL, false},
	{"expires-later", NULL, false},
	{"n3-annotated", NULL, false},
	{"n5-not-critical", NULL, false},
	{"envelope-timestamp", NULL, false},
	{"n7-usage-repudiation", NULL, false},
	{"eku-none", NULL, false},
	{"path-just-long-enough", NULL, false},
	{"salt-of-five", NULL, false},
	{"authority-expired-since", NULL, false},
	{"root-lists-crl", NULL, false},
	{"names-permitted", NULL, false},
	/* N-N1 */
	{"n1-other-root", "none of the trusted certificates is in the signature's chain", false},
	{"n1-good-root-added", CA1 "the next one has not issued it", false},
	{"n1-other-key", KEY, false},
	/* N-N2 */
	{"n2-other-org",
		"the signer 'CN=signer,O=Other,L=Seattle,ST=WA,C=US' is none of the trusted",
		false},
	{"n2-other-case", "is none of the trusted identities", false},
	{"n2-no-state", "it has no 'ST'", false},
	{"n2-two-units", "it has 'OU' more than once", false},
	{"n2-email", "it has an attribute that RFC 4514 has no name for", false},
	{"n2-org-with-comma", "is none of the trusted identities", false},
	/* N-N3 */
	{"n3-other-digest", "it is the signature of 'sha256:d9298a10d1b0735837dc4bd85dac641b0f3c",
		false},
	{"n3-other-size", "it is the signature of 1235 bytes, not of 1234", false},
	{"n3-other-type", "of the type 'application/vnd.oci.image.index.v1+json', not '", false},
	{"n3-size-is-text", "it is the signature of -1 bytes", false},
	{"n3-no-digest", "it is the signature of ''", false},
	{"n3-two-digests", "duplicate object key", true},
	{"n3-two-targets", "duplicate object key", true},
	{"n3-is-no-object", "it is the signature of ''", false},
	{"n3-payload-type", "the payload is of the type 'application/vnd.cncf.notary.payload.v2",
		false},
	/* N-N4 */
	{"n4-alg-none", ALG "none', and that of the signer's key is ES256", false},
	{"n4-alg-HS256", ALG "HS256'", false},
	{"n4-alg-RS256", ALG "RS256'", false},
	{"n4-alg-ES384", ALG "ES384'", false},
	{"n4-alg-PS256", ALG "PS256'", false},
	{"n4-alg-es256", ALG "es256'", false},
	{"n4-alg-", ALG "'", false},
	{"n4-ps256-rsa3072", ALG "PS256', and that of the signer's key is PS384", false},
	{"n4-rs256", ALG "RS256'", false},
	{"n4-pkcs1", KEY, false},
	{"n4-sig-short", KEY, false},
	{"n4-sig-long", KEY, false},
	{"n4-sig-empty", "it has no 'signature'", false},
	{"n4-sig-zero", KEY, false},
	{"n4-sig-bit", KEY, false},
	{"n4-sig-der", KEY, false},
	/* N-N5 */
	{"n5-no-crit", "'crit' is missing, empty or no list", false},
	{"n5-crit-empty", "'crit' is missing, empty or no list", false},
	{"n5-crit-text", "'crit' is missing, empty or no list", false},
	{"n5-crit-number", "'crit' holds what is no text", false},
	{"n5-crit-repeated", "'crit' names 'io.cncf.notary.signingScheme' twice", false},
	{"n5-crit-alg", "'crit' names 'alg', which it must not", false},
	{"n5-crit-absent", "'crit' names 'com.example.absent', which is not there", false},
	{"n5-crit-unknown", "the critical attribute 'com.example.known' is not known", true},
	{"n5-crit-without-scheme", "the critical attribute 'com.example.known'", false},
	{"n5-both-times", "the scheme has no 'io.cncf.notary.authenticSigningTime'", false},
	{"n5-no-time", "there is no 'io.cncf.notary.signingTime'", false},
	{"n5-authority-not-critical", "'crit' does not name 'io.cncf.notary.authenticSigningTime'",
		false},
	{"n5-authority-signing-time", "the scheme has no 'io.cncf.notary.signingTime'", false},
	{"n5-no-scheme", "the signing scheme '' is not known", false},
	{"n5-other-scheme", "the signing scheme 'notary.pgp' is not known", false},
	{"n5-duplicate", "duplicate object key", true},
	{"n5-header-list", ALG "'", false},
	/* N-N6 */
	{"n6-expired", "it has expired on 2026-03-01T00:00:00Z", false},
	{"n6-expiry-is-signing-time", "it expires before it was signed", false},
	{"n6-expiry-before", "it expires before it was signed", false},
	{"n6-expiry-not-critical", "'crit' does not name 'io.cncf.notary.expiry'", false},
	{"n6-expiry-is-no-time", "'io.cncf.notary.expiry' is no time", false},
	/* N-N7 */
	{"n7-leaf-is-ca", CHAIN "it signs, and is a CA's", false},
	{"n7-no-usage", CHAIN "it has no key usage", false},
	{"n7-usage-not-critical", CHAIN "its key usage is not critical", false},
	{"n7-usage-without-signature", CHAIN "its key usage has no digitalSignature", false},
	{"n7-usage-key-encipherment", CHAIN "its key usage has more than", false},
	{"n7-usage-data-encipherment", CHAIN "its key usage has more than", false},
	{"n7-usage-key-agreement", CHAIN "its key usage has more than", false},
	{"n7-usage-cert-sign", CHAIN "its key usage has more than", false},
	{"n7-usage-crl-sign", CHAIN "its key usage has more than", false},
	{"n7-usage-encipher-only", CHAIN "its key usage has more than", false},
	{"n7-usage-decipher-only", CHAIN "its key usage has more than", false},
	{"n7-eku-server", CHAIN "its extended key usage has serverAuth", false},
	{"n7-eku-client", CHAIN "its extended key usage has clientAuth", false},
	{"n7-eku-email", CHAIN "its extended key usage has emailProtection", false},
	{"n7-eku-timestamping", CHAIN "its extended key usage has timeStamping", false},
	{"n7-eku-ocsp", CHAIN "its extended key usage has OCSPSigning", false},
	{"n7-critical-unknown", CHAIN "it has an extension that is broken, or critical", true},
	{"n7-ca-is-none", CA1 "it issues, and is no CA's", false},
	{"n7-ca-without-constraints", CA1 "it issues, and is no CA's", false},
	{"n7-ca-without-sign", CA1 "its key usage has no keyCertSign", false},
	{"n7-ca-usage-not-critical", CA1 "its key usage is not critical", false},
	{"n7-names-not-permitted", CA2 "its name constraints do not permit one below it", true},
	{"n7-path-too-long", CA2 "1 CAs are below it, more than 0", false},
	{"n7-key-p224", "the signer's key is of no kind that signs", false},
	{"n7-key-rsa2560", "the signer's key is of no kind that signs", false},
	{"n7-ca-key-rsa1024", CHAIN "the next one has not issued it", true},
	{"n7-sha1", CHAIN "the next one has not issued it", false},
	{"n7-names-differ", CHAIN "the next one has not issued it", false},
	{"n7-shuffled", CHAIN "the next one has not issued it", false},
	{"n7-no-root", CA1 "it is the last one, and not signed by itself", false},
	{"n7-no-middle", CHAIN "the next one has not issued it", false},
	{"n7-root-twice", CA2 "it is not the last one, and signed by itself", false},
	{"n7-leaf-alone", CHAIN "it is the last one, and not signed by itself", false},
	{"n7-root-first", KEY, false},
	/* N-N8 */
	{"n8-leaf-expired", CHAIN "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n8-root-expired", CA1 "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n8-not-yet", CHAIN "it is not valid before 2050-01-01T00:00:00Z", false},
	{"n8-authority-expired-before", CHAIN "it is not valid after 2026-01-15T00:00:00Z", false},
	/* N-N10: nobody is there; what is said is another matter */
	{"n10-lists-ocsp", "1 of 2 were asked about, at 0", false},
	{"n10-lists-crl", "1 of 2 were asked about, at 0", false},
	/* N-N14 */
	{"n14-plugin", "it wants the verification plugin 'com.amazonaws.signer.notation.plugin'",
		false},
	{"n14-plugin-not-critical", "it wants the verification plugin 'x'", false},
	/* the envelope */
	{"envelope-without-chain", "it has no certificates", false},
	{"envelope-without-header", "it has no certificates", false},
	{"envelope-without-payload", "it has no 'payload'", false},
	{"envelope-junk-certificate", "certificate 1: it is no certificate", false},
	{"envelope-padded", "'payload': malformed base64", false},
	{"envelope-duplicate", "duplicate object key", true},
	{"envelope-other-case", "it has no 'payload'", true},
	{"envelope-junk", "the envelope" JSON, false},
};

START_TEST(test_files)
{
	notation_check(&notation_jws, &rows[_i]);
}
END_TEST

/* Another case is another name, here; and no row of the library's is left out. */
START_TEST(test_all_rows)
{
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert_uint_eq(notation_rows(&notation_jws), ARRAY_LEN(rows) + 1);
	ck_assert_msg(notation_prove_at(&notation_jws, "strict", "n5-other-case", "p256-3", &logged,
			      &err) == VERDICT_GOOD,
		"%s", err.msg);
}
END_TEST

/* Every byte of an envelope counts, but for what is not signed. */
START_TEST(test_bytes)
{
	auto_free char *text = vector_text("notation/", "p256-2", ".jws");
	struct verify_trust *t = notation_trust(&notation_jws, "\"level\":\"strict\"",
		NOTATION_STORES, "\"" NOTATION_IDENTITY "\"", "p256-2");
	const struct verify_statement *s = verify_policy_find(t->policy, "a/b");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	struct verify_open open = {0};
	const char *agent = strstr(text, "\"io.cncf.notary.signingAgent\"");
	size_t n = strlen(text), i;

	ck_assert(agent);
	for (i = 0; i < n; i++) {
		struct err err = {0};
		bool free_text = text + i > agent && text + i < agent + strlen(agent) - 100 &&
			text + i < strchr(agent, '}');

		if (free_text)
			continue;
		text[i] ^= 1;
		ck_assert_msg(
			verify_notation(t, s, &a, JOSE, text, n, notation_time(NOTATION_NOW),
				&(struct verify_notation_said){.open = &open, .logged = &logged},
				&err) == VERDICT_BAD,
			"byte %zu", i);
		text[i] ^= 1;
	}
	verify_trust_unref(t);
}
END_TEST

/* ---- policies -------------------------------------------------------------------------------- */

#define STRICT "\"level\":\"strict\""
#define OVERRIDE(level, what) "\"level\":\"" level "\",\"override\":{" what "}"
#define ANY "\"*\""

static const struct {
	const char *envelope, *verification, *stores, *identities, *pool;
	enum verdict want;
	const char *why; /* of what is refused, or logged */
} policies[] = {
	{"p256-3", STRICT, "\"ca:x\"", ANY, "p256-3", VERDICT_GOOD, NULL},
	/* Any certificate of the chain will do. */
	{"p256-3", STRICT, "\"ca:x\"", ANY, "middle", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"", ANY, "leaf", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"", ANY, "p384-3 rsa2048-1 p256-3", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"", ANY, "p384-3 rsa2048-1", VERDICT_BAD,
		"none of the trusted certificates"},
	/* The store's type goes with the scheme. */
	{"p256-3", STRICT, "\"signingAuthority:x\"", ANY, "p256-3", VERDICT_BAD,
		"the policy names no trust store of the type 'ca'"},
	{"authority", STRICT, "\"ca:x\"", ANY, "p256-3", VERDICT_BAD,
		"the policy names no trust store of the type 'signingAuthority'"},
	{"p256-3", "\"level\":\"audit\"", "\"signingAuthority:x\"", ANY, "p256-3", VERDICT_IGNORED,
		"authenticity: the policy names no trust store"},
	/* identities */
	{"n2-no-state", STRICT, "\"ca:x\"", ANY, "n2-no-state", VERDICT_GOOD, NULL},
	{"n2-two-units", STRICT, "\"ca:x\"", ANY, "n2-two-units", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"", "\"x509.subject:CN=signer,C=US,S=WA,L=Seattle,O=Notary\"",
		"p256-3", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"",
		"\"x509.subject: C=US,ST=WA,O=Other\",\"x509.subject: C=US,ST=WA,O=Notary\"",
		"p256-3", VERDICT_GOOD, NULL},
	{"p256-3", STRICT, "\"ca:x\"", "\"x509.subject: C=US,ST=WA,O=Notary,OU=a\"", "p256-3",
		VERDICT_BAD, "is none of the trusted identities"},
	{"p256-3", STRICT, "\"ca:x\"", "\"sigstore.subject: x\"", "p256-3", VERDICT_BAD,
		"is none of the trusted identities"},
	{"n2-org-with-comma", STRICT, "\"ca:x\"", "\"x509.subject: C=US,ST=WA,O=Notary\\\\, C=DE\"",
		"n2-org-with-comma", VERDICT_GOOD, NULL},
	/* overrides */
	{"n6-expired", OVERRIDE("strict", "\"expiry\":\"log\""), "\"ca:x\"", ANY, "p256-3",
		VERDICT_GOOD, "expiry: it has expired on"},
	{"n6-expired", OVERRIDE("permissive", "\"expiry\":\"enforce\""), "\"ca:x\"", ANY, "p256-3",
		VERDICT_BAD, "it has expired on"},
	{"n8-leaf-expired", OVERRIDE("strict", "\"authenticTimestamp\":\"log\""), "\"ca:x\"", ANY,
		"n8-leaf-expired", VERDICT_GOOD, "authenticTimestamp: certificate '"},
	{"n8-leaf-expired", OVERRIDE("audit", "\"authenticTimestamp\":\"enforce\""), "\"ca:x\"",
		ANY, "n8-leaf-expired", VERDICT_BAD, "it is not valid after"},
	{"n1-other-root", OVERRIDE("strict", "\"authenticity\":\"log\""), "\"ca:x\"", ANY, "p256-3",
		VERDICT_IGNORED, "authenticity: none of the trusted"},
	{"n1-other-root", OVERRIDE("audit", "\"authenticity\":\"enforce\""), "\"ca:x\"", ANY,
		"p256-3", VERDICT_BAD, "none of the trusted"},
	{"n10-lists-ocsp", OVERRIDE("strict", "\"revocation\":\"skip\""), "\"ca:x\"", ANY,
		"n10-lists-ocsp", VERDICT_GOOD, NULL},
	{"n10-lists-crl", OVERRIDE("strict", "\"revocation\":\"log\""), "\"ca:x\"", ANY,
		"n10-lists-crl", VERDICT_GOOD, "revocation: 1 of 2 were asked about"},
	{"n10-lists-crl", OVERRIDE("permissive", "\"revocation\":\"enforce\""), "\"ca:x\"", ANY,
		"n10-lists-crl", VERDICT_BAD, "1 of 2 were asked about"},
	/* Who is asked stands in the certificates: those of strangers send us nowhere. */
	{"n10-lists-ocsp", "\"level\":\"audit\"", "\"ca:x\"", ANY, "p256-3", VERDICT_IGNORED,
		"revocation: nobody is asked whether it was revoked, since it is not authentic"},
	{"n10-lists-crl", "\"level\":\"audit\"", "\"ca:x\"", "\"x509.subject: C=US,ST=WA,O=Other\"",
		"n10-lists-crl", VERDICT_IGNORED,
		"revocation: nobody is asked whether it was revoked, since it is not authentic"},
	{"n10-lists-ocsp", OVERRIDE("audit", "\"revocation\":\"enforce\""), "\"ca:x\"", ANY,
		"p256-3", VERDICT_BAD, "nobody is asked whether it was revoked"},
	/* Integrity is enforced by all. */
	{"n4-sig-bit", "\"level\":\"audit\"", "\"ca:x\"", ANY, "p256-3", VERDICT_BAD, KEY},
	{"n3-other-size", "\"level\":\"audit\"", "\"ca:x\"", ANY, "p256-3", VERDICT_BAD, "bytes"},
	/* timestamps */
	{"p256-3", STRICT, "\"ca:x\",\"tsa:t\"", ANY, "p256-3", VERDICT_BAD,
		"the policy wants a timestamp countersignature (tsa:), and there is none"},
	{"p256-3", STRICT ",\"verifyTimestamp\":\"always\"", "\"ca:x\",\"tsa:t\"", ANY, "p256-3",
		VERDICT_BAD, "the policy wants a timestamp countersignature"},
	{"p256-3", STRICT ",\"verifyTimestamp\":\"afterCertExpiry\"", "\"ca:x\",\"tsa:t\"", ANY,
		"p256-3", VERDICT_GOOD, NULL},
	{"n8-leaf-expired", STRICT ",\"verifyTimestamp\":\"afterCertExpiry\"", "\"ca:x\",\"tsa:t\"",
		ANY, "n8-leaf-expired", VERDICT_BAD,
		"the policy wants a timestamp countersignature"},
	{"p256-3", "\"level\":\"permissive\"", "\"ca:x\",\"tsa:t\"", ANY, "p256-3", VERDICT_GOOD,
		"authenticTimestamp: the policy wants a timestamp countersignature"},
	{"authority", STRICT, "\"signingAuthority:x\",\"tsa:t\"", ANY, "p256-3", VERDICT_GOOD,
		NULL},
};

START_TEST(test_policies)
{
	struct verify_trust *t = notation_trust(&notation_jws, policies[_i].verification,
		policies[_i].stores, policies[_i].identities, policies[_i].pool);
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct err err = {0};
	enum verdict got = notation_prove(
		&notation_jws, t, policies[_i].envelope, NOTATION_NOW, &logged, &err);

	ck_assert_msg(got == policies[_i].want, "row %d: %s", _i, err.msg);
	if (policies[_i].why)
		ck_assert_msg(
			strstr(got == VERDICT_BAD ? err.msg : buf_str(&logged), policies[_i].why),
			"row %d: %s %s", _i, err.msg, buf_str(&logged));
	else
		ck_assert_str_eq(buf_str(&logged), "");
	verify_trust_unref(t);
}
END_TEST

/* The moment decides, and it is the caller's. */
static const struct {
	const char *envelope, *now;
	bool good;
} moments[] = {
	{"n6-expired", "2026-02-28T23:59:59.999Z", true},
	{"n6-expired", "2026-03-01T00:00:00Z", false},
	{"n8-leaf-expired", "2026-03-01T00:00:00Z", true},
	{"n8-leaf-expired", "2026-03-01T00:00:00.001Z", false},
	{"p256-3", "2026-01-01T00:00:00Z", true},
	{"p256-3", "2025-12-31T23:59:59.999Z", false},
};

START_TEST(test_moments)
{
	const char *name = moments[_i].envelope;
	struct verify_trust *t = notation_trust(&notation_jws, STRICT, NOTATION_STORES, ANY,
		strncmp(name, "n8", 2) != 0 ? "p256-3" : name);
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct err err = {0};
	enum verdict got = notation_prove(&notation_jws, t, name, moments[_i].now, &logged, &err);

	ck_assert_msg((got == VERDICT_GOOD) == moments[_i].good, "row %d: %s", _i, err.msg);
	verify_trust_unref(t);
}
END_TEST

/* ---- envelopes that were changed ------------------------------------------------------------- */

/* What is wrong with the header is said before the signature is looked at: none of these needs
   one. in: a member of the envelope, or NULL: of the protected header. */
static const struct {
	const char *in, *member, *value; /* JSON; NULL: long text of base64 */
	const char *why;
	const char *of; /* NULL: expires-later */
} changes[] = {
	{NULL, "crit",
		"[\"io.cncf.notary.signingScheme\",\"io.cncf.notary.authenticSigningTime\","
		"\"cty\"]",
		"'crit' names 'cty', which it must not", "authority"},
	/* N-N4 */
	{NULL, "alg", "\"ES256\"", ALG "ES256', and that of the signer's key is ES384", "p384-1"},
	{NULL, "alg", "\"ES512\"", ALG "ES512', and that of the signer's key is ES384", "p384-1"},
	{NULL, "io.cncf.notary.signingTime", "\"soon\"", "'io.cncf.notary.signingTime' is no time"},
	{NULL, "io.cncf.notary.signingTime", "7", "'io.cncf.notary.signingTime' is no time"},
	{NULL, "io.cncf.notary.signingTime", "\"1960-01-01T00:00:00Z\"",
		"'io.cncf.notary.signingTime' is no time"},
	{NULL, "io.cncf.notary.expiry", "7", "'io.cncf.notary.expiry' is no time"},
	{NULL, "io.cncf.notary.verificationPluginMinVersion", "\"1.0.0\"",
		"it wants the verification plugin ''"},
	{NULL, "cty", "7", "the payload is of the type ''"},
	{"", "protected", "\"#\"", "'protected': malformed base64"},
	{"", "protected", "\"YQ\"", "the header is not valid JSON"},
	{"", "protected", "7", "it has no 'protected'"},
	{"", "payload", "\"#\"", "'payload': malformed base64"},
	{"", "payload", NULL, "it is too long"},
	{"", "signature", "\"#\"", "'signature': malformed base64"},
	{"", "header", "{\"x5c\":[7]}", "certificate 1: it is no text"},
	{"", "header", "{\"x5c\":[\"#\"]}", "certificate 1: malformed base64"},
	{"", "header", "{\"x5c\":[1,2,3,4,5,6,7,8,9,10,11]}",
		"it has 11 certificates, more than 10"},
	{"", "header", "{\"x5c\":{}}", "it has no certificates"},
};

static void header_change(json_t *o, const char *member, const char *value)
{
	const char *text = json_string_value(json_object_get(o, "protected"));
	auto_buf struct buf plain = BUF_INIT(BUF_ANY), out = BUF_INIT(BUF_ANY);
	auto_free char *changed = NULL;
	struct err err = {0};
	json_t *header;

	ck_assert(!base64_decode(&plain, text, strlen(text), BASE64_URL, &err));
	header = json_loadb(plain.p, plain.len, 0, NULL);
	json_object_set_new(header, member, json_loads(value, JSON_DECODE_ANY, NULL));
	changed = json_dumps(header, 0);
	base64_encode(&out, changed, strlen(changed), BASE64_URL);
	json_object_set_new(o, "protected", json_string(buf_str(&out)));
	json_decref(header);
}

START_TEST(test_changes)
{
	const char *of = changes[_i].of ? changes[_i].of : "expires-later";
	auto_free char *text = vector_text("notation/", of, ".jws");
	auto_free char *changed = NULL;
	struct verify_trust *t = notation_trust(
		&notation_jws, "\"level\":\"strict\"", NOTATION_STORES, ANY, "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY), large = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	json_t *o = json_loads(text, 0, NULL);
	struct err err = {0};

	while (large.len < 70000)
		buf_adds(&large, "AAAA");
	if (!changes[_i].in)
		header_change(o, changes[_i].member, changes[_i].value);
	else if (!changes[_i].value)
		json_object_set_new(o, changes[_i].member, json_string(buf_str(&large)));
	else
		json_object_set_new(o, changes[_i].member,
			json_loads(changes[_i].value, JSON_DECODE_ANY, NULL));
	changed = json_dumps(o, 0);
	ck_assert_int_eq(verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, JOSE, changed,
				 strlen(changed), notation_time(NOTATION_NOW),
				 &(struct verify_notation_said){.logged = &logged}, &err),
		VERDICT_BAD);
	ck_assert_msg(strstr(err.msg, changes[_i].why) != NULL, "row %d: %s", _i, err.msg);
	json_decref(o);
	verify_trust_unref(t);
}
END_TEST

/* A timestamp that no policy wants is in bytes nevertheless, or not there. */
static const struct {
	const char *value, *why;
} stamps[] = {
	{"null", NULL},
	{"7", "'io.cncf.notary.timestampSignature' is no text"},
	{"\"#\"", "'io.cncf.notary.timestampSignature': malformed base64"},
};

START_TEST(test_stamps)
{
	auto_free char *text = vector_text("notation/", "p256-3", ".jws"), *changed = NULL;
	struct verify_trust *t = notation_trust(
		&notation_jws, "\"level\":\"strict\"", NOTATION_STORES, ANY, "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	json_t *o = json_loads(text, 0, NULL);
	struct err err = {0};
	enum verdict got;

	json_object_set_new(json_object_get(o, "header"), "io.cncf.notary.timestampSignature",
		json_loads(stamps[_i].value, JSON_DECODE_ANY, NULL));
	changed = json_dumps(o, 0);
	got = verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, JOSE, changed,
		strlen(changed), notation_time(NOTATION_NOW),
		&(struct verify_notation_said){.logged = &logged}, &err);
	ck_assert_msg(
		(got == VERDICT_GOOD) == !stamps[_i].why, "%s: %s", stamps[_i].value, err.msg);
	if (stamps[_i].why)
		ck_assert_msg(strstr(err.msg, stamps[_i].why), "%s", err.msg);
	json_decref(o);
	verify_trust_unref(t);
}
END_TEST

/* Who skips has no signature fetched; if one is looked at nevertheless, it is not good. */
START_TEST(test_skip)
{
	struct verify_trust *t =
		notation_trust(&notation_jws, "\"level\":\"skip\"", NOTATION_STORES, ANY, "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert_int_eq(notation_prove(&notation_jws, t, "p256-3", NOTATION_NOW, &logged, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the policy skips it");
	verify_trust_unref(t);
}
END_TEST

/* Who cannot ask does not take it for granted. */
START_TEST(test_no_question)
{
	auto_free char *text = vector_text("notation/", "n10-lists-ocsp", ".jws");
	struct verify_trust *t = notation_trust(
		&notation_jws, "\"level\":\"strict\"", NOTATION_STORES, ANY, "n10-lists-ocsp");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	struct err err = {0};

	ck_assert_int_eq(verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, JOSE, text,
				 strlen(text), notation_time(NOTATION_NOW),
				 &(struct verify_notation_said){.logged = &logged}, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "nobody is asked whether it was revoked");
	verify_trust_unref(t);
}
END_TEST

/* What is no size is none of any artifact. */
START_TEST(test_no_size)
{
	auto_free char *text = vector_text("notation/", "n3-size-is-text", ".jws");
	struct verify_trust *t = notation_trust(
		&notation_jws, "\"level\":\"strict\"", NOTATION_STORES, ANY, "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	struct err err = {0};

	a.size = UINT64_MAX;
	ck_assert_int_eq(verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, JOSE, text,
				 strlen(text), notation_time(NOTATION_NOW),
				 &(struct verify_notation_said){.logged = &logged}, &err),
		VERDICT_BAD);
	ck_assert_msg(strstr(err.msg, "it is the signature of -1 bytes") != NULL, "%s", err.msg);
	verify_trust_unref(t);
}
END_TEST

START_TEST(test_no_chain)
{
	struct notary_certs none = {0};
	struct err err = {0};

	ck_assert_int_eq(verify_chain(&none, &err), -1);
	ck_assert_str_eq(err.msg, "there is no certificate");
}
END_TEST

START_TEST(test_types)
{
	static const struct {
		const char *type, *why;
	} types[] = {
		{"application/cose", "it does not start as a tagged COSE_Sign1 does"},
		{"application/json", "the envelope's type 'application/json' is not known"},
		{"", "the envelope's type '' is not known"},
	};
	auto_free char *text = vector_text("notation/", "p256-3", ".jws");
	struct verify_trust *t = notation_trust(
		&notation_jws, "\"level\":\"audit\"", NOTATION_STORES, ANY, "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();
	struct verify_open open = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		struct err err = {0};

		ck_assert_int_eq(
			verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, types[i].type,
				text, strlen(text), notation_time(NOTATION_NOW),
				&(struct verify_notation_said){.open = &open, .logged = &logged},
				&err),
			VERDICT_BAD);
		ck_assert_msg(strstr(err.msg, types[i].why), "%s", err.msg);
	}
	verify_trust_unref(t);
}
END_TEST

/* ---- the manifest of a signature ------------------------------------------------------------- */

#define OF "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LAYER "{\"mediaType\":\"" JOSE "\",\"digest\":\"" OF "\",\"size\":7}"

static const struct {
	const char *text, *why;
} manifests[] = {
	{"{\"layers\":[" LAYER "]}", NULL},
	{"{\"layers\":[" LAYER "],\"subject\":null}", NULL},
	{"{\"layers\":[" LAYER "],\"subject\":{\"digest\":\"" OF "\"}}", NULL},
	{"{\"blobs\":[" LAYER "]}", NULL},
	{"{\"layers\":[]}", "it has 0 layers, not one"}, /* N-N11 */
	{"{}", "it has 0 layers, not one"},
	{"{\"layers\":[" LAYER "," LAYER "]}", "it has 2 layers, not one"},
	{"{\"layers\":[" LAYER "],\"subject\":{\"digest\":\"sha256:1\"}}",
		"its subject is 'sha256:1', not '"},
	{"{\"layers\":[{\"digest\":\"" OF "\",\"size\":-1}]}", "its layer has no size"},
	{"{\"layers\":[{\"digest\":\"sha256:1\",\"size\":1}]}", "digest"},
	{"[", "the manifest of a signature" JSON},
};

START_TEST(test_manifests)
{
	struct digest subject, blob = {0};
	auto_free char *type = NULL;
	struct err err = {0};
	uint64_t size = 0;
	int rc;

	digest_mem(&subject, DIGEST_SHA256, "", 0);
	rc = verify_notation_blob(manifests[_i].text, strlen(manifests[_i].text), &subject, &blob,
		&size, &type, &err);
	ck_assert_msg(!rc == !manifests[_i].why, "row %d: %s", _i, err.msg);
	if (rc) {
		ck_assert_msg(strstr(err.msg, manifests[_i].why), "row %d: %s", _i, err.msg);
		return;
	}
	ck_assert_str_eq(type, JOSE);
	ck_assert_uint_eq(size, 7);
	ck_assert(digest_equal(&blob, &subject));
}
END_TEST

/* ---- what is reported ------------------------------------------------------------------------ */

static const struct {
	const char *level, *envelope, *told;
} reports[] = {
	{"strict", "p256-3",
		"integrity chain authenticity expiry authenticTimestamp revocation payload"},
	{"strict", "n6-expired", "integrity chain authenticity expiry!"},
	{"permissive", "n6-expired",
		"integrity chain authenticity expiry~ authenticTimestamp revocation payload"},
	{"strict", "n4-sig-bit", "integrity!"},
	{"strict", "n7-no-root", "integrity chain!"},
	{"strict", "n3-other-size",
		"integrity chain authenticity expiry authenticTimestamp revocation payload!"},
};

START_TEST(test_reports)
{
	auto_free char *verification = mem_printf("\"level\":\"%s\"", reports[_i].level);
	auto_free char *text = vector_text("notation/", reports[_i].envelope, ".jws");
	struct verify_trust *t = notation_trust(&notation_jws, verification, NOTATION_STORES,
		"\"" NOTATION_IDENTITY "\"", "p256-3");
	auto_buf struct buf logged = BUF_INIT(BUF_ANY), signer = BUF_INIT(BUF_ANY);
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct verify_report report = {0};
	struct verify_artifact a = notation_artifact();
	const struct verify_reported *row;
	struct err err = {0};

	(void)!verify_notation(t, verify_policy_find(t->policy, "any/thing"), &a, JOSE, text,
		strlen(text), notation_time(NOTATION_NOW),
		&(struct verify_notation_said){
			.logged = &logged, .signer = &signer, .report = &report},
		&err);
	vec_each (&report.rows, row)
		buf_addf(&got, "%s%s%s", got.len ? " " : "", row->name,
			row->outcome == VERIFY_FAILED           ? "!"
				: row->outcome == VERIFY_LOGGED ? "~"
								: "");
	ck_assert_str_eq(buf_str(&got), reports[_i].told);
	ck_assert_int_eq(signer.len > 0, report.rows.len > 2);
	verify_report_clear(&report);
	verify_trust_unref(t);
}
END_TEST

Suite *suite_notation(void)
{
	Suite *s = suite_create("notation");
	TCase *tc = tcase_create("signatures");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_all_rows);
	tcase_add_test(tc, test_bytes);
	tcase_add_loop_test(tc, test_policies, 0, ARRAY_LEN(policies));
	tcase_add_loop_test(tc, test_moments, 0, ARRAY_LEN(moments));
	tcase_add_loop_test(tc, test_changes, 0, ARRAY_LEN(changes));
	tcase_add_loop_test(tc, test_stamps, 0, ARRAY_LEN(stamps));
	tcase_add_test(tc, test_skip);
	tcase_add_test(tc, test_no_question);
	tcase_add_test(tc, test_no_size);
	tcase_add_test(tc, test_no_chain);
	tcase_add_test(tc, test_types);
	tcase_add_loop_test(tc, test_manifests, 0, ARRAY_LEN(manifests));
	tcase_add_loop_test(tc, test_reports, 0, ARRAY_LEN(reports));
	suite_add_tcase(s, tc);
	return s;
}
