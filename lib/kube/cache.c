#include "kube/cache.h"

#include "base/err.h"
#include "base/fnv.h"
#include "base/mem.h"
#include "crypto/rand.h"

#include <stdlib.h>
#include <string.h>

/* Names come from whoever may create objects, so the start is secret and the sum is mixed. */
static uint32_t cache_hash(const char *ns, const char *name)
{
	static uint64_t seed;

	if (!seed)
		rand_bytes(&seed, sizeof(seed));
	return (uint32_t)fnv_mix(fnv_text(fnv_byte(fnv_text(seed, ns), '/'), name));
}

static void cache_grow(struct kube_cache *c)
{
	size_t n = c->nbuckets ? c->nbuckets * 2 : 64, i;
	struct kube_entry **to = mem_zalloc(n * sizeof(struct kube_entry *)), *e, *next;

	for (i = 0; i < c->nbuckets; i++) {
		for (e = c->buckets[i]; e; e = next) {
			next = e->next;
			e->next = to[e->hash & (n - 1)];
			to[e->hash & (n - 1)] = e;
		}
	}
	free(c->buckets);
	c->buckets = to;
	c->nbuckets = n;
}

struct kube_entry *kube_cache_find(const struct kube_cache *c, const char *ns, const char *name)
{
	uint32_t hash = cache_hash(ns, name);
	struct kube_entry *e;

	if (!c->nbuckets)
		return NULL;
	for (e = c->buckets[hash & (c->nbuckets - 1)]; e; e = e->next)
		if (e->hash == hash && !strcmp(kube_entry_name(e), name) &&
			!strcmp(kube_entry_ns(e), ns))
			return e;
	return NULL;
}

struct kube_entry *kube_cache_add(
	struct kube_cache *c, const char *ns, const char *name, const char *uid, const char *rv)
{
	size_t ns_n = strlen(ns) + 1, name_n = strlen(name) + 1, uid_n = strlen(uid) + 1;
	struct kube_entry *e;

	BUG_IF(ns_n > 4097 || name_n > 4097 || uid_n > 4097);
	if (c->len >= c->nbuckets)
		cache_grow(c);
	e = mem_zalloc(sizeof(*e) + ns_n + name_n + uid_n);
	e->hash = cache_hash(ns, name);
	e->name_at = (uint16_t)ns_n;
	e->uid_at = (uint16_t)(ns_n + name_n);
	memcpy(e->text, ns, ns_n);
	memcpy(e->text + e->name_at, name, name_n);
	memcpy(e->text + e->uid_at, uid, uid_n);
	e->rv = mem_strdup(rv);
	e->next = c->buckets[e->hash & (c->nbuckets - 1)];
	c->buckets[e->hash & (c->nbuckets - 1)] = e;
	c->len++;
	return e;
}

void kube_entry_set_rv(struct kube_entry *e, const char *rv)
{
	if (!strcmp(e->rv, rv))
		return;
	free(e->rv);
	e->rv = mem_strdup(rv);
}

void kube_cache_remove(struct kube_cache *c, struct kube_entry *e)
{
	struct kube_entry **at = &c->buckets[e->hash & (c->nbuckets - 1)];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	c->len--;
	free(e->rv);
	free(e);
}

static void walk_bucket(
	struct kube_entry *e, void (*fn)(void *arg, struct kube_entry *e), void *arg)
{
	struct kube_entry *next;

	for (; e; e = next) {
		next = e->next;
		fn(arg, e);
	}
}

bool kube_cache_walk(struct kube_cache *c, struct kube_cursor *cursor, size_t buckets,
	void (*fn)(void *arg, struct kube_entry *e), void *arg)
{
	size_t i;

	if (!cursor->at)
		cursor->of = c->nbuckets;
	for (; buckets && cursor->at < cursor->of; buckets--, cursor->at++)
		/* A bucket that was split since: all its parts. */
		for (i = cursor->at; i < c->nbuckets; i += cursor->of)
			walk_bucket(c->buckets[i], fn, arg);
	return cursor->at < cursor->of;
}

void kube_cache_clear(struct kube_cache *c, void (*free_user)(void *arg, void *user), void *arg)
{
	struct kube_entry *e, *next;
	size_t i;

	for (i = 0; i < c->nbuckets; i++) {
		for (e = c->buckets[i]; e; e = next) {
			next = e->next;
			if (free_user && e->user)
				free_user(arg, e->user);
			free(e->rv);
			free(e);
		}
	}
	free(c->buckets);
	*c = (struct kube_cache){0};
}
