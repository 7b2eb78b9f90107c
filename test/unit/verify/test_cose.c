/* Signatures of the Notary Project in COSE. What both forms share is tested in test_notation.c. */
#include "base/cbor.h"
#include "base/limits.h"
#include "test/unit/verify/notation.h"
#include "verify/cose.h"

Suite *suite_cose(void);

static const struct notation_form cose = {"cose/", ".cose", "application/cose", NOTATION_STORES};

#define KEY "it is no signature of the signer's key"
#define ALG "its algorithm is '"
#define NO_CRIT "'crit' is missing, empty or no list"
#define NO_TIME "'io.cncf.notary.signingTime' is no time"
#define START "it does not start as a tagged COSE_Sign1 does"
#define ENDS "it ends inside an item"
#define LENGTH "an item has no length of its own"
#define LABEL "a label is neither a number nor a name"

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
	{"by-hand", NULL, false},
	{"authority", NULL, false},
	{"expires-later", NULL, false},
	{"nested", NULL, false},
	{"timestamp-junk", NULL, false},
	{"timestamp-text", "'io.cncf.notary.timestampSignature' is not in bytes", true},
	{"not-critical", NULL, false},
	{"not-critical-number", NULL, false},
	{"long-form", NULL, false},
	{"long-lengths", NULL, false},
	{"p384-1", NULL, false},
	{"p384-2", NULL, false},
	{"p384-3", NULL, false},
	{"p521-1", NULL, false},
	{"p521-2", NULL, false},
	{"p521-3", NULL, false},
	{"rsa-by-hand", NULL, false},
	/* N-N1 */
	{"n1-other-root", "none of the trusted certificates is in the signature's chain", false},
	{"n1-other-key", KEY, false},
	/* N-N3 */
	{"n3-other-digest", "it is the signature of 'sha256:d9298a10d1b0735837dc", false},
	{"n3-two-digests", "duplicate object key", true},
	{"n3-payload-type",
		"the payload is of the type 'application/vnd.cncf.notary.payload.v2+json'", false},
	{"n3-no-payload-type", "the payload is of the type ''", false},
	{"n3-payload-type-number", "the payload is of the type ''", false},
	/* N-N4 */
	{"n4-alg-8", ALG "-8'", false},
	{"n4-alg-257", ALG "-257'", false},
	{"n4-alg-35", ALG "ES384'", false},
	{"n4-alg-37", ALG "PS256'", false},
	{"n4-alg5", ALG "5'", false},
	{"n4-alg0", ALG "0'", false},
	{"n4-alg-text", ALG "'", false},
	{"n4-alg-none", ALG "'", false},
	{"n4-alg-huge", ALG "'", false},
	{"n4-alg-named", LABEL, false},
	{"n4-alg-unprotected", ALG "'", false},
	{"n4-sig-short", KEY, false},
	{"n4-sig-long", KEY, false},
	{"n4-sig-empty", "it has no signature", false},
	{"n4-sig-zero", KEY, false},
	{"n4-sig-bit", KEY, false},
	{"n4-sig-der", KEY, false},
	{"n4-ps256-rsa3072", ALG "PS256', and that of the signer's key is PS384", false},
	{"n4-salt-of-five", KEY, false},
	{"n4-salt-of-longest", KEY, false},
	{"n4-pkcs1", KEY, false},
	{"n4-rs256", ALG "-257', and that of the signer's key is PS256", false},
	/* N-N5 */
	{"n5-no-crit", NO_CRIT, false},
	{"n5-crit-empty", NO_CRIT, false},
	{"n5-crit-text", NO_CRIT, false},
	{"n5-crit-bytes", "'crit' holds what is no text", false},
	{"n5-crit-repeated", "'crit' names 'io.cncf.notary.signingScheme' twice", true},
	{"n5-crit-alg", "'crit' names 'alg', which it must not", true},
	{"n5-crit-alg-named", "'crit' holds what is no text", false},
	{"n5-crit-absent", "'crit' names 'com.example.absent', which is not there", false},
	{"n5-crit-absent-number", "'crit' names '33', which is not there", false},
	{"n5-crit-unknown", "the critical attribute 'com.example.known' is not known", true},
	{"n5-crit-unknown-number", "the critical attribute '-70000' is not known", true},
	{"n5-crit-without-scheme", "the critical attribute 'com.example.known' is not known",
		false},
	{"n5-both-times",
		"the scheme has no 'io.cncf.notary.authenticSigningTime', and it is there", true},
	{"n5-no-time", "there is no 'io.cncf.notary.signingTime'", false},
	{"n5-authority-not-critical", "'crit' does not name 'io.cncf.notary.authenticSigningTime'",
		false},
	{"n5-authority-signing-time",
		"the scheme has no 'io.cncf.notary.signingTime', and it is there", false},
	{"n5-no-scheme", "the signing scheme '' is not known", false},
	{"n5-other-scheme", "the signing scheme 'notary.pgp' is not known", false},
	{"n5-scheme-number", "the signing scheme '' is not known", false},
	{"n5-time-untagged", NO_TIME, false},
	{"n5-time-text", NO_TIME, false},
	{"n5-time-tag-0", NO_TIME, false},
	{"n5-time-float", NO_TIME, true},
	{"n5-time-negative", NO_TIME, true},
	{"n5-time-huge", NO_TIME, true},
	{"n5-time-tagged-twice", NO_TIME, false},
	/* N-N6 */
	{"n6-expired", "it has expired on 2026-03-01T00:00:00Z", false},
	{"n6-expiry-is-signing-time", "it expires before it was signed, or in that moment", false},
	{"n6-expiry-before", "it expires before it was signed, or in that moment", false},
	{"n6-expiry-not-critical", "'crit' does not name 'io.cncf.notary.expiry'", false},
	{"n6-expiry-is-no-time", "'io.cncf.notary.expiry' is no time", false},
	/* N-N7 */
	{"n7-no-root",
		"certificate 'CN=CA 1,O=Notary,L=Seattle,ST=WA,C=US': it is the last one, and not "
		"signed by itself",
		false},
	/* N-N12 */
	{"n12-no-tag", START, false},
	{"n12-long-tag", START, false},
	{"n12-long-list", START, false},
	{"n12-other-tag", START, false},
	{"n12-tag-in-tag", START, false},
	{"n12-list-of-three", START, false},
	{"n12-list-of-five", START, false},
	{"n12-indefinite-list", START, false},
	{"n12-indefinite-map", LENGTH, false},
	{"n12-indefinite-bytes", LENGTH, false},
	{"n12-indefinite-header", LENGTH, false},
	{"n12-indefinite-in-header", LENGTH, false},
	{"n12-something-behind", "something follows it", false},
	{"n12-cut", ENDS, false},
	{"n12-empty", START, false},
	{"n12-reserved", "an item is of no known form", false},
	{"n12-header-is-map", "it has no protected header", false},
	{"n12-unprotected-is-list", "the unprotected header is no map", false},
	{"n12-huge-list", START, false},
	{"n12-huge-map", ENDS, false},
	{"n12-huge-bytes", ENDS, false},
	{"n12-nothing-signed", "it has no payload", false},
	{"n12-payload-is-text", "it has no payload", false},
	{"n12-no-header", "it has no protected header", false},
	{"n12-header-list", "the protected header is no map", false},
	{"n12-behind-header", "something follows the protected header", false},
	{"n12-duplicate", "'alg' is there twice", false},
	{"n12-duplicate-long-form", "'alg' is there twice", false},
	{"n12-duplicate-text", "'io.cncf.notary.signingScheme' is there twice", false},
	{"n12-duplicate-unprotected", "'a' is there twice", false},
	{"n12-duplicate-across", "'cty' is there twice", true},
	{"n12-nesting-bomb", "it is nested more than 16 deep", false},
	{"n12-tag-bomb", "it is nested more than 16 deep", false},
	{"n12-nested-17", "it is nested more than 16 deep", true},
	{"n12-label-bytes", LABEL, false},
	{"n12-label-huge", LABEL, false},
	{"n12-label-not-utf8", "a text is not UTF-8", false},
	{"n12-label-nul", LABEL, true},
	{"n12-101-labels", "the unprotected header has more than 100 labels", true},
	{"n12-101-critical", "'crit' has more than 100 labels", true},
	{"n12-chain-is-bytes", "its certificates are no list", false},
	{"n12-chain-is-empty", "it has no certificates", false},
	{"n12-chain-of-texts", "a certificate is not in bytes", false},
	{"n12-chain-of-junk", "certificate 2: it is no certificate", false},
	{"n12-chain-of-eleven", "it has 11 certificates, more than 10", false},
	{"n12-no-chain", "it has no certificates", false},
	{"n12-chain-named", LABEL, false},
	{"n12-chain-protected", "it has no certificates", false},
	/* N-N14 */
	{"n14-plugin",
		"it wants the verification plugin 'com.amazonaws.signer.notation.plugin', and "
		"there are no plugins here",
		false},
	{"n14-plugin-not-critical",
		"it wants the verification plugin 'x', and there are no plugins here", false},
};

START_TEST(test_files)
{
	notation_check(&cose, &rows[_i]);
}
END_TEST

START_TEST(test_all_rows)
{
	ck_assert_uint_eq(notation_rows(&cose), ARRAY_LEN(rows));
}
END_TEST

/* Every byte of an envelope counts, but for what is not signed. */
START_TEST(test_bytes)
{
	auto_buf struct buf data = BUF_INIT(BUF_ANY), logged = BUF_INIT(BUF_ANY);
	struct verify_trust *t = notation_trust(&cose, "\"level\":\"strict\"", NOTATION_STORES,
		"\"" NOTATION_IDENTITY "\"", "p256-2");
	const struct verify_statement *s = verify_policy_find(t->policy, "a/b");
	struct verify_artifact a = notation_artifact();
	char *agent, *after;
	size_t i;

	vector_load(&data, "cose/", "p256-2", ".cose");
	agent = memmem(data.p, data.len, "io.cncf.notary.signingAgent", 27);
	ck_assert(agent);
	after = memmem(agent, 60, "vectors/1", 9);
	ck_assert(after);
	after += 9;
	for (i = 0; i < data.len; i++) {
		struct err err = {0};

		if (data.p + i >= agent && data.p + i < after)
			continue;
		data.p[i] ^= 1;
		ck_assert_msg(verify_notation(t, s, &a, cose.type, data.p, data.len,
				      notation_time(NOTATION_NOW),
				      &(struct verify_notation_said){.logged = &logged},
				      &err) == VERDICT_BAD,
			"byte %zu", i);
		data.p[i] ^= 1;
	}
	verify_trust_unref(t);
}
END_TEST

/* ---- p256-2, with another part --------------------------------------------------------------- */

static const struct {
	const char *label; /* as CBOR: one more of the unprotected header, null behind it */
	size_t label_n;
	size_t stamp, payload, sig; /* bytes of its own; 0: as it was */
	const char *why;
} parts[] = {
	{"\x61"
	 "a",
		2, 0, 0, 0, NULL},
	{"\x60", 1, 0, 0, 0, LABEL},
	{"\x62-1", 3, 0, 0, 0, LABEL},
	{"\x61-", 2, 0, 0, 0, LABEL},
	{"\x61"
	 "7",
		2, 0, 0, 0, LABEL},
	{"\x78\x21io.cncf.notary.timestampSignature\x5f", 36, 0, 0, 0, LENGTH},
	{"", 0, LIMIT_TIMESTAMP + 1, 0, 0, "'io.cncf.notary.timestampSignature' is too long"},
	{"", 0, 0, LIMIT_ENVELOPE + 1, 0, "the envelope: it is too long"},
	{"", 0, 0, LIMIT_ENVELOPE, 0, "the envelope: it is too long"},
	{"", 0, 0, 0, LIMIT_SIGNATURE_TEXT + 1, "the envelope: it is too long"},
	{"", 0, 0, 0, LIMIT_SIGNATURE_TEXT, KEY},
};

/* Zeroes. */
static void bytes_put(struct buf *out, size_t n)
{
	char head[] = {0x5a, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};

	buf_add(out, head, sizeof(head));
	while (n--)
		buf_addc(out, '\0');
}

static void part_copy(struct buf *out, struct cbor *r)
{
	const unsigned char *from = r->p;
	struct err err = {0};

	ck_assert(!cbor_skip(r, &err));
	buf_add(out, from, (size_t)(r->p - from));
}

START_TEST(test_parts)
{
	auto_buf struct buf data = BUF_INIT(BUF_ANY), out = BUF_INIT(BUF_ANY);
	struct verify_envelope e = {0};
	struct cbor r;
	struct err err = {0};
	size_t map;
	int rc;

	vector_load(&data, "cose/", "p256-2", ".cose");
	r = cbor_of(data.p + 2, data.len - 2);
	buf_add(&out, data.p, 2);
	part_copy(&out, &r);
	map = out.len;
	part_copy(&out, &r);
	if (parts[_i].label_n) {
		buf_add(&out, parts[_i].label, parts[_i].label_n);
		buf_addc(&out, (char)0xf6);
		out.p[map]++;
	}
	if (parts[_i].stamp) {
		buf_adds(&out,
			"\x78\x21"
			"io.cncf.notary.timestampSignature");
		bytes_put(&out, parts[_i].stamp);
		out.p[map]++;
	}
	if (parts[_i].payload) {
		bytes_put(&out, parts[_i].payload);
		ck_assert(!cbor_skip(&r, &err));
	} else {
		part_copy(&out, &r);
	}
	if (parts[_i].sig)
		bytes_put(&out, parts[_i].sig);
	else
		part_copy(&out, &r);
	rc = verify_cose_open(&e, out.p, out.len, &err);
	ck_assert_msg(!rc == !parts[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, parts[_i].why), "row %d: %s", _i, err.msg);
	verify_envelope_clear(&e);
}
END_TEST

/* Who wants more than names in 'crit' has to write it as CBOR all the same. */
static const struct {
	const char *header, *why; /* header: the protected one, in bytes */
	size_t n;
} crits[] = {
	/* It can be read, and there is nothing else in it. */
	{"\x45\xa1\x02\x81\x81\x01",
		"the envelope: " ALG "', and that of the signer's key is ES256", 6},
	{"\x45\xa1\x02\x81\x81\x5f", "the envelope: " LENGTH, 6},
	{"\x46\xa1\x02\x81\x81\x61\xff", "the envelope: a text is not UTF-8", 7},
	{"\x46\xa1\x02\x81\x82\x01\x41", "the envelope: " ENDS, 7},
};

START_TEST(test_crit)
{
	auto_buf struct buf data = BUF_INIT(BUF_ANY), out = BUF_INIT(BUF_ANY);
	struct verify_envelope e = {0};
	struct cbor r;
	struct err err = {0};

	vector_load(&data, "cose/", "p256-2", ".cose");
	r = cbor_of(data.p + 2, data.len - 2);
	ck_assert(!cbor_skip(&r, &err));
	buf_add(&out, data.p, 2);
	buf_add(&out, crits[_i].header, crits[_i].n);
	buf_add(&out, r.p, (size_t)(r.end - r.p));
	ck_assert_int_eq(verify_cose_open(&e, out.p, out.len, &err), -1);
	ck_assert_str_eq(err.msg, crits[_i].why);
	verify_envelope_clear(&e);
}
END_TEST

/* Nothing of it may be missing at its end. */
START_TEST(test_cut)
{
	auto_buf struct buf data = BUF_INIT(BUF_ANY), logged = BUF_INIT(BUF_ANY);
	struct verify_trust *t =
		notation_trust(&cose, "\"level\":\"audit\"", NOTATION_STORES, "\"*\"", "p256-2");
	const struct verify_statement *s = verify_policy_find(t->policy, "a/b");
	struct verify_artifact a = notation_artifact();
	size_t i;

	vector_load(&data, "cose/", "p256-2", ".cose");
	for (i = 0; i < data.len; i++) {
		auto_free char *copy = mem_strndup(data.p, i);
		struct err err = {0};

		ck_assert_msg(
			verify_notation(t, s, &a, cose.type, copy, i, notation_time(NOTATION_NOW),
				&(struct verify_notation_said){.logged = &logged},
				&err) == VERDICT_BAD,
			"%zu bytes", i);
	}
	verify_trust_unref(t);
}
END_TEST

Suite *suite_cose(void)
{
	Suite *s = suite_create("cose");
	TCase *tc = tcase_create("signatures");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_all_rows);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_cut);
	tcase_add_loop_test(tc, test_crit, 0, ARRAY_LEN(crits));
	tcase_add_loop_test(tc, test_parts, 0, ARRAY_LEN(parts));
	suite_add_tcase(s, tc);
	return s;
}
