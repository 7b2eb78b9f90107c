#include "git/server.h"

#include "base/mem.h"
#include "git/gitc.h"
#include "git/internal.h"
#include "git/link.h"

#include <string.h>

#define SERVER(it) CONTAINER_OF(it, struct gitc_server, item)

const struct gitc_server *gitc_server_get(struct gitc_client *c, const char *key)
{
	struct lru_item *it = lru_get(&c->servers, key);

	return it ? SERVER(it) : NULL;
}

void gitc_server_forget(struct gitc_client *c, const char *key)
{
	struct lru_item *it = lru_get(&c->servers, key);

	if (it)
		lru_drop(&c->servers, it);
}

void gitc_server_learn(struct gitc_client *c, const char *key, const struct gitc_caps *caps,
	const struct gitc_link *link)
{
	struct gitc_server *s;

	gitc_server_forget(c, key);
	if (link->away || !link->type->stateless)
		return;
	s = NEW(struct gitc_server);
	s->caps = *caps;
	s->base = mem_strdup(link->base);
	s->item.size = sizeof(*s) + strlen(key) + (s->base ? strlen(s->base) : 0);
	lru_add(&c->servers, key, &s->item);
}

bool gitc_server_is_stale(const struct err *err)
{
	switch (err->code) {
	case GITC_PROTOCOL:
	case GITC_DUMB:
	case GITC_NOT_FOUND:
		return true;
	default:
		return err->kind == ERR_RETRY && err->code >= 300 && err->code <= 499;
	}
}

void gitc_server_free(struct lru_item *it)
{
	free(SERVER(it)->base);
	free(SERVER(it));
}
