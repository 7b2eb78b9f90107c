/*
 * Many who wait for one piece of work: a token, a password. The work is one op, that belongs to
 * whoever keeps the result; each who waits has an op and a time of their own, and takes nothing
 * from the others by giving up. When the last one has gone, the work is told (`deserted`), and may
 * be cancelled: without anybody who waits there is no reason to hold a connection. Loop thread.
 *
 *	struct wait { struct flight_wait base; struct secret token; };
 *	flight_join(&entry->flight, &w->base, &type, loop, timeout_ms);
 *	... the work has ended: flight_land(&entry->flight, &op->err, give); it calls
 *	give(flight, &w->base) for each before its op ends
 */
#ifndef EV_FLIGHT_H
#define EV_FLIGHT_H
#include "base/list.h"
#include "ev/op.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct flight_wait;

struct flight {
	struct list waits; /* the one who has waited longest first */
	/* The last one has gone, the work has not ended. May be NULL. */
	void (*deserted)(struct flight *f);
	/* One of them has waited too long: fills what its op says; nothing, when it gave it
	   something all the same. `alone`: no other waits. May be NULL where nobody has a time. */
	void (*overdue)(struct flight *f, struct flight_wait *w, bool alone, struct err *err);
};

/* Begins the struct of who waits. */
struct flight_wait {
	struct op op;
	struct flight *flight; /* NULL: it waits no more */
	struct list link;
	struct timer timer;
};

void flight_init(struct flight *f, void (*deserted)(struct flight *f),
	void (*overdue)(struct flight *f, struct flight_wait *w, bool alone, struct err *err));
bool flight_is_empty(const struct flight *f);
/* The fields of the lines of who has waited longest, for the log of the work; NULL: there is
   none. */
const struct log_ctx *flight_log(const struct flight *f);

/* w is zeroed; type->cancel is flight_wait_cancel, and type->free begins with flight_wait_leave. */
void flight_wait_init(struct flight_wait *w, const struct op_type *type, struct loop *l);
/* timeout_ms 0: as long as the work takes. */
void flight_join(struct flight *f, struct flight_wait *w, uint64_t timeout_ms);
/* The work has ended as *err says: each gets what `give` gives it (of a success; may be NULL), and
   its op ends. */
void flight_land(struct flight *f, const struct err *err,
	void (*give)(struct flight *f, struct flight_wait *w));

void flight_wait_cancel(struct op *op);
void flight_wait_leave(struct flight_wait *w);

#endif
