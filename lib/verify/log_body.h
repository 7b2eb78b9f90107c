/*
 * What an entry of a transparency log (Rekor) says: this signature, by this certificate or key, of
 * these bytes. An entry that is genuine proves something only of what it names, so each is held
 * against the signature at hand (CVE-2022-36056). Any thread.
 */
#ifndef VERIFY_LOG_BODY_H
#define VERIFY_LOG_BODY_H
#include "base/err.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct buf;
struct cert;
struct pubkey;

struct verify_log_body {
	json_t *root; /* the rest is in there */
	const char *kind, *version;
};

/* *b is zeroed before, and to be cleared in any case. */
int verify_log_body_read(
	struct verify_log_body *b, const char *data, size_t n, struct err *err) must_check;
void verify_log_body_clear(struct verify_log_body *b);
bool verify_log_body_is(const struct verify_log_body *b, const char *kind, const char *version);
/* -1: it is of a kind that a signature of this sort does not make. */
int verify_log_body_unknown(const struct verify_log_body *b, struct err *err) must_check;

/* The signature at hand. */
struct verify_log_subject {
	const struct buf *sig;
	const struct cert *leaf; /* NULL: it is by ... */
	const struct pubkey *key; /* ... this key */
	const struct buf *leaf_der; /* for verify_log_body_write; with leaf */
	struct digest payload; /* SHA-256 of what was signed; of an envelope: of its payload */
};

/* Is it an entry of that signature? Of the kind hashedrekord 0.0.1. That its signature is good
   follows from the other one's being so. */
int verify_log_body_of_hash(const struct verify_log_body *b, const struct verify_log_subject *of,
	struct err *err) must_check;
/* Is it one of the signature of an envelope? Of the kinds dsse 0.0.1 and intoto 0.0.2. */
int verify_log_body_of_envelope(const struct verify_log_body *b,
	const struct verify_log_subject *of, struct err *err) must_check;
/* What an entry of version 2, hashedrekord 0.0.2, of this signature is, byte for byte: text is what
   was signed. -1: there is none for such a key. */
int verify_log_body_write(struct buf *out, const struct verify_log_subject *of,
	const struct buf *text, struct err *err) must_check;

#endif
