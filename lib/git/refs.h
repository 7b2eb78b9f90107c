/*
 * What a repository has: its refs with their commits, by protocol v2 (ls-refs with ref-prefix,
 * symrefs, peel, unborn) or by the advertisement of v0; the answer is the same. A server that is
 * known to speak v2 is asked with one request. Loop thread.
 *
 *	op = gitc_refs_start(client, &(struct gitc_refs_req){.target = target,
 *		.prefixes = (const char *const[]){"refs/heads/main", NULL}});
 *	... done, no error:
 *	const struct gitc_ref *r = gitc_refs_find(gitc_refs_result(op), "refs/heads/main");
 *
 * Errors: gitc.h's codes. ERR_WAIT where the server says when to come back.
 */
#ifndef GIT_REFS_H
#define GIT_REFS_H
#include "git/client.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct op;

struct gitc_refs_req {
	struct gitc_target target;
	/* Ends with NULL: refs whose names begin with one of them ("refs/tags/", or a whole name;
	   "refs/heads/a" is a prefix of "refs/heads/ab"). NULL: all. Copied. */
	const char *const *prefixes;
	bool head; /* HEAD, too */
};

struct gitc_ref {
	char *name;
	struct gitc_oid oid; /* of a tag object, when it is an annotated tag */
	struct gitc_oid peeled; /* what that leads to */
	bool has_peeled;
};

struct gitc_refs {
	struct gitc_ref *p; /* by name, in byte order, no name twice */
	size_t n;
	bool empty; /* the repository has no ref at all */
	char *head_target; /* with .head: what HEAD stands for ("refs/heads/main"), NULL: unknown */
};

/* prefixes and target are copied. */
struct op *gitc_refs_start(struct gitc_client *c, const struct gitc_refs_req *req);
/* Borrowed from the op, which has succeeded. */
const struct gitc_refs *gitc_refs_result(const struct op *op);
/* Is it HEAD, or the whole name of a ref as git-check-ref-format(1) and UTF-8 have it? No list has
   another one. */
bool gitc_ref_name_ok(const char *name, size_t n);
/* NULL: not there. */
const struct gitc_ref *gitc_refs_find(const struct gitc_refs *refs, const char *name);

#endif
