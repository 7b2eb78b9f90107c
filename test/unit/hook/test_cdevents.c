/* CDEvents: what is around the event. What is in one is held to the SDK by test_go.c. */
#include "test/unit/hook/fixture.h"

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
	tcase_add_test(t, rc_21_cdevents);
	suite_add_tcase(s, t);
	return s;
}
