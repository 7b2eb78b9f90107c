/*
 * A map from strings to structs that embed a struct lru_item, with a limit: when it is full, the one that was not used for longest and
 * is not busy goes. One thread at a time.
 */
#ifndef BASE_LRU_H
#define BASE_LRU_H
#include "base/map.h"

#include <stdbool.h>

struct lru_item {
	char *key;
	struct lru_item *newer, *older;
};

struct lru {
	struct map map;
	struct lru_item *newest, *oldest;
	size_t max;
	bool (*busy)(const struct lru_item *it); /* may not go now; NULL: none is */
	void (*free)(struct lru_item *it); /* releases the struct; the key is lru's business */
};

void lru_init(struct lru *l, size_t max, bool (*busy)(const struct lru_item *it),
	void (*free_item)(struct lru_item *it));
void lru_clear(struct lru *l);
/* Counts as a use. NULL: not there. */
struct lru_item *lru_get(struct lru *l, const char *key);
/* The key must not be there. */
void lru_add(struct lru *l, const char *key, struct lru_item *it);
/* Takes it out and frees it. */
void lru_drop(struct lru *l, struct lru_item *it);

#endif
