/*
 * A hash map from strings to pointers (open addressing, keys copied, values the caller's). Zeroed
 * is empty; clear it with map_clear. A stranger may choose keys (object names), so the hash is
 * seeded once per process. One thread at a time.
 *
 *	struct map m = {0};
 *	map_put(&m, "ns/name", item);
 *	item = map_get(&m, "ns/name");
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	char *key; /* NULL: free; MAP_GONE: was removed */
	void *value;
	uint64_t hash;
};

struct map {
	struct map_slot *slots;
	size_t cap, used, len; /* used counts removed ones too */
};

void *map_get(const struct map *m, const char *key);
/* Returns the value that was there before, or NULL. value must not be NULL. */
void *map_put(struct map *m, const char *key, void *value);
/* Returns the value that was there, or NULL. */
void *map_del(struct map *m, const char *key);
void map_clear(struct map *m);
/* Walks all entries: start with *at = 0; false at the end. Deleting the entry just given is
   allowed, adding is not. */
bool map_next(const struct map *m, size_t *at, const char **key, void **value);

#endif
