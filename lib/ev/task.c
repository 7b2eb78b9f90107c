#include "ev/task.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/internal.h"

#include <stdio.h>
#include <string.h>

/* Rows that a task may begin anew, without waiting in between, before the others have a turn. */
#define JUMPS_MAX 64

static const struct step NO_STEPS[] = {{0}};

static void task_run(void *arg);

static void queue(struct task *t)
{
	defer_queue(t->self.loop, &t->ready, task_run, t);
}

static void op_ended(struct op *op, void *arg)
{
	(void)op;
	queue(arg);
}

const struct log_ctx *op_log(const struct op *op)
{
	return !op->done && op->on_done == op_ended ? task_log(op->arg) : NULL;
}

const struct log_ctx *task_log(const struct task *t)
{
	if (t->log)
		return t->log;
	return t->log_fn ? t->log_fn(t) : op_log(&t->self);
}

static void task_trace(const struct task *t)
{
	if (log_on(LOG_TRACE))
		log_trace(task_log(t), "step", LS("task", t->name), LS("step", task_step(t)),
			LS("failure", t->err.kind ? t->err.msg : NULL));
}

#ifdef TEST_BUILD
/* Where a test may end the process: "TASK/ROW" as a row begins, "TASK/ROW+" as it goes on after a
   wait, "TASK/end" at the end. */
static void task_point(const struct task *t)
{
	char name[SYS_POINT_MAX];

	snprintf(name, sizeof(name), "%s/%s%s", t->name, task_step(t), t->waiting ? "+" : "");
	SYS_POINT(name);
}
#else
static inline void task_point(const struct task *t)
{
	(void)t;
}
#endif

static void task_enter(struct task *t, const struct step *table, unsigned at)
{
	op_free(MOVE(t->op));
	t->table = table;
	t->at = at;
	t->waiting = false;
}

static void task_end(struct task *t)
{
	task_trace(t);
	task_point(t);
	t->ending = true;
	defer_cancel(t->self.loop, &t->ready);
	/* A cancel that came too late to change anything must not turn a finished task into a
	   cancelled one. */
	t->self.cancelled = t->err.kind == ERR_CANCELED;
	op_end(&t->self, &t->err);
}

/* True: it goes on at once. How often rows come back without waiting depends on what a stranger
   sent: many of them must neither hold the loop nor be a reason to abort. */
static bool task_jump(struct task *t, unsigned to)
{
	task_enter(t, t->table, to);
	if (++t->jumps < JUMPS_MAX)
		return true;
	t->jumps = 0;
	queue(t);
	return false;
}

/* Called from the loop's ready list only, and the only function that moves a task. */
static void task_run(void *arg)
{
	struct task *t = arg;

	for (;;) {
		const struct step *s;
		enum step_ret rc;

		if (t->op && !t->op->done)
			return; /* a stray wake; the op will wake us */
		if (t->self.cancelled && t->table != t->last) {
			err_set(&t->err, ERR_CANCELED,
				"canceled"); /* the one place where a cancel is seen */
			t->skip = true;
			task_enter(t, t->last, 0);
		}
		s = &t->table[t->at];
		if (!s->name && t->table == t->last)
			break;
		if (!s->name) {
			task_enter(t, t->last, 0);
			continue;
		}
		if (t->skip && !s->always) {
			task_enter(t, t->table, t->at + 1);
			continue;
		}
		if (!t->waiting)
			task_trace(t);
		task_point(t);
		rc = t->waiting ? s->resume(t) : s->start(t);
		BUG_IF(rc == STEP_WAIT && !s->resume);
		BUG_IF(rc != STEP_WAIT && t->op && !t->op->done);
		t->waiting = rc == STEP_WAIT;
		if (t->waiting) {
			t->jumps = 0;
			return; /* a wake brings us back here */
		}
		if (rc == STEP_AGAIN || rc == STEP_GOTO) {
			if (task_jump(t, rc == STEP_GOTO ? t->to : t->at))
				continue;
			return;
		}
		BUG_IF(rc == STEP_FAIL && t->err.kind == ERR_NONE);
		if (rc == STEP_NEXT || t->table == t->last)
			task_enter(t, t->table, t->at + 1);
		else
			task_enter(t, t->last, 0); /* done, or failed: t->err says why */
	}
	task_end(t);
}

static void self_cancel(struct op *op)
{
	struct task *t = CONTAINER_OF(op, struct task, self);

	if (t->table == t->last && t->started)
		return; /* the exit table has begun: let it finish */
	if (t->op && !t->op->done)
		op_cancel(t->op);
	else
		queue(t);
}

static void self_free(struct op *op)
{
	struct task *t = CONTAINER_OF(op, struct task, self);

	op_free(MOVE(t->op));
	*t->prev = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->free_fn(t);
}

void task_init(struct task *t, struct loop *l, const char *name, const struct step *steps,
	const struct step *last, void (*free_fn)(struct task *t))
{
	static const struct op_type type = {"task", self_cancel, self_free};

	*t = (struct task){.name = name, .first = steps, .table = steps, .free_fn = free_fn};
	t->last = last ? last : NO_STEPS;
	op_init(&t->self, l, &type);
	t->since_ms = clock_ms();
	t->prev = &l->tasks;
	t->next = l->tasks;
	if (t->next)
		t->next->prev = &t->next;
	l->tasks = t;
}

struct op *task_spawn(struct task *t)
{
	BUG_IF(t->started);
	t->started = true;
	queue(t);
	return &t->self;
}

void task_cancel(struct task *t, int cause)
{
	if (!t->cause)
		t->cause = cause;
	op_cancel(&t->self);
}

const char *task_step(const struct task *t)
{
	const char *name = t->table[t->at].name;

	return name ? name : t->table == t->last ? "end" : "last";
}

bool task_is_at(const struct task *t, const char *name)
{
	return !strcmp(task_step(t), name);
}

enum step_ret task_wait(struct task *t, struct op *op)
{
	if (t->op != op)
		op_free(MOVE(t->op));
	t->op = op;
	op_then(op, op_ended, t);
	return STEP_WAIT;
}

enum step_ret task_pause(struct task *t)
{
	op_free(MOVE(t->op));
	return STEP_WAIT;
}

void task_wake(struct task *t)
{
	if (!t->ending)
		queue(t);
}

enum step_ret task_goto(struct task *t, const char *name)
{
	const struct step *s = t->table;

	while (s->name && strcmp(s->name, name))
		s++;
	BUG_IF(!s->name);
	t->to = (unsigned)(s - t->table);
	return STEP_GOTO;
}

bool task_op_failed(struct task *t)
{
	if (!t->op || t->op->err.kind == ERR_NONE)
		return false;
	t->err = t->op->err;
	return true;
}

enum step_ret task_fail(struct task *t, const struct err *err)
{
	t->err = *err;
	return STEP_FAIL;
}

void task_dump(struct loop *l)
{
	const struct task *t;
	unsigned n = 0;

	for (t = l->tasks; t; t = t->next, n++)
		log_info(task_log(t), "live task", LS("task", t->name), LS("step", task_step(t)),
			LU("ageMs", clock_ms() - t->since_ms), LB("waiting", t->waiting),
			LS("on", t->op ? t->op->type->name : NULL),
			LS("failure", t->err.kind ? t->err.msg : NULL));
	log_info(NULL, "live tasks", LU("tasks", n));
}
