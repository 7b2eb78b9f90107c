/*
 * Who refers to what: which objects use the Secret "ns/name". Values are the caller's pointers; a
 * pair is kept once per refs_add, so add and remove in pairs. Zeroed is empty. Loop thread.
 */
#ifndef CTL_REFS_H
#define CTL_REFS_H
#include "base/map.h"

struct refs {
	struct map by_key; /* key → list of users */
};

void refs_add(struct refs *r, const char *key, void *user);
void refs_del(struct refs *r, const char *key, void *user);
bool refs_any(const struct refs *r, const char *key);
/* fn must not add or remove. */
void refs_each(const struct refs *r, const char *key, void (*fn)(void *arg, void *user), void *arg);
void refs_clear(struct refs *r);

#endif
