#include "crypto/jose.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/pubkey.h"

#include <string.h>

#define COORDINATE_MAX 66 /* bytes, of P-521 */
#define DER_SEQUENCE 0x30
#define DER_INTEGER 0x02

/* ---- algorithms ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum pubkey_kind kind;
	enum digest_algo hash;
	int bits; /* of the curve; 0: any */
	size_t coordinate; /* bytes of each half of a signature */
} algs[] = {
	[JOSE_RS256] = {"RS256", PUBKEY_RSA, DIGEST_SHA256},
	[JOSE_RS384] = {"RS384", PUBKEY_RSA, DIGEST_SHA384},
	[JOSE_RS512] = {"RS512", PUBKEY_RSA, DIGEST_SHA512},
	[JOSE_PS256] = {"PS256", PUBKEY_RSA, DIGEST_SHA256},
	[JOSE_ES256] = {"ES256", PUBKEY_EC, DIGEST_SHA256, 256, 32},
	[JOSE_ES384] = {"ES384", PUBKEY_EC, DIGEST_SHA384, 384, 48},
	[JOSE_ES512] = {"ES512", PUBKEY_EC, DIGEST_SHA512, 521, 66},
	[JOSE_EDDSA] = {"EdDSA", PUBKEY_ED25519, DIGEST_NONE},
};

int jose_alg_parse(enum jose_alg *alg, const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_LEN(algs); i++)
		if (!strcmp(algs[i].name, name)) {
			*alg = (enum jose_alg)i;
			return 0;
		}
	return -1;
}

/* ---- DER ------------------------------------------------------------------------------------- */

static void der_head(struct buf *b, unsigned char tag, size_t n)
{
	buf_addc(b, (char)tag);
	if (n >= 0x100) {
		buf_addc(b, (char)0x82);
		buf_addc(b, (char)(n >> 8));
	} else if (n >= 0x80) {
		buf_addc(b, (char)0x81);
	}
	buf_addc(b, (char)n);
}

/* An unsigned number, the highest byte first. */
static void der_number(struct buf *b, const char *p, size_t n)
{
	bool high;

	while (n > 1 && !*p) {
		p++;
		n--;
	}
	high = n && (unsigned char)*p & 0x80;
	der_head(b, DER_INTEGER, n + high);
	if (high)
		buf_addc(b, 0);
	buf_add(b, p, n);
}

static void der_pair(struct buf *out, const char *a, size_t a_len, const char *b, size_t b_len)
{
	auto_buf struct buf inner = BUF_INIT(LIMIT_PUBLIC_KEY);

	der_number(&inner, a, a_len);
	der_number(&inner, b, b_len);
	der_head(out, DER_SEQUENCE, inner.len);
	buf_add(out, buf_str(&inner), inner.len);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* -1: the member is no base64url text, or does not have `want` bytes (0: one or more). */
static int member_read(
	struct buf *out, const json_t *jwk, const char *name, size_t want, struct err *err)
{
	const char *text = obj_str(jwk, name);
	struct err ignored = {0};

	buf_init(out, want ? want + 3 : LIMIT_PUBLIC_KEY / 4); /* whole groups of base64 */
	if (!text || base64_decode(out, text, strlen(text), BASE64_URL, &ignored) || !out->len ||
		(want && out->len != want))
		return err_set(err, ERR_RETRY, "its '%s' is not what it has to be", name);
	return 0;
}

static int rsa_parse(struct pubkey **out, const json_t *jwk, struct err *err)
{
	auto_buf struct buf n = BUF_INIT(0);
	auto_buf struct buf e = BUF_INIT(0);
	auto_buf struct buf der = BUF_INIT(LIMIT_PUBLIC_KEY);

	if (member_read(&n, jwk, "n", 0, err) || member_read(&e, jwk, "e", 0, err))
		return -1;
	der_pair(&der, n.p, n.len, e.p, e.len);
	return pubkey_parse_der(out, buf_str(&der), der.len, PUBKEY_PKCS1, err);
}

static int ec_parse(struct pubkey **out, const json_t *jwk, struct err *err)
{
	/* SubjectPublicKeyInfo (RFC 5480) up to the point, which is not compressed. */
	static const struct {
		const char *name;
		size_t coordinate, len;
		const char *head;
	} curves[] = {
		{"P-256", 32, 27,
			"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48"
			"\xce\x3d\x03\x01\x07\x03\x42\x00\x04"},
		{"P-384", 48, 24,
			"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04"
			"\x00\x22\x03\x62\x00\x04"},
		{"P-521", COORDINATE_MAX, 26,
			"\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81"
			"\x04\x00\x23\x03\x81\x86\x00\x04"},
	};
	const char *curve = obj_str_or("", jwk, "crv");
	auto_buf struct buf x = BUF_INIT(0);
	auto_buf struct buf y = BUF_INIT(0);
	auto_buf struct buf der = BUF_INIT(LIMIT_PUBLIC_KEY);
	size_t i;

	for (i = 0; i < ARRAY_LEN(curves) && strcmp(curves[i].name, curve) != 0;)
		i++;
	if (i == ARRAY_LEN(curves))
		return err_set(err, ERR_RETRY, "its curve is not taken");
	if (member_read(&x, jwk, "x", curves[i].coordinate, err) ||
		member_read(&y, jwk, "y", curves[i].coordinate, err))
		return -1;
	buf_add(&der, curves[i].head, curves[i].len);
	buf_add(&der, x.p, x.len);
	buf_add(&der, y.p, y.len);
	return pubkey_parse_der(out, buf_str(&der), der.len, PUBKEY_SPKI, err);
}

static int okp_parse(struct pubkey **out, const json_t *jwk, struct err *err)
{
	static const char head[] = "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
	auto_buf struct buf x = BUF_INIT(0);
	auto_buf struct buf der = BUF_INIT(LIMIT_PUBLIC_KEY);

	if (strcmp(obj_str_or("", jwk, "crv"), "Ed25519") != 0)
		return err_set(err, ERR_RETRY, "its curve is not taken");
	if (member_read(&x, jwk, "x", 32, err))
		return -1;
	buf_add(&der, head, sizeof(head) - 1);
	buf_add(&der, x.p, x.len);
	return pubkey_parse_der(out, buf_str(&der), der.len, PUBKEY_SPKI, err);
}

int jose_key_parse(struct pubkey **out, const json_t *jwk, struct err *err)
{
	const char *type = obj_str_or("", jwk, "kty");

	if (!strcmp(type, "RSA"))
		return rsa_parse(out, jwk, err);
	if (!strcmp(type, "EC"))
		return ec_parse(out, jwk, err);
	if (!strcmp(type, "OKP"))
		return okp_parse(out, jwk, err);
	return err_set(err, ERR_RETRY, "its type is not taken");
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* JSON has the two numbers side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. */
static bool ecdsa_verifies(const struct pubkey *key, enum jose_alg alg, const char *sig,
	size_t sig_len, const void *data, size_t n)
{
	size_t half = algs[alg].coordinate;
	auto_buf struct buf der = BUF_INIT(4 * COORDINATE_MAX);

	if (sig_len != 2 * half)
		return false;
	der_pair(&der, sig, half, sig + half, half);
	return pubkey_verifies_with(key, algs[alg].hash, buf_str(&der), der.len, data, n);
}

bool jose_fits(const struct pubkey *key, enum jose_alg alg)
{
	return pubkey_kind(key) == algs[alg].kind &&
		(!algs[alg].bits || pubkey_bits(key) == algs[alg].bits);
}

bool jose_verifies(const struct pubkey *key, enum jose_alg alg, const void *sig, size_t sig_len,
	const void *data, size_t n)
{
	if (!jose_fits(key, alg))
		return false;
	if (alg == JOSE_PS256)
		return pubkey_verifies_pss(key, sig, sig_len, data, n);
	if (algs[alg].coordinate)
		return ecdsa_verifies(key, alg, sig, sig_len, data, n);
	return pubkey_verifies_with(key, algs[alg].hash, sig, sig_len, data, n);
}
