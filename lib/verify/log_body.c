#include "verify/log_body.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/obj.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "crypto/pubkey.h"
#include "verify/plain.h"

#include <string.h>

/* ---- reading --------------------------------------------------------------------------------- */

int verify_log_body_read(struct verify_log_body *b, const char *data, size_t n, struct err *err)
{
	if (n > LIMIT_LOG_BODY)
		return err_set(err, ERR_RETRY,
			"the body of the log entry has %zu bytes, more than %llu", n,
			LIMIT_LOG_BODY);
	b->root = obj_parse_within(data, n, &obj_signed, "the body of the log entry", err);
	if (!b->root)
		return -1;
	b->kind = obj_str_or("", b->root, "kind");
	b->version = obj_str_or("", b->root, "apiVersion");
	return 0;
}

void verify_log_body_clear(struct verify_log_body *b)
{
	json_decref(b->root);
	*b = (struct verify_log_body){0};
}

bool verify_log_body_is(const struct verify_log_body *b, const char *kind, const char *version)
{
	return !strcmp(b->kind, kind) && !strcmp(b->version, version);
}

int verify_log_body_unknown(const struct verify_log_body *b, struct err *err)
{
	char kind[VERIFY_PLAIN_MAX], version[VERIFY_PLAIN_MAX];

	return err_set(err, ERR_RETRY, "the log entry is a '%s' '%s', which says nothing of this",
		verify_plain(b->kind, kind), verify_plain(b->version, version));
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int sig_compare(const char *text, const struct verify_log_subject *of, struct err *err)
{
	auto_buf struct buf sig = BUF_INIT(LIMIT_SIGNATURE_TEXT);

	if (!text || base64_decode(&sig, text, strlen(text), BASE64_STD, err) ||
		!buf_equal(&sig, of->sig)) {
		err_clear(err);
		return err_set(err, ERR_RETRY, "the log entry is of another signature");
	}
	return 0;
}

static bool leaf_is(const struct buf *pem, const struct cert *leaf, struct err *err)
{
	struct cert *c = NULL;
	bool same;

	same = !cert_parse_pem(&c, buf_str(pem), pem->len, CERT_ONLY, err) && cert_equal(c, leaf);
	cert_free(c);
	return same;
}

static bool key_is(const struct buf *pem, const struct pubkey *key, struct err *err)
{
	struct pubkey *k = NULL;
	bool same;

	same = !pubkey_parse(&k, buf_str(pem), pem->len, err) && pubkey_equal(k, key);
	pubkey_free(k);
	return same;
}

static int signer_compare(const char *text, const struct verify_log_subject *of, struct err *err)
{
	auto_buf struct buf pem = BUF_INIT(LIMIT_LOG_BODY);

	if (text && !base64_decode(&pem, text, strlen(text), BASE64_STD, err) &&
		(of->leaf ? leaf_is(&pem, of->leaf, err) : key_is(&pem, of->key, err)))
		return 0;
	err_clear(err);
	return err_set(
		err, ERR_RETRY, "the log entry is of another %s", of->leaf ? "certificate" : "key");
}

static int hash_compare(const json_t *hash, const struct verify_log_subject *of, struct err *err)
{
	const char *algo = obj_str_or("", hash, "algorithm");
	char hex[DIGEST_HEX_MAX], shown[VERIFY_PLAIN_MAX];

	if (strcmp(algo, "sha256") != 0)
		return err_set(err, ERR_RETRY, "the log entry has a digest of '%s', not of sha256",
			verify_plain(algo, shown));
	if (strcmp(obj_str_or("", hash, "value"), digest_hex(&of->payload, hex)) != 0)
		return err_set(err, ERR_RETRY, "the log entry is of another payload");
	return 0;
}

int verify_log_body_of_hash(
	const struct verify_log_body *b, const struct verify_log_subject *of, struct err *err)
{
	const json_t *sig = obj_get(b->root, "spec", "signature");

	return sig_compare(obj_str(sig, "content"), of, err) ||
			signer_compare(obj_str(sig, "publicKey", "content"), of, err) ||
			hash_compare(obj_get(b->root, "spec", "data", "hash"), of, err)
		? -1
		: 0;
}

/* ---- envelopes ------------------------------------------------------------------------------- */

/* intoto has it in base64 twice. */
static int sig_compare_twice(const char *text, const struct verify_log_subject *of, struct err *err)
{
	auto_buf struct buf once = BUF_INIT(LIMIT_LOG_BODY);

	if (!text || base64_decode(&once, text, strlen(text), BASE64_STD, err) ||
		memchr(buf_str(&once), '\0', once.len)) {
		err_clear(err);
		return err_set(err, ERR_RETRY, "the log entry is of another signature");
	}
	return sig_compare(buf_str(&once), of, err);
}

static int one_signature(const json_t *list, const json_t **out, struct err *err)
{
	*out = json_array_get(list, 0);
	return json_array_size(list) == 1
		? 0
		: err_set(err, ERR_RETRY, "the log entry is of %zu signatures, not one",
			  json_array_size(list));
}

static int dsse_compare(
	const struct verify_log_body *b, const struct verify_log_subject *of, struct err *err)
{
	const json_t *one;

	if (one_signature(obj_get(b->root, "spec", "signatures"), &one, err))
		return -1;
	return sig_compare(obj_str(one, "signature"), of, err) ||
			signer_compare(obj_str(one, "verifier"), of, err) ||
			hash_compare(obj_get(b->root, "spec", "payloadHash"), of, err)
		? -1
		: 0;
}

static int intoto_compare(
	const struct verify_log_body *b, const struct verify_log_subject *of, struct err *err)
{
	const json_t *content = obj_get(b->root, "spec", "content"), *one;

	if (one_signature(obj_get(content, "envelope", "signatures"), &one, err))
		return -1;
	return sig_compare_twice(obj_str(one, "sig"), of, err) ||
			signer_compare(obj_str(one, "publicKey"), of, err) ||
			hash_compare(obj_get(content, "payloadHash"), of, err)
		? -1
		: 0;
}

int verify_log_body_of_envelope(
	const struct verify_log_body *b, const struct verify_log_subject *of, struct err *err)
{
	if (verify_log_body_is(b, "dsse", "0.0.1"))
		return dsse_compare(b, of, err);
	if (verify_log_body_is(b, "intoto", "0.0.2"))
		return intoto_compare(b, of, err);
	return verify_log_body_unknown(b, err);
}

/* ---- version 2 ------------------------------------------------------------------------------- */

static const struct {
	enum pubkey_kind kind;
	int bits;
	enum digest_algo algo;
	const char *hash, *key;
} kinds[] = {
	{PUBKEY_EC, 256, DIGEST_SHA256, "SHA2_256", "PKIX_ECDSA_P256_SHA_256"},
	{PUBKEY_EC, 384, DIGEST_SHA384, "SHA2_384", "PKIX_ECDSA_P384_SHA_384"},
	{PUBKEY_EC, 521, DIGEST_SHA512, "SHA2_512", "PKIX_ECDSA_P521_SHA_512"},
	{PUBKEY_RSA, 2048, DIGEST_SHA256, "SHA2_256", "PKIX_RSA_PKCS1V15_2048_SHA256"},
	{PUBKEY_RSA, 3072, DIGEST_SHA256, "SHA2_256", "PKIX_RSA_PKCS1V15_3072_SHA256"},
	{PUBKEY_RSA, 4096, DIGEST_SHA256, "SHA2_256", "PKIX_RSA_PKCS1V15_4096_SHA256"},
};

/* RFC 8785: members in the order of their names, nothing between them. */
int verify_log_body_write(struct buf *out, const struct verify_log_subject *of,
	const struct buf *text, struct err *err)
{
	const struct pubkey *key = of->leaf ? cert_key(of->leaf) : of->key;
	auto_buf struct buf der = BUF_INIT(LIMIT_CERTIFICATE);
	struct digest d;
	size_t i = 0;

	while (i < ARRAY_LEN(kinds) &&
		(kinds[i].kind != pubkey_kind(key) || kinds[i].bits != pubkey_bits(key)))
		i++;
	if (i == ARRAY_LEN(kinds))
		return err_set(err, ERR_RETRY, "no log of version 2 takes such a key");
	digest_mem(&d, kinds[i].algo, buf_str(text), text->len);
	buf_addf(out,
		"{\"apiVersion\":\"0.0.2\",\"kind\":\"hashedrekord\",\"spec\":{"
		"\"hashedRekordV002\":{\"data\":{\"algorithm\":\"%s\",\"digest\":\"",
		kinds[i].hash);
	(void)!base64_encode(out, d.bin, digest_size(d.algo), BASE64_STD);
	buf_adds(out, "\"},\"signature\":{\"content\":\"");
	(void)!base64_encode(out, buf_str(of->sig), of->sig->len, BASE64_STD);
	if (of->leaf)
		buf_add(&der, buf_str(of->leaf_der), of->leaf_der->len);
	else
		pubkey_write(key, &der);
	buf_addf(out, "\",\"verifier\":{\"keyDetails\":\"%s\",\"%s\":{\"rawBytes\":\"",
		kinds[i].key, of->leaf ? "x509Certificate" : "publicKey");
	(void)!base64_encode(out, buf_str(&der), der.len, BASE64_STD);
	buf_adds(out, "\"}}}}}}");
	return buf_over(out) ? err_set(err, ERR_RETRY, "the log entry is too large") : 0;
}
