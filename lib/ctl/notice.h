/*
 * A notice: what notification-controller is told of an object, as JSON. The form is that of
 * fluxcd/pkg/apis/event/v1beta1.Event, whose receiver sends it on to the providers of the Alerts
 * that name the object.
 *
 * Its metadata is what the caller notes, then the object's annotations below
 * event.toolkit.fluxcd.io/, each under its whole key: notification-controller takes the prefixes
 * off (Flux's RFC 0008), and drops keys that have neither that one nor the prefix of the object's
 * group. An annotation is a user's, and may be as large as the whole object: one that has no room
 * any more in LIMIT_NOTICE is left out, and the others go. Loop thread.
 */
#ifndef CTL_NOTICE_H
#define CTL_NOTICE_H
#include <jansson.h>
#include <stdbool.h>

struct buf;
struct event_about;
struct event_annotation;

/* Everything is borrowed. */
struct notice {
	const struct event_about *about; /* its budget is not looked at */
	bool error; /* severity "error", else "info" */
	const char *reason, *message;
	const struct event_annotation *notes; /* end with a NULL key; NULL: none */
	const json_t *annotations; /* all of the object; NULL: none */
};

/* Appends it to b, with the time of now. component and instance are the reporting controller and
   its host. */
void notice_write(
	const struct notice *n, const char *component, const char *instance, struct buf *b);

#endif
