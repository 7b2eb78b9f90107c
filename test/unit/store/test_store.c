#include "store/store.h"

#include "base/sys.h"
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_store(void);

/* ---- publish and read */

START_TEST(test_publish)
{
	struct rig r = {0};
	char got[64], link[128] = "", path[256];
	struct store_file f;
	struct store_stats st;
	uint64_t syncs;

	rig_open(&r);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'M');
	syncs = sys_syncs();
	rig_publish(&r, PATH_1, "one");
	ck_assert_uint_eq(sys_syncs() - syncs, 1); /* the aim of lib/store/root.h */
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "one");
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'M'); /* no status names it */
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'H');
	ck_assert_str_eq(got, "one");
	rig_publish(&r, PATH_2, "two!");
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'H');
	ck_assert_str_eq(got, "one");
	store_set_current(r.store, DIR_A, PATH_2);
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'H');
	ck_assert_str_eq(got, "two!");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	snprintf(path, sizeof(path), "%s/" DIR_A "/latest.tar.gz", r.dir);
	ck_assert_int_gt(readlink(path, link, sizeof(link) - 1), 0);
	ck_assert_str_eq(link, FILE_2);
	ck_assert(store_known(r.store, PATH_2, &f));
	ck_assert_uint_eq(f.size, 4);
	ck_assert_uint_eq(rig_temps(&r), 0);
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.objects, 1);
	ck_assert_uint_eq(st.files, 2);
	ck_assert_uint_eq(st.bytes, 7);
	ck_assert_uint_eq(st.published, 2);
	/* published again: one file still */
	rig_publish(&r, PATH_2, "two, longer");
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.files, 2);
	ck_assert_uint_eq(st.bytes, 14);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'H');
	ck_assert_str_eq(got, "two, longer");
	rig_close(&r);
}
END_TEST

START_TEST(test_publish_from_temp)
{
	struct rig r = {0};
	struct store_temp t;
	struct op *op;
	char got[64];

	rig_open(&r);
	op = store_temp_start(r.store);
	rig_run(&r, op);
	t = store_temp_take(op);
	op_free(op);
	ck_assert_uint_eq(rig_temps(&r), 1);
	ck_assert_int_eq(sys_write_all(t.fd, "big", 3), 0);
	ck_assert_int_eq(rig_end(&r, rig_publish_start(&r, PATH_1, "big", &t), NULL), ERR_NONE);
	ck_assert_int_eq(t.fd, -1);
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "big");
	/* not taken, and taken but not wanted: nothing stays */
	ck_assert_int_eq(rig_end(&r, store_temp_start(r.store), NULL), ERR_NONE);
	op = store_temp_start(r.store);
	rig_run(&r, op);
	t = store_temp_take(op);
	op_free(op);
	store_temp_discard(r.store, &t);
	rig_settle(&r);
	ck_assert_uint_eq(rig_temps(&r), 0);
	rig_close(&r);
}
END_TEST

static const char *const BAD_PATHS[] = {
	"../x/y/" FILE_1, DIR_A "/latest.tar.gz", DIR_A "/x.tar.gz", "/etc/passwd", ""};

START_TEST(test_publish_bad_path)
{
	struct rig r = {0};

	rig_open(&r);
	ck_assert_int_eq(
		rig_end(&r, rig_publish_start(&r, BAD_PATHS[_i], "x", NULL), NULL), ERR_RETRY);
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_prepare(&r, BAD_PATHS[_i], "x", NULL), ERR_RETRY);
	ck_assert_int_eq(rig_check(&r, BAD_PATHS[_i], "x"), STORE_MISSING);
	store_promise(r.store, BAD_PATHS[_i]);
	store_set_current(r.store, DIR_A, BAD_PATHS[_i]);
	ck_assert(!store_is_current(r.store, BAD_PATHS[_i]));
	rig_close(&r);
}
END_TEST

/* ---- cancels */

START_TEST(test_cancel)
{
	struct rig r = {0};
	struct op *op;
	char got[64];

	rig_open(&r);
	op = rig_publish_start(&r, PATH_1, "one", NULL);
	op_cancel(op);
	ck_assert_int_eq(rig_end(&r, op, NULL), ERR_CANCELED);
	ck_assert_uint_eq(rig_temps(&r), 0);
	/* Whether the rename was faster or not, index and disk agree. */
	ck_assert_int_eq(rig_get(&r, PATH_1, got), rig_exists(&r, PATH_1) ? 'H' : 'M');
	op_drop(store_temp_start(r.store));
	op_drop(store_scan_start(r.store));
	op_drop(rig_prepare_start(&r, PATH_2, "two"));
	rig_settle(&r);
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'M');
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
static struct op *_Atomic at_point_op;

/* On the worker, while the loop waits for it: only the flag is set. */
static void cancel_at(const char *point, void *arg)
{
	if (strcmp(point, arg) != 0)
		return;
	while (!at_point_op)
		;
	op_cancel(at_point_op);
}

START_TEST(test_cancel_at_point)
{
	static const struct {
		char point[16];
		char want;
	} ROWS[] = {{"store.written", 'M'}, {"store.synced", 'M'}, {"store.renamed", 'H'}};
	char point[32];
	struct rig r = {0};
	char got[64];

	snprintf(point, sizeof(point), "%s", ROWS[_i].point);
	rig_open(&r);
	sys_on_point(cancel_at, point);
	at_point_op = rig_publish_start(&r, PATH_1, "one", NULL);
	ck_assert_int_eq(rig_end(&r, at_point_op, NULL), ERR_CANCELED);
	sys_fault_clear();
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), ROWS[_i].want);
	rig_close(&r);
}
END_TEST
#endif

/* ---- check */

START_TEST(test_check)
{
	struct rig r = {0};
	char got[64];

	rig_open(&r);
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_MISSING);
	rig_publish(&r, PATH_1, "one");
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	/* not what the status says: not served, and promised when it is current */
	ck_assert_int_eq(rig_check(&r, PATH_1, "other"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_check(&r, PATH_1, "other"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	/* another file in its place, same size */
	rig_write(&r, PATH_1, "on3");
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	/* touched, but the same bytes */
	rig_write(&r, PATH_1, "one");
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	/* gone */
	rig_publish(&r, PATH_2, "two");
	{
		char path[256];

		snprintf(path, sizeof(path), "%s/" PATH_1, r.dir);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_MISSING);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	store_promise_end(r.store, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	ck_assert_uint_eq(r.lost_count, 0); /* the caller of a check knows already */
	rig_close(&r);
}
END_TEST

/* The status says other bytes than there are: the restored ones are served as soon as they are
   there. */
START_TEST(test_restored)
{
	struct rig r = {0};
	char got[64];

	rig_open(&r);
	rig_publish(&r, PATH_1, "old");
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_check(&r, PATH_1, "new"), STORE_DIFFERS);
	rig_publish(&r, PATH_1, "new");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "new");
	rig_close(&r);
}
END_TEST

/* A stored digest is checked with the algorithm of its own prefix. */
START_TEST(test_check_other_algo)
{
	struct rig r = {0};
	struct digest d;
	struct op *op;

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	digest_mem(&d, DIGEST_SHA512, "one", 3);
	op = store_check_start(r.store, PATH_1, &d);
	rig_run(&r, op);
	ck_assert_int_eq(store_check_result(op), STORE_INTACT);
	op_free(op);
	rig_close(&r);
}
END_TEST

/* ---- lost files */

static const char *const REPLACE[] = {
	"rm '%s'",
	"echo evil > '%s'",
	"rm '%s'; mkdir '%s'",
	"rm '%s'; mkfifo '%s'",
	"rm '%s'; ln -s /etc/passwd '%s'",
	"mv '%s' '%s.x'; ln -s " FILE_1 ".x '%s'",
};

START_TEST(test_lost)
{
	struct rig r = {0};
	char got[64], full[256], cmd[1024];

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	rig_publish(&r, PATH_2, "two");
	store_set_current(r.store, DIR_A, PATH_1);
	snprintf(full, sizeof(full), "%s/" PATH_1, r.dir);
	cmd[0] = '\0';
	{
		const char *p = REPLACE[_i], *at;

		while ((at = strstr(p, "%s"))) {
			snprintf(cmd + strlen(cmd), sizeof(cmd) - strlen(cmd), "%.*s%s",
				(int)(at - p), p, full);
			p = at + 2;
		}
		snprintf(cmd + strlen(cmd), sizeof(cmd) - strlen(cmd), "%s", p);
	}
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_msg(rig_get(&r, PATH_1, got) == 'W', "%s", cmd);
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_str_eq(r.lost, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_uint_eq(r.lost_count, 1);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'H');
	rig_close(&r);
}
END_TEST

/* A folder of an object, or .tmp, replaced by a link must not lead outside. */
START_TEST(test_links)
{
	struct rig r = {0};
	char got[64], cmd[512];

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	store_set_current(r.store, DIR_A, PATH_1);
	snprintf(cmd, sizeof(cmd),
		"mkdir -p %s/out && mv %s/" DIR_A " %s/out/web && ln -s ../../out/web %s/" DIR_A,
		r.dir, r.dir, r.dir, r.dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_end(&r, rig_publish_start(&r, PATH_2, "two", NULL), NULL), ERR_RETRY);
	ck_assert(!rig_exists(&r, "out/web/" FILE_2));
	ck_assert_int_eq(rig_end(&r, store_remove_start(r.store, DIR_A), NULL), ERR_NONE);
	ck_assert(rig_exists(&r, "out/web/" FILE_1));
	snprintf(cmd, sizeof(cmd), "rm -rf %s/.tmp && ln -s out %s/.tmp", r.dir, r.dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(rig_end(&r, rig_publish_start(&r, PATH_B, "b", NULL), NULL), ERR_RETRY);
	rig_close(&r);
}
END_TEST

/* Somebody empties the volume under us: the next publish works. */
START_TEST(test_emptied)
{
	struct rig r = {0};
	char got[64], cmd[256];

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	snprintf(cmd, sizeof(cmd), "rm -rf %s/* %s/.tmp", r.dir, r.dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	rig_publish(&r, PATH_1, "one");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* ---- the start */

START_TEST(test_start)
{
	struct rig r = {0};
	char got[64];
	struct store_stats st;

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	rig_publish(&r, PATH_2, "two");
	rig_publish(&r, PATH_B, "b");
	rig_write(&r, ".tmp/left", "half");
	rig_write(&r, "ocirepository/apps/web/" FILE_1 ".lock", "");
	rig_write(&r, "ocirepository/apps/notes.txt", "");
	rig_write(&r, "README", "");
	rig_reopen(&r);
	ck_assert_uint_eq(rig_temps(&r), 0);
	/* Nothing is known yet: everything waits, and nobody is ready. */
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_int_eq(rig_get(&r, PATH_3, got), 'W');
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'W');
	rig_scan(&r);
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.files, 3);
	ck_assert_uint_eq(st.objects, 2);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert(!store_ready(r.store));
	/* the list: web says PATH_2, api says PATH_B with other bytes, one more object has no
	   file */
	store_claim(r.store, DIR_A);
	store_set_current(r.store, DIR_A, PATH_2);
	store_promise(r.store, PATH_2);
	store_claim(r.store, DIR_B);
	store_set_current(r.store, DIR_B, PATH_B);
	store_promise(r.store, PATH_B);
	store_promise(r.store, "ocirepository/apps/new/" FILE_1);
	store_listed(r.store);
	ck_assert(!store_ready(r.store));
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'W'); /* not hashed yet */
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H'); /* nobody's, hashed on demand */
	ck_assert_int_eq(rig_get(&r, PATH_3, got), 'M');
	ck_assert_int_eq(rig_check(&r, PATH_2, "two"), STORE_INTACT);
	ck_assert_int_eq(rig_get(&r, PATH_2, got), 'H');
	ck_assert_int_eq(rig_get(&r, DIR_A "/latest.tar.gz", got), 'H');
	ck_assert_str_eq(got, "two");
	ck_assert_int_eq(rig_check(&r, PATH_B, "not b"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'W');
	ck_assert(!store_ready(r.store));
	store_promise_failed(r.store, PATH_B);
	ck_assert_int_eq(rig_get(&r, PATH_B, got), 'W');
	ck_assert(!store_ready(r.store));
	rig_publish(&r, "ocirepository/apps/new/" FILE_1, "n");
	ck_assert(store_ready(r.store));
	store_promise(r.store, PATH_3);
	ck_assert(store_ready(r.store)); /* never false again */
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.promised, 2);
	rig_close(&r);
}
END_TEST

START_TEST(test_ready_without_objects)
{
	struct rig r = {0};

	rig_open_raw(&r);
	ck_assert(!store_ready(r.store));
	store_listed(r.store);
	ck_assert(!store_ready(r.store)); /* not scanned */
	rig_scan(&r);
	ck_assert(store_ready(r.store));
	rig_close(&r);
}
END_TEST

/* What is made, or lost, after the first list is nobody's to wait for. */
START_TEST(test_ready_is_the_first_list)
{
	struct rig r = {0};

	rig_open_raw(&r);
	store_claim(r.store, DIR_A);
	store_promise(r.store, PATH_1);
	rig_scan(&r);
	store_listed(r.store);
	store_promise(r.store, PATH_2);
	ck_assert(!store_ready(r.store));
	rig_publish(&r, PATH_1, "one");
	ck_assert(store_ready(r.store)); /* PATH_2 is still promised */
	rig_close(&r);
}
END_TEST

/* Two kinds: until both have said what they own, nobody knows what has no owner. */
START_TEST(test_two_lists)
{
	struct rig r = {0};
	struct op *op;

	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	rig_reopen(&r);
	store_expect(r.store);
	store_expect(r.store);
	rig_scan(&r);
	clock_fake_add(1000);
	store_listed(r.store);
	ck_assert(!store_ready(r.store));
	op = store_sweep_start(r.store, SPARED_NONE, 0);
	ck_assert_int_eq(rig_end(&r, op, NULL), ERR_NONE);
	ck_assert(rig_exists(&r, DIR_A));
	store_listed(r.store);
	ck_assert(store_ready(r.store));
	op = store_sweep_start(r.store, SPARED_NONE, 0);
	ck_assert_int_eq(rig_end(&r, op, NULL), ERR_NONE);
	ck_assert(!rig_exists(&r, DIR_A));
	/* A third one that comes later takes nothing back. */
	store_expect(r.store);
	ck_assert(store_ready(r.store));
	store_listed(r.store);
	rig_close(&r);
}
END_TEST

START_TEST(test_ready_late)
{
	struct rig r = {.opts = {.restore_ms = 1000}};

	clock_fake(1700000000000);
	rig_open_raw(&r);
	rig_scan(&r);
	store_promise(r.store, PATH_1);
	store_listed(r.store);
	loop_test_advance(r.loop, 999);
	ck_assert(!store_ready(r.store));
	loop_test_advance(r.loop, 1);
	ck_assert(store_ready(r.store));
	rig_close(&r);
}
END_TEST

START_TEST(test_two_processes)
{
	struct rig r = {0};
	struct store_opts o = {.retention_records = 1};
	struct store *other;
	struct err err;

	rig_open(&r);
	o.root = r.dir;
	other = store_open(r.loop, &o, &err);
	ck_assert_ptr_null(other);
	ck_assert_ptr_nonnull(strstr(err.msg, "in use by another process"));
	rig_close(&r);
}
END_TEST

/* ---- two phases */

START_TEST(test_two_phases)
{
	struct rig r = {0};
	struct op *op;
	char got[64];

	rig_open(&r);
	rig_publish(&r, PATH_1, "old");
	store_set_current(r.store, DIR_A, PATH_1);
	/* refused: the old bytes come back */
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "new", NULL), ERR_NONE);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	ck_assert_uint_eq(rig_temps(&r), 1);
	store_abandon(r.store, PATH_1);
	rig_settle(&r);
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "old");
	store_abandon(r.store, PATH_1);
	/* accepted; a cancel changes nothing */
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "new", NULL), ERR_NONE);
	op = store_commit_start(r.store, PATH_1);
	op_cancel(op);
	store_abandon(r.store, PATH_1); /* too late */
	ck_assert_int_eq(rig_end(&r, op, NULL), ERR_NONE);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "new");
	ck_assert_uint_eq(rig_temps(&r), 0);
	ck_assert_int_eq(rig_check(&r, PATH_1, "new"), STORE_INTACT);
	/* prepared twice: the second counts */
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "x", NULL), ERR_NONE);
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "y", NULL), ERR_NONE);
	ck_assert_uint_eq(rig_temps(&r), 1);
	ck_assert_int_eq(rig_end(&r, store_commit_start(r.store, PATH_1), NULL), ERR_NONE);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_str_eq(got, "y");
	/* left prepared when the process ends */
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "z", NULL), ERR_NONE);
	rig_reopen(&r);
	ck_assert_uint_eq(rig_temps(&r), 0);
	rig_close(&r);
}
END_TEST

#ifdef TEST_BUILD
/* The status was changed, the rename failed: the old bytes are not served for it, and whoever asks
   waits for the restore. */
START_TEST(test_commit_fails)
{
	struct rig r = {0};
	char got[64];

	rig_open(&r);
	rig_publish(&r, PATH_1, "old");
	store_set_current(r.store, DIR_A, PATH_1);
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "new", NULL), ERR_NONE);
	sys_fault(SYS_RENAME, 1, EIO);
	ck_assert_int_eq(rig_end(&r, store_commit_start(r.store, PATH_1), NULL), ERR_RETRY);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	store_promise_end(r.store, PATH_1);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'M');
	ck_assert_int_eq(rig_check(&r, PATH_1, "new"), STORE_DIFFERS);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	rig_publish(&r, PATH_1, "new");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST
#endif

/* ---- waiting */

static void count(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(test_waits)
{
	struct rig r = {0};
	struct store_wait a = {0}, b = {0}, c = {0}, d = {0};
	unsigned na = 0, nb = 0, nc = 0, nd = 0;
	struct store_path p1, p2;
	struct store_stats st;
	struct err err;

	rig_open_raw(&r);
	ck_assert_int_eq(store_path_parse(&p1, PATH_1, &err), 0);
	ck_assert_int_eq(store_path_parse(&p2, PATH_2, &err), 0);
	store_promise(r.store, PATH_1);
	store_wait_start(r.store, &p1, &a, count, &na);
	store_wait_start(r.store, &p1, &b, count, &nb);
	store_wait_start(r.store, &p2, &c, count, &nc);
	store_wait_start(r.store, &p2, &d, count, &nd);
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.waiting, 4);
	store_wait_cancel(&b);
	store_wait_cancel(&b);
	store_wait_cancel(&d);
	rig_settle(&r);
	ck_assert_uint_eq(na + nb + nc + nd, 0);
	rig_publish(&r, PATH_1, "one");
	ck_assert_uint_eq(na, 1);
	rig_scan(&r);
	ck_assert_uint_eq(nc, 0);
	store_listed(r.store);
	ck_assert_uint_eq(nc, 0); /* never from inside a call */
	rig_settle(&r);
	ck_assert_uint_eq(nc, 1);
	ck_assert_uint_eq(nb + nd, 0);
	/* A promise that ends, and a held path that is released, wake as well. */
	store_promise(r.store, PATH_2);
	store_wait_start(r.store, &p2, &c, count, &nc);
	store_promise_end(r.store, PATH_2);
	rig_settle(&r);
	ck_assert_uint_eq(nc, 2);
	ck_assert_int_eq(rig_prepare(&r, PATH_1, "new", NULL), ERR_NONE);
	store_wait_start(r.store, &p1, &a, count, &na);
	store_abandon(r.store, PATH_1);
	rig_settle(&r);
	ck_assert_uint_eq(na, 2);
	/* It changed between look and wait: woken at once. */
	store_wait_start(r.store, &p1, &a, count, &na);
	rig_settle(&r);
	ck_assert_uint_eq(na, 3);
	/* cancelled after it was woken */
	store_promise(r.store, PATH_2);
	store_wait_start(r.store, &p2, &c, count, &nc);
	store_promise_end(r.store, PATH_2);
	store_wait_cancel(&c);
	rig_settle(&r);
	ck_assert_uint_eq(nc, 2);
	store_stats(r.store, &st);
	ck_assert_uint_eq(st.waiting, 0);
	rig_close(&r);
}
END_TEST

/* openat2 missing or forbidden: everything works as with it. */
#ifdef TEST_BUILD
START_TEST(test_without_openat2)
{
	static const int ERRORS[] = {38 /* ENOSYS */, 1 /* EPERM */};
	struct rig r = {0};
	char got[64], cmd[512];

	sys_fault_openat2(ERRORS[_i]);
	rig_open(&r);
	rig_publish(&r, PATH_1, "one");
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	ck_assert_int_eq(rig_check(&r, PATH_1, "one"), STORE_INTACT);
	store_set_current(r.store, DIR_A, PATH_1);
	snprintf(cmd, sizeof(cmd),
		"mkdir -p %s/out && mv %s/" DIR_A " %s/out/web && ln -s ../../out/web %s/" DIR_A,
		r.dir, r.dir, r.dir, r.dir);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
	sys_fault_clear();
	rig_close(&r);
}
END_TEST
#endif

Suite *suite_store(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_test(t, test_publish);
	tcase_add_test(t, test_publish_from_temp);
	tcase_add_loop_test(t, test_publish_bad_path, 0, (int)ARRAY_LEN(BAD_PATHS));
	tcase_add_test(t, test_cancel);
#ifdef TEST_BUILD
	tcase_add_loop_test(t, test_cancel_at_point, 0, 3);
	tcase_add_loop_test(t, test_without_openat2, 0, 2);
	tcase_add_test(t, test_commit_fails);
#endif
	tcase_add_test(t, test_check);
	tcase_add_test(t, test_restored);
	tcase_add_test(t, test_check_other_algo);
	tcase_add_loop_test(t, test_lost, 0, (int)ARRAY_LEN(REPLACE));
	tcase_add_test(t, test_links);
	tcase_add_test(t, test_emptied);
	tcase_add_test(t, test_start);
	tcase_add_test(t, test_ready_without_objects);
	tcase_add_test(t, test_ready_is_the_first_list);
	tcase_add_test(t, test_two_lists);
	tcase_add_test(t, test_ready_late);
	tcase_add_test(t, test_two_processes);
	tcase_add_test(t, test_two_phases);
	tcase_add_test(t, test_waits);
	suite_add_tcase(s, t);
	return s;
}
