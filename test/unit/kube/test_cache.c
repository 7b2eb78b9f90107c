#include "kube/cache.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned freed, walked;

static void free_user(void *arg, void *user)
{
	(void)user;
	++*(unsigned *)arg;
}

static void every_third(void *arg, struct kube_entry *e)
{
	walked++;
	if (atoi(kube_entry_name(e) + 1) % 3 == 0)
		kube_cache_remove(arg, e);
}

START_TEST(test_many)
{
	enum { N = 5000 };
	struct kube_cache c = {0};
	struct kube_entry *e;
	char name[16], rv[16];
	struct kube_cursor at = {0};
	int i, slices = 0;

	ck_assert_ptr_null(kube_cache_find(&c, "a", "b"));
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(rv, sizeof(rv), "%d", i);
		e = kube_cache_add(&c, i & 1 ? "odd" : "even", name, "uid", rv);
		e->user = i % 2 ? &c : NULL;
	}
	ck_assert_uint_eq(c.len, N);
	/* "ab" + "c" and "a" + "bc" are two */
	ck_assert_ptr_null(kube_cache_find(&c, "oddn", "1"));
	while (kube_cache_walk(&c, &at, 100, every_third, &c))
		slices++;
	ck_assert_uint_eq(walked, N);
	ck_assert_int_ge(slices, 10);
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		e = kube_cache_find(&c, i & 1 ? "odd" : "even", name);
		ck_assert_int_eq(!e, i % 3 == 0);
		ck_assert_ptr_null(kube_cache_find(&c, i & 1 ? "even" : "odd", name));
		if (!e)
			continue;
		ck_assert_str_eq(kube_entry_name(e), name);
		ck_assert_str_eq(kube_entry_uid(e), "uid");
		ck_assert_int_eq(atoi(e->rv), i);
		kube_entry_set_rv(e, "new");
		ck_assert_str_eq(e->rv, "new");
		kube_entry_set_rv(e, e->rv);
		ck_assert_str_eq(e->rv, "new");
	}
	i = (int)c.len;
	kube_cache_clear(&c, free_user, &freed);
	ck_assert_uint_eq(freed, N / 2 - (N / 2 + 1) / 3);
	ck_assert_uint_eq(c.len, 0);
	kube_cache_clear(&c, NULL, NULL);
}
END_TEST

static unsigned seen[3000];

static void note_seen(void *arg, struct kube_entry *e)
{
	(void)arg;
	seen[atoi(kube_entry_name(e))]++;
}

/* What is there from begin to end is visited once; what comes in between, at most once. */
START_TEST(test_grows_meanwhile)
{
	enum { FIRST = 300, N = 3000 };
	struct kube_cursor at = {0};
	struct kube_cache c = {0};
	char name[16];
	int i, n;

	for (i = 0; i < FIRST; i++) {
		snprintf(name, sizeof(name), "%d", i);
		kube_cache_add(&c, "ns", name, "uid", "1");
	}
	while (kube_cache_walk(&c, &at, 7, note_seen, NULL))
		for (n = 0; n < 100 && i < N; n++, i++) {
			snprintf(name, sizeof(name), "%d", i);
			kube_cache_add(&c, "ns", name, "uid", "1");
		}
	ck_assert_int_eq(i, N);
	for (i = 0; i < N; i++)
		if (i < FIRST ? seen[i] != 1 : seen[i] > 1)
			ck_abort_msg("%d was visited %u times", i, seen[i]);
	kube_cache_clear(&c, NULL, NULL);
}
END_TEST

Suite *suite_cache(void);
Suite *suite_cache(void)
{
	Suite *s = suite_create("cache");
	TCase *tc = tcase_create("cache");

	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_grows_meanwhile);
	suite_add_tcase(s, tc);
	return s;
}
