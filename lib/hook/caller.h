/*
 * Within lib/hook: who calls, for the types whose callers show a token of an issuer (generic-oidc,
 * gcr). Loop thread.
 */
#ifndef HOOK_CALLER_H
#define HOOK_CALLER_H
#include "base/err.h"

struct hook_in;
struct hook_spec;
struct hook_verdict;
struct issuers;
struct jwt;
struct op;

/* What he has to show. Zeroed, with the strings borrowed. */
struct caller_rule {
	const char *issuer; /* whom to ask for keys */
	const char *alias; /* what the token may call that issuer too; NULL: nothing else */
	const char *audience;
	const char *email; /* that Google has verified; NULL: it does not matter */
};

/* The token of the request. 0, *t is to be cleared; or -1: the verdict says why there is none. */
int caller_token(struct jwt *t, const struct hook_in *in, struct hook_verdict *v) must_check;
/* Once the issuer was asked (op is done): is it him? If not, the verdict says so. */
int caller_judge(const struct caller_rule *rule, const struct jwt *t, const struct op *op,
	struct hook_verdict *v) must_check;

#endif
