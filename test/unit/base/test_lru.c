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
	ck_assert_ptr_null(l.newest);
	ck_assert_ptr_null(l.oldest);
}
END_TEST

Suite *suite_lru(void)
{
	Suite *s = suite_create("lru");
	TCase *t = tcase_create("lru");

	tcase_add_test(t, lru);
	suite_add_tcase(s, t);
	return s;
}
