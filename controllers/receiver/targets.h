/*
 * The objects that a call wakes: a child task that reads the resources of a Receiver one after the
 * other, asks the API server where they are named by labels or have a filter, and lets the filters
 * decide. A resource that fails takes nothing from the others. Loop thread.
 */
#ifndef RECEIVER_TARGETS_H
#define RECEIVER_TARGETS_H
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

struct op;
struct receiver_env;
struct receiver_said;
struct receiver_spec;

struct receiver_object {
	size_t resource; /* of the spec's */
	char *name;
	bool no; /* a filter says that it is not meant */
};

struct receiver_targets {
	VEC(struct receiver_object) objects;
	unsigned failed; /* resources, or objects of them, that could not be found out about */
	struct err first; /* what the first of these was */
	size_t first_resource;
};

/* ns: the Receiver's. The spec gets one more owner. */
struct op *receiver_targets_start(struct receiver_env *env, const char *ns,
	struct receiver_spec *spec, struct receiver_said *said);
/* Of an op that has succeeded; what it holds may be moved out. */
struct receiver_targets *receiver_targets_found(const struct op *op);
void receiver_targets_clear(struct receiver_targets *t);
/* Another failure. */
void receiver_targets_fail(struct receiver_targets *t, size_t resource, const struct err *err);

#endif
