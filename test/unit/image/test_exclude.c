#include "image/exclude.h"

#include <check.h>
#include <string.h>

Suite *suite_exclude(void);

static struct image_exclude list(const char *a, const char *b)
{
	struct image_exclude x = {0};

	if (a)
		image_exclude_add(&x, a);
	if (b)
		image_exclude_add(&x, b);
	return x;
}

static bool same(struct image_exclude a, struct image_exclude b)
{
	struct digest x, y;

	image_exclude_digest(&a, &x);
	image_exclude_digest(&b, &y);
	image_exclude_clear(&a);
	image_exclude_clear(&b);
	return digest_equal(&x, &y);
}

START_TEST(test_a_set)
{
	ck_assert(same(list("a", "b"), list("b", "a")));
	ck_assert(same(list("a", "a"), list("a", NULL)));
	ck_assert(same(list(NULL, NULL), list(NULL, NULL)));
	ck_assert(!same(list("a", "b"), list("ab", NULL)));
	ck_assert(!same(list("a", NULL), list(NULL, NULL)));
}
END_TEST

START_TEST(test_unanchored)
{
	struct image_exclude x = list("^.*\\.sig$", "beta");
	struct image_filter f;
	struct err err = {0};

	ck_assert(!image_filter_init(&f, &x, &err));
	ck_assert_int_eq(image_filter_excludes(&f, "sha256-1.sig", &err), 1);
	ck_assert_int_eq(image_filter_excludes(&f, "1.0-beta.1", &err), 1);
	ck_assert_int_eq(image_filter_excludes(&f, "1.0.sig.2", &err), 0);
	image_filter_clear(&f);
	image_exclude_clear(&x);
}
END_TEST

START_TEST(test_none_is_a_stall)
{
	struct image_exclude x = list("fine", "(");
	struct image_filter f;
	struct err err = {0};

	ck_assert(image_filter_init(&f, &x, &err));
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_ptr_nonnull(strstr(err.msg, "exclusionList"));
	ck_assert_uint_eq(f.matches.len, 0);
	image_exclude_clear(&x);
}
END_TEST

/* Time is what they have, whatever they do in it. */
START_TEST(test_takes_too_long)
{
	struct image_exclude x = list("a", NULL);
	struct image_filter f;
	struct err err = {0};

	ck_assert(!image_filter_init(&f, &x, &err));
	f.ns = 3600ULL * 1000000000;
	ck_assert_int_eq(image_filter_excludes(&f, "1.0", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "given up at '1.0'"));
	image_filter_clear(&f);
	image_exclude_clear(&x);
}
END_TEST

Suite *suite_exclude(void)
{
	Suite *s = suite_create("exclude");
	TCase *t = tcase_create("exclude");

	tcase_add_test(t, test_a_set);
	tcase_add_test(t, test_unanchored);
	tcase_add_test(t, test_none_is_a_stall);
	tcase_add_test(t, test_takes_too_long);
	suite_add_tcase(s, t);
	return s;
}
