/* Timestamp countersignatures, where a policy has a store tsa:. All certificates here end in 2056,
   but for those whose rows say otherwise. */
#include "test/unit/verify/notation.h"

Suite *suite_notation_timestamp(void);

#define STORES NOTATION_STORES ",\"tsa:z\""

static const struct notation_form jws = {"timestamp/", ".jws", "application/jose+json", STORES};
static const struct notation_form cose = {"timestamp/", ".cose", "application/cose", STORES};

#define TOKEN "the timestamp countersignature: "
#define PATH "its signature is not of this authority: "
#define SIGNER "certificate 'CN=signer,O=Notary,L=Seattle,ST=WA,C=US': "
#define TSA "certificate 'CN=tsa,O=Notary,L=Seattle,ST=WA,C=US': "
#define TSA_CA "certificate 'CN=TSA CA 1,O=Notary,L=Seattle,ST=WA,C=US': "

static const struct notation_row rows[] = {
	{"good", NULL, false},
	{"root-in-bag", NULL, false},
	{"sha384", NULL, false},
	{"sha512", NULL, false},
	{"both-attributes", NULL, false},
	{"signing-time", NULL, false},
	{"rsa", NULL, false},
	{"alone", NULL, false},
	{"usage-not-critical", NULL, false},
	{"expired-since", NULL, false},
	{"signer-expired-since", NULL, false},
	{"edge-end", NULL, false},
	{"edge-end-fraction", NULL, false},
	{"edge-start", NULL, false},
	{"edge-exact", NULL, false},
	{"edge-baseline", NULL, false},
	{"edge-baseline-says", NULL, false},
	{"middle-for-both", NULL, false},
	/* N-N9 */
	{"n9-none", "the policy wants a timestamp countersignature (tsa:), and there is none",
		false},
	{"n9-edge-end", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-edge-end-micro", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-edge-end-fraction", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-edge-end-tiny", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-edge-start", TOKEN SIGNER "it is not valid before 2026-01-01T00:00:00Z", false},
	{"n9-edge-after", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-edge-before", TOKEN PATH "certificate is not yet valid", false},
	{"n9-edge-baseline", TOKEN SIGNER "it is not valid after 2026-03-01T00:00:00Z", false},
	{"n9-accuracy-huge", TOKEN "its accuracy cannot be read", false},
	{"n9-accuracy-millis", TOKEN "its accuracy cannot be read", true, true},
	{"n9-other-message", TOKEN "it is of another signature", false},
	{"n9-imprint-sha1", TOKEN "its hash is not SHA-256, SHA-384 or SHA-512", false},
	{"n9-version", TOKEN "its version is not 1", false},
	{"n9-content", TOKEN "it is none", false},
	{"n9-signed-version", TOKEN "it is not of version 3 (SignedData)", false},
	{"n9-junk", TOKEN "it is none", false},
	{"n9-behind", TOKEN "it is none", false},
	{"n9-response", TOKEN "it is none", false},
	{"n9-sig-bit", TOKEN PATH "signature failure", false},
	{"n9-sha1", TOKEN "it is not signed with SHA-256, SHA-384 or SHA-512", false},
	{"n9-no-v2", TOKEN "it has no signing-certificate-v2", false},
	{"n9-v1-only", TOKEN "it has no signing-certificate-v2", false},
	{"n9-v2-of-another", TOKEN PATH "ess cert id wrong order", false},
	{"n9-no-digest", TOKEN PATH "signature failure", false},
	{"n9-other-digest", TOKEN PATH "signature failure", false},
	{"n9-no-content-type", TOKEN "its signer has signed content of another type", false},
	{"n9-other-content-type", TOKEN "its signer has signed content of another type", false},
	{"n9-no-attributes", TOKEN "its signer has signed content of another type", false},
	{"n9-two-signers", TOKEN "it has 2 signers, not one", true, true},
	{"n9-no-signer", TOKEN "it has 0 signers, not one", false},
	{"n9-no-certificates", TOKEN PATH "signer certificate not found", false},
	{"n9-no-middle", TOKEN PATH "unable to get local issuer certificate", false},
	{"n9-other-root", TOKEN PATH "unable to get local issuer certificate", false},
	{"n9-middle-trusted", TOKEN PATH "unable to get issuer certificate", false},
	{"n9-code-signer", TOKEN PATH "unsuitable certificate purpose", false},
	{"n9-code-signer-names-tsa", TOKEN PATH "signature failure", false},
	{"n9-forged-first", TOKEN PATH "certificate signature failure", false},
	{"n9-eku-not-critical", TOKEN PATH "unsuitable certificate purpose", false},
	{"n9-eku-code-too", TOKEN PATH "unsuitable certificate purpose", false},
	{"n9-eku-unknown-too", TOKEN "its signer's certificate is for other purposes, too", false},
	{"n9-eku-none", TOKEN PATH "unsuitable certificate purpose", false},
	{"n9-is-ca", TOKEN TSA "it signs, and is a CA's", false},
	{"n9-no-usage", TOKEN TSA "it has no key usage", false},
	{"n9-usage-repudiation", TOKEN TSA "its key usage has no digitalSignature", false},
	{"n9-usage-agreement", TOKEN PATH "unsuitable certificate purpose", false},
	{"n9-expired", TOKEN PATH "certificate has expired", false},
	{"n9-not-yet", TOKEN PATH "certificate is not yet valid", false},
	/* It is asked whether it was revoked. */
	{"n9-lists-ocsp", "2 were asked about, at 0", false},
	{"n9-lists-crl", "2 were asked about, at 0", false},
	{"n9-critical-unknown", TOKEN PATH "unhandled critical extension", false},
	{"n9-key-p224", TOKEN TSA "its key is of no kind that signs", false},
	{"n9-middle-for-code", TOKEN TSA_CA "its extended key usage has no timeStamping", false},
	{"n9-path-too-long", TOKEN PATH "path length constraint exceeded", false},
	{"n9-ca-without-usage", TOKEN TSA_CA "it has no key usage", false},
	{"n9-root-expired", TOKEN PATH "certificate has expired", false},
	{"n9-signing-time", TOKEN "its signing time is not one at which its certificates are valid",
		false},
	{"n9-type-content", TOKEN "its signer has signed content of another type", false},
	{"n9-type-digest", TOKEN "its attribute messageDigest is of another type than it should be",
		false},
	{"n9-type-v1",
		TOKEN
		"its attribute id-smime-aa-signingCertificate is of another type than it should be",
		true, true},
	{"n9-type-v2",
		TOKEN "its attribute id-smime-aa-signingCertificateV2 is of another type than it "
		      "should be",
		false},
};

static const struct notation_row cose_rows[] = {
	{"cose", NULL, false},
	{"n9-cose", TOKEN "it is of another signature", false},
};

START_TEST(test_files)
{
	notation_check(&jws, &rows[_i]);
}
END_TEST

START_TEST(test_cose)
{
	notation_check(&cose, &cose_rows[_i]);
}
END_TEST

/* Who cannot ask about the authority's certificates does not take them for granted. */
START_TEST(test_no_question)
{
	struct verify_artifact a = notation_artifact();
	auto_buf struct buf data = BUF_INIT(BUF_ANY), logged = BUF_INIT(BUF_ANY);
	struct verify_trust *t;
	auto_free char *pool = NULL;
	struct err err = {0};
	char said[3][8];

	notation_verdict(&jws, "n9-lists-ocsp", said, &pool);
	t = notation_trust(&jws, "\"level\":\"strict\"", STORES, "\"*\"", pool);
	vector_load(&data, "timestamp/", "n9-lists-ocsp", ".jws");
	ck_assert_int_eq(verify_notation(t, verify_policy_find(t->policy, "a/b"), &a, jws.type,
				 buf_str(&data), data.len, notation_time(NOTATION_NOW),
				 &(struct verify_notation_said){.logged = &logged}, &err),
		VERDICT_BAD);
	ck_assert_str_eq(
		err.msg, "the timestamp countersignature: nobody is asked whether it was revoked");
	verify_trust_unref(t);
}
END_TEST

START_TEST(test_all_rows)
{
	ck_assert_uint_eq(notation_rows(&jws), ARRAY_LEN(rows) + ARRAY_LEN(cose_rows));
}
END_TEST

Suite *suite_notation_timestamp(void)
{
	Suite *s = suite_create("notation_timestamp");
	TCase *tc = tcase_create("timestamps");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, test_cose, 0, ARRAY_LEN(cose_rows));
	tcase_add_test(tc, test_no_question);
	tcase_add_test(tc, test_all_rows);
	suite_add_tcase(s, tc);
	return s;
}
