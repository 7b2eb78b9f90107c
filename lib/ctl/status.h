/*
 * The status of a run's object: its conditions, summed up into Ready, and the PATCH that writes
 * what differs, with the resourceVersion that was read. A conflict: the object is read again, and
 * if what the run depended on is the same, the difference is made anew. What takes long says so in
 * between. Loop thread.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H
#include "ctl/run.h"

/* The row that writes what the outcome of the run says. */
enum step_ret status_start(struct task *t);
enum step_ret status_resume(struct task *t);

/* Ready, from the other conditions of the run. */
void status_summarize(struct run *r);
/* Did the run before fail, by a condition of its own, or, in a kind without any, by Ready? */
bool status_failed_before(const struct run *r);
/* The PATCH that says what is being waited for, or NULL: it is said already. Free it. */
json_t *status_progress(struct run *r, bool ready_unknown);
/* Says after ms what is being waited for, if the run has read its object; once. */
void status_progress_after(struct run *r, uint64_t ms);
/* There is nothing to wait for any more. */
void status_progress_end(struct run *r);

#endif
