#include "git/more.h"

#include "base/mem.h"
#include "base/sys.h"
#include "ev/work.h"
#include "git/fetch.h"
#include "git/objects.h"
#include "test/unit/git/wire.h"

Suite *suite_more(void);

#define POST "POST /app.git/git-upload-pack auth=" WIRE_BASIC " v2\n"

/* The newest commit without its files. */
static struct gitc_objects *no_blobs(struct wire *w)
{
	struct gitc_oid main = wire_oid(w, "main");
	struct op *op = gitc_fetch_start(w->git,
		&(struct gitc_fetch_req){.target = wire_target(w),
			.want = &main,
			.n_want = 1,
			.depth = 1,
			.no_blobs = true});
	struct gitc_objects *o;

	wire_wait(w, op);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	return o;
}

static void more(struct wire *w, struct gitc_objects *o, const struct gitc_oid *want, size_t n)
{
	struct op *op = gitc_more_start(w->git,
		&(struct gitc_more_req){
			.target = wire_target(w), .into = o, .want = want, .n_want = n});

	wire_wait(w, op);
	wire_ok(op);
	op_free(op);
}

/* The blobs that were left out, by their hashes. */
START_TEST(test_more)
{
	struct gitc_oid want[2], other;
	struct gitc_objects *o;
	struct wire w;

	wire_init(&w);
	o = no_blobs(&w);
	want[0] = wire_oid(&w, "main:d/b.yaml");
	want[1] = wire_oid(&w, "main");
	other = wire_oid(&w, "main:a.txt");
	ck_assert(!gitc_objects_has(o, &want[0]));
	fake_git_log_reset(w.server);
	more(&w, o, want, 2);
	ck_assert(gitc_objects_has(o, &want[0]));
	ck_assert(!gitc_objects_has(o, &other));
	ck_assert_str_eq(fake_git_log(w.server), POST);
	/* All there: nothing is asked. */
	more(&w, o, want, 2);
	ck_assert_str_eq(fake_git_log(w.server), POST);
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* ---- what would hold the loop is done on workers --------------------------------------------- */

/* Rows that went on behind a job: "look+" and "word+". */
struct jobs {
	unsigned look, word;
};

static void count_jobs(const char *point, void *arg)
{
	struct jobs *j = arg;

	j->look += !strcmp(point, "git objects/look+");
	j->word += !strcmp(point, "git pull/word+");
}

/* Names of nothing. */
static void many(struct gitc_oid *want, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		want[i] = (struct gitc_oid){{0xab, (unsigned char)(i >> 8), (unsigned char)i}};
}

/* The index is read on a worker, and a question for many objects is written on one. */
START_TEST(test_jobs)
{
	struct gitc_oid *want = mem_array(NULL, 3000, sizeof(*want));
	struct jobs jobs = {0};
	struct gitc_objects *o;
	struct wire w;
	struct op *op;

	wire_init(&w);
	o = no_blobs(&w);
	sys_on_point(count_jobs, &jobs);
	want[0] = wire_oid(&w, "main");
	more(&w, o, want, 1);
	ck_assert_uint_eq(jobs.look, 1);
	ck_assert_uint_eq(jobs.word, 0);
	want[0] = wire_oid(&w, "main:a.txt");
	more(&w, o, want, 1);
	ck_assert_uint_eq(jobs.look, 2);
	ck_assert_uint_eq(jobs.word, 0);
	many(want, 3000);
	op = gitc_more_start(w.git,
		&(struct gitc_more_req){
			.target = wire_target(&w), .into = o, .want = want, .n_want = 3000});
	wire_wait(&w, op);
	wire_failed(op, GITC_NOT_OURS, "not our ref");
	op_free(op);
	ck_assert_uint_eq(jobs.look, 3);
	ck_assert_uint_eq(jobs.word, 1);
	sys_on_point(NULL, NULL);
	free(want);
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* Who gives up while the job is on its way gets no objects, and the job ends first. */
START_TEST(test_cancel)
{
	struct gitc_oid want;
	struct gitc_objects *o;
	struct wire w;
	struct op *op;

	wire_init(&w);
	o = no_blobs(&w);
	want = wire_oid(&w, "main:a.txt");
	fake_git_log_reset(w.server);
	op = gitc_more_start(w.git,
		&(struct gitc_more_req){
			.target = wire_target(&w), .into = o, .want = &want, .n_want = 1});
	while (!work_jobs(w.loop))
		loop_turn(w.loop, true);
	op_cancel(op);
	wire_wait(&w, op);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	ck_assert_str_eq(fake_git_log(w.server), "");
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

Suite *suite_more(void)
{
	Suite *s = suite_create("more");
	TCase *t = tcase_create("more");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_test(t, test_more);
	tcase_add_test(t, test_jobs);
	tcase_add_test(t, test_cancel);
	suite_add_tcase(s, t);
	return s;
}
