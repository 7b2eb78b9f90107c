/* Who wants the same blob at the same time shares one download, and nothing else. */
#include "oci/blob_share.h"

#include "base/limits.h"
#include "fixture.h"
#include "oci/head.h"
#include "oci/identity.h"
#include "oci/target.h"

#include <fcntl.h>
#include <unistd.h>

Suite *suite_blob_share(void);

#define SMALL ((size_t)1000)
#define LARGE ((size_t)1024 * 1024 + 123)
#define MANY 5

static struct fixture x;
static char *data, *path, *get_line, *head_line;
static struct oci_descriptor desc;
static struct fake_answer *answer;
static size_t size;
static int files[MANY];

static void init(size_t n)
{
	char text[DIGEST_TEXT_MAX];
	uint32_t r = 1;
	size_t i;

	size = n;
	fixture_init(&x);
	data = mem_alloc(n + 1);
	for (i = 0; i < n; i++) {
		r = r * 1664525 + 1013904223;
		data[i] = (char)(r >> 24);
	}
	desc = (struct oci_descriptor){.media_type = mem_strdup("a/b"), .size = n};
	digest_mem(&desc.digest, DIGEST_SHA256, data, n);
	path = mem_printf("/v2/app/blobs/%s", digest_format(&desc.digest, text));
	get_line = mem_printf("GET %s\n", path);
	head_line = mem_printf("HEAD %s\n", path);
	answer = fake_on(x.reg, "GET", path);
	answer->body = data;
	answer->body_len = n;
	for (i = 0; i < MANY; i++)
		ck_assert_int_ge(files[i] = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), 0);
}

static void clear(void)
{
	size_t i;

	for (i = 0; i < MANY; i++)
		close(files[i]);
	oci_descriptor_clear(&desc);
	free(data);
	free(path);
	free(get_line);
	free(head_line);
	fixture_clear(&x);
}

static struct op *ask_of(struct oci_identity *id, int nth, const char *owner)
{
	return oci_blob_share_start(x.oci,
		&(struct oci_blob_req){.target = {&x.repo, id, 60000},
			.blob = &desc,
			.fd = files[nth],
			.owner = owner});
}

static struct op *ask(int nth)
{
	return ask_of(x.nobody, nth, "apps");
}

static void wait_for(struct op *op)
{
	while (!op->done)
		loop_turn(x.loop, true);
}

static void good(struct op *op, int nth)
{
	auto_free char *got = mem_alloc(size + 1);
	struct buf *mem;

	wait_for(op);
	fixture_ok(op);
	mem = oci_blob_share_mem(op);
	ck_assert_int_eq(!mem, size > LIMIT_BLOB_IN_MEMORY);
	if (mem) {
		ck_assert_uint_eq(mem->len, size);
		ck_assert(!memcmp(mem->p, data, size));
	} else {
		ck_assert_int_eq(lseek(files[nth], 0, SEEK_END), (off_t)size);
		ck_assert_int_eq(pread(files[nth], got, size, 0), (ssize_t)size);
		ck_assert(!memcmp(got, data, size));
	}
	op_free(op);
}

static uint64_t shared(void)
{
	struct oci_stats s;

	oci_client_stats(x.oci, &s);
	return s.blobs_shared;
}

/* How often the log has the line. */
static int times(const char *line)
{
	const char *at = fake_log(x.reg);
	int n = 0;

	for (; (at = strstr(at, line)); at += strlen(line))
		n++;
	return n;
}

static const size_t sizes[] = {SMALL, LARGE};

START_TEST(test_many)
{
	struct op *ops[MANY];
	int i;

	init(sizes[_i]);
	for (i = 0; i < MANY; i++)
		ops[i] = ask(i);
	for (i = 0; i < MANY; i++)
		good(ops[i], i);
	ck_assert_int_eq(times(get_line), 1);
	ck_assert_uint_eq(shared(), MANY - 1);
	/* It is kept for nobody. */
	good(ask(0), 0);
	ck_assert_int_eq(times(get_line), 2);
	clear();
}
END_TEST

/* Each of these is another download. rows: small, large */
START_TEST(test_apart)
{
	struct oci_identity *user, *ca;
	struct oci_target targets[5];
	struct oci_repo open_repo;
	size_t i, n = _i ? 4 : 5; /* of a large one with other credentials see below */
	struct op *a, *ops[5];

	init(sizes[_i]);
	user = fixture_user(&x);
	ca = oci_identity_new();
	buf_adds(&oci_identity_trust(ca)->ca_pem, "none");
	open_repo = x.repo;
	open_repo.insecure = true;
	for (i = 0; i < ARRAY_LEN(targets); i++)
		targets[i] = (struct oci_target){&x.repo, x.nobody, 60000};
	targets[0].timeout_ms = 59999;
	targets[1].patient = true;
	targets[2].repo = &open_repo;
	targets[3].identity = ca;
	targets[4].identity = user;
	a = ask(0);
	for (i = 0; i < n; i++)
		ops[i] = oci_blob_share_start(x.oci,
			&(struct oci_blob_req){
				.target = targets[i], .blob = &desc, .fd = files[1]});
	for (i = 0; i < n; i++) {
		wait_for(ops[i]);
		op_free(ops[i]);
	}
	good(a, 0);
	ck_assert_uint_eq(shared(), 0);
	oci_identity_unref(user);
	oci_identity_unref(ca);
	clear();
}
END_TEST

static void until_asked(const char *line)
{
	while (!times(line))
		loop_turn(x.loop, true);
}

/* After the answer that there is: one of these in turn. */
static struct fake_answer *then(int status)
{
	struct fake_answer *a = fake_on(x.reg, "GET", path);

	a->status = status;
	a->body = data;
	a->body_len = size;
	a->ranges = status == 200;
	return a;
}

/* Somebody with other credentials asks whether it may have the blob, and gets the very bytes
   without a second download. */
START_TEST(test_other_credentials)
{
	struct oci_identity *user;
	struct op *a, *b;

	init(LARGE);
	user = fixture_user(&x);
	fake_on(x.reg, "HEAD", path)->status = 200;
	/* It goes on after a pause: it does not end before the other one can join. */
	answer->way = FAKE_CUT;
	answer->cut = LARGE / 2;
	answer->ranges = true;
	answer->times = 1;
	then(200);
	a = ask(0);
	until_asked(get_line);
	b = ask_of(user, 1, "web");
	good(a, 0);
	good(b, 1);
	ck_assert_uint_eq(shared(), 1);
	ck_assert_int_eq(times(head_line), 1);
	ck_assert_int_eq(times(get_line), 1);
	oci_identity_unref(user);
	clear();
}
END_TEST

/* Who may not have it is told so by its own download. rows: what the question is answered with */
START_TEST(test_not_allowed)
{
	static const int statuses[] = {401, 403, 404, 405, 500, 204};
	struct oci_identity *user;
	struct op *a, *b;

	init(LARGE);
	user = fixture_user(&x);
	fake_on(x.reg, "HEAD", path)->status = statuses[_i];
	answer->way = FAKE_STALL;
	answer->cut = 1000;
	answer->times = 1;
	then(403);
	a = ask(0);
	until_asked(get_line);
	b = ask_of(user, 1, "web");
	wait_for(b);
	fixture_failed(b, "403");
	op_free(b);
	ck_assert_uint_eq(shared(), 0);
	op_cancel(a);
	wait_for(a);
	op_free(a);
	oci_identity_unref(user);
	clear();
}
END_TEST

/* What another one's credentials fail with says nothing of one's own. */
START_TEST(test_other_fails)
{
	struct oci_identity *user;
	struct op *a, *b;

	init(LARGE);
	user = fixture_user(&x);
	fake_on(x.reg, "HEAD", path)->status = 200;
	answer->way = FAKE_CUT;
	answer->cut = LARGE / 2;
	answer->times = 1;
	then(403)->times = 1;
	then(200);
	a = ask(0);
	until_asked(get_line);
	b = ask_of(user, 1, "web");
	wait_for(a);
	fixture_failed(a, "403");
	op_free(a);
	good(b, 1);
	ck_assert_uint_eq(shared(), 1);
	oci_identity_unref(user);
	clear();
}
END_TEST

/* A failure is that of all who have the same credentials. */
START_TEST(test_failure)
{
	struct op *ops[MANY];
	int i;

	init(sizes[_i]);
	answer->status = 403;
	for (i = 0; i < MANY; i++)
		ops[i] = ask(i);
	for (i = 0; i < MANY; i++) {
		wait_for(ops[i]);
		fixture_failed(ops[i], "403");
		op_free(ops[i]);
	}
	ck_assert_int_eq(times(get_line), 1);
	clear();
}
END_TEST

/* Who began it goes and closes its file, or one of the others does: the rest has it all. */
START_TEST(test_one_leaves)
{
	struct op *ops[3];
	int i, gone = _i % 3;

	init(sizes[_i / 3]);
	for (i = 0; i < 3; i++)
		ops[i] = ask(i);
	until_asked(get_line);
	op_cancel(ops[gone]);
	wait_for(ops[gone]);
	ck_assert_int_eq(ops[gone]->err.kind, ERR_CANCELED);
	op_free(ops[gone]);
	close(files[gone]);
	files[gone] = open("/dev/null", O_RDONLY);
	for (i = 0; i < 3; i++)
		if (i != gone)
			good(ops[i], i);
	ck_assert_int_eq(times(get_line), 1);
	clear();
}
END_TEST

/* When all have gone nobody downloads any more, and who comes then begins anew. */
START_TEST(test_all_leave)
{
	struct op *ops[2];
	int i;

	init(LARGE);
	answer->way = FAKE_STALL;
	answer->cut = LARGE / 2;
	answer->times = 1;
	for (i = 0; i < 2; i++)
		ops[i] = ask(i);
	until_asked(get_line);
	for (i = 0; i < 2; i++)
		op_cancel(ops[i]);
	for (i = 0; i < 2; i++) {
		wait_for(ops[i]);
		op_free(ops[i]);
	}
	then(200);
	good(ask(2), 2);
	ck_assert_int_eq(times(get_line), 2);
	clear();
}
END_TEST

/* A disk that does not take the copy fails the one whose file it is. */
START_TEST(test_copy_fails)
{
	struct op *a, *b;

	init(LARGE);
	close(files[1]);
	files[1] = open("/dev/null", O_RDONLY);
	a = ask(0);
	b = ask(1);
	good(a, 0);
	wait_for(b);
	fixture_failed(b, "cannot write the blob to its file");
	op_free(b);
	clear();
}
END_TEST

/* The jobs of a download that two namespaces wait for stand in nobody's line. rows: one owner,
   whose line is taken; two */
START_TEST(test_owners)
{
	struct work_stats stats;
	atomic_bool go = false;
	struct op *busy, *a, *b = NULL;

	setenv("UV_THREADPOOL_SIZE", "4", 1);
	init(LARGE);
	busy = work_start_for(x.loop, WORK_HEAVY, "apps", fixture_busy_run, NULL, &go);
	a = ask(0);
	if (_i)
		b = ask_of(x.nobody, 1, "web");
	do {
		loop_turn(x.loop, true);
		work_stats(x.loop, &stats);
	} while (!a->done && !stats.heavy_waiting);
	ck_assert_int_eq(a->done, _i);
	go = true;
	good(a, 0);
	if (b)
		good(b, 1);
	wait_for(busy);
	op_free(busy);
	clear();
}
END_TEST

/* A job that already waits in the line of the first owner does not wait there any more when another
   owner joins. */
START_TEST(test_joins_late)
{
	struct work_stats stats;
	atomic_bool go = false;
	struct op *busy, *a, *b;

	setenv("UV_THREADPOOL_SIZE", "4", 1);
	init(LARGE);
	busy = work_start_for(x.loop, WORK_HEAVY, "apps", fixture_busy_run, NULL, &go);
	a = ask(0);
	do {
		loop_turn(x.loop, true);
		work_stats(x.loop, &stats);
	} while (!stats.heavy_waiting);
	b = ask_of(x.nobody, 1, "web");
	good(b, 1);
	go = true;
	good(a, 0);
	wait_for(busy);
	op_free(busy);
	clear();
}
END_TEST

/* What fails with other credentials: those of one identity begin anew together. */
START_TEST(test_others_begin_together)
{
	struct oci_identity *user;
	struct op *a, *ops[MANY - 1];
	int i;

	init(LARGE);
	user = fixture_user(&x);
	fake_on(x.reg, "HEAD", path)->status = 200;
	answer->way = FAKE_CUT;
	answer->cut = LARGE / 2;
	answer->times = 1;
	then(403)->times = 1;
	then(200);
	a = ask(0);
	until_asked(get_line);
	for (i = 0; i < MANY - 1; i++)
		ops[i] = ask_of(user, i + 1, "web");
	wait_for(a);
	fixture_failed(a, "403");
	op_free(a);
	for (i = 0; i < MANY - 1; i++)
		good(ops[i], i + 1);
	ck_assert_int_eq(times(get_line), 2); /* and the first one's second try, with a range */
	oci_identity_unref(user);
	clear();
}
END_TEST

/* Moves the clock until b has ended; ms: how far. */
static uint64_t until_done(struct op *b, uint64_t most)
{
	uint64_t ms;
	int i;

	for (ms = 0; !b->done && ms < most; ms += 1000) {
		for (i = 0; i < 50 && !b->done; i++) {
			loop_turn(x.loop, false);
			usleep(200);
		}
		if (!b->done)
			loop_test_advance(x.loop, 1000);
	}
	return ms;
}

/* The registry does not answer the question, or is slow for the credentials of the first one: one
   for whom it is quick does not wait for that. */
START_TEST(test_no_long_wait)
{
	struct oci_identity *user;
	struct op *a, *b;
	uint64_t ms;

	init(LARGE);
	user = fixture_user(&x);
	if (_i)
		fake_on(x.reg, "HEAD", path)->status = 200;
	else
		fake_on(x.reg, "HEAD", path)->way = FAKE_SILENT;
	answer->way = FAKE_DRIP;
	answer->headers = "Content-Length: 1048699\r\n";
	answer->drip_ms = 1000;
	answer->drip_bytes = 2048;
	answer->times = 1;
	then(200);
	clock_fake(1700000000000);
	a = ask(0);
	until_asked(get_line);
	b = ask_of(user, 1, "web");
	until_asked(head_line);
	ms = until_done(b, 600000);
	good(b, 1);
	ck_assert_uint_le(ms, _i ? 2 * LIMIT_SHARE_BASE_MS : 2 * LIMIT_SHARE_ASK_MS);
	ck_assert_uint_eq(shared(), _i);
	op_cancel(a);
	wait_for(a);
	op_free(a);
	oci_identity_unref(user);
	clear();
}
END_TEST

/* The first one leaves and begins anew, while the other one waits: its file is not the one that is
   written, wherever its memory lies now. (The allocator must give the same address again: with
   ASan that takes quarantine_size_mb=0.) */
START_TEST(test_first_again)
{
	struct op *first, *other, *again;

	init(LARGE);
	answer->way = FAKE_CUT;
	answer->cut = LARGE / 2;
	answer->ranges = true;
	answer->times = 1;
	then(200);
	first = ask(0);
	other = ask(1);
	until_asked(get_line);
	op_cancel(first);
	wait_for(first);
	op_free(first);
	again = ask(2);
	good(other, 1);
	good(again, 2);
	ck_assert_int_eq(times(get_line), 1);
	clear();
}
END_TEST

/* A layer of no bytes. */
START_TEST(test_nothing)
{
	struct op *a, *b;

	init(0);
	answer->body = "";
	a = ask(0);
	b = ask(1);
	good(a, 0);
	good(b, 1);
	clear();
}
END_TEST

static struct err head(struct oci_identity *id, bool patient)
{
	struct op *op = oci_head_start(
		x.oci, &(struct oci_target){&x.repo, id, 60000, NULL, patient}, "1.0");
	struct err err;

	wait_for(op);
	err = op->err;
	op_free(op);
	return err;
}

/* What the questions for blobs cost says nothing of what a check costs (pace.h). */
START_TEST(test_questions_and_pace)
{
	struct oci_identity *user;
	struct err err;
	struct op *a, *b;
	char text[6][120];
	int i;

	init(LARGE);
	user = fixture_user(&x);
	for (i = 0; i < 6; i++) {
		struct fake_answer *h = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0");

		snprintf(text[i], sizeof(text[i]),
			"RateLimit-Limit: 100;w=3600\r\nRateLimit-Remaining: %d;w=3600\r\n"
			"RateLimit-Reset: 3000\r\n",
			9 - i);
		h->headers = text[i];
		h->times = 1;
	}
	fake_on(x.reg, "HEAD", path)->status = 200;
	answer->way = FAKE_STALL;
	answer->cut = 1000;
	for (i = 0; i < 3; i++) {
		err = head(user, false);
		ck_assert_msg(!err.kind, "%s", err.msg);
	}
	head(user, true);
	err = head(user, true);
	ck_assert_int_eq(err.kind, ERR_HELD);
	a = ask(0);
	until_asked(get_line);
	for (i = 1; i <= 3; i++) {
		b = ask_of(user, 1, "web");
		while (shared() < (uint64_t)i)
			loop_turn(x.loop, true);
		op_cancel(b);
		wait_for(b);
		op_free(b);
	}
	err = head(user, true);
	ck_assert_msg(err.kind == ERR_HELD, "a patient check goes through: %s", err.msg);
	op_cancel(a);
	wait_for(a);
	op_free(a);
	oci_identity_unref(user);
	clear();
}
END_TEST

Suite *suite_blob_share(void)
{
	Suite *s = suite_create("blob_share");
	TCase *t = tcase_create("blob_share");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_many, 0, 2);
	tcase_add_loop_test(t, test_apart, 0, 2);
	tcase_add_test(t, test_other_credentials);
	tcase_add_loop_test(t, test_not_allowed, 0, 6);
	tcase_add_test(t, test_other_fails);
	tcase_add_loop_test(t, test_failure, 0, 2);
	tcase_add_loop_test(t, test_one_leaves, 0, 6);
	tcase_add_test(t, test_all_leave);
	tcase_add_test(t, test_copy_fails);
	tcase_add_loop_test(t, test_owners, 0, 2);
	tcase_add_test(t, test_joins_late);
	tcase_add_test(t, test_others_begin_together);
	tcase_add_loop_test(t, test_no_long_wait, 0, 2);
	tcase_add_test(t, test_first_again);
	tcase_add_test(t, test_nothing);
	tcase_add_test(t, test_questions_and_pace);
	suite_add_tcase(s, t);
	return s;
}
