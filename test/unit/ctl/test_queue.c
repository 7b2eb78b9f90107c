#include "ctl/queue.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/sleep.h"
#include "ev/task.h"

#include <check.h>

struct item {
	struct queue_item q;
	int runs, ends, cancelled, removed;
};

static struct loop *loop;
static struct queue queue;
static struct turns lane, side;
static bool to_side; /* where the items wait from now on */
static bool refuse; /* to start */
static enum queue_next answer;
static uint64_t answer_ms;
static int at_once, most_at_once;

struct run {
	struct task task;
};

static enum step_ret rest(struct task *t)
{
	return task_wait(t, sleep_start(t->self.loop, 100));
}

static enum step_ret rested(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static const struct step STEPS[] = {{"rest", rest, rested}, {0}};

static void run_free(struct task *t)
{
	free(TASK(t, struct run));
}

static struct task *start(void *arg, struct queue_item *i)
{
	struct run *r = NEW(struct run);

	(void)arg;
	if (refuse) {
		free(r);
		return NULL;
	}
	CONTAINER_OF(i, struct item, q)->runs++;
	if (++at_once > most_at_once)
		most_at_once = at_once;
	task_init(&r->task, loop, "run", STEPS, NULL, run_free);
	task_spawn(&r->task);
	return &r->task;
}

static enum queue_next ended(void *arg, struct queue_item *i, struct task *run, uint64_t *ms)
{
	struct item *it = CONTAINER_OF(i, struct item, q);

	(void)arg;
	at_once--;
	it->ends++;
	it->cancelled += run->self.err.kind == ERR_CANCELED;
	*ms = answer_ms;
	return answer;
}

static void removed(void *arg, struct queue_item *i)
{
	(void)arg;
	CONTAINER_OF(i, struct item, q)->removed++;
}

static struct turns *place(void *arg, struct queue_item *i, struct turn_ask *ask)
{
	(void)arg;
	(void)i;
	*ask = (struct turn_ask){.owner = "ns", .host = "h"};
	return to_side ? &side : &lane;
}

static void setup(void)
{
	clock_fake(0);
	loop = loop_new();
	at_once = most_at_once = 0;
	to_side = refuse = false;
	turns_init(&lane, &(struct turns_opts){.loop = loop, .places = 2});
	turns_init(&side, &(struct turns_opts){.loop = loop, .places = 1});
	queue_init(&queue,
		&(struct queue_opts){.loop = loop,
			.place = place,
			.start = start,
			.ended = ended,
			.removed = removed});
}

static void pass(uint64_t ms)
{
	int i;

	for (i = 0; i < 6; i++)
		loop_turn(loop, false);
	loop_test_advance(loop, ms);
	for (i = 0; i < 6; i++)
		loop_turn(loop, false);
}

START_TEST(test_runs)
{
	struct item it[5] = {0};
	int i;

	setup();
	answer = QUEUE_STOP;
	for (i = 0; i < 5; i++) {
		queue_item_init(&it[i].q, &queue);
		queue_add(&it[i].q);
		queue_add(&it[i].q);
	}
	pass(100);
	ck_assert_int_eq(it[0].ends + it[1].ends, 2);
	ck_assert_int_eq(it[2].ends, 0);
	queue_add(&it[2].q); /* while it runs: once more, after */
	queue_add(&it[2].q);
	pass(100);
	pass(100);
	pass(100);
	ck_assert_int_eq(most_at_once, 2);
	ck_assert_int_eq(it[2].runs, 2);
	ck_assert_int_eq(it[4].runs, 1);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

START_TEST(test_backoff)
{
	struct item it = {0};

	setup();
	queue_item_init(&it.q, &queue);
	answer = QUEUE_BACKOFF;
	queue_add(&it.q);
	pass(100);
	ck_assert_int_eq(it.ends, 1);
	pass(749);
	ck_assert_int_eq(it.runs, 1);
	pass(1);
	ck_assert_int_eq(it.runs, 2);
	pass(100);
	pass(1499);
	ck_assert_int_eq(it.runs, 2);
	answer = QUEUE_AFTER;
	answer_ms = 10000;
	pass(1);
	pass(100);
	pass(9999);
	ck_assert_int_eq(it.runs, 3);
	pass(1);
	ck_assert_int_eq(it.runs, 4);
	ck_assert_uint_eq(it.q.failures, 0);
	queue_remove(&it.q, 1);
	pass(0);
	ck_assert_int_eq(it.removed, 1);
	ck_assert_int_eq(it.cancelled, 1);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

/* Who had to wait for a time that others were told has not failed: it comes then, and its back-off
   is as it was. */
START_TEST(test_wait)
{
	struct item it = {0};

	setup();
	queue_item_init(&it.q, &queue);
	answer = QUEUE_BACKOFF;
	answer_ms = 0;
	queue_add(&it.q);
	pass(100);
	ck_assert_uint_eq(it.q.failures, 1);
	answer = QUEUE_WAIT;
	answer_ms = 2000;
	pass(750);
	pass(100);
	ck_assert_uint_eq(timer_left(&it.q.timer), 2000);
	pass(2000);
	answer = QUEUE_BACKOFF;
	answer_ms = 0;
	pass(100);
	ck_assert_int_eq(it.ends, 3);
	ck_assert_uint_eq(it.q.failures, 2);
	ck_assert_uint_eq(timer_left(&it.q.timer), 1500);
	queue_remove(&it.q, 1);
	pass(0);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

/* A time that somebody named: not earlier, not all at once, and it is a failure. */
START_TEST(test_named_time)
{
	enum { N = 50 };
	struct item it[N] = {0};
	uint64_t least = UINT64_MAX, most = 0;
	int i;

	setup();
	lane.opts.places = N;
	answer = QUEUE_BACKOFF;
	answer_ms = 1000;
	for (i = 0; i < N; i++) {
		queue_item_init(&it[i].q, &queue);
		queue_add(&it[i].q);
	}
	pass(100);
	for (i = 0; i < N; i++) {
		uint64_t left = timer_left(&it[i].q.timer);

		least = left < least ? left : least;
		most = left > most ? left : most;
		ck_assert_uint_eq(it[i].q.failures, 1);
	}
	ck_assert_uint_ge(least, 1000);
	ck_assert_uint_le(most, 1100);
	ck_assert_uint_gt(most, least + 30);
	pass(1100);
	pass(100);
	/* The back-off has grown past what is named. */
	ck_assert_uint_eq(timer_left(&it[0].q.timer), 1500);
	for (i = 0; i < N; i++)
		queue_remove(&it[i].q, 1);
	pass(0);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

/* An object that was deleted while it waits: its turn is in another line now. */
START_TEST(test_other_place)
{
	struct item it[4] = {0};
	int i;

	setup();
	answer = QUEUE_STOP;
	for (i = 0; i < 4; i++) {
		queue_item_init(&it[i].q, &queue);
		queue_add(&it[i].q);
	}
	ck_assert_uint_eq(queue.ready, 2);
	queue_add(&it[3].q); /* stays where it is */
	ck_assert_int_eq(it[3].runs, 0);
	to_side = true;
	queue_add(&it[3].q);
	ck_assert_int_eq(it[3].runs, 1);
	ck_assert_uint_eq(queue.ready, 1);
	pass(100);
	ck_assert_int_eq(it[2].runs, 1);
	pass(100);
	ck_assert_uint_eq(lane.held + side.held + queue.ready + queue.running, 0);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

START_TEST(test_place_left_early)
{
	struct item it[3] = {0};
	int i;

	setup();
	answer = QUEUE_STOP;
	for (i = 0; i < 3; i++) {
		queue_item_init(&it[i].q, &queue);
		queue_add(&it[i].q);
	}
	ck_assert_int_eq(it[2].runs, 0);
	queue_leave_place(&it[0].q);
	ck_assert_int_eq(it[2].runs, 1);
	ck_assert_uint_eq(queue.running, 3);
	pass(100);
	ck_assert_uint_eq(lane.held + queue.running, 0);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

START_TEST(test_not_now)
{
	struct item it = {0};

	setup();
	answer = QUEUE_STOP;
	refuse = true;
	queue_item_init(&it.q, &queue);
	queue_add(&it.q);
	ck_assert_uint_eq(lane.held + queue.ready + queue.running, 0);
	refuse = false;
	queue_add(&it.q);
	ck_assert_int_eq(it.runs, 1);
	pass(100);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

/* rows: never added; it waits for the time that its run named */
START_TEST(test_remove_idle)
{
	struct item it = {0};

	setup();
	answer = QUEUE_AFTER;
	answer_ms = 5;
	queue_item_init(&it.q, &queue);
	if (_i) {
		queue_add(&it.q);
		pass(100);
		ck_assert_uint_eq(timer_left(&it.q.timer), 5);
	}
	queue_remove(&it.q, 1);
	ck_assert_int_eq(it.removed, 0);
	pass(10);
	ck_assert_int_eq(it.removed, 1);
	ck_assert_int_eq(it.runs, _i);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

/* Ten thousand objects go at a shutdown: not in one turn. */
START_TEST(test_remove_many)
{
	enum { N = 1000 };
	struct item *it = mem_zalloc(N * sizeof(*it));
	int i, removed = 0;

	setup();
	lane.opts.places = N;
	answer = QUEUE_AFTER;
	answer_ms = 60000;
	for (i = 0; i < N; i++) {
		queue_item_init(&it[i].q, &queue);
		queue_add(&it[i].q);
	}
	pass(100);
	for (i = 0; i < N; i++) {
		ck_assert(timer_is_set(&it[i].q.timer));
		queue_remove(&it[i].q, 1);
	}
	loop_turn(loop, false);
	for (i = 0; i < N; i++)
		removed += it[i].removed;
	ck_assert_int_gt(removed, 0);
	ck_assert_int_lt(removed, N);
	pass(10);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(it[i].removed, 1);
	free(it);
	ck_assert_int_eq(loop_free(loop), 0);
}
END_TEST

START_TEST(test_numbers)
{
	int i, low = 0, high = 0;

	ck_assert_uint_eq(queue_backoff_ms(750, 900000, 0), 750);
	ck_assert_uint_eq(queue_backoff_ms(750, 900000, 3), 6000);
	ck_assert_uint_eq(queue_backoff_ms(750, 900000, 4000000000u), 900000);
	ck_assert_uint_eq(queue_jitter_ms(1000, 0), 1000);
	for (i = 0; i < 1000; i++) {
		uint64_t v = queue_jitter_ms(60000, 5);

		ck_assert_uint_ge(v, 57000);
		ck_assert_uint_le(v, 63000);
		low += v < 58500;
		high += v > 61500;
	}
	ck_assert_int_gt(low, 100);
	ck_assert_int_gt(high, 100);
}
END_TEST

Suite *suite_queue(void);
Suite *suite_queue(void)
{
	Suite *s = suite_create("queue");
	TCase *tc = tcase_create("queue");

	tcase_add_test(tc, test_runs);
	tcase_add_test(tc, test_backoff);
	tcase_add_test(tc, test_wait);
	tcase_add_test(tc, test_named_time);
	tcase_add_test(tc, test_other_place);
	tcase_add_test(tc, test_place_left_early);
	tcase_add_test(tc, test_not_now);
	tcase_add_loop_test(tc, test_remove_idle, 0, 2);
	tcase_add_test(tc, test_remove_many);
	tcase_add_test(tc, test_numbers);
	suite_add_tcase(s, tc);
	return s;
}
