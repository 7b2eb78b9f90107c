#include "base/map.h"

#include "base/fnv.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static char gone[1];

static uint64_t map_hash(const char *key)
{
	static uint64_t seed;

	while (!seed)
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
			seed = (uintptr_t)&seed | 1;
	/* The secret start and the mixing are enough against chosen keys of bounded number. */
	return fnv_mix(fnv_text(seed, key));
}

static struct map_slot *map_find(const struct map *m, const char *key, uint64_t hash)
{
	size_t i, mask = m->cap - 1;

	if (!m->cap)
		return NULL;
	for (i = hash & mask; m->slots[i].key; i = (i + 1) & mask)
		if (m->slots[i].key != gone && m->slots[i].hash == hash &&
			!strcmp(m->slots[i].key, key))
			return &m->slots[i];
	return NULL;
}

static void map_insert(struct map *m, char *key, uint64_t hash, void *value)
{
	size_t i, mask = m->cap - 1;

	for (i = hash & mask; m->slots[i].key; i = (i + 1) & mask)
		;
	m->slots[i] = (struct map_slot){key, value, hash};
	m->used++;
	m->len++;
}

static void map_grow(struct map *m)
{
	struct map old = *m;
	size_t i;

	m->cap = 16;
	while (m->cap < (old.len + 1) * 2)
		m->cap *= 2;
	m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
	m->used = m->len = 0;
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].key && old.slots[i].key != gone)
			map_insert(m, old.slots[i].key, old.slots[i].hash, old.slots[i].value);
	free(old.slots);
}

void *map_get(const struct map *m, const char *key)
{
	struct map_slot *s = map_find(m, key, map_hash(key));

	return s ? s->value : NULL;
}

void *map_put(struct map *m, const char *key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_slot *s = map_find(m, key, hash);
	void *old;

	if (s) {
		old = s->value;
		s->value = value;
		return old;
	}
	if ((m->used + 1) * 4 > m->cap * 3)
		map_grow(m);
	map_insert(m, mem_strdup(key), hash, value);
	return NULL;
}

void *map_del(struct map *m, const char *key)
{
	struct map_slot *s = map_find(m, key, map_hash(key));
	void *old;

	if (!s)
		return NULL;
	old = s->value;
	free(s->key);
	s->key = gone;
	s->value = NULL;
	m->len--;
	return old;
}

void map_clear(struct map *m)
{
	size_t i;

	for (i = 0; i < m->cap; i++)
		if (m->slots[i].key != gone)
			free(m->slots[i].key);
	free(m->slots);
	*m = (struct map){0};
}

bool map_next(const struct map *m, size_t *at, const char **key, void **value)
{
	for (; *at < m->cap; ++*at)
		if (m->slots[*at].key && m->slots[*at].key != gone) {
			if (key)
				*key = m->slots[*at].key;
			*value = m->slots[*at].value;
			++*at;
			return true;
		}
	return false;
}
