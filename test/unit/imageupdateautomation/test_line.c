#include "controllers/imageupdateautomation/line.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"

#include <check.h>

static void woken(void *arg)
{
	++*(int *)arg;
}

static void settle(struct loop *l)
{
	int i;

	for (i = 0; i < 10; i++)
		loop_turn(l, false);
}

static struct lines ls;

static void begin(void)
{
	clock_fake(1800000000000);
	ls = (struct lines){.loop = loop_new()};
}

static void end(void)
{
	lines_clear(&ls);
	settle(ls.loop);
	ck_assert_int_eq(loop_free(ls.loop), 0);
}

START_TEST(test_line_turns)
{
	struct line_place a = {0}, b = {0}, c = {0}, other = {0};
	int n = 0;

	begin();
	line_join(&ls, &a, "x main", 60000, woken, &n);
	line_join(&ls, &b, "x main", 60000, woken, &n);
	line_join(&ls, &c, "x main", 60000, woken, &n);
	line_join(&ls, &other, "x dev", 60000, woken, &n);
	ck_assert(line_may(&a) && !line_may(&b) && !line_may(&c) && line_may(&other));
	line_leave(&b);
	ck_assert_int_eq(n, 0);
	line_leave(&a);
	ck_assert_int_eq(n, 1);
	ck_assert(line_may(&c));
	line_leave(&c);
	line_leave(&c);
	line_leave(&other);
	end();
}
END_TEST

/* One hangs: the others go on after its time, one after the other, in the order in which they came.
 */
START_TEST(test_line_late)
{
	struct line_place a = {0}, b = {0}, c = {0}, d = {0};
	int n = 0;

	begin();
	line_join(&ls, &a, "x main", 1000, woken, &n);
	line_join(&ls, &b, "x main", 2000, woken, &n);
	line_join(&ls, &c, "x main", 1000, woken, &n);
	loop_test_advance(ls.loop, 999);
	settle(ls.loop);
	ck_assert_int_eq(n, 0);
	loop_test_advance(ls.loop, 2);
	settle(ls.loop);
	ck_assert_int_eq(n, 1);
	ck_assert(line_may(&b) && !line_may(&c));
	/* One that was overtaken gives no turn away. */
	line_leave(&a);
	ck_assert(!line_may(&c));
	loop_test_advance(ls.loop, 1900);
	settle(ls.loop);
	line_join(&ls, &d, "x main", 1000, woken, &n);
	ck_assert(!line_may(&c) && !line_may(&d));
	line_leave(&b);
	ck_assert_int_eq(n, 2);
	ck_assert(line_may(&c) && !line_may(&d));
	line_leave(&c);
	ck_assert_int_eq(n, 3);
	ck_assert(line_may(&d));
	line_leave(&d);
	end();
}
END_TEST

/* Nobody waited when its time was over: who comes next need not wait, who comes then does. */
START_TEST(test_line_late_alone)
{
	struct line_place a = {0}, b = {0}, c = {0};
	int n = 0;

	begin();
	line_join(&ls, &a, "x main", 1000, woken, &n);
	loop_test_advance(ls.loop, 1500);
	settle(ls.loop);
	line_join(&ls, &b, "x main", 1000, woken, &n);
	line_join(&ls, &c, "x main", 1000, woken, &n);
	ck_assert(line_may(&b) && !line_may(&c));
	line_leave(&b);
	ck_assert(line_may(&c));
	line_leave(&c);
	line_leave(&a);
	end();
}
END_TEST

/* However long it would like to. */
START_TEST(test_line_cap)
{
	struct line_place a = {0}, b = {0};
	int n = 0;

	begin();
	line_join(&ls, &a, "x main", 86400000, woken, &n);
	line_join(&ls, &b, "x main", 86400000, woken, &n);
	loop_test_advance(ls.loop, LIMIT_AUTOMATION_TURN_MS - 1);
	settle(ls.loop);
	ck_assert(!line_may(&b));
	loop_test_advance(ls.loop, 2);
	settle(ls.loop);
	ck_assert_int_eq(n, 1);
	ck_assert(line_may(&b));
	line_leave(&a);
	line_leave(&b);
	end();
}
END_TEST

Suite *suite_line(void);
Suite *suite_line(void)
{
	Suite *s = suite_create("line");
	TCase *t = tcase_create("line");

	tcase_add_test(t, test_line_turns);
	tcase_add_test(t, test_line_late);
	tcase_add_test(t, test_line_late_alone);
	tcase_add_test(t, test_line_cap);
	suite_add_tcase(s, t);
	return s;
}
