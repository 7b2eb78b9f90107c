#include "crypto/notary_cert.h"

#include "base/mem.h"
#include "base/vec.h"
#include "crypto/digest.h"
#include "crypto/notary_cert_internal.h"
#include "crypto/rsa.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define SECURITY_BITS_MIN 112 /* of a key that issues: RSA of 2048 bits, P-224 */

/* ---- keys ------------------------------------------------------------------------------------ */

static const struct {
	const char *curve; /* NULL: RSA */
	int bits;
	size_t half; /* bytes of r, and of s */
	const EVP_MD *(*hash)(void);
} algs[] = {
	[NOTARY_PS256] = {NULL, 2048, 0, EVP_sha256},
	[NOTARY_PS384] = {NULL, 3072, 0, EVP_sha384},
	[NOTARY_PS512] = {NULL, 4096, 0, EVP_sha512},
	[NOTARY_ES256] = {"prime256v1", 256, 32, EVP_sha256},
	[NOTARY_ES384] = {"secp384r1", 384, 48, EVP_sha384},
	[NOTARY_ES512] = {"secp521r1", 521, 66, EVP_sha512},
};

/* With an exponent of 1 anything is its own signature. */
static bool exponent_ok(const EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
		!BN_is_one(e) && BN_num_bits(e) <= 32;

	BN_free(e);
	return ok;
}

/* "" unless the curve is given by its name. */
static void curve_of(const EVP_PKEY *key, char curve[80])
{
	char form[80] = "";

	if (EVP_PKEY_get_utf8_string_param(
		    key, OSSL_PKEY_PARAM_EC_ENCODING, form, sizeof(form), NULL) != 1 ||
		strcmp(form, OSSL_PKEY_EC_ENCODING_GROUP) != 0 ||
		EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, curve, 80, NULL) !=
			1)
		*curve = '\0';
}

static enum notary_alg alg_of(const EVP_PKEY *key)
{
	int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	char curve[80] = "";
	size_t i;

	if (kind == EVP_PKEY_EC)
		curve_of(key, curve);
	else if (kind != EVP_PKEY_RSA || !exponent_ok(key))
		return NOTARY_ALG_NONE;
	for (i = NOTARY_PS256; i < ARRAY_LEN(algs); i++) {
		if (kind == EVP_PKEY_RSA && !algs[i].curve &&
			EVP_PKEY_get_bits(key) == algs[i].bits)
			return (enum notary_alg)i;
		if (kind == EVP_PKEY_EC && algs[i].curve && !strcmp(curve, algs[i].curve))
			return (enum notary_alg)i;
	}
	return NOTARY_ALG_NONE;
}

/* ---- what a certificate says ----------------------------------------------------------------- */

static const char *wrong_purpose(uint32_t purposes)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} wrong[] = {
		{XKU_SSL_SERVER, "serverAuth"},
		{XKU_SSL_CLIENT, "clientAuth"},
		{XKU_SMIME, "emailProtection"},
		{XKU_TIMESTAMP, "timeStamping"},
		{XKU_OCSP_SIGN, "OCSPSigning"},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(wrong); i++)
		if (purposes & wrong[i].bit)
			return wrong[i].name;
	return NULL;
}

static unsigned usage_of(uint32_t bits)
{
	unsigned usage = bits & KU_DIGITAL_SIGNATURE ? NOTARY_USAGE_SIGN : 0;

	if (bits & KU_KEY_CERT_SIGN)
		usage |= NOTARY_USAGE_CERTS;
	if (bits &
		(KU_KEY_ENCIPHERMENT | KU_DATA_ENCIPHERMENT | KU_KEY_AGREEMENT | KU_KEY_CERT_SIGN |
			KU_CRL_SIGN | KU_ENCIPHER_ONLY | KU_DECIPHER_ONLY))
		usage |= NOTARY_USAGE_OTHER;
	return usage;
}

bool notary_time_read(const ASN1_TIME *t, int64_t *ms)
{
	struct tm tm = {0};

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*ms = (int64_t)timegm(&tm) * 1000;
	return true;
}

static bool is_critical(const X509 *x, int nid)
{
	int at = X509_get_ext_by_NID(x, nid, -1);

	return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(x, at));
}

/* Also where nobody can read which place it names. */
static bool has_ocsp(X509 *x)
{
	int critical = -1, i;
	AUTHORITY_INFO_ACCESS *all = X509_get_ext_d2i(x, NID_info_access, &critical, NULL);
	bool some = !all && critical != -1;

	for (i = 0; i < sk_ACCESS_DESCRIPTION_num(all); i++) {
		const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(all, i);

		some |= OBJ_obj2nid(one->method) == NID_ad_OCSP && one->location->type == GEN_URI;
	}
	AUTHORITY_INFO_ACCESS_free(all);
	return some;
}

static void facts_read(struct notary_cert_facts *f, X509 *x)
{
	/* It reads the extensions. */
	bool read = X509_check_purpose(x, -1, 0) == 1;
	uint32_t flags = X509_get_extension_flags(x);

	f->sound = read && !(flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) &&
		notary_time_read(X509_get0_notBefore(x), &f->not_before_ms) &&
		notary_time_read(X509_get0_notAfter(x), &f->not_after_ms);
	f->is_ca = (flags & EXFLAG_BCONS) && (flags & EXFLAG_CA);
	f->path_len = X509_get_pathlen(x);
	f->has_usage = (flags & EXFLAG_KUSAGE) != 0;
	f->usage_critical = is_critical(x, NID_key_usage);
	f->usage = f->has_usage ? usage_of(X509_get_key_usage(x)) : 0;
	f->wrong_purpose =
		flags & EXFLAG_XKUSAGE ? wrong_purpose(X509_get_extended_key_usage(x)) : NULL;
	f->may_timestamp = !(flags & EXFLAG_XKUSAGE) ||
		(X509_get_extended_key_usage(x) & (XKU_TIMESTAMP | XKU_ANYEKU));
	f->has_ocsp = has_ocsp(x);
	f->has_crl = X509_get_ext_by_NID(x, NID_crl_distribution_points, -1) >= 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct notary_cert *notary_cert_of(X509 *x)
{
	struct notary_cert *c = NEW(struct notary_cert);

	c->x = x;
	c->alg = alg_of(X509_get0_pubkey(x));
	facts_read(&c->facts, x);
	ERR_clear_error();
	return c;
}

/* *p is moved behind it. */
static struct notary_cert *cert_read(const unsigned char **p, size_t n)
{
	X509 *x = n && n <= LONG_MAX ? d2i_X509(NULL, p, (long)n) : NULL;

	ERR_clear_error();
	return x ? notary_cert_of(x) : NULL;
}

int notary_cert_parse(struct notary_cert **out, const void *der, size_t n, struct err *err)
{
	const unsigned char *p = der, *end = p + n;
	struct notary_cert *c = cert_read(&p, n);

	if (c && p == end) {
		*out = c;
		return 0;
	}
	notary_cert_free(c);
	return err_set(err, ERR_RETRY, "it is no certificate");
}

struct notary_cert *notary_cert_copy(const struct notary_cert *c)
{
	struct notary_cert *copy = mem_dup(c, sizeof(*c));

	BUG_IF(X509_up_ref(copy->x) != 1);
	return copy;
}

void notary_cert_free(struct notary_cert *c)
{
	if (!c)
		return;
	X509_free(c->x);
	free(c);
}

static int der_add(struct notary_certs *out, const void *der, size_t n, struct err *err)
{
	const unsigned char *p = der, *end = p + n;
	struct notary_cert *c;

	do {
		c = cert_read(&p, (size_t)(end - p));
		if (!c)
			return err_set(err, ERR_RETRY, "it is no certificate, in PEM or DER");
		*vec_add(out) = c;
	} while (p < end);
	return 0;
}

int notary_certs_add(struct notary_certs *out, const char *data, size_t n, struct err *err)
{
	BIO *in = n <= INT_MAX ? BIO_new_mem_buf(n ? data : "", (int)n) : NULL;
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	struct notary_cert *c = NULL;
	long len = 0;
	int rc = -1;

	BUG_IF(!in);
	if (!PEM_read_bio(in, &label, &header, &der, &len))
		rc = der_add(out, data, n, err);
	else if (strcmp(label, PEM_STRING_X509) != 0 || *header)
		err_set(err, ERR_RETRY, "it is a PEM block '%.40s', and no certificate", label);
	else
		rc = notary_cert_parse(&c, der, (size_t)len, err);
	if (c)
		*vec_add(out) = c;
	OPENSSL_free(label);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(in);
	ERR_clear_error();
	return rc;
}

void notary_certs_clear(struct notary_certs *l)
{
	struct notary_cert **c;

	vec_each (l, c)
		notary_cert_free(*c);
	vec_clear(l);
}

/* ---- asking ---------------------------------------------------------------------------------- */

const struct notary_cert_facts *notary_cert_facts(const struct notary_cert *c)
{
	return &c->facts;
}

enum notary_alg notary_cert_alg(const struct notary_cert *c)
{
	return c->alg;
}

void notary_cert_digest(const struct notary_cert *c, struct digest *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(c->x, &der);

	BUG_IF(n <= 0);
	digest_mem(out, DIGEST_SHA256, der, (size_t)n);
	OPENSSL_free(der);
}

bool notary_cert_equal(const struct notary_cert *a, const struct notary_cert *b)
{
	return X509_cmp(a->x, b->x) == 0;
}

static bool hash_ok(X509 *x)
{
	int hash = NID_undef, key = NID_undef;

	if (X509_get_signature_info(x, &hash, &key, NULL, NULL) != 1)
		return false;
	return hash == NID_sha256 || hash == NID_sha384 || hash == NID_sha512 || key == NID_ED25519;
}

/* Byte for byte, as Go compares them. */
bool notary_name_equal(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der = NULL, *b_der = NULL;
	size_t a_len = 0, b_len = 0;

	return X509_NAME_get0_der(a, &a_der, &a_len) == 1 &&
		X509_NAME_get0_der(b, &b_der, &b_len) == 1 && a_len == b_len &&
		!memcmp(a_der, b_der, a_len);
}

/* An issuer's key may be of other sizes than a signer's. */
bool notary_issuer_key_ok(const EVP_PKEY *key)
{
	char curve[80] = "";

	if (!key || EVP_PKEY_get_security_bits(key) < SECURITY_BITS_MIN)
		return false;
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return EVP_PKEY_get_bits(key) <= RSA_BITS_MAX && exponent_ok(key);
	case EVP_PKEY_EC:
		curve_of(key, curve);
		return *curve != '\0';
	default:
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	}
}

bool notary_cert_issued_by(const struct notary_cert *c, const struct notary_cert *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer->x);
	bool good = notary_issuer_key_ok(key) &&
		notary_name_equal(X509_get_issuer_name(c->x), X509_get_subject_name(issuer->x)) &&
		hash_ok(c->x) && X509_verify(c->x, key) == 1;

	ERR_clear_error();
	return good;
}

bool notary_cert_names_permitted(const struct notary_cert *c, const struct notary_cert *ca)
{
	NAME_CONSTRAINTS *limits;
	bool good;
	int critical;

	limits = X509_get_ext_d2i(ca->x, NID_name_constraints, &critical, NULL);
	good = limits ? NAME_CONSTRAINTS_check(c->x, limits) == X509_V_OK : critical == -1;
	NAME_CONSTRAINTS_free(limits);
	ERR_clear_error();
	return good;
}

/* ---- the subject ----------------------------------------------------------------------------- */

static const char *type_of(const ASN1_OBJECT *o)
{
	static const struct {
		int nid;
		const char *name;
	} types[] = {
		{NID_commonName, "CN"},
		{NID_serialNumber, "SERIALNUMBER"},
		{NID_countryName, "C"},
		{NID_localityName, "L"},
		{NID_stateOrProvinceName, "ST"},
		{NID_streetAddress, "STREET"},
		{NID_organizationName, "O"},
		{NID_organizationalUnitName, "OU"},
		{NID_postalCode, "POSTALCODE"},
	};
	int nid = OBJ_obj2nid(o);
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].nid == nid)
			return types[i].name;
	return NULL;
}

bool notary_cert_attribute(
	const struct notary_cert *c, unsigned i, const char **type, struct buf *value)
{
	const X509_NAME *name = X509_get_subject_name(c->x);
	const X509_NAME_ENTRY *e = i <= INT_MAX ? X509_NAME_get_entry(name, (int)i) : NULL;
	const X509_NAME_ENTRY *before;
	unsigned char *text = NULL;
	int n;

	ERR_clear_error();
	if (!e)
		return false;
	before = i ? X509_NAME_get_entry(name, (int)i - 1) : NULL;
	*type = type_of(X509_NAME_ENTRY_get_object(e));
	/* Two attributes in one place, which a policy cannot say. */
	if (before && X509_NAME_ENTRY_set(e) == X509_NAME_ENTRY_set(before) &&
		type_of(X509_NAME_ENTRY_get_object(before)) != *type)
		*type = NULL;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(e));
	if (n < 0 || (n && buf_add(value, text, (size_t)n)))
		*type = NULL;
	OPENSSL_free(text);
	ERR_clear_error();
	return true;
}

void notary_cert_describe(const struct notary_cert *c, struct buf *out)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	BUG_IF(!text);
	X509_NAME_print_ex(text, X509_get_subject_name(c->x), 0, XN_FLAG_RFC2253);
	n = BIO_get_mem_data(text, &p);
	if (n > 0)
		buf_add(out, p, (size_t)n);
	BIO_free(text);
	ERR_clear_error();
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* r and s one behind the other, as OpenSSL wants them. Free it; NULL: they are none. */
static unsigned char *ecdsa_der(const unsigned char *sig, size_t half, int *n)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(sig, (int)half, NULL), *s = BN_bin2bn(sig + half, (int)half, NULL);
	unsigned char *der = NULL;

	BUG_IF(!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1);
	*n = i2d_ECDSA_SIG(pair, &der);
	ECDSA_SIG_free(pair);
	return *n > 0 ? der : NULL;
}

static bool verify_init(EVP_MD_CTX *m, const struct notary_cert *c, enum notary_salt salt)
{
	int length = salt == NOTARY_SALT_HASH ? RSA_PSS_SALTLEN_DIGEST : RSA_PSS_SALTLEN_AUTO;
	const EVP_MD *hash = algs[c->alg].hash();
	EVP_PKEY_CTX *ctx = NULL;

	if (EVP_DigestVerifyInit(m, &ctx, hash, NULL, X509_get0_pubkey(c->x)) != 1)
		return false;
	return algs[c->alg].curve ||
		(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, length) == 1);
}

bool notary_cert_verifies(const struct notary_cert *c, enum notary_salt salt, const void *sig,
	size_t sig_len, const void *data, size_t n)
{
	size_t half = algs[c->alg].half;
	unsigned char *der = NULL;
	EVP_MD_CTX *m;
	int len = 0;
	bool good;

	if (c->alg == NOTARY_ALG_NONE || !sig_len || (half && sig_len != 2 * half))
		return false;
	m = EVP_MD_CTX_new();
	BUG_IF(!m);
	if (half)
		der = ecdsa_der(sig, half, &len);
	good = (!half || der) && verify_init(m, c, salt) &&
		EVP_DigestVerify(
			m, half ? der : sig, half ? (size_t)len : sig_len, n ? data : "", n) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(m);
	ERR_clear_error();
	return good;
}
