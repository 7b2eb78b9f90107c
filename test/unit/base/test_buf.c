#include "base/buf.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_buf(void);

START_TEST(test_limit)
{
	struct buf b = BUF_INIT(5);

	ck_assert_str_eq(buf_str(&b), "");
	ck_assert_int_eq(buf_adds(&b, "abc"), 0);
	ck_assert_int_eq(buf_adds(&b, "de"), 0);
	ck_assert(!buf_over(&b));
	ck_assert_int_eq(buf_addc(&b, 'f'), -1);
	ck_assert_str_eq(buf_str(&b), "abcde");
	ck_assert(buf_over(&b));
	/* it stays over, also for what would fit */
	buf_shift(&b, 3);
	ck_assert_int_eq(buf_addc(&b, 'x'), -1);
	ck_assert_str_eq(buf_str(&b), "de");
	buf_reset(&b);
	ck_assert_int_eq(buf_addf(&b, "%d-%s", 12, "ab"), 0);
	ck_assert_int_eq(buf_addf(&b, "%s", "c"), -1);
	ck_assert_str_eq(buf_str(&b), "12-ab");
	buf_clear(&b);
	ck_assert_int_eq(buf_add(&b, "a\0b", 3), 0);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_int_eq(b.p[3], 0);
	ck_assert_ptr_null(buf_room(&b, 3));
	buf_clear(&b);
	ck_assert_ptr_null(buf_room(&b, (size_t)-1));
	buf_clear(&b);
	buf_init(&b, 0);
	ck_assert_int_eq(buf_addc(&b, 'a'), -1);
	ck_assert_int_eq(buf_add(&b, NULL, 0), -1); /* over */
	buf_clear(&b);
	ck_assert_int_eq(buf_add(&b, NULL, 0), 0);
	buf_clear(&b);
}
END_TEST

START_TEST(test_equal)
{
	struct buf a = BUF_INIT(8), b = BUF_INIT(8), none = BUF_INIT(8);

	ck_assert(buf_equal(&none, &a));
	buf_add(&a, "a\0b", 3);
	buf_add(&b, "a\0c", 3);
	ck_assert(!buf_equal(&none, &a) && !buf_equal(&a, &none));
	ck_assert(!buf_equal(&a, &b));
	buf_reset(&b);
	buf_add(&b, "a\0b", 3);
	ck_assert(buf_equal(&a, &b));
	/* Emptied, it is as one that was never filled. */
	buf_reset(&b);
	ck_assert(buf_equal(&none, &b));
	buf_clear(&a);
	buf_clear(&b);
}
END_TEST

START_TEST(test_grow)
{
	struct buf b = BUF_INIT(100001);
	char *p;
	int i;

	for (i = 0; i < 100000; i++)
		ck_assert_int_eq(buf_addc(&b, (char)('a' + i % 26)), 0);
	ck_assert_uint_le(b.cap, 100002);
	ck_assert_uint_eq(strlen(b.p), 100000);
	buf_shift(&b, 26 * 3);
	ck_assert_int_eq(b.p[0], 'a');
	ck_assert_uint_eq(b.len, 100000 - 78);
	buf_shift(&b, 1000000);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_str_eq(buf_str(&b), "");
	buf_adds(&b, "last");
	p = buf_take(&b);
	ck_assert_str_eq(p, "last");
	ck_assert_ptr_null(b.p);
	free(p);
	p = buf_take(&b);
	ck_assert_str_eq(p, "");
	free(p);
	buf_adds(&b, "again");
	ck_assert_str_eq(buf_str(&b), "again");
	buf_clear(&b);
}
END_TEST

Suite *suite_buf(void)
{
	Suite *s = suite_create("buf");
	TCase *t = tcase_create("buf");

	tcase_add_test(t, test_limit);
	tcase_add_test(t, test_equal);
	tcase_add_test(t, test_grow);
	suite_add_tcase(s, t);
	return s;
}
