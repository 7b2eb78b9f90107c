#include "crypto/notary_cert_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* It goes on as text: neither a NUL nor anything else that a parser of URLs takes as it likes. */
static void url_add(struct buf *url, const ASN1_IA5STRING *text)
{
	const unsigned char *p = ASN1_STRING_get0_data(text);
	size_t n = (size_t)ASN1_STRING_length(text), i;

	for (i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return;
	(void)buf_add(url, p, n);
}

bool notary_cert_ocsp_url(const struct notary_cert *c, unsigned i, struct buf *url)
{
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(c->x, NID_info_access, NULL, NULL);
	bool found = false;
	int at;

	for (at = 0; all && !found && at < sk_ACCESS_DESCRIPTION_num(all); at++) {
		const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(all, at);

		if (OBJ_obj2nid(one->method) != NID_ad_OCSP || one->location->type != GEN_URI ||
			i--)
			continue;
		found = true;
		url_add(url, one->location->d.uniformResourceIdentifier);
	}
	AUTHORITY_INFO_ACCESS_free(all);
	ERR_clear_error();
	return found;
}

/* A point without a name of its own is none to ask at: "". */
static bool point_url(const DIST_POINT *point, unsigned *i, struct buf *url)
{
	const GENERAL_NAMES *names = point->distpoint && !point->distpoint->type
		? point->distpoint->name.fullname
		: NULL;
	int at;

	for (at = 0; at < sk_GENERAL_NAME_num(names); at++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(names, at);

		if ((*i)--)
			continue;
		if (one->type == GEN_URI)
			url_add(url, one->d.uniformResourceIdentifier);
		return true;
	}
	return !names && !(*i)--;
}

bool notary_cert_crl_url(const struct notary_cert *c, unsigned i, struct buf *url)
{
	CRL_DIST_POINTS *all = X509_get_ext_d2i(c->x, NID_crl_distribution_points, NULL, NULL);
	bool found = false;
	int at;

	for (at = 0; all && !found && at < sk_DIST_POINT_num(all); at++)
		found = point_url(sk_DIST_POINT_value(all, at), &i, url);
	CRL_DIST_POINTS_free(all);
	ERR_clear_error();
	return found;
}
