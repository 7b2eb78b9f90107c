/* Bundles: the real cosign's, openssl's signatures in their place, and what must not pass. */
#include "verify/bundle.h"

#include "base/limits.h"
#include "test/unit/verify/vectors.h"
#include "verify/policy.h"
#include "verify/statement.h"

Suite *suite_bundle(void);

#define NONE "it is a signature of none of the keys"
#define STATEMENT "application/vnd.in-toto+json"

/* *parsed: it counts as a bundle. */
static enum verdict prove(const char *text, size_t n, const struct verify_keys *keys,
	const struct digest *manifest, bool *parsed, struct err *err)
{
	struct verify_bundle b = {0};
	enum verdict verdict = VERDICT_BAD;

	*parsed = !verify_bundle_parse(&b, text, n, err);
	if (*parsed)
		verdict = verify_bundle(
			&b, &(struct verify_policy){.keys = keys}, manifest, NULL, NULL, err);
	verify_bundle_clear(&b);
	return verdict;
}

/* ---- files ----------------------------------------------------------------------------------- */

static const struct {
	const char *file, *keys, *manifest, *why;
} files[] = {
	{"cosign-p256", "p256", "a", NULL},
	{"cosign-p256", "p256-other p256", "a", NULL},
	{"cosign-rsa2048", "rsa2048", "a", NULL},
	{"cosign-rsa2048", "rsa2048-pkcs1", "a", NULL},
	{"cosign-p256-b", "p256", "b", NULL},
	{"by-hand-p384", "p384", "a", NULL},
	{"by-hand-p521", "p521", "a", NULL},
	{"by-hand-rsa3072", "rsa3072", "a", NULL},
	{"by-hand-rsa4096", "rsa4096", "a", NULL},
	{"by-hand-ed25519", "ed25519", "a", NULL},
	{"cosign-p256", "p256-other", "a", NONE},
	{"cosign-p256", "p384 rsa2048 ed25519", "a", NONE},
	{"cosign-p256", "p256", "b", "the statement has no subject 'sha256:"},
	{"cosign-p384", "p384", "a", NONE},
	{"cosign-ed25519", "ed25519", "a", NONE},
};

START_TEST(test_files)
{
	auto_free char *text = vector_text("bundle/", files[_i].file, ".json");
	struct verify_keys *keys = vector_keys(files[_i].keys);
	struct digest manifest = vector_digest(files[_i].manifest);
	struct err err = {0};
	bool parsed;
	enum verdict got = prove(text, strlen(text), keys, &manifest, &parsed, &err);

	ck_assert_msg(parsed, "%s: %s", files[_i].file, err.msg);
	ck_assert_msg((got == VERDICT_GOOD) == !files[_i].why, "%s: %s", files[_i].file, err.msg);
	if (files[_i].why)
		ck_assert_msg(strstr(err.msg, files[_i].why), "%s: %s", files[_i].file, err.msg);
	verify_keys_unref(keys);
}
END_TEST

/* ---- what was signed ------------------------------------------------------------------------- */

static void add_base64(struct buf *out, const void *data, size_t n)
{
	base64_encode(out, data, n, BASE64_STD);
}

/* A bundle with these bytes as the payload, and the signature of our key. */
static void bundle_make(struct buf *out, const char *type, const char *payload, size_t n)
{
	auto_buf struct buf pae = BUF_INIT(BUF_ANY), sig = BUF_INIT(BUF_ANY);

	buf_addf(&pae, "DSSEv1 %zu %s %zu ", strlen(type), type, n);
	buf_add(&pae, payload, n);
	vector_sign(&sig, buf_str(&pae), pae.len);
	buf_addf(out,
		"{\"mediaType\":\"" VERIFY_BUNDLE_TYPE
		".v0.3+json\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"x\"}},"
		"\"dsseEnvelope\":{\"payloadType\":\"%s\",\"payload\":\"",
		type);
	add_base64(out, payload, n);
	buf_adds(out, "\",\"signatures\":[{\"sig\":\"");
	add_base64(out, buf_str(&sig), sig.len);
	buf_adds(out, "\"}]}}");
}

/* Our key proves it, of manifest a. */
static enum verdict prove_ours(const struct buf *bundle, bool *parsed, struct err *err)
{
	struct verify_keys *keys = vector_keys("rsa2048");
	struct digest manifest = vector_digest("a");
	enum verdict verdict = prove(buf_str(bundle), bundle->len, keys, &manifest, parsed, err);

	verify_keys_unref(keys);
	return verdict;
}

/* HEX in it becomes the hex of manifest a. */
static void fill(struct buf *out, const char *text)
{
	struct digest manifest = vector_digest("a");
	char hex[DIGEST_HEX_MAX];
	const char *mark;

	while ((mark = strstr(text, "HEX"))) {
		buf_add(out, text, (size_t)(mark - text));
		buf_adds(out, digest_hex(&manifest, hex));
		text = mark + 3;
	}
	buf_adds(out, text);
}

#define SUBJECT(digests) "{\"name\":\"x\",\"digest\":{" digests "}}"
#define SAYS(subjects) \
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[" subjects \
	"],\"predicateType\":\"p\",\"predicate\":{\"a\":[1,{}]}}"
#define GOOD SUBJECT("\"sha256\":\"HEX\"")

static const struct {
	const char *payload, *why;
} statements[] = {
	{SAYS(GOOD), NULL},
	{SAYS(SUBJECT("\"sha512\":\"00ff\",\"sha256\":\"HEX\"")), NULL},
	{SAYS(SUBJECT("\"sha256\":\"00\"") "," GOOD), NULL},
	{"{\"type\":\"x\",\"subject\":[" GOOD "],\"predicate_type\":\"p\"}", NULL},
	/* B-N1 */
	{SAYS(SUBJECT("\"sha256\":\"00ff\"")), "the statement has no subject 'sha256:"},
	{SAYS(""), "the statement has no subject 'sha256:"},
	{"{}", "the statement has no subject 'sha256:"},
	{SAYS(SUBJECT("\"sha256\":\"\"")), "the statement has no subject 'sha256:"},
	{SAYS(SUBJECT("\"sha256\":\"HEX00\"")), "the statement has no subject 'sha256:"},
	/* B-N2 */
	{SAYS(SUBJECT("\"sha512\":\"HEX\"")), "the statement has no subject 'sha256:"},
	{SAYS(SUBJECT("\"SHA256\":\"HEX\"")), "the statement has no subject 'sha256:"},
	/* B-N3 */
	{SAYS(GOOD "," SUBJECT("\"sha256\":\"zz\"")), "a digest of a subject is not hexadecimal"},
	{SAYS(GOOD "," SUBJECT("\"sha1\":\"0\"")), "a digest of a subject is not hexadecimal"},
	{SAYS(SUBJECT("\"sha256\":\"HEX\",\"x\":\" \"")),
		"a digest of a subject is not hexadecimal"},
	{SAYS(SUBJECT("\"sha256\":7")), "'digest' is of another type"},
	/* B-N13 */
	{"{\"subject\":[" GOOD "],\"more\":1}", "'statement' has no member 'more'"},
	{"{\"subject\":[" GOOD "],\"_type\":\"a\",\"type\":\"b\"}",
		"'statement' has '_type' twice"},
	{"{\"subject\":[" GOOD "],\"subject\":[]}", "duplicate object key"},
	{SAYS(SUBJECT("\"sha256\":\"HEX\",\"sha256\":\"00\"")), "duplicate object key"},
	{"{\"subject\":" GOOD "}", "'subject' is no list"},
	{"{\"subject\":[" GOOD ",{\"digest\":[]}]}", "'digest' is of another type"},
	{"{\"subject\":[" GOOD "],\"predicate\":[]}", "'predicate' is of another type"},
	{"{\"subject\":[{\"digest\":{\"sha256\":\"HEX\"},\"else\":1}]}",
		"'subject' has no member 'else'"},
	{SAYS(GOOD) "x", "the statement is not valid JSON"},
	{"{\"subject\":[" GOOD "],\"_type\":\"\xff\"}", "the statement is not valid JSON"},
	{"{\"subject\":[" GOOD "],\"_type\":\"\\u0000\"}", "the statement is not valid JSON"},
	{"", "the statement is not valid JSON"},
};

START_TEST(test_statements)
{
	auto_buf struct buf payload = BUF_INIT(BUF_ANY), bundle = BUF_INIT(BUF_ANY);
	struct err err = {0};
	enum verdict got;
	bool parsed;

	fill(&payload, statements[_i].payload);
	bundle_make(&bundle, STATEMENT, buf_str(&payload), payload.len);
	got = prove_ours(&bundle, &parsed, &err);
	ck_assert_msg(parsed, "row %d: %s", _i, err.msg);
	ck_assert_msg((got == VERDICT_GOOD) == !statements[_i].why, "row %d: %s", _i, err.msg);
	if (statements[_i].why)
		ck_assert_msg(strstr(err.msg, statements[_i].why), "row %d: %s", _i, err.msg);
}
END_TEST

/* A digest of another kind is none of SHA-256, whatever the statement calls it. */
START_TEST(test_sha512)
{
	struct digest manifest;
	char hex[DIGEST_HEX_MAX];
	auto_free char *text = NULL;
	struct err err = {0};

	digest_mem(&manifest, DIGEST_SHA512, "", 0);
	text = mem_printf(SAYS(SUBJECT("\"sha256\":\"%s\"")), digest_hex(&manifest, hex));
	ck_assert_int_eq(verify_statement(text, strlen(text), &manifest, &err), VERDICT_BAD);
	ck_assert_msg(
		!strncmp(err.msg, "the statement has no subject 'sha512:", 37), "%s", err.msg);
}
END_TEST

/* A statement with n of something; each "": digests of one subject. */
static enum verdict prove_many(const char *before, const char *each, const char *between,
	const char *after, int n, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY), payload = BUF_INIT(BUF_ANY),
			    bundle = BUF_INIT(BUF_ANY);
	bool parsed;
	int i;

	buf_adds(&text, before);
	for (i = 0; i < n; i++) {
		buf_adds(&text, i ? between : "");
		if (*each)
			buf_adds(&text, each);
		else
			buf_addf(&text, "\"d%d\":\"00\"", i);
	}
	buf_adds(&text, after);
	fill(&payload, buf_str(&text));
	bundle_make(&bundle, STATEMENT, buf_str(&payload), payload.len);
	return prove_ours(&bundle, &parsed, err);
}

/* B-N10 */
START_TEST(test_statement_limits)
{
	struct err err = {0};

	ck_assert_int_eq(
		prove_many("{\"subject\":[", GOOD, ",", "]}", LIMIT_SUBJECTS, &err), VERDICT_GOOD);
	ck_assert_int_eq(prove_many("{\"subject\":[", GOOD, ",", "]}", LIMIT_SUBJECTS + 1, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the statement has 1025 subjects, more than 1024");
	err_clear(&err);
	ck_assert_int_eq(prove_many("{\"subject\":[" GOOD ",{\"digest\":{", "", ",", "}}]}",
				 LIMIT_SUBJECT_DIGESTS, &err),
		VERDICT_GOOD);
	ck_assert_int_eq(prove_many("{\"subject\":[" GOOD ",{\"digest\":{", "", ",", "}}]}",
				 LIMIT_SUBJECT_DIGESTS + 1, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "a subject has 33 digests, more than 32");
	err_clear(&err);
	ck_assert_int_eq(
		prove_many("{\"subject\":[" GOOD "],\"predicate\":", "{\"a\":", "", "0", 40, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the statement is nested more than 32 levels deep");
}
END_TEST

/* B-N5 */
START_TEST(test_payload_type)
{
	static const char *const types[] = {"application/vnd.in-toto+json ", "text/plain", "",
		"application/vnd.in-toto", "APPLICATION/VND.IN-TOTO+JSON"};
	auto_buf struct buf payload = BUF_INIT(BUF_ANY), bundle = BUF_INIT(BUF_ANY);
	struct err err = {0};
	bool parsed;

	fill(&payload, SAYS(GOOD));
	bundle_make(&bundle, types[_i], buf_str(&payload), payload.len);
	ck_assert_int_eq(prove_ours(&bundle, &parsed, &err), VERDICT_BAD);
	ck_assert(parsed);
	ck_assert_msg(strstr(err.msg, "the envelope's payload is of the type '"), "%s", err.msg);
}
END_TEST

/* The same statement, written in another way, and the bytes of type and payload dealt otherwise. */
START_TEST(test_payload_bytes)
{
	auto_free char *text = vector_text("bundle/", "cosign-p256", ".json");
	struct verify_keys *keys = vector_keys("p256");
	struct digest manifest = vector_digest("a");
	json_t *bundle = json_loads(text, 0, NULL), *envelope, *payload;
	auto_buf struct buf plain = BUF_INIT(BUF_ANY), other = BUF_INIT(BUF_ANY);
	auto_free char *changed = NULL;
	struct err err = {0};
	bool parsed;

	envelope = json_object_get(bundle, "dsseEnvelope");
	payload = json_object_get(envelope, "payload");
	ck_assert(!base64_decode(
		&plain, json_string_value(payload), json_string_length(payload), BASE64_STD, &err));
	buf_addc(&plain, '\n');
	add_base64(&other, plain.p, plain.len);
	json_object_set_new(envelope, "payload", json_string(buf_str(&other)));
	changed = json_dumps(bundle, 0);
	ck_assert_int_eq(
		prove(changed, strlen(changed), keys, &manifest, &parsed, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, NONE);
	json_decref(bundle);
	verify_keys_unref(keys);
}
END_TEST

/* ---- its form -------------------------------------------------------------------------------- */

#define TYPE(version) "\"mediaType\":\"" VERIFY_BUNDLE_TYPE version "\""
#define V03 TYPE(".v0.3+json")
#define KEY "\"publicKey\":{\"hint\":\"x\"}"
#define CERT "\"certificate\":{\"rawBytes\":\"YQ==\"}"
#define ENVELOPE \
	"\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"" STATEMENT \
	"\",\"signatures\":[{\"sig\":\"YQ==\",\"keyid\":\"k\"}]}"
#define FILE_SIG \
	"\"messageSignature\":{\"messageDigest\":{\"algorithm\":\"SHA2_256\",\"digest\":\"YQ==\"}" \
	"," \
	"\"signature\":\"YQ==\"}"
#define BUNDLE(type, material, content) \
	"{" type ",\"verificationMaterial\":{" material "}," content "}"
#define ENTRY(members) "\"tlogEntries\":[{" members "}]"
#define PROOF \
	"\"inclusionProof\":{\"logIndex\":\"1\",\"rootHash\":\"YQ==\",\"treeSize\":\"2\"," \
	"\"hashes\":[\"YQ==\"],\"checkpoint\":{\"envelope\":\"note\"}}"
#define FULL_ENTRY \
	"\"logIndex\":\"7\",\"logId\":{\"keyId\":\"YQ==\"},\"kindVersion\":{\"kind\":\"dsse\"," \
	"\"version\":\"0.0.1\"},\"integratedTime\":\"1700000000\",\"inclusionPromise\":{" \
	"\"signedEntryTimestamp\":\"YQ==\"}," PROOF ",\"canonicalizedBody\":\"YQ==\""

static const struct {
	const char *text;
	const char *none; /* why it is no bundle */
	const char *why; /* why it proves nothing */
} forms[] = {
	{BUNDLE(V03, KEY, ENVELOPE), NULL, NONE},
	{BUNDLE(TYPE(".v0.3.1+json"), KEY, ENVELOPE), NULL, NONE},
	{BUNDLE(TYPE("+json;version=0.3"), KEY, ENVELOPE), NULL, NONE},
	{BUNDLE(V03, KEY "," ENTRY(FULL_ENTRY), ENVELOPE), NULL, NONE},
	{BUNDLE(V03,
		 KEY ",\"timestampVerificationData\":{\"rfc3161Timestamps\":[{"
		     "\"signedTimestamp\":\"YQ\"}]}",
		 ENVELOPE),
		NULL, NONE},
	{"{\"media_type\":\"" VERIFY_BUNDLE_TYPE ".v0.3+json\",\"verification_material\":{"
	 "\"public_key\":{}},\"dsse_envelope\":{\"payload\":\"YQ\",\"payloadType\":\"" STATEMENT
	 "\",\"signatures\":[{\"sig\":\"-_-_\"}]}}",
		NULL, NONE},
	{BUNDLE(V03, KEY ",\"certificate\":null", ENVELOPE ",\"messageSignature\":null"), NULL,
		NONE},
	/* B-N4 */
	{BUNDLE(V03, KEY,
		 "\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"" STATEMENT "\"}"),
		NULL, "the envelope has 0 signatures, not one"},
	{BUNDLE(V03, KEY,
		 "\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"" STATEMENT
		 "\",\"signatures\":[{\"sig\":\"YQ==\"},{\"sig\":\"YQ==\"}]}"),
		NULL, "the envelope has 2 signatures, not one"},
	{BUNDLE(V03, KEY,
		 "\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"" STATEMENT
		 "\",\"signatures\":[{}]}"),
		NULL, "the envelope has no signature"},
	{BUNDLE(V03, KEY,
		 "\"dsseEnvelope\":{\"payloadType\":\"" STATEMENT
		 "\",\"signatures\":[{\"sig\":\"YQ==\"}]}"),
		NULL, "the envelope has no payload"},
	{BUNDLE(V03, KEY,
		 "\"dsseEnvelope\":{\"payload\":\"\",\"payloadType\":\"" STATEMENT
		 "\",\"signatures\":[{\"sig\":\"\"}]}"),
		NULL, NONE},
	/* B-N6 */
	{BUNDLE(V03, KEY, FILE_SIG), NULL, "the bundle has the signature of a file"},
	/* B-N7 */
	{BUNDLE(V03, CERT, ENVELOPE), NULL, "the bundle was signed with a certificate"},
	/* B-N8 */
	{BUNDLE(V03, "\"x509CertificateChain\":{\"certificates\":[{\"rawBytes\":\"YQ==\"}]}",
		 ENVELOPE),
		"it has a chain of certificates", NULL},
	{BUNDLE(TYPE("+json;version=0.1"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE("+json;version=0.2"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE("+json;version=0.4"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.4+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.30+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.3.+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.311+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.3.1a+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.3./+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.3+yaml"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE("-v0.3+json"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(".v0.3"), KEY, ENVELOPE), "its media type is", NULL},
	{BUNDLE(TYPE(""), KEY, ENVELOPE), "its media type is", NULL},
	{"{\"verificationMaterial\":{" KEY "}," ENVELOPE "}", "its media type is ''", NULL},
	/* B-N10 */
	{BUNDLE(V03, KEY "," ENTRY(""), ENVELOPE), "no log entry has an inclusion proof", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"inclusionProof\":{}"), ENVELOPE),
		"the inclusion proof of a log entry has no checkpoint", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"-1\"," PROOF), ENVELOPE),
		"a log entry has a negative index", NULL},
	/* B-N13 */
	{BUNDLE(V03, "", ENVELOPE), "it has neither a key nor a certificate", NULL},
	{BUNDLE(V03, "\"certificate\":{}", ENVELOPE), "it has neither a key nor a certificate",
		NULL},
	{"{" V03 "," ENVELOPE "}", "it has neither a key nor a certificate", NULL},
	{"{" V03 ",\"verificationMaterial\":{" KEY "}}", "it has no signature", NULL},
	{BUNDLE(V03, KEY "," CERT, ENVELOPE), "'certificate' beside what excludes it", NULL},
	{BUNDLE(V03, KEY, ENVELOPE "," FILE_SIG), "beside what excludes it", NULL},
	{BUNDLE(V03, KEY, ENVELOPE ",\"more\":1"), "'bundle' has no member 'more'", NULL},
	{BUNDLE(V03, KEY ",\"more\":null", ENVELOPE), "'verificationMaterial' has no member 'more'",
		NULL},
	{BUNDLE(V03, KEY, ENVELOPE ",\"media_type\":\"x\""), "'bundle' has 'mediaType' twice",
		NULL},
	{BUNDLE(V03, KEY "," KEY, ENVELOPE), "duplicate object key", NULL},
	{BUNDLE(V03, "\"publicKey\":7", ENVELOPE), "'publicKey' is no object", NULL},
	{BUNDLE(V03, "\"publicKey\":{\"hint\":7}", ENVELOPE), "'hint' is of another type", NULL},
	{BUNDLE(V03, "\"publicKey\":{\"hint\":\"\xc3\"}", ENVELOPE), "not valid JSON", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":1.5," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"9223372036854775808\"," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":9223372036854775808," PROOF), ENVELOPE),
		"not valid JSON", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"01\"," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"\"," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"-\"," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY "," ENTRY("\"logIndex\":\"1x\"," PROOF), ENVELOPE),
		"'logIndex' is of another type", NULL},
	{BUNDLE(V03, KEY, "\"messageSignature\":{\"messageDigest\":{\"algorithm\":\"SHA2-256\"}}"),
		"'algorithm' is of another type", NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":7}"), "'payload': malformed base64", NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":\"Y\"}"), "'payload': malformed base64",
		NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":\"YR==\"}"), "'payload': malformed base64",
		NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":\"YQ=\"}"), "'payload': malformed base64",
		NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":\"+_+_\"}"), "'payload': malformed base64",
		NULL},
	{BUNDLE(V03, KEY, "\"dsseEnvelope\":{\"payload\":\"YQ\\n==\"}"),
		"'payload': malformed base64", NULL},
	{"[]", "'bundle' is no object", NULL},
	{"", "the bundle is not valid JSON", NULL},
	{BUNDLE(V03, KEY, ENVELOPE) "{}", "the bundle is not valid JSON", NULL},
};

START_TEST(test_forms)
{
	const char *none = forms[_i].none, *why = none ? none : forms[_i].why;
	struct verify_keys *keys = vector_keys("p256");
	struct digest manifest = vector_digest("a");
	struct err err = {0};
	bool parsed;
	enum verdict got =
		prove(forms[_i].text, strlen(forms[_i].text), keys, &manifest, &parsed, &err);

	ck_assert_int_eq(got, VERDICT_BAD);
	ck_assert_msg(parsed == !none, "row %d: %s", _i, err.msg);
	ck_assert_msg(strstr(err.msg, why), "row %d: %s", _i, err.msg);
	verify_keys_unref(keys);
}
END_TEST

static enum verdict prove_list(
	const char *before, const char *each, const char *after, int n, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	bool parsed;
	int i;

	buf_adds(&text, before);
	for (i = 0; i < n; i++)
		buf_addf(&text, "%s%s", i ? "," : "", each);
	buf_adds(&text, after);
	return prove_ours(&text, &parsed, err);
}

/* A value that is larger than what it can be. */
START_TEST(test_long_values)
{
	static const struct {
		const char *before, *after;
		size_t n;
		const char *why;
	} longs[] = {
		{"{" V03 ",\"verificationMaterial\":{" KEY "},\"dsseEnvelope\":{\"payload\":\"",
			"\",\"payloadType\":\"" STATEMENT
			"\",\"signatures\":[{\"sig\":\"YQ==\"}]}}",
			LIMIT_BUNDLE * 4 / 3 + 4, "the envelope: "},
		{"{" V03 ",\"verificationMaterial\":{" KEY
		 "},\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"" STATEMENT
		 "\",\"signatures\":[{\"sig\":\"",
			"\"}]}}", LIMIT_SIGNATURE_TEXT * 4 / 3 + 4, "the envelope: "},
		{"{" V03 ",\"verificationMaterial\":{" KEY
		 "},\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"",
			"\",\"signatures\":[{\"sig\":\"YQ==\"}]}}", 2 * LIMIT_BUNDLE,
			"the envelope is too large"},
	};
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct err err = {0};
	bool parsed;
	size_t i;

	buf_adds(&text, longs[_i].before);
	for (i = 0; i < longs[_i].n / 4; i++)
		buf_adds(&text, "AAAA");
	buf_adds(&text, longs[_i].after);
	ck_assert_int_eq(prove_ours(&text, &parsed, &err), VERDICT_BAD);
	ck_assert_msg(!strncmp(err.msg, longs[_i].why, strlen(longs[_i].why)), "%s", err.msg);
}
END_TEST

START_TEST(test_form_limits)
{
	static const char entries[] =
		"{" V03 ",\"verificationMaterial\":{" KEY ",\"tlogEntries\":[";
	static const char times[] = "{" V03 ",\"verificationMaterial\":{" KEY
				    ",\"timestampVerificationData\":{\"rfc3161Timestamps\":[";
	struct err err = {0};

	ck_assert_int_eq(
		prove_list(entries, "{" FULL_ENTRY "}", "]}," ENVELOPE "}", 32, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, NONE);
	err_clear(&err);
	ck_assert_int_eq(
		prove_list(entries, "{" FULL_ENTRY "}", "]}," ENVELOPE "}", 33, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the bundle has 33 log entries, more than 32");
	err_clear(&err);
	ck_assert_int_eq(
		prove_list(times, "{\"signedTimestamp\":\"YQ==\"}", "]}}," ENVELOPE "}", 33, &err),
		VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the bundle has 33 timestamps, more than 32");
	err_clear(&err);
	ck_assert_int_eq(prove_list("", "[", "", 40, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the bundle is nested more than 32 levels deep");
}
END_TEST

/* ---- the image ------------------------------------------------------------------------------- */

#define OF_NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define LAYER(type) "{\"mediaType\":\"" type "\",\"digest\":\"" OF_NOTHING "\",\"size\":5}"
#define BUNDLE_LAYER LAYER(VERIFY_BUNDLE_TYPE ".v0.3+json")

static const struct {
	const char *text, *why;
} images[] = {
	{"{\"layers\":[" BUNDLE_LAYER "]}", NULL},
	{"{\"subject\":{\"digest\":\"sha256:HEX\"},\"layers\":[" BUNDLE_LAYER "]}", NULL},
	{"{\"subject\":null,\"layers\":[" BUNDLE_LAYER "]}", NULL},
	/* B-N14 */
	{"{\"layers\":[" BUNDLE_LAYER "," BUNDLE_LAYER "]}", "it has 2 layers, not one"},
	{"{}", "it has 0 layers, not one"},
	{"{\"layers\":[" LAYER("application/json") "]}", "no bundle"},
	{"{\"subject\":{\"digest\":\"" OF_NOTHING "\"},\"layers\":[" BUNDLE_LAYER "]}",
		"its subject is '" OF_NOTHING "', not"},
	{"{\"subject\":{},\"layers\":[" BUNDLE_LAYER "]}", "its subject is ''"},
	{"{\"layers\":[{\"mediaType\":\"" VERIFY_BUNDLE_TYPE "\",\"size\":5}]}", "digest"},
	{"{\"layers\":[{\"mediaType\":\"" VERIFY_BUNDLE_TYPE "\",\"digest\":\"" OF_NOTHING "\"}]}",
		"its layer has no size"},
	{"{", "not valid JSON"},
};

START_TEST(test_images)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct digest manifest = vector_digest("a"), blob;
	struct err err = {0};
	uint64_t size = 0;
	int rc;

	fill(&text, images[_i].text);
	rc = verify_bundle_blob(buf_str(&text), text.len, &manifest, &blob, &size, &err);
	ck_assert_msg(!rc == !images[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, images[_i].why), "row %d: %s", _i, err.msg);
	else
		ck_assert_uint_eq(size, 5);
}
END_TEST

/* The one that cosign has pushed. */
START_TEST(test_image_of_cosign)
{
	auto_free char *text = vector_text("bundle/", "cosign-p256", ".manifest");
	auto_free char *json = vector_text("bundle/", "cosign-p256", ".json");
	struct digest manifest = vector_digest("a"), blob, real;
	struct err err = {0};
	uint64_t size = 0;

	ck_assert_msg(!verify_bundle_blob(text, strlen(text), &manifest, &blob, &size, &err), "%s",
		err.msg);
	ck_assert_uint_eq(size, strlen(json));
	digest_mem(&real, DIGEST_SHA256, json, strlen(json));
	ck_assert(digest_equal(&real, &blob));
}
END_TEST

Suite *suite_bundle(void)
{
	Suite *s = suite_create("bundle");
	TCase *tc = tcase_create("bundles");

	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(files));
	tcase_add_loop_test(tc, test_statements, 0, ARRAY_LEN(statements));
	tcase_add_test(tc, test_sha512);
	tcase_add_test(tc, test_statement_limits);
	tcase_add_loop_test(tc, test_payload_type, 0, 5);
	tcase_add_test(tc, test_payload_bytes);
	tcase_add_loop_test(tc, test_forms, 0, ARRAY_LEN(forms));
	tcase_add_loop_test(tc, test_long_values, 0, 3);
	tcase_add_test(tc, test_form_limits);
	tcase_add_loop_test(tc, test_images, 0, ARRAY_LEN(images));
	tcase_add_test(tc, test_image_of_cosign);
	suite_add_tcase(s, tc);
	return s;
}
