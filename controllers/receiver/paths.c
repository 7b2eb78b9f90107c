#include "controllers/receiver/paths.h"

#include "base/mem.h"
#include "base/obj.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/token.h"
#include "ctl/controller.h"

#include <stdio.h>
#include <string.h>

struct receiver_path_of {
	char *path;
	struct list items;
};

const char *receiver_paths_of(const struct item *i)
{
	const struct receiver_item *r = RECEIVER_ITEM(i);

	return r->path ? r->path->path : "";
}

void receiver_paths_out(struct item *i)
{
	struct receiver_item *r = RECEIVER_ITEM(i);
	struct receiver_path_of *p = MOVE(r->path);

	if (!p)
		return;
	list_out(&r->link);
	if (!list_empty(&p->items))
		return;
	map_del(&receiver_env(i->c)->paths, p->path);
	free(p->path);
	free(p);
}

static bool is_older(const struct receiver_item *a, const struct receiver_item *b)
{
	int order = strcmp(a->created, b->created);

	return order < 0 || (!order && strcmp(a->item.key, b->item.key) < 0);
}

/* Before the first one that is younger. */
static void path_place(struct receiver_path_of *p, struct receiver_item *r)
{
	struct list *at = p->items.next;

	while (at != &p->items && !is_older(r, CONTAINER_OF(at, struct receiver_item, link)))
		at = at->next;
	list_add(at, &r->link);
}

static void path_put(struct item *i, const char *path)
{
	struct receiver_item *r = RECEIVER_ITEM(i);
	struct map *paths = &receiver_env(i->c)->paths;
	struct receiver_path_of *p = map_get(paths, path);

	if (!p) {
		p = NEW(struct receiver_path_of);
		p->path = mem_strdup(path);
		list_init(&p->items);
		map_put(paths, path, p);
	}
	r->path = p;
	path_place(p, r);
}

void receiver_paths_stored(struct item *i, const json_t *obj)
{
	const char *path = obj_str_or("", obj, "status", "webhookPath");

	snprintf(RECEIVER_ITEM(i)->created, sizeof(RECEIVER_ITEM(i)->created), "%s",
		obj_str_or("", obj, "metadata", "creationTimestamp"));
	if (i->deleting)
		path = "";
	if (!strcmp(path, receiver_paths_of(i)))
		return;
	receiver_paths_out(i);
	/* What is none of ours would only lie around. */
	if (!strncmp(path, RECEIVER_PATH_PREFIX, strlen(RECEIVER_PATH_PREFIX)) &&
		strlen(path) < RECEIVER_PATH_MAX)
		path_put(i, path);
}

struct item *receiver_paths_find(const struct receiver_env *env, const char *path)
{
	const struct receiver_path_of *p = map_get(&env->paths, path);
	struct list *at;

	if (!p)
		return NULL;
	list_each (&p->items, at) {
		struct item *i = &CONTAINER_OF(at, struct receiver_item, link)->item;

		if (!i->suspended && !strcmp(i->ready, "True"))
			return i;
	}
	return &CONTAINER_OF(list_first(&p->items), struct receiver_item, link)->item;
}

bool receiver_paths_doubt(struct receiver_env *env, const char *key, const char *path)
{
	struct receiver_path_of *p = map_get(&env->paths, path);
	struct list *at;

	if (!p)
		return false;
	list_each (&p->items, at)
		if (!strcmp(CONTAINER_OF(at, struct receiver_item, link)->item.key, key)) {
			list_to_end(&p->items, at);
			break;
		}
	return p->items.next->next != &p->items;
}
