/*
 * A counting gate: at most `max` holders at a time, the others wait in line. Loop thread.
 *
 *	return task_wait(t, gate_wait_start(&gate));     a step; then, in its resume:
 *	gate_enter(t->op); r->inside = true;             without this the place goes back when the op is freed (a cancel in between)
 *	...
 *	gate_release(&gate);
 */
#ifndef EV_GATE_H
#define EV_GATE_H

struct loop;
struct op;
struct gate_wait;

struct gate {
	struct loop *loop;
	unsigned max, held, waiting;
	struct gate_wait *first, **last;
};

void gate_init(struct gate *g, struct loop *l, unsigned max);
/* Succeeds when a place is free. */
struct op *gate_wait_start(struct gate *g);
/* Of an op that succeeded: the place is the caller's from now on, who releases it. */
void gate_enter(struct op *op);
void gate_release(struct gate *g);

#endif
