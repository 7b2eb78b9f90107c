/*
 * What the store leaves behind when a file system call fails, or the process dies before it: each
 * call that a scenario makes, one after another, with each error. After every one of them: no
 * reader ever sees half a file or bytes that are not what the index says, nothing piles up under
 * .tmp, the next try succeeds, and so does the next start.
 */
#include "base/sys.h"
#include "test/unit/store/rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_store_faults(void);

#define OLD "the old bytes"
#define NEW_ "the new bytes, which are longer"
#define OTHER "another artifact"
#define QUOTA 1000
/* More than any scenario makes of one call. */
#define MOST 60

/* Each returns the error's kind; what it finds is OLD under PATH_1, which is current. */
static enum err_kind publish_new(struct rig *r, struct err *err)
{
	return rig_end(r, rig_publish_start(r, PATH_2, OTHER, NULL), err);
}

static enum err_kind publish_first_of_object(struct rig *r, struct err *err)
{
	return rig_end(r, rig_publish_start(r, PATH_B, OTHER, NULL), err);
}

static enum err_kind publish_from_temp(struct rig *r, struct err *err)
{
	struct store_temp t;
	enum err_kind kind = rig_temp(r, OTHER, &t, err);

	return kind ? kind : rig_end(r, rig_publish_start(r, PATH_2, OTHER, &t), err);
}

static enum err_kind two_phases(struct rig *r, struct err *err)
{
	enum err_kind kind = rig_prepare(r, PATH_1, NEW_, err);

	return kind ? kind : rig_end(r, store_commit_start(r->store, PATH_1), err);
}

static enum err_kind two_phases_refused(struct rig *r, struct err *err)
{
	enum err_kind kind = rig_prepare(r, PATH_1, NEW_, err);

	if (!kind)
		store_abandon(r->store, PATH_1);
	rig_settle(r);
	return kind;
}

static enum err_kind retain(struct rig *r, struct err *err)
{
	enum err_kind kind = publish_new(r, err);

	if (kind)
		return kind;
	store_set_current(r->store, DIR_A, PATH_2);
	clock_fake_add(100000);
	return rig_end(r, store_retain_start(r->store, DIR_A), err);
}

/* What is superseded gives way to what needs its room. */
static enum err_kind give_way(struct rig *r, struct err *err)
{
	enum err_kind kind = publish_new(r, err);
	struct op *op;

	if (kind)
		return kind;
	store_set_current(r->store, DIR_A, PATH_2);
	op = store_room_start(r->store, QUOTA - strlen(OTHER), 0, false);
	rig_run(r, op);
	*err = op->err;
	kind = op->err.kind;
	if (!kind)
		store_room_release(r->store, store_room_take(op));
	op_free(op);
	rig_settle(r);
	return kind;
}

static enum err_kind removal(struct rig *r, struct err *err)
{
	return rig_end(r, store_remove_start(r->store, DIR_A), err);
}

static enum err_kind check(struct rig *r, struct err *err)
{
	struct digest d = rig_digest(OLD);

	return rig_end(r, store_check_start(r->store, PATH_1, &d), err);
}

static enum err_kind save(struct rig *r, struct err *err)
{
	return rig_end(r, store_save_start(r->store), err);
}

static const struct scenario {
	const char *name;
	enum err_kind (*run)(struct rig *r, struct err *err);
} SCENARIOS[] = {
	{"publish", publish_new},
	{"publish the first of an object", publish_first_of_object},
	{"publish from a temporary file", publish_from_temp},
	{"two phases", two_phases},
	{"two phases, refused", two_phases_refused},
	{"retention", retain},
	{"quota", give_way},
	{"removal", removal},
	{"check", check},
	{"save", save},
};

static const struct {
	enum sys_call call;
	const char *name;
	int errors[3];
} CALLS[] = {
	{SYS_OPEN, "open", {ENOSPC, EIO, EMFILE}},
	{SYS_WRITE, "write", {ENOSPC, EIO, EDQUOT}},
	{SYS_FDATASYNC, "fdatasync", {EIO, ENOSPC, EDQUOT}},
	{SYS_RENAME, "rename", {EIO, ENOSPC, EROFS}},
	{SYS_UNLINK, "unlink", {EIO, EROFS, EPERM}},
	{SYS_MKDIR, "mkdir", {ENOSPC, EIO, EROFS}},
	{SYS_SYMLINK, "symlink", {ENOSPC, EIO, EROFS}},
	{SYS_READLINK, "readlink", {EIO, EACCES, EIO}},
	{SYS_STAT, "stat", {EIO, EACCES, EIO}},
	{SYS_READDIR, "readdir", {EIO, EIO, EIO}},
};

static void rig_start(struct rig *r)
{
	clock_fake(1700000000000);
	r->opts.quota = QUOTA;
	rig_open(r);
	store_claim(r->store, DIR_A);
	rig_publish(r, PATH_1, OLD);
	store_set_current(r->store, DIR_A, PATH_1);
}

/* No reader gets anything but whole bytes: rig_get compares with the index's digest. What is under
   a final name is one of ours. */
static void check_readers(struct rig *r, const char *what)
{
	static const char *const PATHS[] = {
		PATH_1, PATH_2, PATH_B, DIR_A "/latest.tar.gz", DIR_B "/latest.tar.gz"};
	char got[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(PATHS); i++)
		if (rig_get(r, PATHS[i], got) == 'H')
			ck_assert_msg(
				!strcmp(got, OLD) || !strcmp(got, NEW_) || !strcmp(got, OTHER),
				"%s: %s is '%s'", what, PATHS[i], got);
}

static void check_next_start(struct rig *r, const char *what)
{
	rig_reopen(r);
	ck_assert_msg(rig_temps(r) == 0, "%s: .tmp after the next start", what);
	rig_scan(r);
	store_claim(r->store, DIR_A);
	store_set_current(r->store, DIR_A, PATH_1);
	store_listed(r->store);
	check_readers(r, what);
}

/* False when the scenario makes fewer such calls. */
static bool one_fault(const struct scenario *sc, unsigned call, unsigned nth, int error, bool on)
{
	struct rig r = {0};
	struct err err = {0};
	unsigned fired;
	char what[200];
	enum err_kind kind;

	snprintf(what, sizeof(what), "%s: %s %u%s: %s", sc->name, CALLS[call].name, nth,
		on ? " and on" : "", strerror(error));
	rig_start(&r);
	fired = sys_faults();
	(on ? sys_fault_after : sys_fault)(CALLS[call].call, nth, error);
	kind = sc->run(&r, &err);
	ck_assert_msg(kind == ERR_NONE || kind == ERR_RETRY, "%s: kind %d", what, kind);
	ck_assert_msg(kind == ERR_NONE || (err.msg[0] && strstr(err.msg, strerror(error))),
		"%s: message '%s'", what, err.msg);
	sys_fault_clear();
	fired = sys_faults() - fired;
	check_readers(&r, what);
	/* Only a temporary file that could not be removed may be left. */
	ck_assert_msg(rig_temps(&r) == 0 || CALLS[call].call == SYS_UNLINK ||
			CALLS[call].call == SYS_OPEN,
		"%s: %u left in .tmp", what, rig_temps(&r));
	/* and it works again at once */
	ck_assert_msg(sc->run(&r, &err) == ERR_NONE, "%s: again: %s", what, err.msg);
	check_readers(&r, what);
	check_next_start(&r, what);
	rig_close(&r);
	return fired;
}

/* One scenario, one call, every place, every error. */
START_TEST(test_errors)
{
	const struct scenario *sc = &SCENARIOS[_i / (int)ARRAY_LEN(CALLS)];
	unsigned call = (unsigned)_i % ARRAY_LEN(CALLS), nth, e;

	for (e = 0; e < 3; e++) {
		for (nth = 1; nth < MOST && one_fault(sc, call, nth, CALLS[call].errors[e], false);
			nth++)
			;
		ck_assert_uint_lt(nth, MOST);
		/* the disk is full, or broken, for good */
		one_fault(sc, call, 1, CALLS[call].errors[e], true);
	}
}
END_TEST

/* ---- kill -9 before each call, and at each named point */

static void child(
	const struct scenario *sc, struct rig *r, unsigned call, unsigned nth, const char *point)
{
	struct err err;

	rig_reopen(r);
	rig_scan(r);
	store_claim(r->store, DIR_A);
	store_set_current(r->store, DIR_A, PATH_1);
	store_listed(r->store);
	rig_check(r, PATH_1, OLD);
	if (point)
		sys_kill_at(point, nth);
	else
		sys_fault(CALLS[call].call, nth, SYS_DIE);
	sc->run(r, &err);
	_exit(0);
}

/* False when the child came to its end. */
static bool one_kill(const struct scenario *sc, unsigned call, unsigned nth, const char *point)
{
	struct rig r = {0}, copy;
	char what[200];
	int status;
	pid_t pid;

	snprintf(what, sizeof(what), "%s: killed at %s %u", sc->name,
		point ? point : CALLS[call].name, nth);
	rig_start(&r);
	store_close(r.store); /* the lock is the child's now */
	r.store = NULL;
	while (loop_turn(r.loop, false))
		;
	ck_assert_int_eq(loop_free(r.loop), 0);
	r.loop = NULL;
	copy = r;
	pid = fork();
	if (!pid)
		child(sc, &copy, call, nth, point);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0,
		"%s: status %d", what, status);
	check_next_start(&r, what);
	if (!strncmp(sc->name, "publish", 7))
		ck_assert_msg(rig_check(&r, PATH_1, OLD) == STORE_INTACT, "%s", what);
	rig_close(&r);
	return WIFSIGNALED(status);
}

START_TEST(test_kills)
{
	const struct scenario *sc = &SCENARIOS[_i / (int)ARRAY_LEN(CALLS)];
	unsigned call = (unsigned)_i % ARRAY_LEN(CALLS), nth;

	for (nth = 1; nth < MOST && one_kill(sc, call, nth, NULL); nth++)
		;
	ck_assert_uint_lt(nth, MOST);
}
END_TEST

static const char *const POINTS[] = {
	"store.written", "store.synced", "store.renamed", "store.linked"};

START_TEST(test_kill_points)
{
	ck_assert(one_kill(&SCENARIOS[0], 0, 1, POINTS[_i]));
	ck_assert(one_kill(&SCENARIOS[3], 0, 1, POINTS[_i]));
}
END_TEST

/* ---- the start on a broken or read-only store */

START_TEST(test_open_faults)
{
	static const struct {
		enum sys_call call;
		int error;
		const char *says; /* NULL: it opens */
	} ROWS[] = {
		{SYS_OPEN, EIO, "open store"}, {SYS_OPEN, EACCES, "open store"},
		{SYS_MKDIR, EACCES, "make directory"},
		{SYS_MKDIR, EROFS, NULL}, /* what is there can be served */
		{SYS_LOCK, EIO, "lock store"}, {SYS_UNLINK, EIO, NULL}, {SYS_READDIR, EIO, NULL},
		{SYS_STAT, EACCES, "write to store"}, {SYS_STAT, EROFS, NULL}, /* it is not empty */
	};
	struct rig r = {0};
	struct store *s;
	struct err err = {0};
	char got[64];

	rig_start(&r);
	rig_write(&r, ".tmp/left", "half");
	store_close(r.store);
	sys_fault_after(ROWS[_i].call, 1, ROWS[_i].error);
	s = store_open(r.loop, &r.opts, &err);
	sys_fault_clear();
	ck_assert_msg(!s == !!ROWS[_i].says, "row %d: %s", _i, err.msg);
	if (!s) {
		ck_assert_msg(strstr(err.msg, ROWS[_i].says) != NULL, "%s", err.msg);
		s = store_open(r.loop, &r.opts, &err);
	}
	r.store = s;
	rig_scan(&r);
	store_listed(s);
	ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
	rig_close(&r);
}
END_TEST

/* A scan that fails says so, and the next one works; nobody is told 404 in between. What fails of
   the last process's index is no failure of the scan: all is hashed. */
START_TEST(test_scan_faults)
{
	static const enum sys_call WHICH[] = {SYS_OPEN, SYS_READDIR, SYS_STAT};
	unsigned nth = 1, before, forgiven = 0;
	struct rig r = {0};
	enum err_kind kind;
	struct op *op;
	struct err err;
	char got[64];
	bool forgot;

	rig_start(&r);
	rig_publish(&r, PATH_2, OTHER);
	rig_publish(&r, PATH_B, OTHER);
	ck_assert_int_eq(save(&r, &err), ERR_NONE);
	for (;; nth++) {
		rig_reopen(&r);
		before = sys_faults();
		sys_fault(WHICH[_i], nth, EIO);
		op = store_scan_start(r.store);
		rig_run(&r, op);
		forgot = *store_scan_forgot(op);
		kind = op->err.kind;
		err = op->err;
		op_free(op);
		if (kind == ERR_NONE && sys_faults() == before)
			break;
		sys_fault_clear();
		forgiven += forgot;
		ck_assert(forgot == (kind == ERR_NONE));
		if (forgot)
			continue;
		ck_assert_msg(strstr(err.msg, "Input/output error") != NULL, "%s", err.msg);
		ck_assert(!store_ready(r.store));
		ck_assert_int_eq(rig_get(&r, PATH_1, got), 'W');
		rig_scan(&r);
		store_listed(r.store);
		ck_assert_int_eq(rig_get(&r, PATH_1, got), 'H');
		ck_assert_int_eq(rig_get(&r, PATH_2, got), 'H');
	}
	sys_fault_clear();
	ck_assert_uint_gt(nth, 3);
	ck_assert_uint_eq(forgiven, WHICH[_i] == SYS_READDIR ? 0 : 2); /* boot id, index */
	rig_close(&r);
}
END_TEST

Suite *suite_store_faults(void)
{
	Suite *s = suite_create("store_faults");
	TCase *t = tcase_create("faults");
	int n = (int)(ARRAY_LEN(SCENARIOS) * ARRAY_LEN(CALLS));

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_errors, 0, n);
	tcase_add_loop_test(t, test_kills, 0, n);
	tcase_add_loop_test(t, test_kill_points, 0, (int)ARRAY_LEN(POINTS));
	tcase_add_loop_test(t, test_open_faults, 0, 9);
	tcase_add_loop_test(t, test_scan_faults, 0, 3);
	suite_add_tcase(s, t);
	return s;
}
