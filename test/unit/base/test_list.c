#include "base/list.h"
#include "base/mem.h"

#include <check.h>

struct item {
	int n;
	struct list link;
};

static int digits_of(const struct list *head)
{
	struct list *at;
	int all = 0;

	list_each (head, at)
		all = all * 10 + CONTAINER_OF(at, struct item, link)->n;
	return all;
}

START_TEST(test_order)
{
	struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}};
	struct list line;

	list_init(&line);
	ck_assert_ptr_null(list_first(&line));
	list_add(&line, &a.link);
	list_add(&line, &b.link);
	list_add(&line, &c.link);
	ck_assert_int_eq(digits_of(&line), 123);
	list_to_end(&line, &a.link);
	ck_assert_int_eq(digits_of(&line), 231);
	list_out(&c.link);
	ck_assert_int_eq(digits_of(&line), 21);
	ck_assert_ptr_eq(list_first(&line), &b.link);
}
END_TEST

START_TEST(test_out_twice)
{
	struct item a = {1, {0}}, b = {2, {0}};
	struct list line;

	list_init(&line);
	list_init(&a.link);
	ck_assert(!list_linked(&a.link));
	list_out(&a.link); /* it is in none */
	list_add(&line, &a.link);
	list_add(&line, &b.link);
	ck_assert(list_linked(&a.link));
	list_out(&a.link);
	list_out(&a.link);
	ck_assert(!list_linked(&a.link));
	ck_assert_int_eq(digits_of(&line), 2);
	list_out(&b.link);
	ck_assert(list_empty(&line));
}
END_TEST

START_TEST(test_alone)
{
	struct item a = {1, {0}}, b = {2, {0}};
	struct list line;

	list_init(&line);
	list_add(&line, &a.link);
	ck_assert(list_alone(&a.link));
	list_add(&line, &b.link);
	ck_assert(!list_alone(&a.link));
	ck_assert(!list_alone(&b.link));
	list_out(&a.link);
	ck_assert(list_alone(&b.link));
}
END_TEST

START_TEST(test_join)
{
	struct item a = {1, {0}}, b = {2, {0}}, c = {3, {0}}, d = {4, {0}};
	struct list line, other;

	list_init(&line);
	list_init(&other);
	list_append(&line, &other);
	ck_assert(list_empty(&line) && list_empty(&other));
	list_add(&other, &b.link);
	list_add_first(&other, &a.link);
	list_append(&line, &other);
	ck_assert(list_empty(&other));
	list_add(&other, &c.link);
	list_add(&other, &d.link);
	list_append(&line, &other);
	ck_assert_int_eq(digits_of(&line), 1234);
	list_out(&a.link);
	list_add(&other, &a.link);
	list_append(&line, &other);
	ck_assert_int_eq(digits_of(&line), 2341);
	ck_assert_ptr_eq(line.prev, &a.link);
	ck_assert_ptr_eq(a.link.next, &line);
}
END_TEST

Suite *suite_list(void);
Suite *suite_list(void)
{
	Suite *s = suite_create("list");
	TCase *t = tcase_create("list");

	tcase_add_test(t, test_order);
	tcase_add_test(t, test_out_twice);
	tcase_add_test(t, test_alone);
	tcase_add_test(t, test_join);
	suite_add_tcase(s, t);
	return s;
}
