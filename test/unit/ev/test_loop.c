/* The ready list: in rounds, several to a turn, and never so long that timers wait. */
#include "ev/loop.h"

#include "base/clock.h"
#include "ev/timer.h"

#include <check.h>

struct chain {
	struct loop *l;
	struct defer defer;
	unsigned left, calls;
};

static void next(void *arg)
{
	struct chain *c = arg;

	c->calls++;
	if (--c->left)
		defer_queue(c->l, &c->defer, next, c);
	else
		loop_stop(c->l);
}

static void halt(void *arg)
{
	loop_stop(arg);
}

START_TEST(test_rounds)
{
	struct loop *l = loop_new();
	struct chain c = {.l = l, .left = 8};
	struct loop_stats st;

	/* A turn of a test is one round. */
	defer_queue(l, &c.defer, next, &c);
	loop_turn(l, false);
	ck_assert_uint_eq(c.calls, 1);
	/* The first turn of a loop is not measured, since nothing was before it. */
	loop_stats(l, &st);
	loop_run(l);
	ck_assert_uint_eq(c.calls, 8);
	loop_stats(l, &st);
	ck_assert_uint_le(st.turns, 2);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_endless_chain)
{
	struct loop *l = loop_new();
	struct chain c = {.l = l, .left = -1U};
	struct timer t;

	timer_init_real(&t, l, halt, l);
	timer_set(&t, 5);
	defer_queue(l, &c.defer, next, &c);
	loop_run(l);
	ck_assert_uint_gt(c.calls, 16);
	defer_cancel(l, &c.defer);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

#define EATERS 10
#define PIECES 20

struct eater {
	struct loop *l;
	struct defer turn, defer;
	unsigned left;
};
static struct eater eaters[EATERS];
static unsigned hungry, in_turn, most_in_turn;
static uint64_t turn_no;

/* Pieces of a turn, and not its time: on a busy machine a turn is interrupted. */
static void count_piece(struct loop *l)
{
	struct loop_stats st;

	loop_stats(l, &st);
	in_turn = st.turns == turn_no ? in_turn + 1 : 1;
	turn_no = st.turns;
	most_in_turn = in_turn > most_in_turn ? in_turn : most_in_turn;
}

static void eat_now(void *arg);

/* As a transfer does it: what goes on comes a round later. */
static void eat_soon(void *arg)
{
	struct eater *e = arg;

	defer_queue(e->l, &e->defer, eat_now, e);
}

static void eat_now(void *arg)
{
	struct eater *e = arg;
	unsigned i, most = 0, least = PIECES;
	uint64_t since;

	for (; e->left; e->left--) {
		if (!loop_has_time(e->l, &e->turn)) {
			loop_time_wait(e->l, &e->turn, eat_soon, e);
			return;
		}
		count_piece(e->l);
		for (since = clock_ns(); clock_ns() - since < 1000000;)
			;
	}
	for (i = 0; i < EATERS; i++) {
		most = eaters[i].left > most ? eaters[i].left : most;
		least = eaters[i].left < least ? eaters[i].left : least;
	}
	/* When the first is done, after several goes, all others have had some. */
	if (hungry == EATERS)
		ck_assert_uint_lt(most, PIECES);
	if (!--hungry)
		loop_stop(e->l);
}

/* All bulk work of a turn shares its time, and all get on: 200 ms of pieces, of which no turn takes
   more than a few. */
START_TEST(test_bulk)
{
	struct loop *l = loop_new();
	struct loop_stats st;
	unsigned i;

	loop_turn(l, false);
	for (hungry = i = 0; i < EATERS; i++, hungry++) {
		eaters[i] = (struct eater){.l = l, .left = PIECES};
		defer_queue(l, &eaters[i].defer, eat_now, &eaters[i]);
	}
	loop_run(l);
	loop_stats(l, &st);
	ck_assert_uint_eq(hungry, 0);
	ck_assert_uint_ge(st.busy_ns, EATERS * (PIECES - 1) * 1000000ULL);
	ck_assert_uint_lt(most_in_turn, 20);
	ck_assert_uint_ge(st.turns, EATERS);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

static void nothing(void *arg)
{
	(void)arg;
}

static void never(void *arg)
{
	(void)arg;
	ck_abort_msg("a wait that was cancelled ended");
}

/* On a busy machine a turn may have been over before the question was asked. */
static void wait_for_time(struct loop *l, const struct defer *d)
{
	while (!loop_has_time(l, d))
		loop_turn(l, false);
}

START_TEST(test_bulk_cancel)
{
	struct loop *l = loop_new();
	struct defer a = {0}, b = {0};

	defer_queue(l, &a, nothing, NULL);
	loop_turn(l, false);
	wait_for_time(l, &a);
	loop_time_wait(l, &a, never, NULL);
	ck_assert(!loop_has_time(l, &b)); /* a comes first */
	defer_cancel(l, &a);
	wait_for_time(l, &b);
	loop_turn(l, false);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_loop(void);
Suite *suite_loop(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_test(tc, test_rounds);
	tcase_add_test(tc, test_endless_chain);
	tcase_add_test(tc, test_bulk);
	tcase_add_test(tc, test_bulk_cancel);
	suite_add_tcase(s, tc);
	return s;
}
