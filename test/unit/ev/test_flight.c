#include "ev/flight.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"

#include <check.h>
#include <stdlib.h>

static struct loop *loop;
static struct flight flight;
static unsigned deserted, given, freed, ended;
static struct err last;

static void on_deserted(struct flight *f)
{
	ck_assert_ptr_eq(f, &flight);
	deserted++;
}

static bool was_alone;

static void on_overdue(struct flight *f, struct flight_wait *w, bool alone, struct err *err)
{
	(void)f;
	(void)w;
	was_alone = alone;
	err_set(err, ERR_RETRY, "it took too long");
}

static void give(struct flight *f, struct flight_wait *w)
{
	ck_assert_ptr_eq(f, &flight);
	ck_assert_ptr_null(w->flight);
	given++;
}

static void wait_free(struct op *op)
{
	struct flight_wait *w = CONTAINER_OF(op, struct flight_wait, op);

	flight_wait_leave(w);
	freed++;
	free(w);
}

static void on_done(struct op *op, void *arg)
{
	(void)arg;
	ended++;
	last = op->err;
	op_free(op);
}

static struct op *join(uint64_t timeout_ms)
{
	static const struct op_type type = {"wait", flight_wait_cancel, wait_free};
	struct flight_wait *w = NEW(struct flight_wait);

	flight_wait_init(w, &type, loop);
	flight_join(&flight, w, timeout_ms);
	op_then(&w->op, on_done, NULL);
	return &w->op;
}

static void pass(uint64_t ms)
{
	unsigned i;

	loop_test_advance(loop, ms);
	for (i = 0; i < 4; i++)
		loop_turn(loop, false);
}

static void set_up(void)
{
	clock_fake(1000);
	loop = loop_new();
	flight_init(&flight, on_deserted, on_overdue);
	deserted = given = freed = ended = 0;
	last = (struct err){0};
}

static void tear_down(void)
{
	ck_assert_int_eq(loop_free(loop), 0);
}

START_TEST(test_all_who_wait_get_the_result)
{
	join(1000);
	join(2000);
	flight_land(&flight, &(struct err){0}, give);
	ck_assert(flight_is_empty(&flight));
	pass(0);
	ck_assert_uint_eq(given, 2);
	ck_assert_uint_eq(ended, 2);
	ck_assert_uint_eq(freed, 2);
	ck_assert_uint_eq(deserted, 0);
	ck_assert_int_eq(last.kind, ERR_NONE);
}
END_TEST

START_TEST(test_a_failure_gives_nothing)
{
	struct err err = {0};

	err_set(&err, ERR_RETRY, "no");
	join(1000);
	flight_land(&flight, &err, give);
	pass(0);
	ck_assert_uint_eq(given, 0);
	ck_assert_str_eq(last.msg, "no");
}
END_TEST

START_TEST(test_who_gives_up_takes_nothing_from_the_others)
{
	struct op *first = join(1000);

	join(1000);
	op_cancel(first);
	ck_assert_uint_eq(deserted, 0);
	flight_land(&flight, &(struct err){0}, give);
	pass(0);
	ck_assert_uint_eq(given, 1);
	ck_assert_uint_eq(ended, 2);
}
END_TEST

/* Without a time it waits as long as the work takes. */
START_TEST(test_without_a_time)
{
	struct err none = {0};

	join(0);
	pass(1000000000);
	ck_assert_uint_eq(ended, 0);
	flight_land(&flight, &none, give);
	pass(0);
	ck_assert_uint_eq(ended, 1);
	ck_assert_int_eq(last.kind, ERR_NONE);
}
END_TEST

START_TEST(test_the_last_one_who_goes_is_told)
{
	struct op *first = join(1000), *second = join(1000);

	op_drop(first);
	ck_assert_uint_eq(deserted, 0);
	op_drop(second);
	ck_assert_uint_eq(deserted, 1);
	pass(0);
	ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(test_each_has_a_time_of_its_own)
{
	join(100);
	join(200);
	pass(101);
	ck_assert_uint_eq(ended, 1);
	ck_assert(!was_alone);
	ck_assert_str_eq(last.msg, "it took too long");
	ck_assert_uint_eq(deserted, 0);
	pass(100);
	ck_assert_uint_eq(ended, 2);
	ck_assert(was_alone);
	ck_assert_uint_eq(deserted, 1);
}
END_TEST

Suite *suite_flight(void);
Suite *suite_flight(void)
{
	Suite *s = suite_create("flight");
	TCase *tc = tcase_create("flight");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, test_all_who_wait_get_the_result);
	tcase_add_test(tc, test_a_failure_gives_nothing);
	tcase_add_test(tc, test_who_gives_up_takes_nothing_from_the_others);
	tcase_add_test(tc, test_without_a_time);
	tcase_add_test(tc, test_the_last_one_who_goes_is_told);
	tcase_add_test(tc, test_each_has_a_time_of_its_own);
	suite_add_tcase(s, tc);
	return s;
}
