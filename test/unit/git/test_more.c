#include "git/more.h"

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

Suite *suite_more(void)
{
	Suite *s = suite_create("more");
	TCase *t = tcase_create("more");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_test(t, test_more);
	suite_add_tcase(s, t);
	return s;
}
