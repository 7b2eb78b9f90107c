/*
 * The first so many of a set of keys that come in any order: those behind a key, or the last ones
 * before it. It keeps no more than it shows, so a page of two hundred costs the same of ten
 * thousand. One thread at a time.
 *
 *	struct pick p = {.limit = 200, .after = "apps/web"};
 *	pick_add(&p, key) for each; then p.keys in order
 */
#ifndef PAGE_PICK_H
#define PAGE_PICK_H
#include <stdbool.h>
#include <stddef.h>

struct pick {
	size_t limit;
	const char *after, *before; /* borrowed; at most one is not NULL */
	char **keys; /* in order */
	size_t len, cap;
	size_t all; /* that were added */
	size_t earlier, later; /* of all, that stand before the first and behind the last of keys */
};

/* Copied. One that is there already counts once more, and is kept once. */
void pick_add(struct pick *p, const char *key);
void pick_clear(struct pick *p);

#endif
