#include "crypto/pem.h"

#include "base/err.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <string.h>

static bool is_cert(const unsigned char *der, long n)
{
	const unsigned char *end = der;
	X509 *x = d2i_X509(NULL, &end, n);
	bool ok = x && end == der + n;

	X509_free(x);
	return ok;
}

static int add(struct buf *out, const unsigned char *der, long n, size_t *added)
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
	BIO *in;

	in = BIO_new_mem_buf(text, n > INT_MAX ? INT_MAX : (int)n);
	BUG_IF(!in);
	while (!rc) {
		if (!PEM_read_bio(in, &name, &header, &der, &len)) {
			if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE)
				break;
			ERR_clear_error();
			continue; /* a broken one; the next may be whole */
		}
		if (!strcmp(name, PEM_STRING_X509) && !*header && is_cert(der, len))
			rc = add(out, der, len, &count);
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
