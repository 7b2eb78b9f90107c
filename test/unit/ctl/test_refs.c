#include "ctl/refs.h"

#include <check.h>

static void count(void *arg, void *user)
{
	(void)user;
	++*(int *)arg;
}

START_TEST(test_pairs)
{
	struct refs r = {0};
	int a, b, n = 0;

	refs_add(&r, "ns/s", &a);
	refs_add(&r, "ns/s", &b);
	refs_add(&r, "ns/t", &a);
	refs_each(&r, "ns/s", count, &n);
	ck_assert_int_eq(n, 2);
	refs_del(&r, "ns/s", &a);
	refs_del(&r, "ns/s", &a); /* not there: nothing */
	ck_assert(refs_any(&r, "ns/s"));
	refs_del(&r, "ns/s", &b);
	ck_assert(!refs_any(&r, "ns/s"));
	ck_assert(refs_any(&r, "ns/t"));
	refs_each(&r, "ns/s", count, &n);
	ck_assert_int_eq(n, 2);
	refs_clear(&r);
}
END_TEST

Suite *suite_refs(void);
Suite *suite_refs(void)
{
	Suite *s = suite_create("refs");
	TCase *tc = tcase_create("refs");

	tcase_add_test(tc, test_pairs);
	suite_add_tcase(s, tc);
	return s;
}
