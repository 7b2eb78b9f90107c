#include "rig.h"

#include "base/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *suite_gc(void);

#define T0 1700000000000

static void retain(struct rig *r)
{
	ck_assert_int_eq(rig_end(r, store_retain_start(r->store, DIR_A), NULL), ERR_NONE);
}

static unsigned sweep(struct rig *r, uint64_t grace_ms)
{
	struct op *op = store_sweep_start(r->store, SPARED_NONE, grace_ms);
	unsigned n;

	rig_run(r, op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	n = store_sweep_result(op);
	op_free(op);
	rig_settle(r);
	return n;
}

static void publish_current(struct rig *r, const char *path, const char *text)
{
	store_claim(r->store, DIR_A);
	rig_publish(r, path, text);
	store_set_current(r->store, DIR_A, path);
}

/* "123" for those of the three that are on disk. */
static const char *have(struct rig *r)
{
	static char text[4];

	snprintf(text, sizeof(text), "%s%s%s", rig_exists(r, PATH_1) ? "1" : "",
		rig_exists(r, PATH_2) ? "2" : "", rig_exists(r, PATH_3) ? "3" : "");
	return text;
}

START_TEST(test_records)
{
	struct rig r = {0};
	char got[64];

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	retain(&r);
	ck_assert_str_eq(have(&r), "1");
	clock_fake_add(1000);
	publish_current(&r, PATH_2, "two");
	retain(&r);
	ck_assert_str_eq(have(&r), "12"); /* two records: the current one and one more */
	clock_fake_add(1000);
	publish_current(&r, PATH_3, "three");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	retain(&r);
	ck_assert_str_eq(have(&r), "23");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	rig_close(&r);
}
END_TEST

/* The time counts from when a file was superseded, however old it is. */
START_TEST(test_ttl)
{
	struct rig r = {.opts = {.retention_ttl_ms = 10000, .retention_records = 5}};

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	clock_fake_add(1000000);
	retain(&r);
	ck_assert_str_eq(have(&r), "1");
	publish_current(&r, PATH_2, "two");
	clock_fake_add(10000);
	retain(&r);
	ck_assert_str_eq(have(&r), "12");
	clock_fake_add(1);
	retain(&r);
	ck_assert_str_eq(have(&r), "2");
	/* what is current never goes, whatever the numbers */
	clock_fake_add(1000000);
	retain(&r);
	ck_assert_str_eq(have(&r), "2");
	rig_close(&r);
}
END_TEST

/* A file that was published but that no status names yet, and one that is named again. */
START_TEST(test_not_yet_named)
{
	struct rig r = {.opts = {.retention_ttl_ms = 10000}};

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	rig_publish(&r, PATH_2, "two");
	clock_fake_add(1000000);
	retain(&r);
	ck_assert_str_eq(have(&r), "12");
	/* the status goes on naming the first one: the other is superseded from now on */
	store_set_current(r.store, DIR_A, PATH_1);
	clock_fake_add(10001);
	retain(&r);
	ck_assert_str_eq(have(&r), "1");
	publish_current(&r, PATH_2, "two");
	publish_current(&r, PATH_1, "one"); /* back again */
	clock_fake_add(10001);
	retain(&r);
	ck_assert_str_eq(have(&r), "1");
	rig_close(&r);
}
END_TEST

/* After a restart, files that no status names count as superseded at the start. */
START_TEST(test_restart)
{
	struct rig r = {.opts = {.retention_ttl_ms = 10000, .retention_records = 5}};

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	publish_current(&r, PATH_2, "two");
	publish_current(&r, PATH_3, "three");
	clock_fake_add(1000000);
	rig_reopen(&r);
	rig_scan(&r);
	store_claim(r.store, DIR_A);
	store_set_current(r.store, DIR_A, PATH_2);
	store_listed(r.store);
	retain(&r);
	ck_assert_str_eq(have(&r), "123");
	clock_fake_add(10001);
	retain(&r);
	ck_assert_str_eq(have(&r), "2");
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
START_TEST(test_unlink_fails)
{
	struct rig r = {.opts = {.retention_ttl_ms = 10000}};
	struct store_stats st;
	struct err err;

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	publish_current(&r, PATH_2, "two");
	clock_fake_add(10001);
	sys_fault(SYS_UNLINK, 1, EIO);
	ck_assert_int_eq(rig_end(&r, store_retain_start(r.store, DIR_A), &err), ERR_RETRY);
	ck_assert_ptr_nonnull(strstr(err.msg, "remove artifact '" PATH_1 "'"));
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.files, 2); /* it is still there, and another run tries again */
	retain(&r);
	ck_assert_str_eq(have(&r), "2");
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.files, 1);
	rig_close(&r);
}
END_TEST
#endif

START_TEST(test_remove)
{
	struct rig r = {0};
	struct store_stats st;
	char got[64];

	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	publish_current(&r, PATH_2, "two");
	rig_publish(&r, PATH_B, "b");
	rig_write(&r, PATH_1 ".lock", "");
	ck_assert_int_eq(rig_prepare(&r, PATH_2, "new", NULL), ERR_NONE);
	ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_A), NULL), ERR_NONE);
	ck_assert(!rig_exists(&r, DIR_A));
	ck_assert(rig_exists(&r, PATH_B));
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'M');
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'M');
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.files, 1);
	ck_assert_uint_eq(st.objects, 1);
	/* again, and of what never was */
	ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_A), NULL), ERR_NONE);
	ck_assert_int_eq(
		rig_end(&r, store_remove_start(r.store, "ocirepository/no/body"), NULL), ERR_NONE);
	/* the last one of a namespace takes the empty folders along */
	ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_B), NULL), ERR_NONE);
	ck_assert(!rig_exists(&r, "ocirepository"));
	/* and back */
	publish_current(&r, PATH_1, "one");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* A download that runs goes on: the descriptor keeps the bytes. */
START_TEST(test_remove_while_open)
{
	struct rig r = {0};
	struct store_path p;
	struct store_file f;
	struct err err;
	char data[8] = "";
	int fd;

	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	ck_assert_int_eq(store_path_parse(&p, PATH_1, &err), 0);
	ck_assert_int_eq(store_get(r.store, &p, &f, &fd), STORE_HIT);
	ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_A), NULL), ERR_NONE);
	ck_assert_int_eq(sys_pread(fd, data, sizeof(data), 0), 3);
	ck_assert_str_eq(data, "one");
	sys_close(fd);
	rig_close(&r);
}
END_TEST

START_TEST(test_sweep)
{
	struct rig r = {0};
	char got[64];

	clock_fake(T0);
	rig_open(&r);
	publish_current(&r, PATH_1, "one");
	rig_publish(&r, PATH_B, "b");
	clock_fake_add(1000);
	rig_reopen(&r);
	rig_scan(&r);
	clock_fake_add(100000);
	ck_assert_uint_eq(sweep(&r, 60000), 0); /* before the list nobody can say */
	store_claim(r.store, DIR_A);
	store_set_current(r.store, DIR_A, PATH_1);
	store_listed(r.store);
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'H');
	ck_assert_uint_eq(sweep(&r, 100001), 0);
	ck_assert_uint_eq(sweep(&r, 100000), 1);
	ck_assert(!rig_exists(&r, DIR_B));
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'M');
	ck_assert_str_eq(have(&r), "1");
	/* an object that left counts from then on; one that came back is claimed again */
	store_disown(r.store, DIR_A);
	clock_fake_add(50000);
	ck_assert_uint_eq(sweep(&r, 60000), 0);
	store_claim(r.store, DIR_A);
	clock_fake_add(50000);
	ck_assert_uint_eq(sweep(&r, 60000), 0);
	store_disown(r.store, DIR_A);
	clock_fake_add(60000);
	ck_assert_uint_eq(sweep(&r, 60000), 1);
	ck_assert_str_eq(have(&r), "");
	rig_close(&r);
}
END_TEST

/* Those of a kind that this process has no list of may well have owners. */
START_TEST(test_sweep_spares)
{
	static const char *const spared[] = {"gitrepository", "ocirepository", NULL},
				 *const others[] = {"gitrepository", "oci", NULL};
	struct rig r = {0};

	clock_fake(T0);
	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	clock_fake_add(100000);
	ck_assert_int_eq(rig_end(&r, store_sweep_start(r.store, spared, 0), NULL), ERR_NONE);
	ck_assert_str_eq(have(&r), "1");
	ck_assert_int_eq(rig_end(&r, store_sweep_start(r.store, others, 0), NULL), ERR_NONE);
	ck_assert_str_eq(have(&r), "");
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
/* A folder that cannot be removed is tried again by the next sweep. */
START_TEST(test_sweep_fails)
{
	struct rig r = {0};

	clock_fake(T0);
	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	rig_publish(&r, PATH_B, "b");
	clock_fake_add(100);
	sys_fault(SYS_UNLINK, 2, EIO);
	ck_assert_int_eq(
		rig_end(&r, store_sweep_start(r.store, SPARED_NONE, 100), NULL), ERR_RETRY);
	ck_assert_uint_ge(sweep(&r, 100), 1);
	ck_assert(!rig_exists(&r, "ocirepository"));
	ck_assert_uint_eq(sweep(&r, 100), 0);
	rig_close(&r);
}
END_TEST
#endif

Suite *suite_gc(void)
{
	Suite *s = suite_create("gc");
	TCase *t = tcase_create("gc");

	tcase_add_test(t, test_records);
	tcase_add_test(t, test_ttl);
	tcase_add_test(t, test_not_yet_named);
	tcase_add_test(t, test_restart);
	tcase_add_test(t, test_remove);
	tcase_add_test(t, test_remove_while_open);
	tcase_add_test(t, test_sweep);
	tcase_add_test(t, test_sweep_spares);
#ifdef TEST_BUILD
	tcase_add_test(t, test_unlink_fails);
	tcase_add_test(t, test_sweep_fails);
#endif
	suite_add_tcase(s, t);
	return s;
}
