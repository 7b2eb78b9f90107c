/* What holds a choice back: a list that goes backwards, and the annotations. */
#include "base/mem.h"
#include "controllers/imagepolicy/spec.h"
#include "test/unit/imagepolicy/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA "\"policy\":{\"alphabetical\":{}}"
#define NUM "\"policy\":{\"numerical\":{}}"

static char image[128];

static void begin(struct world *w, const char *tags, const char *spec)
{
	world_begin(w);
	snprintf(image, sizeof(image), "%s/app", fake_host(w->reg));
	world_repository(w, "app", image, "");
	world_tags(w, "app", tags);
	world_policy(w, "p", spec);
}

static const char *message(struct world *w)
{
	const char *text = world_status(w, "p", "Ready.message"), *end = strchr(text, ';');

	return end ? end + 2 : text;
}

/* The list lacks the winner, and the registry has it all the same. */
START_TEST(ip_34_a_list_that_goes_backwards_once)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	world_forget(&w);
	world_manifest(&w, "3", '3', 200);
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "tls\nHEAD /v2/app/manifests/3\n");
	world_forget(&w);
	world_tags(&w, "app", "1 2 3");
	ck_assert_str_eq(fake_log(w.reg), "");
	world_tags(&w, "app", "1 2 3 4");
	ck_assert_str_eq(world_answer(&w, "p"), "4");
	world_clear(&w);
}
END_TEST

/* Even of a registry that says so itself it takes two answers, and as long as it is there, none
   counts. */
START_TEST(ip_34_a_tag_that_is_deleted)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	world_forget(&w);
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	/* Too soon after. */
	world_pass(&w, 5000);
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_pass(&w, 61000);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(world_status(&w, "p", "observedPreviousRef.tag"), "3");
	world_clear(&w);
}
END_TEST

START_TEST(ip_34_nobody_answers)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	fake_on(w.reg, "HEAD", "/v2/app/manifests/3")->status = 403;
	fake_on(w.reg, "GET", "/v2/app/manifests/3")->status = 403;
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_pass(&w, 120000);
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_clear(&w);
}
END_TEST

/* Nothing would be left: that is no failure either, until it is sure. */
START_TEST(ip_34_the_only_tag_vanishes)
{
	struct world w;

	begin(&w, "v1 x", ALPHA ",\"filterTags\":{\"pattern\":\"^v\"}");
	world_tags(&w, "app", "x");
	ck_assert_str_eq(world_answer(&w, "p"), "v1");
	world_pass(&w, 61000);
	ck_assert_str_eq(world_answer(&w, "p"),
		"Failure: version list argument cannot be empty: no tag passes the filter '^v'");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "v1");
	world_clear(&w);
}
END_TEST

/* Whoever leaves it out wants it out: nobody is asked. */
START_TEST(ip_34_a_tag_that_is_excluded_now)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	world_forget(&w);
	world_repository(&w, "app", image, "\"exclusionList\":[\"^3$\"]");
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(fake_log(w.reg), "");
	world_clear(&w);
}
END_TEST

/* By other rules, or of another image, the winner of before is nobody. */
START_TEST(ip_34_another_spec_another_image)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	world_forget(&w);
	world_change(&w, "p", "\"suspend\":true");
	world_tags(&w, "app", "1 2");
	world_change(&w, "p", "\"suspend\":null,\"filterTags\":{\"pattern\":\".\"}");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_repository(&w, "app", "ghcr.io/org/other", "");
	world_settle(&w);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 30s error: no tags in database");
	world_tags(&w, "app", "1");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(fake_log(w.reg), "");
	world_clear(&w);
}
END_TEST

/* ---- annotations ----------------------------------------------------------------------------- */

START_TEST(pin_holds_a_tag)
{
	struct world w;

	begin(&w, "1 2 3", ALPHA);
	world_annotate(&w, "p", IMAGEPOLICY_PIN, "2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(message(&w), "it is pinned; without that '3' would win");
	world_tags(&w, "app", "1 2 3 4");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(message(&w), "it is pinned; without that '4' would win");
	world_annotate(&w, "p", IMAGEPOLICY_PIN, "4");
	ck_assert_str_eq(message(&w), "it is pinned, and would win without that");
	world_annotate(&w, "p", IMAGEPOLICY_PIN, NULL);
	ck_assert_str_eq(message(&w), "it won over '3': it is the greater text");
	world_clear(&w);
}
END_TEST

START_TEST(pin_of_what_is_not_there)
{
	struct world w;

	begin(&w, "1 2", ALPHA);
	world_annotate(&w, "p", IMAGEPOLICY_PIN, "9");
	ck_assert_str_eq(world_answer(&w, "p"),
		"Failure: tag '9', which is pinned, is not among the tags of the image");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "2");
	world_annotate(&w, "p", IMAGEPOLICY_PIN, "a:b");
	ck_assert_str_eq(world_answer(&w, "p"),
		"InvalidSpec: annotation 'oci-source-controller/pin': 'a:b' is no tag");
	world_clear(&w);
}
END_TEST

START_TEST(skip_leaves_tags_out)
{
	struct world w;

	begin(&w, "1 2 3 bad", NUM);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "Failure");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "^(3|bad)$");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(message(&w),
		"it won over '1': it is the greater number; tags that match '^(3|bad)$' are "
		"skipped");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "^bad$");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_tags(&w, "app", "1 2 3");
	/* What the message says of the skipping goes with it. */
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, NULL);
	ck_assert_str_eq(message(&w), "it won over '2': it is the greater number");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "(");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.reason"), "InvalidPolicy");
	world_clear(&w);
}
END_TEST

/* What was there when we looked first is of any age; what comes later has to wait. */
START_TEST(minimum_age_of_a_tag)
{
	struct world w;

	begin(&w, "1 2", ALPHA);
	world_annotate(&w, "p", IMAGEPOLICY_AGE, "1h");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(message(&w),
		"it won over '1': it is the greater text; a tag waits 1h0m0s before it may win");
	world_pass(&w, 60000);
	world_forget(&w);
	world_tags(&w, "app", "1 2 3");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(world_writes(&w), "");
	world_pass(&w, 3598000);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	/* Nobody tells: its time has come. */
	world_pass(&w, 3000);
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_annotate(&w, "p", IMAGEPOLICY_AGE, "soon");
	ck_assert_str_eq(world_answer(&w, "p"),
		"InvalidSpec: annotation 'oci-source-controller/minimum-age': 'soon' is no "
		"duration such as 30m or 2h");
	world_clear(&w);
}
END_TEST

/* What was there before we looked is old enough for any age, also one from before 1970. */
START_TEST(minimum_age_of_centuries)
{
	struct world w;

	begin(&w, "1 2", ALPHA);
	world_annotate(&w, "p", IMAGEPOLICY_AGE, "2000000h");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_pass(&w, 1000);
	world_tags(&w, "app", "1 2 3");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_clear(&w);
}
END_TEST

START_TEST(minimum_age_when_all_are_young)
{
	struct world w;

	begin(&w, "x", ALPHA ",\"filterTags\":{\"pattern\":\"^v\"}");
	world_annotate(&w, "p", IMAGEPOLICY_AGE, "10m");
	world_pass(&w, 1000);
	world_tags(&w, "app", "v1 x");
	ck_assert_str_eq(world_answer(&w, "p"),
		"Failure: version list argument cannot be empty: the tags that pass are too young");
	world_pass(&w, 700000);
	ck_assert_str_eq(world_answer(&w, "p"), "v1");
	world_clear(&w);
}
END_TEST

Suite *suite_hold(void);
Suite *suite_hold(void)
{
	Suite *s = suite_create("hold");
	TCase *tc = tcase_create("hold");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ip_34_a_list_that_goes_backwards_once);
	tcase_add_test(tc, ip_34_a_tag_that_is_deleted);
	tcase_add_test(tc, ip_34_nobody_answers);
	tcase_add_test(tc, ip_34_the_only_tag_vanishes);
	tcase_add_test(tc, ip_34_a_tag_that_is_excluded_now);
	tcase_add_test(tc, ip_34_another_spec_another_image);
	tcase_add_test(tc, pin_holds_a_tag);
	tcase_add_test(tc, pin_of_what_is_not_there);
	tcase_add_test(tc, skip_leaves_tags_out);
	tcase_add_test(tc, minimum_age_of_a_tag);
	tcase_add_test(tc, minimum_age_of_centuries);
	tcase_add_test(tc, minimum_age_when_all_are_young);
	suite_add_tcase(s, tc);
	return s;
}
