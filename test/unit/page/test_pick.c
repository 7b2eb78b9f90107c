#include "page/pick.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_pick(void);

/* a to z in an order that is none, some twice. */
static void add_all(struct pick *p)
{
	char key[2] = "";
	int i;

	for (i = 0; i < 26; i++) {
		key[0] = (char)('a' + (i * 7 + 3) % 26);
		pick_add(p, key);
	}
}

static const struct {
	const char *after, *before;
	size_t limit;
	const char *want;
	size_t earlier, later;
} rows[] = {
	{NULL, NULL, 5, "abcde", 0, 21},
	{NULL, NULL, 26, "abcdefghijklmnopqrstuvwxyz", 0, 0},
	{NULL, NULL, 100, "abcdefghijklmnopqrstuvwxyz", 0, 0},
	{"e", NULL, 5, "fghij", 5, 16},
	{"ee", NULL, 3, "fgh", 5, 18},
	{"x", NULL, 5, "yz", 24, 0},
	{"z", NULL, 5, "", 26, 0},
	{NULL, "f", 5, "abcde", 0, 21},
	{NULL, "k", 3, "hij", 7, 16},
	{NULL, "c", 5, "ab", 0, 24},
	{NULL, "a", 5, "", 0, 26},
};

START_TEST(test_window)
{
	struct pick p = {
		.limit = rows[_i].limit, .after = rows[_i].after, .before = rows[_i].before};
	char got[32] = "";
	size_t i;

	add_all(&p);
	for (i = 0; i < p.len; i++)
		got[i] = p.keys[i][0];
	ck_assert_str_eq(got, rows[_i].want);
	ck_assert_uint_eq(p.all, 26);
	ck_assert_uint_eq(p.earlier, rows[_i].earlier);
	ck_assert_uint_eq(p.later, rows[_i].later);
	ck_assert_uint_le(p.cap, rows[_i].limit < 16 ? 16 : 2 * rows[_i].limit);
	pick_clear(&p);
}
END_TEST

START_TEST(test_twice)
{
	struct pick p = {.limit = 3};

	pick_add(&p, "b");
	pick_add(&p, "b");
	pick_add(&p, "a");
	ck_assert_uint_eq(p.len, 2);
	ck_assert_str_eq(p.keys[0], "a");
	ck_assert_str_eq(p.keys[1], "b");
	pick_clear(&p);
}
END_TEST

Suite *suite_pick(void)
{
	Suite *s = suite_create("pick");
	TCase *t = tcase_create("pick");

	tcase_add_loop_test(t, test_window, 0, ARRAY_LEN(rows));
	tcase_add_test(t, test_twice);
	suite_add_tcase(s, t);
	return s;
}
