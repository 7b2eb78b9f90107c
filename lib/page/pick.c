#include "page/pick.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Where it stands, or would. */
static size_t place_of(const struct pick *p, const char *key)
{
	size_t from = 0, to = p->len;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (strcmp(p->keys[mid], key) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static void key_in(struct pick *p, size_t at, const char *key)
{
	if (p->len == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->keys = mem_array(p->keys, p->cap, sizeof(*p->keys));
	}
	memmove(p->keys + at + 1, p->keys + at, (p->len - at) * sizeof(*p->keys));
	p->keys[at] = mem_strdup(key);
	p->len++;
}

static void key_out(struct pick *p, size_t at)
{
	free(p->keys[at]);
	p->len--;
	memmove(p->keys + at, p->keys + at + 1, (p->len - at) * sizeof(*p->keys));
}

void pick_add(struct pick *p, const char *key)
{
	size_t at;

	p->all++;
	if (p->after && strcmp(key, p->after) <= 0) {
		p->earlier++;
		return;
	}
	if (p->before && strcmp(key, p->before) >= 0) {
		p->later++;
		return;
	}
	at = place_of(p, key);
	if (at < p->len && !strcmp(p->keys[at], key))
		return;
	if (p->len < p->limit) {
		key_in(p, at, key);
	} else if (p->before) {
		p->earlier++;
		if (at) {
			key_in(p, at, key);
			key_out(p, 0);
		}
	} else {
		p->later++;
		if (at < p->len) {
			key_in(p, at, key);
			key_out(p, p->len - 1);
		}
	}
}

void pick_clear(struct pick *p)
{
	size_t i;

	for (i = 0; i < p->len; i++)
		free(p->keys[i]);
	free(p->keys);
	p->keys = NULL;
	p->len = p->cap = 0;
}
