/*
 * Object sets that are kept for a while, by what was asked for (fetch.h). Inside lib/git only; loop
 * thread.
 */
#ifndef GIT_SET_H
#define GIT_SET_H
#include "base/lru.h"

#include <stdbool.h>
#include <stdint.h>

struct gitc_client;
struct gitc_objects;
struct gitc_oid;

/* A new reference; NULL: it is not there. */
struct gitc_objects *gitc_set_get(struct gitc_client *c, const char *key);
/* line: sets of one line (fetch_key.h) have all of one commit each, tip, and the next may be put on
   top of them. NULL: it is of none. follows: it takes the place of this one, if that is of its
   line. NULL: of none. */
void gitc_set_keep(struct gitc_client *c, const char *key, struct gitc_objects *objects,
	const char *line, const struct gitc_oid *tip, const struct gitc_objects *follows);
/* A new reference to the newest of a line that may grow, or where the line has none yet, of one
   beside it, of another branch; *tip is its commit. NULL: none. */
struct gitc_objects *gitc_set_newest(struct gitc_client *c, const char *line, struct gitc_oid *tip);
/* Nobody gets it any more. */
void gitc_set_drop(struct gitc_client *c, const struct gitc_objects *objects);
/* More was added to one, which may lie under others: what is too much goes. */
void gitc_set_grown(struct gitc_client *c);
/* The one that was not used for longest goes, for room on the disk; not what `but` rests on, of
   which nothing would become free. False: there is none. */
bool gitc_set_drop_oldest(struct gitc_client *c, struct gitc_objects *but);
/* What they take on the disk. */
uint64_t gitc_set_bytes(const struct gitc_client *c);
/* For client.c. */
void gitc_set_free(struct lru_item *it);

#endif
