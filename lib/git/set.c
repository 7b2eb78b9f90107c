#include "git/set.h"

#include "base/mem.h"
#include "git/internal.h"
#include "git/objects.h"

#include <string.h>

struct set {
	struct lru_item item;
	struct gitc_objects *objects;
	char *line; /* NULL: of none */
	struct gitc_oid tip;
};

#define SET(it) CONTAINER_OF(it, struct set, item)

static size_t bytes_of(struct gitc_objects *o)
{
	struct gitc_objects_stats stats;

	gitc_objects_stats(o, &stats);
	return (size_t)stats.bytes;
}

static struct lru_item *find(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it;

	lru_each (&c->sets, it)
		if (SET(it)->objects == objects)
			return it;
	return NULL;
}

/* One that has turned out to lack something is of no use: the next fetch is whole. */
struct gitc_objects *gitc_set_get(struct gitc_client *c, const char *key)
{
	struct lru_item *it = lru_get(&c->sets, key);

	if (it && gitc_objects_lack(SET(it)->objects)) {
		lru_drop(&c->sets, it);
		it = NULL;
	}
	return it ? gitc_objects_ref(SET(it)->objects) : NULL;
}

void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects,
	const char *line, const struct gitc_oid *tip)
{
	struct lru_item *it = lru_get(&c->sets, key);
	struct set *s;

	if (it)
		lru_drop(&c->sets, it);
	s = NEW(struct set);
	s->objects = gitc_objects_ref(objects);
	s->item.size = bytes_of(objects);
	s->line = mem_strdup(line);
	s->tip = *tip;
	lru_add(&c->sets, key, &s->item);
}

struct gitc_objects *gitc_set_newest(struct gitc_client *c, const char *line, struct gitc_oid *tip)
{
	struct lru_item *it;

	lru_each (&c->sets, it)
		if (SET(it)->line && !strcmp(SET(it)->line, line) &&
			gitc_objects_may_grow(SET(it)->objects)) {
			*tip = SET(it)->tip;
			return gitc_objects_ref(SET(it)->objects);
		}
	return NULL;
}

void gitc_set_drop(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it = find(c, objects);

	if (it)
		lru_drop(&c->sets, it);
}

void gitc_set_grown(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it = find(c, objects);

	if (it)
		lru_resize(&c->sets, it, bytes_of(SET(it)->objects));
}

void gitc_set_free(struct lru_item *it)
{
	gitc_objects_unref(SET(it)->objects);
	free(SET(it)->line);
	free(SET(it));
}
