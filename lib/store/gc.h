/*
 * Superseded files on their way out, for the ops that remove some: what goes is decided on the
 * index, and done by a worker. From going_add on nobody is given the file. Internal to lib/store.
 */
#ifndef STORE_GC_H
#define STORE_GC_H
#include "base/vec.h"
#include "store/internal.h"

struct going {
	VEC(struct store_entry *) entries; /* the loop's */
	VEC(char *) paths; /* the worker's */
	size_t removed;
};

/* May it go? Never what a status names, nor what somebody is about to name. */
bool going_may(const struct store_entry *e);
void going_add(struct store *s, struct going *g, struct store_entry *e);
/* On the worker. */
int going_run(struct going *g, const struct store_root *root, const atomic_bool *stop,
	struct err *err) must_check;
/* What could not be removed is there again. */
void going_done(struct store *s, struct going *g);
void going_clear(struct going *g);

#endif
