/*
 * Object sets that are kept for a while, by what was asked for (fetch.h). Inside lib/git only; loop
 * thread.
 */
#ifndef GIT_SET_H
#define GIT_SET_H
#include "base/lru.h"

struct gitc_client;
struct gitc_objects;

/* A new reference; NULL: it is not there. */
struct gitc_objects *gitc_set_get(struct gitc_client *c, const char *key);
void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects);
/* More was added to it: what it takes is asked for anew. */
void gitc_set_grown(struct gitc_client *c, const struct gitc_objects *objects);
/* For client.c. */
void gitc_set_free(struct lru_item *it);

#endif
