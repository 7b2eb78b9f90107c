#include "ev/work.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/internal.h"
#include "ev/op.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MIN 2

struct work {
	struct op op;
	uv_work_t req;
	enum work_lane lane;
	struct work_owner *owner; /* NULL in the short lane */
	bool queued; /* handed to libuv */
	work_fn *run;
	void (*free_job)(void *job);
	void *job;
	atomic_bool stop;
	struct err result; /* written by the worker */
	struct list link; /* in the waiting ones of its owner */
};

/* Lives as long as it has jobs. */
struct work_owner {
	char *name;
	unsigned running;
	struct list waiting; /* of struct work */
	struct list link; /* in the owners */
};

static unsigned at_least_one(long n)
{
	return n < 1 ? 1 : (unsigned)n;
}

void work_setup(struct loop *l)
{
	const char *set = getenv("UV_THREADPOOL_SIZE");
	long n = set ? strtol(set, NULL, 10) : 0;
	char text[16];

	if (n < THREADS_MIN) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		/* One that only short jobs get, one that bulk leaves, one that another owner finds;
		   and a bound, because each thread costs memory. */
		n = cpus < 2 ? 4 : cpus > 7 ? 10 : cpus + 3;
		snprintf(text, sizeof(text), "%ld", n);
		setenv("UV_THREADPOOL_SIZE", text, 1);
	}
	l->work.max = (unsigned)n - 1;
	l->work.bulk_max = at_least_one(n - 2);
	l->work.owner_max = at_least_one(n - 3);
	list_init(&l->work.owners);
}

/* ---- whose turn it is ------------------------------------------------------------------------ */

static struct work_owner *owner_find(struct work_lines *q, const char *name)
{
	struct work_owner *o;
	struct list *at;

	list_each (&q->owners, at) {
		o = CONTAINER_OF(at, struct work_owner, link);
		if (!strcmp(o->name, name))
			return o;
	}
	o = NEW(struct work_owner);
	o->name = mem_strdup(name);
	list_init(&o->waiting);
	list_add(&q->owners, &o->link);
	return o;
}

static void owner_free_if_idle(struct work_owner *o)
{
	if (o->running || !list_empty(&o->waiting))
		return;
	list_out(&o->link);
	free(o->name);
	free(o);
}

static unsigned *work_running(struct work *w)
{
	struct work_stats *now = &w->op.loop->work.now;

	return w->lane == WORK_BULK ? &now->bulk_running : &now->heavy_running;
}

static unsigned *work_waiting(struct work *w)
{
	struct work_stats *now = &w->op.loop->work.now;

	return w->lane == WORK_BULK ? &now->bulk_waiting : &now->heavy_waiting;
}

static void work_wait_append(struct work *w)
{
	list_add(&w->owner->waiting, &w->link);
	++*work_waiting(w);
}

static void work_wait_unlink(struct work *w)
{
	list_out(&w->link);
	--*work_waiting(w);
}

/* The first of its jobs that may run now: a heavy one does not wait behind a bulk one. */
static struct work *owner_next(const struct work_lines *q, const struct work_owner *o)
{
	struct list *at;

	if (*o->name && o->running >= q->owner_max)
		return NULL;
	list_each (&o->waiting, at) {
		struct work *w = CONTAINER_OF(at, struct work, link);

		if (w->lane != WORK_BULK || q->now.bulk_running < q->bulk_max)
			return w;
	}
	return NULL;
}

static struct work *work_next(const struct work_lines *q)
{
	struct work *w = NULL;
	struct list *at;

	if (q->now.heavy_running + q->now.bulk_running >= q->max)
		return NULL;
	list_each (&q->owners, at) {
		w = owner_next(q, CONTAINER_OF(at, struct work_owner, link));
		if (w)
			break;
	}
	return w;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void work_dispatch(struct loop *l);

static void work_on_worker(uv_work_t *req)
{
	struct work *w = CONTAINER_OF(req, struct work, req);

	if (w->stop)
		err_set(&w->result, ERR_CANCELED, "canceled");
	else
		w->run(w->job, &w->stop, &w->result);
}

static void work_after(uv_work_t *req, int status)
{
	struct work *w = CONTAINER_OF(req, struct work, req);
	struct loop *l = w->op.loop;

	l->jobs--;
	if (w->owner) {
		w->owner->running--;
		--*work_running(w);
		owner_free_if_idle(MOVE(w->owner));
	}
	if (status == UV_ECANCELED)
		err_set(&w->result, ERR_CANCELED, "canceled");
	op_end(&w->op, &w->result);
	work_dispatch(l);
}

static void work_submit(struct work *w)
{
	w->queued = true;
	w->op.loop->jobs++;
	BUG_IF(uv_queue_work(&w->op.loop->uv, &w->req, work_on_worker, work_after));
}

static void work_dispatch(struct loop *l)
{
	struct work *w;

	while ((w = work_next(&l->work))) {
		work_wait_unlink(w);
		w->owner->running++;
		++*work_running(w);
		/* All others come first now. */
		list_to_end(&l->work.owners, &w->owner->link);
		work_submit(w);
	}
}

static void work_cancel(struct op *op)
{
	struct work *w = CONTAINER_OF(op, struct work, op);

	w->stop = true;
	if (w->queued) {
		uv_cancel((uv_req_t *)&w->req); /* a running one goes on until it sees stop */
		return;
	}
	work_wait_unlink(w);
	owner_free_if_idle(MOVE(w->owner));
	op_finish(op);
}

static void work_free(struct op *op)
{
	struct work *w = CONTAINER_OF(op, struct work, op);

	if (w->free_job)
		w->free_job(w->job);
	free(w);
}

struct op *work_start_for(struct loop *l, enum work_lane lane, const char *owner, work_fn *run,
	void (*free_job)(void *job), void *job)
{
	static const struct op_type type = {"work", work_cancel, work_free};
	struct work *w = NEW(struct work);

	op_init(&w->op, l, &type);
	w->lane = lane;
	w->run = run;
	w->free_job = free_job;
	w->job = job;
	if (lane == WORK_SHORT) {
		work_submit(w);
		return &w->op;
	}
	w->owner = owner_find(&l->work, owner ? owner : "");
	work_wait_append(w);
	work_dispatch(l);
	return &w->op;
}

struct op *work_start(
	struct loop *l, enum work_lane lane, work_fn *run, void (*free_job)(void *job), void *job)
{
	return work_start_for(l, lane, NULL, run, free_job, job);
}

void work_disown(struct op *op)
{
	struct work *w = CONTAINER_OF(op, struct work, op);
	struct work_owner *old = w->owner;

	if (!old || w->queued)
		return;
	work_wait_unlink(w);
	owner_free_if_idle(old);
	w->owner = owner_find(&op->loop->work, "");
	work_wait_append(w);
	work_dispatch(op->loop);
}

void *work_job(struct op *op)
{
	return CONTAINER_OF(op, struct work, op)->job;
}

enum work_lane work_lane_of(uint64_t bytes)
{
	return bytes > LIMIT_WORK_BULK ? WORK_BULK : WORK_HEAVY;
}

void work_stats(const struct loop *l, struct work_stats *out)
{
	*out = l->work.now;
}

unsigned work_jobs(const struct loop *l)
{
	return l->jobs;
}
