#include "git/fetch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "git/commit.h"
#include "git/objects.h"
#include "test/unit/git/wire.h"

#include <errno.h>

Suite *suite_fetch(void);

#define POST "POST /app.git/git-upload-pack"
#define GET "GET /app.git/info/refs?service=git-upload-pack"
#define AUTH " auth=" WIRE_BASIC " v2\n"

static struct op *begin(struct wire *w, const struct gitc_target *t, const struct gitc_oid *want,
	unsigned depth, bool no_blobs)
{
	return gitc_fetch_start(w->git,
		&(struct gitc_fetch_req){.target = *t,
			.want = want,
			.n_want = 1,
			.depth = depth,
			.no_blobs = no_blobs});
}

static struct op *fetch(struct wire *w, const struct gitc_target *t, const struct gitc_oid *want,
	unsigned depth, bool no_blobs)
{
	struct op *op = begin(w, t, want, depth, no_blobs);

	wire_wait(w, op);
	return op;
}

static bool has(struct wire *w, struct gitc_objects *o, const char *what)
{
	struct gitc_oid oid = wire_oid(w, what);

	return gitc_objects_has(o, &oid);
}

/* 0: v2; 1: v0; 2: v0 that can neither shallow nor filter. Of a branch's own commit. */
START_TEST(test_gr_22_fetch)
{
	struct gitc_objects *o;
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main;
	struct op *op;

	wire_init(&w);
	fake_git_old(w.server, _i > 0);
	if (_i == 2)
		fake_git_run(w.server, "git -C app.git config uploadpack.allowFilter false");
	t = wire_target(&w);
	main = wire_oid(&w, "main");
	op = fetch(&w, &t, &main, _i == 2 ? 0 : 1, true);
	wire_ok(op);
	o = gitc_fetch_take(op);
	ck_assert(o != NULL);
	ck_assert(has(&w, o, "main"));
	ck_assert(has(&w, o, "main:d"));
	ck_assert_int_eq(has(&w, o, "main:a.txt"), _i == 2);
	ck_assert_int_eq(has(&w, o, "main~1"), _i == 2);
	gitc_objects_unref(o);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* The blobs that were left out, by their hashes. */
START_TEST(test_more)
{
	struct gitc_objects *o;
	struct gitc_oid main, want[2];
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init(&w);
	t = wire_target(&w);
	main = wire_oid(&w, "main");
	op = fetch(&w, &t, &main, 1, true);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	want[0] = wire_oid(&w, "main:d/b.yaml");
	want[1] = main;
	ck_assert(!gitc_objects_has(o, &want[0]));
	fake_git_log_reset(w.server);
	op = gitc_more_start(
		w.git, &(struct gitc_more_req){.target = t, .into = o, .want = want, .n_want = 2});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	ck_assert(gitc_objects_has(o, &want[0]));
	ck_assert(!has(&w, o, "main:a.txt"));
	ck_assert_str_eq(fake_git_log(w.server), POST AUTH);
	/* All there: nothing is asked. */
	op = gitc_more_start(
		w.git, &(struct gitc_more_req){.target = t, .into = o, .want = want, .n_want = 2});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_git_log(w.server), POST AUTH);
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* Two at a time are one request; the same once more is none. Another auth begins anew. */
START_TEST(test_shared_and_kept)
{
	struct gitc_oid main;
	struct gitc_stats stats;
	struct wire w;
	struct gitc_target t, other;
	struct op *a, *b;

	wire_init(&w);
	t = other = wire_target(&w);
	other.owner = "others";
	main = wire_oid(&w, "main");
	a = begin(&w, &t, &main, 1, false);
	b = begin(&w, &other, &main, 1, false);
	wire_wait(&w, a);
	wire_wait(&w, b);
	wire_ok(a);
	wire_ok(b);
	op_free(a);
	op_free(b);
	ck_assert_str_eq(fake_git_log(w.server), GET AUTH POST AUTH);
	a = fetch(&w, &t, &main, 1, false);
	wire_ok(a);
	op_free(a);
	ck_assert_str_eq(fake_git_log(w.server), GET AUTH POST AUTH);
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.fetches, 1);
	ck_assert_uint_eq(stats.fetches_shared, 1);
	ck_assert_uint_eq(stats.fetches_kept, 1);
	ck_assert_uint_eq(stats.sets, 1);
	ck_assert_uint_gt(stats.fetch_bytes, 100);
	t.auth = NULL;
	a = fetch(&w, &t, &main, 1, false);
	wire_ok(a);
	op_free(a);
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.fetches, 2);
	wire_clear(&w);
}
END_TEST

/* Who leaves takes nothing from the others; when all have gone, it is over. */
START_TEST(test_leave)
{
	struct gitc_oid main;
	struct wire w;
	struct gitc_target t;
	struct op *a, *b;

	wire_init(&w);
	t = wire_target(&w);
	main = wire_oid(&w, "main");
	a = begin(&w, &t, &main, 1, false);
	b = begin(&w, &t, &main, 1, false);
	op_cancel(a);
	wire_wait(&w, a);
	ck_assert_int_eq(a->err.kind, ERR_CANCELED);
	op_free(a);
	wire_wait(&w, b);
	wire_ok(b);
	op_free(b);
	a = begin(&w, &t, &main, 0, false);
	op_cancel(a);
	wire_wait(&w, a);
	ck_assert_int_eq(a->err.kind, ERR_CANCELED);
	op_free(a);
	wire_clear(&w);
}
END_TEST

/* A large pack through both buffers, with pauses. */
START_TEST(test_large)
{
	struct gitc_objects *o;
	struct gitc_oid big;
	struct gitc_stats stats;
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init(&w);
	fake_git_run(w.server,
		"cd work; head -c 5000000 /dev/urandom > big; git add .; git commit -qm big;"
		"git push -q ../app.git main");
	t = wire_target(&w);
	big = wire_oid(&w, "main");
	op = fetch(&w, &t, &big, 1, false);
	wire_ok(op);
	o = gitc_fetch_take(op);
	ck_assert(has(&w, o, "main:big"));
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_gt(stats.fetch_bytes, 5000000);
	gitc_objects_unref(o);
	op_free(op);
	/* A bound of the caller's. */
	op = gitc_fetch_start(w.git,
		&(struct gitc_fetch_req){
			.target = t, .want = &big, .n_want = 1, .depth = 1, .max_pack = 1000000});
	wire_wait(&w, op);
	wire_failed(op, GITC_TOO_LARGE, "more than the 1000000 bytes");
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* A commit that no ref has: v2 gives it, v0 only where it is told to. */
START_TEST(test_not_ours)
{
	struct wire w;
	struct gitc_target t;
	struct gitc_oid hidden, none = {{1}};
	auto_free char *hex = NULL;
	struct op *op;

	wire_init(&w);
	t = wire_target(&w);
	hidden = wire_oid(&w, "main~1");
	op = fetch(&w, &t, &hidden, 1, false);
	wire_ok(op);
	op_free(op);
	op = fetch(&w, &t, &none, 1, false);
	wire_failed(op, GITC_NOT_OURS, "not our ref");
	op_free(op);
	fake_git_old(w.server, true);
	op = fetch(&w, &t, &none, 1, false);
	wire_failed(op, GITC_NOT_OURS, "not our ref");
	op_free(op);
	hex = fake_git_ask(w.server, "git -C app.git commit-tree -m lost main^{tree}");
	ck_assert(gitc_oid_parse(&hidden, hex, strlen(hex)));
	op = fetch(&w, &t, &hidden, 1, false);
	wire_failed(op, GITC_NOT_OURS, "not our ref");
	op_free(op);
	fake_git_run(w.server, "git -C app.git config uploadpack.allowAnySHA1InWant true");
	op = fetch(&w, &t, &hidden, 1, false);
	wire_ok(op);
	op_free(op);
	wire_clear(&w);
}
END_TEST

static const struct {
	const char *answer;
	size_t n; /* 0: strlen */
	int code;
	const char *says;
} lies[] = {
	{"", 0, GITC_PROTOCOL, "too early"},
	{"0000", 0, GITC_PROTOCOL, "nobody asked for"},
	{"000dpackfile\n", 0, GITC_PROTOCOL, "too early"},
	{"000dpackfile\n0000", 0, GITC_BAD_PACK, ""},
	{"000dpackfile\n0005\x01"
	 "0000",
		0, GITC_BAD_PACK, ""},
	{"000dpackfile\n000d\x01PACKnope0000", 0, GITC_BAD_PACK, ""},
	{"000dpackfile\n0006\x09x", 0, GITC_PROTOCOL, "band 9"},
	{"000dpackfile\n0013\x03not for p4sswd", 0, GITC_PROTOCOL, "gives up"},
	{"000dpackfile\n0009\x02slow", 0, GITC_PROTOCOL, "too early"},
	{"0011shallow-info\n000cnothing\n", 0, GITC_PROTOCOL, "shallow commits"},
	{"0014acknowledgments\n", 0, GITC_PROTOCOL, "nobody asked for"},
	{"<html>", 0, GITC_PROTOCOL, "no Git"},
};

START_TEST(test_lies)
{
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main = {{1}};
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	wire_answer(&w, "git-upload-pack", lies[_i].answer, lies[_i].n);
	op = fetch(&w, &t, &main, 1, false);
	wire_failed(op, lies[_i].code, lies[_i].says);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* Progress without end, and a list of shallow commits without end. */
START_TEST(test_endless)
{
	struct buf answer = BUF_INIT(BUF_ANY);
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main = {{1}};
	struct op *op;
	size_t i;

	wire_init_lies(&w);
	t = wire_lies(&w);
	buf_adds(&answer, _i ? "0011shallow-info\n" : "000dpackfile\n");
	for (i = 0; i < (_i ? 110000 : 40); i++) {
		if (_i) {
			buf_adds(&answer, "0034shallow 1111111111111111111111111111111111111111");
			continue;
		}
		buf_addf(&answer, "%04x\x02", 60000 + 5);
		memset(buf_room(&answer, 60000), 'x', 60000);
		answer.len += 60000;
	}
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	wire_answer(&w, "git-upload-pack", answer.p, answer.len);
	op = fetch(&w, &t, &main, 1, false);
	if (_i)
		wire_failed(op, GITC_PROTOCOL, "ever more lines");
	else
		wire_failed(op, GITC_TOO_LARGE, "how far it is");
	op_free(op);
	wire_clear(&w);
	buf_clear(&answer);
}
END_TEST

/* 0: silence in the middle, 1: a drip, 2: cut. */
START_TEST(test_stall)
{
	struct fake_answer *a;
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main = {{1}};
	struct op *op;
	int i;

	wire_init_lies(&w);
	clock_fake(1000000);
	t = wire_lies(&w);
	t.timeout_ms = 100000000;
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	a = wire_answer(&w, "git-upload-pack", "000dpackfile\n0009\x01PACK0000", 0);
	a->cut = 20;
	a->way = _i == 2 ? FAKE_CUT : _i ? FAKE_DRIP : FAKE_STALL;
	a->drip_ms = 1000;
	op = begin(&w, &t, &main, 1, false);
	for (i = 0; i < 400 && !op->done; i++) {
		if (!strstr(fake_log(w.liar), "POST")) {
			loop_turn(w.loop, true);
			continue;
		}
		loop_test_advance(w.loop, 1000);
		loop_turn(w.loop, false);
		loop_turn(w.loop, false);
	}
	ck_assert(op->done);
	ck_assert_msg(op->err.kind == ERR_RETRY, "%d %s", op->err.kind, op->err.msg);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* Each who waits has a time of its own. */
START_TEST(test_timeout)
{
	struct fake_answer *a;
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main = {{1}};
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	t.timeout_ms = 50;
	a = wire_advert(&w, "git-upload-pack", WIRE_V2);
	a->way = FAKE_SILENT;
	op = fetch(&w, &t, &main, 1, false);
	wire_failed(op, -ETIMEDOUT, "no whole answer within 50ms");
	op_free(op);
	wire_clear(&w);
}
END_TEST

Suite *suite_fetch(void)
{
	Suite *s = suite_create("fetch");
	TCase *t = tcase_create("fetch");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_loop_test(t, test_gr_22_fetch, 0, 3);
	tcase_add_test(t, test_more);
	tcase_add_test(t, test_shared_and_kept);
	tcase_add_test(t, test_leave);
	tcase_add_test(t, test_large);
	tcase_add_test(t, test_not_ours);
	tcase_add_loop_test(t, test_lies, 0, ARRAY_LEN(lies));
	tcase_add_loop_test(t, test_endless, 0, 2);
	tcase_add_loop_test(t, test_stall, 0, 3);
	tcase_add_test(t, test_timeout);
	suite_add_tcase(s, t);
	return s;
}
