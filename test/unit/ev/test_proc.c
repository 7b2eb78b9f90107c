#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/proc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_proc(void);

static struct loop *loop;

static void setup(void)
{
	loop = loop_new();
}

static void teardown(void)
{
	ck_assert_int_eq(loop_free(loop), 0);
}

static void wait_for(struct op *op)
{
	while (!op->done)
		loop_turn(loop, true);
}

static struct op *run(const char *const *argv, const char *input)
{
	struct op *op = proc_start(loop,
		&(struct proc_req){.argv = argv,
			.input = input,
			.input_len = input ? strlen(input) : 0,
			.out_max = 1 << 20,
			.err_max = 100});

	wait_for(op);
	return op;
}

#define RUN(input, ...) run((const char *const[]){__VA_ARGS__, NULL}, input)
#define SH(script) RUN(NULL, "sh", "-c", script)

static bool no_child_is_left(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

START_TEST(test_output)
{
	struct op *op = RUN("some bytes\n", "cat");

	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_int_eq(proc_result(op)->status, 0);
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "some bytes\n");
	op_free(op);
	op = SH("echo hello; echo trouble >&2; exit 3");
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_int_eq(proc_result(op)->status, 3);
	ck_assert_int_eq(proc_result(op)->signal, 0);
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "hello\n");
	ck_assert_str_eq(buf_str(&proc_result(op)->err), "trouble\n");
	op_free(op);
	op = SH("kill -TERM $$");
	ck_assert_int_eq(proc_result(op)->status, -1);
	ck_assert_int_eq(proc_result(op)->signal, SIGTERM);
	op_free(op);
	ck_assert(no_child_is_left());
}
END_TEST

START_TEST(test_not_there)
{
	struct op *op = RUN("input", "no-such-program-here", "-x");

	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_str_eq(op->err.msg, "the program 'no-such-program-here' is not installed");
	op_free(op);
	op = RUN(NULL, "/no/such/program");
	ck_assert_str_eq(op->err.msg, "the program '/no/such/program' is not installed");
	op_free(op);
	op = RUN(NULL, "/etc/passwd");
	ck_assert_ptr_nonnull(strstr(op->err.msg, "cannot be started: permission denied"));
	op_free(op);
	ck_assert(no_child_is_left());
}
END_TEST

/* Whatever is open here, and whatever our environment has: the child sees what it was given. */
START_TEST(test_what_a_child_sees)
{
	static const char *const argv[] = {"sh", "-c", "cat <&3; env; pwd", NULL};
	static const char *const env[] = {"GIVEN=1", NULL};
	struct err err = {0};
	int plain[40], i, secret = sys_memory_file("a secret\n", 9, &err);
	struct op *op;

	for (i = 0; i < 40; i++)
		plain[i] = sys_openat(AT_FDCWD, "/dev/null", O_RDONLY, 0);
	setenv("OURS", "1", 1);
	op = proc_start(loop,
		&(struct proc_req){
			.argv = argv, .env = env, .fds = &secret, .n_fds = 1, .out_max = 4096});
	sys_close(secret);
	wait_for(op);
	ck_assert_int_eq(proc_result(op)->status, 0);
	ck_assert_ptr_eq(strstr(proc_result(op)->out.p, "a secret\n"), proc_result(op)->out.p);
	ck_assert_ptr_null(strstr(proc_result(op)->out.p, "OURS="));
	ck_assert_ptr_nonnull(strstr(proc_result(op)->out.p, "GIVEN=1\n"));
	ck_assert_ptr_nonnull(
		strstr(proc_result(op)->out.p, "PATH=/usr/local/bin:/usr/bin:/bin\n"));
	ck_assert_ptr_nonnull(strstr(proc_result(op)->out.p, "\n/\n"));
	op_free(op);
	/* The last is that of the folder which it reads. */
	op = RUN(NULL, "ls", "/proc/self/fd");
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "0\n1\n2\n3\n");
	op_free(op);
	for (i = 0; i < 40; i++)
		sys_close(plain[i]);
}
END_TEST

/* A program that closes what it inherits. */
START_TEST(test_path_of_a_descriptor)
{
	struct err err = {0};
	int secret = sys_memory_file("by its name", 11, &err);
	char path[PROC_FD_PATH_MAX];
	struct op *op = RUN(NULL, "cat", proc_fd_path(path, secret), path);
	struct stat st;

	ck_assert_int_eq(fstat(secret, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "by its nameby its name");
	op_free(op);
	sys_close(secret);
}
END_TEST

START_TEST(test_caps)
{
	struct op *op = SH("head -c 200 /dev/zero | tr '\\0' x >&2");

	ck_assert_uint_eq(proc_result(op)->err.len, 100);
	op_free(op);
	op = SH("head -c 2000000 /dev/zero; sleep 1000");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_str_eq(op->err.msg, "'sh' writes more than 1048576 bytes");
	op_free(op);
	ck_assert(no_child_is_left());
}
END_TEST

/* What does not read its input, and what reads none of much. */
START_TEST(test_input_dropped)
{
	auto_buf struct buf much = BUF_INIT(BUF_ANY);
	struct op *op;

	while (much.len < 4 << 20)
		buf_adds(&much, "0123456789abcdef");
	op = RUN(much.p, "true");
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_int_eq(proc_result(op)->status, 0);
	op_free(op);
	op = RUN(much.p, "sh", "-c", "wc -c");
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "4194304\n");
	op_free(op);
}
END_TEST

struct talk {
	struct op *op;
	struct buf got;
	unsigned calls, rooms;
	bool cancel;
};

static void talk_room(void *arg)
{
	((struct talk *)arg)->rooms++;
}

static void talk_out(void *arg, const char *p, size_t n)
{
	struct talk *t = arg;

	buf_add(&t->got, p, n);
	t->calls++;
	if (t->cancel) {
		op_cancel(t->op);
		return;
	}
	if (t->got.len < 8)
		proc_write(t->op, "ping\n", 5);
	else
		proc_write_end(t->op);
}

START_TEST(test_conversation)
{
	static const char *const argv[] = {"cat", NULL};
	struct talk t = {.got = BUF_INIT(1000)};

	t.op = proc_start(loop,
		&(struct proc_req){.argv = argv,
			.input = "ping\n",
			.input_len = 5,
			.keep_input = true,
			.on_out = talk_out,
			.on_room = talk_room,
			.arg = &t});
	wait_for(t.op);
	ck_assert_uint_eq(t.rooms, 2);
	ck_assert_str_eq(buf_str(&t.got), "ping\nping\n");
	ck_assert_int_eq(proc_result(t.op)->status, 0);
	op_free(t.op);
	buf_clear(&t.got);
}
END_TEST

/* A cancel out of its own callback, while the rest of what it writes is there already. */
START_TEST(test_cancel_while_it_writes)
{
	static const char *const argv[] = {"head", "-c", "1000000", "/dev/zero", NULL};
	struct talk t = {.got = BUF_INIT(2000000), .cancel = true};

	t.op = proc_start(loop, &(struct proc_req){.argv = argv, .on_out = talk_out, .arg = &t});
	wait_for(t.op);
	ck_assert_int_eq(t.op->err.kind, ERR_CANCELED);
	ck_assert_uint_eq(t.calls, 1);
	op_free(t.op);
	buf_clear(&t.got);
	ck_assert(no_child_is_left());
}
END_TEST

/* What it wrote before it ended waits for whoever paused it. */
START_TEST(test_pause)
{
	static const char *const argv[] = {"sh", "-c", "echo one; kill -0 $$", NULL};
	struct talk t = {.got = BUF_INIT(100)};
	unsigned i;

	t.op = proc_start(loop,
		&(struct proc_req){
			.argv = argv, .keep_input = true, .on_out = talk_out, .arg = &t});
	proc_pause(t.op);
	while (proc_result(t.op)->status < 0)
		loop_turn(loop, true);
	for (i = 0; i < 20; i++)
		loop_turn(loop, false);
	ck_assert(!t.op->done);
	ck_assert_uint_eq(t.got.len, 0);
	proc_resume(t.op);
	wait_for(t.op);
	ck_assert_str_eq(buf_str(&t.got), "one\n");
	op_free(t.op);
	buf_clear(&t.got);
}
END_TEST

/* The program, and what it has started: a helper in its group, whose parent is gone. */
START_TEST(test_cancel_kills_the_group)
{
	static const char *const argv[] = {
		"sh", "-c", "sleep 1000 & sleep 1000 & echo ready; exec sleep 1000", NULL};
	struct talk t = {.got = BUF_INIT(100)};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t.op = proc_start(loop,
		&(struct proc_req){
			.argv = argv, .keep_input = true, .on_out = talk_out, .arg = &t});
	while (!t.calls)
		loop_turn(loop, true);
	op_cancel(t.op);
	wait_for(t.op);
	ck_assert_int_eq(t.op->err.kind, ERR_CANCELED);
	op_free(t.op);
	buf_clear(&t.got);
	ck_assert(no_child_is_left());
}
END_TEST

/* A helper that goes on when the program has ended, with its stdout. */
START_TEST(test_end_kills_the_group)
{
	struct op *op;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	op = SH("sleep 1000 & echo done");
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_str_eq(buf_str(&proc_result(op)->out), "done\n");
	op_free(op);
	ck_assert(no_child_is_left());
}
END_TEST

/* One that has left the group keeps nobody waiting for longer than a second of the clock. */
START_TEST(test_helper_out_of_the_group)
{
	static const char *const argv[] = {"sh", "-c", "setsid sleep 1000 & echo $!", NULL};
	struct op *op;
	unsigned i;

	clock_fake(1000000);
	op = proc_start(loop, &(struct proc_req){.argv = argv, .out_max = 100});
	while (proc_result(op)->status < 0 || !proc_result(op)->out.len)
		loop_turn(loop, true);
	for (i = 0; i < 20; i++)
		loop_turn(loop, false);
	loop_test_advance(loop, 1000);
	wait_for(op);
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	ck_assert_int_eq(proc_result(op)->status, 0);
	kill((pid_t)strtol(proc_result(op)->out.p, NULL, 10), SIGKILL);
	op_free(op);
}
END_TEST

START_TEST(test_deadline)
{
	static const char *const argv[] = {"sleep", "1000", NULL};
	struct op *op;

	clock_fake(1000000);
	op = proc_start(loop, &(struct proc_req){.argv = argv, .deadline_ms = 5000});
	loop_test_advance(loop, 4999);
	loop_turn(loop, false);
	ck_assert(!op->done);
	proc_set_deadline(op, 3000);
	loop_test_advance(loop, 2999);
	loop_turn(loop, false);
	ck_assert(!op->done);
	loop_test_advance(loop, 1);
	wait_for(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_int_eq(op->err.code, -ETIMEDOUT);
	ck_assert_str_eq(op->err.msg, "'sleep' has not ended within 3000 ms");
	op_free(op);
	ck_assert(no_child_is_left());
}
END_TEST

START_TEST(test_drop)
{
	static const char *const argv[] = {"sleep", "1000", NULL};
	unsigned i;

	for (i = 0; i < 8; i++)
		op_drop(proc_start(loop, &(struct proc_req){.argv = argv}));
	op_drop(proc_start(
		loop, &(struct proc_req){.argv = (const char *const[]){"no-such-program", NULL}}));
	while (loop_turn(loop, true))
		;
	ck_assert(no_child_is_left());
}
END_TEST

Suite *suite_proc(void)
{
	Suite *s = suite_create("proc");
	TCase *t = tcase_create("proc");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_output);
	tcase_add_test(t, test_not_there);
	tcase_add_test(t, test_what_a_child_sees);
	tcase_add_test(t, test_path_of_a_descriptor);
	tcase_add_test(t, test_caps);
	tcase_add_test(t, test_input_dropped);
	tcase_add_test(t, test_conversation);
	tcase_add_test(t, test_cancel_while_it_writes);
	tcase_add_test(t, test_pause);
	tcase_add_test(t, test_cancel_kills_the_group);
	tcase_add_test(t, test_end_kills_the_group);
	tcase_add_test(t, test_helper_out_of_the_group);
	tcase_add_test(t, test_deadline);
	tcase_add_test(t, test_drop);
	suite_add_tcase(s, t);
	return s;
}
