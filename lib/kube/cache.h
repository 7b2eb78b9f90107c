/*
 * The objects that a watch knows, in as few bytes as they need: namespace, name, uid and
 * resourceVersion in one allocation of about 100 bytes plus the text, in a hash table. What else a
 * kind keeps of an object hangs on `user`. Loop thread.
 *
 *	struct kube_entry *e = kube_cache_find(cache, "apps", "web");
 */
#ifndef KUBE_CACHE_H
#define KUBE_CACHE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pointers into it stay valid until the entry is removed, except rv, which changes with the
   object. */
struct kube_entry {
	struct kube_entry *next; /* in the bucket */
	void *user; /* the kind's own; NULL at first */
	char *rv; /* resourceVersion: an opaque string */
	uint32_t hash;
	uint32_t round; /* of the list that saw it last */
	uint16_t name_at, uid_at; /* offsets in text */
	char text[]; /* ns NUL name NUL uid NUL */
};

static inline const char *kube_entry_ns(const struct kube_entry *e)
{
	return e->text;
}
static inline const char *kube_entry_name(const struct kube_entry *e)
{
	return e->text + e->name_at;
}
static inline const char *kube_entry_uid(const struct kube_entry *e)
{
	return e->text + e->uid_at;
}

struct kube_cache {
	struct kube_entry **buckets;
	size_t nbuckets, len;
};

/* Zeroed is empty. free_user may be NULL. */
void kube_cache_clear(struct kube_cache *c, void (*free_user)(void *arg, void *user), void *arg);
struct kube_entry *kube_cache_find(const struct kube_cache *c, const char *ns, const char *name);
/* Adds an object that is not there yet. Each text at most 4,096 bytes (the caller has checked). */
struct kube_entry *kube_cache_add(
	struct kube_cache *c, const char *ns, const char *name, const char *uid, const char *rv);
void kube_entry_set_rv(struct kube_entry *e, const char *rv);
/* Removes and frees it; `user` is the caller's business. */
void kube_cache_remove(struct kube_cache *c, struct kube_entry *e);
/* Where a walk is. Zeroed: at the start. */
struct kube_cursor {
	size_t at, of; /* of so many buckets there were when it began */
};
/* Walks in slices: visits up to `buckets` buckets and returns true while more are left. What is
   there from begin to end is visited once, also when the cache grows in between. fn may remove the
   entry it is given, and add none. */
bool kube_cache_walk(struct kube_cache *c, struct kube_cursor *cursor, size_t buckets,
	void (*fn)(void *arg, struct kube_entry *e), void *arg);

#endif
