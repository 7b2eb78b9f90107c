/* What client.c and the requests share; nobody outside lib/git includes this. */
#ifndef GIT_INTERNAL_H
#define GIT_INTERNAL_H
#include "base/lru.h"
#include "base/map.h"
#include "git/client.h"

struct gitc_client {
	struct loop *loop;
	struct http_client *http;
	struct gitc_folder *folder;
	struct account *account;
	const struct http_guard *guard; /* NULL: anywhere */
	char *agent;
	char *ssh_kex, *ssh_host_keys; /* NULL: OpenSSH's own */
	struct lru servers; /* what they can (server.h) */
	struct lru sets; /* object sets by what was asked for (set.h) */
	uint64_t max_set_bytes;
	struct map fetches; /* on their way, so that others may join */
	struct gitc_stats stats;
};

#endif
