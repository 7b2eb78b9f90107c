/*
 * Keeps up with all objects of one kind, for as long as the op lives: list, then watch, for ever
 * (what client-go calls a reflector). It never fails: whatever goes wrong is told to on_error and
 * tried again, with a back-off from 0.5 s to 30 s (jittered; Retry-After is honoured). It ends by
 * op_cancel (then op_free) or op_drop.
 *
 *	struct op *w = kube_watch_start(client, &(struct kube_watch_req){
 *		.resource = &ocirepositories, .label_selector = flag, .on_set = repo_set,
 *		.on_deleted = repo_deleted, .on_synced = synced, .arg = me});
 *	...
 *	op_drop(w);
 *
 * - Every object that exists or changes comes through on_set, once per resourceVersion; one that is
 *   gone comes through on_deleted, also when it went away while nobody watched (the first complete
 *   list after a gap is compared with what is known). An object deleted and made again under the
 *   same name is a deletion and an addition (the uid tells).
 * - Callbacks come from the loop, one object at a time, sometimes from inside a transfer: they may
 *   start and cancel ops (this one too, after which no callback comes), and must not do anything
 *   slow: look, note, queue. Objects and entries are borrowed until the return.
 * - An object without a name, uid or resourceVersion, and one that is larger than
 *   LIMIT_KUBE_OBJECT, ends the connection like garbage does: on_error, back-off, relist.
 * - A connection that died silently is noticed: TCP keepalive in about a minute; no byte for 150 s
 *   after the server has shown that it sends bookmarks; and its own timeoutSeconds (240 to 300)
 *   plus 30 s in any case.
 * - An API server whose versions go back (its database was restored from a backup): on_reset, then
 *   every object comes through on_set.
 * - 410 Gone, as answer or as ERROR event: relist. A lost connection: watch again from the last
 *   resourceVersion seen.
 *
 * Loop thread.
 */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H
#include "kube/cache.h"
#include "kube/client.h"

struct kube_watch_req {
	const struct kube_resource *resource; /* copied */
	const char *ns; /* NULL: all namespaces */
	const char *label_selector, *field_selector; /* NULL: none */
	bool metadata_only; /* objects as PartialObjectMetadata: enough for Secrets */
	unsigned page; /* 0: 500 */
	/* e knows the new resourceVersion already; e->user is the caller's. added: e is new. */
	void (*on_set)(void *arg, struct kube_entry *e, const json_t *obj, bool added);
	/* Take back what e->user holds: the entry is freed after the return. */
	void (*on_deleted)(void *arg, struct kube_entry *e);
	/* Once: the first complete list was delivered. May be NULL. */
	void (*on_synced)(void *arg);
	/* Versions seen so far say nothing about what comes next: every object is told anew. May be
	   NULL. */
	void (*on_reset)(void *arg);
	/* Each failure, for logs and metrics; in_ms is when it tries again. May be NULL. */
	void (*on_error)(void *arg, const struct err *err, uint64_t in_ms);
	/* For each entry with a user pointer when the op is freed. May be NULL. */
	void (*free_user)(void *arg, void *user);
	void *arg;
};

struct op *kube_watch_start(struct kube_client *c, const struct kube_watch_req *req);
/* The first complete list was delivered, some time ago. */
bool kube_watch_synced(const struct op *op);
/*
 * A watch is open now, on top of a complete list: what it has said is how things are, as far as
 * anybody can know. False before the first list, while the server refuses or is out of reach, and
 * for a moment between one watch and the next.
 */
bool kube_watch_live(const struct op *op);
/* NULL: not known. Borrowed until its on_deleted returns. */
struct kube_entry *kube_watch_find(const struct op *op, const char *ns, const char *name);
/* The same by "NS/NAME". */
struct kube_entry *kube_watch_find_key(const struct op *op, const char *key);
size_t kube_watch_count(const struct op *op);
/* For walking in slices (kube_cache_walk): do not add or remove. */
struct kube_cache *kube_watch_cache(struct op *op);

/* Is resourceVersion a older than b? Kubernetes compares them as decimal numbers of any length
   (KEP-5504); others are never older. */
bool kube_version_older(const char *a, const char *b);

struct kube_watch_stats {
	uint64_t lists, watches, events, bookmarks, errors;
	unsigned failures; /* in a row; 0: all is well */
};
void kube_watch_stats(const struct op *op, struct kube_watch_stats *out);

#endif
