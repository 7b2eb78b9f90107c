#include "git/set.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/sys.h"
#include "git/commit.h"
#include "git/draft.h"
#include "git/fetch.h"
#include "git/keep.h"
#include "git/more.h"
#include "git/objects.h"
#include "test/unit/git/wire.h"

#include <errno.h>

Suite *suite_set(void);

/* So many files that cannot be packed, 400 bytes each, on a branch without a common history with
   others; and a change in one of them. */
static void branch_make(struct wire *w, const char *name, int n)
{
	auto_free char *command =
		mem_printf("cd work; git checkout -q --orphan %s; git rm -rfq .;"
			   "head -c %d /dev/urandom | split -d -b 400 - f;"
			   "git add .; git commit -qm files; git push -qf ../app.git %s",
			name, 400 * n, name);

	fake_git_run(w->server, command);
}

static void branch_change(struct wire *w, const char *name)
{
	auto_free char *command = mem_printf(
		"cd work; git checkout -q %s; date +%%%%s%%%%N >>f07; git commit -qam change;"
		"git push -q ../app.git %s",
		name, name);

	fake_git_run(w->server, command);
}

static struct gitc_fetch_req request(
	struct wire *w, const struct gitc_oid *want, const char *branch, bool no_blobs)
{
	return (struct gitc_fetch_req){.target = wire_target(w),
		.want = want,
		.n_want = 1,
		.depth = 1,
		.no_blobs = no_blobs,
		.follows = true,
		.branch = branch};
}

/* The newest commit of a branch; *bytes of packs were needed. */
static struct gitc_objects *fetch(
	struct wire *w, const char *branch, bool no_blobs, uint64_t *bytes)
{
	auto_free char *ref = mem_printf("refs/heads/%s", branch);
	struct gitc_oid tip = wire_oid(w, branch);
	struct gitc_fetch_req req = request(w, &tip, ref, no_blobs);
	struct gitc_stats before, after;
	struct gitc_objects *o;
	struct op *op;

	gitc_client_stats(w->git, &before);
	op = gitc_fetch_start(w->git, &req);
	wire_wait(w, op);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	gitc_client_stats(w->git, &after);
	*bytes = after.fetch_bytes - before.fetch_bytes;
	return o;
}

static uint64_t fetch_only(struct wire *w, const char *branch)
{
	uint64_t bytes;

	gitc_objects_unref(fetch(w, branch, false, &bytes));
	return bytes;
}

static struct gitc_stats stats(struct wire *w)
{
	struct gitc_stats s;

	gitc_client_stats(w->git, &s);
	return s;
}

/* What is on a branch follows the last commit of that branch, whatever was fetched of others. */
START_TEST(test_branches)
{
	struct wire w;
	int i;

	wire_init(&w);
	branch_make(&w, "a", 30);
	branch_make(&w, "b", 40);
	ck_assert_uint_gt(fetch_only(&w, "a"), 10000);
	ck_assert_uint_gt(fetch_only(&w, "b"), 10000);
	for (i = 0; i < 2; i++) {
		branch_change(&w, "a");
		ck_assert_uint_lt(fetch_only(&w, "a"), 1500);
		branch_change(&w, "b");
		/* The first one lies upon that of the other branch, and is more than that. */
		if (i)
			ck_assert_uint_lt(fetch_only(&w, "b"), 1500);
		else
			fetch_only(&w, "b");
		ck_assert_uint_eq(stats(&w).sets, 2);
	}
	wire_clear(&w);
}
END_TEST

/* Of a branch that begins with what is on another one only the difference comes, and what both rest
   on takes its place once. */
START_TEST(test_beside)
{
	uint64_t whole;
	struct wire w;

	wire_init(&w);
	branch_make(&w, "a", 40);
	ck_assert_uint_gt(fetch_only(&w, "a"), 10000);
	whole = stats(&w).set_bytes;
	ck_assert_uint_gt(whole, 10000);
	fake_git_run(w.server, "cd work; git branch b a");
	branch_change(&w, "b");
	ck_assert_uint_lt(fetch_only(&w, "b"), 1500);
	ck_assert_uint_eq(stats(&w).sets, 2);
	ck_assert_uint_gt(stats(&w).set_bytes, whole);
	ck_assert_uint_lt(stats(&w).set_bytes, whole + 2000);
	branch_change(&w, "a");
	ck_assert_uint_lt(fetch_only(&w, "a"), 1500);
	ck_assert_uint_eq(stats(&w).sets, 2);
	wire_clear(&w);
}
END_TEST

/* What comes into a set that others lie upon counts, and what is too much then goes. */
START_TEST(test_grown)
{
	struct gitc_objects *old, *new, *other;
	struct gitc_oid want[40];
	uint64_t bytes, before;
	struct wire w;
	struct op *op;
	int i;

	wire_init(&w);
	gitc_client_free(w.git);
	w.git = gitc_client_new(w.loop,
		&(struct gitc_client_opts){
			.http = w.http, .folder = w.folder, .set_bytes = _i ? 10000 : 0});
	branch_make(&w, "b", 10);
	branch_make(&w, "a", 40);
	old = fetch(&w, "a", true, &bytes);
	other = fetch(&w, "b", true, &bytes);
	for (i = 0; i < 40; i++) {
		auto_free char *name = mem_printf("a:f%02d", i);

		want[i] = wire_oid(&w, name);
	}
	branch_change(&w, "a");
	new = fetch(&w, "a", true, &bytes);
	ck_assert_uint_eq(stats(&w).sets, 2);
	before = stats(&w).set_bytes;
	op = gitc_more_start(w.git,
		&(struct gitc_more_req){
			.target = wire_target(&w), .into = old, .want = want, .n_want = 40});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	ck_assert_uint_gt(stats(&w).set_bytes, before + 12000);
	ck_assert_uint_eq(stats(&w).sets, _i ? 1 : 2);
	gitc_objects_unref(other);
	gitc_objects_unref(old);
	gitc_objects_unref(new);
	wire_clear(&w);
}
END_TEST

/* A commit on top of the branch that is checked out is kept. */
static struct op *keep(struct wire *w, struct gitc_objects *on, struct buf *pack,
	struct gitc_oid *made, const char *branch)
{
	char name[] = "a", mail[] = "a@example.com";
	struct gitc_fetch_req as = request(w, made, branch, false);
	struct err err = {0};
	struct gitc_draft *d;
	struct op *op;

	d = gitc_draft_new(&(struct gitc_draft_req){.objects = on,
				   .parent = wire_oid(w, "a"),
				   .changes = &(struct gitc_change){"f07", "new", 3},
				   .n_changes = 1,
				   .who = {name, mail, 1700000000, 0},
				   .message = "made",
				   .message_len = 4},
		NULL, &err);
	ck_assert_msg(d && !gitc_draft_seal(d, NULL, made, pack, NULL, &err), "%s", err.msg);
	gitc_draft_free(d);
	op = gitc_keep_start(w->git, &(struct gitc_keep_req){.as = as, .base = on, .pack = pack});
	return op;
}

/* 0: what was not used for longest makes room on a full disk for what was made here; 1: nothing is
   there but what that rests on, which stays; 2: there is no room then either. */
START_TEST(test_keep_full)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o;
	struct gitc_oid made;
	uint64_t bytes;
	struct wire w;
	struct op *op;

	wire_init(&w);
	branch_make(&w, "b", 30);
	branch_make(&w, "a", 40);
	if (_i != 1)
		fetch_only(&w, "b");
	o = fetch(&w, "a", false, &bytes);
	/* That it lies upon the other one's is not what this is about. */
	if (_i != 1) {
		gitc_objects_unref(o);
		branch_change(&w, "a");
		o = fetch(&w, "a", false, &bytes);
		ck_assert_uint_gt(bytes, 10000);
	}
	ck_assert_uint_eq(stats(&w).sets, _i == 1 ? 1 : 2);
	(_i == 2 ? sys_fault_after : sys_fault)(SYS_WRITE, 1, ENOSPC);
	op = keep(&w, o, &pack, &made, "refs/heads/a");
	wire_wait(&w, op);
	sys_fault_clear();
	if (_i)
		ck_assert_int_eq(op->err.code, -ENOSPC);
	else
		wire_ok(op);
	op_free(op);
	ck_assert_uint_eq(stats(&w).sets, 1);
	gitc_objects_unref(o);
	fake_git_log_reset(w.server);
	o = NULL;
	if (!_i) {
		struct gitc_fetch_req req = request(&w, &made, NULL, false);

		op = gitc_fetch_start(w.git, &req);
		wire_wait(&w, op);
		wire_ok(op);
		op_free(op);
		ck_assert_str_eq(fake_git_log(w.server), "");
	} else {
		ck_assert_uint_eq(fetch_only(&w, "a"), 0);
	}
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

/* What is made on top of one branch for another one leaves that one's where it is. */
START_TEST(test_keep_beside)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o;
	struct gitc_oid made;
	uint64_t bytes;
	struct wire w;
	struct op *op;

	wire_init(&w);
	branch_make(&w, "a", 40);
	o = fetch(&w, "a", false, &bytes);
	op = keep(&w, o, &pack, &made, "refs/heads/auto");
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	gitc_objects_unref(o);
	ck_assert_uint_eq(stats(&w).sets, 2);
	ck_assert_uint_eq(fetch_only(&w, "a"), 0);
	branch_change(&w, "a");
	/* The server has never seen what was made here. */
	ck_assert_uint_lt(fetch_only(&w, "a"), 1500);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

Suite *suite_set(void)
{
	Suite *s = suite_create("set");
	TCase *t = tcase_create("set");

	tcase_set_timeout(t, 120);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_test(t, test_branches);
	tcase_add_test(t, test_beside);
	tcase_add_loop_test(t, test_grown, 0, 2);
	tcase_add_loop_test(t, test_keep_full, 0, 3);
	tcase_add_test(t, test_keep_beside);
	suite_add_tcase(s, t);
	return s;
}
