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

static struct lru_item *find(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it;

	lru_each (&c->sets, it)
		if (SET(it)->objects == objects)
			return it;
	return NULL;
}

/* What lies under several of them counts once. Jobs add to sets at any time: nothing of this is
   remembered. */
uint64_t gitc_set_bytes(const struct gitc_client *c)
{
	struct gitc_objects **seen =
		mem_array(NULL, c->sets.map.len + 1, sizeof(struct gitc_objects *));
	uint64_t bytes = 0;
	struct lru_item *it;
	size_t n = 0;

	lru_each (&c->sets, it) {
		bytes += gitc_objects_beside(SET(it)->objects, seen, n);
		seen[n++] = SET(it)->objects;
	}
	free(seen);
	return bytes;
}

/* The newest stays, whatever it takes. */
void gitc_set_grown(struct gitc_client *c)
{
	while (c->sets.map.len > 1 && gitc_set_bytes(c) > c->max_set_bytes)
		lru_drop(&c->sets, lru_oldest(&c->sets));
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

/* Of its line: what it follows, and what nothing may be put on top of any more. */
static void replace(
	struct gitc_client *c, const struct set *new, const struct gitc_objects *follows)
{
	struct lru_item *it = lru_newest(&c->sets), *older;

	for (; it; it = older) {
		const struct set *s = SET(it);

		older = lru_older(&c->sets, it);
		if (s->line && !strcmp(s->line, new->line) &&
			(s->objects == follows || !gitc_objects_may_grow(s->objects)))
			lru_drop(&c->sets, it);
	}
}

void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects,
	const char *line, const struct gitc_oid *tip, const struct gitc_objects *follows)
{
	struct lru_item *it = lru_get(&c->sets, key);
	struct set *s;

	if (it)
		lru_drop(&c->sets, it);
	s = NEW(struct set);
	s->objects = gitc_objects_ref(objects);
	s->line = mem_strdup(line);
	s->tip = *tip;
	if (line)
		replace(c, s, follows);
	lru_add(&c->sets, key, &s->item);
	gitc_set_grown(c);
}

/* Up to the branch. */
static bool is_beside(const char *line, const char *other)
{
	size_t n = (size_t)(strrchr(line, '\n') - line) + 1;

	return !strncmp(line, other, n) && !strchr(other + n, '\n');
}

/* A line of its own that has come to its end begins anew, and not on top of others'. */
struct gitc_objects *gitc_set_newest(struct gitc_client *c, const char *line, struct gitc_oid *tip)
{
	const struct set *beside = NULL;
	struct lru_item *it;
	bool begun = false;

	lru_each (&c->sets, it) {
		const struct set *s = SET(it);
		bool own = s->line && !strcmp(s->line, line);

		begun |= own;
		if (!s->line || !is_beside(line, s->line) || !gitc_objects_may_grow(s->objects))
			continue;
		if (own || !beside)
			beside = s;
		if (own)
			break;
	}
	if (!beside || (begun && strcmp(beside->line, line) != 0))
		return NULL;
	*tip = beside->tip;
	return gitc_objects_ref(beside->objects);
}

void gitc_set_drop(struct gitc_client *c, const struct gitc_objects *objects)
{
	struct lru_item *it = find(c, objects);

	if (it)
		lru_drop(&c->sets, it);
}

bool gitc_set_drop_oldest(struct gitc_client *c, struct gitc_objects *but)
{
	struct lru_item *it, *oldest = NULL;

	lru_each (&c->sets, it)
		if (gitc_objects_beside(SET(it)->objects, &but, 1))
			oldest = it;
	if (oldest)
		lru_drop(&c->sets, oldest);
	return oldest != NULL;
}

void gitc_set_free(struct lru_item *it)
{
	gitc_objects_unref(SET(it)->objects);
	free(SET(it)->line);
	free(SET(it));
}
