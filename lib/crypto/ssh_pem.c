#include "crypto/ssh_pem.h"

#include "base/limits.h"
#include "crypto/ssh_key.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

struct block {
	char *label, *header;
	unsigned char *der;
	long n;
};

static void block_clear(struct block *b)
{
	OPENSSL_free(b->label);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->der, (size_t)b->n);
	*b = (struct block){0};
}

static EVP_PKEY *no_key(struct err *err)
{
	err_code(err, ERR_RETRY, SSH_KEY_BROKEN, "it is no private key in PEM, or it is broken");
	return NULL;
}

static EVP_PKEY *not_opened(const struct secret *pass, struct err *err)
{
	if (!pass || !pass->len)
		err_code(err, ERR_RETRY, SSH_KEY_NO_PASSPHRASE,
			"the private key is encrypted and there is no passphrase");
	else
		err_code(err, ERR_RETRY, SSH_KEY_WRONG_PASSPHRASE,
			"the passphrase of the private key is wrong");
	return NULL;
}

static int give_passphrase(char *to, int size, int writing, void *arg)
{
	const struct secret *pass = arg;

	(void)writing;
	if (!pass || !pass->len || pass->len > (size_t)size)
		return -1;
	memcpy(to, pass->p, pass->len);
	return (int)pass->len;
}

/* ---- PKCS#8, encrypted ----------------------------------------------------------------------- */

static bool at_most(const ASN1_INTEGER *n, int64_t most)
{
	int64_t v = 0;

	return n && ASN1_INTEGER_get_int64(&v, n) == 1 && v > 0 && v <= most;
}

/* The parameters of an algorithm as one of OpenSSL's structs; NULL: they are something else. */
static void *params_of(const X509_ALGOR *alg, const ASN1_ITEM *it)
{
	const ASN1_OBJECT *name;
	const void *value;
	int type;

	X509_ALGOR_get0(&name, &type, &value, alg);
	return type == V_ASN1_SEQUENCE ? ASN1_item_unpack(value, it) : NULL;
}

static bool kdf_is_cheap(const X509_ALGOR *kdf)
{
	int nid = OBJ_obj2nid(kdf->algorithm);
	bool cheap = false;

	if (nid == NID_id_pbkdf2) {
		PBKDF2PARAM *p = params_of(kdf, ASN1_ITEM_rptr(PBKDF2PARAM));

		cheap = p && at_most(p->iter, LIMIT_SSH_PBKDF2_ROUNDS);
		PBKDF2PARAM_free(p);
	} else if (nid == NID_id_scrypt) {
		SCRYPT_PARAMS *p = params_of(kdf, ASN1_ITEM_rptr(SCRYPT_PARAMS));

		/* OpenSSL itself bounds the memory, and so the product of the other two. */
		cheap = p && at_most(p->parallelizationParameter, 4);
		SCRYPT_PARAMS_free(p);
	}
	return cheap;
}

/* Whoever has encrypted the key says how long opening it takes; it cannot be stopped then. */
static bool pkcs8_is_cheap(const X509_SIG *sig)
{
	const X509_ALGOR *alg;
	bool cheap;

	X509_SIG_get0(sig, &alg, NULL);
	if (OBJ_obj2nid(alg->algorithm) == NID_pbes2) {
		PBE2PARAM *p = params_of(alg, ASN1_ITEM_rptr(PBE2PARAM));

		cheap = p && kdf_is_cheap(p->keyfunc);
		PBE2PARAM_free(p);
	} else {
		PBEPARAM *p = params_of(alg, ASN1_ITEM_rptr(PBEPARAM));

		cheap = p && at_most(p->iter, LIMIT_SSH_PBKDF2_ROUNDS);
		PBEPARAM_free(p);
	}
	return cheap;
}

static EVP_PKEY *pkcs8_open(const struct block *b, const struct secret *pass, struct err *err)
{
	const unsigned char *end = b->der;
	X509_SIG *sig = d2i_X509_SIG(NULL, &end, b->n);
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *key = NULL;

	if (!sig || end != b->der + b->n) {
		no_key(err);
	} else if (!pkcs8_is_cheap(sig)) {
		err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
			"the private key is encrypted in a way that is not taken, or that takes "
			"too long");
	} else {
		if (pass && pass->len)
			info = PKCS8_decrypt(sig, pass->p, (int)pass->len);
		key = info ? EVP_PKCS82PKEY(info) : NULL;
		if (!key)
			not_opened(pass, err);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	X509_SIG_free(sig);
	return key;
}

/* ---- all forms ------------------------------------------------------------------------------- */

static EVP_PKEY *key_of_der(const struct block *b, int type)
{
	const unsigned char *end = b->der;
	EVP_PKEY *key = type == EVP_PKEY_NONE ? d2i_AutoPrivateKey(NULL, &end, b->n)
					      : d2i_PrivateKey(type, NULL, &end, b->n);

	if (key && end != b->der + b->n) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *traditional_open(
	struct block *b, int type, const struct secret *pass, struct err *err)
{
	EVP_CIPHER_INFO cipher;
	EVP_PKEY *key;

	if (!*b->header) {
		key = key_of_der(b, type);
		return key ? key : no_key(err);
	}
	if (PEM_get_EVP_CIPHER_INFO(b->header, &cipher) != 1)
		return no_key(err);
	if (PEM_do_header(&cipher, b->der, &b->n, give_passphrase, (void *)(uintptr_t)pass) != 1)
		return not_opened(pass, err);
	/* One wrong passphrase of 256 gives something that looks whole. */
	key = key_of_der(b, type);
	return key ? key : not_opened(pass, err);
}

static EVP_PKEY *block_open(struct block *b, const struct secret *pass, struct err *err)
{
	if (!strcmp(b->label, PEM_STRING_PKCS8))
		return pkcs8_open(b, pass, err);
	if (!strcmp(b->label, PEM_STRING_PKCS8INF) && !*b->header)
		return traditional_open(b, EVP_PKEY_NONE, pass, err);
	if (!strcmp(b->label, PEM_STRING_RSA))
		return traditional_open(b, EVP_PKEY_RSA, pass, err);
	if (!strcmp(b->label, PEM_STRING_ECPRIVATEKEY))
		return traditional_open(b, EVP_PKEY_EC, pass, err);
	err_code(err, ERR_RETRY, SSH_KEY_BROKEN,
		"it is a PEM block '%.40s', and no private key of a form that is taken", b->label);
	return NULL;
}

EVP_PKEY *ssh_pem_read(
	const char *pem, size_t len, const struct secret *passphrase, struct err *err)
{
	BIO *in = BIO_new_mem_buf(len ? pem : "", (int)len);
	struct block b = {0};
	EVP_PKEY *key = NULL;

	BUG_IF(!in);
	/* Some tools write the curve in front. */
	do
		block_clear(&b);
	while (PEM_read_bio(in, &b.label, &b.header, &b.der, &b.n) == 1 &&
		!strcmp(b.label, PEM_STRING_ECPARAMETERS));
	key = b.label ? block_open(&b, passphrase, err) : no_key(err);
	block_clear(&b);
	BIO_free(in);
	ERR_clear_error();
	return key;
}
