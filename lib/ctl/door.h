/*
 * The doors through which a run writes to Kubernetes: one for patches, one for Events. Nothing else
 * in the framework or a kind writes. While the process does not lead both are closed: a patch
 * fails, an Event is not recorded. What is said
 * in an Event goes to notification-controller as well, through the same door. Loop thread.
 */
#ifndef CTL_DOOR_H
#define CTL_DOOR_H
#include <jansson.h>
#include <stdbool.h>

struct event_annotation;
struct op;
struct run;

/* A merge patch of the run's object; subresource NULL: of the object itself. The patch is
   borrowed. */
struct op *run_patch(struct run *r, const json_t *patch, const char *subresource);
/* An Event about the run's object, and a notice of the same. notes end with a NULL key, or are
   NULL: annotations of the one, metadata of the other. */
void run_event(struct run *r, bool warning, const char *reason, const char *message,
	const struct event_annotation *notes);
/* The notice alone: people's Alerts go by the object. */
void run_notice(struct run *r, bool error, const char *reason, const char *message);

#endif
