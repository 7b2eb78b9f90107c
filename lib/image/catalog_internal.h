/* The catalog's files among themselves: catalog_state.c has the entries, catalog_work.c the jobs on
   their files, one at a time for each object, catalog_sweep.c what is left of objects that are
   gone, and catalog.c puts it together. Internal to lib/image. */
#ifndef IMAGE_CATALOG_INTERNAL_H
#define IMAGE_CATALOG_INTERNAL_H
#include "base/list.h"
#include "base/map.h"
#include "image/catalog.h"

struct image_catalog {
	unsigned refs; /* the owner's, and one for each job */
	struct loop *loop;
	const struct store_root *root;
	struct map entries; /* "ns/name" -> struct image_entry */
	struct map lines; /* "ns/name" -> the jobs that wait for each other */
	struct list listeners;
	void (*on_push)(void *arg, const struct image_entry *e);
	void *push_arg;
	bool listed, freed;
};

/* Tags that were pushed and that are kept for one object. */
#define CATALOG_PUSHED 64

struct image_catalog *catalog_ref(struct image_catalog *c);
void catalog_unref(struct image_catalog *c);
struct image_entry *catalog_entry(struct image_catalog *c, const char *key);
void catalog_tell(struct image_catalog *c, const struct image_entry *e, enum image_news news);
/* What is in its file now; NULL: there is none. */
void catalog_has(struct image_catalog *c, const char *key, const struct image_tags_head *head);
/* A tag that was pushed goes into its file, if that is of the entry's image: however many there
   are, one job is on its way and one waits. What is more than it takes is left to the scan. */
void catalog_add(struct image_catalog *c, const struct image_entry *e, const char *tag);
/* For op_then: nobody waits for it, but it is done. */
void catalog_work_done(struct op *op, void *arg);

#endif
