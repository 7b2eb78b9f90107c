/*
 * One reconcile: a task that walks a table of its kind. Whatever outlives a return to the loop is
 * in the run, and it is released with it; a kind's struct begins with struct run.
 *
 * A run has a mode, chosen when it begins, and one end, said once; only AGAIN, GONE and
 * THEN_RESTORE may overrule one that was said. Mode, end and the kind of the error decide what the
 * status says and when the next run comes (outcome.h).
 *
 * Most runs find what the one before found. Such a run is `settled`: it goes by what the item
 * knows, and reads the object (run_open) at the first difference. Loop thread.
 */
#ifndef CTL_RUN_H
#define CTL_RUN_H
#include "crypto/digest.h"
#include "ctl/cond.h"
#include "ctl/kind.h"
#include "ctl/spec.h"
#include "ctl/turns.h"
#include "ev/task.h"
#include "ev/timer.h"

#include <jansson.h>
#include <stdint.h>

struct controller;
struct item;

enum run_end {
	RUN_OPEN,
	/* Everything is as it should be already: if the status is, too, the next run is settled. */
	RUN_UNCHANGED,
	RUN_MADE, /* something new is there: the next run reads the object */
	RUN_QUIET, /* of it nothing is said but what its suspension allows */
	/* an answer said that the object is not there any more: the watch has the last word */
	RUN_GONE,
	RUN_AGAIN, /* it counts for nothing: the next one comes at once */
	/* it failed, and what the status names is missing: the next one restores */
	RUN_THEN_RESTORE,
	/* It has found out nothing, and that is no failure: the next one comes after again_ms. */
	RUN_LATER,
};

/* Causes of a cancel: they decide what the queue does. */
enum { CAUSE_DELETED = 1, CAUSE_CHANGED, CAUSE_SHUTDOWN, CAUSE_DEMOTED };

enum patch_phase { PATCH_IDLE, PATCH_SENT, PATCH_READING };

struct run {
	struct task task;
	struct controller *c;
	struct item *item;
	struct spec *spec; /* its own reference */
	struct log_ctx log;
	uint64_t since_ns;
	enum run_mode mode;
	enum run_end end;

	bool settled; /* it goes by what the last run found, and has not read the object */
	uint64_t seen; /* item->changes when it began */
	bool partial; /* spec and text were those of an object that is too large to be kept */
	json_t *first; /* the object as it was when the run read it */
	json_t *obj; /* as the API server has it now, as far as this run knows */
	const char *ns, *name, *uid; /* of the item */
	int64_t generation;
	struct digest annotations; /* of the item when it began */
	struct cond_set conds, conds_before;

	struct turn turn; /* for what takes long */
	bool turn_waits; /* the task does, for it */
	bool restoring; /* what it brings is missing: it waits in the lane for restores */

	const char *cond, *reason; /* of the failure; cond NULL: none of its own */
	bool excused; /* the object stays Ready (outage.h) */
	bool reported; /* whoever failed records the Events about it */
	enum patch_phase patching;
	unsigned conflicts;
	bool asked_again; /* requestedAt changed during the run */
	bool patched; /* the status is what it should be */
	bool waits_for_progress;
	struct err *patch_err; /* why the status could not be written, or NULL */

	/* After a success the next run comes after that at the latest; 0: after the interval. Of
	   RUN_LATER it is when the next one comes. */
	uint64_t again_ms;

	struct timer slow; /* what takes longer says so */
	struct op *progress;
};

#define RUN(t) TASK(t, struct run)

/* Starts a run of the item's kind; its caller owns it. */
struct task *run_start(struct item *i);
/* Starts a run that reads the object and walks these rows. */
struct op *run_start_with(struct item *i, enum run_mode mode, const struct step *steps);

/* The run's outcome. Said again it is BUG, but for what overrules. */
void run_end(struct run *r, enum run_end end);
/* The same as the end of a row: return run_done(r, RUN_UNCHANGED). */
enum step_ret run_done(struct run *r, enum run_end end) must_check;
/* task.err is filled: notes condition and reason for the status. The condition is one of the kind's
   `failures`, or NULL: none of its own. Of a kind without any, whatever a row says, only Ready has
   the reason. */
enum step_ret run_fail(struct run *r, const char *cond, const char *reason) must_check;

/* Reads the object, if this run has not yet: it is settled no more. False: the object has changed
   since the run began, or is too large to be kept. What was found out is worth nothing then, and
   the next run comes at once. */
bool run_open(struct run *r) must_check;
/* The run goes by this object from now on. It is taken over. */
void run_take_object(struct run *r, json_t *obj);
/* This run is about things of the past: the next one begins with the object as it is now. */
void run_begin_again(struct run *r, const json_t *now);
/* Asks the API server for the object as it is now. */
struct op *run_read_object(const struct run *r) must_check;
/* The answer of a write replaces what is cached. */
void run_set_object(struct run *r, json_t *obj);

/* The run that a task works for, by the log of its lines (task_log): only runs have one. NULL: it
   works for none. */
struct run *run_of_log(const struct log_ctx *log);

#endif
