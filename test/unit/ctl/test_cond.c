#include "ctl/cond.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"

#include <check.h>
#include <string.h>

static const char *const ORDER[] = {"StorageOperationFailed", "FetchFailed", "ArtifactOutdated",
	"ArtifactInStorage", "SourceVerified", "Stalled", "Reconciling", NULL};
static const char *const NEGATIVE[] = {"StorageOperationFailed", "FetchFailed", "ArtifactOutdated",
	"Stalled", "Reconciling", NULL};

/* conditions that are there ("+" True, "-" False, "?" Unknown), and what Ready becomes */
static const struct {
	const char *have;
	const char *ready;
} ROWS[] = {
	{"+ArtifactInStorage", "True ArtifactInStorage"},
	{"+ArtifactInStorage +Reconciling", "False Reconciling"},
	{"+Reconciling +FetchFailed +ArtifactInStorage", "False FetchFailed"},
	{"-SourceVerified +ArtifactInStorage", "False SourceVerified"},
	{"-SourceVerified +ArtifactOutdated", "False ArtifactOutdated"},
	{"+Stalled +FetchFailed", "False FetchFailed"},
	{"-Reconciling", "True Reconciling"},
	{"?ArtifactInStorage", "Unknown ArtifactInStorage"},
	{"+Other", ""},
};

START_TEST(test_summary)
{
	static const char *const status[] = {"True", "False", "Unknown"};
	struct cond_set s = {.generation = 3};
	const struct cond *ready;
	char *have = mem_strdup(ROWS[_i].have), *save, *word, got[128] = "";

	clock_fake(0);
	for (word = strtok_r(have, " ", &save); word; word = strtok_r(NULL, " ", &save))
		cond_put(&s, word + 1,
			*word == '+'           ? COND_TRUE
				: *word == '-' ? COND_FALSE
					       : COND_UNKNOWN,
			word + 1, "message of %s", word + 1);
	cond_summarize(&s, "Ready", ORDER, NEGATIVE);
	ready = cond_get(&s, "Ready");
	if (ready)
		snprintf(got, sizeof(got), "%s %s", status[ready->status], ready->reason);
	ck_assert_msg(!strcmp(got, ROWS[_i].ready), "'%s': got '%s', want '%s'", ROWS[_i].have, got,
		ROWS[_i].ready);
	cond_clear(&s);
	free(have);
}
END_TEST

START_TEST(test_transition)
{
	struct cond_set s = {.generation = 1};
	json_t *all, *again;
	struct cond_set t;

	clock_fake(1000);
	cond_put(&s, "Ready", COND_TRUE, "Succeeded", "m");
	cond_put(&s, "Reconciling", COND_TRUE, "Progressing", "m");
	cond_put(&s, "FetchFailed", COND_TRUE, "X", "m");
	clock_fake_add(5000);
	s.generation = 2;
	cond_put(&s, "Ready", COND_TRUE, "Succeeded", "m");
	ck_assert_str_eq(cond_get(&s, "Ready")->since, "1970-01-01T00:00:01Z");
	ck_assert_int_eq(cond_get(&s, "Ready")->generation, 2);
	cond_put(&s, "ArtifactInStorage", COND_TRUE, "Succeeded", "m");
	cond_put(&s, "Ready", COND_TRUE, "Succeeded", "other");
	ck_assert_str_eq(cond_get(&s, "Ready")->since, "1970-01-01T00:00:06Z");
	all = cond_json(&s);
	ck_assert_str_eq(obj_str(json_array_get(all, 0), "type"), "Reconciling");
	ck_assert_str_eq(obj_str(json_array_get(all, 1), "type"), "Ready");
	ck_assert_str_eq(obj_str(json_array_get(all, 2), "type"), "ArtifactInStorage");
	ck_assert_str_eq(obj_str(json_array_get(all, 3), "type"), "FetchFailed");
	cond_load(&t, all, 2);
	again = cond_json(&t);
	ck_assert(json_equal(all, again));
	json_decref(all);
	json_decref(again);
	cond_clear(&s);
	cond_clear(&t);
}
END_TEST

START_TEST(test_message)
{
	struct cond_set s = {0};
	char *big = mem_alloc(COND_MESSAGE_MAX + 10);
	json_t *all;

	memset(big, 'a', COND_MESSAGE_MAX + 9);
	memcpy(big + COND_MESSAGE_MAX - 1, "\xc3\xa9", 2); /* a character across the limit */
	big[COND_MESSAGE_MAX + 9] = '\0';
	cond_put(&s, "Ready", COND_FALSE, "X", "%s", big);
	ck_assert_uint_eq(strlen(cond_get(&s, "Ready")->message), COND_MESSAGE_MAX - 1);
	cond_put(&s, "Ready", COND_FALSE, "X", "bad \xff byte, \xc3\xa9t\xc3\xa9");
	ck_assert_str_eq(cond_get(&s, "Ready")->message, "bad ? byte, \xc3\xa9t\xc3\xa9");
	all = cond_json(&s);
	ck_assert_uint_eq(json_array_size(all), 1);
	json_decref(all);
	cond_clear(&s);
	free(big);
}
END_TEST

static const char *message_after(struct cond_set *s, const char *text)
{
	cond_put(s, "FetchFailed", COND_TRUE, "X", "%s", text);
	return cond_get(s, "FetchFailed")->message;
}

START_TEST(test_ids_are_no_news)
{
	static const char one[] = "answered 500 (request 4bf92f3577b34da6)";
	static const char two[] = "answered 500 (request 00f067aa0ba902b7)";
	static const char other[] = "answered 503 (request 00f067aa0ba902b7)";
	struct cond_set s = {.generation = 1};

	clock_fake(1000);
	ck_assert_str_eq(message_after(&s, one), one);
	clock_fake_add(5000);
	ck_assert_str_eq(message_after(&s, two), one);
	ck_assert_str_eq(cond_get(&s, "FetchFailed")->since, "1970-01-01T00:00:01Z");
	ck_assert_str_eq(message_after(&s, other), other);
	ck_assert_str_eq(cond_get(&s, "FetchFailed")->since, "1970-01-01T00:00:06Z");
	ck_assert_str_eq(message_after(&s, one), one);
	s.generation = 2; /* another spec: what it says of that one counts */
	ck_assert_str_eq(message_after(&s, two), two);
	cond_put(&s, "FetchFailed", COND_TRUE, "Y", "%s", one);
	ck_assert_str_eq(cond_get(&s, "FetchFailed")->message, one);
	s.generation = 3;
	cond_observe(&s);
	ck_assert_int_eq(cond_get(&s, "FetchFailed")->generation, 3);
	ck_assert_str_eq(cond_get(&s, "FetchFailed")->message, one);
	cond_clear(&s);
}
END_TEST

Suite *suite_cond(void);
Suite *suite_cond(void)
{
	Suite *s = suite_create("cond");
	TCase *tc = tcase_create("cond");

	tcase_add_loop_test(tc, test_summary, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_transition);
	tcase_add_test(tc, test_message);
	tcase_add_test(tc, test_ids_are_no_news);
	suite_add_tcase(s, tc);
	return s;
}
