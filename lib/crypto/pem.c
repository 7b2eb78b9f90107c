#include "crypto/pem.h"

#include "base/err.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

static BIO *pem_reader(const char *text, size_t n)
{
	BIO *in = BIO_new_mem_buf(text ? text : "", n > INT_MAX ? INT_MAX : (int)n);

	BUG_IF(!in);
	return in;
}

static bool pem_at_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static bool pem_is_cert(const unsigned char *der, long n)
{
	const unsigned char *end = der;
	X509 *x = d2i_X509(NULL, &end, n);
	bool ok = x && end == der + n;

	X509_free(x);
	return ok;
}

static int pem_add_cert(struct buf *out, const unsigned char *der, long n, size_t *added)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *p = NULL;
	size_t len;
	int rc = 0;

	BUG_IF(!text || !PEM_write_bio(text, PEM_STRING_X509, "", der, n));
	len = (size_t)BIO_get_mem_data(text, &p);
	if (!out->len || !memmem(out->p, out->len, p, len)) {
		rc = buf_add(out, p, len);
		*added += !rc;
	}
	BIO_free(text);
	return rc;
}

int pem_add_certs(struct buf *out, const char *text, size_t n, size_t *added)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	size_t count = 0;
	long len;
	int rc = 0;
	BIO *in = pem_reader(text, n);

	while (!rc) {
		if (!PEM_read_bio(in, &name, &header, &der, &len)) {
			if (pem_at_end())
				break;
			ERR_clear_error();
			continue; /* a broken one; the next may be whole */
		}
		if (!strcmp(name, PEM_STRING_X509) && !*header && pem_is_cert(der, len))
			rc = pem_add_cert(out, der, len, &count);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	BIO_free(in);
	if (added)
		*added = count;
	return rc;
}

bool pem_is_whole(const char *text, size_t n)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	bool some = false, good = true;
	BIO *in = pem_reader(text, n);
	long len;

	while (good && PEM_read_bio(in, &name, &header, &der, &len)) {
		if (!strcmp(name, PEM_STRING_X509))
			some = good = pem_is_cert(der, len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	good = good && some && pem_at_end();
	ERR_clear_error();
	BIO_free(in);
	return good;
}

/* OpenSSL would ask at the terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

bool pem_is_pair(const char *cert, size_t cert_len, const char *key, size_t key_len)
{
	BIO *cert_in = pem_reader(cert, cert_len), *key_in = pem_reader(key, key_len);
	X509 *x = PEM_read_bio_X509(cert_in, NULL, no_passphrase, NULL);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(key_in, NULL, no_passphrase, NULL);
	bool pair = x && k && X509_check_private_key(x, k) == 1;

	X509_free(x);
	EVP_PKEY_free(k);
	BIO_free(cert_in);
	BIO_free(key_in);
	ERR_clear_error();
	return pair;
}
