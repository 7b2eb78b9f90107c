/* What the status says of a suspended object: that it was seen, and nothing that is not so any
   more. */
#include "base/mem.h"
#include "base/obj.h"
#include "ev/loop.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct world w;
static struct fake_image image, next;

static void patch(const char *what)
{
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", what);
}

static void turns(int n)
{
	while (n--)
		loop_turn(w.loop, false);
}

static bool is_pulling(struct world *unused)
{
	(void)unused;
	return !strcmp(world_status(&w, "web", "Reconciling.reason"), "Progressing");
}

static bool layer_asked(struct world *unused)
{
	(void)unused;
	return strstr(fake_log(w.reg), "/blobs/") != NULL;
}

/* An object in the middle of a pull that has said so. rows: its first artifact, or a new
   revision */
static void begin(bool first)
{
	struct fake_answer *stall;

	world_init(&w);
	stall = fake_on(w.reg, "GET", "/none");
	stall->way = FAKE_SILENT;
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"timeout\":\"10m\"");
	if (!first) {
		world_start(&w);
		world_settle(&w);
		world_forget(&w);
		stall->path = next.paths[2];
		patch("{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	} else {
		stall->path = image.paths[2];
		world_start(&w);
	}
	world_until(&w, layer_asked, "the request for the layer");
	turns(300);
	loop_test_advance(w.loop, 1000);
	world_until(&w, is_pulling, "the word in between");
	turns(300);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "Unknown");
	stall->way = FAKE_WHOLE;
	stall->path = "/none";
	world_forget(&w);
}

static void end(void)
{
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}

START_TEST(test_in_mid_pull)
{
	bool first = _i == 0;

	begin(first);
	patch("{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactOutdated.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), first ? "" : "True");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), first ? "" : "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), first ? "" : image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), first ? "2" : "3");
	ck_assert_str_eq(world_status(&w, "web", "Ready.observedGeneration"), first ? "" : "3");
	world_forget(&w);
	world_pass(&w, 100000);
	ck_assert_str_eq(world_writes(&w), "");
	patch("{\"spec\":{\"suspend\":null}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
		first ? image.layer_text : next.layer_text);
	end();
}
END_TEST

/* Suspended while nobody looked: what the process before has said is taken back as well. */
START_TEST(test_after_a_restart)
{
	begin(false);
	fake_kube_mute(w.kube, true);
	patch("{\"spec\":{\"suspend\":true}}");
	world_stop(&w);
	fake_kube_mute(w.kube, false);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "3");
	end();
}
END_TEST

START_TEST(test_created_suspended)
{
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"suspend\":true");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "1");
	ck_assert_ptr_null(obj_get(
		fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status", "conditions"));
	/* A spec that changes meanwhile is seen, not read. */
	patch("{\"spec\":{\"url\":\"no url\"}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "2");
	ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), "");
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A failure that is on record stays on record; that it is being tried again does not. */
START_TEST(test_after_a_failure)
{
	char since[64];

	world_init(&w);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.reason"), "ProgressingWithRetry");
	snprintf(since, sizeof(since), "%s", world_status(&w, "web", "Ready.lastTransitionTime"));
	loop_test_advance(w.loop, 100);
	patch("{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "Ready.lastTransitionTime"), since);
	ck_assert_str_eq(world_status(&w, "web", "Ready.observedGeneration"), "2");
	world_clear(&w);
}
END_TEST

Suite *suite_suspend(void);
Suite *suite_suspend(void)
{
	Suite *s = suite_create("suspend");
	TCase *tc = tcase_create("suspend");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_in_mid_pull, 0, 2);
	tcase_add_test(tc, test_after_a_restart);
	tcase_add_test(tc, test_created_suspended);
	tcase_add_test(tc, test_after_a_failure);
	suite_add_tcase(s, tc);
	return s;
}
