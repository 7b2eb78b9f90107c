#include "serve/rate.h"

#include "base/clock.h"
#include "base/limits.h"

#include <check.h>
#include <stdio.h>

Suite *suite_rate(void);

static unsigned taken(struct serve_rate *r, const char *client, unsigned tries)
{
	unsigned n = 0;

	while (tries--)
		n += !serve_rate_take(r, client);
	return n;
}

static const struct {
	unsigned rate;
	uint64_t wait;
} RATES[] = {{1, 1000}, {3, 334}, {10, 100}, {1000, 1}};

START_TEST(test_rate)
{
	struct serve_rate *r = serve_rate_new(RATES[_i].rate);
	unsigned n = RATES[_i].rate, i;
	uint64_t wait;

	clock_fake(1700000000000);
	ck_assert_uint_eq(taken(r, "10.0.0.1", 3 * n), 2 * n);
	wait = serve_rate_take(r, "10.0.0.1");
	ck_assert_uint_ge(wait, 1);
	ck_assert_uint_le(wait, RATES[_i].wait);
	/* another one has its own */
	ck_assert_uint_eq(taken(r, "10.0.0.2", 3 * n), 2 * n);
	clock_fake_add(wait);
	ck_assert_uint_eq(serve_rate_take(r, "10.0.0.1"), 0);
	/* from then on the rate, whatever is asked for in vain */
	clock_fake_add(1000 - wait);
	for (i = 0; i < 10; i++) {
		taken(r, "10.0.0.1", 2 * n);
		clock_fake_add(1000);
		ck_assert_uint_eq(taken(r, "10.0.0.1", 2 * n), n);
	}
	/* a pause fills it, and no more */
	clock_fake_add(3600 * 1000);
	ck_assert_uint_eq(taken(r, "10.0.0.1", 9 * n), 2 * n);
	serve_rate_free(r);
}
END_TEST

/* A crowd pushes out who has not asked for the longest time, and nobody else. */
START_TEST(test_bounded)
{
	struct serve_rate *r = serve_rate_new(1);
	char name[32];
	unsigned i;

	clock_fake(1700000000000);
	ck_assert_uint_eq(taken(r, "idle", 3), 2);
	ck_assert_uint_eq(taken(r, "busy", 3), 2);
	for (i = 0; i < LIMIT_RATE_CLIENTS - 2; i++) {
		snprintf(name, sizeof(name), "%u", i);
		ck_assert_uint_eq(serve_rate_take(r, name), 0);
	}
	ck_assert_uint_eq(taken(r, "idle", 3), 0); /* there is room for all */
	ck_assert_uint_eq(taken(r, "busy", 3), 0);
	for (i = 0; i < LIMIT_RATE_CLIENTS; i++) {
		snprintf(name, sizeof(name), "more %u", i);
		ck_assert_uint_eq(serve_rate_take(r, name), 0);
		ck_assert_uint_eq(taken(r, "busy", 1), 0);
	}
	ck_assert_uint_eq(taken(r, "idle", 3), 2);
	serve_rate_free(r);
}
END_TEST

Suite *suite_rate(void)
{
	Suite *s = suite_create("rate");
	TCase *t = tcase_create("rate");

	tcase_add_loop_test(t, test_rate, 0, sizeof(RATES) / sizeof(*RATES));
	tcase_add_test(t, test_bounded);
	suite_add_tcase(s, t);
	return s;
}
