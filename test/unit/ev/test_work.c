/* Who gets a thread: heavy and bulk jobs, owners in turn. The jobs wait until the test lets them
   go. */
#include "ev/work.h"

#include "ev/loop.h"
#include "ev/op.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS 8

static struct job {
	atomic_bool go;
	unsigned place; /* in the order in which they ended; 0: has not */
	struct op *op;
} jobs[JOBS];
static unsigned ended;
static struct loop *l;

static int wait_for_go(void *arg, const atomic_bool *stop, struct err *err)
{
	struct job *j = arg;

	while (!j->go && !*stop)
		usleep(500);
	return *stop ? err_set(err, ERR_CANCELED, "canceled") : 0;
}

static void on_end(struct op *op, void *arg)
{
	(void)op;
	((struct job *)arg)->place = ++ended;
}

static void setup(const char *threads)
{
	setenv("UV_THREADPOOL_SIZE", threads, 1);
	l = loop_new();
}

static void start(unsigned i, enum work_lane lane, const char *owner, bool go)
{
	jobs[i].go = go;
	jobs[i].op = work_start_for(l, lane, owner, wait_for_go, NULL, &jobs[i]);
	op_then(jobs[i].op, on_end, &jobs[i]);
}

static void wait_end(unsigned i)
{
	while (!jobs[i].place)
		loop_turn(l, true);
}

static void finish(unsigned n)
{
	struct work_stats st;
	unsigned i;

	for (i = 0; i < n; i++)
		jobs[i].go = true;
	for (i = 0; i < n; i++) {
		wait_end(i);
		op_free(jobs[i].op);
	}
	work_stats(l, &st);
	ck_assert_uint_eq(
		st.heavy_running + st.heavy_waiting + st.bulk_running + st.bulk_waiting, 0);
	ck_assert_int_eq(loop_free(l), 0);
}

static void expect(unsigned heavy_running, unsigned heavy_waiting, unsigned bulk_running,
	unsigned bulk_waiting)
{
	struct work_stats st;

	work_stats(l, &st);
	ck_assert_uint_eq(st.heavy_running, heavy_running);
	ck_assert_uint_eq(st.heavy_waiting, heavy_waiting);
	ck_assert_uint_eq(st.bulk_running, bulk_running);
	ck_assert_uint_eq(st.bulk_waiting, bulk_waiting);
}

/* Large layers leave a thread for heavy jobs, and both leave one for short ones. */
START_TEST(test_lanes)
{
	setup("3");
	start(0, WORK_BULK, "a", false);
	start(1, WORK_BULK, "b", false);
	expect(0, 0, 1, 1);
	start(2, WORK_HEAVY, "c", true);
	wait_end(2);
	start(3, WORK_HEAVY, NULL, false);
	start(4, WORK_HEAVY, NULL, false);
	expect(1, 1, 1, 1);
	start(5, WORK_SHORT, NULL, true);
	wait_end(5);
	ck_assert_uint_eq(ended, 2);
	finish(6);
}
END_TEST

/* One owner never has all: another one finds a thread at once, in both lanes. */
START_TEST(test_owner)
{
	unsigned i;

	setup("5");
	for (i = 0; i < 4; i++)
		start(i, i % 2 ? WORK_BULK : WORK_HEAVY, "a", false);
	expect(1, 1, 1, 1);
	start(4, WORK_BULK, "b", true);
	start(5, WORK_HEAVY, "c", true);
	wait_end(4);
	wait_end(5);
	expect(1, 1, 1, 1);
	finish(6);
}
END_TEST

/* A heavy job passes the bulk ones of its own line that cannot run yet. */
START_TEST(test_passes)
{
	setup("5");
	start(0, WORK_BULK, NULL, false);
	start(1, WORK_BULK, NULL, false);
	start(2, WORK_BULK, NULL, false);
	start(3, WORK_BULK, NULL, false);
	start(4, WORK_HEAVY, NULL, true);
	expect(1, 0, 3, 1);
	wait_end(4);
	finish(5);
}
END_TEST

/* Lines take turns, however many jobs are in one. */
START_TEST(test_turns)
{
	unsigned i;

	setup("2");
	start(0, WORK_HEAVY, "a", false);
	for (i = 1; i < 4; i++)
		start(i, WORK_HEAVY, "a", true);
	start(4, WORK_HEAVY, "b", true);
	start(5, WORK_HEAVY, "c", true);
	op_cancel(jobs[3].op);
	wait_end(3);
	ended = 0;
	jobs[0].go = true;
	for (i = 0; i < 6; i++)
		wait_end(i);
	/* 0, then one of a, b and c each, then the rest of a; 3 was cancelled while it waited. */
	ck_assert_uint_eq(jobs[0].place, 1);
	ck_assert_uint_eq(jobs[1].place, 2);
	ck_assert_uint_eq(jobs[4].place, 3);
	ck_assert_uint_eq(jobs[5].place, 4);
	ck_assert_uint_eq(jobs[2].place, 5);
	ck_assert_int_eq(jobs[3].op->err.kind, ERR_CANCELED);
	finish(6);
}
END_TEST

static unsigned freed;

static int deaf(void *arg, const atomic_bool *stop, struct err *err)
{
	(void)arg;
	(void)stop;
	(void)err;
	usleep(100000);
	return 0;
}

static void count_freed(void *arg)
{
	(void)arg;
	freed++;
}

/* The end of a process: a job that nobody waits for any more still runs. rows: dropped, and turns
   before the end */
START_TEST(test_dropped)
{
	int i;

	setup("4");
	op_drop(work_start(l, WORK_SHORT, deaf, count_freed, &jobs[0]));
	op_drop(work_start_for(l, WORK_HEAVY, "a", deaf, count_freed, &jobs[1]));
	for (i = 0; i < _i; i++)
		loop_turn(l, false);
	ck_assert_int_eq(loop_free(l), 0);
	ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(test_lane_of)
{
	ck_assert_int_eq(work_lane_of(0), WORK_HEAVY);
	ck_assert_int_eq(work_lane_of(8 << 20), WORK_HEAVY);
	ck_assert_int_eq(work_lane_of((8 << 20) + 1), WORK_BULK);
}
END_TEST

Suite *suite_work(void);
Suite *suite_work(void)
{
	Suite *s = suite_create("work");
	TCase *tc = tcase_create("work");

	tcase_add_test(tc, test_lanes);
	tcase_add_test(tc, test_owner);
	tcase_add_test(tc, test_passes);
	tcase_add_test(tc, test_turns);
	tcase_add_loop_test(tc, test_dropped, 0, 3);
	tcase_add_test(tc, test_lane_of);
	suite_add_tcase(s, tc);
	return s;
}
