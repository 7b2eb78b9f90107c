#include "base/clock.h"
#include "base/limits.h"
#include "base/lru.h"
#include "base/mem.h"
#include "cloud/frame.h"

#include <errno.h>
#include <stdlib.h>

#define AGAIN_MS 30000 /* after a renewal in vain */
#define PATIENCE_MS 2000 /* with a cloud, of who could have the old one */

struct cloud_cache {
	struct loop *loop;
	struct lru entries;
	bool keeps; /* beyond one run */
	uint64_t max_life_ms;
	struct cloud_stats stats;
	bool stopped;
};

struct entry {
	struct lru_item item;
	struct cloud_cache *cache;
	cloud_fetch_fn *fetch_fn;
	struct cloud_secrets got;
	bool has;
	uint64_t since, ahead_at, last_until; /* on clock_ms() */
	bool suspect; /* a registry refused it: the next one is waited for */
	int64_t wall_until; /* on clock_wall_ms(): as last_until */
	uint64_t refused_until; /* on clock_ms(): it is not suspect again before that */
	struct cloud_ticket *ticket; /* of the fetch */
	struct op *fetch; /* on its way */
	struct flight flight;
	bool ahead; /* the fetch goes on without anybody who waits */
};

struct wait {
	struct flight_wait base;
	struct cloud_secrets got;
	struct cloud_lookups lookups;
	struct cloud_ticket *ticket; /* for a flight that has to begin anew */
	bool began; /* the flight is its own */
};

/* ---- what is kept ---------------------------------------------------------------------------- */

static void entry_forget(struct entry *e)
{
	if (e->has)
		e->cache->stats.kept--;
	e->has = false;
	cloud_secrets_clear(&e->got);
}

static uint64_t entry_life(const struct entry *e, const struct cloud_secrets *got)
{
	uint64_t max = e->cache->max_life_ms, life = max;
	int64_t left = got->expires_ms - clock_wall_ms();

	if (got->expires_ms)
		life = left > 0 ? (uint64_t)left : 0;
	return life;
}

/* The shares are of its whole life; what the cache allows is a limit to each. */
static void entry_keep(struct entry *e, const struct cloud_secrets *got)
{
	uint64_t now = clock_ms(), life = entry_life(e, got), max = e->cache->max_life_ms;
	uint64_t ahead = life / 10 * 7, last = life / 20 * 19;

	if (!e->cache->keeps && max > LIMIT_CLOUD_RUN_MS)
		max = LIMIT_CLOUD_RUN_MS;
	if (last > max) {
		last = max;
		ahead = max / 8 * 7;
	}
	entry_forget(e);
	cloud_secrets_copy(&e->got, got);
	e->has = true;
	e->cache->stats.kept++;
	e->since = now;
	e->ahead_at = e->cache->keeps ? now + ahead : UINT64_MAX;
	e->suspect = false;
	e->last_until = now + last;
	e->wall_until = clock_wall_ms() + (int64_t)last;
}

static bool entry_serves(const struct entry *e)
{
	return e->has && clock_ms() < e->last_until && clock_wall_ms() < e->wall_until;
}

/* ---- the flight ------------------------------------------------------------------------------ */

static void cache_give(struct flight *f, struct flight_wait *base)
{
	const struct entry *e = CONTAINER_OF(f, const struct entry, flight);
	struct wait *w = CONTAINER_OF(base, struct wait, base);

	cloud_secrets_copy(&w->got, &e->got);
	if (w->began && e->fetch) {
		const struct cloud_lookups *inner =
			&TASK_OF_OP(e->fetch, struct cloud_fetch)->inner;

		w->lookups.hits += inner->hits;
		w->lookups.misses += inner->misses;
	}
}

static void fetch_begin(struct entry *e);

/* The old one serves on, also after it was refused to somebody: there is no better one. */
static bool entry_survives(struct entry *e)
{
	if (!entry_serves(e))
		return false;
	e->suspect = false;
	e->ahead_at = clock_ms() + AGAIN_MS;
	return true;
}

static size_t entry_size(const struct entry *e)
{
	return sizeof(*e) + e->got.first.len + e->got.second.len + e->got.third.len;
}

static void fetch_done(struct op *op, void *arg)
{
	struct entry *e = arg;
	struct err err = op->err;

	cloud_ticket_unref(MOVE(e->ticket));
	e->ahead = false;
	if (err.kind == ERR_CANCELED && !flight_is_empty(&e->flight) && !e->cache->stopped) {
		/* Somebody came while a fetch that nobody waited for was being cancelled. */
		struct wait *w = CONTAINER_OF(list_first(&e->flight.waits), struct wait, base.link);

		e->ticket = cloud_ticket_ref(w->ticket);
		op_free(op);
		fetch_begin(e);
		return;
	}
	if (err.kind == ERR_NONE) {
		e->cache->stats.succeeded++;
		entry_keep(e, &TASK_OF_OP(op, struct cloud_fetch)->got);
	} else if (err.kind != ERR_CANCELED) {
		e->cache->stats.failed++;
		if (entry_survives(e))
			err_clear(&err);
	}
	flight_land(&e->flight, &err, cache_give);
	e->fetch = NULL;
	op_free(op);
	/* Whoever asks for what nobody gives must not fill the cache with it. */
	if (e->has)
		lru_resize(&e->cache->entries, &e->item, entry_size(e));
	else
		lru_drop(&e->cache->entries, &e->item);
}

static const struct log_ctx *fetch_log(const struct task *t)
{
	return flight_log(TASK(t, const struct cloud_fetch)->flight);
}

static void fetch_begin(struct entry *e)
{
	struct cloud_fetch *f;

	e->fetch = e->fetch_fn(e->ticket);
	f = TASK_OF_OP(e->fetch, struct cloud_fetch);
	f->flight = &e->flight;
	f->task.log_fn = fetch_log;
	op_then(e->fetch, fetch_done, e);
}

static void cache_deserted(struct flight *f)
{
	struct entry *e = CONTAINER_OF(f, struct entry, flight);

	if (e->fetch && !e->ahead)
		op_cancel(e->fetch);
}

/* The old one was refused to somebody, which says little: it may be what that one asked for. */
static void cache_overdue(struct flight *f, struct flight_wait *w, bool alone, struct err *err)
{
	struct entry *e = CONTAINER_OF(f, struct entry, flight);
	const char *host = e->ticket ? e->ticket->asking : "";

	(void)alone;
	if (entry_serves(e)) {
		e->ahead = true; /* the fetch goes on, or nobody would ever have the new one */
		cloud_secrets_copy(&CONTAINER_OF(w, struct wait, base)->got, &e->got);
		return;
	}
	err_code(err, ERR_RETRY, -ETIMEDOUT, "%s%s%s did not answer in time", *host ? "'" : "",
		*host ? host : "the cloud", *host ? "'" : "");
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool entry_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct entry, item)->fetch;
}

static void entry_free(struct lru_item *it)
{
	struct entry *e = CONTAINER_OF(it, struct entry, item);

	BUG_IF(e->fetch || !flight_is_empty(&e->flight));
	if (e->has)
		e->cache->stats.evicted++;
	entry_forget(e);
	free(e);
}

struct cloud_cache *cloud_cache_new(struct loop *l, size_t max, uint64_t max_life_ms)
{
	struct cloud_cache *c = NEW(struct cloud_cache);

	c->loop = l;
	c->keeps = max > 0;
	c->max_life_ms = max_life_ms;
	lru_init(&c->entries, max ? max : LIMIT_CLOUD_KEPT, entry_busy, entry_free);
	c->entries.max_bytes = LIMIT_CLOUD_KEPT_BYTES;
	return c;
}

void cloud_cache_stop(struct cloud_cache *c)
{
	struct lru_item *it;

	c->stopped = true;
	lru_each (&c->entries, it) {
		struct entry *e = CONTAINER_OF(it, struct entry, item);

		if (e->fetch)
			op_cancel(e->fetch);
	}
}

void cloud_cache_free(struct cloud_cache *c)
{
	if (!c)
		return;
	lru_clear(&c->entries);
	free(c);
}

static struct entry *cache_find(struct cloud_cache *c, const char *key)
{
	struct lru_item *it = lru_get(&c->entries, key);

	return it ? CONTAINER_OF(it, struct entry, item) : NULL;
}

static struct entry *cache_add(struct cloud_cache *c, const char *key, cloud_fetch_fn *fetch)
{
	struct entry *e = NEW(struct entry);

	e->cache = c;
	e->fetch_fn = fetch;
	flight_init(&e->flight, cache_deserted, cache_overdue);
	e->item.size = entry_size(e);
	lru_add(&c->entries, key, &e->item);
	return e;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	cloud_ticket_unref(w->ticket);
	cloud_secrets_clear(&w->got);
	free(w);
}

uint64_t cloud_cache_patience(struct cloud_cache *c, const char *key, uint64_t timeout_ms)
{
	const struct entry *e = cache_find(c, key);

	return e && entry_serves(e) && timeout_ms > PATIENCE_MS ? PATIENCE_MS : timeout_ms;
}

struct op *cloud_cache_start(struct cloud_cache *c, const char *key, cloud_fetch_fn *fetch,
	struct cloud_ticket *t, uint64_t timeout_ms)
{
	static const struct op_type type = {"cloud cache", flight_wait_cancel, wait_free};
	struct wait *w = NEW(struct wait);
	struct entry *e = cache_find(c, key);
	bool hit = e && !e->suspect && entry_serves(e);

	flight_wait_init(&w->base, &type, c->loop);
	w->ticket = cloud_ticket_ref(t);
	if (!e)
		e = cache_add(c, key, fetch);
	if (hit) {
		w->lookups.hits = 1;
		cloud_secrets_copy(&w->got, &e->got);
		op_finish(&w->base.op);
	} else {
		w->lookups.misses = 1;
		w->began = !e->fetch;
		flight_join(&e->flight, &w->base, timeout_ms);
	}
	if (!e->fetch && (!hit || clock_ms() >= e->ahead_at)) {
		e->ahead = hit;
		e->ticket = cloud_ticket_ref(t);
		fetch_begin(e);
	}
	return &w->base.op;
}

const struct cloud_secrets *cloud_cache_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct wait, base.op)->got;
}

struct cloud_lookups cloud_cache_lookups(const struct op *op)
{
	return CONTAINER_OF(op, const struct wait, base.op)->lookups;
}

bool cloud_cache_refused(
	struct cloud_cache *c, const char *key, const struct secret *first, uint64_t least_ms)
{
	struct entry *e = cache_find(c, key);

	if (!e || !e->has || e->suspect || !secret_equal(&e->got.first, first))
		return true;
	if (clock_ms() < e->refused_until || clock_ms() - e->since < least_ms)
		return false;
	e->refused_until = clock_ms() + LIMIT_CLOUD_REFUSED_MS;
	e->suspect = true;
	return true;
}

void cloud_cache_stats(const struct cloud_cache *c, struct cloud_stats *out)
{
	*out = c->stats;
}
