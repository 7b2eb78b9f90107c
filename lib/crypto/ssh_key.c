#include "crypto/ssh_key.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/bcrypt_pbkdf.h"
#include "crypto/rand.h"
#include "crypto/rsa.h"
#include "crypto/ssh_internal.h"
#include "crypto/ssh_pem.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#define MAGIC "openssh-key-v1" /* with its NUL */
#define BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END "-----END OPENSSH PRIVATE KEY-----"

static int broken(struct err *err)
{
	return err_code(err, ERR_RETRY, SSH_KEY_BROKEN, "the private key is broken");
}

/* ---- the private part, by kind --------------------------------------------------------------- */

static BIGNUM *secret_bn(struct ssh_str s)
{
	BIGNUM *n = s.n <= RSA_BITS_MAX / 8 ? BN_bin2bn(s.p, (int)s.n, BN_secure_new()) : NULL;

	if (n)
		BN_set_flags(n, BN_FLG_CONSTTIME);
	return n;
}

static EVP_PKEY *ed25519_read(struct ssh_read *r)
{
	struct ssh_str pub = ssh_read_string(r), seed = ssh_read_string(r);

	/* The seed, and the public key once more. */
	if (r->broken || pub.n != 32 || seed.n != 64 || memcmp(pub.p, seed.p + 32, 32) != 0)
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed.p, 32);
}

static EVP_PKEY *ecdsa_read(const struct ssh_kind *kind, struct ssh_read *r)
{
	struct ssh_str curve = ssh_read_string(r), point = ssh_read_string(r);
	struct ssh_str scalar = ssh_read_mpint(r);
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *key;
	BIGNUM *d;

	if (r->broken || !ssh_str_is(curve, kind->curve) || point.n != kind->point ||
		point.p[0] != 4 || scalar.n > 66)
		return NULL;
	d = secret_bn(scalar);
	bld = OSSL_PARAM_BLD_new();
	BUG_IF(!bld || !d);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d);
	key = ssh_key_of_params("EC", EVP_PKEY_KEYPAIR, bld);
	OSSL_PARAM_BLD_free(bld);
	BN_clear_free(d);
	return key;
}

enum { RSA_N, RSA_E, RSA_D, RSA_IQMP, RSA_P, RSA_Q, RSA_DP, RSA_DQ, RSA_NUMBERS };

static const char *const RSA_NAMES[RSA_NUMBERS] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
	OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, OSSL_PKEY_PARAM_RSA_FACTOR1,
	OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2};

/* Sizes, before anything is computed with them; n is p times q, and what the form leaves out. */
static bool rsa_complete(BIGNUM *v[RSA_NUMBERS])
{
	BN_CTX *c = BN_CTX_new();
	BIGNUM *t = BN_new();
	bool good;

	BUG_IF(!c || !t);
	v[RSA_DP] = BN_secure_new();
	v[RSA_DQ] = BN_secure_new();
	BUG_IF(!v[RSA_DP] || !v[RSA_DQ]);
	good = BN_num_bits(v[RSA_N]) >= SSH_RSA_BITS_MIN && BN_num_bits(v[RSA_E]) <= 32 &&
		BN_is_odd(v[RSA_E]) && !BN_is_one(v[RSA_E]) && BN_is_odd(v[RSA_P]) &&
		BN_is_odd(v[RSA_Q]) && !BN_is_one(v[RSA_P]) && !BN_is_one(v[RSA_Q]) &&
		BN_cmp(v[RSA_D], v[RSA_N]) < 0 && BN_cmp(v[RSA_IQMP], v[RSA_P]) < 0 &&
		BN_mul(t, v[RSA_P], v[RSA_Q], c) && !BN_cmp(t, v[RSA_N]) &&
		BN_sub(t, v[RSA_P], BN_value_one()) && BN_mod(v[RSA_DP], v[RSA_D], t, c) &&
		BN_sub(t, v[RSA_Q], BN_value_one()) && BN_mod(v[RSA_DQ], v[RSA_D], t, c);
	BN_clear_free(t);
	BN_CTX_free(c);
	return good;
}

static EVP_PKEY *rsa_read(struct ssh_read *r)
{
	BIGNUM *v[RSA_NUMBERS] = {0};
	EVP_PKEY *key = NULL;
	bool whole = true;
	int i;

	for (i = 0; i <= RSA_Q; i++) {
		v[i] = secret_bn(ssh_read_mpint(r));
		whole = whole && v[i] && !r->broken;
	}
	if (whole && rsa_complete(v)) {
		OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

		BUG_IF(!bld);
		for (i = 0; i < RSA_NUMBERS; i++)
			OSSL_PARAM_BLD_push_BN(bld, RSA_NAMES[i], v[i]);
		key = ssh_key_of_params("RSA", EVP_PKEY_KEYPAIR, bld);
		OSSL_PARAM_BLD_free(bld);
	}
	for (i = 0; i < RSA_NUMBERS; i++)
		BN_clear_free(v[i]);
	return key;
}

static EVP_PKEY *private_read(const struct ssh_kind *kind, struct ssh_read *r)
{
	return kind->form == SSH_RSA      ? rsa_read(r)
		: kind->form == SSH_ECDSA ? ecdsa_read(kind, r)
					  : ed25519_read(r);
}

static struct ssh_key *key_new(const struct ssh_kind *kind, EVP_PKEY *evp)
{
	struct ssh_key *key = NEW(struct ssh_key);

	key->kind = kind;
	key->key = evp;
	return key;
}

/* Without its encryption: two equal numbers, the key, a comment, padding. */
static int inner_read(
	struct ssh_key **out, struct ssh_str inner, struct ssh_str public_blob, struct err *err)
{
	struct ssh_read r = ssh_read_of(inner);
	auto_buf struct buf pub = BUF_INIT(LIMIT_SSH_BLOB);
	const struct ssh_kind *kind;
	EVP_PKEY *key;
	unsigned char pad = 0;

	ssh_read_bytes(&r, 8);
	kind = ssh_kind_named(ssh_read_string(&r));
	if (r.broken)
		return broken(err);
	if (!kind || kind->sk)
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
			"the private key is of a kind that is not taken: Ed25519, ECDSA on P-256, "
			"P-384 and P-521, and RSA are");
	key = private_read(kind, &r);
	ssh_read_string(&r);
	while (r.n && !r.broken)
		r.broken = *ssh_read_bytes(&r, 1).p != ++pad;
	if (key)
		ssh_pub_write(kind, key, &pub);
	ERR_clear_error();
	if (!key || r.broken || buf_over(&pub) || pub.len != public_blob.n ||
		memcmp(pub.p, public_blob.p, pub.len) != 0) {
		EVP_PKEY_free(key);
		return broken(err);
	}
	*out = key_new(kind, key);
	return 0;
}

/* ---- OpenSSH's form: PROTOCOL.key ------------------------------------------------------------ */

static const struct cipher {
	const char *name, *evp;
	size_t key, iv, tag;
} CIPHERS[] = {
	{"aes256-ctr", "AES-256-CTR", 32, 16, 0},
	{"aes256-cbc", "AES-256-CBC", 32, 16, 0},
	{"aes256-gcm@openssh.com", "AES-256-GCM", 32, 12, 16},
	{"aes192-ctr", "AES-192-CTR", 24, 16, 0},
	{"aes128-ctr", "AES-128-CTR", 16, 16, 0},
};

struct outer {
	struct ssh_str cipher, kdf, options, pub, inner, tag;
};

static int outer_read(struct outer *o, struct ssh_str text)
{
	struct ssh_read r = ssh_read_of(text);
	struct ssh_str magic = ssh_read_bytes(&r, sizeof(MAGIC));

	if (magic.n != sizeof(MAGIC) || memcmp(magic.p, MAGIC, sizeof(MAGIC)) != 0)
		return -1;
	o->cipher = ssh_read_string(&r);
	o->kdf = ssh_read_string(&r);
	o->options = ssh_read_string(&r);
	if (ssh_read_u32(&r) != 1)
		return -1;
	o->pub = ssh_read_string(&r);
	o->inner = ssh_read_string(&r);
	o->tag = (struct ssh_str){.p = r.p, .n = r.n};
	return r.broken ? -1 : 0;
}

/* plain: as long as inner. */
static bool decrypt(const struct cipher *how, const unsigned char *key, const struct outer *o,
	unsigned char *plain)
{
	EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, how->evp, NULL);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0, end = 0;
	bool good;

	BUG_IF(!evp || !c);
	good = EVP_DecryptInit_ex2(c, evp, key, key + how->key, NULL) == 1 &&
		EVP_CIPHER_CTX_set_padding(c, 0) == 1 &&
		EVP_DecryptUpdate(c, plain, &n, o->inner.p, (int)o->inner.n) == 1 &&
		(!how->tag ||
			EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)how->tag,
				(void *)(uintptr_t)o->tag.p) == 1) &&
		EVP_DecryptFinal_ex(c, plain + n, &end) == 1 && (size_t)(n + end) == o->inner.n;
	EVP_CIPHER_CTX_free(c);
	EVP_CIPHER_free(evp);
	ERR_clear_error();
	return good;
}

static int kdf_check(const struct outer *o, struct ssh_str *salt, unsigned *rounds, struct err *err)
{
	struct ssh_read r = ssh_read_of(o->options);

	*salt = ssh_read_string(&r);
	*rounds = ssh_read_u32(&r);
	if (!ssh_str_is(o->kdf, "bcrypt") || !ssh_read_ended(&r) || !salt->n ||
		salt->n > BCRYPT_SALT_MAX || !*rounds)
		return broken(err);
	if (*rounds > LIMIT_SSH_KDF_ROUNDS)
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
			"the private key is encrypted with %u rounds, more than %llu", *rounds,
			LIMIT_SSH_KDF_ROUNDS);
	return 0;
}

/* Into plain. */
static int outer_decrypt(const struct outer *o, const struct secret *pass, unsigned char *plain,
	const atomic_bool *stop, struct err *err)
{
	unsigned char key[32 + 16];
	const struct cipher *how = NULL;
	struct ssh_str salt;
	unsigned rounds;
	bool good;
	size_t i;

	for (i = 0; i < ARRAY_LEN(CIPHERS); i++)
		if (ssh_str_is(o->cipher, CIPHERS[i].name))
			how = &CIPHERS[i];
	if (!how)
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
			"the private key is encrypted with a cipher that is not taken: aes256-ctr, "
			"aes256-cbc and aes256-gcm@openssh.com are");
	if (kdf_check(o, &salt, &rounds, err))
		return -1;
	if (o->inner.n % 16 || !o->inner.n || o->tag.n != how->tag)
		return broken(err);
	if (!pass || !pass->len)
		return err_code(err, ERR_RETRY, SSH_KEY_NO_PASSPHRASE,
			"the private key is encrypted and there is no passphrase");
	if (bcrypt_pbkdf(pass->p, pass->len, salt.p, salt.n, rounds, key, how->key + how->iv, stop))
		return err_set(err, ERR_CANCELED, "canceled");
	good = decrypt(how, key, o, plain) && !memcmp(plain, plain + 4, 4);
	mem_wipe(key, sizeof(key));
	return good ? 0
		    : err_code(err, ERR_RETRY, SSH_KEY_WRONG_PASSPHRASE,
			      "the passphrase of the private key is wrong");
}

static int openssh_read(struct ssh_key **out, struct ssh_str text, const struct secret *pass,
	const atomic_bool *stop, struct err *err)
{
	struct outer o;
	unsigned char *plain;
	int rc;

	if (outer_read(&o, text))
		return broken(err);
	if (ssh_str_is(o.cipher, "none")) {
		if (!ssh_str_is(o.kdf, "none") || o.tag.n || o.inner.n < 8 ||
			memcmp(o.inner.p, o.inner.p + 4, 4) != 0)
			return broken(err);
		return inner_read(out, o.inner, o.pub, err);
	}
	plain = mem_zalloc(o.inner.n + 16);
	rc = outer_decrypt(&o, pass, plain, stop, err);
	if (!rc)
		rc = inner_read(out, (struct ssh_str){.p = plain, .n = o.inner.n}, o.pub, err);
	mem_wipe(plain, o.inner.n + 16);
	free(plain);
	return rc;
}

/* Between the lines of the armor; false: there is none. */
static bool openssh_find(const char *pem, size_t len, const char **p, size_t *n)
{
	const char *begin = len ? memmem(pem, len, BEGIN, sizeof(BEGIN) - 1) : NULL, *end;

	if (!begin)
		return false;
	*p = begin + sizeof(BEGIN) - 1;
	end = memmem(*p, len - (size_t)(*p - pem), END, sizeof(END) - 1);
	*n = end ? (size_t)(end - *p) : 0;
	return true;
}

int ssh_key_parse(struct ssh_key **out, const char *pem, size_t len,
	const struct secret *passphrase, const atomic_bool *stop, struct err *err)
{
	const struct ssh_kind *kind;
	struct err e = {0};
	struct buf text = BUF_INIT(LIMIT_SSH_KEY);
	EVP_PKEY *key;
	const char *p;
	size_t n;
	int rc;

	if (!len)
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN, "it is empty");
	if (len > LIMIT_SSH_KEY)
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN, "it has %zu bytes, more than %llu",
			len, LIMIT_SSH_KEY);
	if (openssh_find(pem, len, &p, &n)) {
		BUG_IF(!buf_room(&text, n)); /* so that no copy of it is left behind */
		rc = base64_decode(&text, p, n, BASE64_NEWLINES, &e) || !text.len
			? broken(err)
			: openssh_read(out,
				  (struct ssh_str){.p = (unsigned char *)text.p, .n = text.len},
				  passphrase, stop, err);
		mem_wipe(text.p, text.cap);
		buf_clear(&text);
		return rc;
	}
	key = ssh_pem_read(pem, len, passphrase, err);
	if (!key)
		return -1;
	kind = ssh_kind_of(key);
	if (!kind ||
		(kind->form == SSH_RSA &&
			(EVP_PKEY_get_bits(key) < SSH_RSA_BITS_MIN ||
				EVP_PKEY_get_bits(key) > RSA_BITS_MAX))) {
		EVP_PKEY_free(key);
		return err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
			"the private key is of a kind or size that is not taken: Ed25519, ECDSA on "
			"P-256, P-384 and P-521, and RSA of %d to %d bits are",
			SSH_RSA_BITS_MIN, RSA_BITS_MAX);
	}
	*out = key_new(kind, key);
	return 0;
}

void ssh_key_free(struct ssh_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

int ssh_key_check_signing(const struct ssh_key *key, struct err *err)
{
	int bits = EVP_PKEY_get_bits(key->key);

	if (key->kind->form == SSH_RSA && bits < RSA_BITS_MIN)
		return err_set(err, ERR_RETRY,
			"it is an RSA key of %d bits; signing takes %d and more", bits,
			RSA_BITS_MIN);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void rsa_write(const struct ssh_key *key, struct buf *out)
{
	int i;

	for (i = 0; i <= RSA_Q; i++) {
		BIGNUM *n = ssh_key_bn(key->key, RSA_NAMES[i]);

		ssh_write_bn(out, n);
		BN_clear_free(n);
	}
}

static void ed25519_write(const struct ssh_key *key, struct buf *out)
{
	unsigned char both[64];
	size_t n = 32, m = 32;

	BUG_IF(EVP_PKEY_get_raw_private_key(key->key, both, &n) != 1 ||
		EVP_PKEY_get_raw_public_key(key->key, both + 32, &m) != 1);
	ssh_write_string(out, both + 32, 32);
	ssh_write_string(out, both, 64);
	mem_wipe(both, sizeof(both));
}

static void inner_write(const struct ssh_key *key, const struct buf *pub, struct buf *out)
{
	unsigned char check[4], pad;
	BIGNUM *d;

	rand_bytes(check, 4);
	buf_add(out, check, 4);
	buf_add(out, check, 4);
	if (key->kind->form == SSH_ECDSA) {
		d = ssh_key_bn(key->key, OSSL_PKEY_PARAM_PRIV_KEY);
		buf_add(out, pub->p, pub->len);
		ssh_write_bn(out, d);
		BN_clear_free(d);
	} else {
		ssh_write_string(out, key->kind->name, strlen(key->kind->name));
		if (key->kind->form == SSH_RSA)
			rsa_write(key, out);
		else
			ed25519_write(key, out);
	}
	ssh_write_u32(out, 0);
	for (pad = 1; out->len % 8; pad++)
		buf_addc(out, (char)pad);
}

int ssh_key_write(const struct ssh_key *key, struct buf *out)
{
	struct buf inner = BUF_INIT(LIMIT_SSH_KEY), outer = BUF_INIT(LIMIT_SSH_KEY);
	auto_buf struct buf pub = BUF_INIT(LIMIT_SSH_BLOB);
	int rc;

	/* Room for all of it, so that no copy is left behind. */
	BUG_IF(!buf_room(&inner, LIMIT_SSH_KEY - 1) || !buf_room(&outer, LIMIT_SSH_KEY - 1));
	ssh_pub_write(key->kind, key->key, &pub);
	inner_write(key, &pub, &inner);
	buf_add(&outer, MAGIC, sizeof(MAGIC));
	ssh_write_string(&outer, "none", 4);
	ssh_write_string(&outer, "none", 4);
	ssh_write_u32(&outer, 0);
	ssh_write_u32(&outer, 1);
	ssh_write_string(&outer, pub.p, pub.len);
	ssh_write_string(&outer, inner.p, inner.len);
	rc = buf_over(&pub) || buf_over(&inner) || buf_over(&outer) ||
			!buf_room(out, 2 * outer.len + sizeof(BEGIN) + sizeof(END))
		? -1
		: 0;
	if (!rc) {
		buf_adds(out, BEGIN "\n");
		base64_encode(out, outer.p, outer.len, BASE64_STD);
		buf_adds(out, "\n" END "\n");
	}
	mem_wipe(inner.p, inner.cap);
	mem_wipe(outer.p, outer.cap);
	buf_clear(&inner);
	buf_clear(&outer);
	return rc || buf_over(out) ? -1 : 0;
}
