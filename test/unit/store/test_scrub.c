#include "store/scrub.h"

#include "base/sys.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_scrub(void);

#define MINUTE 60000
#define KIB 1024

static struct store_stats stats_of(struct rig *r)
{
	struct store_stats st;

	store_stats(r->store, &st);
	return st;
}

/* PATH_1 is what the status of DIR_A names; PATH_2 was. */
static void begin(struct rig *r)
{
	r->opts.scrub_rate = 64 * KIB;
	clock_fake(1700000000000);
	rig_open(r);
	store_claim(r->store, DIR_A);
	rig_publish(r, PATH_2, "two");
	rig_publish(r, PATH_1, "one");
	rig_publish(r, PATH_B, "bee");
	store_set_current(r->store, DIR_A, PATH_1);
}

static void run(struct rig *r, uint64_t ms)
{
	uint64_t t;

	for (t = 0; t < ms; t += 100) {
		loop_test_advance(r->loop, 100);
		rig_settle(r);
	}
}

/* Other bytes, and no stat shows it. */
static void rot(struct rig *r, const char *path, const char *text)
{
	char full[STORE_PATH_MAX + 64];
	struct stat st;
	int fd;

	snprintf(full, sizeof(full), "%s/%s", r->dir, path);
	fd = open(full, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(pwrite(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	ck_assert_int_eq(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}), 0);
	close(fd);
}

/* Each file once, then nothing until the hour is over. */
START_TEST(test_intact)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 0);
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 9);
	run(&r, 57 * MINUTE);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 9);
	rig_publish(&r, PATH_3, "three");
	run(&r, 3 * MINUTE);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 9 + 14);
	ck_assert_uint_eq(stats_of(&r).wrong, 0);
	ck_assert_uint_eq(r.lost_count, 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

START_TEST(test_off)
{
	struct rig r = {0};

	begin(&r);
	r.opts.scrub_rate = 0;
	rig_reopen(&r);
	rig_scan(&r);
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 0);
	rig_close(&r);
}
END_TEST

/* Not served from then on; its object hears of it, finds that it differs, and puts it right. */
START_TEST(test_wrong)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	rot(&r, PATH_1, "eno");
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT); /* as far as a stat shows */
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_str_eq(r.lost, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'H');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_DIFFERS);
	rig_publish(&r, PATH_1, "one");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "one");
	run(&r, 61 * MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	rig_close(&r);
}
END_TEST

/* One that no status names: 404, and the retention takes it away. */
START_TEST(test_wrong_superseded)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	rot(&r, PATH_2, "owt");
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'M');
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	run(&r, MINUTE);
	ck_assert_int_eq(rig_end(&r, store_retain_start(r.store, DIR_A), NULL), ERR_NONE);
	ck_assert(!rig_exists(&r, PATH_2));
	rig_close(&r);
}
END_TEST

/* The index on the disk does not know of rot; what the scrub has found it must not remember. */
START_TEST(test_wrong_after_restart)
{
	struct rig r = {0};

	begin(&r);
	rot(&r, PATH_1, "eno");
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	ck_assert_int_eq(rig_end(&r, store_save_start(r.store), NULL), ERR_NONE);
	rig_reopen(&r);
	rig_scan(&r);
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_DIFFERS);
	rig_close(&r);
}
END_TEST

START_TEST(test_gone)
{
	struct rig r = {0};
	char cmd[512], got[64];

	begin(&r);
	snprintf(cmd, sizeof(cmd), "rm %s/" PATH_1, r.dir);
	ck_assert_int_eq(system(cmd), 0);
	run(&r, MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 0);
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
/* A disk that hiccups: the object looks at the file again, and it is right. */
START_TEST(test_unreadable)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	sys_fault(SYS_READ, 1, EIO);
	run(&r, MINUTE);
	sys_fault_clear();
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	ck_assert_str_eq(r.lost, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* An error of the moment says nothing about the file. */
START_TEST(test_no_descriptor)
{
	struct rig r = {0};

	begin(&r);
	sys_fault(SYS_OPEN, 1, EMFILE);
	run(&r, MINUTE);
	sys_fault_clear();
	ck_assert_uint_eq(stats_of(&r).wrong, 0);
	ck_assert_uint_eq(r.lost_count, 0);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 6); /* the others */
	rig_close(&r);
}
END_TEST
#endif

/* ---- a file that takes several pieces */

#define BIG (200 * KIB)

static void publish_big(struct rig *r, char fill)
{
	char *bytes = mem_alloc(BIG);
	struct store_temp t;
	struct digest d;
	struct store_file f;
	struct err err;
	atomic_bool stop = false;

	memset(bytes, fill, BIG);
	digest_mem(&d, DIGEST_SHA256, bytes, BIG);
	ck_assert_int_eq(store_temp_new(store_root(r->store), &t, &err), 0);
	ck_assert_int_eq(sys_write_all(t.fd, bytes, BIG), 0);
	ck_assert_int_eq(
		store_temp_publish(store_root(r->store), &t, PATH_B, &d, &stop, &f, &err), 0);
	store_published(r->store, PATH_B, &f);
	free(bytes);
}

static void begin_big(struct rig *r)
{
	r->opts.scrub_rate = 64 * KIB;
	clock_fake(1700000000000);
	rig_open(r);
	publish_big(r, 'a');
	run(r, 1500);
	ck_assert_uint_eq(stats_of(r).scrubbed, 64 * KIB); /* a second's bytes at once, no more */
	ck_assert_uint_eq(stats_of(r).jobs, 0);
}

START_TEST(test_pieces)
{
	struct rig r = {0};

	begin_big(&r);
	run(&r, 500);
	ck_assert_uint_eq(stats_of(&r).scrubbed, 64 * KIB);
	run(&r, 8000);
	ck_assert_uint_eq(stats_of(&r).scrubbed, BIG);
	ck_assert_uint_eq(stats_of(&r).wrong, 0);
	rig_close(&r);
}
END_TEST

START_TEST(test_pieces_wrong)
{
	struct rig r = {0};
	char got[64];

	begin_big(&r);
	rot(&r, PATH_B, "b");
	run(&r, 8000);
	ck_assert_uint_eq(stats_of(&r).wrong, 0); /* that piece was read before */
	run(&r, 61 * MINUTE);
	ck_assert_uint_eq(stats_of(&r).wrong, 1);
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'M');
	rig_close(&r);
}
END_TEST

/* While it is read the path gets other bytes, or the object goes: no word about either. */
START_TEST(test_changed_meanwhile)
{
	struct rig r = {0};

	begin_big(&r);
	if (_i == 0)
		publish_big(&r, 'b');
	else if (_i == 1)
		ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_B), NULL), ERR_NONE);
	if (_i < 2) {
		run(&r, 8000);
		ck_assert_uint_eq(stats_of(&r).wrong, 0);
		ck_assert_uint_eq(r.lost_count, 0);
	}
	rig_close(&r); /* the last one: in the middle of it */
}
END_TEST

Suite *suite_scrub(void)
{
	Suite *s = suite_create("scrub");
	TCase *t = tcase_create("scrub");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_intact);
	tcase_add_test(t, test_off);
	tcase_add_test(t, test_wrong);
	tcase_add_test(t, test_wrong_superseded);
	tcase_add_test(t, test_wrong_after_restart);
	tcase_add_test(t, test_gone);
#ifdef TEST_BUILD
	tcase_add_test(t, test_unreadable);
	tcase_add_test(t, test_no_descriptor);
#endif
	tcase_add_test(t, test_pieces);
	tcase_add_test(t, test_pieces_wrong);
	tcase_add_loop_test(t, test_changed_meanwhile, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
