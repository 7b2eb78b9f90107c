/* When things happen: back-off, Retry-After, intervals, the places for pulls, and what a slow pull
   says. */
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "oci/registry.h"
#include "source/env.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static int count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* The registry's first answer for the layer is a few bytes, then nothing. */
static struct fake_answer *stalled_layer(struct world *w, struct fake_image *image, unsigned times)
{
	struct fake_answer *a = fake_on(w->reg, "GET", "");

	a->way = FAKE_STALL;
	a->cut = 10;
	a->times = times;
	world_push(w, "1.0", &w->layer, image);
	a->path = image->paths[2];
	a->body = w->layer.p;
	a->body_len = w->layer.len;
	return a;
}

static bool layer_asked(struct world *w)
{
	return strstr(fake_log(w->reg), "/blobs/") != NULL;
}

static bool two_writes(struct world *w)
{
	return count(world_writes(w), "\n") >= 2;
}

START_TEST(test_slow_pull_says_so)
{
	struct world w;
	struct fake_image image;
	int i;

	world_init(&w);
	stalled_layer(&w, &image, 1);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_start(&w);
	world_until(&w, layer_asked, "the request for the layer");
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	loop_test_advance(w.loop, 999);
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web\n");
	loop_test_advance(w.loop, 1);
	world_until(&w, two_writes, "the word in between");
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.reason"), "Progressing");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "Unknown");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "-1");
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "");
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	world_pass(&w, 30000); /* the transfer is given up */
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	ck_assert_int_eq(count(world_writes(&w), "\n"), 3); /* it said so once */
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static void relabel(void *arg)
{
	struct world *w = arg;

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
}

/* The word in between meets a conflict: it is let go, and the status at the end is written all the
   same. */
START_TEST(test_slow_pull_conflict)
{
	struct world w;
	struct fake_image image;
	int i;

	world_init(&w);
	stalled_layer(&w, &image, 1);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", relabel, &w);
	world_start(&w);
	world_until(&w, layer_asked, "the request for the layer");
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	loop_test_advance(w.loop, 1000);
	world_until(&w, two_writes, "the word in between");
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	world_pass(&w, 30000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* rows: the status could be written, or not */
START_TEST(test_retry_after)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;

	world_init(&w);
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/1.0");
	a->status = 429;
	a->headers = "Retry-After: 120\r\n";
	a->times = 1;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	if (_i)
		fake_kube_fail(w.kube, "PATCH ocirepositories/web/status", 500, 1);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), _i ? "" : "False");
	world_forget(&w);
	world_pass(&w, 60000);
	world_pass(&w, 59999);
	ck_assert_str_eq(fake_log(w.reg), "");
	world_pass(&w, 12001); /* up to a tenth later: not all of them at once */
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Who asks the same registry before that time has not failed: it comes then, and its first failure
   is the first. */
START_TEST(test_retry_after_of_another)
{
	struct fake_answer *a;
	struct world w;

	world_init(&w);
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/1.0");
	a->status = 429;
	a->headers = "Retry-After: 120\r\n";
	a->times = 1;
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_object(&w, "second", "\"ref\":{\"tag\":\"2.0\"}");
	world_settle(&w);
	world_pass(&w, 20000);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "second",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert_ptr_nonnull(strstr(world_status(&w, "second", "Ready.message"), "429"));
	world_forget(&w);
	world_pass(&w, 99999);
	ck_assert_str_eq(fake_log(w.reg), "");
	world_pass(&w, 1);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD /v2/app/manifests/2.0"));
	world_forget(&w);
	world_pass(&w, 749);
	ck_assert_ptr_null(strstr(fake_log(w.reg), "manifests/2.0"));
	world_pass(&w, 1);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD /v2/app/manifests/2.0"));
	world_clear(&w);
}
END_TEST

START_TEST(test_backoff)
{
	static const uint64_t waits[] = {750, 1500, 3000, 6000};
	struct world w;
	size_t i;

	world_init(&w);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	for (i = 0; i < ARRAY_LEN(waits); i++) {
		world_forget(&w);
		world_pass(&w, waits[i] - 1);
		ck_assert_msg(!*fake_log(w.reg), "too early after failure %zu", i);
		world_pass(&w, 1);
		ck_assert_msg(
			strstr(fake_log(w.reg), "HEAD") != NULL, "too late after failure %zu", i);
	}
	/* Somebody asks: now, and from the start. */
	world_forget(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD"));
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	world_forget(&w);
	world_pass(&w, 750);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD"));
	world_clear(&w);
}
END_TEST

/* A failure that stays the same is said once: the same words, no write, and one Event that is
   counted up. */
START_TEST(test_same_failure)
{
	static const char *const urls[] = {
		"\"url\":\"oci://127.0.0.1:1/app\"", /* nobody listens there */
		"\"url\":\"oci://nowhere.invalid/app\"",
	};
	struct world w;
	auto_free char *said = NULL;
	int i;

	world_init(&w);
	world_object(&w, "web", urls[_i]);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	said = mem_strdup(world_status(&w, "web", "Ready.message"));
	world_forget(&w);
	for (i = 0; i < 4; i++)
		world_pass(&w, 750 << i);
	ck_assert_str_eq(world_status(&w, "web", "Ready.message"), said);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_msg(
		count(fake_kube_log(w.kube), "EVENT") == 0, "%s %s", said, fake_kube_log(w.kube));
	world_clear(&w);
}
END_TEST

START_TEST(test_jitter)
{
	enum { N = 40 };
	struct world w;
	struct fake_image image;
	int i, low = 0, high = 0;
	char name[16];

	world_init(&w);
	w.opts.controller.jitter_percent = 50;
	world_push(&w, "1.0", &w.layer, &image);
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
	}
	world_start(&w);
	world_settle(&w);
	for (i = 0; i < N; i++) {
		uint64_t left;

		snprintf(name, sizeof(name), "o%d", i);
		left = timer_left(&world_item(&w, name)->queue_item.timer);
		ck_assert_uint_ge(left, 30000);
		ck_assert_uint_le(left, 90000);
		low += left < 50000;
		high += left > 70000;
	}
	ck_assert_int_gt(low, 0);
	ck_assert_int_gt(high, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static bool gate_full(struct world *w)
{
	return w->c->lanes.pulls.held == 2 && w->c->lanes.pulls.waiting == 4 &&
		count(fake_log(w->reg), "/blobs/") == 1; /* they share it */
}

START_TEST(test_concurrent)
{
	struct world w;
	struct oci_stats stats;
	struct fake_image image;
	char name[16];
	int i;

	world_init(&w);
	w.opts.controller.concurrent = 2;
	stalled_layer(&w, &image, 1);
	for (i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
	}
	world_start(&w);
	world_until(&w, gate_full, "two pulls and four that wait");
	for (i = 0; i < 500; i++)
		loop_turn(w.loop, false);
	ck_assert(gate_full(&w)); /* resolving goes on without a place; pulling does not */
	oci_client_stats(w.oci, &stats);
	ck_assert_uint_ge(stats.requests[OCI_KIND_HEAD] + stats.shared, 6);
	/* One of those that wait goes away: its place in the line too. */
	fake_kube_merge(w.kube, "ocirepositories", "apps", "o5", "{\"spec\":{\"suspend\":true}}");
	for (i = 0; i < 500; i++)
		loop_turn(w.loop, false);
	ck_assert_uint_eq(w.c->lanes.pulls.waiting, world_item(&w, "o5")->queue_item.run ? 4 : 3);
	world_pass(&w, 30000);
	world_pass(&w, 750);
	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		ck_assert_str_eq(world_status(&w, name, "Ready.status"), "True");
	}
	ck_assert_uint_eq(w.c->lanes.pulls.held + w.c->lanes.pulls.slow, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

START_TEST(test_advertised_address)
{
	struct world w;
	struct fake_image image;
	bool suspended = _i == 1;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	if (suspended)
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	world_stop(&w);
	w.opts.adv_address = "other.test:9090";
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), suspended ? "" : "PATCH ocirepositories/web/status\n");
	ck_assert_ptr_null(strstr(fake_log(w.reg), "GET"));
	ck_assert_str_eq(world_status(&w, "web", "url"),
		suspended ? "http://artifacts.test./ocirepository/apps/web/latest.tar.gz"
			  : "http://other.test:9090/ocirepository/apps/web/latest.tar.gz");
	if (!suspended)
		ck_assert(!strncmp(world_status(&w, "web", "artifact.url"),
			"http://other.test:9090/ocirepository/apps/web/sha256:", 53));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

Suite *suite_timing(void);
Suite *suite_timing(void)
{
	Suite *s = suite_create("timing");
	TCase *tc = tcase_create("timing");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_slow_pull_says_so);
	tcase_add_test(tc, test_slow_pull_conflict);
	tcase_add_loop_test(tc, test_retry_after, 0, 2);
	tcase_add_test(tc, test_retry_after_of_another);
	tcase_add_test(tc, test_backoff);
	tcase_add_loop_test(tc, test_same_failure, 0, 2);
	tcase_add_test(tc, test_jitter);
	tcase_add_test(tc, test_concurrent);
	tcase_add_loop_test(tc, test_advertised_address, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
