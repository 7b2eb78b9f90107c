/*
 * Whom an object believes when he has signed its artifact: the public keys of a Secret, or with the
 * provider notation its trust policy and certificates. For the rows of any kind whose spec has
 * `verify`. Loop thread.
 *
 * They are kept while something vouches for the Secret (ctl/depends.h), and shared by all objects
 * that name the same one. Its user has to name it in depends_each (trust_depends_each).
 */
#ifndef SOURCE_TRUST_H
#define SOURCE_TRUST_H
#include "ctl/run.h"

#include <stdbool.h>
#include <stdint.h>

struct digest;
struct verify_keys;
struct verify_trust;

/* In the kind's run, zeroed; the first three are set before any call. */
struct trust {
	const char *secret; /* its name; borrowed */
	uint64_t timeout_ms; /* for reading it */
	bool notation; /* the provider; else cosign */
	struct verify_keys *keys; /* cosign's; NULL: not known yet */
	struct verify_trust *notary; /* notation's; NULL: not known yet */
};

void trust_clear(struct trust *t);
/* For a kind's depends_each; its `depends` begins with LOGIN_DEPENDS. secret NULL: none. */
void trust_depends_each(
	const char *secret, void (*on)(void *arg, unsigned nth, const char *name), void *arg);

/* Are the keys known, without asking anybody? */
bool trust_known(struct run *r, struct trust *t);
/* Of what is known: other keys, certificates or policies have another one. */
const struct digest *trust_digest(const struct trust *t);
/* What a row of the kind does. -1: the Secret could not be read or has no keys that can be used;
   the task's error says so. */
enum step_ret trust_start(struct run *r, struct trust *t) must_check;
int trust_took(struct run *r, struct trust *t) must_check;

#endif
