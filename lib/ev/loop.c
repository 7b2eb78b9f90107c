#include "ev/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "ev/internal.h"

#include <stdio.h>
#include <string.h>

/* Of the ready list, before I/O and timers have their chance: whichever comes first. */
#define ROUNDS 16
#define ROUNDS_NS 500000
/* One round ends after this: two thousand objects may have something to say at once. */
#define ROUND_NS 4000000
/* Before a loop is freed: more turns than anything needs that ends at all. */
#define LAST_TURNS 100000

static void defer_unlink(struct defer *d)
{
	d->prev->next = d->next;
	d->next->prev = d->prev;
	d->next = d->prev = NULL;
	d->queued = false;
}

/* The whole list as it is now: what the callbacks queue comes in the next round. */
static void loop_run_round(struct loop *l)
{
	uint64_t since = uv_hrtime();
	struct defer now = l->ready;

	now.next->prev = now.prev->next = &now;
	l->ready.next = l->ready.prev = &l->ready;
	while (now.next != &now) {
		struct defer *d = now.next;

		defer_unlink(d);
		d->fn(d->arg);
		/* What is left comes first next time. A test's turn is a whole round. */
		if (l->rounds > 1 && now.next != &now && uv_hrtime() - since > ROUND_NS) {
			now.prev->next = l->ready.next;
			l->ready.next->prev = now.prev;
			l->ready.next = now.next;
			now.next->prev = &l->ready;
			return;
		}
	}
}

static bool defer_is_empty(const struct defer *list)
{
	return list->next == list;
}

static void defer_append(struct defer *list, struct defer *d)
{
	d->queued = true;
	d->next = list;
	d->prev = list->prev;
	d->prev->next = d;
	list->prev = d;
}

static uint64_t loop_busy_ns(struct loop *l, uint64_t now, uint64_t idle)
{
	uint64_t passed = now - l->turn_from_ns, waited = idle - l->turn_idle_ns;

	return passed - (waited < passed ? waited : passed);
}

/* One of those who wait for time. What it does may come with the next round: nobody else is chosen
   before. */
static void loop_run_patient(struct loop *l)
{
	struct defer *d = l->patient.next;

	if (d == &l->patient)
		return;
	defer_unlink(d);
	l->chosen = d;
	l->chosen_now = true;
	d->fn(d->arg);
}

static bool loop_is_ready(const struct loop *l)
{
	return !defer_is_empty(&l->ready) || !defer_is_empty(&l->patient);
}

static void loop_run_ready(uv_idle_t *handle)
{
	struct loop *l = handle->data;
	uint64_t since = uv_hrtime();
	unsigned n;

	/*
	 * One thing leads to the next without any I/O: several rounds run before the kernel is
	 * asked, unless they take long.
	 */
	for (n = 0; n < l->rounds && loop_is_ready(l) && (!n || uv_hrtime() - since < ROUNDS_NS);
		n++) {
		if (!defer_is_empty(&l->ready))
			loop_run_round(l);
		loop_run_patient(l);
	}
	if (!loop_is_ready(l))
		uv_idle_stop(&l->idle);
}

/* Runs right before the loop waits: what passed since the last time, less the waiting, is the time
   the loop was busy. */
static void loop_measure(uv_prepare_t *handle)
{
	struct loop *l = handle->data;
	uint64_t now = clock_ns(), idle = uv_metrics_idle_time(&l->uv);

	if (l->turn_from_ns) {
		uint64_t busy = loop_busy_ns(l, now, idle);

		l->stats.busy_ns += busy;
		l->stats.turns++;
		if (busy > l->stats.worst_ns)
			l->stats.worst_ns = busy;
	}
	l->turn_from_ns = now;
	l->turn_idle_ns = idle;
}

struct loop *loop_new(void)
{
	struct loop *l = NEW(struct loop);

	work_setup(l);
	BUG_IF(uv_loop_init(&l->uv));
	BUG_IF(uv_loop_configure(&l->uv, UV_METRICS_IDLE_TIME));
	l->ready.next = l->ready.prev = &l->ready;
	l->patient.next = l->patient.prev = &l->patient;
	l->rounds = 1;
	uv_idle_init(&l->uv, &l->idle);
	l->idle.data = l;
	uv_prepare_init(&l->uv, &l->prepare);
	l->prepare.data = l;
	uv_prepare_start(&l->prepare, loop_measure);
	uv_unref((uv_handle_t *)&l->prepare);
	timers_init(l);
	return l;
}

void loop_run(struct loop *l)
{
	l->stopped = false;
	l->rounds = ROUNDS;
	while (!l->stopped && uv_run(&l->uv, UV_RUN_DEFAULT))
		;
}

bool loop_turn(struct loop *l, bool wait)
{
	l->rounds = 1;
	return uv_run(&l->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT) != 0;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
	uv_stop(&l->uv);
}

void loop_settle(struct loop *l)
{
	unsigned n;

	/* A job that nobody waits for any more ends when it sees its stop flag. */
	for (n = 0; n < LAST_TURNS && (l->jobs || l->dying || loop_is_ready(l)); n++)
		uv_run(&l->uv, loop_is_ready(l) ? UV_RUN_NOWAIT : UV_RUN_ONCE);
}

static void loop_count_open(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle)) {
		fprintf(stderr, "loop_free: a %s handle is still open\n",
			uv_handle_type_name(uv_handle_get_type(handle)));
		++*(int *)arg;
	}
}

int loop_free(struct loop *l)
{
	int open = 0;
	unsigned n;

	loop_settle(l);
	uv_close((uv_handle_t *)&l->idle, NULL);
	uv_close((uv_handle_t *)&l->prepare, NULL);
	timers_close(l);
	/* Let close callbacks run. A ready list that is not empty is a forgotten completion. */
	for (n = 0; n < LAST_TURNS && uv_run(&l->uv, UV_RUN_NOWAIT) && !open; n++)
		uv_walk(&l->uv, loop_count_open, &open);
	uv_walk(&l->uv, loop_count_open, &open);
	if (loop_is_ready(l))
		open++;
	if (open)
		return open;
	BUG_IF(uv_loop_close(&l->uv));
	free(l);
	return 0;
}

void defer_queue(struct loop *l, struct defer *d, void (*fn)(void *arg), void *arg)
{
	if (d->queued)
		return;
	d->fn = fn;
	d->arg = arg;
	defer_append(&l->ready, d);
	uv_idle_start(&l->idle, loop_run_ready);
}

void defer_cancel(struct loop *l, struct defer *d)
{
	if (d->queued)
		defer_unlink(d);
	if (l->chosen == d)
		l->chosen = NULL;
}

bool loop_has_time(struct loop *l, const struct defer *d)
{
	bool chosen = l->chosen == d;

	if (chosen && l->chosen_now) {
		l->chosen_now = false;
		return true;
	}
	if (!chosen && !defer_is_empty(&l->patient))
		return false;
	/* The first turn of all is not measured. */
	return l->turn_from_ns &&
		loop_busy_ns(l, clock_ns(), uv_metrics_idle_time(&l->uv)) < LOOP_BULK_NS;
}

void loop_time_wait(struct loop *l, struct defer *d, void (*fn)(void *arg), void *arg)
{
	if (d->queued)
		return;
	d->fn = fn;
	d->arg = arg;
	defer_append(&l->patient, d);
	uv_idle_start(&l->idle, loop_run_ready);
}

void loop_stats(struct loop *l, struct loop_stats *out)
{
	*out = l->stats;
	l->stats.worst_ns = 0;
}

uint64_t loop_turn_number(const struct loop *l)
{
	return l->stats.turns;
}

void loop_test_advance(struct loop *l, uint64_t ms)
{
	BUG_IF(!clock_is_fake());
	clock_fake_add(ms);
	timers_due(l, &l->timers[0]);
}
