/* Who waits when a registry says that little is left, and for how long. */
#include "oci/pace.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "oci/health.h"
#include "oci/rate.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct lru paces;
static const struct oci_health_key KEY = {.host = "registry.test"};

static void setup(void)
{
	clock_fake(1800000000000);
	oci_paces_init(&paces);
}

static void teardown(void)
{
	lru_clear(&paces);
}

/* 0: it goes; else the time that it was told. */
static uint64_t take(enum oci_kind kind, bool patient, struct oci_pace_pass *pass)
{
	struct err err = {0};

	*pass = (struct oci_pace_pass){0};
	if (!oci_pace_take(&paces, &KEY, 1, kind, patient, pass, &err))
		return 0;
	ck_assert_int_eq(err.kind, ERR_HELD);
	ck_assert_int_eq(err.code, OCI_PACED);
	ck_assert_ptr_nonnull(strstr(err.msg, "'registry.test'"));
	ck_assert_uint_gt(err.retry_ms, 0);
	ck_assert_uint_le(err.retry_ms, LIMIT_PACE_WAIT_MS);
	return err.retry_ms;
}

/* One request from beginning to end, which must go. remaining < 0: the answer does not say. */
static void ask(enum oci_kind kind, int remaining, int64_t reset_ms)
{
	struct oci_rate rate = {.remaining = (uint64_t)remaining,
		.limit = 100,
		.window_ms = 60000,
		.reset_ms = reset_ms};
	struct oci_pace_pass pass;

	ck_assert_uint_eq(take(kind, false, &pass), 0);
	oci_pace_heard(&pass, remaining < 0 ? NULL : &rate);
	oci_pace_release(&pass);
}

static uint64_t attempt(enum oci_kind kind, bool patient)
{
	struct oci_pace_pass pass;
	uint64_t wait = take(kind, patient, &pass);

	oci_pace_release(&pass);
	return wait;
}

/* Who says nothing of what is left, or not until when, makes nobody wait. */
START_TEST(test_unsaid)
{
	struct oci_rate nothing = {.remaining = 0, .limit = 100, .reset_ms = -1};
	struct oci_pace_pass pass;
	int i;

	for (i = 0; i < 200; i++) {
		ask(OCI_KIND_MANIFEST, -1, 0);
		ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
	}
	ck_assert_uint_eq(take(OCI_KIND_MANIFEST, false, &pass), 0);
	oci_pace_heard(&pass, &nothing);
	oci_pace_release(&pass);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
}
END_TEST

/* Above a tenth all go; below it the patient ones are spread. */
START_TEST(test_little)
{
	uint64_t first, second;
	int i;

	ask(OCI_KIND_MANIFEST, 11, 33000);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
	ask(OCI_KIND_MANIFEST, 10, 33000);
	/* 33 s for ten: one goes, the others come back every 3 s. */
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
	first = attempt(OCI_KIND_MANIFEST, true);
	second = attempt(OCI_KIND_MANIFEST, true);
	ck_assert_uint_eq(first, 3000);
	ck_assert_uint_eq(second, 6000);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 0);
	/* They find it good, also when one is a little early. */
	clock_fake_add(2990);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
	clock_fake_add(3010);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
	ck_assert_uint_gt(attempt(OCI_KIND_MANIFEST, true), 0);
}
END_TEST

/* Nothing is left: all wait for the end of the window; after it there is all of it again. */
START_TEST(test_nothing)
{
	int i;

	ask(OCI_KIND_MANIFEST, 0, 20000);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 20000);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 20600);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 21200);
	clock_fake_add(19999);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 1);
	clock_fake_add(1);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
}
END_TEST

/* An end that is far away: who is patient comes back after the longest time, the others ask and are
   told by the registry itself. */
START_TEST(test_far_end)
{
	ask(OCI_KIND_MANIFEST, 1, LIMIT_PACE_WAIT_MS + 1);
	ask(OCI_KIND_MANIFEST, 0, LIMIT_PACE_WAIT_MS + 1);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 0);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), LIMIT_PACE_WAIT_MS);
	ask(OCI_KIND_MANIFEST, 1, INT64_MAX);
	ask(OCI_KIND_MANIFEST, 0, INT64_MAX);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), LIMIT_PACE_WAIT_MS);
	/* and it is not remembered for ever */
	clock_fake_add(86400000);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
}
END_TEST

/* What is on its way is as good as used. */
START_TEST(test_on_their_way)
{
	struct oci_pace_pass passes[20];
	int i;

	ask(OCI_KIND_MANIFEST, 20, 30000);
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(take(OCI_KIND_MANIFEST, false, &passes[i]), 0);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 30000);
	/* One fails without an answer. */
	oci_pace_release(&passes[19]);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 0);
	for (i = 0; i < 19; i++)
		oci_pace_release(&passes[i]);
}
END_TEST

/* Answers that overtake each other make nothing more of it. */
START_TEST(test_order)
{
	struct oci_pace_pass one, two;
	struct oci_rate rate = {.limit = 100, .window_ms = 60000, .reset_ms = 30000};

	ask(OCI_KIND_MANIFEST, 2, 30000);
	ck_assert_uint_eq(take(OCI_KIND_MANIFEST, false, &one), 0);
	ck_assert_uint_eq(take(OCI_KIND_MANIFEST, false, &two), 0);
	rate.remaining = 0;
	oci_pace_heard(&two, &rate);
	rate.remaining = 1;
	oci_pace_heard(&one, &rate);
	oci_pace_release(&one);
	oci_pace_release(&two);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 0);
	ask(OCI_KIND_MANIFEST, 0, 30000);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 30000);
}
END_TEST

/* Docker Hub: HEAD takes nothing, or its answers do not say. It waits for nobody then, and does not
   count. rows: says the same, says nothing */
START_TEST(test_free_kind)
{
	struct oci_rate same = {.remaining = 5, .limit = 100, .reset_ms = 30000};
	struct oci_pace_pass passes[50];
	int i;

	ask(OCI_KIND_MANIFEST, 6, 30000);
	ask(OCI_KIND_MANIFEST, 5, 30000);
	/* Nobody knows yet: one at a time, which takes no turn. */
	ck_assert_uint_eq(take(OCI_KIND_HEAD, true, &passes[0]), 0);
	ck_assert_uint_eq(attempt(OCI_KIND_HEAD, true), 0);
	ck_assert_uint_gt(attempt(OCI_KIND_HEAD, true), 0);
	oci_pace_release(&passes[0]);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(take(OCI_KIND_HEAD, true, &passes[0]), 0);
		oci_pace_heard(&passes[0], _i ? NULL : &same);
		oci_pace_release(&passes[0]);
	}
	for (i = 0; i < 50; i++)
		ck_assert_uint_eq(take(OCI_KIND_HEAD, true, &passes[i]), 0);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 0);
	ck_assert_uint_gt(attempt(OCI_KIND_MANIFEST, true), 0);
	for (i = 0; i < 50; i++)
		oci_pace_release(&passes[i]);
	/* Less than before: somebody took one, and it may have been this. */
	ask(OCI_KIND_HEAD, 4, 30000);
	(void)attempt(OCI_KIND_HEAD, true);
	ck_assert_uint_gt(attempt(OCI_KIND_HEAD, true), 0);
}
END_TEST

/* Only a window's length, as Docker Hub says it: it is taken to begin when it was said first, or
   when there is more than before. */
START_TEST(test_window)
{
	ask(OCI_KIND_MANIFEST, 1, -1);
	clock_fake_add(59999);
	ask(OCI_KIND_MANIFEST, 0, -1);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 1);
	clock_fake_add(1);
	ask(OCI_KIND_MANIFEST, 50, -1);
	clock_fake_add(30000);
	ask(OCI_KIND_MANIFEST, 60, -1);
	ask(OCI_KIND_MANIFEST, 0, -1);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 60000);
}
END_TEST

/* After a window the first answer is compared with nothing: what is left was a guess. */
START_TEST(test_guess)
{
	int i;

	for (i = 0; i < 4; i++)
		ask(OCI_KIND_HEAD, 50, 30000);
	clock_fake_add(30000);
	ask(OCI_KIND_HEAD, 3, 30000);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(attempt(OCI_KIND_HEAD, true), 0);
}
END_TEST

/* Nothing left of nobody knows how many: after the window it is as if nothing had been said. */
START_TEST(test_no_limit_said)
{
	struct oci_rate rate = {.remaining = 0, .reset_ms = 5000};
	struct oci_pace_pass pass;
	int i;

	ck_assert_uint_eq(take(OCI_KIND_MANIFEST, false, &pass), 0);
	oci_pace_heard(&pass, &rate);
	oci_pace_release(&pass);
	ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, false), 5000);
	clock_fake_add(5000);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(attempt(OCI_KIND_MANIFEST, true), 0);
}
END_TEST

/* Another identity, another host, and one that is not verified, have their own. */
START_TEST(test_own_records)
{
	static const struct oci_health_key other = {.host = "other.test"},
					   insecure = {.host = "registry.test", .insecure = true};
	struct oci_pace_pass pass = {0};
	struct err err = {0};

	ask(OCI_KIND_MANIFEST, 0, 30000);
	ck_assert_int_eq(oci_pace_take(&paces, &KEY, 2, OCI_KIND_MANIFEST, true, &pass, &err), 0);
	oci_pace_release(&pass);
	ck_assert_int_eq(oci_pace_take(&paces, &other, 1, OCI_KIND_MANIFEST, true, &pass, &err), 0);
	oci_pace_release(&pass);
	ck_assert_int_eq(
		oci_pace_take(&paces, &insecure, 1, OCI_KIND_MANIFEST, true, &pass, &err), 0);
	oci_pace_release(&pass);
}
END_TEST

struct told {
	unsigned n;
	uint64_t least;
};

static void tell(void *arg, const char *host, uint64_t remaining)
{
	struct told *t = arg;

	t->n++;
	if (!strcmp(host, "registry.test"))
		t->least = remaining;
}

/* For metrics: once a host, with the least of its identities, and not more hosts than there is room
   for. */
START_TEST(test_each)
{
	struct oci_rate rate = {.remaining = 7, .limit = 100, .reset_ms = 1000};
	struct told told = {0};
	struct err err = {0};
	int i;

	oci_paces_each(&paces, tell, &told);
	ck_assert_uint_eq(told.n, 0);
	for (i = 0; i < 3 * LIMIT_REGISTRY_HOSTS_COUNTED; i++) {
		auto_free char *host = mem_printf("h%d.test", i);
		struct oci_health_key key = {.host = host};
		struct oci_pace_pass pass = {0};

		ck_assert_int_eq(
			oci_pace_take(&paces, &key, 1, OCI_KIND_HEAD, false, &pass, &err), 0);
		oci_pace_heard(&pass, &rate);
		oci_pace_release(&pass);
	}
	for (i = 1; i < 4; i++) {
		struct oci_pace_pass pass = {0};

		rate.remaining = i == 2 ? 5 : 6;
		ck_assert_int_eq(
			oci_pace_take(&paces, &KEY, (uint64_t)i, OCI_KIND_HEAD, false, &pass, &err),
			0);
		oci_pace_heard(&pass, &rate);
		oci_pace_release(&pass);
	}
	oci_paces_each(&paces, tell, &told);
	ck_assert_uint_eq(told.n, LIMIT_REGISTRY_HOSTS_COUNTED);
	ck_assert_uint_eq(told.least, 5);
}
END_TEST

Suite *suite_pace(void);
Suite *suite_pace(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_unsaid);
	tcase_add_test(t, test_little);
	tcase_add_test(t, test_nothing);
	tcase_add_test(t, test_far_end);
	tcase_add_test(t, test_on_their_way);
	tcase_add_test(t, test_order);
	tcase_add_loop_test(t, test_free_kind, 0, 2);
	tcase_add_test(t, test_window);
	tcase_add_test(t, test_guess);
	tcase_add_test(t, test_no_limit_said);
	tcase_add_test(t, test_own_records);
	tcase_add_test(t, test_each);
	suite_add_tcase(s, t);
	return s;
}
