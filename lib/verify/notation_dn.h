/*
 * Distinguished names of signers (RFC 4514), as the Notary Project compares them: each type at most
 * once, one value a type, "S" is "ST", and C, ST and O must be there (trust store and policy
 * specification, "Trusted Identities Constraints"). Types and values are compared byte for byte.
 *
 * The owner clears; one thread at a time.
 *
 *	struct verify_dn dn = {0};
 *	if (verify_dn_parse(&dn, "C=US, ST=WA, O=Example", err)) ...
 */
#ifndef VERIFY_NOTATION_DN_H
#define VERIFY_NOTATION_DN_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct notary_cert;

struct verify_dn {
	struct verify_dn_pair {
		char *type, *value;
	} *p;
	size_t len, cap;
};

/* *out is empty before, and to be cleared after a failure, too. -1: ERR_RETRY. */
int verify_dn_parse(struct verify_dn *out, const char *text, struct err *err) must_check;
/* The subject of a certificate. */
int verify_dn_of(struct verify_dn *out, const struct notary_cert *c, struct err *err) must_check;
void verify_dn_clear(struct verify_dn *dn);
/* Has `other` all that dn asks for? */
bool verify_dn_within(const struct verify_dn *dn, const struct verify_dn *other);

#endif
