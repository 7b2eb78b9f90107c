/* CDEvents, held to what the SDK for Go said of the same events (cdevents/sdk-go v0.5.0, one event
   a process: its version keeps members of the event before). */
#include "test/unit/hook/fixture.h"

#include <stdio.h>

Suite *suite_cdevents(void);

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, NULL);
}

static void teardown(void)
{
	fixture_clear(&f);
}

static enum hook_said event(const char *body, const char *type, const char *const *events)
{
	return fixture_said(&f,
		&(struct ask){.type = "cdevents",
			.events = events,
			.headers = {"Ce-Type", type, "Content-Type", "application/json"},
			.body = body});
}

/* Links without tags, and an artifactId that is not there although it need not be: two mistakes of
   the SDK. The last one ends its program. */
static bool is_ours(const char *body)
{
	static const char *const marks[] = {
		"\"links\":[{\"linkType\":\"PATH\",\"from\":{\"contextId\":\"1\"}}]",
		"\"links\":[{\"linkType\":\"END\"}]",
		"\"links\":[{\"linkType\":\"END\",\"from\":{\"contextId\":\"1\"}}]",
		"\"linkKind\":\"k\",\"target\":{\"contextId\":\"1\"}}]",
		"\"type\":\"build\",\"content\":{}",
		"\"type\":\"incident\",\"content\":{\"environment\":{\"id\":\"e\"}}",
		"\"artifactId\":\"pkg:oci/x?a\"",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(marks); i++)
		if (strstr(body, marks[i]))
			return true;
	return false;
}

START_TEST(rc_21_cdevents_sdk)
{
	FILE *in = fopen("test/unit/hook/data/cdevents.txt", "r");
	unsigned rows = 0, ours = 0;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	ck_assert_ptr_nonnull(in);
	while ((n = getline(&line, &cap, in)) > 3) {
		bool good = !strncmp(line, "ok ", 3), mine = is_ours(line);

		line[n - 1] = '\0';
		rows++;
		ours += mine;
		ck_assert_msg(!mine || !good, "%s", line);
		ck_assert_msg(
			(event(line + 3, "x", NULL) == HOOK_FIRE) == (good || mine), "%s", line);
	}
	free(line);
	fclose(in);
	ck_assert_uint_eq(rows, 148);
	ck_assert_uint_eq(ours, 7);
}
END_TEST

START_TEST(rc_21_cdevents)
{
	static const char *const events[] = {"dev.cdevents.Change.merged.0.2.0", NULL};
	static const char body[] = "{\"context\":{\"version\":\"0.4.1\",\"id\":\"271069a8\","
				   "\"source\":\"/event/source/1\","
				   "\"type\":\"dev.cdevents.change.merged.0.2.0\",\"timestamp\":"
				   "\"2026-01-31T09:30:00Z\"},"
				   "\"subject\":{\"id\":\"mySubject123\",\"source\":\"/event/"
				   "source/1\",\"type\":\"change\","
				   "\"content\":{\"repository\":{\"id\":\"acme/shop\"}}}}";

	ck_assert_int_eq(event(body, "dev.cdevents.change.merged.0.2.0", events), HOOK_FIRE);
	ck_assert_int_eq(event(body, "dev.cdevents.change.created.0.3.0", events), HOOK_REFUSED);
	ck_assert_int_eq(event(body, NULL, events), HOOK_REFUSED);
	ck_assert_int_eq(event(body, NULL, NULL), HOOK_FIRE);
	ck_assert_int_eq(
		event("{\"context\"", "dev.cdevents.change.merged.0.2.0", events), HOOK_BAD);
	ck_assert_int_eq(event("", NULL, NULL), HOOK_BAD);
}
END_TEST

Suite *suite_cdevents(void)
{
	Suite *s = suite_create("cdevents");
	TCase *t = tcase_create("cdevents");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rc_21_cdevents_sdk);
	tcase_add_test(t, rc_21_cdevents);
	suite_add_tcase(s, t);
	return s;
}
