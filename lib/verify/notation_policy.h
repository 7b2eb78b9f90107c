/*
 * trustpolicy.json of the Notary Project: whom to believe, and how strictly, by repository (trust
 * store and policy specification, version 1.0). Member names are exact, a member that is there
 * twice is an error, and unknown ones are ignored. Any thread.
 *
 *	if (verify_policy_parse(&p, text, n, err))
 *		return -1;
 *	s = verify_policy_find(p, "ghcr.io/org/app");
 *	verify_policy_free(p);
 */
#ifndef VERIFY_NOTATION_POLICY_H
#define VERIFY_NOTATION_POLICY_H
#include "base/err.h"
#include "base/vec.h"
#include "verify/checks.h"
#include "verify/notation_dn.h"

#include <stdbool.h>
#include <stddef.h>

struct verify_notation_policy;

/* What a statement says of; integrity is always enforced. */
enum verify_policy_check {
	VERIFY_INTEGRITY,
	VERIFY_AUTHENTICITY,
	VERIFY_EXPIRY,
	VERIFY_TIMESTAMP,
	VERIFY_REVOCATION, /* only this one may be VERIFY_SKIP */
	VERIFY_CHECKS,
};

struct verify_statement {
	char *name;
	bool skips; /* it wants no verification at all; what follows counts for nothing then */
	enum verify_action action[VERIFY_CHECKS];
	bool has_ca, has_authority, has_tsa; /* stores of these types are named */
	bool after_expiry; /* verifyTimestamp: afterCertExpiry */
	bool any_identity; /* "*" */
	VEC(struct verify_dn) identities; /* of signers; may be empty */
};

/* 0, *out is the caller's; or -1 (ERR_RETRY). */
int verify_policy_parse(struct verify_notation_policy **out, const char *text, size_t n,
	struct err *err) must_check;
void verify_policy_free(struct verify_notation_policy *p); /* NULL is fine */
/* The statement for a repository, "registry/repository": the one that names it, or else the one for
   "*". NULL: there is none. */
const struct verify_statement *verify_policy_find(
	const struct verify_notation_policy *p, const char *repository);
/* Each scope with its statement, in no order. *at is 0 at first. False: there are no more. */
bool verify_policy_scope(const struct verify_notation_policy *p, size_t *at, const char **scope,
	const struct verify_statement **s);

#endif
