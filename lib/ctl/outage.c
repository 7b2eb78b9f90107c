#include "ctl/outage.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/run.h"

#include <string.h>

/* ---- the grace of an object ------------------------------------------------------------------ */

static int64_t grace_of(const struct run *r)
{
	return r->spec->grace_ms ? r->spec->grace_ms : (int64_t)r->c->opts.outage_grace_ms;
}

static bool passes(const struct run *r)
{
	return r->task.err.kind != ERR_NONE && r->task.err.kind != ERR_STALL &&
		r->c->kind->excused && r->c->kind->excused(r);
}

/* It was Ready with what its spec says now. */
static bool was_ready(const struct run *r)
{
	return cond_is(&r->conds_before, COND_READY, COND_TRUE) &&
		obj_int(-1, r->first, "status", "observedGeneration") == r->generation;
}

/* When it began; now, when this is the first failure. */
static int64_t outage_since(const struct run *r)
{
	const struct cond *c = cond_get(&r->conds_before, COND_OUTAGE);
	struct err ignored = {0};
	int64_t ms;

	return c && !time_parse_rfc3339(c->since, &ms, &ignored) ? ms : clock_wall_ms();
}

bool outage_excuses(const struct run *r)
{
	return r->mode == RUN_WORK && grace_of(r) > 0 && passes(r) && was_ready(r) &&
		clock_wall_ms() - outage_since(r) < grace_of(r);
}

bool outage_is_quiet(const struct run *r)
{
	return grace_of(r) > 0 && r->first && was_ready(r) &&
		(cond_get(&r->conds_before, COND_OUTAGE) || !r->c->kind->behind ||
			!r->c->kind->behind(r));
}

/* What Ready is when nothing is wrong. */
static const struct cond *positive_of(const struct run *r)
{
	const char *const *type;
	const struct cond *c;

	for (type = r->c->kind->conditions; *type; type++) {
		c = cond_in(r->c->kind->negative, *type) ? NULL : cond_get(&r->conds, *type);
		if (c)
			return c;
	}
	return cond_get(&r->conds_before, COND_READY);
}

void outage_conditions(struct run *r, json_t *status)
{
	auto_free char *message = NULL;
	const struct cond *fine;
	const char *const *type;
	char since[TIME_TEXT_MAX];

	if (r->c->kind->failed)
		r->c->kind->failed(r, status);
	for (type = r->c->kind->negative; *type; type++)
		cond_del(&r->conds, *type);
	fine = positive_of(r);
	message = mem_printf("%s; since %s: %s", fine->message,
		time_format_rfc3339(outage_since(r), since), r->task.err.msg);
	cond_put(&r->conds, COND_READY, COND_TRUE, fine->reason, "%s", message);
	/* Always in the same words: its time is that of the beginning. */
	cond_put(&r->conds, COND_OUTAGE, COND_TRUE, "HostUnavailable",
		"the %s does not answer as it should; what it gave before stays Ready",
		r->c->kind->host_noun ? r->c->kind->host_noun : "host");
}

enum queue_next outage_bound(const struct run *r, enum queue_next next, uint64_t *ms)
{
	const struct queue_item *q = &r->item->queue_item;
	const struct queue_opts *o = &r->c->queue.opts;
	uint64_t wait = queue_backoff_ms(o->min_retry_ms, o->max_retry_ms, q->failures);
	int64_t left;

	if (!r->excused || (next != QUEUE_BACKOFF && next != QUEUE_WAIT))
		return next;
	if (next == QUEUE_WAIT || *ms > wait)
		wait = *ms;
	left = outage_since(r) + grace_of(r) - clock_wall_ms();
	if ((int64_t)wait <= left)
		return next;
	*ms = left > 0 ? (uint64_t)left : 0;
	return QUEUE_WAIT;
}

/* ---- who was told ---------------------------------------------------------------------------- */

static char *outage_key(const struct run *r)
{
	return mem_printf("%s|%s", r->ns, r->item->host);
}

/* What was told of it. */
struct outage {
	struct lru_item item;
	/* Objects were kept Ready: they will want to hear of its end. */
	bool kept;
	/* One that was not kept has succeeded: what fails next is another outage, if the objects
	   that were kept are not heard of any more. */
	bool ending;
	bool past; /* of one of them the grace has ended, which was told, too */
};

static void outage_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct outage, item));
}

void outage_init(struct controller *c)
{
	lru_init(&c->outages, OUTAGES_MAX, NULL, outage_free);
}

static struct outage *outage_find(struct run *r, const char *key)
{
	struct lru_item *it = lru_get(&r->c->outages, key);

	return it ? CONTAINER_OF(it, struct outage, item) : NULL;
}

bool outage_told(struct run *r)
{
	auto_free char *key = NULL;
	struct outage *o;
	bool known;

	if (!passes(r) || !*r->item->host)
		return false;
	key = outage_key(r);
	o = outage_find(r, key);
	known = o && !o->ending;
	if (known && !o->past && !r->excused && cond_get(&r->conds_before, COND_OUTAGE)) {
		o->past = true;
		return false;
	}
	if (!o) {
		o = NEW(struct outage);
		lru_add(&r->c->outages, key, &o->item);
	}
	o->past = o->past && known;
	o->ending = false;
	o->kept = r->excused || (known && o->kept);
	return known;
}

bool outage_over(struct run *r)
{
	auto_free char *key = NULL;
	struct outage *o;
	bool kept;

	if (!lru_newest(&r->c->outages))
		return false;
	key = outage_key(r);
	o = outage_find(r, key);
	if (!o)
		return false;
	kept = o->kept;
	/* One that was kept Ready has to say so. */
	if (kept && !cond_get(&r->conds_before, COND_OUTAGE)) {
		o->ending = true;
		return false;
	}
	lru_drop(&r->c->outages, &o->item);
	return kept;
}

void outage_clear(struct controller *c)
{
	lru_clear(&c->outages);
}
