#include "crypto/ocsp.h"

#include "base/limits.h"
#include "crypto/notary_cert_internal.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

/* ---- the question ---------------------------------------------------------------------------- */

static int request_make(OCSP_REQUEST *r, const struct notary_cert *c,
	const struct notary_cert *issuer, struct buf *out, struct err *err)
{
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), c->x, issuer->x);
	unsigned char *der = NULL;
	int n = 0;

	if (id && OCSP_request_add0_id(r, id))
		n = i2d_OCSP_REQUEST(r, &der);
	else
		OCSP_CERTID_free(id);
	if (n > 0)
		n = buf_add(out, der, (size_t)n) ? 0 : n;
	OPENSSL_free(der);
	return n > 0 ? 0 : err_set(err, ERR_RETRY, "there is no question about it");
}

int ocsp_request(struct buf *out, const struct notary_cert *c, const struct notary_cert *issuer,
	struct err *err)
{
	OCSP_REQUEST *r = OCSP_REQUEST_new();
	int rc;

	BUG_IF(!r);
	rc = request_make(r, c, issuer, out, err);
	OCSP_REQUEST_free(r);
	ERR_clear_error();
	return rc;
}

/* ---- who answers ----------------------------------------------------------------------------- */

static bool is_signed_by(const OCSP_BASICRESP *b, X509 *x)
{
	unsigned char *der = NULL;
	int n = ASN1_item_i2d((const ASN1_VALUE *)OCSP_resp_get0_respdata(b), &der,
		ASN1_ITEM_rptr(OCSP_RESPDATA));
	bool good = n > 0 &&
		notary_signed_by(OCSP_resp_get0_tbs_sigalg(b), OCSP_resp_get0_signature(b), der,
			(size_t)n, X509_get0_pubkey(x));

	OPENSSL_free(der);
	return good;
}

static int responder_check(const struct notary_cert *r, const struct notary_cert *issuer,
	int64_t now_ms, struct err *err)
{
	if (!notary_cert_issued_by(r, issuer))
		return err_set(
			err, ERR_RETRY, "who signs the answer has no certificate of this issuer");
	if (!r->facts.sound)
		return err_set(err, ERR_RETRY,
			"the certificate of who signs the answer is broken, or has a critical "
			"extension that is not known");
	if (!(X509_get_extension_flags(r->x) & EXFLAG_XKUSAGE) ||
		!(X509_get_extended_key_usage(r->x) & XKU_OCSP_SIGN))
		return err_set(err, ERR_RETRY,
			"the certificate of who signs the answer is not for that (OCSPSigning)");
	if (r->facts.has_usage && !(r->facts.usage & NOTARY_USAGE_SIGN))
		return err_set(err, ERR_RETRY,
			"the key usage of who signs the answer has no digitalSignature");
	if (now_ms < r->facts.not_before_ms || now_ms > r->facts.not_after_ms)
		return err_set(
			err, ERR_RETRY, "the certificate of who signs the answer is not valid now");
	return 0;
}

static int signer_check(
	OCSP_BASICRESP *b, const struct notary_cert *issuer, int64_t now_ms, struct err *err)
{
	struct notary_cert *responder;
	X509 *x = NULL;
	int rc;

	if (is_signed_by(b, issuer->x))
		return 0;
	if (OCSP_resp_get0_signer(b, &x, NULL) != 1 || !is_signed_by(b, x))
		return err_set(err, ERR_RETRY,
			"the answer is signed neither by the issuer nor by a certificate in it");
	BUG_IF(X509_up_ref(x) != 1);
	responder = notary_cert_of(x);
	rc = responder_check(responder, issuer, now_ms, err);
	notary_cert_free(responder);
	return rc;
}

/* ---- what it says ---------------------------------------------------------------------------- */

static bool is_about(
	const OCSP_SINGLERESP *one, const struct notary_cert *c, const struct notary_cert *issuer)
{
	const OCSP_CERTID *said = OCSP_SINGLERESP_get0_id(one);
	ASN1_INTEGER *serial = NULL;
	ASN1_OBJECT *hash = NULL;
	const EVP_MD *md;
	OCSP_CERTID *id;
	bool same;

	if (OCSP_id_get0_info(NULL, &hash, NULL, &serial, (OCSP_CERTID *)said) != 1 ||
		ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(c->x)) != 0)
		return false;
	md = EVP_get_digestbyobj(hash);
	id = md ? OCSP_cert_to_id(md, c->x, issuer->x) : NULL;
	same = id && OCSP_id_cmp(id, said) == 0;
	OCSP_CERTID_free(id);
	return same;
}

static int single_find(OCSP_SINGLERESP **out, OCSP_BASICRESP *b, const struct notary_cert *c,
	const struct notary_cert *issuer, struct err *err)
{
	int i;

	for (i = 0; i < OCSP_resp_count(b); i++) {
		*out = OCSP_resp_get0(b, i);
		if (is_about(*out, c, issuer))
			return 0;
	}
	return err_set(err, ERR_RETRY, "the answer is about another certificate");
}

static int64_t invalid_of(OCSP_SINGLERESP *one)
{
	ASN1_GENERALIZEDTIME *t =
		OCSP_SINGLERESP_get1_ext_d2i(one, NID_invalidity_date, NULL, NULL);
	int64_t ms = 0;

	if (t && !notary_time_read(t, &ms))
		ms = 0;
	ASN1_GENERALIZEDTIME_free(t);
	return ms;
}

static int single_read(struct revoked *out, OCSP_SINGLERESP *one, int64_t now_ms, struct err *err)
{
	ASN1_GENERALIZEDTIME *since = NULL, *from = NULL, *until = NULL;
	int64_t from_ms;
	int reason = 0, status = OCSP_single_get0_status(one, &reason, &since, &from, &until);

	if (OCSP_SINGLERESP_get_ext_by_critical(one, 1, -1) >= 0)
		return err_set(
			err, ERR_RETRY, "the answer has a critical extension that is not known");
	if (!until)
		return err_set(err, ERR_RETRY, "the answer does not say until when it counts");
	if (!notary_time_read(from, &from_ms) || !notary_time_read(until, &out->until_ms))
		return err_set(err, ERR_RETRY, "the answer has a time that is none");
	if (revoked_window_check("answer", from_ms, out->until_ms, now_ms, err))
		return -1;
	if (status == V_OCSP_CERTSTATUS_GOOD) {
		out->status = REVOKED_NO;
	} else if (status == V_OCSP_CERTSTATUS_REVOKED) {
		out->status = REVOKED_YES;
		out->reason = reason > 0 ? reason : 0;
		out->invalid_ms = invalid_of(one);
		if (!notary_time_read(since, &out->since_ms))
			out->since_ms = 0;
	}
	return 0;
}

static int basic_read(struct revoked *out, OCSP_BASICRESP *b, const struct notary_cert *c,
	const struct notary_cert *issuer, int64_t now_ms, struct err *err)
{
	OCSP_SINGLERESP *one = NULL;

	if (signer_check(b, issuer, now_ms, err))
		return -1;
	if (OCSP_BASICRESP_get_ext_by_critical(b, 1, -1) >= 0)
		return err_set(
			err, ERR_RETRY, "the answer has a critical extension that is not known");
	return single_find(&one, b, c, issuer, err) || single_read(out, one, now_ms, err) ? -1 : 0;
}

static int response_read(struct revoked *out, OCSP_RESPONSE *r, const struct notary_cert *c,
	const struct notary_cert *issuer, int64_t now_ms, struct err *err)
{
	int status = OCSP_response_status(r), rc;
	OCSP_BASICRESP *b;

	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return err_set(
			err, ERR_RETRY, "the answer is '%s'", OCSP_response_status_str(status));
	b = OCSP_response_get1_basic(r);
	if (!b)
		return err_set(err, ERR_RETRY, "the answer is of no kind that is known");
	rc = basic_read(out, b, c, issuer, now_ms, err);
	OCSP_BASICRESP_free(b);
	return rc;
}

int ocsp_read(struct revoked *out, const struct notary_cert *c, const struct notary_cert *issuer,
	const void *der, size_t n, int64_t now_ms, struct err *err)
{
	const unsigned char *at = der;
	OCSP_RESPONSE *r = n && n <= LIMIT_OCSP ? d2i_OCSP_RESPONSE(NULL, &at, (long)n) : NULL;
	int rc;

	*out = (struct revoked){0};
	if (!r || at != (const unsigned char *)der + n)
		rc = err_set(err, ERR_RETRY, "it is no answer of OCSP");
	else
		rc = response_read(out, r, c, issuer, now_ms, err);
	if (rc)
		*out = (struct revoked){0};
	OCSP_RESPONSE_free(r);
	ERR_clear_error();
	return rc;
}
