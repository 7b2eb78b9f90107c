/* What a process leaves for the next one, and what that one makes of it. */
#include "store/saver.h"

#include "crypto/digest.h"
#include "rig.h"
#include "store/saved.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_saver(void);

static uint64_t remembered(struct rig *r)
{
	struct store_stats st;

	store_stats(r->store, &st);
	return st.remembered;
}

static void save(struct rig *r)
{
	ck_assert_int_eq(rig_end(r, store_save_start(r->store), NULL), ERR_NONE);
}

/* A new process that has scanned; PATH_1 is what the status names. */
static void restart(struct rig *r)
{
	rig_reopen(r);
	store_claim(r->store, DIR_A);
	store_promise(r->store, PATH_1);
	rig_scan(r);
	store_set_current(r->store, DIR_A, PATH_1);
}

static void begin(struct rig *r)
{
	rig_open(r);
	rig_publish(r, PATH_1, "one");
	rig_publish(r, PATH_2, "two");
	save(r);
}

/* The text of the saved index, as it is or changed, with its right end. */
static void rewrite(struct rig *r, const char *from, const char *to)
{
	char path[128], text[8192], *at;
	struct buf b = BUF_INIT(BUF_ANY);
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/" STORE_SAVED_NAME, r->dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	*strstr(text, "end sha256:") = '\0';
	at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	buf_add(&b, text, (size_t)(at - text));
	buf_adds(&b, to);
	buf_adds(&b, at + strlen(from));
	store_saved_end(&b);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(pwrite(fd, b.p, b.len, 0), (ssize_t)b.len);
	close(fd);
	buf_clear(&b);
}

/* No byte is hashed, and the first look ends in the same turn. */
START_TEST(test_known)
{
	struct rig r = {0};
	uint64_t hashed;
	char got[64];

	begin(&r);
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 2);
	hashed = digest_bytes_total();
	/* Not before the status was compared: it may name other bytes under this path. */
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	store_listed(r.store);
	ck_assert(store_ready(r.store));
	ck_assert_uint_eq(digest_bytes_total() - hashed, 3); /* rig_check's own "one" */
	hashed = digest_bytes_total();
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'H'); /* nobody's, served as after a hash */
	ck_assert_uint_eq(digest_bytes_total() - hashed, 6); /* rig_get's own */
	rig_close(&r);
}
END_TEST

/* A status that names other bytes under the path: they are not served, before or after the look. */
START_TEST(test_known_but_not_wanted)
{
	struct rig r = {0};
	char got[64];

	begin(&r);
	restart(&r);
	store_listed(r.store);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "other"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert(!store_ready(r.store));
	rig_publish(&r, PATH_1, "other");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* A promise that was made before the scan holds what it found of the last process. */
START_TEST(test_promise_after_scan)
{
	struct rig r = {0};
	struct store_file f;
	char got[64];

	begin(&r);
	rig_reopen(&r);
	rig_scan(&r);
	store_listed(r.store);
	ck_assert(!store_known(r.store, PATH_1, &f));
	store_promise(r.store, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	ck_assert(store_known(r.store, PATH_1, &f));
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* Changed behind the back of it: hashed, and found out. */
static const char *const CHANGES[] = {
	"printf uno >$F", /* the same size, at another time */
	"printf er >>$F", /* another size */
	"cp -p $F new; mv new $F", /* the same bytes in another file */
};

START_TEST(test_changed)
{
	struct rig r = {0};
	uint64_t hashed;
	char cmd[512];

	begin(&r);
	snprintf(cmd, sizeof(cmd), "cd %s/" DIR_A "; F=" FILE_1 "; %s", r.dir, CHANGES[_i]);
	ck_assert_int_eq(system(cmd), 0);
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 1);
	hashed = digest_bytes_total();
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), _i == 2 ? STORE_INTACT : STORE_DIFFERS);
	ck_assert_uint_gt(digest_bytes_total() - hashed, 3);
	rig_close(&r);
}
END_TEST

/* What is not believed is hashed, and the reason is there to be told. */
static void check_forgotten(struct rig *r, const char *says)
{
	struct op *op;

	rig_reopen(r);
	op = store_scan_start(r->store);
	rig_run(r, op);
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_msg(strstr(store_scan_forgot(op), says) != NULL, "'%s'", store_scan_forgot(op));
	op_free(op);
	ck_assert_uint_eq(remembered(r), 0);
	ck_assert_int_eq(rig_check(r, PATH_1, "one"), STORE_INTACT);
}

START_TEST(test_forgotten)
{
	struct rig r = {0};
	char path[128];
	struct stat st;

	begin(&r);
	rewrite(&r, "boot ", "boot 0");
	check_forgotten(&r, "another boot");
	save(&r);
	snprintf(path, sizeof(path), "%s/" STORE_SAVED_NAME, r.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(truncate(path, st.st_size - 1), 0);
	check_forgotten(&r, "no end");
	/* larger than may be read: not one byte of it is looked at */
	save(&r);
	ck_assert_int_eq(truncate(path, 33 << 20), 0);
	check_forgotten(&r, "larger than");
	save(&r);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	check_forgotten(&r, "not a regular file");
	ck_assert_int_eq(unlink(path), 0);
	check_forgotten(&r, "No such file");
	ck_assert_uint_eq(rig_temps(&r), 0);
	rig_close(&r);
}
END_TEST

/* A digest that is not that of the bytes, with all else right: not the status's, so not served. */
START_TEST(test_lie)
{
	struct rig r = {0};
	char one[DIGEST_TEXT_MAX], other[DIGEST_TEXT_MAX], got[64];
	struct digest d = rig_digest("one"), o = rig_digest("other");

	begin(&r);
	rewrite(&r, digest_format(&d, one), digest_format(&o, other));
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 2);
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	rig_close(&r);
}
END_TEST

/* ---- when it is written */

static bool saved(struct rig *r)
{
	rig_settle(r);
	return rig_exists(r, STORE_SAVED_NAME);
}

START_TEST(test_by_itself)
{
	struct rig r = {0};
	char path[128];

	clock_fake(1700000000000);
	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	loop_test_advance(r.loop, 9999);
	ck_assert(!saved(&r));
	loop_test_advance(r.loop, 1);
	ck_assert(saved(&r));
	/* nothing has changed: nothing is written */
	snprintf(path, sizeof(path), "%s/" STORE_SAVED_NAME, r.dir);
	ck_assert_int_eq(unlink(path), 0);
	loop_test_advance(r.loop, 1000000);
	ck_assert(!saved(&r));
	rig_publish(&r, PATH_2, "two");
	rig_publish(&r, PATH_2, "two again");
	loop_test_advance(r.loop, 10000); /* and a little for each byte of the last one */
	ck_assert(!saved(&r));
	loop_test_advance(r.loop, 10);
	ck_assert(saved(&r));
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 2);
	rig_close(&r);
}
END_TEST

/* Before the scan has ended nobody knows what would be forgotten. */
START_TEST(test_not_before_scan)
{
	struct rig r = {0};

	clock_fake(1700000000000);
	begin(&r);
	rig_reopen(&r);
	rig_publish(&r, PATH_3, "three");
	save(&r);
	loop_test_advance(r.loop, 10000);
	rig_settle(&r);
	rig_scan(&r);
	ck_assert_uint_eq(remembered(&r), 2);
	loop_test_advance(r.loop, 10000);
	rig_settle(&r);
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 3);
	rig_close(&r);
}
END_TEST

/* A store that closes while it is being written, on the loop or on a worker. */
START_TEST(test_closed_meanwhile)
{
	struct rig r = {0};

	clock_fake(1700000000000);
	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	op_drop(store_save_start(r.store));
	loop_test_advance(r.loop, 10000);
	if (_i)
		loop_turn(r.loop, false);
	rig_close(&r);
}
END_TEST

/* Objects that come and go while the walk is on. */
START_TEST(test_walk)
{
	struct rig r = {0};
	struct op *one, *two;

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	rig_publish(&r, PATH_B, "b");
	one = store_save_start(r.store);
	two = store_save_start(r.store);
	op_drop(store_remove_start(r.store, DIR_B));
	store_claim(r.store, "ocirepository/apps/new");
	rig_run(&r, one);
	if (!two->done)
		rig_run(&r, two);
	op_free(one);
	op_free(two);
	rig_settle(&r);
	restart(&r);
	ck_assert_uint_eq(remembered(&r), 1);
	rig_close(&r);
}
END_TEST

Suite *suite_saver(void)
{
	Suite *s = suite_create("saver");
	TCase *t = tcase_create("saver");

	tcase_add_test(t, test_known);
	tcase_add_test(t, test_known_but_not_wanted);
	tcase_add_test(t, test_promise_after_scan);
	tcase_add_loop_test(t, test_changed, 0, (int)ARRAY_LEN(CHANGES));
	tcase_add_test(t, test_forgotten);
	tcase_add_test(t, test_lie);
	tcase_add_test(t, test_by_itself);
	tcase_add_test(t, test_not_before_scan);
	tcase_add_loop_test(t, test_closed_meanwhile, 0, 2);
	tcase_add_test(t, test_walk);
	suite_add_tcase(s, t);
	return s;
}
