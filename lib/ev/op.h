/*
 * An operation in flight: something that ends later, exactly once, with success, failure or
 * ERR_CANCELED. Failing to start arrives the same way, so there is no second path. The contract is
 * libuv's (docs/src/request.rst), tightened:
 *
 * - The completion is delivered from the loop, never from inside the call that started, cancelled
 *   or finished the op.
 * - op_cancel asks; the op still ends by itself. Its memory lives until it has ended: a running
 *   worker cannot be stopped.
 * - Whoever started it owns it and its result, and frees it with op_free once it is done; op_drop
 *   frees whenever that will be.
 *
 * For callers:
 *	struct op *op = http_start(client, &req);
 *	op_then(op, on_done, me);
 *	... on_done(op, me): look at op->err.kind, use the result, op_free(op)
 * (steps of a task say `return task_wait(t, op)` instead).
 *
 * For implementers: embed struct op first, op_init, and call op_finish or op_end once. Loop thread.
 */
#ifndef EV_OP_H
#define EV_OP_H
#include "base/err.h"
#include "ev/loop.h"

struct op;

struct op_type {
	const char *name;
	/* Make it end soon, by op_finish or op_end as always (the kind becomes ERR_CANCELED by
	   itself). Called at most once. */
	void (*cancel)(struct op *op);
	/* Release the op and its result. */
	void (*free)(struct op *op);
};

struct op {
	const struct op_type *type;
	struct loop *loop;
	struct err err; /* kind ERR_NONE: success. Valid once done */
	bool finishing; /* the end is queued */
	bool done; /* the end was delivered */
	bool cancelled;
	bool dropped;
	void (*on_done)(struct op *op, void *arg);
	void *arg;
	struct defer defer;
};

/* ---- callers */
void op_then(struct op *op, void (*on_done)(struct op *op, void *arg), void *arg);
/* Any time; no effect once it has ended or begun to. */
void op_cancel(struct op *op);
/* NULL is fine; otherwise it must be done. */
void op_free(struct op *op);
/* Nobody waits any more: cancelled if still running, freed by itself when done. NULL is fine. */
void op_drop(struct op *op);

/* ---- implementers */
void op_init(struct op *op, struct loop *l, const struct op_type *type);
/* It ends well, or as op->err says. */
void op_finish(struct op *op);
/* It ends as *err says, which is copied; ERR_NONE is success. */
void op_end(struct op *op, const struct err *err);

/* An op that has already failed; for a start function that finds its input wrong. */
struct op *op_failed(struct loop *l, const struct err *err);

#endif
