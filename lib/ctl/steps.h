/*
 * The framework's rows, for the tables of a kind: {"finalizer", finalizer_start, finalizer_resume}
 * stands there as RUN_FINALIZER. Loop thread.
 *
 *	static const struct step WORK[] = {RUN_READ, RUN_FINALIZER, RUN_SUSPENDED, ..., {0}};
 *	static const struct step WORK_LAST[] = {RUN_STATUS, RUN_EVENTS, RUN_CLEANUP, {0}};
 *	static const struct step REMOVE[] = {..., RUN_RELEASE, {0}};
 */
#ifndef CTL_STEPS_H
#define CTL_STEPS_H
#include "ctl/lanes.h"
#include "ctl/status.h"
#include "ev/task.h"

/* Reads an object that is too large to be kept; the first row of `work` and `restore`. */
#define RUN_READ {"read", run_read_start, run_read_resume}
/* Adds the kind's finalizer when it is missing. */
#define RUN_FINALIZER {"finalizer", run_finalizer_start, run_finalizer_resume}
/* Ends here while the object is suspended. */
#define RUN_SUSPENDED {"suspended", run_suspended_start, NULL}
/* Stalls when the spec cannot be read, and sets the first of the kind's `failures`. */
#define RUN_VALID {"valid", run_valid_start, NULL}
/* Gives the place of the question back and waits for one for what takes long. A run that never
   takes long does without. */
#define RUN_SLOT {"slot", run_slot_start, lanes_resume}
/* Takes the finalizer away. */
#define RUN_RELEASE {"release", run_release_start, run_release_resume}
/* Exit rows: what the outcome says; an Event of a failure; gives back what the run holds, logs. The
   last one ends every exit table, that of a removal too. */
#define RUN_STATUS {"status", status_start, status_resume}
#define RUN_EVENTS {"events", run_events_start, NULL}
#define RUN_CLEANUP {.name = "cleanup", .start = run_cleanup_start, .always = true}

enum step_ret run_read_start(struct task *t);
enum step_ret run_read_resume(struct task *t);
enum step_ret run_finalizer_start(struct task *t);
enum step_ret run_finalizer_resume(struct task *t);
enum step_ret run_suspended_start(struct task *t);
enum step_ret run_valid_start(struct task *t);
enum step_ret run_slot_start(struct task *t);
enum step_ret run_release_start(struct task *t);
enum step_ret run_release_resume(struct task *t);
enum step_ret run_events_start(struct task *t);
enum step_ret run_cleanup_start(struct task *t);

/* What RUN_EVENTS does, for a kind's own row: true when the run failed, or there is nothing to
   say. */
bool run_failure_told(struct run *r);

#endif
