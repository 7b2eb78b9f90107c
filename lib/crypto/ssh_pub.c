/* Public keys of ssh, and signatures as its protocol has them (RFC 4253 section 6.6, RFC 5656,
   RFC 8332, RFC 8709). */
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/rsa.h"
#include "crypto/ssh_internal.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

static const struct ssh_kind KINDS[] = {
	{"ssh-ed25519", SSH_ED25519, NULL, NULL, 32, NULL, false},
	{"ecdsa-sha2-nistp256", SSH_ECDSA, "nistp256", "prime256v1", 65, "SHA256", false},
	{"ecdsa-sha2-nistp384", SSH_ECDSA, "nistp384", "secp384r1", 97, "SHA384", false},
	{"ecdsa-sha2-nistp521", SSH_ECDSA, "nistp521", "secp521r1", 133, "SHA512", false},
	{"ssh-rsa", SSH_RSA, NULL, NULL, 0, "SHA512", false},
	{"sk-ssh-ed25519@openssh.com", SSH_ED25519, NULL, NULL, 32, NULL, true},
	{"sk-ecdsa-sha2-nistp256@openssh.com", SSH_ECDSA, "nistp256", "prime256v1", 65, "SHA256",
		true},
};

const struct ssh_kind *ssh_kind_named(struct ssh_str name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (ssh_str_is(name, KINDS[i].name))
			return &KINDS[i];
	return NULL;
}

static bool has_group(const EVP_PKEY *key, const char *group)
{
	char name[80] = "", form[80] = "";

	return EVP_PKEY_get_utf8_string_param(
		       key, OSSL_PKEY_PARAM_EC_ENCODING, form, sizeof(form), NULL) == 1 &&
		!strcmp(form, OSSL_PKEY_EC_ENCODING_GROUP) &&
		EVP_PKEY_get_utf8_string_param(
			key, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) == 1 &&
		!strcmp(name, group);
}

const struct ssh_kind *ssh_kind_of(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		const struct ssh_kind *k = &KINDS[i];

		if (!k->sk &&
			((k->form == SSH_ED25519 && id == EVP_PKEY_ED25519) ||
				(k->form == SSH_RSA && id == EVP_PKEY_RSA) ||
				(k->form == SSH_ECDSA && id == EVP_PKEY_EC &&
					has_group(key, k->group))))
			return k;
	}
	return NULL;
}

/* ---- reading and writing --------------------------------------------------------------------- */

EVP_PKEY *ssh_key_of_params(const char *type, int selection, OSSL_PARAM_BLD *bld)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	BUG_IF(!params || !c);
	if (EVP_PKEY_fromdata_init(c) != 1 || EVP_PKEY_fromdata(c, &key, selection, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *ec_read(const struct ssh_kind *kind, struct ssh_read *r)
{
	struct ssh_str curve = ssh_read_string(r), point = ssh_read_string(r);
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *key;

	if (r->broken || !ssh_str_is(curve, kind->curve) || point.n != kind->point ||
		point.p[0] != 4)
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	BUG_IF(!bld);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
	key = ssh_key_of_params("EC", EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

static EVP_PKEY *rsa_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *key;

	/* With an exponent of 1 anything is its own signature. */
	if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 32 ||
		BN_num_bits(n) < SSH_RSA_BITS_MIN || BN_num_bits(n) > RSA_BITS_MAX)
		return NULL;
	bld = OSSL_PARAM_BLD_new();
	BUG_IF(!bld);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e);
	key = ssh_key_of_params("RSA", EVP_PKEY_PUBLIC_KEY, bld);
	OSSL_PARAM_BLD_free(bld);
	return key;
}

static EVP_PKEY *rsa_read(struct ssh_read *r)
{
	struct ssh_str e = ssh_read_mpint(r), n = ssh_read_mpint(r);
	BIGNUM *be, *bn;
	EVP_PKEY *key;

	if (r->broken || e.n > 4 || n.n > RSA_BITS_MAX / 8)
		return NULL;
	be = BN_bin2bn(e.p, (int)e.n, NULL);
	bn = BN_bin2bn(n.p, (int)n.n, NULL);
	BUG_IF(!be || !bn);
	key = rsa_of(bn, be);
	BN_free(be);
	BN_free(bn);
	return key;
}

EVP_PKEY *ssh_pub_read(const struct ssh_kind *kind, struct ssh_read *r)
{
	struct ssh_str raw;

	switch (kind->form) {
	case SSH_ECDSA:
		return ec_read(kind, r);
	case SSH_RSA:
		return rsa_read(r);
	default:
		raw = ssh_read_string(r);
		if (r->broken || raw.n != kind->point)
			return NULL;
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw.p, raw.n);
	}
}

int ssh_pub_parse(struct ssh_pub *pub, struct ssh_str blob, struct err *err)
{
	struct ssh_read r = ssh_read_of(blob);
	struct ssh_str name = ssh_read_string(&r), application = {0};

	*pub = (struct ssh_pub){
		.blob = BUF_INIT(LIMIT_SSH_BLOB), .application = BUF_INIT(LIMIT_SSH_BLOB)};
	if (r.broken || blob.n > LIMIT_SSH_BLOB)
		return err_set(err, ERR_RETRY, "its key is broken");
	pub->kind = ssh_kind_named(name);
	if (!pub->kind)
		return err_set(err, ERR_RETRY,
			"its key is of a kind that is not taken: Ed25519, ECDSA and RSA are");
	pub->key = ssh_pub_read(pub->kind, &r);
	if (pub->kind->sk)
		application = ssh_read_string(&r);
	ERR_clear_error();
	if (!pub->key || !ssh_read_ended(&r)) {
		ssh_pub_clear(pub);
		return err_set(err, ERR_RETRY,
			"its key is broken, or an RSA key of a size that is not taken");
	}
	buf_add(&pub->blob, blob.p, blob.n);
	buf_add(&pub->application, application.p, application.n);
	return 0;
}

void ssh_pub_clear(struct ssh_pub *pub)
{
	EVP_PKEY_free(pub->key);
	pub->key = NULL;
	buf_clear(&pub->blob);
	buf_clear(&pub->application);
}

BIGNUM *ssh_key_bn(const EVP_PKEY *key, const char *name)
{
	BIGNUM *n = NULL;

	(void)EVP_PKEY_get_bn_param(key, name, &n);
	return n;
}

void ssh_write_bn(struct buf *out, const BIGNUM *n)
{
	unsigned char bytes[RSA_BITS_MAX / 8];

	if (!n || BN_num_bytes(n) > (int)sizeof(bytes)) {
		out->over = true;
		return;
	}
	ssh_write_mpint(out, bytes, (size_t)BN_bn2bin(n, bytes));
	mem_wipe(bytes, sizeof(bytes));
}

/* OpenSSL may have read the key in the short form, and writes it so then. */
static void ec_write(const struct ssh_kind *kind, const EVP_PKEY *key, struct buf *out)
{
	unsigned char point[133] = {4};
	size_t half = (kind->point - 1) / 2;
	BIGNUM *x = ssh_key_bn(key, OSSL_PKEY_PARAM_EC_PUB_X);
	BIGNUM *y = ssh_key_bn(key, OSSL_PKEY_PARAM_EC_PUB_Y);

	BUG_IF(!x || !y || BN_bn2binpad(x, point + 1, (int)half) < 0 ||
		BN_bn2binpad(y, point + 1 + half, (int)half) < 0);
	ssh_write_string(out, kind->curve, strlen(kind->curve));
	ssh_write_string(out, point, kind->point);
	BN_free(x);
	BN_free(y);
}

void ssh_pub_write(const struct ssh_kind *kind, const EVP_PKEY *key, struct buf *out)
{
	unsigned char raw[32];
	size_t n = sizeof(raw);

	ssh_write_string(out, kind->name, strlen(kind->name));
	if (kind->form == SSH_ECDSA) {
		ec_write(kind, key, out);
	} else if (kind->form == SSH_RSA) {
		BIGNUM *be = ssh_key_bn(key, OSSL_PKEY_PARAM_RSA_E);
		BIGNUM *bn = ssh_key_bn(key, OSSL_PKEY_PARAM_RSA_N);

		ssh_write_bn(out, be);
		ssh_write_bn(out, bn);
		BN_free(be);
		BN_free(bn);
	} else {
		BUG_IF(EVP_PKEY_get_raw_public_key(key, raw, &n) != 1);
		ssh_write_string(out, raw, n);
	}
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* r and s, as OpenSSL wants them. */
static int ecdsa_to_der(struct ssh_str sig, unsigned char **der)
{
	struct ssh_read r = ssh_read_of(sig);
	struct ssh_str rn = ssh_read_mpint(&r), sn = ssh_read_mpint(&r);
	ECDSA_SIG *e = NULL;
	int n = -1;

	if (!ssh_read_ended(&r) || rn.n > 66 || sn.n > 66)
		return -1;
	e = ECDSA_SIG_new();
	BUG_IF(!e ||
		!ECDSA_SIG_set0(
			e, BN_bin2bn(rn.p, (int)rn.n, NULL), BN_bin2bn(sn.p, (int)sn.n, NULL)));
	n = i2d_ECDSA_SIG(e, der);
	ECDSA_SIG_free(e);
	return n;
}

static bool evp_verifies(
	EVP_PKEY *key, const char *hash, struct ssh_str sig, const void *text, size_t n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good;

	BUG_IF(!c);
	good = EVP_DigestVerifyInit_ex(c, NULL, hash, NULL, NULL, key, NULL) == 1 &&
		EVP_DigestVerify(c, sig.p, sig.n, text, n) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return good;
}

static bool ecdsa_verifies(
	const struct ssh_pub *pub, struct ssh_str sig, const void *text, size_t n)
{
	unsigned char *der = NULL;
	int len = ecdsa_to_der(sig, &der);
	bool good = len > 0 &&
		evp_verifies(pub->key, pub->kind->hash,
			(struct ssh_str){.p = der, .n = (size_t)len}, text, n);

	OPENSSL_free(der);
	return good;
}

static bool rsa_verifies(
	const struct ssh_pub *pub, const char *hash, struct ssh_str sig, const void *text, size_t n)
{
	unsigned char whole[RSA_BITS_MAX / 8] = {0};
	size_t size = (size_t)EVP_PKEY_get_size(pub->key);

	if (size > sizeof(whole) || sig.n > size)
		return false;
	memcpy(whole + size - sig.n, sig.p, sig.n); /* zeros in front may be missing */
	return evp_verifies(pub->key, hash, (struct ssh_str){.p = whole, .n = size}, text, n);
}

/* What a device has signed: the application, what it says of the touch and how often it was used,
   and the text, hashed. */
static void sk_text(
	const struct ssh_pub *pub, struct ssh_str said, const void *text, size_t n, struct buf *out)
{
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, buf_str(&pub->application), pub->application.len);
	buf_add(out, d.bin, 32);
	buf_add(out, said.p, said.n);
	digest_mem(&d, DIGEST_SHA256, text, n);
	buf_add(out, d.bin, 32);
}

bool ssh_pub_verifies(
	const struct ssh_pub *pub, struct ssh_str signature, const void *text, size_t n)
{
	struct ssh_read r = ssh_read_of(signature);
	struct ssh_str algo = ssh_read_string(&r), sig = ssh_read_string(&r);
	auto_buf struct buf sk = BUF_INIT(256);

	if (pub->kind->sk) {
		sk_text(pub, ssh_read_bytes(&r, 5), text, n, &sk);
		text = sk.p;
		n = sk.len;
	}
	if (!ssh_read_ended(&r) || !sig.n)
		return false;
	if (pub->kind->form == SSH_RSA)
		return ssh_str_is(algo, "rsa-sha2-512") ? rsa_verifies(pub, "SHA512", sig, text, n)
			: ssh_str_is(algo, "rsa-sha2-256")
			? rsa_verifies(pub, "SHA256", sig, text, n)
			: false;
	if (!ssh_str_is(algo, pub->kind->name))
		return false;
	return pub->kind->form == SSH_ECDSA ? ecdsa_verifies(pub, sig, text, n)
					    : evp_verifies(pub->key, NULL, sig, text, n);
}

static int ecdsa_write(const unsigned char *der, size_t n, struct buf *out)
{
	auto_buf struct buf sig = BUF_INIT(1024);
	ECDSA_SIG *e = d2i_ECDSA_SIG(NULL, &der, (long)n);

	if (!e)
		return -1;
	ssh_write_bn(&sig, ECDSA_SIG_get0_r(e));
	ssh_write_bn(&sig, ECDSA_SIG_get0_s(e));
	ssh_write_string(out, sig.p, sig.len);
	ECDSA_SIG_free(e);
	return 0;
}

int ssh_key_sign(const struct ssh_key *key, const void *text, size_t n, struct buf *out)
{
	const char *algo = key->kind->form == SSH_RSA ? "rsa-sha2-512" : key->kind->name;
	unsigned char sig[RSA_BITS_MAX / 8];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = sizeof(sig);
	int rc = -1;

	BUG_IF(!c);
	if (EVP_DigestSignInit_ex(c, NULL, key->kind->hash, NULL, NULL, key->key, NULL) == 1 &&
		EVP_DigestSign(c, sig, &len, text, n) == 1) {
		rc = 0;
		ssh_write_string(out, algo, strlen(algo));
		if (key->kind->form == SSH_ECDSA)
			rc = ecdsa_write(sig, len, out);
		else
			ssh_write_string(out, sig, len);
	}
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return rc || buf_over(out) ? -1 : 0;
}
