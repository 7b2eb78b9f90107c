/* Where objects wait before they have a run, what is said of it, and what happens when the registry
   is back. */
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "kube/watch.h"
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

static void turn_some(struct world *w)
{
	int i;

	for (i = 0; i < 500; i++)
		loop_turn(w->loop, false);
}

/* Moves the clock while something is on its way that does not end. */
static void advance(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	turn_some(w);
}

static void three_objects(struct world *w, struct fake_image *image, const char *spec)
{
	int i;

	world_push(w, "1.0", &w->layer, image);
	for (i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "o%d", i);
		world_object(w, name, spec);
	}
	world_start(w);
	turn_some(w);
}

/* A registry that takes requests and says nothing to the first one. */
static void silent_first(struct world *w, struct fake_image *image)
{
	struct fake_answer *a = fake_on(w->reg, "HEAD", "/v2/app/manifests/1.0");

	a->way = FAKE_SILENT;
	a->times = 1;
	three_objects(w, image, "\"ref\":{\"tag\":\"1.0\"}");
}

static bool asked_once(struct world *w)
{
	return count(fake_log(w->reg), "HEAD") == 1;
}

static bool others_told(struct world *w)
{
	return strstr(world_status(w, "o1", "Reconciling.message"), "waiting for registry") &&
		strstr(world_status(w, "o2", "Reconciling.message"), "waiting for registry");
}

START_TEST(test_who_waits_says_so)
{
	struct world w;
	struct fake_image image;
	int i;

	world_init(&w);
	silent_first(&w, &image);
	world_until(&w, asked_once, "one question to a registry that has not answered");
	ck_assert_uint_eq(w.c->lanes.fresh.waiting, 2);
	advance(&w, 9000);
	ck_assert_str_eq(world_status(&w, "o1", "Reconciling.message"), "");
	advance(&w, 6000);
	world_until(&w, others_told, "two that wait and say so");
	ck_assert_str_eq(world_status(&w, "o1", "Ready.status"), "Unknown");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "o0", "Reconciling.message"), "' to answer"));
	ck_assert_str_eq(world_status(&w, "o1", "Reconciling.reason"), "Progressing");
	/* Once: later ticks have nothing new to say. */
	world_forget(&w);
	advance(&w, 4000);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), ""); /* the first one is still being waited for */
	/* The first one's time is over; the probe of another one is answered, and all go on. */
	for (i = 0; i < 20; i++)
		advance(&w, 10000);
	world_settle(&w);
	for (i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "o%d", i);
		ck_assert_str_eq(world_status(&w, name, "Ready.status"), "True");
		ck_assert_str_eq(world_status(&w, name, "Reconciling.status"), "");
	}
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* What waits may be changed, suspended or deleted, also while it is being told. rows: before,
   meanwhile */
START_TEST(test_changed_while_it_waits)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	silent_first(&w, &image);
	world_until(&w, asked_once, "one question");
	loop_test_advance(
		w.loop, 15000); /* the words about o1 and o2 are sent with the next turns */
	if (!_i)
		turn_some(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "o1", "{\"spec\":{\"suspend\":true}}");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "o2");
	turn_some(&w);
	turn_some(&w);
	/* Neither needs the registry. */
	ck_assert_ptr_null(kube_watch_find(w.c->watch, "apps", "o2"));
	ck_assert_str_eq(world_status(&w, "o1", "observedGeneration"), "2");
	ck_assert_str_eq(world_status(&w, "o1", "Reconciling.status"), "");
	ck_assert(asked_once(&w));
	ck_assert_uint_eq(w.c->lanes.fresh.waiting, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The end of the process comes while words about a waiting object are on their way. */
START_TEST(test_stopped_while_told)
{
	struct world w;
	struct fake_image image;
	int i;

	world_init(&w);
	silent_first(&w, &image);
	world_until(&w, asked_once, "one question");
	loop_test_advance(w.loop, 15000);
	for (i = 0; i < _i; i++)
		loop_turn(w.loop, false);
	world_stop(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static bool all_failed(struct world *w)
{
	int i, n = 0;

	for (i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "o%d", i);
		n += !strcmp(world_status(w, name, "Ready.status"), "False");
	}
	return n == 3;
}

/* A registry is down, and back-offs have grown: when our own probe is answered, all of its objects
   come at once. */
START_TEST(test_back_again)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a, *probe;
	int i;

	world_init(&w);
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/1.0");
	a->way = FAKE_SILENT;
	probe = fake_on(w.reg, "GET", "/v2/");
	probe->way = FAKE_SILENT;
	three_objects(&w, &image, "\"ref\":{\"tag\":\"1.0\"},\"timeout\":\"4s\"");
	for (i = 0; i < 200; i++)
		advance(&w, 4000);
	ck_assert(all_failed(&w));
	/* At least one of them has minutes to go. */
	ck_assert_uint_ge(timer_left(&world_item(&w, "o2")->queue_item.timer) +
			timer_left(&world_item(&w, "o1")->queue_item.timer),
		60000);
	a->path = probe->path = "/nothing";
	fake_kube_merge(w.kube, "ocirepositories", "apps", "o0",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	/* The probe has a pause of its own, of a minute at most. */
	for (i = 0; i < 8 && strcmp(world_status(&w, "o0", "Ready.status"), "True") != 0; i++)
		advance(&w, 10000);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "o0", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "o1", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "o2", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static size_t observed_ignore(struct world *w)
{
	const json_t *obj = fake_kube_get(w->kube, "ocirepositories", "apps", "web");

	return strlen(obj_str_or("", obj, "status", "observedIgnore"));
}

/* An object of half a megabyte is read by each run that needs it, and its text is kept by none. */
START_TEST(test_large_object)
{
	auto_buf struct buf ignore = BUF_INIT(BUF_ANY);
	auto_free char *spec = NULL;
	struct world w;
	struct fake_image image, next;

	while (ignore.len < 300000)
		buf_adds(&ignore, "# nothing\\n");
	spec = mem_printf("\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"%s\"", buf_str(&ignore));
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", spec);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_uint_gt(observed_ignore(&w), 250000);
	ck_assert_uint_lt(strlen(world_item(&w, "web")->text), 2000);
	ck_assert_ptr_nonnull(strstr(world_item(&w, "web")->text, "\"artifact\":{\"path\":"));
	/* Unchanged: the API server is not asked, and the status stays as it is. */
	world_pass(&w, 60000);
	fake_kube_fail(w.kube, "GET ocirepositories/web", 500, 1);
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD"));
	ck_assert_str_eq(world_writes(&w), "");
	world_push(&w, "2.0", &w.layer2, &next);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_writes(&w), ""); /* it could not be read: nothing is said of it */
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_uint_gt(observed_ignore(&w), 250000);
	/* Its finalizer needs no spec. */
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

Suite *suite_lanes(void);
Suite *suite_lanes(void)
{
	Suite *s = suite_create("lanes");
	TCase *tc = tcase_create("lanes");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_who_waits_says_so);
	tcase_add_loop_test(tc, test_changed_while_it_waits, 0, 2);
	tcase_add_loop_test(tc, test_stopped_while_told, 0, 8);
	tcase_add_test(tc, test_back_again);
	tcase_add_test(tc, test_large_object);
	suite_add_tcase(s, tc);
	return s;
}
