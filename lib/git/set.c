#include "git/set.h"

#include "base/mem.h"
#include "git/internal.h"
#include "git/objects.h"

struct set {
	struct lru_item item;
	struct gitc_objects *objects;
};

#define SET(it) CONTAINER_OF(it, struct set, item)

static size_t bytes_of(struct gitc_objects *o)
{
	struct gitc_objects_stats stats;

	gitc_objects_stats(o, &stats);
	return (size_t)stats.bytes;
}

struct gitc_objects *gitc_set_get(struct gitc_client *c, const char *key)
{
	struct lru_item *it = lru_get(&c->sets, key);

	return it ? gitc_objects_ref(SET(it)->objects) : NULL;
}

void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects)
{
	struct lru_item *it = lru_get(&c->sets, key);
	struct set *s;

	if (it)
		lru_drop(&c->sets, it);
	s = NEW(struct set);
	s->objects = gitc_objects_ref(objects);
	s->item.size = bytes_of(objects);
	lru_add(&c->sets, key, &s->item);
}

void gitc_set_grown(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it;

	lru_each (&c->sets, it)
		if (SET(it)->objects == objects) {
			lru_resize(&c->sets, it, bytes_of(SET(it)->objects));
			return;
		}
}

void gitc_set_free(struct lru_item *it)
{
	gitc_objects_unref(SET(it)->objects);
	free(SET(it));
}
