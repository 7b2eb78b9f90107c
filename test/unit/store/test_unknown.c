/* Others write statuses, too: a request for a file that nobody here has heard of. */
#include "test/unit/store/rig.h"

#include <string.h>

static char asked[512];
static size_t asked_len;

static void on_unknown(void *arg, const char *dir)
{
	(void)arg;
	asked_len += (size_t)snprintf(asked + asked_len, sizeof(asked) - asked_len, "%s ", dir);
}

static void begin(struct rig *r)
{
	clock_fake(1700000000000);
	asked_len = 0;
	asked[0] = '\0';
	r->opts.on_unknown = on_unknown;
	rig_open(r);
	store_claim(r->store, DIR_A);
}

static void woken(void *arg)
{
	++*(unsigned *)arg;
}

static void wait_for(struct rig *r, const char *path, struct store_wait *w, unsigned *n)
{
	struct store_path p;
	struct err err;

	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	store_wait_start(r->store, &p, w, woken, n);
}

/* The status names it: the request goes on to the promise, and to the file. */
START_TEST(test_named)
{
	struct rig r = {0};
	struct store_wait a = {0}, b = {0};
	unsigned na = 0, nb = 0;
	char text[64];

	begin(&r);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	wait_for(&r, PATH_1, &a, &na);
	ck_assert_int_eq(rig_get(&r, PATH_2, text), 'W');
	wait_for(&r, PATH_2, &b, &nb);
	ck_assert_str_eq(asked, DIR_A " "); /* once */
	rig_settle(&r);
	ck_assert_uint_eq(na + nb, 0);
	store_set_current(r.store, DIR_A, PATH_1);
	store_promise(r.store, PATH_1);
	store_confirmed(r.store, DIR_A, true);
	rig_settle(&r);
	ck_assert_uint_eq(na, 1);
	ck_assert_uint_eq(nb, 1);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	ck_assert_int_eq(rig_get(&r, PATH_2, text), 'M');
	wait_for(&r, PATH_1, &a, &na);
	rig_publish(&r, PATH_1, "one");
	rig_settle(&r);
	ck_assert_uint_eq(na, 2);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'H');
	rig_close(&r);
}
END_TEST

/* What was found out counts for a second; a stranger's paths do not make a question each. */
START_TEST(test_how_often)
{
	struct rig r = {0};
	char text[64];

	begin(&r);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	ck_assert_int_eq(rig_get(&r, PATH_2, text), 'W');
	store_confirmed(r.store, DIR_A, true);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'M');
	ck_assert_int_eq(rig_get(&r, PATH_3, text), 'M');
	loop_test_advance(r.loop, 999);
	ck_assert_int_eq(rig_get(&r, PATH_3, text), 'M');
	ck_assert_str_eq(asked, DIR_A " ");
	loop_test_advance(r.loop, 1);
	ck_assert_int_eq(rig_get(&r, PATH_3, text), 'W');
	ck_assert_str_eq(asked, DIR_A " " DIR_A " ");
	/* It could not be found out: a request asks again, a second later. */
	store_confirmed(r.store, DIR_A, false);
	ck_assert_int_eq(rig_get(&r, PATH_3, text), 'W');
	ck_assert_str_eq(asked, DIR_A " " DIR_A " ");
	loop_test_advance(r.loop, 1000);
	ck_assert_int_eq(rig_get(&r, PATH_3, text), 'W');
	ck_assert_str_eq(asked, DIR_A " " DIR_A " " DIR_A " ");
	/* Of an object that nobody knows there is nothing to ask. */
	ck_assert_int_eq(rig_get(&r, PATH_B, text), 'M');
	ck_assert_str_eq(asked, DIR_A " " DIR_A " " DIR_A " ");
	rig_close(&r);
}
END_TEST

/* The watch was quicker than the answer: who waits hears of it. */
START_TEST(test_the_watch_says_it)
{
	struct rig r = {0};
	struct store_wait a = {0};
	unsigned na = 0;
	char text[64];

	begin(&r);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	wait_for(&r, PATH_1, &a, &na);
	store_set_current(r.store, DIR_A, PATH_1);
	if (_i)
		store_promise(r.store, PATH_1);
	else
		rig_publish(&r, PATH_1, "one");
	rig_settle(&r);
	ck_assert_uint_eq(na, 1);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), _i ? 'W' : 'H');
	store_confirmed(r.store, DIR_A, true);
	store_confirmed(r.store, DIR_B, true);
	rig_close(&r);
}
END_TEST

/* Nobody can find out (the process ends): it is said so from inside, and who waits does not turn
   the loop for ever. */
static void on_unknown_in_vain(void *arg, const char *dir)
{
	struct rig *r = arg;

	on_unknown(arg, dir);
	store_confirmed(r->store, dir, false);
}

START_TEST(test_in_vain)
{
	struct rig r = {0};
	struct store_wait a = {0};
	unsigned na = 0;
	char text[64];

	begin(&r);
	r.opts.on_unknown = on_unknown_in_vain;
	r.opts.arg = &r;
	rig_reopen(&r);
	rig_scan(&r);
	store_listed(r.store);
	store_claim(r.store, DIR_A);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	wait_for(&r, PATH_1, &a, &na);
	rig_settle(&r);
	ck_assert_uint_eq(na, 0);
	ck_assert_int_eq(rig_get(&r, PATH_2, text), 'W');
	ck_assert_str_eq(asked, DIR_A " ");
	store_wait_cancel(&a);
	rig_close(&r);
}
END_TEST

/* Another replica has replaced the bytes under the same name. */
START_TEST(test_differs)
{
	struct rig r = {0};
	struct store_file f;
	char text[64];

	begin(&r);
	store_differs(r.store, PATH_1); /* nothing is there */
	rig_publish(&r, PATH_1, "one");
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'H');
	store_differs(r.store, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'W');
	ck_assert(!store_known(r.store, PATH_1, &f));
	rig_publish(&r, PATH_1, "two");
	ck_assert_int_eq(rig_get(&r, PATH_1, text), 'H');
	ck_assert_str_eq(text, "two");
	/* Of one that no status names any more nothing is promised. */
	rig_publish(&r, PATH_2, "three");
	store_differs(r.store, PATH_2);
	store_confirmed(r.store, DIR_A, true);
	ck_assert_int_eq(rig_get(&r, PATH_2, text), 'M');
	rig_close(&r);
}
END_TEST

Suite *suite_unknown(void);
Suite *suite_unknown(void)
{
	Suite *s = suite_create("unknown");
	TCase *tc = tcase_create("unknown");

	tcase_add_test(tc, test_named);
	tcase_add_test(tc, test_how_often);
	tcase_add_loop_test(tc, test_the_watch_says_it, 0, 2);
	tcase_add_test(tc, test_in_vain);
	tcase_add_test(tc, test_differs);
	suite_add_tcase(s, tc);
	return s;
}
