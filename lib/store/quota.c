#include "store/quota.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/gc.h"

#include <stdlib.h>

#define LOOK_MS 1000
#define TELL_MS 10000 /* between two times that all who wait are told */

/* ---- what gives way -------------------------------------------------------------------------- */

static uint64_t taken(const struct store *s)
{
	return s->index.bytes + s->quota.reserved;
}

static bool fits(const struct store *s, uint64_t bytes)
{
	return !s->quota.max || (bytes <= s->quota.max && taken(s) <= s->quota.max - bytes);
}

static int by_age(const void *a, const void *b)
{
	const struct store_entry *const *x = a, *const *y = b;

	return ((*x)->superseded_at > (*y)->superseded_at) -
		((*x)->superseded_at < (*y)->superseded_at);
}

struct candidates {
	VEC(struct store_entry *) p;
	uint64_t bytes;
};

static void candidates_find(struct store *s, struct candidates *c)
{
	struct store_seat walk;
	struct store_object *o;
	struct list *at;

	/* Before the first list nobody has said what the statuses name. */
	if (!s->index.listed)
		return;
	index_walk_begin(&s->index, &walk);
	while ((o = index_walk_next(&s->index, &walk)))
		list_each (&o->entries, at)
			if (going_may(index_entry_at(at))) {
				*vec_add(&c->p) = index_entry_at(at);
				c->bytes += index_entry_at(at)->f.size;
			}
}

bool quota_has_room(struct store *s, uint64_t bytes)
{
	struct quota *q = &s->quota;
	struct candidates c = {0};
	uint64_t left;

	if (fits(s, bytes))
		return true;
	/* Many may ask while nothing changes. */
	if (!q->counted) {
		candidates_find(s, &c);
		q->may_go = c.bytes;
		q->counted = true;
		vec_clear(&c.p);
	}
	left = taken(s) - q->may_go;
	return bytes <= s->quota.max && left <= s->quota.max - bytes;
}

/* The oldest, until there is room. */
static void candidates_choose(struct store *s, uint64_t bytes, struct going *g)
{
	struct candidates c = {0};
	size_t i;

	candidates_find(s, &c);
	if (c.p.len)
		qsort(c.p.p, c.p.len, sizeof(*c.p.p), by_age);
	for (i = 0; i < c.p.len && !fits(s, bytes); i++)
		going_add(s, g, c.p.p[i]);
	vec_clear(&c.p);
}

/* ---- room for one ---------------------------------------------------------------------------- */

struct room {
	struct job job;
	struct going going;
	uint64_t bytes, held;
	bool must, reserved;
};

static double mib(uint64_t bytes)
{
	return (double)bytes / (double)LIMIT_MIB;
}

/* What it holds it gives back now: it needs room for all of it when it comes again. */
static int refuse(struct store *s, uint64_t bytes, uint64_t held, struct err *err)
{
	struct quota *q = &s->quota;

	q->refused++;
	if (!q->least || held + bytes < q->least)
		q->least = held + bytes;
	return err_code(err, ERR_RETRY, STORE_OVER_QUOTA,
		"no room in the storage quota of %.1f MiB (--storage-quota): %.1f MiB are taken, "
		"%.1f MiB more are needed",
		mib(q->max), mib(taken(s)), mib(bytes));
}

static int reserve(struct room *r, struct err *err)
{
	struct store *s = r->job.store;

	if (!r->must && !fits(s, r->bytes))
		return refuse(s, r->bytes, r->held, err);
	s->quota.reserved += r->bytes;
	r->reserved = true;
	return 0;
}

static int room_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	return going_run(&((struct room *)job)->going, job->root, stop, err);
}

static void room_done(struct job *job)
{
	struct room *r = (struct room *)job;

	going_done(job->store, &r->going);
	/* What must be brought is let in, whatever could not be removed for it. */
	if (r->must)
		err_clear(&job->err);
	if (!job->err.kind && !job->op.cancelled)
		(void)!reserve(r, &job->err);
}

static void room_free(struct job *job)
{
	struct room *r = (struct room *)job;

	going_clear(&r->going);
	if (r->reserved)
		store_room_release(job->store, r->bytes);
}

struct op *store_room_start(struct store *s, uint64_t bytes, uint64_t held, bool must)
{
	static const struct job_type type = {
		"store room", WORK_SHORT, room_run, room_done, room_free, false};
	struct room *r = job_new(s, struct room, &type);
	struct err err = {0};

	r->bytes = bytes;
	r->held = held;
	r->must = must;
	/* Where all that may go would not be enough, nothing goes. */
	if (!fits(s, bytes) && (must || quota_has_room(s, bytes)))
		candidates_choose(s, bytes, &r->going);
	if (r->going.paths.len)
		return job_start(&r->job);
	return reserve(r, &err) ? job_failed(&r->job, &err) : job_nothing(&r->job);
}

uint64_t store_room_take(struct op *op)
{
	struct room *r = (struct room *)op;

	BUG_IF(!op->done || op->err.kind || !r->reserved);
	r->reserved = false;
	return r->bytes;
}

void store_room_release(struct store *s, uint64_t bytes)
{
	BUG_IF(bytes > s->quota.reserved);
	s->quota.reserved -= bytes;
	quota_changed(s);
}

/* ---- who was refused ------------------------------------------------------------------------- */

static void quota_look(void *arg)
{
	struct store *s = arg;

	if (!s->quota.least || !quota_has_room(s, s->quota.least))
		return;
	s->quota.least = 0;
	s->quota.told_at = clock_ms();
	if (s->on_room)
		s->on_room(s->arg);
}

void quota_changed(struct store *s)
{
	struct quota *q = &s->quota;
	uint64_t since = clock_ms() - q->told_at;

	q->counted = false;
	if (!q->least || s->closed || timer_is_set(&q->timer))
		return;
	timer_init(&q->timer, s->loop, quota_look, s);
	timer_set(&q->timer, q->told_at && since < TELL_MS - LOOK_MS ? TELL_MS - since : LOOK_MS);
}
