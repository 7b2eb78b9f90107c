#include "crypto/rsa.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

/* OpenSSL would ask at the terminal. */
static int rsa_no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *rsa_key_read(const char *pem, size_t len, struct err *err)
{
	BIO *in = BIO_new_mem_buf(len ? pem : "", len > INT_MAX ? INT_MAX : (int)len);
	EVP_PKEY *key;
	int bits;

	BUG_IF(!in);
	key = PEM_read_bio_PrivateKey(in, NULL, rsa_no_passphrase, NULL);
	BIO_free(in);
	if (!key) {
		err_set(err, ERR_RETRY,
			"it is no private key in PEM, or it has a passphrase, or it is broken");
		return NULL;
	}
	bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
		err_set(err, ERR_RETRY, "it is no RSA key");
	else if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
		err_set(err, ERR_RETRY, "it is an RSA key of %d bits; %d to %d are taken", bits,
			RSA_BITS_MIN, RSA_BITS_MAX);
	else
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static int rsa_sign_with(
	EVP_PKEY *key, struct buf *out, const void *data, size_t n, struct err *err)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t len = 0;
	char *to;
	int rc = -1;

	BUG_IF(!c);
	if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(c, NULL, &len, data, n) != 1)
		err_set(err, ERR_RETRY, "it cannot be signed with");
	else if (!(to = buf_room(out, len)))
		err_set(err, ERR_RETRY, "there is no room for the signature");
	else if (EVP_DigestSign(c, (unsigned char *)to, &len, data, n) != 1)
		err_set(err, ERR_RETRY, "it cannot be signed with");
	else
		rc = 0;
	if (!rc) {
		out->len += len;
		out->p[out->len] = '\0';
	}
	EVP_MD_CTX_free(c);
	return rc;
}

int rsa_sign_sha256(struct buf *out, const char *pem, size_t pem_len, const void *data, size_t n,
	struct err *err)
{
	EVP_PKEY *key = rsa_key_read(pem, pem_len, err);
	int rc = key ? rsa_sign_with(key, out, data, n, err) : -1;

	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}
