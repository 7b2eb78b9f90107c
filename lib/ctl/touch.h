/*
 * Makes objects reconcile: a merge patch of the annotation reconcile.fluxcd.io/requestedAt, another
 * value each time. Of each object one patch is on its way at a time. Who comes meanwhile waits for
 * the next one, which may have been read by nobody yet, with all others that do; so any number of
 * callers costs one patch after the other and a few bytes each. LIMIT_TOUCHES are on their way at a
 * time, of all objects; the others wait in a line. Loop thread.
 *
 *	op = touch_object(touches, &resource, "apps", "web");
 *	... done: op->err says how it went (404: there is no such object); op_free(op)
 *
 * Who gives up takes nothing from the others, and a patch that is on its way stays so.
 */
#ifndef CTL_TOUCH_H
#define CTL_TOUCH_H
#include <stdbool.h>

struct kube_client;
struct kube_resource;
struct op;
struct touches;

struct touches *touches_new(struct kube_client *kube);
/* What is on its way is cut off, and what waits fails. */
void touches_stop(struct touches *t);
bool touches_idle(const struct touches *t);
void touches_free(struct touches *t); /* it is idle */

/* Everything is copied. */
struct op *touch_object(
	struct touches *t, const struct kube_resource *resource, const char *ns, const char *name);

#endif
