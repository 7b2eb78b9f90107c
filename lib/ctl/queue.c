#include "ctl/queue.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "ev/op.h"
#include "ev/task.h"

#include <stdlib.h>

#define FAREWELLS_AT_ONCE 200

void queue_init(struct queue *q, const struct queue_opts *opts)
{
	*q = (struct queue){.opts = *opts};
	q->gone_last = &q->gone;
	if (!q->opts.min_retry_ms)
		q->opts.min_retry_ms = 750;
	if (!q->opts.max_retry_ms)
		q->opts.max_retry_ms = 15 * 60 * 1000;
}

static bool is_ready(const struct queue_item *i)
{
	return i->turn.state == TURN_WAITING;
}

static void line_out(struct queue_item *i)
{
	if (!is_ready(i))
		return;
	turn_leave(&i->turn);
	i->queue->ready--;
}

static void run_ended(struct op *op, void *arg);

static void item_granted(void *arg)
{
	struct queue_item *i = arg;
	struct queue *q = i->queue;

	q->ready--;
	i->run = q->draining ? NULL : q->opts.start(q->opts.arg, i);
	if (!i->run) {
		turn_leave(&i->turn);
		return;
	}
	q->running++;
	i->run_since_ms = clock_ms();
	op_then(&i->run->self, run_ended, i);
}

static void line_in(struct queue_item *i)
{
	struct queue *q = i->queue;
	struct turn_ask ask = {0};
	struct turns *turns = q->opts.place(q->opts.arg, i, &ask);

	if (is_ready(i) && turn_is_for(&i->turn, turns, &ask))
		return;
	if (is_ready(i)) {
		line_out(i);
	} else {
		q->adds++;
		i->due_ns = clock_ns();
	}
	turn_init(&i->turn, turns, item_granted, i);
	q->ready++;
	turn_wait(&i->turn, &ask);
}

static void item_timer_fired(void *arg)
{
	line_in(arg);
}

void queue_item_init(struct queue_item *i, struct queue *q)
{
	*i = (struct queue_item){.queue = q};
	turn_init(&i->turn, NULL, NULL, NULL);
	timer_init(&i->timer, q->opts.loop, item_timer_fired, i);
}

static void item_tell_gone(void *arg)
{
	struct queue_item *i = arg;

	i->queue->opts.removed(i->queue->opts.arg, i);
}

/* When to try again; named: a time that somebody gave, 0 for none. */
static uint64_t item_backoff_ms(struct queue_item *i, uint64_t named)
{
	struct queue *q = i->queue;
	uint64_t ms = queue_backoff_ms(q->opts.min_retry_ms, q->opts.max_retry_ms, i->failures++);

	q->retries++;
	return named > ms ? named + (uint64_t)random() % (named / 10 + 1) : ms;
}

static void run_ended(struct op *op, void *arg)
{
	struct queue_item *i = arg;
	struct queue *q = i->queue;
	uint64_t ms = 0;
	enum queue_next next = q->opts.ended(q->opts.arg, i, i->run, &ms);

	i->run = NULL;
	q->running--;
	op_free(op);
	turn_leave(&i->turn);
	if (i->leaving) {
		/* The owner frees the item in there: touch it no more. */
		item_tell_gone(i);
		return;
	}
	if (next == QUEUE_BACKOFF)
		ms = item_backoff_ms(i, ms);
	else if (next != QUEUE_AGAIN && next != QUEUE_WAIT)
		i->failures = 0;
	if (i->again || next == QUEUE_NOW || next == QUEUE_AGAIN) {
		i->again = false;
		line_in(i);
	} else if (next != QUEUE_STOP) {
		timer_set(&i->timer, ms);
	}
}

void queue_add(struct queue_item *i)
{
	if (i->leaving)
		return;
	timer_cancel(&i->timer);
	if (i->run)
		i->again = true;
	else
		line_in(i);
}

void queue_reset(struct queue_item *i)
{
	i->failures = 0;
}

void queue_cancel(struct queue_item *i, int cause)
{
	if (i->run)
		task_cancel(i->run, cause);
}

/* From the loop, as every completion: the owner may still be using the item. */
static void items_farewell(void *arg)
{
	struct queue *q = arg;
	int n;

	for (n = 0; q->gone && n < FAREWELLS_AT_ONCE; n++) {
		struct queue_item *i = q->gone;

		q->gone = i->next;
		if (!q->gone)
			q->gone_last = &q->gone;
		item_tell_gone(i);
	}
	if (q->gone)
		defer_queue(q->opts.loop, &q->farewell, items_farewell, q);
}

void queue_remove(struct queue_item *i, int cause)
{
	struct queue *q = i->queue;

	if (i->leaving)
		return;
	i->leaving = true;
	timer_cancel(&i->timer);
	line_out(i);
	if (i->run) {
		queue_cancel(i, cause);
		return;
	}
	i->next = NULL;
	*q->gone_last = i;
	q->gone_last = &i->next;
	defer_queue(q->opts.loop, &q->farewell, items_farewell, q);
}

bool queue_is_running(const struct queue_item *i)
{
	return i->run != NULL;
}

struct queue_item *queue_item_of(const struct queue *q, struct turn *turn)
{
	struct queue_item *i = CONTAINER_OF(turn, struct queue_item, turn);

	return turn->granted == item_granted && i->queue == q ? i : NULL;
}

void queue_leave_place(struct queue_item *i)
{
	turn_leave(&i->turn);
}

void queue_drain(struct queue *q)
{
	q->draining = true;
}

uint64_t queue_backoff_ms(uint64_t min_ms, uint64_t max_ms, unsigned n)
{
	while (n-- && min_ms < max_ms)
		min_ms *= 2;
	return min_ms < max_ms ? min_ms : max_ms;
}

uint64_t queue_jitter_ms(uint64_t ms, unsigned percent)
{
	uint64_t span = ms / 100 * percent + ms % 100 * percent / 100;

	return span ? ms - span + (uint64_t)random() % (2 * span + 1) : ms;
}
