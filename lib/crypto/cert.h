/*
 * X.509 certificates (RFC 5280) as signatures are checked with them: by whom one was issued, for
 * what time, to whom. Nothing is fetched and no store of the system's is asked: who is trusted
 * comes from the caller. Read only once it is there: any thread.
 *
 *	if (cert_parse_pem(&leaf, pem, len, CERT_FIRST, err))
 *		return -1;
 *	if (cert_chain_find(&chain, leaf, cas, n, at_s, err)) ...
 *	cert_free(leaf);
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cert;
struct pubkey;

/* Certificates of one authority, with its anchor. */
#define CERT_CHAIN_MAX 8

/* ERR_RETRY: it is none, or its key is none that is taken (pubkey.h). */
int cert_parse_der(struct cert **out, const void *der, size_t n, struct err *err) must_check;
/* The first block of a PEM text. CERT_ONLY: there must be nothing else in it. */
enum cert_pem { CERT_FIRST, CERT_ONLY };
int cert_parse_pem(struct cert **out, const char *pem, size_t n, enum cert_pem how,
	struct err *err) must_check;
void cert_free(struct cert *c); /* NULL is fine */
/* The same bytes? */
bool cert_equal(const struct cert *a, const struct cert *b);
const struct pubkey *cert_key(const struct cert *c);
/* When it begins and ends, both included: seconds since 1970 UTC. */
int64_t cert_from(const struct cert *c);
int64_t cert_until(const struct cert *c);

/* ---- who has issued it ----------------------------------------------------------------------- */

struct cert_chain {
	struct digest issuer_key; /* SHA-256 of the SubjectPublicKeyInfo of the leaf's issuer */
	int64_t from, until; /* the time in which all its authorities are valid */
};

/* Is there a path from the leaf by some of the certificates to the last one of them, the anchor,
   which need not be signed by itself; at that time, for signing code? All of the path: valid then,
   CAs, not for other purposes only, names and lengths as they allow, signed with SHA-256 or
   better. */
int cert_chain_find(struct cert_chain *out, const struct cert *leaf,
	const struct cert *const *authority, size_t n, int64_t at_s, struct err *err) must_check;

/* ---- what it says of its owner --------------------------------------------------------------- */

/* The value of an extension, "1.3.6.1.4.1.57264.1.1"; NULL: it has none. -1: it has several. */
int cert_extension(const struct cert *c, const char *oid, const unsigned char **value, size_t *n,
	struct err *err) must_check;
/* A UTF8String in DER and nothing behind it: its text. */
int cert_utf8(const unsigned char *der, size_t n, const char **text, size_t *len,
	struct err *err) must_check;

enum cert_name_type {
	CERT_NAME_DNS,
	CERT_NAME_EMAIL,
	CERT_NAME_URI,
	CERT_NAME_IP,
	CERT_NAME_OTHER
};

/* Vectors, for base/vec.h. */
struct cert_names {
	struct cert_name {
		enum cert_name_type type;
		char *text; /* ASCII; UTF-8 of an otherName */
	} *p;
	size_t len, cap;
};

/* Its subject alternative names, in their order; of otherNames those of Fulcio's type
   (1.3.6.1.4.1.57264.1.7). -1: a name has a NUL or is no text, or there is an otherName of another
   type or a second one. *out is zeroed before, and to be cleared in any case. */
int cert_names(struct cert_names *out, const struct cert *c, struct err *err) must_check;
void cert_names_clear(struct cert_names *names);

/* ---- for crypto/sct.h ------------------------------------------------------------------------ */

/* Appends what a log has signed of the certificate (RFC 6962 section 3.2): TBSCertificate without
   the list of its timestamps. */
int cert_tbs(const struct cert *c, struct buf *out, struct err *err) must_check;

#endif
