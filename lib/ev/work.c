#include "ev/work.h"

#include "base/mem.h"
#include "ev/internal.h"
#include "ev/op.h"

#include <stdlib.h>
#include <unistd.h>

struct work {
	struct op op;
	uv_work_t req;
	enum work_lane lane;
	bool queued; /* handed to libuv */
	work_fn *run;
	void (*free_job)(void *job);
	void *job;
	atomic_bool stop;
	struct err result; /* written by the worker */
	struct work *next; /* in the heavy queue */
};

static void submit(struct work *w);

void work_setup(struct loop *l)
{
	const char *set = getenv("UV_THREADPOOL_SIZE");
	long n = set ? strtol(set, NULL, 10) : 0;
	char text[16];

	if (n < 2) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		/* One more than the processors for the short lane; a bound, because each thread costs memory. */
		n = cpus < 2 ? 3 : cpus > 7 ? 8 : cpus + 2;
		snprintf(text, sizeof(text), "%ld", n);
		setenv("UV_THREADPOOL_SIZE", text, 1);
	}
	l->heavy_max = (unsigned)n - 1;
	l->heavy_last = &l->heavy_first;
}

static void on_worker(uv_work_t *req)
{
	struct work *w = CONTAINER_OF(req, struct work, req);

	if (w->stop)
		err_set(&w->result, ERR_CANCELED, "canceled");
	else
		w->run(w->job, &w->stop, &w->result);
}

static void next_heavy(struct loop *l)
{
	while (l->heavy_first && l->heavy_running < l->heavy_max) {
		struct work *w = l->heavy_first;

		l->heavy_first = w->next;
		if (!l->heavy_first)
			l->heavy_last = &l->heavy_first;
		submit(w);
	}
}

static void after(uv_work_t *req, int status)
{
	struct work *w = CONTAINER_OF(req, struct work, req);
	struct loop *l = w->op.loop;

	if (w->lane == WORK_HEAVY)
		l->heavy_running--;
	if (status == UV_ECANCELED)
		err_set(&w->result, ERR_CANCELED, "canceled");
	op_fail(&w->op, &w->result); /* ERR_NONE in result: success */
	next_heavy(l);
}

static void submit(struct work *w)
{
	w->queued = true;
	if (w->lane == WORK_HEAVY)
		w->op.loop->heavy_running++;
	BUG_IF(uv_queue_work(&w->op.loop->uv, &w->req, on_worker, after));
}

static void work_cancel(struct op *op)
{
	struct work *w = CONTAINER_OF(op, struct work, op);
	struct loop *l = op->loop;
	struct work **at;

	w->stop = true;
	if (w->queued) {
		uv_cancel((uv_req_t *)&w->req); /* a running one goes on until it sees stop */
		return;
	}
	for (at = &l->heavy_first; *at != w; at = &(*at)->next)
		;
	*at = w->next;
	if (!*at)
		l->heavy_last = at;
	op_finish(op);
}

static void work_free(struct op *op)
{
	struct work *w = CONTAINER_OF(op, struct work, op);

	if (w->free_job)
		w->free_job(w->job);
	free(w);
}

struct op *work_start(
	struct loop *l, enum work_lane lane, work_fn *run, void (*free_job)(void *job), void *job)
{
	static const struct op_type type = {"work", work_cancel, work_free};
	struct work *w = NEW(struct work);

	op_init(&w->op, l, &type);
	w->lane = lane;
	w->run = run;
	w->free_job = free_job;
	w->job = job;
	if (lane == WORK_HEAVY && l->heavy_running >= l->heavy_max) {
		*l->heavy_last = w;
		l->heavy_last = &w->next;
	} else {
		submit(w);
	}
	return &w->op;
}

void *work_job(struct op *op)
{
	return CONTAINER_OF(op, struct work, op)->job;
}
