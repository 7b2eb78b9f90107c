#include "crypto/pubkey.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

struct pubkey {
	EVP_PKEY *key;
	bool hashes; /* with SHA-256, before it signs */
};

/* ---- which keys are taken -------------------------------------------------------------------- */

static int ec_check(const EVP_PKEY *key, struct err *err)
{
	static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
	char curve[80] = "", form[80] = "";
	size_t i;

	if (EVP_PKEY_get_utf8_string_param(
		    key, OSSL_PKEY_PARAM_EC_ENCODING, form, sizeof(form), NULL) != 1 ||
		strcmp(form, OSSL_PKEY_EC_ENCODING_GROUP) != 0)
		return err_set(err, ERR_RETRY, "it is an ECDSA key whose curve has no name");
	(void)EVP_PKEY_get_utf8_string_param(
		key, OSSL_PKEY_PARAM_GROUP_NAME, curve, sizeof(curve), NULL);
	for (i = 0; i < ARRAY_LEN(curves); i++)
		if (!strcmp(curve, curves[i]))
			return 0;
	return err_set(err, ERR_RETRY,
		"it is an ECDSA key on the curve '%s'; P-256, P-384 and P-521 are taken", curve);
}

/* With an exponent of 1 anything is its own signature. */
static bool rsa_exponent_ok(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
		!BN_is_one(e) && BN_num_bits(e) <= 32;

	BN_free(e);
	return ok;
}

static int rsa_check(const EVP_PKEY *key, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key);

	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		return err_set(err, ERR_RETRY, "it is an RSA key of %d bits; %d to %d are taken",
			bits, RSA_BITS_MIN, RSA_BITS_MAX);
	if (!rsa_exponent_ok(key))
		return err_set(
			err, ERR_RETRY, "it is an RSA key with an exponent that is not taken");
	return 0;
}

static int key_check(const EVP_PKEY *key, struct err *err)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_EC:
		return ec_check(key, err);
	case EVP_PKEY_RSA:
		return rsa_check(key, err);
	case EVP_PKEY_ED25519:
		return 0;
	default:
		return err_set(err, ERR_RETRY,
			"it is no ECDSA, RSA or Ed25519 key: other kinds are not taken");
	}
}

/* ---- reading --------------------------------------------------------------------------------- */

static EVP_PKEY *key_of_der(
	const char *label, const unsigned char *der, long n, const char *broken, struct err *err)
{
	const unsigned char *end = der;
	EVP_PKEY *key = NULL;

	if (!strcmp(label, PEM_STRING_PUBLIC))
		key = d2i_PUBKEY(NULL, &end, n);
	else if (!strcmp(label, PEM_STRING_RSA_PUBLIC))
		key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &end, n);
	else
		err_set(err, ERR_RETRY,
			"it is a PEM block '%.40s'; 'PUBLIC KEY' and 'RSA PUBLIC KEY' are taken",
			label);
	if (key && end != der + n) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	if (!key && err->kind == ERR_NONE)
		err_set(err, ERR_RETRY, "%s", broken);
	return key;
}

/* Who has put a second key behind the first one must not believe that it counts, be it broken. */
static bool has_block(BIO *in)
{
	static const char begin[] = "-----BEGIN";
	char *p = NULL;
	long n = BIO_get_mem_data(in, &p);

	return n > 0 && memmem(p, (size_t)n, begin, sizeof(begin) - 1);
}

static EVP_PKEY *key_of_pem(const char *pem, size_t len, struct err *err)
{
	BIO *in = BIO_new_mem_buf(len ? pem : "", (int)len);
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	EVP_PKEY *key = NULL;
	long n = 0;

	BUG_IF(!in);
	if (!PEM_read_bio(in, &label, &header, &der, &n))
		err_set(err, ERR_RETRY, "it is no public key in PEM");
	else if (*header)
		err_set(err, ERR_RETRY, "it is encrypted");
	else if (has_block(in))
		err_set(err, ERR_RETRY,
			"it holds more than one PEM block; each key is an entry of its own");
	else
		key = key_of_der(label, der, n, "the key in its PEM block is broken", err);
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(in);
	ERR_clear_error();
	return key;
}

static int size_check(size_t len, struct err *err)
{
	if (!len)
		return err_set(err, ERR_RETRY, "it is empty");
	if (len > LIMIT_PUBLIC_KEY)
		return err_set(
			err, ERR_RETRY, "it has %zu bytes, more than %llu", len, LIMIT_PUBLIC_KEY);
	return 0;
}

/* Takes the key over; NULL: *err says why there is none. */
static int key_take(struct pubkey **out, EVP_PKEY *key, struct err *err)
{
	int rc = key ? key_check(key, err) : -1;

	ERR_clear_error();
	if (rc) {
		EVP_PKEY_free(key);
		return -1;
	}
	*out = NEW(struct pubkey);
	(*out)->key = key;
	(*out)->hashes = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519;
	return 0;
}

int pubkey_parse(struct pubkey **out, const char *pem, size_t len, struct err *err)
{
	if (size_check(len, err))
		return -1;
	return key_take(out, key_of_pem(pem, len, err), err);
}

int pubkey_parse_der(
	struct pubkey **out, const void *der, size_t n, enum pubkey_form form, struct err *err)
{
	if (size_check(n, err))
		return -1;
	return key_take(out,
		key_of_der(form == PUBKEY_PKCS1 ? PEM_STRING_RSA_PUBLIC : PEM_STRING_PUBLIC, der,
			(long)n, "it is broken", err),
		err);
}

void pubkey_free(struct pubkey *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

/* ---- checking -------------------------------------------------------------------------------- */

static const EVP_MD *hash_of(enum digest_algo algo)
{
	return algo == DIGEST_SHA512    ? EVP_sha512()
		: algo == DIGEST_SHA384 ? EVP_sha384()
					: EVP_sha256();
}

bool pubkey_verifies_with(const struct pubkey *key, enum digest_algo hash, const void *sig,
	size_t sig_len, const void *data, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good;

	BUG_IF(!c);
	good = sig_len &&
		EVP_DigestVerifyInit(c, NULL, key->hashes ? hash_of(hash) : NULL, NULL, key->key) ==
			1 &&
		EVP_DigestVerify(c, sig, sig_len, n ? data : "", n) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return good;
}

bool pubkey_verifies(
	const struct pubkey *key, const void *sig, size_t sig_len, const void *data, size_t n)
{
	return pubkey_verifies_with(key, DIGEST_SHA256, sig, sig_len, data, n);
}

/* ---- what it is ------------------------------------------------------------------------------ */

enum pubkey_kind pubkey_kind(const struct pubkey *key)
{
	switch (EVP_PKEY_get_base_id(key->key)) {
	case EVP_PKEY_EC:
		return PUBKEY_EC;
	case EVP_PKEY_RSA:
		return PUBKEY_RSA;
	default:
		return PUBKEY_ED25519;
	}
}

int pubkey_bits(const struct pubkey *key)
{
	return EVP_PKEY_get_bits(key->key);
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b)
{
	bool same = EVP_PKEY_eq(a->key, b->key) == 1;

	ERR_clear_error();
	return same;
}

void pubkey_write(const struct pubkey *key, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key->key, &der);

	BUG_IF(n <= 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
}
