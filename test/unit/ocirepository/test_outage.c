/* A registry that fails for a while: who stays Ready, for how long, and what is told of it. */
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/outage.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <string.h>

#define HOUR 3600000
#define TAG "\"ref\":{\"tag\":\"1.0\"}"

/* HEAD and GET of the tag, when it is their turn. 429 is asked once a run; 5xx again, after a pause
   in which the clock would have to move (test/unit/oci has them). */
static struct fake_answer *answers[2];

static void answer_with(int status, const char *path)
{
	int i;

	for (i = 0; i < 2; i++) {
		answers[i]->status = status;
		answers[i]->path = path;
	}
}

/* Two objects that are Ready. */
static void begin(struct world *w, struct fake_image *image, uint64_t grace_ms)
{
	world_init(w);
	answers[0] = fake_on(w->reg, "HEAD", "");
	answers[1] = fake_on(w->reg, "GET", "");
	w->opts.controller.outage_grace_ms = grace_ms;
	world_push(w, "1.0", &w->layer, image);
	world_object(w, "web", TAG);
	world_object(w, "api", TAG);
	world_start(w);
	world_settle(w);
	ck_assert_str_eq(world_status(w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(w, "api", "Ready.status"), "True");
}

static void fail_with(struct world *w, struct fake_image *image, int status)
{
	answer_with(status, image->paths[0]);
	world_forget(w);
	world_pass(w, 70000);
}

static void end(struct world *w, struct fake_image *image)
{
	fake_image_clear(image);
	world_clear(w);
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* Events that were made. */
static unsigned events(struct world *w)
{
	return count(fake_kube_log(w->kube), "EVENT ");
}

static void is_excused(struct world *w, const char *name)
{
	ck_assert_str_eq(world_status(w, name, "Ready.status"), "True");
	ck_assert_str_eq(world_status(w, name, "Ready.reason"), "Succeeded");
	ck_assert_str_eq(world_status(w, name, "Outage.status"), "True");
	ck_assert_str_eq(world_status(w, name, "Reconciling.status"), "");
	ck_assert_str_eq(world_status(w, name, "FetchFailed.status"), "");
	ck_assert_str_eq(world_status(w, name, "ArtifactInStorage.status"), "True");
}

static void has_failed(struct world *w, const char *name)
{
	ck_assert_str_eq(world_status(w, name, "Ready.status"), "False");
	ck_assert_str_eq(world_status(w, name, "Outage.status"), "");
	ck_assert_str_eq(world_status(w, name, "FetchFailed.status"), "True");
	ck_assert_str_eq(world_status(w, name, "Reconciling.status"), "True");
}

START_TEST(test_grace)
{
	struct world w;
	struct fake_image image;
	auto_free char *since = NULL;
	int i;

	begin(&w, &image, HOUR);
	fail_with(&w, &image, 429);
	is_excused(&w, "web");
	is_excused(&w, "api");
	since = mem_strdup(world_status(&w, "web", "Outage.lastTransitionTime"));
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"), "; since "));
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"), since));
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"), "429"));
	ck_assert_uint_eq(events(&w), 1);
	/* Nothing flaps, nothing is said again. */
	world_forget(&w);
	for (i = 0; i < 3; i++)
		world_pass(&w, HOUR / 4);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_uint_eq(events(&w), 0);
	ck_assert_str_eq(world_status(&w, "web", "Outage.lastTransitionTime"), since);
	/* Nor after a restart. */
	world_stop(&w);
	world_start(&w);
	world_settle(&w);
	is_excused(&w, "web");
	ck_assert_str_eq(world_status(&w, "web", "Outage.lastTransitionTime"), since);
	if (_i) {
		world_pass(&w, HOUR / 2);
		has_failed(&w, "web");
		has_failed(&w, "api");
		/* It does not begin anew. */
		world_pass(&w, HOUR / 2);
		has_failed(&w, "web");
	}
	answer_with(429, "");
	world_forget(&w);
	world_pass(&w, HOUR);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Outage.status"), "");
	ck_assert(!strstr(world_status(&w, "api", "Ready.message"), "since"));
	ck_assert_uint_eq(count(fake_kube_log(w.kube), "OutageOver"), _i ? 0 : 1);
	end(&w, &image);
}
END_TEST

/* Whatever the registry says of when to come again, the grace ends when it ends. */
START_TEST(test_grace_ends_in_time)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, HOUR / 2);
	answers[0]->headers = answers[1]->headers = "Retry-After: 3600\r\n";
	fail_with(&w, &image, 429);
	is_excused(&w, "web");
	world_pass(&w, HOUR / 2 - 70000);
	is_excused(&w, "web");
	world_pass(&w, 70000);
	has_failed(&w, "web");
	end(&w, &image);
}
END_TEST

/* An object that was never kept Ready does not take away the word of the end. */
START_TEST(test_end_is_told)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, HOUR);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "api",
		"{\"metadata\":{\"annotations\":{\"oci-source-controller/outage-grace\":\"0s\"}}}");
	world_settle(&w);
	fail_with(&w, &image, 429);
	is_excused(&w, "web");
	has_failed(&w, "api");
	answer_with(429, "");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "api",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"1\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "api", "Ready.status"), "True");
	ck_assert_uint_eq(count(fake_kube_log(w.kube), "OutageOver"), 0);
	world_pass(&w, HOUR);
	ck_assert_uint_eq(count(fake_kube_log(w.kube), "OutageOver"), 1);
	end(&w, &image);
}
END_TEST

/* What does not pass by itself, or is not as good as before. */
static const struct {
	int status;
	const char *change;
	bool excused;
} ROWS[] = {
	{429, NULL, true},
	{404, NULL, false},
	{403, NULL, false},
	{401, NULL, false},
	{429, "{\"spec\":{\"timeout\":\"7s\"}}", false}, /* another generation */
	{429, "{\"metadata\":{\"annotations\":{\"oci-source-controller/outage-grace\":\"0s\"}}}",
		false},
	{429, "{\"metadata\":{\"annotations\":{\"oci-source-controller/outage-grace\":\"2h\"}}}",
		true},
};

START_TEST(test_what_is_excused)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, HOUR);
	answer_with(ROWS[_i].status, image.paths[0]);
	if (ROWS[_i].change)
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web", ROWS[_i].change);
	world_pass(&w, 70000);
	if (ROWS[_i].excused)
		is_excused(&w, "web");
	else
		has_failed(&w, "web");
	end(&w, &image);
}
END_TEST

/* Its own word counts without a flag. */
START_TEST(test_annotation)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, 0);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		_i ? "{\"metadata\":{\"annotations\":{\"oci-source-controller/outage-grace\":"
		     "\"soon\"}}}"
		   : "{\"metadata\":{\"annotations\":{\"oci-source-controller/outage-grace\":"
		     "\"10m\"}}}");
	world_settle(&w);
	if (_i) {
		ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), "True");
		ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"),
			"annotation 'oci-source-controller/outage-grace': 'soon'"));
	} else {
		fail_with(&w, &image, 429);
		is_excused(&w, "web");
		has_failed(&w, "api");
	}
	end(&w, &image);
}
END_TEST

/* Off by default; but even so one Event is enough for all objects of the namespace. */
START_TEST(test_without_grace)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, 0);
	fail_with(&w, &image, 429);
	has_failed(&w, "web");
	has_failed(&w, "api");
	ck_assert_uint_eq(events(&w), 1);
	answer_with(429, "");
	world_pass(&w, HOUR);
	ck_assert_str_eq(world_status(&w, "api", "Ready.status"), "True");
	ck_assert(!strstr(fake_kube_log(w.kube), "OutageOver"));
	/* Another outage is told again. */
	answer_with(429, image.paths[0]);
	world_forget(&w);
	world_pass(&w, HOUR);
	ck_assert_uint_eq(events(&w), 1);
	end(&w, &image);
}
END_TEST

/* The next outage is told, whatever became of those who were kept Ready in the last one. rows: all
   outlive their grace; the one that was kept Ready is deleted; it gets another spec */
START_TEST(test_next_is_told)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, HOUR / 2);
	if (_i)
		fake_kube_merge(w.kube, "ocirepositories", "apps", "api",
			"{\"metadata\":{\"annotations\":{\"oci-source-controller/"
			"outage-grace\":\"0s\"}}}");
	world_settle(&w);
	fail_with(&w, &image, 429);
	is_excused(&w, "web");
	ck_assert_uint_ge(events(&w), 1);
	if (_i == 0) {
		unsigned before = events(&w);

		world_pass(&w, HOUR);
		has_failed(&w, "web");
		has_failed(&w, "api");
		/* That their grace is over is told, once. */
		ck_assert_uint_eq(events(&w), before + 1);
	} else if (_i == 1) {
		fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	} else {
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
			"{\"spec\":{\"timeout\":\"7s\"}}");
		world_settle(&w);
		has_failed(&w, "web");
	}
	world_settle(&w);
	/* It is over, for hours. */
	answer_with(429, "");
	world_pass(&w, HOUR);
	world_pass(&w, HOUR);
	ck_assert_str_eq(world_status(&w, "api", "Ready.status"), "True");
	if (_i != 1)
		ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	/* Another one. */
	fail_with(&w, &image, 429);
	if (_i == 0)
		is_excused(&w, "api");
	else
		has_failed(&w, "api");
	ck_assert_uint_eq(events(&w), 1);
	end(&w, &image);
}
END_TEST

Suite *suite_outage(void);
Suite *suite_outage(void)
{
	Suite *s = suite_create("outage");
	TCase *tc = tcase_create("outage");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_grace, 0, 2);
	tcase_add_test(tc, test_grace_ends_in_time);
	tcase_add_test(tc, test_end_is_told);
	tcase_add_loop_test(tc, test_next_is_told, 0, 3);
	tcase_add_loop_test(tc, test_what_is_excused, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(tc, test_annotation, 0, 2);
	tcase_add_test(tc, test_without_grace);
	suite_add_tcase(s, tc);
	return s;
}
