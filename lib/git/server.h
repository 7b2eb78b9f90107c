/*
 * What the servers of repositories can, as they said it last: who is known to speak v2 is asked
 * without being asked that first. Inside lib/git only; loop thread.
 */
#ifndef GIT_SERVER_H
#define GIT_SERVER_H
#include "base/lru.h"
#include "git/caps.h"

struct gitc_client;
struct gitc_link;

struct gitc_server {
	struct lru_item item;
	struct gitc_caps caps;
	char *base; /* where it was found, when not at the URL; NULL */
};

/* key: of target.h. NULL: nothing is known. Borrowed until the next call. */
const struct gitc_server *gitc_server_get(struct gitc_client *c, const char *key);
/* As the link that was opened has found it. */
void gitc_server_learn(struct gitc_client *c, const char *key, const struct gitc_caps *caps,
	const struct gitc_link *link);
void gitc_server_forget(struct gitc_client *c, const char *key);
/* May what was answered come of what we remembered wrongly? */
bool gitc_server_is_stale(const struct err *err);
/* For client.c. */
void gitc_server_free(struct lru_item *it);

#endif
