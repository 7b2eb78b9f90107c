/* Subject alternative names. */
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "crypto/cert_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#define FULCIO_NAME "1.3.6.1.4.1.57264.1.7"

static void name_add(struct cert_names *out, enum cert_name_type type, const char *text, size_t n)
{
	*vec_add(out) = (struct cert_name){type, mem_strndup(text, n)};
}

/* A pattern must not see less of it than the authority has signed. */
static int ia5_add(
	struct cert_names *out, enum cert_name_type type, const ASN1_STRING *s, struct err *err)
{
	const char *text = (const char *)ASN1_STRING_get0_data(s);
	int n = ASN1_STRING_length(s), i;

	for (i = 0; i < n; i++)
		if (!text[i] || (unsigned char)text[i] > 0x7f)
			return err_set(err, ERR_RETRY,
				"a name in the certificate has a NUL or is not ASCII");
	name_add(out, type, n ? text : "", (size_t)n);
	return 0;
}

static int ip_add(struct cert_names *out, const ASN1_STRING *s, struct err *err)
{
	char text[INET6_ADDRSTRLEN];
	int n = ASN1_STRING_length(s);

	if ((n != 4 && n != 16) ||
		!inet_ntop(
			n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text, sizeof(text)))
		return err_set(err, ERR_RETRY, "an address in the certificate is none");
	name_add(out, CERT_NAME_IP, text, strlen(text));
	return 0;
}

static int other_add(struct cert_names *out, const OTHERNAME *o, struct err *err)
{
	const struct cert_name *one;
	const ASN1_STRING *s;
	char oid[64] = "";

	vec_each (out, one)
		if (one->type == CERT_NAME_OTHER)
			return err_set(err, ERR_RETRY, "the certificate has two otherNames");
	OBJ_obj2txt(oid, sizeof(oid), o->type_id, 1);
	if (strcmp(oid, FULCIO_NAME) != 0)
		return err_set(err, ERR_RETRY,
			"the certificate has an otherName of the type '%s', not " FULCIO_NAME, oid);
	if (o->value->type != V_ASN1_UTF8STRING)
		return err_set(err, ERR_RETRY, "an otherName in the certificate is no UTF8String");
	s = o->value->value.utf8string;
	if (memchr(ASN1_STRING_get0_data(s), '\0', (size_t)ASN1_STRING_length(s)))
		return err_set(err, ERR_RETRY, "a name in the certificate has a NUL");
	name_add(out, CERT_NAME_OTHER, (const char *)ASN1_STRING_get0_data(s),
		(size_t)ASN1_STRING_length(s));
	return 0;
}

static int one_add(struct cert_names *out, const GENERAL_NAME *name, struct err *err)
{
	switch (name->type) {
	case GEN_DNS:
		return ia5_add(out, CERT_NAME_DNS, name->d.dNSName, err);
	case GEN_EMAIL:
		return ia5_add(out, CERT_NAME_EMAIL, name->d.rfc822Name, err);
	case GEN_URI:
		return ia5_add(out, CERT_NAME_URI, name->d.uniformResourceIdentifier, err);
	case GEN_IPADD:
		return ip_add(out, name->d.iPAddress, err);
	case GEN_OTHERNAME:
		return other_add(out, name->d.otherName, err);
	default:
		return 0;
	}
}

int cert_names(struct cert_names *out, const struct cert *c, struct err *err)
{
	int critical = 0, i, rc = 0;
	GENERAL_NAMES *all = X509_get_ext_d2i(c->x, NID_subject_alt_name, &critical, NULL);

	/* -1: there are none; -2: several lists */
	if (!all && critical != -1)
		rc = err_set(err, ERR_RETRY, "the names in the certificate cannot be read");
	for (i = 0; !rc && i < sk_GENERAL_NAME_num(all); i++)
		rc = one_add(out, sk_GENERAL_NAME_value(all, i), err);
	GENERAL_NAMES_free(all);
	ERR_clear_error();
	return rc;
}

void cert_names_clear(struct cert_names *names)
{
	struct cert_name *one;

	vec_each (names, one)
		free(one->text);
	vec_clear(names);
}
