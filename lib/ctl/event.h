/*
 * Kubernetes Events (core/v1) about objects: queued, never awaited. Equal ones (object, type, reason, message) within an hour are counted up
 * on one Event with a PATCH instead of another POST. At most 1,000 wait; then the oldest is dropped and counted. A failure to send is
 * logged at debug level and forgotten: events are a courtesy, no reconcile depends on them. Loop thread.
 */
#ifndef CTL_EVENT_H
#define CTL_EVENT_H
#include <stdbool.h>
#include <stdint.h>

struct kube_client;
struct event_recorder;

/* What the Event is about; everything is copied. */
struct event_about {
	const char *api_version, *kind, *ns, *name, *uid, *rv;
};

struct event_annotation {
	const char *key, *value;
};

struct event_stats {
	uint64_t recorded, sent, dropped, failed;
	unsigned queued;
};

/* component: "source-controller" (reportingComponent and source); instance: the host's name. Copied; the client is borrowed. */
struct event_recorder *event_recorder_new(
	struct kube_client *c, const char *component, const char *instance);
/* warning: type Warning, else Normal. annotations end with a NULL key, or NULL. */
void event_record(struct event_recorder *r, const struct event_about *about, bool warning,
	const char *reason, const char *message, const struct event_annotation *annotations);
void event_stats(const struct event_recorder *r, struct event_stats *out);
/* Takes no more, drops what waits and cancels what is on its way; turn the loop, then free. */
void event_recorder_stop(struct event_recorder *r);
void event_recorder_free(struct event_recorder *r); /* NULL is fine */

#endif
