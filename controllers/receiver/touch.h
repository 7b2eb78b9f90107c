/*
 * Makes objects reconcile: a merge patch of the annotation reconcile.fluxcd.io/requestedAt, another
 * value each time. Of each object one patch is on its way at a time. Who comes meanwhile waits for
 * the next one, which may have been read by nobody yet, with all others that do; so any number of
 * callers costs one patch after the other and a few bytes each. LIMIT_RECEIVER_PATCHES are on their
 * way at a time, of all objects; the others wait in a line. Loop thread.
 *
 *	op = receiver_touch(touches, &resource, "apps", "web");
 *	... done: op->err says how it went (404: there is no such object); op_free(op)
 *
 * Who gives up takes nothing from the others, and a patch that is on its way stays so.
 */
#ifndef RECEIVER_TOUCH_H
#define RECEIVER_TOUCH_H
#include <stdbool.h>

struct kube_client;
struct kube_resource;
struct op;
struct receiver_touches;

struct receiver_touches *receiver_touches_new(struct kube_client *kube);
/* What is on its way is cut off, and what waits fails. */
void receiver_touches_stop(struct receiver_touches *t);
bool receiver_touches_idle(const struct receiver_touches *t);
void receiver_touches_free(struct receiver_touches *t); /* it is idle */

/* Everything is copied. */
struct op *receiver_touch(struct receiver_touches *t, const struct kube_resource *resource,
	const char *ns, const char *name);

#endif
