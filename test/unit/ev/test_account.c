#include "ev/account.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"

#include <check.h>
#include <stdlib.h>

/* 90 units in all: 60 for jobs, 30 for bodies. */
#define UNIT LIMIT_MIB

static struct loop *l;
static struct account *a;

static void setup(void)
{
	l = loop_new();
	a = account_new(l, 90 * UNIT);
}

static void teardown(void)
{
	account_free(a);
	ck_assert_int_eq(loop_free(l), 0);
}

static void turns(void)
{
	int i;

	for (i = 0; i < 4; i++)
		loop_turn(l, false);
}

static struct op *take(const char *key, uint64_t units)
{
	struct op *op = account_take(a, ACCOUNT_JOBS, key, units * UNIT);

	turns();
	return op;
}

static void give(struct op *op)
{
	op_free(op);
	turns();
}

static void holds(uint64_t held, uint64_t waiting)
{
	struct account_stats s;

	account_stats(a, ACCOUNT_JOBS, &s);
	ck_assert_uint_eq(s.limit, 60 * UNIT);
	ck_assert_uint_eq(s.held, held * UNIT);
	ck_assert_uint_eq(s.waiting, waiting * UNIT);
}

START_TEST(test_order)
{
	struct op *x = take("a", 40), *y = take("b", 30), *z = take("c", 20), *free_one;

	/* What fits goes past what does not. */
	ck_assert(x->done && !y->done && z->done);
	holds(60, 30);
	/* A little is always there, and the other pool does not care. */
	free_one = account_take(a, ACCOUNT_JOBS, "d", LIMIT_MEMORY_FREE);
	turns();
	ck_assert(free_one->done);
	give(free_one);
	free_one = account_take(a, ACCOUNT_BODIES, "d", 30 * UNIT);
	turns();
	ck_assert(free_one->done);
	give(free_one);
	give(x);
	ck_assert(y->done);
	holds(50, 0);
	give(y);
	give(z);
	holds(0, 0);
}
END_TEST

/* Whoever was passed often enough is next, and nobody passes any more. */
START_TEST(test_nobody_starves)
{
	struct op *big, *small[ACCOUNT_PASSES + 2], *first = take("a", 10);
	int i;

	big = take("b", 60);
	for (i = 0; i < ACCOUNT_PASSES + 2; i++)
		small[i] = take("c", 2);
	for (i = 0; i < ACCOUNT_PASSES + 2; i++)
		ck_assert_msg(small[i]->done == (i < ACCOUNT_PASSES), "number %d", i);
	ck_assert(!big->done);
	for (i = 0; i < ACCOUNT_PASSES; i++)
		give(small[i]);
	ck_assert(!big->done && !small[ACCOUNT_PASSES]->done);
	give(first);
	ck_assert(big->done && !small[ACCOUNT_PASSES]->done);
	give(big);
	ck_assert(small[ACCOUNT_PASSES]->done && small[ACCOUNT_PASSES + 1]->done);
	give(small[ACCOUNT_PASSES]);
	give(small[ACCOUNT_PASSES + 1]);
}
END_TEST

/* One key has half at most, and of two that wait the poorer one is next. */
START_TEST(test_keys)
{
	struct op *x = take("a", 20), *y = take("a", 20), *z = take("b", 30), *u, *v;

	ck_assert(x->done && !y->done && z->done);
	u = take("b", 10);
	v = take("c", 10);
	ck_assert(!u->done && v->done);
	give(v);
	ck_assert(!u->done);
	give(z);
	ck_assert(u->done && !y->done);
	z = take("c", 30);
	ck_assert(z->done);
	give(x);
	ck_assert(y->done);
	give(y);
	give(z);
	give(u);
	holds(0, 0);
}
END_TEST

static struct op *take_body(const char *key, uint64_t kib)
{
	struct op *op = account_take(a, ACCOUNT_BODIES, key, kib * LIMIT_KIB);

	turns();
	return op;
}

static char *host(char *name, int i)
{
	snprintf(name, 12, "%d", i);
	return name;
}

/* Bodies that stall never have the quarter of the pool (7.5 MiB) that is for small ones (up to 960
   KiB), and whoever is due takes no more of it than others leave. */
START_TEST(test_reserve)
{
	struct op *large[10], *small[100];
	char name[12];
	int i;

	for (i = 0; i < 10; i++) /* 22.5 MiB have room for five of them */
		large[i] = take_body(host(name, i), 4096);
	for (i = 0; i < 10; i++)
		ck_assert_msg(large[i]->done == (i < 5), "number %d", i);
	for (i = 0; i < 100; i++)
		small[i] = take_body(host(name, 10 + i % 4), 100);
	for (i = 0; i < 100; i++)
		ck_assert_msg(small[i]->done == (i < 76), "number %d", i);
	/* One that ends is followed by one that was due; then the small ones have no more than
	   before. */
	give(large[0]);
	ck_assert(large[5]->done && !large[6]->done && !small[76]->done);
	give(small[0]);
	ck_assert(small[76]->done && !small[77]->done);
	for (i = 1; i < 10; i++)
		give(large[i]);
	for (i = 1; i < 100; i++)
		give(small[i]);
}
END_TEST

/* One that needs more than all but the reserve gets it too, and no host has more than a quarter in
   several. */
START_TEST(test_reserve_whole)
{
	struct op *first = take_body("a", 500), *all = take_body("b", 40000), *x, *small[20], *y;
	int i;

	for (i = 0; i < 20; i++)
		small[i] = take_body("c", 100);
	ck_assert(!all->done && small[ACCOUNT_PASSES - 1]->done && !small[ACCOUNT_PASSES]->done);
	for (i = 0; i < ACCOUNT_PASSES; i++)
		give(small[i]);
	ck_assert(!all->done);
	give(first);
	ck_assert(all->done && !small[ACCOUNT_PASSES]->done);
	give(all);
	ck_assert(small[19]->done);
	for (i = ACCOUNT_PASSES; i < 20; i++)
		give(small[i]);
	first = take_body("a", 4096);
	x = take_body("a", 4096);
	y = take_body("b", 4096);
	ck_assert(first->done && !x->done && y->done);
	give(first);
	ck_assert(x->done);
	give(x);
	give(y);
}
END_TEST

/* More than there is counts as all there is. Who leaves the line lets the others on. */
START_TEST(test_whole_and_cancel)
{
	struct op *x = take("a", 1000), *y = take("b", 1000), *z = take("c", 5);

	ck_assert(x->done && !y->done && !z->done);
	holds(60, 65);
	op_cancel(y);
	turns();
	ck_assert(y->done);
	ck_assert_int_eq(y->err.kind, ERR_CANCELED);
	give(y);
	ck_assert(!z->done);
	op_drop(z);
	turns();
	holds(60, 0);
	give(x);
	holds(0, 0);
}
END_TEST

/* Many that come and go: the sum is never passed, and in the end each had its turn. */
START_TEST(test_many)
{
	static struct op *ops[400];
	struct account_stats s;
	unsigned i, done = 0;
	char key[8];

	srand(1);
	for (i = 0; i < 400; i++) {
		snprintf(key, sizeof(key), "%d", rand() % 5);
		ops[i] = account_take(a, ACCOUNT_JOBS, key, (uint64_t)(1 + rand() % 70) * UNIT);
	}
	while (done < 400) {
		unsigned before = done;

		turns();
		account_stats(a, ACCOUNT_JOBS, &s);
		ck_assert_uint_le(s.held, s.limit);
		for (i = 0; i < 400; i++)
			if (ops[i] && ops[i]->done) {
				op_free(MOVE(ops[i]));
				done++;
			}
		ck_assert_uint_gt(done, before);
	}
	holds(0, 0);
}
END_TEST

START_TEST(test_share)
{
	ck_assert_uint_eq(account_share(256 * LIMIT_MIB, 16), 120 * LIMIT_MIB);
	ck_assert_uint_eq(account_share(0, 16), LIMIT_MEMORY_MIN);
	ck_assert_uint_eq(account_share(64 * LIMIT_MIB, 16), LIMIT_MEMORY_MIN);
	ck_assert_uint_eq(account_share(UINT64_MAX, 16), LIMIT_MEMORY_MAX);
}
END_TEST

Suite *suite_account(void);
Suite *suite_account(void)
{
	Suite *s = suite_create("account");
	TCase *tc = tcase_create("account");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_nobody_starves);
	tcase_add_test(tc, test_keys);
	tcase_add_test(tc, test_reserve);
	tcase_add_test(tc, test_reserve_whole);
	tcase_add_test(tc, test_whole_and_cancel);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_share);
	suite_add_tcase(s, tc);
	return s;
}
