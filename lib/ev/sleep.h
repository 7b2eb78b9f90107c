/*
 * Waiting as an op: for a step that has nothing to do for a while. It follows base/clock, as timers
 * do. Loop thread.
 *
 *	return task_wait(t, sleep_start(loop, 500));
 */
#ifndef EV_SLEEP_H
#define EV_SLEEP_H
#include <stdint.h>

struct loop;
struct op;

/* Succeeds after ms; a cancel ends it at once. */
struct op *sleep_start(struct loop *l, uint64_t ms);

#endif
