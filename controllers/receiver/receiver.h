/*
 * The kind Receiver (notification.toolkit.fluxcd.io/v1): a path that strangers call, for instance
 * GitHub after a push, and the objects that are made to reconcile then. The framework is lib/ctl,
 * lib/hook judges the calls; here stands what is special. Loop thread.
 *
 *	struct controller *c = receiver_new(&opts);
 *	controller_start(c);
 *	struct http_server_opts so = {.name = "webhooks", .address = ":9292"};
 *	receiver_serve(c, &so);
 *	server = http_server_new(loop, &so, &err);
 *	...
 *	drain and free the server, then end c as ctl/controller.h says
 *
 * Every replica answers, whether it leads or not. Which path is whose it knows from the statuses
 * that the leader has written; that the path is still the one of the token, and that the call may
 * be made, it finds out itself, from the Secret.
 *
 * The answers are those of Flux's notification-controller, but for these:
 *
 *	- an answer of 400 and more has one line of text that says why: never the token, never which
 *	  part of what was shown was right, no name of an object;
 *	- GET, HEAD and OPTIONS fire nothing (405), unless any_method says so;
 *	- GitHub's ping is answered with 200 and fires nothing;
 *	- too many calls at a time: 503 with Retry-After.
 *
 * Calls for one object are merged: a call that comes while a patch of that object is on its way
 * waits for the next one, together with all others that do. So nothing is lost, and however many
 * calls come, an object is patched one time after the other. A call is answered when all of its
 * patches have succeeded, or with 500; a caller who hangs up does not undo what has begun.
 *
 * What a payload says. Some types name the repository and the tag that were pushed. Where this
 * process has the ImageRepository of it (and the Receiver lists it among its resources, by name or
 * by labels), the tag goes into its list of tags at once, without a scan; the scan comes all the
 * same, and takes the tag away again if there is none such. Three things come of that:
 *
 *	- in another namespace than the Receiver's no tag is believed: there somebody else decides
 *	  what is chosen. Its ImageRepositories are woken, and scanned.
 *	- who knows the path of a type without a signature or a token in the call (dockerhub, quay,
 *	  acr, generic) could name any tag, and a policy would choose it until it is confirmed that
 *	  there is none such, about a minute later. So only calls that prove who made them feed a
 *	  tag; of the other types it takes the annotation oci-source-controller/payload on the
 *	  Receiver, with any of its values.
 *	- every resource is annotated as Flux would do it. With the annotation's value `select`, of
 *	  the resources of kind ImageRepository only those of the repository in the payload are,
 *	  when it names at least one of them that this process knows. If it names none, all are.
 */
#ifndef RECEIVER_RECEIVER_H
#define RECEIVER_RECEIVER_H
#include "ctl/controller.h"

#include <stdbool.h>

struct account;
struct hook;
struct http_server_opts;
struct image_catalog;

#define RECEIVER_PAYLOAD "oci-source-controller/payload"

struct receiver_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct hook *hook;
	struct image_catalog *catalog; /* NULL: this process serves no ImageRepository */
	struct account *account; /* memory for payloads; NULL: none is counted */
	bool any_method; /* GET, HEAD and OPTIONS fire, too */
	bool no_cross_namespace; /* a resource of another namespace is an error */
};

extern const struct kind receiver_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *receiver_new(const struct receiver_opts *opts);
/* All of a server's options but its name and address; of connections only what is not said. The
   server is gone before c is. */
void receiver_serve(struct controller *c, struct http_server_opts *opts);

#endif
