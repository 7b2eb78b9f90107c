/* Paths. OpenSSL finds and checks them; what it has no purpose for, signing code, and what it would
   take that nobody should, is checked here. */
#include "crypto/cert.h"
#include "crypto/cert_internal.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* SHA-256, and keys of 112 bits of security: OpenSSL's own scale. */
#define LEVEL 2

/* ---- what a certificate may be used for ------------------------------------------------------ */

static bool eku_has(X509 *x, int nid)
{
	EXTENDED_KEY_USAGE *all = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	bool has = false;
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(all); i++)
		has |= OBJ_obj2nid(sk_ASN1_OBJECT_value(all, i)) == nid;
	sk_ASN1_OBJECT_pop_free(all, ASN1_OBJECT_free);
	return has;
}

static bool has_eku(const X509 *x)
{
	return X509_get_ext_by_NID(x, NID_ext_key_usage, -1) >= 0;
}

static int leaf_check(X509 *x, struct err *err)
{
	return eku_has(x, NID_code_sign)
		? 0
		: err_set(err, ERR_RETRY, "the certificate is not for signing code");
}

static int authority_check(X509 *x, struct err *err)
{
	if (X509_check_ca(x) != 1)
		return err_set(err, ERR_RETRY, "a certificate above it is of no authority");
	if (has_eku(x) && !eku_has(x, NID_code_sign) && !eku_has(x, NID_anyExtendedKeyUsage))
		return err_set(err, ERR_RETRY,
			"a certificate above it is of an authority for other purposes");
	return 0;
}

/* ---- the path -------------------------------------------------------------------------------- */

static void chain_take(struct cert_chain *out, STACK_OF(X509) * path,
	const struct cert *const *authority, size_t n)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(sk_X509_value(path, 1)), &der);
	size_t k;
	int i;

	BUG_IF(len <= 0);
	digest_mem(&out->issuer_key, DIGEST_SHA256, der, (size_t)len);
	OPENSSL_free(der);
	out->from = INT64_MIN;
	out->until = INT64_MAX;
	for (i = 1; i < sk_X509_num(path); i++)
		for (k = 0; k < n; k++)
			if (!X509_cmp(sk_X509_value(path, i), authority[k]->x)) {
				if (authority[k]->from > out->from)
					out->from = authority[k]->from;
				if (authority[k]->until < out->until)
					out->until = authority[k]->until;
			}
}

static int path_check(struct cert_chain *out, STACK_OF(X509) * path,
	const struct cert *const *authority, size_t n, struct err *err)
{
	int i;

	if (sk_X509_num(path) < 2)
		return err_set(err, ERR_RETRY, "the certificate is an anchor itself");
	if (leaf_check(sk_X509_value(path, 0), err))
		return -1;
	for (i = 1; i < sk_X509_num(path); i++)
		if (authority_check(sk_X509_value(path, i), err))
			return -1;
	chain_take(out, path, authority, n);
	return 0;
}

/* A certificate is valid in its last second, too (RFC 5280 section 4.1.2.5); not so for OpenSSL. */
static int last_second(int ok, X509_STORE_CTX *c)
{
	time_t at = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(c));

	if (ok || X509_STORE_CTX_get_error(c) != X509_V_ERR_CERT_HAS_EXPIRED ||
		ASN1_TIME_cmp_time_t(X509_get0_notAfter(X509_STORE_CTX_get_current_cert(c)), at) !=
			0)
		return ok;
	X509_STORE_CTX_set_error(c, X509_V_OK);
	return 1;
}

static int verify(X509_STORE_CTX *c, struct err *err)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(c);

	X509_VERIFY_PARAM_set_depth(p, CERT_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(p, LEVEL);
	if (X509_verify_cert(c) == 1)
		return 0;
	return err_set(
		err, ERR_RETRY, "%s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(c)));
}

int cert_chain_find(struct cert_chain *out, const struct cert *leaf,
	const struct cert *const *authority, size_t n, int64_t at_s, struct err *err)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	STACK_OF(X509) *between = sk_X509_new_null();
	size_t i;
	int rc;

	BUG_IF(!store || !c || !between || !n || n > CERT_CHAIN_MAX);
	BUG_IF(X509_STORE_add_cert(store, authority[n - 1]->x) != 1);
	for (i = 0; i + 1 < n; i++)
		BUG_IF(!sk_X509_push(between, authority[i]->x));
	BUG_IF(X509_STORE_CTX_init(c, store, leaf->x, between) != 1);
	X509_STORE_CTX_set_time(c, 0, (time_t)at_s);
	/* The anchor is whom we were told to trust, whoever has signed it. */
	X509_STORE_CTX_set_flags(c, X509_V_FLAG_PARTIAL_CHAIN);
	X509_STORE_CTX_set_verify_cb(c, last_second);
	rc = verify(c, err);
	if (!rc)
		rc = path_check(out, X509_STORE_CTX_get0_chain(c), authority, n, err);
	sk_X509_free(between);
	X509_STORE_CTX_free(c);
	X509_STORE_free(store);
	ERR_clear_error();
	return rc;
}
