/* Keys and tokens as issuers make them: for tests of lib/crypto and above, which do not sign so. */
#ifndef UNIT_CRYPTO_JOSE_H
#define UNIT_CRYPTO_JOSE_H
#include "base/base64.h"
#include "base/mem.h"

#include <check.h>
#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* alg says which kind of key. */
static inline EVP_PKEY *jose_make(const char *alg)
{
	EVP_PKEY *key;

	if (!strcmp(alg, "EdDSA"))
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (!strncmp(alg, "ES", 2))
		key = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
			alg[2] == '2'           ? "P-256"
				: alg[2] == '3' ? "P-384"
						: "P-521");
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	ck_assert_ptr_nonnull(key);
	return key;
}

static inline void jose_free(EVP_PKEY *key)
{
	EVP_PKEY_free(key);
}

static inline void jose_text(struct buf *out, const void *p, size_t n)
{
	ck_assert_int_eq(base64_encode(out, p, n, BASE64_URL), 0);
}

static inline void jose_number(
	json_t *o, const char *name, EVP_PKEY *key, const char *param, int pad)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	unsigned char bytes[1024];
	BIGNUM *n = NULL;
	int len;

	ck_assert_int_eq(EVP_PKEY_get_bn_param(key, param, &n), 1);
	len = pad ? BN_bn2binpad(n, bytes, pad) : BN_bn2bin(n, bytes);
	ck_assert_int_gt(len, 0);
	jose_text(&text, bytes, (size_t)len);
	json_object_set_new(o, name, json_string(buf_str(&text)));
	BN_free(n);
}

/* The public half as JSON; kid may be NULL. */
static inline json_t *jose_jwk(EVP_PKEY *key, const char *kid)
{
	json_t *o = json_object();
	int bits = EVP_PKEY_get_bits(key), pad = (bits + 7) / 8;

	if (kid)
		json_object_set_new(o, "kid", json_string(kid));
	if (EVP_PKEY_is_a(key, "RSA")) {
		json_object_set_new(o, "kty", json_string("RSA"));
		jose_number(o, "n", key, OSSL_PKEY_PARAM_RSA_N, 0);
		jose_number(o, "e", key, OSSL_PKEY_PARAM_RSA_E, 0);
	} else if (EVP_PKEY_is_a(key, "EC")) {
		json_object_set_new(o, "kty", json_string("EC"));
		json_object_set_new(o, "crv",
			json_string(bits == 256       ? "P-256"
					: bits == 384 ? "P-384"
						      : "P-521"));
		jose_number(o, "x", key, OSSL_PKEY_PARAM_EC_PUB_X, pad);
		jose_number(o, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y, pad);
	} else {
		auto_buf struct buf text = BUF_INIT(BUF_ANY);
		unsigned char bytes[32];
		size_t n = sizeof(bytes);

		ck_assert_int_eq(EVP_PKEY_get_raw_public_key(key, bytes, &n), 1);
		jose_text(&text, bytes, n);
		json_object_set_new(o, "kty", json_string("OKP"));
		json_object_set_new(o, "crv", json_string("Ed25519"));
		json_object_set_new(o, "x", json_string(buf_str(&text)));
	}
	return o;
}

/* DER to the two numbers side by side. */
static inline void jose_flatten(struct buf *out, const unsigned char *der, size_t n, int half)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	unsigned char bytes[132];

	ck_assert_ptr_nonnull(sig);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), bytes, half), half);
	ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), bytes + half, half), half);
	buf_add(out, bytes, 2 * (size_t)half);
	ECDSA_SIG_free(sig);
}

static inline void jose_sign(
	struct buf *out, EVP_PKEY *key, const char *alg, const void *data, size_t n)
{
	const EVP_MD *md = strstr(alg, "512") ? EVP_sha512()
		: strstr(alg, "384")          ? EVP_sha384()
					      : EVP_sha256();
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	EVP_PKEY_CTX *c = NULL;
	unsigned char sig[1024];
	size_t len = sizeof(sig);

	ck_assert_int_eq(
		EVP_DigestSignInit(m, &c, !strcmp(alg, "EdDSA") ? NULL : md, NULL, key), 1);
	if (alg[0] == 'P')
		ck_assert(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1);
	ck_assert_int_eq(EVP_DigestSign(m, sig, &len, data, n), 1);
	if (EVP_PKEY_is_a(key, "EC"))
		jose_flatten(out, sig, len, (EVP_PKEY_get_bits(key) + 7) / 8);
	else
		buf_add(out, sig, len);
	EVP_MD_CTX_free(m);
}

static inline void jose_part(struct buf *out, const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	jose_text(out, text, strlen(text));
	free(text);
}

/* A token with this header and these claims, which are taken over; the caller frees it. */
static inline char *jose_token(EVP_PKEY *key, const char *alg, json_t *header, json_t *claims)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	auto_buf struct buf sig = BUF_INIT(BUF_ANY);

	jose_part(&out, header);
	buf_addc(&out, '.');
	jose_part(&out, claims);
	jose_sign(&sig, key, alg, out.p, out.len);
	buf_addc(&out, '.');
	jose_text(&out, sig.p, sig.len);
	json_decref(header);
	json_decref(claims);
	return buf_take(&out);
}

#endif
