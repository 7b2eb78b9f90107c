#include "base/lru.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

void lru_init(struct lru *l, size_t max, bool (*busy)(const struct lru_item *it),
	void (*free_item)(struct lru_item *it))
{
	*l = (struct lru){.max = max, .busy = busy, .free = free_item};
}

static void unlink_item(struct lru *l, struct lru_item *it)
{
	if (it->newer)
		it->newer->older = it->older;
	else
		l->newest = it->older;
	if (it->older)
		it->older->newer = it->newer;
	else
		l->oldest = it->newer;
	it->newer = it->older = NULL;
}

static void link_first(struct lru *l, struct lru_item *it)
{
	it->older = l->newest;
	it->newer = NULL;
	if (l->newest)
		l->newest->newer = it;
	else
		l->oldest = it;
	l->newest = it;
}

struct lru_item *lru_get(struct lru *l, const char *key)
{
	struct lru_item *it = map_get(&l->map, key);

	if (it && it != l->newest) {
		unlink_item(l, it);
		link_first(l, it);
	}
	return it;
}

void lru_drop(struct lru *l, struct lru_item *it)
{
	char *key = it->key;

	unlink_item(l, it);
	map_del(&l->map, key);
	l->free(it);
	free(key);
}

void lru_add(struct lru *l, const char *key, struct lru_item *it)
{
	struct lru_item *at, *next;

	/* Past the limit only while all are busy. */
	for (at = l->oldest; at && l->map.len >= l->max; at = next) {
		next = at->newer;
		if (!l->busy || !l->busy(at))
			lru_drop(l, at);
	}
	it->key = mem_strdup(key);
	BUG_IF(map_put(&l->map, key, it));
	link_first(l, it);
}

void lru_clear(struct lru *l)
{
	while (l->newest)
		lru_drop(l, l->newest);
	map_clear(&l->map);
}
