/* A registry that says how many requests it allows: fifty objects that would like more of them
   never hear 429, and none of them has anything to say of it. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/loop.h"
#include "oci/registry.h"
#include "source/item.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define OBJECTS 50
#define INTERVAL_MS 10000

static struct world w;
static struct fake_image next, images[OBJECTS];

static void setup(void)
{
	world_init(&w);
}

static void teardown(void)
{
	int i;

	for (i = 0; i < OBJECTS; i++)
		fake_image_clear(&images[i]);
	fake_image_clear(&next);
	world_clear(&w);
}

/* web0 to web49, each of a tag of its own: equal questions are one (oci/head.h). */
static void objects(void)
{
	char name[16], tag[16], ref[32];
	int i;

	for (i = 0; i < OBJECTS; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		snprintf(tag, sizeof(tag), "1.%d", i);
		snprintf(ref, sizeof(ref), "\"ref\":{\"tag\":\"%s\"}", tag);
		world_push(&w, tag, &w.layer, &images[i]);
		world_object(&w, name, ref);
		fake_kube_merge(w.kube, "ocirepositories", "apps", name,
			"{\"spec\":{\"interval\":\"10s\"}}");
	}
	world_start(&w);
	world_settle(&w);
}

static int heads(void)
{
	const char *at = fake_log(w.reg);
	int n = 0;

	for (; (at = strstr(at, "HEAD ")); at++)
		n++;
	return n;
}

static void all_ready(void)
{
	char name[16];
	int i;

	for (i = 0; i < OBJECTS; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		ck_assert_msg(!strcmp(world_status(&w, name, "Ready.status"), "True"), "%s: %s",
			name, world_status(&w, name, "Ready.message"));
	}
}

/* The time since each object's last check that succeeded. */
static void all_checked_within(int64_t ms)
{
	char name[16];
	int i;

	for (i = 0; i < OBJECTS; i++) {
		int64_t ago;

		snprintf(name, sizeof(name), "web%d", i);
		ago = clock_wall_ms() - world_item(&w, name)->succeeded_ms;
		ck_assert_msg(ago <= ms, "%s: %lld ms ago", name, (long long)ago);
	}
}

static void pass(int64_t ms, unsigned step)
{
	for (; ms > 0; ms -= step)
		world_pass(&w, step);
}

/* Fifty every ten seconds are 300 a minute, and 100 are allowed. */
START_TEST(test_never_refused)
{
	fake_limit(w.reg, 100, 60000, true, _i);
	objects();
	all_ready();
	world_forget(&w);
	pass(660000, 5000);
	ck_assert_uint_eq(fake_limit_refused(w.reg), 0);
	all_ready();
	ck_assert_str_eq(world_writes(&w), "");
	/* What is allowed is used; the first window was used up before. And nobody is put off for
	   longer than LIMIT_PACE_WAIT_MS. */
	ck_assert_int_ge(heads(), 10 * 80);
	all_checked_within(LIMIT_PACE_WAIT_MS);
}
END_TEST

/* Without a word of the registry all is as it was. */
START_TEST(test_unsaid)
{
	struct oci_stats stats;

	objects();
	world_forget(&w);
	pass(60000, INTERVAL_MS);
	ck_assert_int_eq(heads(), 6 * OBJECTS);
	oci_client_stats(w.oci, &stats);
	ck_assert_uint_eq(stats.paced, 0);
}
END_TEST

/* Docker Hub: HEAD takes nothing of it, so no check waits, however little is left. */
START_TEST(test_free_checks)
{
	struct oci_stats stats;
	uint64_t before;

	fake_limit(w.reg, OBJECTS + 3, 21600000, false, true);
	objects();
	all_ready();
	pass(INTERVAL_MS, INTERVAL_MS);
	oci_client_stats(w.oci, &stats);
	world_forget(&w);
	pass(120000, INTERVAL_MS);
	ck_assert_uint_eq(fake_limit_refused(w.reg), 0);
	ck_assert_int_ge(heads(), 12 * OBJECTS);
	before = stats.paced;
	oci_client_stats(w.oci, &stats);
	ck_assert_uint_eq(stats.paced, before);
	all_checked_within(INTERVAL_MS);
}
END_TEST

static void request(const char *name)
{
	fake_kube_merge(w.kube, "ocirepositories", "apps", name,
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	world_settle(&w);
}

/* While checks wait, what somebody asks for goes, with all that it needs. */
START_TEST(test_wanted_goes_first)
{
	int before;

	fake_limit(w.reg, 2 * OBJECTS + 8, 60000, true, false);
	objects();
	pass(INTERVAL_MS, INTERVAL_MS);
	before = heads();
	pass(4000, 2000);
	ck_assert_int_le(heads() - before, 2);
	ck_assert_uint_ne(ARTIFACT_ITEM(world_item(&w, "web7"))->paced_ms +
			ARTIFACT_ITEM(world_item(&w, "web8"))->paced_ms,
		0);
	world_push(&w, "2.0", &w.layer2, &next);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web7",
		"{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web7", "artifact.digest"), next.layer_text);
	world_forget(&w);
	request("web8");
	ck_assert_int_ge(heads(), 1);
	ck_assert_str_eq(world_status(&w, "web8", "lastHandledReconcileAt"), "now");
	ck_assert_uint_eq(fake_limit_refused(w.reg), 0);
}
END_TEST

/* Nothing is left, and somebody asks all the same: the object says why, until the window ends. */
START_TEST(test_nothing_left)
{
	fake_limit(w.reg, 2 * OBJECTS, 60000, true, false);
	objects();
	all_ready();
	request("web8");
	ck_assert_str_eq(world_status(&w, "web8", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web8", "FetchFailed.reason"), "OCIArtifactPullFailed");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web8", "Ready.message"),
		"has said that its limit of requests is reached"));
	ck_assert_str_eq(world_status(&w, "web8", "artifact.digest"), images[8].layer_text);
	pass(62000, 2000);
	ck_assert_str_eq(world_status(&w, "web8", "Ready.status"), "True");
	ck_assert_uint_eq(fake_limit_refused(w.reg), 0);
	all_ready();
}
END_TEST

static bool eighth_failed(struct world *world)
{
	return !strcmp(world_status(world, "web8", "Ready.status"), "False");
}

static uint64_t changes_before;

static bool eighth_changed(struct world *world)
{
	return world_item(world, "web8")->changes != changes_before;
}

/* An object that says that it waits for its turn does not say so for ten minutes more. */
START_TEST(test_says_that_it_waits)
{
	static const char status[] =
		"{\"status\":{\"conditions\":["
		"{\"type\":\"Reconciling\",\"status\":\"True\",\"reason\":\"Progressing\","
		"\"message\":\"waits\",\"observedGeneration\":2},"
		"{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Succeeded\","
		"\"message\":\"fine\",\"observedGeneration\":2}]}}";

	fake_limit(w.reg, 2 * OBJECTS, 60000, true, false);
	objects();
	all_ready();
	changes_before = world_item(&w, "web8")->changes;
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web8", status);
	/* The watch tells of it after a while of its own. */
	world_until(&w, eighth_changed, "the watch to tell of web8's status");
	pass(INTERVAL_MS, INTERVAL_MS);
	ck_assert_str_eq(world_status(&w, "web7", "Ready.status"), "True");
	ck_assert_uint_ne(ARTIFACT_ITEM(world_item(&w, "web7"))->paced_ms, 0);
	world_until(&w, eighth_failed, "web8 to be told that nothing is left");
	pass(62000, 2000);
	all_ready();
	ck_assert_str_eq(world_status(&w, "web8", "Reconciling.status"), "");
}
END_TEST

/* A limit that no patience is enough for: after ten minutes an object asks again, and the registry
   itself says what it thinks of that. */
START_TEST(test_patience_ends)
{
	fake_limit(w.reg, 2 * OBJECTS, 86400000, true, true);
	objects();
	all_ready();
	pass(LIMIT_PACE_WAIT_MS, INTERVAL_MS);
	ck_assert_uint_le(fake_limit_refused(w.reg), 1);
	pass(LIMIT_PACE_WAIT_MS, INTERVAL_MS);
	ck_assert_uint_gt(fake_limit_refused(w.reg), 0);
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web8", "Ready.message"), "429"));
}
END_TEST

Suite *suite_pace(void);
Suite *suite_pace(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, test_never_refused, 0, 2);
	tcase_add_test(t, test_unsaid);
	tcase_add_test(t, test_free_checks);
	tcase_add_test(t, test_wanted_goes_first);
	tcase_add_test(t, test_nothing_left);
	tcase_add_test(t, test_says_that_it_waits);
	tcase_add_test(t, test_patience_ends);
	suite_add_tcase(s, t);
	return s;
}
