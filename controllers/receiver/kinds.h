/*
 * The kinds that a Receiver may wake (spec.resources[].kind), and where the API server has them.
 * What it has not is found out by asking it. Static; any thread.
 */
#ifndef RECEIVER_KINDS_H
#define RECEIVER_KINDS_H
#include <stdbool.h>

struct receiver_target {
	const char *kind, *plural;
	const char *api_version; /* without one in the resource; NULL: it has to be there */
};

/* NULL: it is none of them. */
const struct receiver_target *receiver_target_find(const char *kind);
bool receiver_target_is_image(const struct receiver_target *t);

#endif
