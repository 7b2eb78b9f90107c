#include "crypto/timestamp.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "crypto/cert_internal.h"
#include "crypto/digest.h"
#include "crypto/notary_cert_internal.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define LEVEL 2 /* as in cert_chain.c */
#define ACCURACY_MAX_S 86400 /* nobody is off by a day */

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

/* Fractions of a second are cut. */
static int time_read(int64_t *at_s, TS_TST_INFO *info, struct err *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &tm) != 1)
		return err_set(err, ERR_RETRY, "its time cannot be read");
	*at_s = timegm(&tm);
	return 0;
}

static int info_check(
	int64_t *at_s, TS_TST_INFO *info, const void *message, size_t len, struct err *err)
{
	if (TS_TST_INFO_get_version(info) != 1)
		return err_set(err, ERR_RETRY, "its version is not 1");
	return time_read(at_s, info, err) || imprint_check(info, message, len, err) ? -1 : 0;
}

static int response_check(
	int64_t *at_s, TS_RESP *resp, const void *message, size_t len, struct err *err)
{
	TS_TST_INFO *info = TS_RESP_get_tst_info(resp);

	if (ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(resp))) != 0 ||
		!info || !TS_RESP_get_token(resp))
		return err_set(err, ERR_RETRY, "it was not granted");
	return info_check(at_s, info, message, len, err);
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

/* OpenSSL reads these as what they should be, whatever they are. */
static int types_check(PKCS7 *token, struct err *err)
{
	static const struct {
		int nid, type;
	} attributes[] = {
		{NID_pkcs9_messageDigest, V_ASN1_OCTET_STRING},
		{NID_id_smime_aa_signingCertificate, V_ASN1_SEQUENCE},
		{NID_id_smime_aa_signingCertificateV2, V_ASN1_SEQUENCE},
	};
	STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(token);
	int i;
	size_t j;

	for (i = 0; i < sk_PKCS7_SIGNER_INFO_num(signers); i++)
		for (j = 0; j < ARRAY_LEN(attributes); j++) {
			ASN1_TYPE *value = PKCS7_get_signed_attribute(
				sk_PKCS7_SIGNER_INFO_value(signers, i), attributes[j].nid);

			if (value && value->type != attributes[j].type)
				return err_set(err, ERR_RETRY,
					"its attribute %s is of another type than it should be",
					OBJ_nid2sn(attributes[j].nid));
		}
	return 0;
}

/* OpenSSL has looked at the purposes that it knows. */
static int only_purpose_check(X509 *signer, struct err *err)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(signer, NID_ext_key_usage, NULL, NULL);
	int n = eku ? sk_ASN1_OBJECT_num(eku) : 0;

	sk_ASN1_OBJECT_pop_free(eku, ASN1_OBJECT_free);
	if (n != 1)
		return err_set(
			err, ERR_RETRY, "its signer's certificate is for other purposes, too");
	return 0;
}

/* What is wrong with the chain, or else with the rest. */
static const char *reason(void)
{
	static const char of_chain[] = "Verify error:";
	const char *data = NULL, *why;
	int flags = 0;
	unsigned long e = ERR_peek_last_error_data(&data, &flags);

	if (data && (flags & ERR_TXT_STRING) && !strncmp(data, of_chain, sizeof(of_chain) - 1))
		return data + sizeof(of_chain) - 1;
	why = ERR_reason_error_string(e);
	return why ? why : "it is broken";
}

/* *signer is to be freed. */
static int signature_check(
	PKCS7 *token, STACK_OF(X509) * certs, X509_STORE *store, X509 **signer, struct err *err)
{
	if (types_check(token, err))
		return -1;
	if (TS_RESP_verify_signature(token, certs, store, signer) != 1)
		return err_set(
			err, ERR_RETRY, "its signature is not of this authority: %s", reason());
	return only_purpose_check(*signer, err);
}

/* Of nobody yet. */
static X509_STORE *store_new(int64_t at_s)
{
	X509_STORE *store = X509_STORE_new();

	BUG_IF(!store);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)at_s);
	X509_VERIFY_PARAM_set_depth(X509_STORE_get0_param(store), CERT_CHAIN_MAX);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(store), LEVEL);
	return store;
}

static int authority_check(
	TS_RESP *resp, int64_t at_s, const struct cert *const *authority, size_t n, struct err *err)
{
	X509_STORE *store = store_new(at_s);
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *signer = NULL;
	size_t i;
	int rc;

	BUG_IF(!certs || !n);
	BUG_IF(X509_STORE_add_cert(store, authority[n - 1]->x) != 1);
	for (i = 0; i + 1 < n; i++)
		BUG_IF(!sk_X509_push(certs, authority[i]->x));
	X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	rc = purposes_check(authority, n, err) ||
		signature_check(TS_RESP_get_token(resp), certs, store, &signer, err) ||
		signer_check(signer, authority, err);
	X509_free(signer);
	sk_X509_free(certs);
	X509_STORE_free(store);
	return rc ? -1 : 0;
}

/* ---- a response ------------------------------------------------------------------------------ */

int timestamp_verify(int64_t *at_s, const void *der, size_t n, const void *message, size_t len,
	const struct cert *const *authority, size_t certs, struct err *err)
{
	const unsigned char *end = der;
	TS_RESP *resp = n && n <= LIMIT_TIMESTAMP ? d2i_TS_RESP(NULL, &end, (long)n) : NULL;
	int rc;

	if (!resp || end != (const unsigned char *)der + n)
		rc = err_set(err, ERR_RETRY, "it is none");
	else
		rc = response_check(at_s, resp, message, len, err) ||
			authority_check(resp, *at_s, authority, certs, err);
	TS_RESP_free(resp);
	ERR_clear_error();
	return rc ? -1 : 0;
}

/* ---- a token --------------------------------------------------------------------------------- */

/* Thousandths in the fraction of its second, and whether there is less than that behind them. */
static int64_t fraction_of(TS_TST_INFO *info, bool *more)
{
	const ASN1_GENERALIZEDTIME *t = TS_TST_INFO_get_time(info);
	const char *text = (const char *)ASN1_STRING_get0_data(t);
	const char *end = text + ASN1_STRING_length(t),
		   *at = memchr(text, '.', (size_t)(end - text));
	int64_t ms = 0, unit;

	*more = false;
	if (!at)
		return 0;
	for (unit = 100, at++; at < end && ascii_is_digit(*at); at++, unit /= 10) {
		ms += unit * (*at - '0');
		*more |= !unit && *at != '0';
	}
	return ms;
}

/* 0, too, where it is not there. */
static bool part_read(const ASN1_INTEGER *part, int64_t max, int64_t *n)
{
	*n = 0;
	return !part || (ASN1_INTEGER_get_int64(n, part) == 1 && *n >= 0 && *n <= max);
}

static bool is_baseline(TS_TST_INFO *info)
{
	static const unsigned char baseline[] = {4, 0, 0x8f, 0x67, 1, 1}; /* 0.4.0.2023.1.1 */
	const ASN1_OBJECT *policy = TS_TST_INFO_get_policy_id(info);

	return OBJ_length(policy) == sizeof(baseline) &&
		!memcmp(OBJ_get0_data(policy), baseline, sizeof(baseline));
}

/* How far it may be off. */
static int accuracy_read(int64_t *ms, TS_TST_INFO *info, struct err *err)
{
	const TS_ACCURACY *a = TS_TST_INFO_get_accuracy(info);
	int64_t seconds = 0, millis = 0, micros = 0;

	if (a &&
		(!part_read(TS_ACCURACY_get_seconds(a), ACCURACY_MAX_S, &seconds) ||
			!part_read(TS_ACCURACY_get_millis(a), 999, &millis) ||
			!part_read(TS_ACCURACY_get_micros(a), 999, &micros)))
		return err_set(err, ERR_RETRY, "its accuracy cannot be read");
	*ms = seconds * 1000 + millis + (micros > 0);
	/* Who keeps to that policy is right to a second without saying so (ETSI EN 319 421). */
	if (!*ms && is_baseline(info))
		*ms = 1000;
	return 0;
}

static int span_read(struct timestamp *out, TS_TST_INFO *info, int64_t at_s, struct err *err)
{
	int64_t accuracy = 0, at_ms;
	bool more;

	if (accuracy_read(&accuracy, info, err))
		return -1;
	at_ms = at_s * 1000 + fraction_of(info, &more);
	out->from_ms = at_ms - accuracy;
	out->until_ms = at_ms + accuracy + more;
	return 0;
}

/* What OpenSSL does not look at: it takes SHA-1 and the older attribute, and any type of content
   that the signer claims to have signed. How many signers there are, it knows. */
static int attributes_check(PKCS7 *token, struct err *err)
{
	STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(token);
	PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(signers, 0);
	X509_ALGOR *hash = NULL;
	ASN1_TYPE *type;

	if (ASN1_INTEGER_get(token->d.sign->version) != 3)
		return err_set(err, ERR_RETRY, "it is not of version 3 (SignedData)");
	if (sk_PKCS7_SIGNER_INFO_num(signers) != 1)
		return err_set(err, ERR_RETRY, "it has %d signers, not one",
			signers ? sk_PKCS7_SIGNER_INFO_num(signers) : 0);
	PKCS7_SIGNER_INFO_get0_algs(signer, NULL, &hash, NULL);
	if (algo_of(hash) == DIGEST_NONE)
		return err_set(err, ERR_RETRY, "it is not signed with SHA-256, SHA-384 or SHA-512");
	type = PKCS7_get_signed_attribute(signer, NID_pkcs9_contentType);
	if (!type || type->type != V_ASN1_OBJECT ||
		OBJ_obj2nid(type->value.object) != NID_id_smime_ct_TSTInfo)
		return err_set(err, ERR_RETRY, "its signer has signed content of another type");
	if (!PKCS7_get_signed_attribute(signer, NID_id_smime_aa_signingCertificateV2))
		return err_set(err, ERR_RETRY, "it has no signing-certificate-v2");
	return 0;
}

/* The path that OpenSSL has found, once more. */
static int chain_read(struct timestamp *out, X509 *signer, PKCS7 *token, X509_STORE *store)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) * path;
	int i, rc = -1;

	BUG_IF(!ctx || X509_STORE_CTX_init(ctx, store, signer, token->d.sign->cert) != 1);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_TIMESTAMP_SIGN);
	if (X509_verify_cert(ctx) == 1) {
		path = X509_STORE_CTX_get1_chain(ctx);
		for (i = 0; i < sk_X509_num(path); i++)
			*vec_add(&out->chain) = notary_cert_of(sk_X509_value(path, i));
		sk_X509_free(path); /* and not what is on it */
		rc = 0;
	}
	X509_STORE_CTX_free(ctx);
	return rc;
}

/* When the signer says that it has signed is inside what its certificates say, if it says so. */
static int signing_time_check(const struct notary_certs *chain, PKCS7 *token, struct err *err)
{
	PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(PKCS7_get_signer_info(token), 0);
	ASN1_TYPE *said = PKCS7_get_signed_attribute(signer, NID_pkcs9_signingTime);
	struct notary_cert *const *c;
	struct tm tm;
	int64_t ms;

	if (!said)
		return 0;
	if ((said->type != V_ASN1_UTCTIME && said->type != V_ASN1_GENERALIZEDTIME) ||
		ASN1_TIME_to_tm(said->value.asn1_string, &tm) != 1)
		return err_set(err, ERR_RETRY, "its signing time cannot be read");
	ms = (int64_t)timegm(&tm) * 1000;
	vec_each (chain, c)
		if (ms < (*c)->facts.not_before_ms || ms > (*c)->facts.not_after_ms)
			return err_set(err, ERR_RETRY,
				"its signing time is not one at which its certificates are valid");
	return 0;
}

static int path_check(struct timestamp *out, PKCS7 *token, int64_t at_s,
	const struct notary_certs *roots, struct err *err)
{
	X509_STORE *store = store_new(at_s);
	struct notary_cert *const *root;
	X509 *signer = NULL;
	int rc;

	vec_each (roots, root)
		BUG_IF(X509_STORE_add_cert(store, (*root)->x) != 1);
	rc = signature_check(token, NULL, store, &signer, err);
	if (!rc && chain_read(out, signer, token, store))
		rc = err_set(err, ERR_RETRY, "its signer has no path to a root");
	if (!rc)
		rc = signing_time_check(&out->chain, token, err);
	X509_free(signer);
	X509_STORE_free(store);
	return rc;
}

static int token_check(struct timestamp *out, PKCS7 *token, TS_TST_INFO *info, const void *message,
	size_t len, const struct notary_certs *roots, struct err *err)
{
	int64_t at_s;

	return info_check(&at_s, info, message, len, err) || span_read(out, info, at_s, err) ||
			attributes_check(token, err) || path_check(out, token, at_s, roots, err)
		? -1
		: 0;
}

int timestamp_token_verify(struct timestamp *out, const void *der, size_t n, const void *message,
	size_t len, const struct notary_certs *roots, struct err *err)
{
	const unsigned char *end = der;
	PKCS7 *token = n && n <= LIMIT_TIMESTAMP ? d2i_PKCS7(NULL, &end, (long)n) : NULL;
	TS_TST_INFO *info = NULL;
	int rc;

	if (token && end == (const unsigned char *)der + n)
		info = PKCS7_to_TS_TST_INFO(token);
	rc = info ? token_check(out, token, info, message, len, roots, err)
		  : err_set(err, ERR_RETRY, "it is none");
	TS_TST_INFO_free(info);
	PKCS7_free(token);
	ERR_clear_error();
	return rc;
}
