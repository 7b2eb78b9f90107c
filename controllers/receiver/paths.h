/*
 * Which Receiver a path is of, byte for byte: a table that is filled from the statuses, as they are
 * watched or written. Loop thread.
 */
#ifndef RECEIVER_PATHS_H
#define RECEIVER_PATHS_H
#include "base/list.h"
#include "ctl/item.h"

#include <jansson.h>

struct receiver_env;
struct receiver_path_of;

struct receiver_item {
	struct item item;
	struct receiver_path_of *path; /* NULL: it has none */
	struct list link; /* with others of the same path */
};

#define RECEIVER_ITEM(i) CONTAINER_OF(i, struct receiver_item, item)

/* For the item's hooks. */
void receiver_paths_stored(struct item *i, const json_t *obj);
void receiver_paths_out(struct item *i);
/* "" when it has none. */
const char *receiver_paths_of(const struct item *i);
/* Of several, one that is ready. NULL: there is none. */
struct item *receiver_paths_find(const struct receiver_env *env, const char *path);

#endif
