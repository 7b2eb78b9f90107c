/*
 * X.509 certificates as the Notary Project's signatures use them: who signed, with which algorithm,
 * and what the certificate says that it is for. What follows from that is for who asks
 * (verify/notation_chain.h). No chain is built here, and no time is looked at.
 *
 * The algorithm is the key's and nobody else's choice (Notary Project, signature specification,
 * "Algorithm Selection"): RSASSA-PSS for RSA keys of 2048, 3072 and 4096 bits, ECDSA for P-256,
 * P-384 and P-521, with SHA-256, SHA-384 and SHA-512 in that order.
 *
 * A certificate is read only once it is there: any thread.
 */
#ifndef CRYPTO_NOTARY_CERT_H
#define CRYPTO_NOTARY_CERT_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notary_cert;

/* Vectors, for base/vec.h. */
struct notary_certs {
	struct notary_cert **p;
	size_t len, cap;
};

enum notary_alg {
	NOTARY_ALG_NONE, /* of any other key */
	NOTARY_PS256,
	NOTARY_PS384,
	NOTARY_PS512,
	NOTARY_ES256,
	NOTARY_ES384,
	NOTARY_ES512,
};

#define NOTARY_USAGE_SIGN (1U << 0) /* digitalSignature */
#define NOTARY_USAGE_CERTS (1U << 1) /* keyCertSign */
/* Encipherment, key agreement, keyCertSign, cRLSign, encipherOnly, decipherOnly. */
#define NOTARY_USAGE_OTHER (1U << 2)

struct notary_cert_facts {
	bool sound; /* each extension that says something about it can be read and is known */
	bool is_ca;
	int64_t path_len; /* CAs that may be below it; -1: any number */
	bool has_usage, usage_critical;
	unsigned usage; /* NOTARY_USAGE_* */
	/* Of the extended key usages that no signer of code may have, one; NULL: none is there. */
	const char *wrong_purpose;
	bool has_ocsp, has_crl; /* where to ask whether it was revoked */
	int64_t not_before_ms, not_after_ms; /* since 1970 UTC; both are inside */
};

/* Exactly one, in DER. -1 (ERR_RETRY): it is none. */
int notary_cert_parse(
	struct notary_cert **out, const void *der, size_t n, struct err *err) must_check;
void notary_cert_free(struct notary_cert *c); /* NULL is fine */
/* Those of a file: the one of the first block of a PEM text, or one behind the other in DER. -1
   (ERR_RETRY): there is none, or something else. What was added stays. */
int notary_certs_add(
	struct notary_certs *out, const char *data, size_t n, struct err *err) must_check;
void notary_certs_clear(struct notary_certs *l);

const struct notary_cert_facts *notary_cert_facts(const struct notary_cert *c);
enum notary_alg notary_cert_alg(const struct notary_cert *c);
/* Byte for byte. */
bool notary_cert_equal(const struct notary_cert *a, const struct notary_cert *b);
/* Does the issuer's key sign it, with SHA-256 or better, and is that the name that it gives? The
   names that the issuer is limited to are looked at (RFC 5280 section 4.2.1.10). */
bool notary_cert_issued_by(const struct notary_cert *c, const struct notary_cert *issuer);
bool notary_cert_names_permitted(const struct notary_cert *c, const struct notary_cert *ca);

/* Attribute number i of the subject: its value is appended as UTF-8. *type: "C", "ST", ...; NULL:
   it has no short name in RFC 4514, or cannot be read. False: there are no more. */
bool notary_cert_attribute(
	const struct notary_cert *c, unsigned i, const char **type, struct buf *value);
/* The subject for a message, in ASCII. */
void notary_cert_describe(const struct notary_cert *c, struct buf *out);

/* How long the salt of an RSA signature may be: JWS leaves it to the signer here, COSE has the
   hash's length (RFC 8230 section 2). */
enum notary_salt { NOTARY_SALT_ANY, NOTARY_SALT_HASH };

/* Is it the signature of these bytes by its key, as a JSON web signature has it (RFC 7518 sections
   3.4 and 3.5)? False for whatever goes wrong. */
bool notary_cert_verifies(const struct notary_cert *c, enum notary_salt salt, const void *sig,
	size_t sig_len, const void *data, size_t n);

#endif
