#include "base/map.h"

#include <check.h>
#include <stdio.h>

START_TEST(test_many)
{
	enum { N = 5000 };
	static int values[N];
	struct map m = {0};
	char key[32];
	const char *k;
	void *v;
	size_t at = 0, seen = 0;
	int i;

	for (i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "ns/%d", i);
		ck_assert_ptr_null(map_put(&m, key, &values[i]));
	}
	for (i = 0; i < N; i += 2) {
		snprintf(key, sizeof(key), "ns/%d", i);
		ck_assert_ptr_eq(map_del(&m, key), &values[i]);
		ck_assert_ptr_null(map_del(&m, key));
	}
	for (i = 0; i < N; i++) {
		snprintf(key, sizeof(key), "ns/%d", i);
		ck_assert_ptr_eq(map_get(&m, key), i % 2 ? &values[i] : NULL);
	}
	ck_assert_ptr_eq(map_put(&m, "ns/1", &values[0]), &values[1]);
	while (map_next(&m, &at, &k, &v)) {
		seen++;
		map_del(&m, k);
	}
	ck_assert_uint_eq(seen, N / 2);
	ck_assert_uint_eq(m.len, 0);
	/* Removed slots must not fill the table up. */
	for (i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "churn/%d", i);
		map_put(&m, key, &values[0]);
		map_del(&m, key);
	}
	ck_assert_uint_lt(m.cap, 20000);
	map_clear(&m);
}
END_TEST

Suite *suite_map(void);
Suite *suite_map(void)
{
	Suite *s = suite_create("map");
	TCase *tc = tcase_create("map");

	tcase_add_test(tc, test_many);
	suite_add_tcase(s, tc);
	return s;
}
