/* The quota: who gets room, what gives way for it, and when who was refused hears of it. */
#include "store/quota.h"

#include "base/sys.h"
#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *suite_quota(void);

static unsigned rooms;

static void on_room(void *arg)
{
	(void)arg;
	rooms++;
}

/* DIR_A: PATH_1 and then PATH_2 are superseded, PATH_3 is what the status names; DIR_B: PATH_B is
   superseded between the two. 10 bytes each. */
static void begin(struct rig *r, uint64_t quota)
{
	r->opts.quota = quota;
	r->opts.on_room = on_room;
	r->opts.retention_records = 9;
	clock_fake(1700000000000);
	rig_open(r);
	store_claim(r->store, DIR_A);
	store_claim(r->store, DIR_B);
	rig_publish(r, PATH_1, "0123456789");
	store_set_current(r->store, DIR_A, PATH_1);
	rig_publish(r, PATH_B, "0123456789");
	store_set_current(r->store, DIR_B, PATH_B);
	rig_publish(r, PATH_2, "0123456789");
	store_set_current(r->store, DIR_A, PATH_2);
	clock_fake_add(10);
	store_set_current(r->store, DIR_B, NULL);
	clock_fake_add(10);
	rig_publish(r, PATH_3, "0123456789");
	store_set_current(r->store, DIR_A, PATH_3);
}

static uint64_t reserved(struct rig *r)
{
	struct store_stats st;

	store_stats(r->store, &st);
	return st.reserved;
}

/* The bytes that were got; 0 when it was refused, and *err says why. */
static uint64_t ask(struct rig *r, uint64_t bytes, bool must, struct err *err)
{
	struct op *op = store_room_start(r->store, bytes, 0, must);
	uint64_t got = 0;

	rig_run(r, op);
	*err = op->err;
	if (!op->err.kind)
		got = store_room_take(op);
	op_free(op);
	rig_settle(r);
	return got;
}

/* Which of PATH_1, PATH_2, PATH_3, PATH_B are on the disk: "12-b". */
static void check_files(struct rig *r, const char *name, const char *want)
{
	char got[5] = "----";

	if (rig_exists(r, PATH_1))
		got[0] = '1';
	if (rig_exists(r, PATH_2))
		got[1] = '2';
	if (rig_exists(r, PATH_3))
		got[2] = '3';
	if (rig_exists(r, PATH_B))
		got[3] = 'b';
	ck_assert_msg(!strcmp(got, want), "%s: %s, not %s", name, got, want);
}

static const struct {
	const char *name;
	uint64_t quota, bytes;
	bool must;
	uint64_t got;
	const char *files;
} ROWS[] = {
	{"no quota", 0, UINT64_MAX / 2, false, UINT64_MAX / 2, "123b"},
	{"there is room", 50, 10, false, 10, "123b"},
	{"the oldest gives way", 49, 10, false, 10, "-23b"},
	{"the oldest of all objects", 40, 11, false, 11, "-23-"},
	{"all that may", 40, 30, false, 30, "--3-"},
	{"what a status names does not, and then nothing goes", 40, 31, false, 0, "123b"},
	{"more than all of it", 40, 41, false, 0, "123b"},
	{"a lost one comes back: what may goes", 40, 31, true, 31, "--3-"},
	{"a lost one comes back: only what must go goes", 40, 5, true, 5, "-23b"},
	{"nothing for nothing", 40, 0, false, 0, "123b"},
};

START_TEST(test_rows)
{
	struct rig r = {0};
	struct err err;
	uint64_t got;

	begin(&r, ROWS[_i].quota);
	got = ask(&r, ROWS[_i].bytes, ROWS[_i].must, &err);
	ck_assert_msg(got == ROWS[_i].got, "%s: %llu, %s", ROWS[_i].name, (unsigned long long)got,
		err.msg);
	ck_assert_msg(reserved(&r) == got, "%s", ROWS[_i].name);
	ck_assert_msg(ROWS[_i].got || !ROWS[_i].bytes || err.code == STORE_OVER_QUOTA, "%s: %s",
		ROWS[_i].name, err.msg);
	check_files(&r, ROWS[_i].name, ROWS[_i].files);
	store_room_release(r.store, got);
	ck_assert_uint_eq(reserved(&r), 0);
	rig_close(&r);
}
END_TEST

/* Two at a time do not get the same room. */
START_TEST(test_reserved)
{
	struct rig r = {0};
	struct err err;

	begin(&r, 60);
	ck_assert_uint_eq(ask(&r, 20, false, &err), 20);
	check_files(&r, "the first", "123b");
	ck_assert_uint_eq(ask(&r, 10, false, &err), 10);
	check_files(&r, "the second", "-23b");
	ck_assert_uint_eq(ask(&r, 41, false, &err), 0);
	store_room_release(r.store, 30);
	rig_close(&r);
}
END_TEST

START_TEST(test_message)
{
	struct rig r = {.opts = {.quota = 10 << 20}};
	struct store_stats st;
	struct err err;

	rig_open(&r);
	ck_assert_uint_eq(ask(&r, 8 << 20, false, &err), 8 << 20);
	ck_assert_uint_eq(ask(&r, 2500 << 10, false, &err), 0);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_str_eq(err.msg,
		"no room in the storage quota of 10.0 MiB (--storage-quota): 8.0 MiB are taken, "
		"2.4 MiB more are needed");
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.quota, 10 << 20);
	ck_assert_uint_eq(st.refused, 1);
	store_room_release(r.store, 8 << 20);
	rig_close(&r);
}
END_TEST

/* An op that nobody waits for keeps nothing. */
START_TEST(test_dropped)
{
	struct rig r = {0};

	begin(&r, 40);
	op_drop(store_room_start(r.store, 5, 0, false));
	rig_settle(&r);
	ck_assert_uint_eq(reserved(&r), 0);
	ck_assert_int_eq(rig_end(&r, store_room_start(r.store, 5, 0, false), NULL), ERR_NONE);
	ck_assert_uint_eq(reserved(&r), 0);
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
/* A disk that removes nothing: what was to give way is there still; a lost one comes back all the
   same. */
START_TEST(test_disk_fails)
{
	struct rig r = {0};
	struct err err;
	char got[64];

	begin(&r, 40);
	sys_fault_after(SYS_UNLINK, 1, EROFS);
	ck_assert_uint_eq(ask(&r, 5, false, &err), 0);
	ck_assert_int_eq(err.code, -EROFS);
	ck_assert_uint_eq(reserved(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_uint_eq(ask(&r, 5, true, &err), 5);
	sys_fault_clear();
	store_room_release(r.store, 5);
	rig_close(&r);
}
END_TEST
#endif

/* ---- who was refused */

static unsigned told(struct rig *r)
{
	loop_test_advance(r->loop, 1000);
	rig_settle(r);
	return rooms;
}

static void remove_all(struct rig *r, const char *dir)
{
	ck_assert_int_eq(rig_end(r, store_remove_start(r->store, dir), NULL), ERR_NONE);
}

/* 40 bytes, of which PATH_3 and 20 that are reserved are taken for good. */
static void begin_refused(struct rig *r)
{
	struct err err;

	begin(r, 40);
	ck_assert_uint_eq(told(r), 0); /* nobody was refused */
	ck_assert_uint_eq(ask(r, 20, false, &err), 20);
	ck_assert_uint_eq(ask(r, 15, false, &err), 0);
	ck_assert_uint_eq(ask(r, 12, false, &err), 0);
	ck_assert_uint_eq(told(r), 0);
	/* Something goes, but not enough for the least. */
	remove_all(r, DIR_B);
	ck_assert_uint_eq(told(r), 0);
}

START_TEST(test_told)
{
	struct rig r = {0};

	begin_refused(&r);
	switch (_i) {
	case 0: /* an object goes */
		remove_all(&r, DIR_A);
		break;
	case 1: /* what a status named may give way */
		store_set_current(r.store, DIR_A, NULL);
		break;
	default: /* a reservation is given back */
		store_room_release(r.store, 20);
		break;
	}
	ck_assert_uint_eq(told(&r), 1);
	rig_publish(&r, PATH_B, "x");
	remove_all(&r, DIR_B);
	ck_assert_uint_eq(told(&r), 1); /* once */
	if (_i < 2)
		store_room_release(r.store, 20);
	rig_close(&r);
}
END_TEST

/* Who was refused the rest of a file gives back what it had for it, and needs all of it when it
   comes again: its own room is no news for it. */
START_TEST(test_rest_is_refused)
{
	struct rig r = {0};
	struct err err;

	begin(&r, 40);
	ck_assert_uint_eq(ask(&r, 28, false, &err), 28);
	ck_assert_int_eq(rig_end(&r, store_room_start(r.store, 5, 28, false), &err), ERR_RETRY);
	ck_assert_int_eq(err.code, STORE_OVER_QUOTA);
	store_room_release(r.store, 28);
	ck_assert_uint_eq(told(&r), 0);
	ck_assert_uint_eq(told(&r), 0);
	store_set_current(r.store, DIR_A, NULL); /* now all of it would fit */
	ck_assert_uint_eq(told(&r), 1);
	rig_close(&r);
}
END_TEST

/* Before the first list nobody has said what statuses name: nothing gives way, not even for what
   must come back. */
START_TEST(test_before_the_list)
{
	struct rig r = {0};
	struct err err;

	begin(&r, 49);
	rig_reopen(&r);
	rig_scan(&r);
	store_claim(r.store, DIR_A);
	ck_assert_uint_eq(ask(&r, 10, false, &err), 0);
	ck_assert_uint_eq(ask(&r, 10, true, &err), 10);
	check_files(&r, "before the list", "123b");
	store_set_current(r.store, DIR_A, PATH_3);
	store_listed(r.store);
	store_room_release(r.store, 10);
	ck_assert_uint_eq(told(&r), 1);
	ck_assert_uint_eq(ask(&r, 10, false, &err), 10);
	store_room_release(r.store, 10);
	rig_close(&r);
}
END_TEST

/* Small files come and go: who waits is not told each time. */
START_TEST(test_told_seldom)
{
	struct rig r = {0};
	struct err err;

	begin_refused(&r);
	store_room_release(r.store, 10);
	ck_assert_uint_eq(told(&r), 1);
	ck_assert_uint_eq(ask(&r, 21, false, &err), 0);
	store_room_release(r.store, 10);
	ck_assert_uint_eq(told(&r), 1);
	loop_test_advance(r.loop, 7900);
	ck_assert_uint_eq(told(&r), 1);
	ck_assert_uint_eq(told(&r), 2);
	rig_close(&r);
}
END_TEST

Suite *suite_quota(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");

	tcase_add_loop_test(t, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(t, test_reserved);
	tcase_add_test(t, test_message);
	tcase_add_test(t, test_dropped);
#ifdef TEST_BUILD
	tcase_add_test(t, test_disk_fails);
#endif
	tcase_add_loop_test(t, test_told, 0, 3);
	tcase_add_test(t, test_rest_is_refused);
	tcase_add_test(t, test_before_the_list);
	tcase_add_test(t, test_told_seldom);
	suite_add_tcase(s, t);
	return s;
}
