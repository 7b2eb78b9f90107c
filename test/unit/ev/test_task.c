#include "ev/task.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/sleep.h"
#include "ev/work.h"

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct probe {
	struct task task;
	char trace[256];
	int mode;
	bool *freed;
};

static void note(struct task *t, const char *what)
{
	struct probe *p = TASK(t, struct probe);
	size_t n = strlen(p->trace);

	snprintf(p->trace + n, sizeof(p->trace) - n, "%s ", what);
}

static int mode(struct task *t)
{
	return TASK(t, struct probe)->mode;
}

static enum step_ret one(struct task *t)
{
	note(t, "one");
	return mode(t) == 1 ? STEP_DONE : STEP_NEXT;
}

static enum step_ret two(struct task *t)
{
	note(t, "two");
	return task_wait(t, sleep_start(t->self.loop, 1000));
}

static enum step_ret two_resume(struct task *t)
{
	note(t, "two+");
	if (mode(t) == 2) {
		err_set(&t->err, ERR_STALL, "no good");
		return STEP_FAIL;
	}
	return STEP_NEXT;
}

static enum step_ret three(struct task *t)
{
	note(t, "three");
	return STEP_NEXT;
}

static enum step_ret status(struct task *t)
{
	note(t, "status");
	return mode(t) == 3 ? task_wait(t, sleep_start(t->self.loop, 1000)) : STEP_NEXT;
}

static enum step_ret status_resume(struct task *t)
{
	note(t, "status+");
	return STEP_NEXT;
}

static enum step_ret cleanup(struct task *t)
{
	note(t, "cleanup");
	return STEP_NEXT;
}

static const struct step STEPS[] = {{"one", one}, {"two", two, two_resume}, {"three", three}, {0}};
static const struct step LAST[] = {
	{"status", status, status_resume}, {"cleanup", cleanup, .always = true}, {0}};

static void probe_free(struct task *t)
{
	struct probe *p = TASK(t, struct probe);

	*p->freed = true;
	free(p);
}

static void turns(struct loop *l, int n)
{
	while (n--)
		loop_turn(l, false);
}

static void until_done(struct loop *l, struct op *op)
{
	int i;

	for (i = 0; i < 10 && !op->done; i++) {
		turns(l, 5);
		loop_test_advance(l, 1001);
	}
	ck_assert(op->done);
}

/* cancel_at: after how many advances of 1 s a cancel is sent; -1: never. */
static const struct {
	int mode, cancel_at;
	const char *trace;
	enum err_kind kind;
} ROWS[] = {
	{0, -1, "one two two+ three status cleanup ", ERR_NONE},
	{1, -1, "one status cleanup ", ERR_NONE},
	{2, -1, "one two two+ status cleanup ", ERR_STALL},
	{0, 0, "one two cleanup ", ERR_CANCELED},
	{3, -1, "one two two+ three status status+ cleanup ", ERR_NONE},
	{3, 1, "one two two+ three status status+ cleanup ",
		ERR_NONE}, /* too late: in the exit table */
};

START_TEST(test_walk)
{
	struct loop *l = loop_new();
	struct probe *p = NEW(struct probe);
	bool freed = false;
	struct op *op;
	int i;

	clock_fake(0);
	p->mode = ROWS[_i].mode;
	p->freed = &freed;
	task_init(&p->task, l, "probe", STEPS, LAST, probe_free);
	op = task_spawn(&p->task);
	ck_assert_str_eq(p->trace, ""); /* never from inside the call */
	for (i = 0; i < 4 && !op->done; i++) {
		turns(l, 5);
		if (i == ROWS[_i].cancel_at)
			task_cancel(&p->task, 7);
		turns(l, 5);
		loop_test_advance(l, 1001);
		turns(l, 5);
	}
	ck_assert(op->done);
	ck_assert_msg(!strcmp(p->trace, ROWS[_i].trace), "row %d: got '%s', want '%s'", _i,
		p->trace, ROWS[_i].trace);
	ck_assert_int_eq(op->err.kind, ROWS[_i].kind);
	ck_assert_int_eq(p->task.cause, ROWS[_i].cancel_at >= 0 ? 7 : 0);
	op_free(op);
	ck_assert(freed);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

struct job {
	int in, out;
	bool *freed;
};

static int square(void *arg, const atomic_bool *stop, struct err *err)
{
	struct job *j = arg;

	if (j->in < 0) {
		while (!*stop)
			usleep(1000);
		return err_set(err, ERR_RETRY, "stopped");
	}
	j->out = j->in * j->in;
	return j->in == 13 ? err_set(err, ERR_RETRY, "unlucky") : 0;
}

static void job_free(void *arg)
{
	struct job *j = arg;

	*j->freed = true;
	free(j);
}

START_TEST(test_work)
{
	static const struct {
		int in;
		enum err_kind kind;
	} rows[] = {{3, ERR_NONE}, {13, ERR_RETRY}, {-1, ERR_CANCELED}};
	struct loop *l = loop_new();
	struct job *j = NEW(struct job);
	bool freed = false;
	struct op *op;

	j->in = rows[_i].in;
	j->freed = &freed;
	op = work_start(l, WORK_HEAVY, square, job_free, j);
	if (j->in < 0) {
		loop_turn(l, false);
		op_cancel(op);
	}
	while (!op->done)
		loop_turn(l, true);
	ck_assert_int_eq(op->err.kind, rows[_i].kind);
	if (rows[_i].kind == ERR_NONE)
		ck_assert_int_eq(((struct job *)work_job(op))->out, 9);
	op_free(op);
	ck_assert(freed);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_work_heavy_queue)
{
	struct loop *l;
	struct op *ops[8];
	bool freed[8] = {false};
	int i, done = 0;

	setenv("UV_THREADPOOL_SIZE", "2", 1);
	l = loop_new();
	for (i = 0; i < 8; i++) {
		struct job *j = NEW(struct job);

		j->in = i == 0 ? -1 : i; /* the first holds the only heavy thread */
		j->freed = &freed[i];
		ops[i] = work_start(l, i == 7 ? WORK_SHORT : WORK_HEAVY, square, job_free, j);
	}
	while (!ops[7]->done) /* the short lane is free all the same */
		loop_turn(l, true);
	ck_assert(!ops[1]->done);
	op_cancel(ops[3]); /* still waiting: ends at once */
	while (!ops[3]->done)
		loop_turn(l, true);
	ck_assert_int_eq(ops[3]->err.kind, ERR_CANCELED);
	op_cancel(ops[0]);
	while (done < 8) {
		loop_turn(l, true);
		for (done = 0, i = 0; i < 8; i++)
			done += ops[i]->done;
	}
	ck_assert_int_eq(((struct job *)work_job(ops[6]))->out, 36);
	ck_assert_int_eq(((struct job *)work_job(ops[3]))->out, 0);
	for (i = 0; i < 8; i++)
		op_free(ops[i]);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_drop)
{
	struct loop *l = loop_new();

	op_drop(sleep_start(l, 100000));
	turns(l, 3);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* ---- rows that come back --------------------------------------------------------------------- */

/* mode: how many rounds there are; 0: no end. */
static unsigned rounds_done;

static enum step_ret round_ask(struct task *t)
{
	note(t, "ask");
	return rounds_done == 1 ? task_goto(t, "late") : STEP_NEXT;
}

static enum step_ret round_send(struct task *t)
{
	note(t, "send");
	return task_wait(t, sleep_start(t->self.loop, 1000));
}

static enum step_ret round_sent(struct task *t)
{
	note(t, "sent");
	if (++rounds_done == 1)
		return task_goto(t, "ask");
	return rounds_done < (unsigned)mode(t) ? STEP_AGAIN : STEP_NEXT;
}

static const struct step ROUNDS[] = {
	{"ask", round_ask}, {"skipped", three}, {"late", round_send, round_sent}, {0}};
static const struct step ROUNDS_LAST[] = {{"cleanup", cleanup}, {0}};

START_TEST(test_again)
{
	struct loop *l = loop_new();
	struct probe *p = NEW(struct probe);
	bool freed = false;
	struct op *op;

	clock_fake(0);
	rounds_done = 0;
	p->mode = 3;
	p->freed = &freed;
	task_init(&p->task, l, "rounds", ROUNDS, ROUNDS_LAST, probe_free);
	op = task_spawn(&p->task);
	turns(l, 5);
	ck_assert(task_is_at(&p->task, "late"));
	until_done(l, op);
	ck_assert_str_eq(p->trace, "ask three send sent ask send sent send sent cleanup ");
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	op_free(op);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

static enum step_ret spin(struct task *t)
{
	rounds_done++;
	return mode(t) && rounds_done == (unsigned)mode(t) ? STEP_NEXT : STEP_AGAIN;
}

static enum step_ret spin_goto(struct task *t)
{
	rounds_done++;
	return task_goto(t, "spin");
}

static const struct step SPIN[] = {{"spin", spin}, {0}};
static const struct step SPIN_GOTO[] = {{"spin", spin_goto}, {0}};

/* Rows without a wait give way to others, in a turn that ends, and a cancel reaches them. */
START_TEST(test_again_bound)
{
	struct loop *l = loop_new();
	struct probe *p = NEW(struct probe);
	bool freed = false;
	struct op *op;

	clock_fake(0);
	rounds_done = 0;
	p->mode = _i ? 0 : 1000;
	p->freed = &freed;
	task_init(&p->task, l, "spin", _i == 2 ? SPIN_GOTO : SPIN, NULL, probe_free);
	op = task_spawn(&p->task);
	turns(l, 1);
	ck_assert_uint_ge(rounds_done, 10);
	ck_assert_uint_le(rounds_done, 100);
	turns(l, 30);
	ck_assert_int_eq(op->done, !_i);
	if (_i)
		op_cancel(op);
	turns(l, 2);
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind, _i ? ERR_CANCELED : ERR_NONE);
	op_free(op);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

static enum step_ret lost(struct task *t)
{
	return task_goto(t, "nowhere");
}

START_TEST(test_goto_nowhere)
{
	static const struct step steps[] = {{"lost", lost}, {0}};
	struct loop *l = loop_new();
	struct probe *p = NEW(struct probe);

	task_init(&p->task, l, "lost", steps, NULL, probe_free);
	task_spawn(&p->task);
	turns(l, 1);
}
END_TEST

/* ---- what the log tells ---------------------------------------------------------------------- */

static int log_pipe[2];

static void log_begin(void)
{
	BUG_IF(pipe2(log_pipe, O_NONBLOCK));
	log_set_fd(log_pipe[1]);
	BUG_IF(log_set_level("trace"));
}

/* What was logged since the last call, one "task.step" a line, with the run that its line names:
   "outer.one=7 ". */
static const char *log_said(void)
{
	static char said[1024];
	char text[8192], task[32], step[32], *line, *at;
	ssize_t n = read(log_pipe[0], text, sizeof(text) - 1);
	size_t len = 0;

	said[0] = '\0';
	text[n > 0 ? n : 0] = '\0';
	for (line = text; (at = strstr(line, "\"task\":")); line = at) {
		const char *run = strstr(line, "\"run\":");

		ck_assert_int_eq(
			sscanf(at, "\"task\":\"%31[^\"]\",\"step\":\"%31[^\"]\"", task, step), 2);
		len += (size_t)snprintf(said + len, sizeof(said) - len, "%s.%s=%.1s ", task, step,
			run && run < at ? run + strlen("\"run\":") : "");
		at += strcspn(at, "\n");
	}
	return said;
}

/* An answer to SIGUSR1 is there when nothing is going on, too. */
START_TEST(test_dump_idle)
{
	struct loop *l = loop_new();
	char text[1024];
	ssize_t n;

	log_begin();
	task_dump(l);
	n = read(log_pipe[0], text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "\"msg\":\"live tasks\",\"tasks\":0}\n"));
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* A task that waits for another (or, the last one, for a timer), ends late when it is cancelled,
   and may have a log of its own. */
struct chained {
	struct task task;
	struct op *next;
	struct log_ctx log;
};

static enum step_ret quick(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step_ret chain_wait(struct task *t)
{
	struct chained *c = TASK(t, struct chained);

	return task_wait(t, c->next ? MOVE(c->next) : sleep_start(t->self.loop, 1000));
}

static enum step_ret chain_linger(struct task *t)
{
	return task_wait(t, sleep_start(t->self.loop, 1000));
}

static enum step_ret chain_on(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static const struct step CHAIN[] = {{"first", quick}, {"wait", chain_wait, chain_on}, {0}};
static const struct step CHAIN_LAST[] = {{"linger", chain_linger, chain_on, .always = true}, {0}};

static void chain_free(struct task *t)
{
	struct chained *c = TASK(t, struct chained);

	free(c->log.members);
	free(c);
}

static struct chained *chain(struct loop *l, const char *name, struct chained *next)
{
	struct chained *c = NEW(struct chained);

	task_init(&c->task, l, name, CHAIN, next ? NULL : CHAIN_LAST, chain_free);
	if (next)
		c->next = task_spawn(&next->task);
	return c;
}

/* Every row that begins, the first one included; of children and their children under the run. */
START_TEST(test_log)
{
	struct loop *l = loop_new();
	struct chained *inner = chain(l, "inner", NULL), *middle = chain(l, "middle", inner);
	struct chained *outer = chain(l, "outer", middle);
	struct op *op;

	clock_fake(0);
	log_begin();
	outer->log.members = mem_strdup("\"run\":7");
	outer->task.log = &outer->log;
	op = task_spawn(&outer->task);
	/* Nobody waits for the inner ones yet: they are ahead of the outer one by a turn. */
	turns(l, 1);
	ck_assert_str_eq(log_said(),
		"inner.first= inner.wait= middle.first= middle.wait= "
		"outer.first=7 outer.wait=7 ");
	task_dump(l);
	ck_assert_str_eq(log_said(), "outer.wait=7 middle.wait=7 inner.wait=7 ");
	until_done(l, op);
	ck_assert_str_eq(log_said(), "inner.linger=7 inner.end=7 middle.end=7 outer.end=7 ");
	op_free(op);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* What is dropped outlives the run, and must not tell its lines with a log that is gone. */
START_TEST(test_log_dropped)
{
	struct loop *l = loop_new();
	struct chained *inner = chain(l, "inner", NULL), *middle = chain(l, "middle", inner);
	struct chained *outer = chain(l, "outer", middle);
	struct op *op;

	clock_fake(0);
	outer->log.members = mem_strdup("\"run\":7");
	outer->task.log = &outer->log;
	op = task_spawn(&outer->task);
	turns(l, 5);
	ck_assert_ptr_eq(task_log(&inner->task), &outer->log);
	ck_assert_ptr_eq(op_log(inner->task.op), &outer->log); /* of no task */
	log_begin();
	op_drop(MOVE(outer->task.op));
	task_wake(&outer->task);
	turns(l, 5);
	ck_assert(op->done);
	op_free(op);
	ck_assert_ptr_null(task_log(&inner->task));
	task_dump(l);
	loop_test_advance(l, 1001);
	turns(l, 5);
	ck_assert_str_eq(log_said(),
		"outer.end=7 inner.linger= middle.wait= inner.linger= inner.end= middle.end= ");
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_task(void);
Suite *suite_task(void)
{
	Suite *s = suite_create("task");
	TCase *tc = tcase_create("task");

	tcase_add_loop_test(tc, test_walk, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(tc, test_work, 0, 3);
	tcase_add_test(tc, test_work_heavy_queue);
	tcase_add_test(tc, test_drop);
	tcase_add_test(tc, test_again);
	tcase_add_loop_test(tc, test_again_bound, 0, 3);
	tcase_add_test_raise_signal(tc, test_goto_nowhere, SIGABRT);
	tcase_add_test(tc, test_log);
	tcase_add_test(tc, test_log_dropped);
	tcase_add_test(tc, test_dump_idle);
	suite_add_tcase(s, tc);
	return s;
}
