/*
 * Object sets that are kept for a while, by what was asked for (fetch.h). Inside lib/git only; loop
 * thread.
 */
#ifndef GIT_SET_H
#define GIT_SET_H
#include "base/lru.h"

struct gitc_client;
struct gitc_objects;
struct gitc_oid;

/* A new reference; NULL: it is not there. */
struct gitc_objects *gitc_set_get(struct gitc_client *c, const char *key);
/* line: sets of one line have all of one commit each, tip, and the next may be put on top of them.
   NULL: it is of none. */
void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects,
	const char *line, const struct gitc_oid *tip);
/* A new reference to the newest of a line that may grow; *tip is its commit. NULL: none. */
struct gitc_objects *gitc_set_newest(struct gitc_client *c, const char *line, struct gitc_oid *tip);
/* Nobody gets it any more. */
void gitc_set_drop(struct gitc_client *c, const struct gitc_objects *objects);
/* More was added to it: what it takes is asked for anew. */
void gitc_set_grown(struct gitc_client *c, const struct gitc_objects *objects);
/* For client.c. */
void gitc_set_free(struct lru_item *it);

#endif
