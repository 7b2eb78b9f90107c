#include "git/client.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/fetch.h"
#include "git/internal.h"
#include "git/server.h"
#include "git/set.h"

struct gitc_client *gitc_client_new(struct loop *l, const struct gitc_client_opts *opts)
{
	struct gitc_client *c = NEW(struct gitc_client);

	c->loop = l;
	c->http = opts->http;
	c->folder = opts->folder;
	c->account = opts->account;
	c->guard = opts->guard;
	c->agent = mem_strdup(opts->user_agent ? opts->user_agent : "git/oci-source-controller");
	c->ssh_kex = mem_strdup(opts->ssh_kex);
	c->ssh_host_keys = mem_strdup(opts->ssh_host_keys);
	lru_init(&c->servers, LIMIT_GIT_SERVERS, NULL, gitc_server_free);
	c->servers.max_bytes = LIMIT_GIT_SERVERS_BYTES;
	lru_init(&c->sets, opts->sets ? opts->sets : LIMIT_GIT_SETS, NULL, gitc_set_free);
	c->max_set_bytes = opts->set_bytes ? opts->set_bytes : LIMIT_GIT_SETS_BYTES;
	return c;
}

void gitc_client_free(struct gitc_client *c)
{
	if (!c)
		return;
	BUG_IF(c->fetches.len);
	map_clear(&c->fetches);
	lru_clear(&c->servers);
	lru_clear(&c->sets);
	free(c->agent);
	free(c->ssh_kex);
	free(c->ssh_host_keys);
	free(c);
}

void gitc_client_drop_sets(struct gitc_client *c)
{
	lru_clear(&c->sets);
}

void gitc_client_stats(const struct gitc_client *c, struct gitc_stats *out)
{
	*out = c->stats;
	out->sets = c->sets.map.len;
	out->set_bytes = gitc_set_bytes(c);
}
