/*
 * Who may have signed, where a certificate says who has (Fulcio's: oid-info.md of
 * sigstore/fulcio): patterns for the issuer of his login and for his name, of RE2's syntax as
 * text/match.h reads it. A pattern is looked for anywhere, as in Flux: `^` and `$` are the user's.
 *
 * The words are whoever's; what was compiled is read only: any thread.
 *
 *	verify_identities_add(&who, issuer, subject);
 *	if (verify_identities_compile(&who, err)) ...    on a worker: a pattern may take 10 ms
 *	if (verify_identities_match(&who, leaf, VERIFY_ANY_NAME, &signer, err)) ...
 */
#ifndef VERIFY_IDENTITY_H
#define VERIFY_IDENTITY_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cert;
struct match;

struct verify_identity {
	char *issuer, *subject;
	struct match *issuer_match, *subject_match; /* NULL: not compiled */
};

/* Vectors, for base/vec.h. */
struct verify_identities {
	struct verify_identity *p;
	size_t len, cap;
	const char *where; /* they stand, for messages; NULL: spec.verify.matchOIDCIdentity */
};

/* Copies the words; NULL reads as "". */
void verify_identities_add(struct verify_identities *all, const char *issuer, const char *subject);
/* The words only. */
void verify_identities_copy(struct verify_identities *out, const struct verify_identities *from);
void verify_identities_clear(struct verify_identities *all);
/* -1 (ERR_STALL): there is none, or a pattern is empty or none. */
int verify_identities_compile(struct verify_identities *all, struct err *err) must_check;
/* Do all patterns say where they begin and end? */
bool verify_identities_anchored(const struct verify_identities *all);

/* All names of the certificate count; or one: its first URI, else its first e-mail address, else
   its otherName. */
enum verify_names { VERIFY_ANY_NAME, VERIFY_ONE_NAME };

#define VERIFY_SIGNER_MAX 1024 /* what names a signer, and his issuer */

/* Does one entry fit, its issuer and its subject? Appends who it is to *signer, in plain words. */
int verify_identities_match(const struct verify_identities *all, const struct cert *leaf,
	enum verify_names names, struct buf *signer, struct err *err) must_check;

#endif
