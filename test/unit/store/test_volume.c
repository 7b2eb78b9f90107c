/* The folder under the store goes, or another one takes its place; and a volume that was full. */
#include "store/volume.h"

#include "base/sys.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

Suite *suite_volume(void);

static void shell(struct rig *r, const char *what)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "D=%s; %s", r->dir, what);
	ck_assert_int_eq(system(cmd), 0);
}

static void begin(struct rig *r)
{
	clock_fake(1700000000000);
	rig_open(r);
	store_claim(r->store, DIR_A);
	rig_publish(r, PATH_1, "one");
	rig_publish(r, PATH_B, "b");
	store_set_current(r->store, DIR_A, PATH_1);
}

static void look(struct rig *r)
{
	loop_test_advance(r->loop, 5000);
	rig_settle(r);
}

static bool locked(struct rig *r)
{
	int fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool yes = flock(fd, LOCK_EX | LOCK_NB) != 0;

	close(fd);
	return yes;
}

/* Nothing has changed: nobody is told, nothing is read again. */
START_TEST(test_same)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	look(&r);
	look(&r);
	ck_assert_uint_eq(r.lost_count, 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* Removed: what cannot be written until then has a message, and then it works, in the new folder
   and under its lock. */
START_TEST(test_removed)
{
	struct rig r = {0};
	struct err err;
	char got[64];

	begin(&r);
	shell(&r, "rm -rf \"$D\"");
	ck_assert_int_eq(rig_end(&r, rig_publish_start(&r, PATH_2, "two", NULL), &err), ERR_RETRY);
	ck_assert_str_eq(store_failure_words(err.code), "the storage volume is gone");
	look(&r);
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_str_eq(r.lost, PATH_1);
	ck_assert(locked(&r));
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W'); /* its status names it */
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'M');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_MISSING);
	rig_publish(&r, PATH_1, "one");
	ck_assert(rig_exists(&r, PATH_1));
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* Another folder with the same files, as when a volume is mounted again: they are found, and looked
   at before they are served. */
START_TEST(test_replaced)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	shell(&r, "cp -a \"$D\" \"$D.new\"; mv \"$D\" \"$D.old\"; mv \"$D.new\" \"$D\"");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H'); /* of the old one */
	look(&r);
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'H');
	rig_publish(&r, PATH_2, "two");
	ck_assert(rig_exists(&r, PATH_2));
	shell(&r, "rm -rf \"$D.old\"");
	rig_close(&r);
}
END_TEST

/* A path that leads to nothing that could be a store: the old folder stays open, and it is tried
   again. */
START_TEST(test_not_yet)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	shell(&r, "mv \"$D\" \"$D.old\"; touch \"$D\"");
	look(&r);
	ck_assert_uint_eq(r.lost_count, 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	shell(&r, "rm \"$D\"; mv \"$D.old\" \"$D\"");
	look(&r);
	ck_assert_uint_eq(r.lost_count, 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

START_TEST(test_closed_meanwhile)
{
	struct rig r = {0};

	begin(&r);
	shell(&r, "rm -rf \"$D\"");
	loop_test_advance(r.loop, 5000);
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
/* A file that the disk cannot read is as good as none: its object brings another one. */
START_TEST(test_unreadable)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	rig_reopen(&r);
	store_claim(r.store, DIR_A);
	store_promise(r.store, PATH_1);
	rig_scan(&r);
	store_set_current(r.store, DIR_A, PATH_1);
	store_listed(r.store);
	sys_fault(SYS_READ, 1, EIO);
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	sys_fault(SYS_READ, 1, EIO);
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'M');
	sys_fault_clear();
	rig_publish(&r, PATH_1, "one");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST
#endif

/* ---- room */

#define ROOM(bytes) {.measured = true, .free = (bytes)}

/* 100 bytes were refused, and again after each try. What looks find, 5 s apart: is it better? */
static const struct {
	const char *name;
	struct volume_state looks[10];
	const char *better; /* one letter a look: y, n */
} LOOKS[] = {
	{"room", {ROOM(99), ROOM(100)}, "ny"},
	{"read-only", {{.measured = true, .read_only = true, .free = 200}, ROOM(200)}, "ny"},
	{"not measured", {{.free = 200}, ROOM(200)}, "ny"},
	{"another one", {ROOM(0), {.replaced = true}, {.replaced = true}}, "nyy"},
	{"room, but it is refused again: after 10 s, then 20 s",
		{ROOM(200), ROOM(200), ROOM(200), ROOM(200), ROOM(200), ROOM(200), ROOM(200),
			ROOM(200)},
		"ynynnnyn"},
};

START_TEST(test_better)
{
	struct volume v = {0};
	uint64_t now = 1000000;
	size_t i;

	ck_assert(!volume_is_better(&v, &(struct volume_state){.replaced = true}, now));
	for (i = 0; LOOKS[_i].better[i]; i++, now += 5000) {
		v.least = 100;
		ck_assert_msg(volume_is_better(&v, &LOOKS[_i].looks[i], now) ==
				(LOOKS[_i].better[i] == 'y'),
			"%s: %zu", LOOKS[_i].name, i);
		ck_assert(v.least == (LOOKS[_i].better[i] == 'y' ? 0 : 100));
	}
}
END_TEST

/* However often it fails it is tried every quarter of an hour; after an hour it begins anew. */
START_TEST(test_pause)
{
	static const struct volume_state room = ROOM(100);
	struct volume v = {0};
	uint64_t now = 1000000;
	int i;

	for (i = 0; i < 20; i++, now += 15 * 60000) {
		v.least = 1;
		ck_assert(volume_is_better(&v, &room, now));
	}
	v.least = 1;
	ck_assert(!volume_is_better(&v, &room, now - 1));
	now += 60 * 60000;
	ck_assert(volume_is_better(&v, &room, now));
	v.least = 1;
	ck_assert(volume_is_better(&v, &room, now + 10000));
}
END_TEST

static unsigned rooms;

static void on_room(void *arg)
{
	(void)arg;
	rooms++;
}

static unsigned fulls;

static void on_full(void *arg)
{
	(void)arg;
	fulls++;
}

/* Who keeps something there hears of a full disk at once, and of no other trouble. */
START_TEST(test_full)
{
	static const int codes[] = {-ENOSPC, -EDQUOT, -EIO, -EROFS, -EACCES, 0};
	struct rig r = {.opts = {.on_full = on_full}};
	size_t i;

	clock_fake(1700000000000);
	rig_open(&r);
	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		store_refused(r.store, 5, codes[i]);
		ck_assert_uint_eq(fulls, i < 2 ? i + 1 : 2);
	}
	rig_close(&r);
}
END_TEST

START_TEST(test_room)
{
	struct rig r = {.opts = {.on_room = on_room}};

	clock_fake(1700000000000);
	rig_open(&r);
	look(&r);
	ck_assert_uint_eq(rooms, 0); /* nothing was refused */
	store_refused(r.store, 5, -EIO); /* no look would see whether that is better */
	store_refused(r.store, 5, -EDQUOT);
	store_refused(r.store, 5, -EACCES);
	look(&r);
	ck_assert_uint_eq(rooms, 0);
	store_refused(r.store, UINT64_MAX, -ENOSPC);
	look(&r);
	ck_assert_uint_eq(rooms, 0);
	store_refused(r.store, 5, -ENOSPC);
	look(&r);
	ck_assert_uint_eq(rooms, 1);
	store_refused(r.store, 5, -EROFS);
	look(&r);
	ck_assert_uint_eq(rooms, 1);
	look(&r);
	ck_assert_uint_eq(rooms, 2);
	look(&r);
	ck_assert_uint_eq(rooms, 2);
	rig_close(&r);
}
END_TEST

static const struct {
	int code;
	const char *says;
} WORDS[] = {
	{-ENOSPC, "no space left on the storage volume"},
	{-EDQUOT, "no space left on the storage volume: its disk quota is used up"},
	{-EROFS, "the storage volume is read-only"},
	{-EIO, "the storage volume cannot be read or written: input/output error"},
	{-ENOENT, "the storage volume is gone"},
	{-ESTALE, "the storage volume is gone"},
	{-EACCES, NULL},
	{0, NULL},
};

START_TEST(test_words)
{
	const char *got = store_failure_words(WORDS[_i].code);

	ck_assert_msg(!got == !WORDS[_i].says && (!got || !strcmp(got, WORDS[_i].says)), "%d: %s",
		WORDS[_i].code, got ? got : "nothing");
}
END_TEST

Suite *suite_volume(void)
{
	Suite *s = suite_create("volume");
	TCase *t = tcase_create("volume");

	tcase_add_test(t, test_same);
	tcase_add_test(t, test_removed);
	tcase_add_test(t, test_replaced);
	tcase_add_test(t, test_not_yet);
	tcase_add_test(t, test_closed_meanwhile);
#ifdef TEST_BUILD
	tcase_add_test(t, test_unreadable);
#endif
	tcase_add_loop_test(t, test_better, 0, (int)ARRAY_LEN(LOOKS));
	tcase_add_test(t, test_pause);
	tcase_add_test(t, test_full);
	tcase_add_test(t, test_room);
	tcase_add_loop_test(t, test_words, 0, (int)ARRAY_LEN(WORDS));
	suite_add_tcase(s, t);
	return s;
}
