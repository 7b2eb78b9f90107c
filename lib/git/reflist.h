/*
 * A list of refs while it is read: of a stranger, so it is bounded, and what is no name of a ref is
 * left out. Inside lib/git only; any thread, one at a time.
 */
#ifndef GIT_REFLIST_H
#define GIT_REFLIST_H
#include "base/err.h"
#include "base/vec.h"
#include "git/refs.h"

struct gitc_reflist {
	VEC(struct gitc_ref) refs;
	char **prefixes; /* of those that are kept, ends with NULL; NULL: all. Owned */
	bool head; /* HEAD is kept, too */
	size_t seen; /* kept or not */
	bool any; /* there is one */
	bool last_kept; /* of the last one, for its peeled value */
	char *head_target;
};

/* prefixes are copied. */
void gitc_reflist_init(struct gitc_reflist *l, const char *const *prefixes, bool head);
void gitc_reflist_clear(struct gitc_reflist *l);
/* One ref. peeled may be NULL. */
int gitc_reflist_add(struct gitc_reflist *l, const char *name, size_t n, const struct gitc_oid *oid,
	const struct gitc_oid *peeled, struct err *err) must_check;
/* v0: what the ref that was just added leads to. */
void gitc_reflist_peel(struct gitc_reflist *l, const struct gitc_oid *peeled);
/* What HEAD stands for; the last one counts. */
void gitc_reflist_head_target(struct gitc_reflist *l, const char *name, size_t n);
/* In order, into out, whose owner clears it with gitc_refs_clear. -1: a name is there twice. */
int gitc_reflist_finish(struct gitc_reflist *l, struct gitc_refs *out, struct err *err) must_check;
void gitc_refs_clear(struct gitc_refs *refs);

#endif
