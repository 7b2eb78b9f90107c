/*
 * The file that a status names is hashed before the object's first run, in a line of its own: runs
 * may hang at a registry that does not answer, and whole files must not wait for that to be served.
 * Loop thread.
 */
#ifndef SOURCE_LOOK_H
#define SOURCE_LOOK_H
#include "source/item.h"

/* The item has a path. It is due when the look has ended. */
void look_add(struct artifact_item *a);
/* It waits for a look, or is being looked at. */
bool look_is_on(const struct artifact_item *a);
void look_cancel(struct artifact_item *a);

#endif
