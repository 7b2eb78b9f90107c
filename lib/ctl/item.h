/*
 * An object between its runs: what the controller keeps of it, and when it is due. The controller
 * owns it, from the object's first event until the queue has let go of it; a kind's struct begins
 * with struct item. Loop thread.
 */
#ifndef CTL_ITEM_H
#define CTL_ITEM_H
#include "base/vec.h"
#include "crypto/digest.h"
#include "ctl/depends.h"
#include "ctl/event.h"
#include "ctl/kind.h"
#include "ctl/queue.h"

#include <stdint.h>

struct controller;
struct history;
struct kube_cursor;
struct kube_entry;
struct metric;
struct op;

#define ITEM_EVENTS 6

struct item {
	struct queue_item queue_item;
	struct controller *c;
	char *key; /* "ns/name" */
	char *ns;
	const char *name; /* in key */
	char *uid;
	struct spec *spec;
	char *text; /* of the object as last seen or written (object_text) */
	/* too large to be kept: who needs more than is left of both reads the object */
	bool partial;
	char *version;
	char *requested_at;
	struct digest annotations; /* of those that count as the spec does (object_annotations) */
	char *host; /* "" when it cannot say where to go */
	int64_t generation;
	uint64_t changes; /* how often it was stored, or unsettled */
	bool deleting, suspended;
	char ready[8]; /* the status of its condition Ready, in a word; "": there is none */
	bool outage; /* it has the condition (outage.h) */
	int64_t succeeded_ms; /* wall clock: the last check that succeeded; 0: none yet */
	bool settled; /* the last run found nothing to do, and the object is the one that it saw */
	struct depends_refs refs; /* what its spec names */
	struct depends_refs found; /* what these name in turn, as its last run found it */
	struct metric *duration;
	struct event_budget event_budget;
	/* The last ITEM_EVENTS Events, reason and message of each, equal ones counted; with
	   keep_history of the controller. */
	struct history *events;

	struct op *tell; /* says that it waits; no run meanwhile */
	uint64_t told_since; /* for the time that it has been waiting since then, it was told */
	bool due_after_tell, removed; /* what comes after it */
};

struct item *item_new(struct controller *c, const json_t *obj);
/* The object as it is now. own: as we have just written it, so that a spec of the same generation
   is the one that is known; whatever else changed it, the spec is read again. */
void item_store(struct item *i, const json_t *obj, bool own);
/* Is it the object that the item is of in all that its spec is read from? */
bool item_asks_same(const struct item *i, const json_t *obj);
/* And does it go, or stay, as the item does? Else a run that goes on is about things of the
   past. */
bool item_is_same(const struct item *i, const json_t *obj);
/* What a GET said, and the watch has yet to say: the next run begins with it. False: it is another
   object of the same name. */
bool item_adopt(struct item *i, const json_t *obj) must_check;
/* What the objects that its spec names refer to in turn: names of the nth resource, in that
   namespace (NULL: the item's); ends with NULL. In place of those of the run before. */
void item_found(struct item *i, unsigned nth, const char *ns, const char *const *names);
/* Its status has to say something else, although the object is what it was: the next run reads
   it. */
void item_unsettle(struct item *i);
/* Due now; later while a hook is busy with it or the run of a namesake that is gone has not
   ended. */
void item_due(struct item *i);
/* Somebody changed something: what was given up is tried again, and failures count from the
   start. */
void item_renew(struct item *i);
/* No more runs; the queue lets go of it when the last one has ended. */
void item_leave(struct item *i, int cause);
/* The queue has let go of it. */
void item_removed(struct item *i);
/* key: "ns/name". NULL: there is none. */
struct item *item_find(struct controller *c, const char *key);
/* fn must not add or remove. */
void item_each(struct controller *c, void (*fn)(void *arg, struct item *i), void *arg);
/* The same in slices of about n, as kube_cache_walk (kube/cache.h). */
bool item_walk(struct controller *c, struct kube_cursor *at, size_t n,
	void (*fn)(void *arg, struct item *i), void *arg);

#endif
