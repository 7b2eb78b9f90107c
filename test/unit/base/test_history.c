#include "base/history.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_history(void);

static void entry_is(
	const struct history *h, unsigned nth, int64_t at_ms, unsigned times, const char *what)
{
	struct history_entry e;
	size_t at = 0;
	unsigned i;

	for (i = 0; i <= nth; i++)
		ck_assert(history_next(h, &at, &e));
	ck_assert_int_eq(e.at_ms, at_ms);
	ck_assert_uint_eq(e.times, times);
	ck_assert_str_eq(e.what, what);
}

START_TEST(test_empty)
{
	struct history_entry e;
	size_t at = 0;

	ck_assert(!history_next(NULL, &at, &e));
	ck_assert_uint_eq(history_len(NULL), 0);
}
END_TEST

START_TEST(test_oldest_go)
{
	struct history *h = NULL;
	char text[16];
	int i;

	for (i = 1; i <= 10; i++) {
		snprintf(text, sizeof(text), "r%d", i);
		history_add(&h, 4, i * 1000, text, "");
	}
	ck_assert_uint_eq(history_len(h), 4);
	entry_is(h, 0, 7000, 1, "r7");
	entry_is(h, 3, 10000, 1, "r10");
	/* What comes again is another entry: back and forth is seen. */
	history_add(&h, 4, 11000, "r9", "");
	entry_is(h, 1, 9000, 1, "r9");
	entry_is(h, 3, 11000, 1, "r9");
	free(h);
}
END_TEST

START_TEST(test_equal_are_counted)
{
	struct history *h = NULL;

	history_count(&h, 3, 1000, "Pull", "timed out after 30001 ms");
	history_count(&h, 3, 2000, "Auth", "denied");
	history_count(&h, 3, 3000, "Pull", "timed out after 30004 ms");
	ck_assert_uint_eq(history_len(h), 2);
	entry_is(h, 0, 2000, 1, "Auth");
	entry_is(h, 1, 3000, 2, "Pull");
	history_count(&h, 3, 4000, "Other", "denied");
	history_count(&h, 3, 5000, "Auth", "denied!");
	ck_assert_uint_eq(history_len(h), 3);
	entry_is(h, 0, 3000, 2, "Pull");
	free(h);
}
END_TEST

START_TEST(test_texts_are_cut)
{
	struct history *h = NULL;
	struct history_entry e;
	char text[5000];
	size_t at = 0;

	memset(text, 'x', sizeof(text));
	text[HISTORY_TEXT_MAX - 1] = '\xc3'; /* a character over the edge */
	text[HISTORY_TEXT_MAX] = '\xa4';
	text[sizeof(text) - 1] = 0;
	history_count(&h, 2, 1000, text, text);
	history_count(&h, 2, 2000, "a", text);
	history_count(&h, 2, 3000, "a", text);
	ck_assert_uint_eq(history_len(h), 2);
	ck_assert(history_next(h, &at, &e));
	ck_assert_uint_eq(strlen(e.what), HISTORY_TEXT_MAX - 1);
	ck_assert_uint_eq(strlen(e.text), HISTORY_TEXT_MAX - 1);
	ck_assert(history_next(h, &at, &e));
	ck_assert_uint_eq(e.times, 2);
	free(h);
}
END_TEST

Suite *suite_history(void)
{
	Suite *s = suite_create("history");
	TCase *t = tcase_create("history");

	tcase_add_test(t, test_empty);
	tcase_add_test(t, test_oldest_go);
	tcase_add_test(t, test_equal_are_counted);
	tcase_add_test(t, test_texts_are_cut);
	suite_add_tcase(s, t);
	return s;
}
