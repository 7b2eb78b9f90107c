/*
 * Which checks may be put off when a registry allows few requests more (oci/pace.h): those of
 * objects that are well. They go on serving what they have, and nothing is said of the delay, since
 * nothing is wrong and nothing is known. New objects, changed ones, those that somebody has asked
 * for, and those that failed, have no patience; nor has one that was put off for its interval, or
 * LIMIT_PACE_WAIT_MS, whichever is longer. Loop thread.
 *
 *	target.patient = patience_has(r);
 *	... the question has ended: if (patience_put_off(r, &t->op->err))
 *		return run_done(r, RUN_LATER);
 */
#ifndef SOURCE_PATIENCE_H
#define SOURCE_PATIENCE_H
#include <stdbool.h>

struct err;
struct run;

/* Is the status of this very spec? Then what it names was chosen by it. */
bool patience_is_of_spec(const struct run *r);
/* May the check of this run wait? */
bool patience_has(const struct run *r);
/* Was it put off? Then the run is to end as RUN_LATER, and the next one comes at the time that err
   says. */
bool patience_put_off(struct run *r, const struct err *err);

#endif
