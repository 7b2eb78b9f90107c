/*
 * Which Receiver a path is of, byte for byte: a table that is filled from the statuses, as they are
 * watched or written. Loop thread.
 *
 * Several may have the same one. Without a boundary between token, name and namespace, "a" in
 * "b-c" and "ab" in "-c" are one text; and whoever may write the status of an object of his can
 * write any path into it. So the oldest object comes first: nobody takes a path over. One whose
 * path turns out not to be that of its token goes behind the others.
 */
#ifndef RECEIVER_PATHS_H
#define RECEIVER_PATHS_H
#include "base/list.h"
#include "ctl/item.h"

#include <jansson.h>
#include <stdbool.h>

struct receiver_env;
struct receiver_path_of;

struct receiver_item {
	struct item item;
	char created[32]; /* RFC 3339 */
	struct receiver_path_of *path; /* NULL: it has none */
	struct list link; /* with others of the same path */
};

#define RECEIVER_ITEM(i) CONTAINER_OF(i, struct receiver_item, item)

/* For the item's hooks. */
void receiver_paths_stored(struct item *i, const json_t *obj);
void receiver_paths_out(struct item *i);
/* "" when it has none. */
const char *receiver_paths_of(const struct item *i);
/* Of several, the first that is ready. NULL: there is none. */
struct item *receiver_paths_find(const struct receiver_env *env, const char *path);
/* Its token does not make this path. False: nobody else has it. */
bool receiver_paths_doubt(struct receiver_env *env, const char *key, const char *path);

#endif
