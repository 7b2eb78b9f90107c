#include "ctl/event.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "kube/client.h"
#include "test/fake/kube.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct loop *loop;
static struct fake_kube *kube;
static struct kube_client *client;
static struct event_recorder *rec;

static void setup(void)
{
	clock_fake(1800000000000);
	log_set_fd(-1);
	loop = loop_new();
	kube = fake_kube_new(loop);
	client = kube_client_new(loop, fake_kube_config(kube), &(struct kube_client_opts){0});
	rec = event_recorder_new(client, "source-controller", "host-1");
}

static void turn(void)
{
	int i;

	for (i = 0; i < 400; i++)
		loop_turn(loop, false);
}

static void until_sent(uint64_t n)
{
	uint64_t from = clock_ns();
	struct event_stats s;

	for (;;) {
		event_stats(rec, &s);
		if (s.sent + s.failed >= n)
			return;
		loop_turn(loop, false);
		ck_assert_msg(
			clock_ns() - from < 60000000000ULL, "sent %d of %d", (int)s.sent, (int)n);
	}
}

static void teardown(void)
{
	event_recorder_stop(rec);
	turn();
	event_recorder_free(rec);
	kube_client_free(client);
	fake_kube_free(kube);
	turn();
	ck_assert_int_eq(loop_free(loop), 0);
}

static void record(const char *name, bool warning, const char *reason, const char *message)
{
	struct event_annotation notes[] = {
		{"source.toolkit.fluxcd.io/revision", "r"}, {NULL, NULL}};

	event_record(rec, &(struct event_about){"v1", "K", "ns", name, name, "7", NULL}, warning,
		reason, message, notes);
}

static int lines(const char *what)
{
	const char *at = fake_kube_log(kube);
	int n = 0;

	for (; (at = strstr(at, what)); at++)
		n++;
	return n;
}

START_TEST(test_equal_ones_are_counted)
{
	setup();
	record("web", false, "NewArtifact", "m");
	until_sent(1);
	ck_assert_int_eq(lines("EVENT NewArtifact m"), 1);
	record("web", false, "NewArtifact", "m"); /* a PATCH of its count */
	until_sent(2);
	ck_assert_int_eq(lines("EVENT"), 1);
	ck_assert_int_eq(lines("PATCH events/web."), 1);
	record("web", false, "NewArtifact", "other");
	record("web", true, "NewArtifact", "m");
	record("api", false, "NewArtifact", "m");
	until_sent(5);
	ck_assert_int_eq(lines("EVENT"), 4);
	clock_fake_add(3600 * 1000);
	record("web", false, "NewArtifact", "m"); /* an hour later: a new one */
	until_sent(6);
	ck_assert_int_eq(lines("EVENT"), 5);
	teardown();
}
END_TEST

START_TEST(test_many_at_once)
{
	struct event_stats s;
	char name[32];
	int i;

	setup();
	for (i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		record(name, false, "R", "m");
	}
	for (i = 0; i < 100; i++)
		record("o1499", false, "R", "m"); /* waits already: only its count grows */
	event_stats(rec, &s);
	ck_assert_uint_eq(s.recorded, 1600);
	ck_assert_uint_eq(s.queued, 1000);
	ck_assert_uint_eq(s.dropped, 1500 - 1000 - 4); /* four are on their way */
	until_sent(1004);
	ck_assert_int_eq(lines("EVENT"), 1004);
	teardown();
}
END_TEST

static struct event_budget budget;

static void record_with_budget(bool warning, const char *reason, const char *message)
{
	event_record(rec, &(struct event_about){"v1", "K", "ns", "web", "uid", "7", &budget},
		warning, reason, message, NULL);
	turn();
}

static uint64_t suppressed(void)
{
	struct event_stats s;

	event_stats(rec, &s);
	return s.suppressed;
}

/* A registry that puts another id, time and count into each answer. */
START_TEST(test_texts_that_vary)
{
	char text[200];
	int i;

	setup();
	for (i = 0; i < 4; i++) {
		snprintf(text, sizeof(text),
			"answered 500 (request 4bf92f3577b34d%02d, try %d, 2026-01-31T09:30:%02dZ)",
			i, i, i);
		record("web", true, "Failed", text);
		record("web", false, "NewArtifact", text); /* a fact: nothing in it varies */
		turn();
	}
	ck_assert_int_eq(lines("EVENT Failed"), 1);
	ck_assert_int_eq(lines("PATCH events/"), 3);
	ck_assert_int_eq(lines("EVENT NewArtifact"), 4);
	teardown();
}
END_TEST

START_TEST(test_budget)
{
	char text[32];
	int i;

	setup();
	budget = (struct event_budget){0};
	for (i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "cause %c%c", 'a' + i / 26, 'a' + i % 26);
		record_with_budget(true, "Failed", text);
	}
	ck_assert_int_eq(lines("EVENT"), 5);
	ck_assert_uint_eq(suppressed(), 95);
	/* Of the same Event: no write either, but it counts. */
	record_with_budget(true, "Failed", "cause aa");
	ck_assert_int_eq(lines("PATCH"), 0);
	/* What is told of artifacts has a budget of its own. */
	for (i = 0; i < 30; i++) {
		snprintf(text, sizeof(text), "revision %d", i);
		record_with_budget(false, "NewArtifact", text);
	}
	ck_assert_int_eq(lines("EVENT NewArtifact"), 25);
	clock_fake_add(5 * 60 * 1000);
	record_with_budget(true, "Failed", "cause aa");
	record_with_budget(true, "Failed", "cause aa");
	ck_assert_int_eq(lines("PATCH"), 1);
	record_with_budget(false, "NewArtifact", "one more");
	ck_assert_int_eq(lines("EVENT NewArtifact"), 26);
	clock_fake_add(3600 * 1000);
	for (i = 0; i < 10; i++)
		record_with_budget(true, "Other", i % 2 ? "x" : "y");
	ck_assert_int_eq(lines("EVENT Other") + lines("PATCH"), 1 + 5);
	teardown();
}
END_TEST

/* A full line: warnings go first. */
START_TEST(test_warnings_go_first)
{
	char name[32];
	int i;

	setup();
	record("first", false, "NewArtifact", "m");
	for (i = 0; i < 1500; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		record(name, i > 600, i > 600 ? "Failed" : "NewArtifact", "m");
	}
	until_sent(1004);
	ck_assert_int_eq(lines("EVENT NewArtifact"), 602);
	teardown();
}
END_TEST

START_TEST(test_failure)
{
	struct event_stats s;

	setup();
	fake_kube_fail(kube, "POST events/", 500, 1);
	record("web", false, "R", "m");
	until_sent(1);
	event_stats(rec, &s);
	ck_assert_uint_eq(s.failed, 1);
	record("web", false, "R",
		"m"); /* forgotten, not counted up on an Event that does not exist */
	until_sent(2);
	ck_assert_int_eq(lines("EVENT R m"), 1);
	teardown();
}
END_TEST

START_TEST(test_message)
{
	char big[3000];

	setup();
	memset(big, 'a', sizeof(big));
	memcpy(big + 1023, "\xc3\xa9", 2);
	big[sizeof(big) - 1] = '\0';
	record("web", false, "R", big);
	record("web", false, "R", "no \xff utf-8");
	until_sent(2);
	turn();
	big[1023] = '\0';
	ck_assert_int_eq(lines(big), 1);
	ck_assert_int_eq(lines("no ? utf-8"), 1);
	ck_assert_int_eq(lines("\xc3"), 0);
	teardown();
}
END_TEST

START_TEST(test_stop)
{
	setup();
	record("web", false, "R", "m");
	record("api", false, "R", "m");
	teardown();
}
END_TEST

Suite *suite_event(void);
Suite *suite_event(void)
{
	Suite *s = suite_create("event");
	TCase *tc = tcase_create("event");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_equal_ones_are_counted);
	tcase_add_test(tc, test_many_at_once);
	tcase_add_test(tc, test_texts_that_vary);
	tcase_add_test(tc, test_budget);
	tcase_add_test(tc, test_warnings_go_first);
	tcase_add_test(tc, test_failure);
	tcase_add_test(tc, test_message);
	tcase_add_test(tc, test_stop);
	suite_add_tcase(s, tc);
	return s;
}
