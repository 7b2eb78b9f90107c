/*
 * The second push of an automation: what spec.git.push.refspec says of the branches that it has,
 * those that it reads and writes. It never forces: a ref that is there moves forward, or not at
 * all.
 */
#ifndef IMAGEUPDATEAUTOMATION_REFSPEC_H
#define IMAGEUPDATEAUTOMATION_REFSPEC_H
#include "base/err.h"
#include "base/vec.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct gitc_objects;
struct loop;
struct op;

struct refspec_update {
	char *name; /* of the ref at the remote */
	struct gitc_oid old, new;
	bool has_old; /* it is there */
};

struct refspec_updates {
	struct refspec_update *p;
	size_t len, cap;
};

/* A ref that is pushed from. */
struct refspec_from {
	const char *name; /* "refs/heads/main" */
	struct gitc_oid oid;
};

/* What it makes of these refs: one update for each that it names, with `old` left open. -1
   (ERR_STALL): it is no refspec. None: it names none of them. */
int refspec_expand(const char *spec, const struct refspec_from *from, size_t n,
	struct refspec_updates *out, struct err *err) must_check;
void refspec_clear(struct refspec_updates *u);

/* A job on a worker: is each `old` among the ancestors of its `new`, as far as the set goes? It
   fails (ERR_RETRY) with the first that is not. u is lent until the op is done; a reference to the
   set is held. */
struct op *refspec_check_start(struct loop *l, const char *owner, struct gitc_objects *objects,
	const struct refspec_updates *u);

#endif
