#include "crypto/rand.h"

#include <check.h>
#include <string.h>

START_TEST(test_hex)
{
	char a[65], b[65], one[3];

	memset(a, 'X', sizeof(a));
	ck_assert_ptr_eq(rand_hex(a, 32), a);
	rand_hex(b, 32);
	ck_assert_uint_eq(strlen(a), 64);
	ck_assert_uint_eq(strspn(a, "0123456789abcdef"), 64);
	ck_assert_str_ne(a, b);
	rand_hex(one, 1);
	ck_assert_uint_eq(strlen(one), 2);
}
END_TEST

/* Every digit turns up everywhere: a digit that is copied from its neighbour or never set would
   show. */
START_TEST(test_hex_spread)
{
	unsigned seen[8] = {0};
	int round, i;

	for (round = 0; round < 2000; round++) {
		char a[9];

		rand_hex(a, 4);
		for (i = 0; i < 8; i++)
			seen[i] |= 1u << (strchr("0123456789abcdef", a[i]) - "0123456789abcdef");
	}
	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(seen[i], 0xffff);
}
END_TEST

START_TEST(test_uuid)
{
	char a[RAND_UUID_LEN + 1], b[RAND_UUID_LEN + 1];
	size_t i;

	rand_uuid(a);
	rand_uuid(b);
	ck_assert_uint_eq(strlen(a), RAND_UUID_LEN);
	ck_assert_str_ne(a, b);
	for (i = 0; i < RAND_UUID_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			ck_assert_int_eq(a[i], '-');
		else
			ck_assert_ptr_nonnull(strchr("0123456789abcdef", a[i]));
	}
	ck_assert_int_eq(a[14], '4');
	ck_assert_ptr_nonnull(strchr("89ab", a[19]));
}
END_TEST

Suite *suite_rand(void);
Suite *suite_rand(void)
{
	Suite *s = suite_create("rand");
	TCase *tc = tcase_create("rand");

	tcase_add_test(tc, test_hex);
	tcase_add_test(tc, test_hex_spread);
	tcase_add_test(tc, test_uuid);
	suite_add_tcase(s, tc);
	return s;
}
