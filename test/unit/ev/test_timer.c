#include "ev/timer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"

#include <check.h>
#include <stdlib.h>

struct mark {
	struct timer timer;
	int fired;
	unsigned order;
};

static unsigned counter;

static void fire(void *arg)
{
	struct mark *m = arg;

	m->fired++;
	m->order = ++counter;
}

START_TEST(test_heap)
{
	enum { N = 2000 };
	struct loop *l = loop_new();
	struct mark *m = mem_zalloc(N * sizeof(*m));
	unsigned i, seed = 1;

	clock_fake(0);
	for (i = 0; i < N; i++) {
		seed = seed * 1103515245 + 12345;
		timer_init(&m[i].timer, l, fire, &m[i]);
		timer_set(&m[i].timer, 1 + seed % 100000);
	}
	for (i = 0; i < N; i += 3)
		timer_cancel(&m[i].timer);
	for (i = 1; i < N; i += 3)
		timer_set(&m[i].timer, 200000 - i);
	loop_test_advance(l, 100000);
	for (i = 0; i < N; i++) {
		ck_assert_int_eq(m[i].fired, i % 3 == 2);
		ck_assert_int_eq(timer_is_set(&m[i].timer), i % 3 == 1);
	}
	counter = 0;
	loop_test_advance(l, 100000);
	for (i = 4; i < N; i += 3)
		ck_assert_uint_lt(m[i].order, m[i - 3].order);
	free(m);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_real)
{
	struct loop *l = loop_new();
	struct mark a = {0}, b = {0};
	uint64_t from = clock_ns();

	clock_fake(0);
	timer_init_real(&a.timer, l, fire, &a);
	timer_init(&b.timer, l, fire, &b);
	timer_set(&a.timer, 5);
	timer_set(&b.timer, 1);
	while (!a.fired)
		loop_turn(l, true);
	/* Milliseconds are whole, and the clock is read in the middle of one. */
	ck_assert_uint_ge(clock_ns() - from, 4000000);
	ck_assert_int_eq(b.fired, 0);
	timer_cancel(&b.timer);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

static void again(void *arg)
{
	struct mark *m = arg;

	m->fired++;
	timer_set(&m->timer, 0);
}

/* A timer that sets itself for "now" runs once a round, or it would hold the loop for ever. */
START_TEST(test_sets_itself)
{
	struct loop *l = loop_new();
	struct mark fake = {0}, real = {0};
	int i;

	timer_init_real(&real.timer, l, again, &real);
	timer_set(&real.timer, 0);
	for (i = 0; i < 20; i++)
		loop_turn(l, false);
	ck_assert_int_le(real.fired, 20);
	timer_cancel(&real.timer);
	clock_fake(1000);
	timer_init(&fake.timer, l, again, &fake);
	timer_set(&fake.timer, 0);
	loop_test_advance(l, 0);
	ck_assert_int_eq(fake.fired, 1);
	loop_test_advance(l, 1);
	ck_assert_int_eq(fake.fired, 2);
	timer_cancel(&fake.timer);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_timer(void);
Suite *suite_timer(void)
{
	Suite *s = suite_create("timer");
	TCase *tc = tcase_create("timer");

	tcase_add_test(tc, test_heap);
	tcase_add_test(tc, test_real);
	tcase_add_test(tc, test_sets_itself);
	suite_add_tcase(s, tc);
	return s;
}
