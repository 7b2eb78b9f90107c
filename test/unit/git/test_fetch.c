#include "git/fetch.h"

#include "base/clock.h"
#include "base/mem.h"
#include "git/commit.h"
#include "git/draft.h"
#include "git/keep.h"
#include "git/more.h"
#include "git/objects.h"
#include "test/unit/git/packs.h"
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

/* ---- a commit that follows another one ------------------------------------------------------- */

static struct op *follow(
	struct wire *w, const struct gitc_target *t, const struct gitc_oid *want, bool no_blobs)
{
	struct op *op = gitc_fetch_start(w->git,
		&(struct gitc_fetch_req){.target = *t,
			.want = want,
			.n_want = 1,
			.depth = 1,
			.no_blobs = no_blobs,
			.follows = true});

	wire_wait(w, op);
	return op;
}

/* The newest commit of a branch; *bytes of packs were needed. */
static struct gitc_objects *follow_ok(
	struct wire *w, const char *branch, bool no_blobs, uint64_t *bytes)
{
	struct gitc_oid tip = wire_oid(w, branch);
	struct gitc_target t = wire_target(w);
	struct gitc_objects *o;
	struct gitc_stats stats;
	struct op *op;

	gitc_client_stats(w->git, &stats);
	*bytes = stats.fetch_bytes;
	op = follow(w, &t, &tip, no_blobs);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	gitc_client_stats(w->git, &stats);
	*bytes = stats.fetch_bytes - *bytes;
	return o;
}

/* 40 files that cannot be packed well, 2 kB each, and a change in one of them. */
#define FILES \
	"cd work; for i in $(seq 40); do echo $i | openssl dgst -sha512 -binary >f$i;" \
	"for j in $(seq 5); do openssl dgst -sha512 -binary f$i >>f$i; done; done;" \
	"git add .; git commit -qm files; git push -q ../app.git main"
#define CHANGE "cd work; date +%%s%%N >>f7; git commit -qam change; git push -q ../app.git main"

static void whole_commit(struct wire *w, struct gitc_objects *o, const char *branch)
{
	auto_free char *list = NULL;
	auto_free char *ask = mem_printf("git -C app.git ls-tree -r %s", branch);
	char *line, *save = NULL;
	size_t n = 0;

	list = fake_git_ask(w->server, ask);
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save), n++) {
		struct buf b = BUF_INIT(BUF_ANY);
		struct gitc_oid oid;
		struct err err = {0};

		ck_assert(gitc_oid_parse(&oid, line + 12, 40));
		ck_assert_msg(!gitc_blob_read(o, &oid, &b, 100000, &err), "%s", err.msg);
		buf_clear(&b);
	}
	ck_assert_uint_ge(n, 3);
}

/* What is here does not come again, and the set is whole in spite of that: a change, nothing but a
   new commit, a branch without a common history, a step back. Its place is that of the old one. */
START_TEST(test_follows)
{
	struct gitc_objects *o[5];
	struct gitc_stats stats;
	uint64_t first, bytes;
	struct wire w;
	int i;

	wire_init(&w);
	fake_git_run(w.server, FILES);
	o[0] = follow_ok(&w, "main", false, &first);
	ck_assert_uint_gt(first, 10000);
	fake_git_run(w.server, CHANGE);
	o[1] = follow_ok(&w, "main", false, &bytes);
	ck_assert_uint_lt(bytes, 1500);
	fake_git_run(w.server,
		"cd work; git commit -q --allow-empty -m same; git push -q ../app.git main");
	o[2] = follow_ok(&w, "main", false, &bytes);
	ck_assert_uint_lt(bytes, 400);
	fake_git_run(w.server,
		"cd work; git checkout -q --orphan other; echo new >new; git add new;"
		"git commit -qm other; git push -q ../app.git other; git checkout -q main");
	o[3] = follow_ok(&w, "other", false, &bytes);
	ck_assert_uint_lt(bytes, 800);
	fake_git_run(w.server, "git -C app.git branch back main~2");
	o[4] = follow_ok(&w, "back", false, &bytes);
	ck_assert_uint_lt(bytes, 1500);
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.sets, 1);
	/* Each reads what is its own, while those under it are gone. */
	for (i = 0; i < 4; i++)
		gitc_objects_unref(o[i]);
	whole_commit(&w, o[4], "back");
	whole_commit(&w, o[4], "other");
	whole_commit(&w, o[4], "main");
	gitc_objects_unref(o[4]);
	wire_clear(&w);
}
END_TEST

/* Sets without blobs are a line of their own; blobs come into them as before. */
START_TEST(test_follows_no_blobs)
{
	struct gitc_objects *o;
	uint64_t first, bytes;
	struct gitc_target t;
	struct gitc_oid want;
	struct wire w;
	struct op *op;

	wire_init(&w);
	fake_git_run(w.server, FILES);
	gitc_objects_unref(follow_ok(&w, "main", false, &first));
	gitc_objects_unref(follow_ok(&w, "main", true, &first));
	ck_assert_uint_gt(first, 1000);
	fake_git_run(w.server, CHANGE);
	o = follow_ok(&w, "main", true, &bytes);
	ck_assert_uint_lt(bytes, first / 2);
	ck_assert(has(&w, o, "main^{tree}"));
	ck_assert(has(&w, o, "main:d"));
	ck_assert(!has(&w, o, "main:f7"));
	t = wire_target(&w);
	want = wire_oid(&w, "main:f7");
	op = gitc_more_start(
		w.git, &(struct gitc_more_req){.target = t, .into = o, .want = &want, .n_want = 1});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	ck_assert(has(&w, o, "main:f7"));
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* Sets do not grow without end: after some it is whole again. */
START_TEST(test_follows_so_far)
{
	struct gitc_objects *o;
	uint64_t first, bytes = 0;
	struct wire w;
	int i;

	wire_init(&w);
	fake_git_run(w.server, FILES);
	gitc_objects_unref(follow_ok(&w, "main", false, &first));
	for (i = 0; i < 20 && bytes < first; i++) {
		fake_git_run(w.server, CHANGE);
		o = follow_ok(&w, "main", false, &bytes);
		whole_commit(&w, o, "main");
		gitc_objects_unref(o);
	}
	ck_assert_int_ge(i, 4);
	ck_assert_int_lt(i, 18);
	wire_clear(&w);
}
END_TEST

/* 0: the old protocol; 1: the server has lost what is here; 2: another user; 3: it turned out that
   something is missing. All comes. */
START_TEST(test_follows_nothing)
{
	struct gitc_objects *o;
	struct gitc_oid none = {{7}};
	struct err err = {0};
	struct buf b = BUF_INIT(BUF_ANY);
	uint64_t first, bytes;
	struct wire w;

	wire_init(&w);
	fake_git_old(w.server, _i == 0);
	fake_git_run(w.server, FILES);
	o = follow_ok(&w, "main", false, &first);
	if (_i == 3) {
		ck_assert_int_eq(gitc_blob_read(o, &none, &b, 10, &err), -1);
		ck_assert_int_eq(err.code, GITC_MISSING);
	}
	gitc_objects_unref(o);
	fake_git_run(w.server, CHANGE);
	if (_i == 1)
		fake_git_run(w.server,
			"cd work; git checkout -q --orphan anew; git commit -qm anew;"
			"git push -qf ../app.git anew:main; cd ../app.git;"
			"git tag | xargs git tag -d; git branch | grep -v main | xargs git branch "
			"-D;"
			"git reflog expire --expire=all --all; git gc -q --prune=now");
	if (_i == 2) {
		gitc_auth_unref(w.auth);
		w.auth = NULL;
	}
	o = follow_ok(&w, "main", false, &bytes);
	ck_assert_uint_gt(bytes + 1000, first);
	whole_commit(&w, o, "main");
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* A hash that is no commit's is nothing that another one follows: a server would die of it. */
START_TEST(test_follows_tag)
{
	struct gitc_objects *o;
	uint64_t bytes;
	struct wire w;

	wire_init(&w);
	fake_git_run(w.server, FILES);
	gitc_objects_unref(follow_ok(&w, "v1", false, &bytes));
	fake_git_log_reset(w.server);
	o = follow_ok(&w, "main", false, &bytes);
	ck_assert_str_eq(fake_git_log(w.server), POST AUTH);
	whole_commit(&w, o, "main");
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* A file that git keeps as a piece of a much larger one, and a change in it alone. */
START_TEST(test_follows_part)
{
	struct gitc_objects *o;
	uint64_t first, bytes;
	struct wire w;

	wire_init(&w);
	fake_git_run(w.server,
		"cd work; for i in $(seq 400); do echo $i | openssl dgst -sha512 -hex; done >all;"
		"head -n 8 all >part; git add .; git commit -qm part; git push -q ../app.git main;"
		"git -C ../app.git repack -qadf");
	gitc_objects_unref(follow_ok(&w, "main", false, &first));
	fake_git_run(w.server,
		"cd work; sed -i '3s/a/b/' part; git commit -qam change;"
		"git push -q ../app.git main");
	fake_git_log_reset(w.server);
	o = follow_ok(&w, "main", false, &bytes);
	ck_assert_str_eq(fake_git_log(w.server), POST AUTH);
	ck_assert_uint_lt(bytes, 2000);
	whole_commit(&w, o, "main");
	gitc_objects_unref(o);
	wire_clear(&w);
}
END_TEST

/* A commit that was made here is there as if it had been fetched, and the next one follows it. */
START_TEST(test_keep)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o;
	char name[] = "a", mail[] = "a@example.com";
	struct gitc_target t;
	struct gitc_oid made;
	uint64_t bytes;
	struct err err = {0};
	struct gitc_draft *d;
	struct wire w;
	struct op *op;

	wire_init(&w);
	fake_git_run(w.server, FILES);
	o = follow_ok(&w, "main", false, &bytes);
	d = gitc_draft_new(&(struct gitc_draft_req){.objects = o,
				   .parent = wire_oid(&w, "main"),
				   .changes = &(struct gitc_change){"f7", "new", 3},
				   .n_changes = 1,
				   .who = {name, mail, 1700000000, 0},
				   .message = "made",
				   .message_len = 4},
		NULL, &err);
	ck_assert_msg(d && !gitc_draft_seal(d, NULL, &made, &pack, NULL, &err), "%s", err.msg);
	gitc_draft_free(d);
	op = gitc_keep_start(w.git,
		&(struct gitc_keep_req){.as = {.target = wire_target(&w),
						.want = &made,
						.n_want = 1,
						.depth = 1,
						.follows = true},
			.base = o,
			.pack = &pack});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	gitc_objects_unref(o);
	fake_git_log_reset(w.server);
	t = wire_target(&w);
	op = follow(&w, &t, &made, false);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	ck_assert_str_eq(fake_git_log(w.server), "");
	ck_assert(gitc_objects_has(o, &made));
	ck_assert(has(&w, o, "main:f8"));
	gitc_objects_unref(o);
	/* The server knows nothing of it: what follows is whole. */
	fake_git_run(w.server, CHANGE);
	o = follow_ok(&w, "main", false, &bytes);
	ck_assert_uint_gt(bytes, 10000);
	whole_commit(&w, o, "main");
	gitc_objects_unref(o);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

/* A pack as the answer to a fetch. */
static void banded(struct buf *answer, const struct buf *pack)
{
	buf_addf(answer, "000dpackfile\n%04zx\x01", pack->len + 5);
	buf_add(answer, pack->p, pack->len);
	buf_adds(answer, "0000");
}

/* A server that is down changes nothing. Of a pack that rests on nothing, of a server that dies of
   the question, the same is asked once more, for all of it. */
START_TEST(test_follows_failure)
{
	struct buf pack = BUF_INIT(BUF_ANY), d = BUF_INIT(BUF_ANY), sound = BUF_INIT(BUF_ANY),
		   thin = BUF_INIT(BUF_ANY), commit = BUF_INIT(BUF_ANY);
	struct gitc_oid next = {{2}}, tip = pk_commit(&commit, &next);
	auto_free char *have = NULL;
	char hex[GITC_OID_HEX];
	struct fake_answer *a;
	struct gitc_stats stats;
	struct gitc_target t;
	struct wire w;
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	pk_begin(&pack, 1);
	pk_add(&pack, PK_COMMIT, commit.p, commit.len);
	pk_end(&pack);
	banded(&sound, &pack);
	buf_reset(&pack);
	pk_begin(&pack, 1);
	pk_delta(&d, 5, 5);
	pk_copy(&d, 0, 5);
	pk_ref(&pack, &next, d.p, d.len);
	pk_end(&pack);
	banded(&thin, &pack);
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	wire_answer(&w, "git-upload-pack", sound.p, sound.len)->times = 1;
	op = follow(&w, &t, &tip, false);
	wire_ok(op);
	op_free(op);
	ck_assert_ptr_null(strstr(buf_str(fake_bodies(w.liar)), "have"));

	a = wire_answer(&w, "git-upload-pack", "", 0);
	a->times = 2;
	a->status = 503;
	op = follow(&w, &t, &next, false);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.sets, 1);
	fake_log_reset(w.liar);
	/* Of the third there is the question with what is here, and the one for all. */
	if (_i == 0)
		wire_answer(&w, "git-upload-pack", thin.p, thin.len)->times = 1;
	else
		a->times = 3;
	wire_answer(&w, "git-upload-pack", sound.p, sound.len);
	op = follow(&w, &t, &next, false);
	wire_ok(op);
	op_free(op);
	ck_assert_str_eq(
		fake_log(w.liar), POST " auth=" WIRE_BASIC "\n" POST " auth=" WIRE_BASIC "\n");
	have = mem_printf("have %s", gitc_oid_format(&tip, hex));
	ck_assert_ptr_nonnull(strstr(buf_str(fake_bodies(w.liar)), have));
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.sets, _i == 0 ? 1 : 2);
	wire_clear(&w);
	buf_clear(&sound);
	buf_clear(&commit);
	buf_clear(&thin);
	buf_clear(&pack);
	buf_clear(&d);
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

/* 0: v2; 1: v0; 2, 3: neither, with a server that leaves no trees out; 4: it filters nothing. */
START_TEST(test_no_trees)
{
	struct gitc_objects *o;
	struct gitc_target t;
	struct gitc_oid want;
	struct wire w;
	struct op *op;

	wire_init(&w);
	fake_git_old(w.server, _i & 1);
	if (_i == 2 || _i == 3)
		fake_git_run(w.server, "git -C app.git config uploadpackfilter.tree.allow false");
	if (_i == 4)
		fake_git_run(w.server, "git -C app.git config uploadpack.allowFilter false");
	t = wire_target(&w);
	want = wire_oid(&w, "main");
	op = gitc_fetch_start(w.git,
		&(struct gitc_fetch_req){
			.target = t, .want = &want, .n_want = 1, .depth = 3, .no_trees = true});
	wire_wait(&w, op);
	wire_ok(op);
	o = gitc_fetch_take(op);
	op_free(op);
	ck_assert(has(&w, o, "main"));
	ck_assert(has(&w, o, "main~2"));
	ck_assert_int_eq(has(&w, o, "main^{tree}"), _i > 1);
	ck_assert_int_eq(has(&w, o, "main:a.txt"), _i == 4);
	gitc_objects_unref(o);
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
	tcase_add_test(t, test_follows);
	tcase_add_test(t, test_follows_no_blobs);
	tcase_add_test(t, test_follows_so_far);
	tcase_add_loop_test(t, test_follows_nothing, 0, 4);
	tcase_add_test(t, test_keep);
	tcase_add_loop_test(t, test_follows_failure, 0, 2);
	tcase_add_test(t, test_follows_tag);
	tcase_add_test(t, test_follows_part);
	tcase_add_test(t, test_shared_and_kept);
	tcase_add_test(t, test_leave);
	tcase_add_test(t, test_large);
	tcase_add_test(t, test_not_ours);
	tcase_add_loop_test(t, test_lies, 0, ARRAY_LEN(lies));
	tcase_add_loop_test(t, test_endless, 0, 2);
	tcase_add_loop_test(t, test_stall, 0, 3);
	tcase_add_test(t, test_timeout);
	suite_add_tcase(s, t);
	t = tcase_create("no_trees");
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_loop_test(t, test_no_trees, 0, 5);
	suite_add_tcase(s, t);
	return s;
}
