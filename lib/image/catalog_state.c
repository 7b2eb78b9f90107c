/* What the jobs on files need of the catalog. */
#include "image/catalog_internal.h"

#include <stdlib.h>

struct image_catalog *catalog_ref(struct image_catalog *c)
{
	c->refs++;
	return c;
}

void catalog_unref(struct image_catalog *c)
{
	if (--c->refs)
		return;
	map_clear(&c->entries);
	map_clear(&c->lines);
	free(c);
}

struct image_entry *catalog_entry(struct image_catalog *c, const char *key)
{
	return map_get(&c->entries, key);
}

void catalog_tell(struct image_catalog *c, const struct image_entry *e, enum image_news news)
{
	struct list *at;

	list_each (&c->listeners, at) {
		struct image_listener *l = CONTAINER_OF(at, struct image_listener, link);

		l->heard(l->arg, e, news);
	}
}

void catalog_has(struct image_catalog *c, const char *key, const struct image_tags_head *head)
{
	struct image_entry *e = catalog_entry(c, key);
	bool same;

	if (!e)
		return;
	same = e->looked && e->has == (head != NULL) &&
		(!head || digest_equal(&e->head.revision, &head->revision));
	e->looked = true;
	e->has = head;
	e->head = head ? *head : (struct image_tags_head){0};
	if (!same)
		catalog_tell(c, e, IMAGE_TAGS);
}
