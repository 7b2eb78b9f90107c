/*
 * Timers: one heap over one libuv timer, so ten thousand objects cost ten thousand small structs.
 * They follow base/clock (tests move it); a timer made with timer_init_real follows real time even
 * then (libcurl's own timeouts need that).
 * The struct lives in its owner, who cancels it before it dies. Milliseconds. Loop thread.
 */
#ifndef EV_TIMER_H
#define EV_TIMER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

struct timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	uint64_t at; /* on clock_ms() */
	size_t pos; /* in the heap, from 1; 0 when not set */
	unsigned real; /* which heap */
};

void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
void timer_init_real(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
/* Fires once, after ms (0: in the next turn; up to one millisecond of it had passed already). A
   timer that is set is moved. */
void timer_set(struct timer *t, uint64_t ms);
void timer_cancel(struct timer *t);
bool timer_is_set(const struct timer *t);
/* How long until it fires; 0 when due or not set. */
uint64_t timer_left(const struct timer *t);

#endif
