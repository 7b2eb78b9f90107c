/*
 * The work queue of a controller: when each object's run is due, and that no object has two runs at
 * a time. One timer per object in the loop's heap; an idle object costs one struct queue_item,
 * which its owner embeds. Loop thread.
 *
 * An item is idle, waiting for its time, ready (due, in line for its turn), or running. queue_add
 * makes it due; during a run it is remembered and comes right after. Where an item waits and what
 * it may hold while it runs is `place`'s to say (turns.h): an item that waits costs no run. When a
 * run ends, `ended` says when to come back. Cancel a run with queue_cancel: the item stays running
 * until the run has ended, so the same key is never started twice.
 *
 *	queue_init(&q, &(struct queue_opts){.loop = l, .place = place, .start = start,
 *		.ended = ended, .arg = me});
 *	queue_item_init(&item->q, &q);   queue_add(&item->q);
 */
#ifndef CTL_QUEUE_H
#define CTL_QUEUE_H
#include "ctl/turns.h"
#include "ev/loop.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct queue;
struct queue_item;
struct task;

enum queue_next {
	QUEUE_STOP, /* not again by itself: stalled, suspended, deleted */
	QUEUE_NOW, /* at once */
	QUEUE_AGAIN, /* at once, and the failure count stays: the same try goes on in another way */
	QUEUE_AFTER, /* after *ms; the failure count is reset */
	QUEUE_WAIT, /* after *ms; the failure count stays: nothing was tried */
	/* A failure: min_retry doubled with each one in a row, at most max_retry. A *ms that is
	   longer counts instead, and up to a tenth of it more: who was told the same time must not
	   come back as one. */
	QUEUE_BACKOFF,
};

struct queue_opts {
	struct loop *loop;
	/* In which line this item waits, and under whose name. Borrowed strings in *ask. */
	struct turns *(*place)(void *arg, struct queue_item *item, struct turn_ask *ask);
	/* Spawns a run of this item, which the queue owns. NULL: not now, somebody will add it
	   again. */
	struct task *(*start)(void *arg, struct queue_item *item);
	/* The run is over (it is freed after this call): when next? */
	enum queue_next (*ended)(
		void *arg, struct queue_item *item, struct task *run, uint64_t *ms);
	/* The item is idle and was asked to go (queue_remove): its owner may free it now. */
	void (*removed)(void *arg, struct queue_item *item);
	void *arg;
	uint64_t min_retry_ms; /* 0: 750 */
	uint64_t max_retry_ms; /* 0: 15 min */
};

struct queue_item {
	struct queue *queue;
	struct timer timer;
	struct task *run;
	struct turn
		turn; /* waits while ready, holds a place during a run until queue_leave_place */
	struct queue_item *next; /* in the line of the idle ones that go */
	uint64_t run_since_ms;
	uint64_t due_ns; /* on clock_ns(): ready since then, or when it was */
	unsigned failures;
	bool again, leaving;
};

struct queue {
	struct queue_opts opts;
	unsigned running, ready;
	bool draining;
	struct queue_item *gone, **gone_last;
	struct defer farewell;
	uint64_t adds, retries; /* since the start, for metrics */
};

void queue_init(struct queue *q, const struct queue_opts *opts);
void queue_item_init(struct queue_item *i, struct queue *q);

/* Due now. One that is ready already stays where it is in its line, unless its place is another
   now. */
void queue_add(struct queue_item *i);
/* Forgets failures: the next back-off begins anew. */
void queue_reset(struct queue_item *i);
/* Cancels the run in flight, if there is one; cause as in task_cancel. */
void queue_cancel(struct queue_item *i, int cause);
/* No more runs of this item: cancels one in flight, then `removed` is called (later, never from
   inside; a few hundred a turn). */
void queue_remove(struct queue_item *i, int cause);
bool queue_is_running(const struct queue_item *i);
/* Whose turn in a line is it? NULL: not one of this queue's. */
struct queue_item *queue_item_of(const struct queue *q, struct turn *turn);
/* Its run goes on, but needs the place no more. */
void queue_leave_place(struct queue_item *i);

/* Starts nothing more; runs in flight go on (queue_cancel them when time is up). */
void queue_drain(struct queue *q);

/* back-off number n (from 0): min * 2^n, at most max */
uint64_t queue_backoff_ms(uint64_t min_ms, uint64_t max_ms, unsigned n);
/* ms moved by up to ±percent, evenly: equal intervals must not fire together. */
uint64_t queue_jitter_ms(uint64_t ms, unsigned percent);

#endif
