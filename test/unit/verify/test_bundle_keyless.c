/* Bundles that were signed by certificates: what passes, and that each other one is refused for the
   reason that is wrong with it. */
#include "base/limits.h"
#include "base/vec.h"
#include "test/unit/verify/keyless.h"
#include "verify/bundle.h"
#include "verify/merkle.h"
#include "verify/policy.h"

Suite *suite_bundle_keyless(void);

#define ANY "."
#define DEV "^dev@example\\.com$"
#define UNKNOWN_LOG "the log entry is of a log that the trusted root does not have"
#define NO_CA "the certificate is of no authority of the trusted root: "
#define NODE "the inclusion proof has a node that is none"
#define TIME "no timestamp counts: "
#define NOT_BY "its signature is not of this authority"
#define NO_WAY "the inclusion proof does not lead from this signature to the root"
#define NO_ROOT "the inclusion proof does not lead to its root"

static const struct keyless_row rows[] = {
	{"good", NULL},
	{"good-b", NULL, .manifest = "b"},
	{"intoto", NULL},
	{"promise-only-beside", NULL},
	{"skipped-beside", NULL},
	{"p384", NULL},
	{"p384-sha256", NULL},
	{"p521", NULL},
	{"email", NULL, .subject = DEV},
	{"other-name", NULL, .subject = "^dev!example\\.com$"},
	{"uri-and-email", NULL},
	{"first-in-tree", NULL},
	{"note-with-more", NULL},
	{"log-id-short", NULL},
	/* L-N2 */
	{"good", "the statement has no subject 'sha256:", .manifest = "b"},
	{"statement-of-another", "the statement has no subject 'sha256:"},
	/* L-N5 to L-N7 */
	{"set-changed", "the log's promise (SET) is not of this entry"},
	{"time-changed", "the log's promise (SET) is not of this entry"},
	{"unknown-log", UNKNOWN_LOG},
	{"good", "when the log was not trusted", .root = "log-later"},
	{"body-of-another-signature", "the log entry is of another signature"},
	{"body-of-another-certificate", "the log entry is of another certificate"},
	{"body-of-another-payload", "the log entry is of another payload"},
	{"body-hashedrekord", "the log entry is a 'hashedrekord' '0.0.1', which says nothing"},
	{"intoto-of-another-signature", "the log entry is of another signature"},
	{"intoto-no-signature", "the log entry is of another signature"},
	{"intoto-signature-junk", "the log entry is of another signature"},
	{"intoto-signature-nul", "the log entry is of another signature"},
	{"intoto-two-signatures", "the log entry is of 2 signatures, not one"},
	{"intoto-of-another-certificate", "the log entry is of another certificate"},
	{"intoto-of-another-payload", "the log entry is of another payload"},
	{"body-two-signatures", "the log entry is of 2 signatures, not one"},
	{"body-no-signatures", "the log entry is of 0 signatures, not one"},
	{"rekor-v2", "the log entry is a 'hashedrekord' '0.0.2', which says nothing"},
	{"other-type", "the envelope's payload is of the type 'text/plain'"},
	{"body-no-json", "the body of the log entry is not valid JSON"},
	{"promise-empty", "no log has promised a time (SET)"},
	{"signed-by-another", "it is no signature by its certificate"},
	/* L-N8 to L-N11 */
	{"logged-before", "and its certificate is valid from 2026-01-15T12:00:01Z on"},
	{"logged-after", "and its certificate is valid until 2026-01-15T11:59:59Z"},
	{"logged-after-authority", NO_CA "certificate has expired", .root = "short"},
	{"no-sct", "the certificate has no timestamp (SCT)"},
	{"good", "it is of a time when the log was not trusted", .root = "ct-before"},
	{"self-made", NO_CA "certificate signature failure"},
	{"two-issuers", "the certificate names two issuers", .issuer = ANY},
	{"dns", "the certificate names nobody", .subject = ANY},
	{"uri-and-email", "the subject fits no entry", .subject = DEV},
	{"good", "the issuer fits no entry", .issuer = "^https://other\\.example$"},
	{"good", "the subject fits no entry", .subject = "^https://github\\.com/org/other/"},
	/* B-N9 */
	{"proof-other-leaf", NO_ROOT},
	{"proof-index", NO_ROOT},
	{"proof-index-past", "the inclusion proof is of a leaf outside the tree"},
	{"proof-root-long", NO_ROOT},
	{"note-malformed-no-set", "the checkpoint is no signed note"},
	{"proof-index-negative", "the inclusion proof is of a leaf outside the tree"},
	{"proof-size", "the checkpoint is of another size than the proof"},
	{"proof-size-0", "the inclusion proof is of a leaf outside the tree"},
	{"proof-more", "the inclusion proof is too long"},
	{"proof-short", "the inclusion proof is too short"},
	{"proof-node-short", NODE},
	{"note-other-key", "the checkpoint is not signed by the entry's log"},
	{"note-other-root", "the checkpoint is of another root than the proof"},
	{"note-other-size", "the checkpoint is of another size than the proof"},
	{"note-malformed", "the checkpoint is no signed note"},
	{"note-no-signature", "the checkpoint has no signature"},
	{"note-bad-line", "a line of the checkpoint is no signature"},
	{"note-extra-line", "the checkpoint is not signed by the entry's log"},
	{"note-v2-origin", "the checkpoint is not of a log of version 1"},
	{"note-changed", "the checkpoint is not signed by the entry's log"},
	{"note-root-short", "the checkpoint does not say which log"},
	/* B-N10 to B-N12 */
	{"entry-twice", "the bundle has the same log entry twice"},
	{"no-entry", "the bundle has no entry of a log"},
	{"no-proof", "no log entry has an inclusion proof"},
	{"unproven-beside", NO_ROOT},
	{"neither", "a log entry has neither a promise nor a proof"},
	{"no-set", "no log has promised a time (SET)"},
	{"no-kind", "the log entry is no '' '', as the bundle says"},
	{"kind-other", "the log entry is no 'intoto' '0.0.2', as the bundle says"},
	{"version-other", "the log entry is no 'dsse' '0.0.2', as the bundle says"},
	/* version 2 of the log, with timestamps */
	{"v2", NULL, .root = "v2"},
	{"v2-b", NULL, .root = "v2", .manifest = "b"},
	{"v2-ec", NULL, .root = "v2-ec"},
	{"v2-p384", NULL, .root = "v2"},
	{"v2-witness", NULL, .root = "v2"},
	{"v2-two-timestamps", NULL, .root = "v2"},
	{"v2-no-bag", NULL, .root = "v2"},
	{"v2-b", "the statement has no subject 'sha256:", .root = "v2"},
	{"v2", UNKNOWN_LOG},
	{"v2-no-timestamp", TIME "there is none", .root = "v2"},
	{"v2", TIME "the trusted root has no authority of timestamps", .root = "v2-no-tsa"},
	{"v2-time-claimed", "no log has promised a time (SET)", .root = "v2"},
	{"v2-timestamp-of-another", TIME "it is of another signature", .root = "v2"},
	{"v2-timestamp-sha1", TIME "its hash is not SHA-256", .root = "v2"},
	{"v2-timestamp-by-another", TIME NOT_BY, .root = "v2"},
	{"v2-timestamp-forged", TIME NOT_BY, .root = "v2"},
	{"v2-timestamp-wrong-key", TIME NOT_BY, .root = "v2"},
	{"v2-timestamp-not-granted", TIME "it was not granted", .root = "v2"},
	{"v2-timestamp-trailing", TIME "it is none", .root = "v2"},
	{"v2-timestamp-version", TIME "its version is not 1", .root = "v2"},
	{"v2-timestamp-no-time", TIME "its time cannot be read", .root = "v2"},
	{"v2-timestamp-imprint-long", TIME "it is of another signature", .root = "v2"},
	{"v2-timestamp-empty", TIME "it is none", .root = "v2"},
	{"v2-timestamp-other-purpose", TIME "a certificate of its authority is for other purposes",
		.root = "v2-tsa-other-purpose"},
	{"v2-timestamp-of-the-same-root",
		TIME "another one has signed it than the trusted root names", .root = "v2"},
	{"v2-timestamp-late", NO_CA "certificate has expired", .root = "v2"},
	{"v2", TIME "its authority was not trusted at that time", .root = "v2-tsa-before"},
	{"v2", TIME "its authority was not trusted at that time", .root = "v2-tsa-later"},
	{"v2", TIME "its authority was not trusted at that time", .root = "v2-two-tsas"},
	{"v2-not-critical", TIME NOT_BY, .root = "v2-not-critical"},
	{"v2-more-eku", TIME NOT_BY, .root = "v2-more-eku"},
	{"v2-tsa-expired", TIME NOT_BY, .root = "v2-tsa-expired"},
	{"v2-of-another-signature", NO_WAY, .root = "v2"},
	{"v2-index", NO_WAY, .root = "v2"},
	{"v2-index-past", "the inclusion proof is of a leaf outside the tree", .root = "v2"},
	{"v2-other-key", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-other-origin", "the checkpoint is of another host than its log", .root = "v2"},
	{"v2", "the checkpoint is of another host than its log", .root = "v2-other-host"},
	{"v2-other-root", NO_WAY, .root = "v2"},
	/* a trusted root without any log: timestamps only, as GitHub's for private repositories */
	{"stamped", NULL, .root = "no-logs"},
	{"stamped-b", NULL, .root = "no-logs", .manifest = "b"},
	{"stamped-sct", NULL, .root = "no-logs"},
	{"stamped-sct", NULL, .root = "no-tlogs"},
	{"stamped-and-logged", NULL, .root = "no-logs"},
	{"stamped", "the certificate has no timestamp (SCT)", .root = "no-tlogs"},
	{"stamped", "the bundle has no entry of a log", .root = "v2"},
	{"stamped", "the bundle has no entry of a log", .root = "good"},
	{"stamped-sct", "the bundle has no entry of a log", .root = "v2"},
	{"stamped", "the statement has no subject 'sha256:", .root = "no-logs", .manifest = "b"},
	{"stamped-no-time", TIME "there is none", .root = "no-logs"},
	{"good", TIME "there is none", .root = "no-logs"},
	{"stamped", TIME "the trusted root has no authority of timestamps",
		.root = "no-logs-no-tsa"},
	{"stamped", TIME "its authority was not trusted at that time",
		.root = "no-logs-tsa-before"},
	{"stamped-of-another", TIME "it is of another signature", .root = "no-logs"},
	{"stamped-by-another", TIME NOT_BY, .root = "no-logs"},
	{"stamped-late", NO_CA "certificate has expired", .root = "no-logs"},
	{"stamped-early", NO_CA "certificate is not yet valid", .root = "no-logs"},
	{"stamped-self-made", NO_CA "certificate signature failure", .root = "no-logs"},
	{"stamped-wrong-key", "it is no signature by its certificate", .root = "no-logs"},
	{"stamped", "the subject fits no entry", .root = "no-logs", .subject = "^nobody$"},
	{"v2-hint-only", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-other-hint", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-other-name", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-same-length-name", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-longer-name", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-only-junk", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-32-witnesses", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-31-witnesses", NULL, .root = "v2"},
	{"v2-prefix-name", "the checkpoint is not signed by the entry's log", .root = "v2"},
	{"v2-prefix-origin", "the checkpoint is of another host than its log", .root = "v2"},
	{"v2-line-broken", NULL, .root = "v2"},
	{"v2-line-junk", NULL, .root = "v2"},
	{"v2-kind", "a log of version 2 has entries 'hashedrekord' '0.0.2' only", .root = "v2"},
	{"v2-version", "a log of version 2 has entries 'hashedrekord' '0.0.2' only", .root = "v2"},
	{"v2-key-kind", "no log of version 2 takes such a key", .root = "v2"},
	{"v2-dsse", "a log of version 2 has entries 'hashedrekord' '0.0.2' only", .root = "v2"},
};

static enum verdict prove(json_t *o, const struct verify_policy *policy, const char *of,
	struct buf *signer, struct err *err)
{
	auto_free char *text = json_dumps(o, 0);
	struct digest manifest = vector_digest(of);
	struct verify_bundle b = {0};
	enum verdict verdict = VERDICT_BAD;

	if (!verify_bundle_parse(&b, text, strlen(text), err))
		verdict = verify_bundle(&b, policy, &manifest, NULL, signer, err);
	verify_bundle_clear(&b);
	return verdict;
}

START_TEST(test_rows)
{
	keyless_row_check("bundle", &rows[_i], prove);
}
END_TEST

/* Each value that is larger than what it can be. */
static const struct {
	const char *at, *why;
	unsigned long long bytes; /* 0: nodes, more than there can be */
} longs[] = {
	{"/verificationMaterial/tlogEntries/0/canonicalizedBody",
		"the log entry's 'canonicalizedBody': ", LIMIT_LOG_BODY + 3},
	{"/verificationMaterial/tlogEntries/0/logId/keyId",
		"the log entry's 'logId': ", VERIFY_LOG_ID_MAX + 3},
	{"/verificationMaterial/tlogEntries/0/inclusionPromise/signedEntryTimestamp",
		"the log entry's 'signedEntryTimestamp': ", LIMIT_SIGNATURE_TEXT + 3},
	{"/verificationMaterial/tlogEntries/0/inclusionProof/rootHash",
		"the log entry's 'rootHash': ", DIGEST_BIN_MAX + 3},
	{"/verificationMaterial/tlogEntries/0/inclusionProof/hashes", NODE ", or too many", 0},
	{"/verificationMaterial/certificate/rawBytes", "the certificate: it is no certificate", 3},
	{"/verificationMaterial/certificate/rawBytes", "the certificate: base64 text of",
		LIMIT_CERTIFICATE + 3},
};

START_TEST(test_long_values)
{
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("bundle", "good"), *list = json_array();
	auto_buf struct buf signer = BUF_INIT(1024), text = BUF_INIT(BUF_ANY);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct err err = {0};
	unsigned long long i;

	for (i = 0; i < longs[_i].bytes / 3; i++)
		buf_adds(&text, "AAAA");
	for (i = 0; i <= VERIFY_MERKLE_PATH_MAX; i++)
		json_array_append_new(
			list, json_string("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
	keyless_put_new(
		o, longs[_i].at, longs[_i].bytes ? json_string(buf_str(&text)) : json_incref(list));
	keyless_who(&who, NULL, NULL);
	ck_assert_int_eq(prove(o, &policy, "a", &signer, &err), VERDICT_BAD);
	ck_assert_msg(!strncmp(err.msg, longs[_i].why, strlen(longs[_i].why)), "%s", err.msg);
	json_decref(list);
	json_decref(o);
	verify_identities_clear(&who);
	verify_root_unref(root);
}
END_TEST

/* Who does not want it any more hears nothing of whether it is good. */
START_TEST(test_stop)
{
	static const char *const names[] = {"good", "self-made"};
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("bundle", names[_i]);
	auto_free char *text = json_dumps(o, 0);
	auto_buf struct buf signer = BUF_INIT(1024);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct digest manifest = vector_digest("a");
	struct verify_bundle b = {0};
	atomic_bool stop = true;
	struct err err = {0};

	keyless_who(&who, NULL, NULL);
	ck_assert(!verify_bundle_parse(&b, text, strlen(text), &err));
	ck_assert_int_eq(verify_bundle(&b, &policy, &manifest, &stop, &signer, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "it is not wanted any more");
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	verify_bundle_clear(&b);
	json_decref(o);
	verify_identities_clear(&who);
	verify_root_unref(root);
}
END_TEST

/* B-N7: each sort of signature for who wants it; a key does not make up for a certificate. */
START_TEST(test_sorts)
{
	struct verify_root *root = keyless_root("good");
	struct verify_identities who = {0};
	struct verify_policy keyless = {.root = root, .who = &who};
	struct verify_keys *keys = vector_keys("p256");
	json_t *by_certificate = keyless_case("bundle", "good");
	auto_free char *text = vector_text("bundle/", "cosign-p256", ".json");
	json_t *by_key = json_loads(text, 0, NULL);
	auto_buf struct buf signer = BUF_INIT(1024);
	struct err err = {0};

	keyless_who(&who, NULL, NULL);
	ck_assert_int_eq(prove(by_key, &keyless, "a", &signer, &err), VERDICT_BAD);
	ck_assert_msg(strstr(err.msg, "with a key, and certificates are trusted"), "%s", err.msg);
	err_clear(&err);
	ck_assert_int_eq(
		prove(by_certificate, &(struct verify_policy){.keys = keys}, "a", &signer, &err),
		VERDICT_BAD);
	ck_assert_msg(strstr(err.msg, "with a certificate, and keys are trusted"), "%s", err.msg);
	json_decref(by_key);
	json_decref(by_certificate);
	verify_keys_unref(keys);
	verify_identities_clear(&who);
	verify_root_unref(root);
}
END_TEST

/* Whatever is changed in a good one, it never speaks of another manifest. */
START_TEST(test_characters)
{
	struct verify_root *root = keyless_root("good");
	json_t *o = keyless_case("bundle", "good");
	auto_free char *text = json_dumps(o, 0);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct digest manifest = vector_digest("a"), other = vector_digest("b");
	auto_buf struct buf signer = BUF_INIT(1 << 20);
	size_t n = strlen(text), i;

	keyless_who(&who, NULL, NULL);
	for (i = (size_t)_i; i < n; i += 61) {
		struct verify_bundle b = {0};
		struct err err = {0};

		text[i] ^= 1;
		if (!verify_bundle_parse(&b, text, n, &err)) {
			(void)!verify_bundle(&b, &policy, &manifest, NULL, &signer, &err);
			ck_assert_int_eq(verify_bundle(&b, &policy, &other, NULL, &signer, &err),
				VERDICT_BAD);
		}
		verify_bundle_clear(&b);
		text[i] ^= 1;
	}
	json_decref(o);
	verify_identities_clear(&who);
	verify_root_unref(root);
}
END_TEST

Suite *suite_bundle_keyless(void)
{
	Suite *s = suite_create("bundle_keyless");
	TCase *tc = tcase_create("bundle_keyless");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, test_long_values, 0, ARRAY_LEN(longs));
	tcase_add_loop_test(tc, test_stop, 0, 2);
	tcase_add_test(tc, test_sorts);
	tcase_add_loop_test(tc, test_characters, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
