/*
 * What the files of the frame share: cloud.c (logins), cache.c (what is kept), ask.c (requests). No
 * provider includes this. Loop thread.
 */
#ifndef CLOUD_FRAME_H
#define CLOUD_FRAME_H
#include "cloud/provider.h"
#include "ev/flight.h"

struct cloud_cache;

/*
 * Secrets by key, each with one flight for all who miss it. From 70 % of its life on the next one
 * is fetched while the old one serves, to 95 % of it and for max_life_ms at most; when that fails
 * it is tried again every half a minute. The wall clock and the monotonic one both have to agree.
 */
struct cloud_cache *cloud_cache_new(struct loop *l, size_t max, uint64_t max_life_ms);
void cloud_cache_stop(struct cloud_cache *c);
void cloud_cache_free(struct cloud_cache *c); /* NULL is fine */

/* Starts what the key stands for: a task that begins with a struct cloud_fetch. */
typedef struct op *cloud_fetch_fn(struct cloud_ticket *t);

/* key holds no secret. */
struct op *cloud_cache_start(struct cloud_cache *c, const char *key, cloud_fetch_fn *fetch,
	struct cloud_ticket *t, uint64_t timeout_ms);
/* How long it is worth while to wait: as long as there is one that serves, which only was refused
   to somebody, others are not held up for a better one. */
uint64_t cloud_cache_patience(struct cloud_cache *c, const char *key, uint64_t timeout_ms);
/* Of a successful op; borrowed from it. */
const struct cloud_secrets *cloud_cache_result(const struct op *op);
/* This lookup, and those of the flight that it began. */
struct cloud_lookups cloud_cache_lookups(const struct op *op);
/* If `first` is still the one that is kept: the next one is waited for, and this one serves on only
   when there is none. True: another one comes, or is there; false: this one is younger than
   least_ms, or one was refused less than LIMIT_CLOUD_REFUSED_MS ago, and stays as it is. */
bool cloud_cache_refused(
	struct cloud_cache *c, const char *key, const struct secret *first, uint64_t least_ms);
void cloud_cache_stats(const struct cloud_cache *c, struct cloud_stats *out);

struct cloud_tally *cloud_tally_new(void);
void cloud_tally_free(struct cloud_tally *t);

#endif
