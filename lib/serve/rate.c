#include "serve/rate.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define SECOND_US 1000000
#define BURST_SECONDS 2

/* The bucket is kept as the time when it is full again. */
struct client {
	struct list in_use;
	uint64_t full; /* in us of clock_ms() */
	char *name;
};

struct serve_rate {
	uint64_t each; /* us for one request */
	uint64_t burst; /* us for a whole bucket */
	struct map clients; /* name → struct client */
	struct list used; /* the one that asked least recently first */
};

static void client_forget(struct serve_rate *r, struct client *c)
{
	list_out(&c->in_use);
	map_del(&r->clients, c->name);
	free(c->name);
	free(c);
}

static struct client *client_oldest(const struct serve_rate *r)
{
	struct list *at = list_first(&r->used);

	return at ? CONTAINER_OF(at, struct client, in_use) : NULL;
}

static struct client *client_of(struct serve_rate *r, const char *name)
{
	struct client *c = map_get(&r->clients, name);

	if (c) {
		list_to_end(&r->used, &c->in_use);
		return c;
	}
	if (r->clients.len >= LIMIT_RATE_CLIENTS)
		client_forget(r, client_oldest(r));
	c = NEW(struct client);
	c->name = mem_strdup(name);
	list_add(&r->used, &c->in_use);
	map_put(&r->clients, name, c);
	return c;
}

uint64_t serve_rate_take(struct serve_rate *r, const char *name)
{
	uint64_t now = clock_ms() * 1000, full;
	struct client *c = client_of(r, name);

	full = (c->full > now ? c->full : now) + r->each;
	if (full - now > r->burst)
		return (full - now - r->burst + 999) / 1000;
	c->full = full;
	return 0;
}

struct serve_rate *serve_rate_new(unsigned per_second)
{
	struct serve_rate *r = NEW(struct serve_rate);

	r->each = per_second < SECOND_US ? SECOND_US / per_second : 1;
	r->burst = BURST_SECONDS * r->each * per_second;
	list_init(&r->used);
	return r;
}

void serve_rate_free(struct serve_rate *r)
{
	struct client *c;

	if (!r)
		return;
	while ((c = client_oldest(r)))
		client_forget(r, c);
	map_clear(&r->clients);
	free(r);
}
