/*
 * What becomes of a run: one table of (mode, end, error kind) says what its status is about and
 * when the next run comes. Any thread.
 */
#ifndef CTL_OUTCOME_H
#define CTL_OUTCOME_H
#include "base/err.h"
#include "ctl/run.h"

enum outcome_status {
	STATUS_NOTHING, /* it stays as it is */
	STATUS_SUCCESS,
	STATUS_FAILURE,
	STATUS_SUSPENDED, /* what may be said of an object that is suspended */
	STATUS_RESTORED, /* what it names is there again */
};

enum outcome_next {
	NEXT_STOP, /* not by itself */
	NEXT_NOW,
	NEXT_GO_ON, /* at once, as the same try */
	NEXT_INTERVAL,
	NEXT_BACKOFF,
	NEXT_NAMED, /* a back-off, but not before the time that was named */
	NEXT_WAIT, /* at the time that was named */
	NEXT_LATER, /* at the time that the run says */
};

struct outcome {
	enum outcome_status status;
	enum outcome_next next;
};

/* suspended: the object is. */
struct outcome outcome_of(enum run_mode mode, enum run_end end, enum err_kind kind, bool suspended);

#endif
