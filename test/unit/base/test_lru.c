#include "base/lru.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>

Suite *suite_lru(void);

struct thing {
	struct lru_item item;
	bool busy;
};

static bool thing_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct thing, item)->busy;
}

static void thing_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct thing, item));
}

static struct thing *add(struct lru *l, const char *key)
{
	struct thing *t = NEW(struct thing);

	lru_add(l, key, &t->item);
	return t;
}

START_TEST(lru)
{
	struct lru l;

	lru_init(&l, 3, thing_busy, thing_free);
	add(&l, "a");
	add(&l, "b");
	add(&l, "c");
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	add(&l, "d"); /* b was not used for longest */
	ck_assert_ptr_null(lru_get(&l, "b"));
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	CONTAINER_OF(lru_get(&l, "c"), struct thing, item)->busy = true;
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	ck_assert_ptr_nonnull(lru_get(&l, "d"));
	add(&l, "e"); /* c is busy: a goes */
	ck_assert_ptr_nonnull(lru_get(&l, "c"));
	ck_assert_ptr_null(lru_get(&l, "a"));
	lru_drop(&l, lru_get(&l, "d"));
	ck_assert_ptr_null(lru_get(&l, "d"));
	ck_assert_uint_eq(l.map.len, 2);
	lru_clear(&l);
	ck_assert_ptr_null(lru_newest(&l));
	ck_assert_ptr_null(lru_oldest(&l));
}
END_TEST

static void add_sized(struct lru *l, const char *key, size_t size)
{
	struct thing *t = NEW(struct thing);

	t->item.size = size;
	lru_add(l, key, &t->item);
}

START_TEST(lru_bytes)
{
	struct lru_item *it;
	struct lru l;
	char order[8] = "";
	size_t n = 0;

	lru_init(&l, 10, thing_busy, thing_free);
	l.max_bytes = 100;
	add_sized(&l, "a", 40);
	add_sized(&l, "b", 30);
	add_sized(&l, "c", 30);
	ck_assert_uint_eq(l.bytes, 100);
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	add_sized(&l, "d", 31); /* b and c make room for it */
	lru_each (&l, it)
		order[n++] = *it->key;
	ck_assert_str_eq(order, "da");
	ck_assert_uint_eq(l.bytes, 71);
	add_sized(&l, "e", 1000); /* more than there is: alone */
	ck_assert_uint_eq(l.map.len, 1);
	lru_drop(&l, lru_get(&l, "e"));
	ck_assert_uint_eq(l.bytes, 0);
	lru_clear(&l);
}
END_TEST

/* What comes later counts as well; who has grown stays, whoever is the oldest. */
START_TEST(lru_grows)
{
	struct lru l;

	lru_init(&l, 10, thing_busy, thing_free);
	l.max_bytes = 100;
	add_sized(&l, "a", 10);
	add_sized(&l, "b", 10);
	add_sized(&l, "c", 10);
	lru_resize(&l, lru_oldest(&l), 85); /* a; b makes room for it */
	ck_assert_ptr_null(lru_get(&l, "b"));
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	ck_assert_ptr_nonnull(lru_get(&l, "c"));
	ck_assert_uint_eq(l.bytes, 95);
	lru_resize(&l, lru_get(&l, "a"), 5);
	ck_assert_uint_eq(l.bytes, 15);
	lru_resize(&l, lru_get(&l, "a"), 1000);
	ck_assert_uint_eq(l.map.len, 1);
	lru_clear(&l);
	ck_assert_uint_eq(l.bytes, 0);
}
END_TEST

Suite *suite_lru(void)
{
	Suite *s = suite_create("lru");
	TCase *t = tcase_create("lru");

	tcase_add_test(t, lru);
	tcase_add_test(t, lru_bytes);
	tcase_add_test(t, lru_grows);
	suite_add_tcase(s, t);
	return s;
}
