/*
 * A map from strings to structs that embed a struct lru_item, with a limit of items and perhaps of
 * bytes: when it is full, the one that was not used for longest and is not busy goes. One thread at
 * a time.
 *
 *	lru_init(&l, 1000, NULL, thing_free);
 *	l.max_bytes = LIMIT_THINGS_BYTES;                     if what they hold counts
 *	t->item.size = sizeof(*t) + strlen(t->text);
 *	lru_add(&l, key, &t->item);
 */
#ifndef BASE_LRU_H
#define BASE_LRU_H
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdbool.h>

struct lru_item {
	char *key;
	/* bytes that it holds, set before lru_add, then by lru_resize; counted with max_bytes */
	size_t size;
	struct list link;
};

struct lru {
	struct map map;
	struct list order; /* the newest first */
	size_t max;
	size_t max_bytes, bytes; /* of the sizes of all; max_bytes 0: no limit */
	bool (*busy)(const struct lru_item *it); /* may not go now; NULL: none is */
	void (*free)(struct lru_item *it); /* releases the struct; the key is lru's business */
};

/* The struct may not move from then on. */
void lru_init(struct lru *l, size_t max, bool (*busy)(const struct lru_item *it),
	void (*free_item)(struct lru_item *it));
void lru_clear(struct lru *l);
/* Counts as a use. NULL: not there. */
struct lru_item *lru_get(struct lru *l, const char *key);
/* The key must not be there. What is too much goes before; the new one stays, whatever its size. */
void lru_add(struct lru *l, const char *key, struct lru_item *it);
/* It holds so much now. What is too much goes; it stays itself, whatever its size. */
void lru_resize(struct lru *l, struct lru_item *it, size_t size);
/* Takes it out and frees it. */
void lru_drop(struct lru *l, struct lru_item *it);

/* NULL: there is none. */
static inline struct lru_item *lru_newest(const struct lru *l)
{
	return list_empty(&l->order) ? NULL : CONTAINER_OF(l->order.next, struct lru_item, link);
}

static inline struct lru_item *lru_oldest(const struct lru *l)
{
	return list_empty(&l->order) ? NULL : CONTAINER_OF(l->order.prev, struct lru_item, link);
}

/* The one that was used before; NULL: it is the oldest. */
static inline struct lru_item *lru_older(const struct lru *l, const struct lru_item *it)
{
	return it->link.next == &l->order ? NULL
					  : CONTAINER_OF(it->link.next, struct lru_item, link);
}

/* From the newest on; nothing may be dropped meanwhile. */
#define lru_each(l, it) for ((it) = lru_newest(l); (it); (it) = lru_older(l, it))

#endif
