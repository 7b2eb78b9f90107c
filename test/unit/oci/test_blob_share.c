/* Who wants the same blob at the same time shares one download, and nothing else. */
#include "oci/blob_share.h"

#include "fixture.h"
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
	data = mem_alloc(n);
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
	auto_free char *got = mem_alloc(size);
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

Suite *suite_blob_share(void)
{
	Suite *s = suite_create("blob_share");
	TCase *t = tcase_create("blob_share");

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
	suite_add_tcase(s, t);
	return s;
}
