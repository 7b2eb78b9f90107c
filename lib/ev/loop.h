/*
 * The event loop: one libuv loop that owns all state of the process, so nothing here needs a lock.
 * Everything in lib/ev is called on the loop's thread, except what a header says otherwise. lib/ev
 * is the only user of libuv.
 *
 * No callback may hold the loop for more than 10 ms: long work is cut into slices (defer) or goes
 * to a worker (work.h).
 *
 *	struct loop *l = loop_new();
 *	... start things ...
 *	loop_run(l);       until loop_stop() or until nothing is left to wait for
 *	BUG_IF(loop_free(l));
 */
#ifndef EV_LOOP_H
#define EV_LOOP_H
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Something to be called once, soon, from the loop itself and never from inside the caller: the way
   completions travel. Zeroed is idle. Lives in the owner; the owner cancels it before it dies. */
struct defer {
	void (*fn)(void *arg);
	void *arg;
	struct defer *next, *prev;
	bool queued;
};

struct loop *loop_new(void);
void loop_run(struct loop *l);
/* One turn, with one round of the ready list: what is due now, waiting for events only if `wait`.
   True while something is left. For tests. */
bool loop_turn(struct loop *l, bool wait);
void loop_stop(struct loop *l);
/* Turns it until no worker has a job, no process that was cancelled is left and nothing is ready to
   be called: what was dropped has ended. */
void loop_settle(struct loop *l);
/* 0, or the number of handles that somebody forgot (they are named on stderr in test builds, and
   leak). */
int loop_free(struct loop *l);

/* Queues d->fn(d->arg); one that is queued already stays where it is. First in, first out; what is
   queued meanwhile runs in the next round, after all that was queued before. */
void defer_queue(struct loop *l, struct defer *d, void (*fn)(void *arg), void *arg);
void defer_cancel(struct loop *l, struct defer *d);

/*
 * Bulk work (long lists, large documents) is done in small pieces, as long as the turn has not
 * taken LOOP_BULK_NS: all bulk work of a turn together, whoever's it is. What has no time left
 * waits in one line, so that all get on evenly.
 *
 *	while (more) {
 *		if (!loop_has_time(l, &me->turn))
 *			return loop_time_wait(l, &me->turn, go_on, me);
 *	go_on comes back here, now or with its next defer_queue
 *		a piece of well under a millisecond
 *	}
 */
#define LOOP_BULK_NS 6000000
/* d: who asks. Others that wait come first, except in the round in which it was d's turn. That one
   always gets its first piece. */
bool loop_has_time(struct loop *l, const struct defer *d);
/* Calls d->fn(d->arg) when it is d's turn. defer_cancel ends the wait. */
void loop_time_wait(struct loop *l, struct defer *d, void (*fn)(void *arg), void *arg);

/* How long the loop was busy between two waits: the worst since the last call (which resets it),
   and the sum since the start. */
struct loop_stats {
	uint64_t worst_ns, busy_ns, turns;
};
void loop_stats(struct loop *l, struct loop_stats *out);
/* Another number in each turn: tells two callbacks of one turn from two of different ones. */
uint64_t loop_turn_number(const struct loop *l);

/* Tests only, after clock_fake(): moves the clock and runs the timers that became due. */
void loop_test_advance(struct loop *l, uint64_t ms);

#endif
