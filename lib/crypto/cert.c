#include "crypto/cert.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/cert_internal.h"
#include "crypto/pubkey.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

/* ---- reading --------------------------------------------------------------------------------- */

static int time_of(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*out = timegm(&tm);
	return 0;
}

static int key_of(struct cert *c, struct err *err)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &der);
	int rc;

	if (n <= 0)
		return err_set(err, ERR_RETRY, "its key cannot be read");
	rc = pubkey_parse_der(&c->key, der, (size_t)n, PUBKEY_SPKI, err);
	OPENSSL_free(der);
	return rc ? err_wrap(err, "its key") : 0;
}

static int cert_read(struct cert *c, struct err *err)
{
	if (!c->x)
		return err_set(err, ERR_RETRY, "it is no certificate");
	if (time_of(X509_get0_notBefore(c->x), &c->from) ||
		time_of(X509_get0_notAfter(c->x), &c->until))
		return err_set(err, ERR_RETRY, "its time cannot be read");
	/* OpenSSL looks at the extensions once and remembers; no two threads at a time. */
	if (X509_check_purpose(c->x, -1, 0) != 1)
		return err_set(err, ERR_RETRY, "its extensions cannot be read");
	return key_of(c, err);
}

int cert_parse_der(struct cert **out, const void *der, size_t n, struct err *err)
{
	const unsigned char *end = der;
	struct cert *c;
	int rc;

	if (!n || n > LIMIT_CERTIFICATE)
		return err_set(err, ERR_RETRY, "it has %zu bytes; 1 to %llu are taken", n,
			LIMIT_CERTIFICATE);
	c = NEW(struct cert);
	c->x = d2i_X509(NULL, &end, (long)n);
	if (c->x && end != (const unsigned char *)der + n) {
		X509_free(c->x);
		c->x = NULL;
	}
	c->der = mem_dup(der, n);
	c->len = n;
	rc = cert_read(c, err);
	ERR_clear_error();
	if (rc)
		cert_free(c);
	else
		*out = c;
	return rc;
}

static bool is_blank(BIO *in)
{
	char *p = NULL;
	long n = BIO_get_mem_data(in, &p), i;

	for (i = 0; i < n; i++)
		if (!strchr(" \t\r\n", p[i]) || !p[i])
			return false;
	return true;
}

int cert_parse_pem(struct cert **out, const char *pem, size_t n, enum cert_pem how, struct err *err)
{
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	int rc = -1;
	BIO *in;

	if (n > 4 * LIMIT_CERTIFICATE)
		return err_set(err, ERR_RETRY, "it has %zu bytes, more than %llu", n,
			4 * LIMIT_CERTIFICATE);
	in = BIO_new_mem_buf(n ? pem : "", (int)n);
	BUG_IF(!in);
	if (!PEM_read_bio(in, &label, &header, &der, &len) || strcmp(label, PEM_STRING_X509) != 0 ||
		*header)
		err_set(err, ERR_RETRY, "it is no certificate in PEM");
	else if (how == CERT_ONLY && !is_blank(in))
		err_set(err, ERR_RETRY, "there is more in it than one certificate");
	else
		rc = cert_parse_der(out, der, (size_t)len, err);
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(in);
	ERR_clear_error();
	return rc;
}

void cert_free(struct cert *c)
{
	if (!c)
		return;
	X509_free(c->x);
	pubkey_free(c->key);
	free(c->der);
	free(c);
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
	return a->len == b->len && !memcmp(a->der, b->der, a->len);
}

const struct pubkey *cert_key(const struct cert *c)
{
	return c->key;
}

int64_t cert_from(const struct cert *c)
{
	return c->from;
}

int64_t cert_until(const struct cert *c)
{
	return c->until;
}

/* ---- extensions ------------------------------------------------------------------------------ */

int cert_extension(const struct cert *c, const char *oid, const unsigned char **value, size_t *n,
	struct err *err)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	const ASN1_OCTET_STRING *data;
	int at, rc = 0;

	BUG_IF(!o);
	*value = NULL;
	*n = 0;
	at = X509_get_ext_by_OBJ(c->x, o, -1);
	if (at >= 0 && X509_get_ext_by_OBJ(c->x, o, at) >= 0) {
		rc = err_set(err, ERR_RETRY, "the certificate has the extension %s twice", oid);
	} else if (at >= 0) {
		data = X509_EXTENSION_get_data(X509_get_ext(c->x, at));
		*value = ASN1_STRING_get0_data(data);
		*n = (size_t)ASN1_STRING_length(data);
		if (!*value)
			*value = (const unsigned char *)"";
	}
	ASN1_OBJECT_free(o);
	ERR_clear_error();
	return rc;
}

int cert_utf8(const unsigned char *der, size_t n, const char **text, size_t *len, struct err *err)
{
	const unsigned char *at = der;
	long size = 0;
	int tag = 0, class = 0, flags;

	flags = n ? ASN1_get_object(&at, &size, &tag, &class, (long)n) : 0x80;
	ERR_clear_error();
	/* 0x80: broken; 1: of unknown length; 0x20: made of parts */
	if (flags || tag != V_ASN1_UTF8STRING || class != V_ASN1_UNIVERSAL ||
		(size_t)(at - der) + (size_t)size != n)
		return err_set(err, ERR_RETRY, "it is no UTF8String");
	*text = (const char *)at;
	*len = (size_t)size;
	return 0;
}

int cert_tbs(const struct cert *c, struct buf *out, struct err *err)
{
	X509 *x = X509_dup(c->x);
	unsigned char *der = NULL;
	int at, n = -1;

	BUG_IF(!x);
	at = X509_get_ext_by_NID(x, NID_ct_precert_scts, -1);
	if (at >= 0) {
		X509_EXTENSION_free(X509_delete_ext(x, at));
		n = i2d_re_X509_tbs(x, &der);
	}
	if (n > 0)
		buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
	ERR_clear_error();
	return n > 0 && !buf_over(out)
		? 0
		: err_set(err, ERR_RETRY, "the certificate cannot be written without timestamps");
}
