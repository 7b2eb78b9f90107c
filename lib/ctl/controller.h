/*
 * A controller: watches the objects of one kind, has each one's runs in the queue, and counts them.
 * What the kind is made of stands in kind.h, an object between its runs in item.h, a run in run.h.
 * docs/architecture.md has the picture. Loop thread.
 *
 *	struct controller *c = controller_new(&toy_kind, &(struct controller_opts){...});
 *	controller_start(c);
 *	... on SIGTERM: controller_stop(c), turn the loop until controller_idle(c),
 *	controller_free(c)
 */
#ifndef CTL_CONTROLLER_H
#define CTL_CONTROLLER_H
#include "base/lru.h"
#include "base/map.h"
#include "ctl/kind.h"
#include "ctl/lanes.h"
#include "ctl/queue.h"
#include "ev/loop.h"
#include "ev/timer.h"
#include "kube/cache.h"

#include <stdbool.h>
#include <stdint.h>

struct depends;
struct event_recorder;
struct item;
struct kube_client;
struct loop;
struct metric;
struct metric_family;
struct metrics;
struct op;
struct poster;

struct controller_opts {
	struct loop *loop; /* required, as the next two are */
	struct kube_client *kube;
	struct metrics *metrics;
	struct event_recorder *events; /* NULL: none are recorded */
	struct poster *poster; /* tells notification-controller the same; NULL: nobody does */
	const char *ns; /* watch only this one; NULL: all */
	const char *label_selector; /* NULL: all objects */
	unsigned concurrent; /* runs that pull or build at a time; 0: 16 */
	unsigned jitter_percent; /* of intervals */
	uint64_t outage_grace_ms; /* outage.h; 0: none */
	uint64_t min_retry_ms, max_retry_ms; /* 0: 750 ms, 15 min */
	bool keep_history; /* of each object, for people to look at (item.h) */
	/* Does this process lead (role.h)? Asked before each write; role_changed tells when the
	   answer is another. NULL: it always does. */
	bool (*leads)(void *role);
	void *role;
	void *env; /* of the kind: what its rows work with */
	/* Of env; each may be NULL. The first list is complete; no more runs begin; release it. */
	void (*listed)(void *env);
	void (*stopped)(void *env);
	void (*freed)(void *env);
	/* Has what goes on beside the runs ended? controller_idle asks. NULL: nothing does. */
	bool (*idle)(void *env);
};

/* For the metrics; controller_metrics.h. */
struct controller_counts {
	struct metric *success, *error, *requeue, *requeue_after; /* by result */
	struct metric *errors, *terminal;
	struct metric *run_seconds, *queue_seconds, *work_seconds;
};

/* For the files of lib/ctl and for kinds; a program looks at nothing in there. */
struct controller {
	const struct kind *kind;
	struct controller_opts opts;
	char *ns, *label_selector;
	struct queue queue;
	struct lanes lanes;
	struct op *watch;
	struct depends *depends;
	struct map leaving; /* "ns/name" → struct item: gone, but its run has not ended yet */
	struct lru outages; /* "ns|host" → what was told of it (outage.c) */
	unsigned items; /* alive, the leaving ones included */
	struct timer tell_timer;
	unsigned tells; /* in flight */
	bool synced, stopping;
	bool follows; /* as role_changed has found it */
	bool resigns; /* since role_resign, until it follows */
	struct defer unsettling; /* controller_unsettle is on its way */
	struct kube_cursor unsettled; /* and how far it is */
	struct metric_family *duration; /* a series per object */
	struct controller_counts counts;
};

/* Strings are copied, the rest is borrowed. */
struct controller *controller_new(const struct kind *kind, const struct controller_opts *opts);
void controller_start(struct controller *c);
/* Its kind's. */
const char *controller_name(const struct controller *c);
/* The first list was delivered: part of readiness. c is a struct controller. */
bool controller_synced(void *c);
/* A host that runs ask was found up or down: the part of what kind.h's `host` says that is before
   the '|'. c is a struct controller. */
void controller_host_changed(void *c, const char *host);
/* How hosts are asked has changed (their CAs, their mirrors): who failed is tried at once. */
void controller_try_failed(struct controller *c);
/* Something that every status says has changed: all objects become due, a few at a time, and none
   goes by what its last run found. */
void controller_unsettle(struct controller *c);
/* Takes no new runs; runs that are past the point of no return end by themselves, the others are
   cancelled. */
void controller_stop(struct controller *c);
bool controller_idle(const struct controller *c);
/* It must be idle. opts.metrics must still be there: what asks c for its values goes from it. */
void controller_free(struct controller *c);

#endif
