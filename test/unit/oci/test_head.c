/* Who asks the same at the same time shares one HEAD, and nothing else. */
#include "oci/head.h"

#include "fixture.h"
#include "oci/mirrors.h"
#include "oci/target.h"

#define MANY 50
#define DIGEST "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define HEAD "HEAD /v2/app/manifests/1\n"

static struct fixture x;
static struct fake_answer *answer;

static void setup(void)
{
	struct op *op;

	clock_fake(1800000000000);
	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/warm")->status = 200;
	answer = fake_on(x.reg, "HEAD", "/v2/app/manifests/1");
	answer->headers = "Docker-Content-Digest: " DIGEST "\r\n";
	/* The registry's scheme is known from here on. */
	op = oci_head_start(x.oci, &(struct oci_target){&x.repo, x.nobody, 20000}, "warm");
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
	fake_log_reset(x.reg);
}

static void teardown(void)
{
	fixture_clear(&x);
}

static struct op *ask(struct oci_identity *id, uint64_t timeout_ms)
{
	return oci_head_start(x.oci, &(struct oci_target){&x.repo, id, timeout_ms}, "1");
}

static void wait_for(struct op *op)
{
	while (!op->done)
		loop_turn(x.loop, true);
}

/* It gave the digest. */
static void good(struct op *op)
{
	char text[DIGEST_TEXT_MAX];

	wait_for(op);
	fixture_ok(op);
	ck_assert_int_eq(oci_head_result(op)->status, 200);
	ck_assert_str_eq(digest_format(&oci_head_result(op)->digest, text), DIGEST);
	op_free(op);
}

static uint64_t shared(void)
{
	struct oci_stats s;

	oci_client_stats(x.oci, &s);
	return s.shared;
}

START_TEST(test_many)
{
	struct op *ops[MANY];
	int i;

	for (i = 0; i < MANY; i++)
		ops[i] = ask(x.nobody, 20000);
	for (i = 0; i < MANY; i++)
		good(ops[i]);
	ck_assert_str_eq(fake_log(x.reg), HEAD);
	ck_assert_uint_eq(shared(), MANY - 1);
	/* The answer is kept for nobody. */
	good(ask(x.nobody, 20000));
	ck_assert_str_eq(fake_log(x.reg), HEAD HEAD);
}
END_TEST

/* 404 and its like are answers, a failure is one of all. */
START_TEST(test_failures)
{
	struct op *ops[3];
	int i;

	answer->status = 404;
	for (i = 0; i < 3; i++)
		ops[i] = ask(x.nobody, 20000);
	for (i = 0; i < 3; i++) {
		wait_for(ops[i]);
		fixture_ok(ops[i]);
		ck_assert_int_eq(oci_head_result(ops[i])->status, 404);
		op_free(ops[i]);
	}
	answer->status = 429;
	answer->headers = "Retry-After: 30\r\n";
	for (i = 0; i < 3; i++)
		ops[i] = ask(x.nobody, 20000);
	for (i = 0; i < 3; i++) {
		wait_for(ops[i]);
		fixture_failed(ops[i], "tag '1' of '127.0.0.1:");
		ck_assert_int_eq(ops[i]->err.kind, ERR_WAIT);
		ck_assert_uint_eq(ops[i]->err.retry_ms, 30000);
		op_free(ops[i]);
	}
	ck_assert_str_eq(fake_log(x.reg), HEAD HEAD);
}
END_TEST

START_TEST(test_no_digest)
{
	answer->headers = _i ? "Docker-Content-Digest: sha256:zz\r\n" : NULL;
	{
		struct op *op = ask(x.nobody, 20000);

		wait_for(op);
		fixture_ok(op);
		ck_assert_int_eq(oci_head_result(op)->digest.algo, DIGEST_NONE);
		op_free(op);
	}
}
END_TEST

/* Another one of these is another question. */
START_TEST(test_apart)
{
	struct oci_target target = {&x.repo, x.nobody, 20000};
	struct oci_identity *other = oci_identity_new(), *user = fixture_user(&x);
	struct oci_repo repo = x.repo;
	struct op *a = ask(x.nobody, 20000), *b;
	const char *tag = "1";

	switch (_i) {
	case 0:
		target.identity = other;
		break;
	case 1:
		target.identity = user;
		break;
	case 2:
		repo.insecure = true;
		target.repo = &repo;
		break;
	case 3:
		snprintf(repo.name, sizeof(repo.name), "app2");
		target.repo = &repo;
		break;
	case 4:
		tag = "warm";
		break;
	case 5:
		target.timeout_ms = 20000 + HEAD_JOIN_MS + 1;
		break;
	case 6:
		target.timeout_ms = 20000 - HEAD_JOIN_MS - 1;
		break;
	case 7:
		target.patient = true;
		break;
	default:
		ck_abort();
	}
	b = oci_head_start(x.oci, &target, tag);
	wait_for(b);
	op_free(b);
	good(a);
	ck_assert_uint_eq(shared(), 0);
	oci_identity_unref(other);
	oci_identity_unref(user);
}
END_TEST

/* A mirror of the same name is asked by its own rule. */
START_TEST(test_mirror_apart)
{
	auto_free char *text = mem_printf("rules: [{match: a.test, mirrors: [{url: 'http://%s', "
					  "insecure: true}, {url: 'http://%s', insecure: true}]}]",
		fake_host(x.reg), fake_host(x.reg));
	struct oci_target target = {&x.repo, x.nobody, 20000};
	struct oci_repo repo = {.host = "a.test", .name = "app"};
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(text, strlen(text), &err);
	const struct oci_rule *rule;
	struct op *ops[3];
	size_t i;

	ck_assert_msg(m, "%s", err.msg);
	rule = oci_mirrors_find(m, &repo);
	for (i = 0; i < 3; i++) {
		target.mirror = i < 2 ? rule->mirrors.p[i] : NULL;
		ops[i] = oci_head_start(x.oci, &target, "1");
	}
	for (i = 0; i < 3; i++)
		good(ops[i]);
	ck_assert_uint_eq(shared(), 0);
	oci_mirrors_free(m);
}
END_TEST

/* Who is patient joins what is older; others may have pushed since. rows: who is not, who is */
START_TEST(test_age)
{
	struct oci_target target = {&x.repo, x.nobody, 20000, .patient = _i};
	struct op *ops[3];
	int i;

	for (i = 0; i < 3; i++) {
		ops[i] = oci_head_start(x.oci, &target, "1");
		clock_fake_add(i ? HEAD_FRESH_MS / 2 + 1 : HEAD_FRESH_MS / 2);
	}
	for (i = 0; i < 3; i++)
		good(ops[i]);
	ck_assert_uint_eq(shared(), _i ? 2 : 1);
	ck_assert_str_eq(fake_log(x.reg), _i ? HEAD : HEAD HEAD);
}
END_TEST

/* Those whose time ends within a second of each other. */
START_TEST(test_about_the_same_time)
{
	struct op *a = ask(x.nobody, 20000), *b = ask(x.nobody, 20000 + HEAD_JOIN_MS / 2);

	good(a);
	good(b);
	ck_assert_uint_eq(shared(), 1);
}
END_TEST

/* Who began it goes, or one of the others: the rest is answered. */
START_TEST(test_one_leaves)
{
	struct op *ops[3];
	int i;

	for (i = 0; i < 3; i++)
		ops[i] = ask(x.nobody, 20000);
	op_cancel(ops[_i]);
	wait_for(ops[_i]);
	ck_assert_int_eq(ops[_i]->err.kind, ERR_CANCELED);
	op_free(ops[_i]);
	for (i = 0; i < 3; i++)
		if (i != _i)
			good(ops[i]);
	ck_assert_str_eq(fake_log(x.reg), HEAD);
}
END_TEST

/* When the last one has gone nobody asks any more, and who comes then is not told of a cancel. */
START_TEST(test_all_leave)
{
	struct http_client_stats s;
	struct op *ops[3];
	int i;

	answer->way = FAKE_SILENT;
	answer->times = 1;
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1")->headers =
		"Docker-Content-Digest: " DIGEST "\r\n";
	for (i = 0; i < 2; i++)
		ops[i] = ask(x.nobody, 20000);
	fixture_until(&x, HEAD);
	for (i = 0; i < 2; i++)
		op_cancel(ops[i]);
	ops[2] = ask(x.nobody, 20000);
	for (i = 0; i < 2; i++) {
		wait_for(ops[i]);
		ck_assert_int_eq(ops[i]->err.kind, ERR_CANCELED);
		op_free(ops[i]);
	}
	good(ops[2]);
	ck_assert_str_eq(fake_log(x.reg), HEAD HEAD);
	http_client_stats(x.http, &s);
	ck_assert_uint_eq(s.open_requests, 0);
}
END_TEST

/* A silent registry: all have the same time, and the same words for it. */
START_TEST(test_silence)
{
	struct op *ops[3];
	int i;

	answer->way = FAKE_SILENT;
	for (i = 0; i < 3; i++)
		ops[i] = ask(x.nobody, 300);
	fixture_until(&x, HEAD);
	loop_test_advance(x.loop, 300);
	for (i = 0; i < 3; i++) {
		wait_for(ops[i]);
		fixture_failed(ops[i], "not done within 300ms");
		op_free(ops[i]);
	}
	ck_assert_str_eq(fake_log(x.reg), HEAD);
}
END_TEST

Suite *suite_head(void);
Suite *suite_head(void)
{
	Suite *s = suite_create("head");
	TCase *t = tcase_create("head");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_many);
	tcase_add_test(t, test_failures);
	tcase_add_loop_test(t, test_no_digest, 0, 2);
	tcase_add_loop_test(t, test_apart, 0, 8);
	tcase_add_test(t, test_mirror_apart);
	tcase_add_loop_test(t, test_age, 0, 2);
	tcase_add_test(t, test_about_the_same_time);
	tcase_add_loop_test(t, test_one_leaves, 0, 3);
	tcase_add_test(t, test_all_leave);
	tcase_add_test(t, test_silence);
	suite_add_tcase(s, t);
	return s;
}
