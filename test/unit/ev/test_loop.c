/* The ready list: in rounds, several to a turn, and never so long that timers wait. */
#include "ev/loop.h"
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

Suite *suite_loop(void);
Suite *suite_loop(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");

	tcase_add_test(tc, test_rounds);
	tcase_add_test(tc, test_endless_chain);
	suite_add_tcase(s, tc);
	return s;
}
