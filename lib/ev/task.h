/*
 * A task walks a table of named steps, one after another, and an exit table always. It is itself an
 * op, so a composite operation (a registry request with token and retry, a blob download, a
 * reconcile) is a child task that another step waits for.
 *
 * - A step begins in `start` and, if that said STEP_WAIT, goes on in `resume` once the op it waits
 *   for is done: task->op, result and all. At most one op is in flight. task_run is the only
 *   function that moves a task; completions merely queue it.
 * - A step that returns STEP_FAIL has filled task->err. STEP_DONE: success, straight to the exit
 *   table.
 * - A loop is rows, not states inside of one: STEP_AGAIN begins the same row once more,
 *   `return task_goto(t, "send")` another one of the table. What the next row needs of task->op is
 *   moved out before. After many such moves without a wait the others have their turn first.
 * - The exit table (`last`, may be NULL) is walked to its end, also after a failure. After a cancel
 *   only its rows marked `always` run. task->err.kind tells an exit row how it went (ERR_NONE:
 *   well).
 * - Cancel: the op in flight is cancelled, and the task ends when that op has. A cancel that comes
 *   when the exit table has begun changes nothing. The cause is the canceller's own number, for
 *   whoever looks at the end.
 * - The error of the task's own op is task->err.
 * - Each row that begins is one line at trace level, and so is the end. A task without a log of its
 *   own logs as the task that waits for it: every line of a run's children has the run's fields.
 *   Nothing is copied; who waits is asked at each line, so what was dropped logs without a context.
 * - In test builds each of these moments is a point of base/sys.h, "fetch/head", "fetch/head+" when
 *   it goes on after a wait, and "fetch/end": kill -9 can be had at every row of every table.
 *
 *	struct fetch { struct task task; ... }; in a step: struct fetch *f = TASK(t, struct fetch);
 *	static const struct step steps[] = {{"head", head_start, head_resume}, {0}};
 *	struct op *fetch_start(...)
 *	{
 *		...
 *		task_init(&f->task, loop, "fetch", steps, NULL, fetch_free);
 *		return task_spawn(&f->task);
 *	}
 */
#ifndef EV_TASK_H
#define EV_TASK_H
#include "base/log.h"
#include "base/mem.h"
#include "ev/op.h"

enum step_ret {
	STEP_NEXT,
	STEP_WAIT,
	STEP_AGAIN, /* this row begins once more */
	STEP_GOTO, /* of task_goto only: another row of the same table begins */
	STEP_DONE,
	STEP_FAIL
};

struct task;

struct step {
	const char *name; /* the word used in logs, metrics and tests */
	enum step_ret (*start)(struct task *t); /* begin; must not block */
	enum step_ret (*resume)(struct task *t); /* read t->op; NULL if start never waits */
	bool always; /* exit rows only: run after a cancel too */
};

struct task {
	struct op self;
	const char *name;
	const struct step *table, *first, *last;
	unsigned at, to; /* to: as task_goto said */
	unsigned jumps; /* rows begun anew since it last waited */
	struct op
		*op; /* of the current step; freed when the step is left (MOVE out what is kept) */
	struct err err;
	int cause; /* of the cancel; 0: none was asked for */
	bool waiting, skip, started, ending;
	const struct log_ctx *log; /* fields of its lines, borrowed; NULL: see task_log */
	/* For a task that another kind of op stands before (many wait for one); NULL: task_log asks
	   who waits for the task itself. */
	const struct log_ctx *(*log_fn)(const struct task *t);
	uint64_t since_ms;
	void (*free_fn)(struct task *t);
	struct defer ready;
	struct task *next, **prev; /* all live tasks, for task_dump */
};

/* The struct that embeds a task as its member `task`: of the task, and of the op that it is. */
#define TASK(t, type) CONTAINER_OF(t, type, task)
#define TASK_OF_OP(op, type) TASK(CONTAINER_OF(op, struct task, self), type)

/* name and tables are borrowed for the task's life. free_fn releases the struct that embeds the
   task. */
void task_init(struct task *t, struct loop *l, const char *name, const struct step *steps,
	const struct step *last, void (*free_fn)(struct task *t));
/* Starts it (in the next turn) and returns it as an op, which its starter owns. */
struct op *task_spawn(struct task *t);
void task_cancel(struct task *t, int cause);
/* The step's name at which it is. */
const char *task_step(const struct task *t);
bool task_is_at(const struct task *t, const char *name);

/* ---- for steps */
/* return task_wait(t, op): go on in resume when op is done. */
enum step_ret task_wait(struct task *t, struct op *op) must_check;
/* return task_pause(t): go on in resume after somebody's task_wake (or a cancel). */
enum step_ret task_pause(struct task *t) must_check;
/* return task_goto(t, "name"): that row begins next. It has to be in the table that is walked. */
enum step_ret task_goto(struct task *t, const char *name) must_check;
void task_wake(struct task *t);
/* In resume: true when the op failed; its error is then task->err. */
bool task_op_failed(struct task *t);
/* Copies *err, returns STEP_FAIL. */
enum step_ret task_fail(struct task *t, const struct err *err) must_check;

/* The fields of the task's lines: its own, or those of the task that waits for it, or NULL.
   Borrowed: good until the next step of any task. */
const struct log_ctx *task_log(const struct task *t);
/* Those of the task that waits for this op, of whatever type; NULL when none does. */
const struct log_ctx *op_log(const struct op *op);
/* Logs every live task: name, step, age, last error; then how many there are (SIGUSR1). */
void task_dump(struct loop *l);

#endif
