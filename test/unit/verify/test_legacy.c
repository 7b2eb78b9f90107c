/* Signatures below a .sig tag: the real cosign's, openssl's for the keys with which cosign hashes
   in another way, and what must not pass. */
#include "verify/legacy.h"

#include "base/limits.h"
#include "base/vec.h"
#include "test/unit/verify/vectors.h"
#include "verify/policy.h"
#include "verify/simple_signing.h"

Suite *suite_legacy(void);

#define SIGNATURE "dev.cosignproject.cosign/signature"

#define OF_NOTHING "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* The manifest of one layer, read. */
static void layer_of(struct verify_legacy_layers *l, json_t *annotations, uint64_t size)
{
	json_t *o =
		json_pack("{s[{sssI}]}", "layers", "digest", OF_NOTHING, "size", (json_int_t)size);
	auto_free char *text = NULL;
	struct err err = {0};

	if (annotations)
		json_object_set_new(json_array_get(json_object_get(o, "layers"), 0), "annotations",
			annotations);
	text = json_dumps(o, 0);
	ck_assert_msg(!verify_legacy_read(l, text, strlen(text), &err), "%s", err.msg);
	ck_assert_uint_eq(l->len, 1);
	json_decref(o);
}

static enum verdict prove(const char *payload, size_t len, const char *annotation,
	const struct verify_keys *keys, const struct digest *manifest, struct err *err)
{
	auto_buf struct buf bytes = BUF_INIT(BUF_ANY);
	struct verify_legacy_layers l = {0};
	enum verdict verdict;

	buf_add(&bytes, payload, len);
	layer_of(&l, json_pack("{ss}", SIGNATURE, annotation), 100);
	ck_assert_pstr_eq(l.p[0].why, NULL);
	verdict = verify_legacy(
		&l.p[0], &bytes, &(struct verify_policy){.keys = keys}, manifest, NULL, NULL, err);
	verify_legacy_clear(&l);
	return verdict;
}

/* ---- files ----------------------------------------------------------------------------------- */

#define NONE "it is a signature of none of the keys"

static const struct {
	const char *payload, *sig, *keys, *manifest, *why;
} files[] = {
	{"cosign-p256", "cosign-p256", "p256", "a", NULL},
	{"cosign-p256", "cosign-p256", "p256-other p256", "a", NULL},
	{"cosign-p256", "cosign-p256", "ed25519 rsa4096 p521 p256", "a", NULL},
	{"cosign-rsa2048", "cosign-rsa2048", "rsa2048", "a", NULL},
	{"cosign-rsa2048", "cosign-rsa2048", "rsa2048-pkcs1", "a", NULL},
	{"cosign-p256", "attached-p384", "p384", "a", NULL},
	{"cosign-p256", "attached-p521", "p521", "a", NULL},
	{"cosign-p256", "attached-rsa3072", "rsa3072", "a", NULL},
	{"cosign-p256", "attached-rsa4096", "rsa4096", "a", NULL},
	{"cosign-p256", "attached-ed25519", "ed25519", "a", NULL},
	{"cosign-p256-b", "cosign-p256-b", "p256", "b", NULL},
	/* L-N1 */
	{"cosign-p256", "cosign-p256", "p256-other", "a", NONE},
	{"cosign-p256", "cosign-p256", "p384 rsa2048 ed25519", "a", NONE},
	/* L-N2: signed, but another manifest */
	{"cosign-p256", "cosign-p256", "p256", "b", "it is the signature of 'sha256:"},
	{"cosign-rsa2048", "cosign-rsa2048", "rsa2048", "b", "it is the signature of 'sha256:"},
	{"cosign-p256-b", "cosign-p256", "p256", "b", NONE},
	/* K-N1: cosign hashes with SHA-384 and SHA-512 for these, as Flux does not */
	{"cosign-p384", "cosign-p384", "p384", "a", NONE},
	{"cosign-ed25519", "cosign-ed25519", "ed25519", "a", NONE},
};

START_TEST(test_files)
{
	auto_free char *payload = vector_text("legacy/", files[_i].payload, ".payload");
	auto_free char *sig = vector_text("legacy/", files[_i].sig, ".sig");
	struct verify_keys *keys = vector_keys(files[_i].keys);
	struct digest manifest = vector_digest(files[_i].manifest);
	struct err err = {0};
	enum verdict got = prove(payload, strlen(payload), sig, keys, &manifest, &err);

	ck_assert_msg((got == VERDICT_GOOD) == !files[_i].why, "row %d: %s", _i, err.msg);
	if (files[_i].why)
		ck_assert_msg(strstr(err.msg, files[_i].why), "row %d: %s", _i, err.msg);
	verify_keys_unref(keys);
}
END_TEST

/* L-N3: every bit of the payload counts. */
START_TEST(test_payload_bits)
{
	auto_free char *payload = vector_text("legacy/", "cosign-p256", ".payload");
	auto_free char *sig = vector_text("legacy/", "cosign-p256", ".sig");
	struct verify_keys *keys = vector_keys("p256");
	struct digest manifest = vector_digest("a");
	size_t n = strlen(payload), i;

	for (i = 0; i < n; i++) {
		struct err err = {0};

		payload[i] ^= 1;
		ck_assert_int_eq(prove(payload, n, sig, keys, &manifest, &err), VERDICT_BAD);
		ck_assert_str_eq(err.msg, NONE);
		payload[i] ^= 1;
	}
	ck_assert_int_eq(prove(payload, n, sig, keys, &manifest, &(struct err){0}), VERDICT_GOOD);
	ck_assert_int_eq(
		prove(payload, n - 1, sig, keys, &manifest, &(struct err){0}), VERDICT_BAD);
	verify_keys_unref(keys);
}
END_TEST

/* ---- payloads that were signed --------------------------------------------------------------- */

/* %s: the manifest's digest. */
#define PAYLOAD(type, members) "{\"critical\":{\"type\":\"" type "\",\"image\":{" members "}}}"
#define TYPE "cosign container image signature"
#define DIGEST "\"docker-manifest-digest\":\"%s\""

static const struct {
	const char *payload, *why;
} payloads[] = {
	{PAYLOAD(TYPE, DIGEST), NULL},
	{"{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" DIGEST "},\"identity\":{"
	 "\"docker-reference\":\"elsewhere\"}},\"optional\":{\"a\":[1,{}]}}",
		NULL},
	/* L-N13 */
	{PAYLOAD("atomic container signature", DIGEST),
		"the payload's type is 'atomic container signature'"},
	{PAYLOAD("", DIGEST), "the payload's type is ''"},
	{"{\"critical\":{\"image\":{" DIGEST "}}}", "the payload's type is ''"},
	{PAYLOAD(TYPE, DIGEST "," DIGEST), "duplicate object key"},
	{PAYLOAD(TYPE, ""), "it is the signature of ''"},
	{PAYLOAD(TYPE, "\"docker-manifest-digest\":[\"%s\"]"), "it is the signature of ''"},
	{PAYLOAD(TYPE, "\"docker-manifest-digest\":\"%s \""), "it is the signature of 'sha256:"},
	{PAYLOAD(TYPE, "\"docker-manifest-digest\":\"%s\\u0000\""), "not valid JSON"},
	{PAYLOAD(TYPE, DIGEST) "x", "not valid JSON"},
	{PAYLOAD(TYPE, DIGEST ",\"x\":\"\xff\""), "not valid JSON"},
	{"[]", "the payload's type is ''"},
	{"", "not valid JSON"},
};

static enum verdict prove_signed(const char *payload, size_t n, struct err *err)
{
	auto_buf struct buf sig = BUF_INIT(1024), text = BUF_INIT(2048);
	struct verify_keys *keys = vector_keys("rsa2048");
	struct digest manifest = vector_digest("a");
	enum verdict verdict;

	vector_sign(&sig, payload, n);
	base64_encode(&text, sig.p, sig.len, BASE64_STD);
	verdict = prove(payload, n, buf_str(&text), keys, &manifest, err);
	verify_keys_unref(keys);
	return verdict;
}

START_TEST(test_payloads)
{
	auto_free char *digest = vector_text("", "a", ".digest");
	auto_buf struct buf payload = BUF_INIT(BUF_ANY);
	const char *at = payloads[_i].payload, *mark;
	struct err err = {0};
	enum verdict got;

	while ((mark = strstr(at, "%s"))) {
		buf_add(&payload, at, (size_t)(mark - at));
		buf_adds(&payload, digest);
		at = mark + 2;
	}
	buf_adds(&payload, at);
	got = prove_signed(buf_str(&payload), payload.len, &err);
	ck_assert_msg((got == VERDICT_GOOD) == !payloads[_i].why, "row %d: %s", _i, err.msg);
	if (payloads[_i].why)
		ck_assert_msg(strstr(err.msg, payloads[_i].why), "row %d: %s", _i, err.msg);
}
END_TEST

/* What has no digest is nothing that anybody has signed. */
START_TEST(test_no_manifest)
{
	static const char payload[] = PAYLOAD(TYPE, "\"docker-manifest-digest\":\"\"");
	struct digest none = {.algo = DIGEST_NONE};
	struct err err = {0};

	ck_assert_int_eq(verify_simple_signing(payload, strlen(payload), &none, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "it is the signature of '', not of ''");
}
END_TEST

START_TEST(test_payload_limits)
{
	auto_free char *digest = vector_text("", "a", ".digest");
	auto_buf struct buf deep = BUF_INIT(BUF_ANY), large = BUF_INIT(BUF_ANY);
	struct err err = {0};
	int i;

	buf_addf(&deep,
		"{\"critical\":{\"type\":\"" TYPE "\",\"image\":{" DIGEST "}},\"x\":", digest);
	for (i = 0; i < 40; i++)
		buf_adds(&deep, "[");
	for (i = 0; i < 40; i++)
		buf_adds(&deep, "]");
	buf_adds(&deep, "}");
	ck_assert_int_eq(prove_signed(buf_str(&deep), deep.len, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the payload is nested more than 32 levels deep");
	while (large.len <= LIMIT_SIGNATURE_PAYLOAD)
		buf_addc(&large, ' ');
	err_clear(&err);
	ck_assert_int_eq(prove_signed(buf_str(&large), large.len, &err), VERDICT_BAD);
	ck_assert_str_eq(err.msg, "the payload has 65537 bytes, more than 65536");
}
END_TEST

/* ---- layers ---------------------------------------------------------------------------------- */

/* L-N4, L-N12 */
static const struct {
	const char *annotations;
	uint64_t size;
	const char *why;
} layers[] = {
	{"{\"" SIGNATURE "\":\"YQ==\"}", 100, NULL},
	{"{\"" SIGNATURE "\":\"YQ==\",\"dev.sigstore.cosign/certificate\":\"junk\"}", 100, NULL},
	{"{\"" SIGNATURE "\":\"YQ==\",\"dev.sigstore.cosign/bundle\":\"{}\"}", 100, NULL},
	{"{}", 100, "the layer has no annotation 'dev.cosignproject.cosign/signature'"},
	{NULL, 100, "the layer has no annotation"},
	{"{\"" SIGNATURE "\":\"\"}", 100, "the layer has no annotation"},
	{"{\"" SIGNATURE "\":7}", 100, "the layer has no annotation"},
	{"{\"" SIGNATURE "\":\"YQ\"}", 100, "the signature: malformed base64"},
	{"{\"" SIGNATURE "\":\"YQ==\\n\"}", 100, "the signature: malformed base64"},
	{"{\"" SIGNATURE "\":\"#\"}", 100, "the signature: malformed base64"},
	{"{\"" SIGNATURE "\":\"YQ==\"}", 200 * LIMIT_MIB,
		"the payload has 209715200 bytes, more than 65536"},
	{"{\"" SIGNATURE "\":\"YQ==\",\"dev.sigstore.cosign/bundle\":\"{\"}", 100,
		"dev.sigstore.cosign/bundle is not valid JSON"},
	{"{\"" SIGNATURE "\":\"YQ==\",\"dev.sigstore.cosign/rfc3161timestamp\":\"[]\"}", 100,
		"dev.sigstore.cosign/rfc3161timestamp is no JSON object"},
};

START_TEST(test_layers)
{
	struct verify_legacy_layers l = {0};
	const char *text = layers[_i].annotations;

	layer_of(&l, text ? json_loads(text, 0, NULL) : NULL, layers[_i].size);
	ck_assert_msg(!l.p[0].why == !layers[_i].why, "row %d: %s", _i, l.p[0].why);
	if (l.p[0].why)
		ck_assert_msg(strstr(l.p[0].why, layers[_i].why), "row %d: %s", _i, l.p[0].why);
	else
		ck_assert_str_eq(buf_str(&l.p[0].sig), "a");
	verify_legacy_clear(&l);
}
END_TEST

static const struct {
	const char *text;
	size_t layers;
	const char *why;
} manifests[] = {
	{"{\"layers\":[]}", 0, NULL},
	{"{\"layers\":[{\"digest\":\"" OF_NOTHING "\",\"size\":0}]}", 1, NULL},
	{"{}", 0, "the manifest of the signatures has no layers"},
	{"[", 0, "the manifest of the signatures is not valid JSON"},
	{"{\"layers\":[{\"size\":0}]}", 0, "a layer has no digest or no size"},
	{"{\"layers\":[{\"digest\":\"" OF_NOTHING "\",\"size\":-1}]}", 0,
		"a layer has no digest or no size"},
	{"{\"layers\":[{\"digest\":\"sha256:1\",\"size\":0}]}", 0, "digest"},
};

START_TEST(test_manifests)
{
	struct verify_legacy_layers l = {0};
	const char *text = manifests[_i].text;
	struct err err = {0};
	int rc = verify_legacy_read(&l, text, strlen(text), &err);

	ck_assert_msg(!rc == !manifests[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, manifests[_i].why), "row %d: %s", _i, err.msg);
	else
		ck_assert_uint_eq(l.len, manifests[_i].layers);
	verify_legacy_clear(&l);
}
END_TEST

START_TEST(test_long_signature)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct verify_legacy_layers l = {0};

	while (text.len <= LIMIT_SIGNATURE_TEXT)
		buf_adds(&text, "AAAA");
	layer_of(&l, json_pack("{ss}", SIGNATURE, buf_str(&text)), 100);
	ck_assert_str_eq(l.p[0].why, "the signature has 16388 characters, more than 16384");
	verify_legacy_clear(&l);
}
END_TEST

START_TEST(test_too_many_layers)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct verify_legacy_layers l = {0};
	struct err err = {0};
	int i;

	buf_adds(&b, "{\"layers\":[");
	for (i = 0; i < LIMIT_SIGNATURES + 1; i++)
		buf_addf(&b, "%s{\"digest\":\"" OF_NOTHING "\",\"size\":0}", i ? "," : "");
	buf_adds(&b, "]}");
	ck_assert_int_eq(verify_legacy_read(&l, buf_str(&b), b.len, &err), -1);
	ck_assert_str_eq(err.msg, "the manifest of the signatures has 1001 layers, more than 1000");
	verify_legacy_clear(&l);
}
END_TEST

Suite *suite_legacy(void)
{
	Suite *s = suite_create("legacy");
	TCase *tc = tcase_create("signatures");

	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(files));
	tcase_add_test(tc, test_payload_bits);
	tcase_add_loop_test(tc, test_payloads, 0, ARRAY_LEN(payloads));
	tcase_add_test(tc, test_no_manifest);
	tcase_add_test(tc, test_payload_limits);
	tcase_add_loop_test(tc, test_layers, 0, ARRAY_LEN(layers));
	tcase_add_loop_test(tc, test_manifests, 0, ARRAY_LEN(manifests));
	tcase_add_test(tc, test_long_signature);
	tcase_add_test(tc, test_too_many_layers);
	suite_add_tcase(s, tc);
	return s;
}
