/*
 * Whom the flags of ocictl verify trust, from the files that they name: the same readers see them
 * that see a Secret. Main thread.
 *
 *	struct trusted t = {0};
 *	if (!trusted_read(&t, a, &err)) ... t.keys, or t.root and t.who, or t.notary
 *	trusted_clear(&t);
 */
#ifndef OCICTL_TRUSTED_H
#define OCICTL_TRUSTED_H
#include "base/err.h"
#include "verify/identity.h"

struct args;
struct verify_keys;
struct verify_root;
struct verify_trust;

struct trusted {
	struct verify_keys *keys;
	struct verify_root *root;
	struct verify_identities who;
	struct verify_trust *notary;
};

/* What is wrong with the flags; NULL: they say whom to trust. */
const char *trusted_misused(const struct args *a);
/* *t is zeroed before, and to be cleared after a failure, too. The message names the file. */
int trusted_read(struct trusted *t, const struct args *a, struct err *err) must_check;
void trusted_clear(struct trusted *t);

#endif
