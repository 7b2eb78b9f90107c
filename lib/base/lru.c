#include "base/lru.h"

#include "base/err.h"

#include <stdlib.h>

void lru_init(struct lru *l, size_t max, bool (*busy)(const struct lru_item *it),
	void (*free_item)(struct lru_item *it))
{
	*l = (struct lru){.max = max, .busy = busy, .free = free_item};
	list_init(&l->order);
}

struct lru_item *lru_get(struct lru *l, const char *key)
{
	struct lru_item *it = map_get(&l->map, key);

	if (it) {
		list_out(&it->link);
		list_add_first(&l->order, &it->link);
	}
	return it;
}

void lru_drop(struct lru *l, struct lru_item *it)
{
	char *key = it->key;

	list_out(&it->link);
	l->bytes -= it->size;
	map_del(&l->map, key);
	l->free(it);
	free(key);
}

static bool lru_has_room(const struct lru *l, size_t items, size_t bytes)
{
	return l->map.len + items <= l->max && (!l->max_bytes || l->bytes + bytes <= l->max_bytes);
}

/* For so much more, for the sake of `it`. Past the limit only while all are busy. */
static void lru_make_room(struct lru *l, const struct lru_item *it, size_t items, size_t bytes)
{
	struct list *at, *newer;

	for (at = l->order.prev; at != &l->order && !lru_has_room(l, items, bytes); at = newer) {
		struct lru_item *old = CONTAINER_OF(at, struct lru_item, link);

		newer = at->prev;
		if (old != it && (!l->busy || !l->busy(old)))
			lru_drop(l, old);
	}
}

void lru_resize(struct lru *l, struct lru_item *it, size_t size)
{
	l->bytes -= it->size;
	lru_make_room(l, it, 0, size);
	it->size = size;
	l->bytes += size;
}

void lru_add(struct lru *l, const char *key, struct lru_item *it)
{
	lru_make_room(l, it, 1, it->size);
	it->key = mem_strdup(key);
	l->bytes += it->size;
	BUG_IF(map_put(&l->map, key, it));
	list_add_first(&l->order, &it->link);
}

void lru_clear(struct lru *l)
{
	while (!list_empty(&l->order))
		lru_drop(l, lru_newest(l));
	map_clear(&l->map);
}
