/*
 * Whom an object believes when he has signed its artifact: the public keys of a Secret, the trusted
 * root of one, of the operator or of the public Sigstore, or with the provider notation the trust
 * policy and certificates of a Secret. For the rows of any kind whose spec has `verify`. Loop
 * thread.
 *
 * What a Secret comes to is kept while something vouches for it (ctl/depends.h), and shared by all
 * objects that name the same one. Its user has to name it in depends_each (trust_depends_each).
 */
#ifndef SOURCE_TRUST_H
#define SOURCE_TRUST_H
#include "ctl/run.h"

#include <stdbool.h>
#include <stdint.h>

struct digest;
struct public_root;
struct trust_file;
struct verify_keys;
struct verify_root;
struct verify_trust;

enum trust_kind {
	TRUST_NONE, /* no policy is in force */
	TRUST_KEYS,
	TRUST_ROOT,
	TRUST_NOTATION,
};

/* In the kind's run, zeroed; the first five are set before any call. */
struct trust {
	enum trust_kind kind;
	const char *secret; /* its name; borrowed; NULL: one of the next two counts */
	uint64_t timeout_ms; /* for reading it */
	const struct trust_file *file; /* the operator's; NULL: there is none ... */
	struct public_root *public_root; /* ... and this one is there */
	struct verify_keys *keys; /* all NULL: not known yet */
	struct verify_root *root;
	struct verify_trust *notary;
};

void trust_clear(struct trust *t);
/* For a kind's depends_each; its `depends` begins with LOGIN_DEPENDS. secret NULL: none. */
void trust_depends_each(const char *secret, kind_ref_fn on, void *arg);

/* Is it known, without asking anybody? */
bool trust_known(struct run *r, struct trust *t);
/* Of what is known: other keys, certificates or policies have another one. */
const struct digest *trust_digest(const struct trust *t);
/* What a row of the kind does. -1: the Secret could not be read or has nothing that can be used, or
   there is no public root; the task's error says so. */
enum step_ret trust_start(struct run *r, struct trust *t) must_check;
int trust_took(struct run *r, struct trust *t) must_check;

#endif
