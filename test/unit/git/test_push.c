#include "git/push.h"

#include "base/mem.h"
#include "test/unit/git/wire.h"

Suite *suite_push(void);

#define MAIN "refs/heads/main"
#define OTHER "2222222222222222222222222222222222222222"

/* A commit on `base` that app.git does not have, and its pack. */
static struct gitc_oid commit(struct wire *w, const char *base, struct buf *pack)
{
	auto_free char *make = mem_printf("cd work; git checkout -q %s; echo x >> a.txt;"
					  "git commit -qam pushed; git rev-parse HEAD",
		base);
	auto_free char *path = mem_printf("%s/pack", fake_git_folder(w->server));
	auto_free char *hex = fake_git_ask(w->server, make);
	struct gitc_oid oid;
	char *room;
	FILE *f;

	ck_assert(gitc_oid_parse(&oid, hex, strlen(hex)));
	fake_git_run(w->server,
		"cd work; printf '%s\\n^%s\\n' $(git rev-parse HEAD) $(git rev-parse HEAD~1) |"
		"git pack-objects -q --revs --stdout > ../pack");
	f = fopen(path, "r");
	ck_assert(f != NULL);
	buf_init(pack, BUF_ANY);
	room = buf_room(pack, 100000);
	pack->len = fread(room, 1, 100000, f);
	fclose(f);
	return oid;
}

static struct op *push(struct wire *w, const struct gitc_target *t, const struct gitc_update *u,
	size_t n, const struct buf *pack, const char *const *options)
{
	struct op *op = gitc_push_start(w->git,
		&(struct gitc_push_req){.target = *t,
			.updates = u,
			.n_updates = n,
			.pack = pack,
			.options = options});

	wire_wait(w, op);
	return op;
}

static void is_at(struct wire *w, const char *name, const struct gitc_oid *want)
{
	struct gitc_oid got = wire_oid(w, name);

	ck_assert_msg(gitc_oid_equal(&got, want), "%s is elsewhere", name);
}

START_TEST(test_iu_07_push)
{
	struct wire w;
	struct gitc_target t;
	struct gitc_update u[2] = {{.name = MAIN}, {.name = "refs/heads/x"}};
	struct buf pack;
	struct op *op;

	wire_init(&w);
	t = wire_target(&w);
	u[0].old = wire_oid(&w, "main");
	u[0].new = u[1].new = commit(&w, "main", &pack);
	op = push(&w, &t, u, 2, &pack, NULL);
	wire_ok(op);
	ck_assert(gitc_push_result(op)->ok);
	ck_assert(!gitc_push_result(op)->raced);
	ck_assert_uint_eq(gitc_push_result(op)->n, 2);
	is_at(&w, "main", &u[0].new);
	is_at(&w, "x", &u[0].new);
	op_free(op);
	/* It is there already: fine, and not sent. */
	fake_git_log_reset(w.server);
	op = push(&w, &t, u, 2, &pack, NULL);
	wire_ok(op);
	ck_assert(gitc_push_result(op)->ok);
	ck_assert(!strstr(fake_git_log(w.server), "POST"));
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

/* Somebody was there first: 0 before the server was asked, 1 between question and push. */
START_TEST(test_iu_11_race)
{
	const struct gitc_push_result *r;
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct gitc_stats stats;
	struct buf pack;
	struct op *op;

	wire_init(&w);
	t = wire_target(&w);
	u.old = wire_oid(&w, "main");
	u.new = commit(&w, "main", &pack);
	if (_i)
		fake_git_before_post(w.server, 1, "git -C app.git update-ref " MAIN " staging");
	else
		fake_git_run(w.server, "git -C app.git update-ref " MAIN " staging");
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_ok(op);
	r = gitc_push_result(op);
	ck_assert(!r->ok && r->raced && !r->updates[0].ok && r->updates[0].why);
	gitc_client_stats(w.git, &stats);
	ck_assert_uint_eq(stats.pushes_raced, 1);
	op_free(op);
	/* Forced it goes through. */
	u.force = true;
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_ok(op);
	ck_assert(gitc_push_result(op)->ok);
	is_at(&w, "main", &u.new);
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

static void hook(struct wire *w, const char *name, const char *text)
{
	auto_free char *make = mem_printf("mkdir -p app.git/hooks; printf '#!/bin/sh\\n%s\\n' > "
					  "app.git/hooks/%s; chmod +x app.git/hooks/%s",
		text, name, name);

	fake_git_run(w->server, make);
}

START_TEST(test_iu_08_options)
{
	static const char *const options[] = {"ci.skip", "k=v w", NULL};
	auto_free char *got = NULL;
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct buf pack;
	struct op *op;

	wire_init(&w);
	hook(&w, "pre-receive",
		"echo $GIT_PUSH_OPTION_COUNT,$GIT_PUSH_OPTION_0,$GIT_PUSH_OPTION_1 > ../options");
	t = wire_target(&w);
	u.old = wire_oid(&w, "main");
	u.new = commit(&w, "main", &pack);
	op = push(&w, &t, &u, 1, &pack, options);
	wire_ok(op);
	ck_assert(gitc_push_result(op)->ok);
	got = fake_git_ask(w.server, "cat options");
	ck_assert_str_eq(got, "2,ci.skip,k=v w");
	op_free(op);
	fake_git_run(w.server, "git -C app.git config receive.advertisePushOptions false");
	u.old = u.new;
	u.new.b[0]++;
	op = push(&w, &t, &u, 1, &pack, options);
	wire_failed(op, GITC_NO_OPTIONS, "takes no push options");
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

START_TEST(test_iu_12_hook)
{
	const struct gitc_push_result *r;
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct buf pack;
	struct op *op;

	wire_init(&w);
	hook(&w, "pre-receive", "echo branch main is protected >&2; exit 1");
	t = wire_target(&w);
	u.old = wire_oid(&w, "main");
	u.new = commit(&w, "main", &pack);
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_ok(op);
	r = gitc_push_result(op);
	ck_assert(!r->ok && !r->raced);
	ck_assert_str_eq(r->updates[0].why, "pre-receive hook declined");
	ck_assert_str_eq(r->said, "branch main is protected");
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

START_TEST(test_refused)
{
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct buf pack;
	struct op *op;

	wire_init(&w);
	t = wire_target(&w);
	u.old = wire_oid(&w, "main");
	u.new = commit(&w, "main", &pack);
	pack.p[pack.len / 2] ^= 1;
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_failed(op, GITC_BAD_PACK, "does not take the pack");
	op_free(op);
	fake_git_run(w.server, "git -C app.git config http.receivepack false");
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_failed(op, GITC_AUTH_FAILED, "403 Forbidden: these credentials may not push");
	op_free(op);
	u.name = "main";
	op = push(&w, &t, &u, 1, &pack, NULL);
	ck_assert_int_eq(op->err.kind, ERR_STALL);
	op_free(op);
	u.name = MAIN;
	u.new = (struct gitc_oid){{0}};
	op = push(&w, &t, &u, 1, &pack, NULL);
	ck_assert_int_eq(op->err.kind, ERR_STALL);
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

#define ADVERT \
	"001f# service=git-receive-pack\n000000681111111111111111111111111111111111111111 " MAIN \
	"\0report-status side-band-64k agent=git/2   \n0000"
#define BAD(says) GITC_PUSH_UNKNOWN, says

/* Reports that say nothing, or lie. With bands: "0030\1" in front. */
static const struct {
	const char *answer;
	int status; /* 0: 200 */
	bool cut;
	int code;
	const char *says;
} lies[] = {
	{"", 0, false, BAD("does not say what became of the push")},
	{"0000", 0, false, BAD("does not say what became of the push")},
	{"0017\x01"
	 "000eunpack ok\n0000"
	 "0000",
		0, false, BAD("does not say what became of 'refs/heads/main'")},
	{"002b\x01"
	 "000eunpack ok\n0014ok refs/heads/x\n0000"
	 "0000",
		0, false, BAD("names a ref that was not pushed")},
	{"000d\x01"
	 "0008what",
		0, false, BAD("does not begin with the pack")},
	{"0011\x03"
	 "out of disk\n",
		0, false, BAD("gives up: out of disk")},
	{"0017\x01"
	 "000eunpack ok\n0000"
	 "0000",
		0, true, BAD("it was sent")},
	{"", 502, false, BAD("502 Bad Gateway")},
	{"", 401, false, GITC_AUTH_FAILED, "401"},
	{"", 413, false, 413, "413"},
};

START_TEST(test_unknown)
{
	struct fake_answer *a;
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct buf pack = BUF_INIT(BUF_ANY);
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	ck_assert(gitc_oid_parse(&u.old, "1111111111111111111111111111111111111111", 40));
	ck_assert(gitc_oid_parse(&u.new, OTHER, 40));
	buf_adds(&pack, "PACK");
	a = wire_advert(&w, "git-receive-pack", ADVERT);
	a->body_len = sizeof(ADVERT) - 1;
	a = wire_answer(&w, "git-receive-pack", lies[_i].answer, 0);
	a->status = lies[_i].status ? lies[_i].status : 200;
	if (lies[_i].cut) {
		a->way = FAKE_CUT;
		a->cut = 10;
	}
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_failed(op, lies[_i].code, lies[_i].says);
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

/* What servers say when somebody else was there first, and what hooks may say. */
static const struct {
	const char *why;
	bool raced;
} refusals[] = {
	{"non-fast-forward", true},
	{"fetch first", true},
	{"stale info", true},
	{"failed to update ref", true},
	{"incorrect old value provided", true},
	{"reference already exists", true},
	{"Failed to lock", true},
	{"cannot lock ref '" MAIN "': is at " OTHER " but expected " OTHER, true},
	{"cannot lock ref '" MAIN "': reference already exists", true},
	{"cannot lock ref '" MAIN "': Unable to create '/r/refs/heads/main.lock': File exists.",
		true},
	{"cannot lock ref '" MAIN "/x': '" MAIN "' exists; cannot create '" MAIN "/x'", false},
	{"the release is at its freeze", false},
	{"is at HEAD", false},
	{"this pull request needs update of its title", false},
	{"a non-fast-forward push is not allowed here, nor is this one", false},
	{"policy: cannot lock ref '" MAIN "': is at " OTHER, false},
	{"pre-receive hook declined", false},
};

START_TEST(test_iu_12_words)
{
	struct fake_answer *a;
	struct wire w;
	struct gitc_target t;
	struct gitc_update u = {.name = MAIN};
	struct buf pack = BUF_INIT(BUF_ANY);
	auto_free char *ng = mem_printf("ng " MAIN " %s\n", refusals[_i].why);
	auto_free char *report = mem_printf("000eunpack ok\n%04zx%s0000", strlen(ng) + 4, ng);
	auto_free char *answer = mem_printf("%04zx\x01%s0000", strlen(report) + 5, report);
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	ck_assert(gitc_oid_parse(&u.old, "1111111111111111111111111111111111111111", 40));
	ck_assert(gitc_oid_parse(&u.new, OTHER, 40));
	buf_adds(&pack, "PACK");
	a = wire_advert(&w, "git-receive-pack", ADVERT);
	a->body_len = sizeof(ADVERT) - 1;
	wire_answer(&w, "git-receive-pack", answer, 0);
	op = push(&w, &t, &u, 1, &pack, NULL);
	wire_ok(op);
	ck_assert(!gitc_push_result(op)->ok);
	ck_assert_msg(gitc_push_result(op)->raced == refusals[_i].raced, "'%s'", refusals[_i].why);
	op_free(op);
	buf_clear(&pack);
	wire_clear(&w);
}
END_TEST

Suite *suite_push(void)
{
	Suite *s = suite_create("push");
	TCase *t = tcase_create("push");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_test(t, test_iu_07_push);
	tcase_add_loop_test(t, test_iu_11_race, 0, 2);
	tcase_add_test(t, test_iu_08_options);
	tcase_add_test(t, test_iu_12_hook);
	tcase_add_loop_test(t, test_iu_12_words, 0, ARRAY_LEN(refusals));
	tcase_add_test(t, test_refused);
	tcase_add_loop_test(t, test_unknown, 0, ARRAY_LEN(lies));
	suite_add_tcase(s, t);
	return s;
}
