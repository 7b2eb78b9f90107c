/*
 * Kubernetes Events (core/v1) about objects: queued, never awaited. Equal ones (object, type,
 * reason, message) within an hour are counted up on one Event with a PATCH instead of another POST;
 * the messages of warnings are compared without ids, times and numbers (lib/base/vary.h). At most
 * 1,000 wait; then the oldest warning is dropped and counted. A failure to send is logged at debug
 * level and forgotten: events are a courtesy, no reconcile depends on them.
 *
 * Each is a write at the API server, so an object has a budget for them, one for each type: a storm
 * of warnings takes none of what tells of new artifacts. What goes beyond is suppressed; of an
 * Event that exists the count grows with its next write. Loop thread.
 */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H
#include <stdbool.h>
#include <stdint.h>

struct kube_client;
struct event_recorder;

/* Two token buckets, for Normal and Warning. Embedded by whoever keeps the object; zeroed is
   full. */
struct event_budget {
	uint64_t full_ms[2]; /* when it is full again */
};

/* What the Event is about; everything is copied but the budget, which is borrowed for the call. */
struct event_about {
	const char *api_version, *kind, *ns, *name, *uid, *rv;
	struct event_budget *budget; /* NULL: without bound */
};

struct event_annotation {
	const char *key, *value;
};

struct event_stats {
	uint64_t recorded, sent, dropped, failed, suppressed;
	unsigned queued;
};

/* component: "source-controller" (reportingComponent and source); instance: the host's name.
   Copied; the client is borrowed. */
struct event_recorder *event_recorder_new(
	struct kube_client *c, const char *component, const char *instance);
/* warning: type Warning, else Normal. annotations end with a NULL key, or NULL. */
void event_record(struct event_recorder *r, const struct event_about *about, bool warning,
	const char *reason, const char *message, const struct event_annotation *annotations);
void event_stats(const struct event_recorder *r, struct event_stats *out);
/* Nothing waits, nothing is on its way. */
bool event_recorder_idle(const struct event_recorder *r);
/* Drops what waits: somebody else tells from now on. */
void event_recorder_forget(struct event_recorder *r);
/* Takes no more, drops what waits and cancels what is on its way; turn the loop, then free. */
void event_recorder_stop(struct event_recorder *r);
void event_recorder_free(struct event_recorder *r); /* NULL is fine */

#endif
