#include "crypto/timestamp.h"

#include "base/limits.h"
#include "crypto/cert.h"
#include "crypto/cert_internal.h"
#include "crypto/digest.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define LEVEL 2 /* as in cert_chain.c */

/* ---- what it says ---------------------------------------------------------------------------- */

static enum digest_algo algo_of(const X509_ALGOR *a)
{
	const ASN1_OBJECT *o = NULL;

	X509_ALGOR_get0(&o, NULL, NULL, a);
	switch (OBJ_obj2nid(o)) {
	case NID_sha256:
		return DIGEST_SHA256;
	case NID_sha384:
		return DIGEST_SHA384;
	case NID_sha512:
		return DIGEST_SHA512;
	default:
		return DIGEST_NONE;
	}
}

static int imprint_check(TS_TST_INFO *info, const void *message, size_t len, struct err *err)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	enum digest_algo algo = algo_of(TS_MSG_IMPRINT_get_algo(imprint));
	const ASN1_OCTET_STRING *hash = TS_MSG_IMPRINT_get_msg(imprint);
	struct digest d;

	if (algo == DIGEST_NONE)
		return err_set(err, ERR_RETRY, "its hash is not SHA-256, SHA-384 or SHA-512");
	digest_mem(&d, algo, message, len);
	if ((size_t)ASN1_STRING_length(hash) != digest_size(algo) ||
		memcmp(ASN1_STRING_get0_data(hash), d.bin, digest_size(algo)) != 0)
		return err_set(err, ERR_RETRY, "it is of another signature");
	return 0;
}

static int info_check(
	int64_t *at_s, TS_RESP *resp, const void *message, size_t len, struct err *err)
{
	TS_TST_INFO *info = TS_RESP_get_tst_info(resp);
	struct tm tm;

	if (ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(resp))) != 0 ||
		!info || !TS_RESP_get_token(resp))
		return err_set(err, ERR_RETRY, "it was not granted");
	if (TS_TST_INFO_get_version(info) != 1)
		return err_set(err, ERR_RETRY, "its version is not 1");
	if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
		return err_set(err, ERR_RETRY, "its time cannot be read");
	*at_s = timegm(&tm);
	return imprint_check(info, message, len, err);
}

/* ---- who has signed it ----------------------------------------------------------------------- */

/* An authority of certificates for other purposes gives none for this one. OpenSSL looks at who
   has signed; that one may be for timestamps only. */
static int purposes_check(const struct cert *const *authority, size_t n, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t eku = X509_get_extended_key_usage(authority[i]->x);

		if (eku != UINT32_MAX && !(eku & (XKU_TIMESTAMP | XKU_ANYEKU)))
			return err_set(err, ERR_RETRY,
				"a certificate of its authority is for other purposes");
	}
	return 0;
}

static int signer_check(X509 *signer, const struct cert *const *authority, struct err *err)
{
	if (X509_check_ca(authority[0]->x) || !X509_cmp(signer, authority[0]->x))
		return 0;
	return err_set(err, ERR_RETRY, "another one has signed it than the trusted root names");
}

static int signature_check(TS_RESP *resp, STACK_OF(X509) * certs, X509_STORE *store,
	const struct cert *const *authority, struct err *err)
{
	X509 *signer = NULL;
	int rc;

	if (TS_RESP_verify_signature(TS_RESP_get_token(resp), certs, store, &signer) != 1) {
		X509_free(signer);
		return err_set(err, ERR_RETRY, "its signature is not of this authority: %s",
			ERR_reason_error_string(ERR_peek_last_error())
				? ERR_reason_error_string(ERR_peek_last_error())
				: "it is broken");
	}
	rc = signer_check(signer, authority, err);
	X509_free(signer);
	return rc;
}

static int authority_check(
	TS_RESP *resp, int64_t at_s, const struct cert *const *authority, size_t n, struct err *err)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = sk_X509_new_null();
	size_t i;
	int rc;

	BUG_IF(!store || !certs || !n);
	BUG_IF(X509_STORE_add_cert(store, authority[n - 1]->x) != 1);
	for (i = 0; i + 1 < n; i++)
		BUG_IF(!sk_X509_push(certs, authority[i]->x));
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)at_s);
	X509_VERIFY_PARAM_set_depth(X509_STORE_get0_param(store), CERT_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), LEVEL);
	rc = purposes_check(authority, n, err) ||
		signature_check(resp, certs, store, authority, err);
	sk_X509_free(certs);
	X509_STORE_free(store);
	return rc ? -1 : 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

int timestamp_verify(int64_t *at_s, const void *der, size_t n, const void *message, size_t len,
	const struct cert *const *authority, size_t certs, struct err *err)
{
	const unsigned char *end = der;
	TS_RESP *resp = n && n <= LIMIT_TIMESTAMP ? d2i_TS_RESP(NULL, &end, (long)n) : NULL;
	int rc;

	if (!resp || end != (const unsigned char *)der + n)
		rc = err_set(err, ERR_RETRY, "it is none");
	else
		rc = info_check(at_s, resp, message, len, err) ||
			authority_check(resp, *at_s, authority, certs, err);
	TS_RESP_free(resp);
	ERR_clear_error();
	return rc ? -1 : 0;
}
