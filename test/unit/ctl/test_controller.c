/* The framework, with the toy kind, against an API server on the test's own loop. The clock stands
   still. */
#include "ctl/controller.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/cond.h"
#include "ctl/event.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ctl/shown.h"
#include "ev/loop.h"
#include "kube/client.h"
#include "kube/watch.h"
#include "page/row.h"
#include "test/fake/kube.h"
#include "test/unit/ctl/toy.h"

#include <check.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct loop *loop;
static struct fake_kube *kube;
static struct kube_client *client;
static struct metrics *metrics;
static struct event_recorder *events;
static struct controller *c;

static void settle(void)
{
	unsigned watches = 2 + (c->kind->depends[1] != NULL);
	int quiet, i;

	for (quiet = 0; quiet < 10; quiet++) {
		struct kube_stats s;

		for (i = 0; i < 30; i++)
			loop_turn(loop, false);
		kube_client_stats(client, &s);
		if (c->queue.running || s.http.open_requests > watches)
			quiet = 0;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void pass(uint64_t ms)
{
	loop_test_advance(loop, ms);
	settle();
}

static void begin_with(const struct kind *k)
{
	clock_fake(1800000000000);
	log_set_fd(-1);
	loop = loop_new();
	kube = fake_kube_new(loop);
	client = kube_client_new(loop, fake_kube_config(kube), &(struct kube_client_opts){0});
	metrics = metrics_new();
	events = event_recorder_new(client, "toy-controller", "test");
	c = controller_new(k,
		&(struct controller_opts){
			.loop = loop, .kube = client, .metrics = metrics, .events = events});
	controller_start(c);
	settle();
}

static void begin(void)
{
	begin_with(&toy_kind);
}

static void end(void)
{
	int i;

	controller_stop(c);
	settle();
	ck_assert(controller_idle(c));
	event_recorder_stop(events);
	settle();
	controller_free(c);
	event_recorder_free(events);
	metrics_free(metrics);
	kube_client_free(client);
	fake_kube_free(kube);
	for (i = 0; i < 20; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(loop_free(loop), 0);
}

static void toy(const char *spec)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"t\",\"namespace\":\"n\"},\"spec\":{%s}}", spec);

	fake_kube_put(kube, "toys", json);
	settle();
}

static void change(const char *patch)
{
	fake_kube_merge(kube, "toys", "n", "t", patch);
	settle();
}

static const char *said(void)
{
	return obj_str_or("", fake_kube_get(kube, "toys", "n", "t"), "status", "said");
}

/* "True Succeeded" */
static const char *cond(const char *type)
{
	static char text[128];
	const json_t *all = obj_get(fake_kube_get(kube, "toys", "n", "t"), "status", "conditions");
	json_t *one;
	size_t i;

	text[0] = '\0';
	json_array_foreach (all, i, one)
		if (!strcmp(obj_str_or("", one, "type"), type))
			snprintf(text, sizeof(text), "%s %s", obj_str_or("", one, "status"),
				obj_str_or("", one, "reason"));
	return text;
}

static int64_t observed(void)
{
	return obj_int(-2, fake_kube_get(kube, "toys", "n", "t"), "status", "observedGeneration");
}

START_TEST(test_created_and_changed)
{
	begin();
	toy("\"say\":\"hello\",\"interval\":\"1m\"");
	ck_assert_str_eq(said(), "hello");
	ck_assert_str_eq(cond(COND_READY), "True Succeeded");
	ck_assert_int_eq(observed(), 1);
	ck_assert_str_eq(fake_kube_log(kube), "PATCH toys/t\nPATCH toys/t/status\n");
	/* Its interval is over, and nothing is new. */
	fake_kube_log_reset(kube);
	pass(60000);
	ck_assert_str_eq(fake_kube_log(kube), "");
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), 2);
	change("{\"spec\":{\"say\":\"good morning\"}}");
	ck_assert_str_eq(said(), "good morning");
	ck_assert_int_eq(observed(), 2);
	ck_assert_str_eq(fake_kube_log(kube), "PATCH toys/t/status\n");
	/* Somebody asks. */
	change("{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	ck_assert_str_eq(obj_str_or("", fake_kube_get(kube, "toys", "n", "t"), "status",
				 "lastHandledReconcileAt"),
		"now");
	end();
}
END_TEST

START_TEST(test_suspended)
{
	begin();
	toy("\"say\":\"hello\",\"suspend\":true");
	ck_assert_str_eq(said(), "");
	ck_assert_int_eq(observed(), 1);
	ck_assert_str_eq(cond(COND_READY), "");
	pass(120000);
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), 1);
	change("{\"spec\":{\"suspend\":null}}");
	ck_assert_str_eq(said(), "hello");
	end();
}
END_TEST

START_TEST(test_deleted)
{
	begin();
	toy("\"say\":\"hello\"");
	fake_kube_delete(kube, "toys", "n", "t");
	settle();
	ck_assert_ptr_null(fake_kube_get(kube, "toys", "n", "t"));
	ck_assert_uint_eq(c->items, 0);
	end();
}
END_TEST

static void relabel(void *arg)
{
	(void)arg;
	fake_kube_merge(kube, "toys", "n", "t", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
}

/* Somebody else writes in between: the object is read again, and the same is written. */
START_TEST(test_conflict)
{
	begin();
	fake_kube_hook(kube, "PATCH toys/t/status", relabel, NULL);
	toy("\"say\":\"hello\"");
	ck_assert_str_eq(said(), "hello");
	ck_assert_str_eq(
		fake_kube_log(kube), "PATCH toys/t\nPATCH toys/t/status\nPATCH toys/t/status\n");
	end();
}
END_TEST

static void change_spec(void *arg)
{
	(void)arg;
	fake_kube_merge(kube, "toys", "n", "t", "{\"spec\":{\"say\":\"bye\"}}");
}

/* What the run was about has changed: it counts for nothing, and the next one begins at once. */
START_TEST(test_changed_under_it)
{
	begin();
	fake_kube_hook(kube, "PATCH toys/t/status", change_spec, NULL);
	toy("\"say\":\"hello\"");
	ck_assert_str_eq(said(), "bye");
	ck_assert_int_eq(observed(), 2);
	end();
}
END_TEST

START_TEST(test_dependency)
{
	begin();
	toy("\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
	ck_assert_str_eq(cond("SecretMissing"), "True NotFound");
	ck_assert_str_eq(cond(COND_READY), "False NotFound");
	ck_assert_str_eq(cond(COND_RECONCILING), "True ProgressingWithRetry");
	ck_assert_ptr_nonnull(strstr(fake_kube_log(kube), "EVENT NotFound"));
	/* Not by the back-off: its coming makes the toy due. */
	fake_kube_put(kube, "secrets",
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"n\"},\"type\":\"Opaque\"}");
	settle();
	ck_assert_str_eq(said(), "hello");
	ck_assert_str_eq(cond("SecretMissing"), "");
	ck_assert_str_eq(cond(COND_READY), "True Succeeded");
	end();
}
END_TEST

/* Its Secret is in another namespace, and it depends on that Namespace as well. */
static void depends_elsewhere(const struct spec *s, kind_ref_fn on, void *arg)
{
	(void)s;
	on(arg, 0, "other", "s");
	on(arg, 1, NULL, "other");
}

static struct kind kind_elsewhere(void)
{
	static const struct kube_resource secrets = {"", "v1", "secrets", "Secret", true};
	static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", false};
	struct kind k = toy_kind;

	k.depends[0] = &secrets;
	k.depends[1] = &namespaces;
	k.depends_each = depends_elsewhere;
	return k;
}

static uint64_t runs(void)
{
	return metric_count(item_find(c, "n/t")->duration);
}

START_TEST(test_dependency_elsewhere)
{
	struct kind k = kind_elsewhere();

	begin_with(&k);
	toy("\"say\":\"hello\"");
	ck_assert_uint_eq(runs(), 1);
	/* Of the same name, but not the one. */
	fake_kube_put(kube, "secrets", "{\"metadata\":{\"name\":\"s\",\"namespace\":\"n\"}}");
	settle();
	ck_assert_uint_eq(runs(), 1);
	fake_kube_put(kube, "secrets", "{\"metadata\":{\"name\":\"s\",\"namespace\":\"other\"}}");
	settle();
	ck_assert_uint_eq(runs(), 2);
	fake_kube_put(kube, "namespaces", "{\"metadata\":{\"name\":\"n\",\"namespace\":\"\"}}");
	settle();
	ck_assert_uint_eq(runs(), 2);
	fake_kube_put(kube, "namespaces", "{\"metadata\":{\"name\":\"other\",\"namespace\":\"\"}}");
	settle();
	ck_assert_uint_eq(runs(), 3);
	fake_kube_merge(
		kube, "namespaces", "", "other", "{\"metadata\":{\"labels\":{\"team\":\"web\"}}}");
	settle();
	ck_assert_uint_eq(runs(), 4);
	end();
}
END_TEST

/* What it found at the other end of a reference, in the namespace where that is. */
START_TEST(test_found_elsewhere)
{
	struct kind k = kind_elsewhere();

	begin_with(&k);
	toy("\"say\":\"hello\"");
	item_found(item_find(c, "n/t"), 0, "third", (const char *const[]){"x", NULL});
	fake_kube_put(kube, "secrets", "{\"metadata\":{\"name\":\"x\",\"namespace\":\"n\"}}");
	settle();
	ck_assert_uint_eq(runs(), 1);
	fake_kube_put(kube, "secrets", "{\"metadata\":{\"name\":\"x\",\"namespace\":\"third\"}}");
	settle();
	ck_assert_uint_eq(runs(), 2);
	end();
}
END_TEST

static void plain_succeeded(struct run *r, json_t *status)
{
	(void)status;
	cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", "all is said");
}

/* Flux's image kinds have no condition that says what failed: Ready does, and Reconciling or
   Stalled beside it tell clients whether to wait. */
START_TEST(test_only_the_common_conditions)
{
	static const char *const common[] = {COND_STALLED, COND_RECONCILING, NULL};
	struct kind k = toy_kind;

	k.conditions = k.negative = common;
	k.failures = NULL;
	k.succeeded = plain_succeeded;
	begin_with(&k);
	toy("\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
	ck_assert_str_eq(cond(COND_READY), "False NotFound");
	ck_assert_str_eq(cond(COND_RECONCILING), "True ProgressingWithRetry");
	ck_assert_str_eq(cond(COND_STALLED), "");
	ck_assert_str_eq(cond("SecretMissing"), "");
	ck_assert_int_eq(observed(), -2); /* kstatus: in progress */
	change("{\"spec\":{\"interval\":\"soon\"}}");
	ck_assert_str_eq(cond(COND_READY), "False InvalidSpec");
	ck_assert_str_eq(cond(COND_STALLED), "True InvalidSpec");
	ck_assert_str_eq(cond(COND_RECONCILING), "");
	ck_assert_int_eq(observed(), 2);
	change("{\"spec\":{\"interval\":null}}");
	ck_assert_str_eq(cond(COND_READY), "False NotFound");
	ck_assert_str_eq(cond(COND_STALLED), "");
	ck_assert_int_eq(observed(), 2);
	change("{\"spec\":{\"secretRef\":null}}");
	ck_assert_str_eq(cond(COND_READY), "True Succeeded");
	ck_assert_str_eq(cond(COND_RECONCILING), "");
	ck_assert_str_eq(cond(COND_STALLED), "");
	ck_assert_int_eq(observed(), 4);
	end();
}
END_TEST

START_TEST(test_wrong_spec)
{
	begin();
	toy("\"say\":\"hello\",\"interval\":\"soon\"");
	ck_assert_str_eq(cond(COND_STALLED), "True InvalidSpec");
	ck_assert_str_eq(cond(COND_READY), "False InvalidSpec");
	pass(120000);
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), 1);
	change("{\"spec\":{\"interval\":\"1m\"}}");
	ck_assert_str_eq(cond(COND_READY), "True Succeeded");
	ck_assert_str_eq(cond(COND_STALLED), "");
	end();
}
END_TEST

START_TEST(test_no_text)
{
	begin();
	toy("\"interval\":\"1m\"");
	ck_assert_str_eq(cond(COND_STALLED), "True InvalidSpec");
	ck_assert_str_eq(cond("SayFailed"), "True InvalidSpec");
	ck_assert_str_eq(cond("SecretMissing"), "");
	change("{\"spec\":{\"say\":\"hello\"}}");
	ck_assert_str_eq(said(), "hello");
	ck_assert_str_eq(cond("SayFailed"), "");
	end();
}
END_TEST

/* A Secret that cannot be read is not one that is missing. */
START_TEST(test_secret_refused)
{
	begin();
	fake_kube_fail(kube, "GET secrets/s", 403, 1);
	toy("\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
	ck_assert_str_eq(cond("SayFailed"), "True SecretReadFailed");
	ck_assert_str_eq(cond("SecretMissing"), "");
	pass(750);
	ck_assert_str_eq(cond("SayFailed"), "");
	ck_assert_str_eq(cond("SecretMissing"), "True NotFound");
	end();
}
END_TEST

/* A run that finds all as it was, without a write, settles the object. */
START_TEST(test_settled)
{
	begin();
	toy("\"say\":\"hello\"");
	ck_assert(!item_find(c, "n/t")->settled);
	pass(60000);
	ck_assert(item_find(c, "n/t")->settled);
	pass(60000);
	ck_assert(item_find(c, "n/t")->settled);
	change("{\"spec\":{\"say\":\"good morning\"}}");
	ck_assert_str_eq(said(), "good morning");
	ck_assert(!item_find(c, "n/t")->settled);
	end();
}
END_TEST

/* A failure to write is tried again after the back-off. */
START_TEST(test_write_fails)
{
	begin();
	fake_kube_fail(kube, "PATCH toys/t/status", 500, 1);
	toy("\"say\":\"hello\"");
	ck_assert_str_eq(said(), "");
	pass(750);
	ck_assert_str_eq(said(), "hello");
	end();
}
END_TEST

/* ---- beside another kind --------------------------------------------------------------------- */

static char *page(void)
{
	struct metrics_scrape *s = metrics_scrape_start(metrics);
	struct buf b = BUF_INIT(BUF_ANY);

	while (metrics_scrape_next(s, &b))
		;
	metrics_scrape_end(s);
	return buf_take(&b);
}

static struct controller *new_of(const struct kind *k)
{
	return controller_new(k,
		&(struct controller_opts){
			.loop = loop, .kube = client, .metrics = metrics, .events = events});
}

/* They share the families, and what is freed is not asked any more. */
START_TEST(test_two_kinds)
{
	struct kind second = toy_kind;
	struct controller *d;
	auto_free char *both = NULL, *one = NULL;

	begin();
	second.name = "second";
	d = new_of(&second);
	both = page();
	ck_assert_ptr_nonnull(strstr(
		both, "\nworkqueue_depth{name=\"toy\",controller=\"toy\",priority=\"0\"} 0\n"));
	ck_assert_ptr_nonnull(strstr(both,
		"\nworkqueue_depth{name=\"second\",controller=\"second\",priority=\"0\"} 0\n"));
	ck_assert_ptr_nonnull(
		strstr(both, "\noci_turns{name=\"second\",lane=\"check\",state=\"waiting\"} 0\n"));
	ck_assert_ptr_nonnull(
		strstr(both, "\noci_turns_longest_wait_seconds{name=\"toy\",lane=\"check\"} 0\n"));
	controller_stop(d);
	controller_free(d);
	one = page();
	ck_assert_ptr_nonnull(strstr(
		one, "\nworkqueue_depth{name=\"toy\",controller=\"toy\",priority=\"0\"} 0\n"));
	ck_assert_ptr_null(strstr(one, "workqueue_depth{name=\"second\""));
	end();
}
END_TEST

/* ---- where it waits -------------------------------------------------------------------------- */

/* All places of a lane, held by somebody else. */
struct crowd {
	struct turn turns[64];
};

static void granted(void *arg)
{
	(void)arg;
}

static void crowd_in(struct crowd *all, struct turns *lane)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(all->turns); i++) {
		turn_init(&all->turns[i], lane, granted, NULL);
		turn_wait(&all->turns[i], &(struct turn_ask){.owner = "others", .host = ""});
	}
	ck_assert_uint_eq(lane->held, ARRAY_LEN(all->turns));
}

static void crowd_out(struct crowd *all)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(all->turns); i++)
		turn_leave(&all->turns[i]);
	settle();
}

static const char *reconciling(void)
{
	const json_t *all = obj_get(fake_kube_get(kube, "toys", "n", "t"), "status", "conditions");
	json_t *one;
	size_t i;

	json_array_foreach (all, i, one)
		if (!strcmp(obj_str_or("", one, "type"), COND_RECONCILING))
			return obj_str_or("", one, "message");
	return "";
}

static enum lane in_fresh(const struct item *i)
{
	(void)i;
	return LANE_FRESH;
}

static char *host_of_toy(const struct spec *s)
{
	(void)s;
	return mem_strdup("well.test|1");
}

static bool not_proven(void *env, const char *host)
{
	(void)env;
	(void)host;
	return false;
}

static const char *host_shown(const char *host, struct buf *out)
{
	buf_addf(out, "%.*s", (int)strcspn(host, "|"), host);
	return buf_str(out);
}

/* rows: without a hook; with one; with a host, and one that has not answered */
static const struct wait_row {
	bool fresh, host, unproven;
	const char *says;
} WAITS[] = {
	{false, false, false, "waiting for a turn: other objects come first"},
	{true, false, false, "waiting for a turn: other objects come first"},
	{false, true, false, "waiting for a turn to ask 'well.test': other objects come first"},
	{false, true, true,
		"waiting for shop 'well.test', which has not answered yet: it is asked for one "
		"object at a time"},
};

START_TEST(test_waits)
{
	static const struct item_hooks fresh = {.lane = in_fresh};
	const struct wait_row *row = &WAITS[_i];
	struct kind k = toy_kind;
	struct crowd crowd;

	if (row->fresh)
		k.item = &fresh;
	if (row->host) {
		k.host = host_of_toy;
		k.host_noun = "shop";
		k.host_text = host_shown;
	}
	if (row->unproven)
		k.host_proven = not_proven;
	begin_with(&k);
	crowd_in(&crowd, row->fresh ? &c->lanes.fresh : &c->lanes.check);
	toy("\"say\":\"hello\"");
	pass(5000);
	ck_assert_str_eq(reconciling(), "");
	pass(10000);
	ck_assert_str_eq(reconciling(), row->says);
	ck_assert_str_eq(said(), "");
	crowd_out(&crowd);
	ck_assert_str_eq(said(), "hello");
	end();
}
END_TEST

static bool shop_is_up(void *env, const char *host)
{
	(void)env;
	(void)host;
	return true;
}

static char *bare_host(const struct spec *s)
{
	(void)s;
	return mem_strdup("well.test");
}

/* Its host is back: it does not wait for the end of its back-off. rows: a host's name alone, and
   with more behind it */
START_TEST(test_host_changed)
{
	struct kind k = toy_kind;

	k.host = _i ? host_of_toy : bare_host;
	k.host_noun = "shop";
	k.host_up = shop_is_up;
	begin_with(&k);
	fake_kube_fail(kube, "GET secrets/s", 500, 9);
	toy("\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
	ck_assert_str_eq(cond(COND_READY), "False SecretReadFailed");
	fake_kube_log_reset(kube);
	controller_host_changed(c, "well.tes");
	controller_host_changed(c, "well.test.org");
	settle();
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), 1);
	controller_host_changed(c, "well.test");
	settle();
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), 2);
	end();
}
END_TEST

/* How hosts are asked has changed: whoever failed is tried, at whatever host; and nobody else. */
START_TEST(test_try_failed)
{
	begin();
	fake_kube_fail(kube, "GET secrets/s", 500, 9);
	toy(_i ? "\"say\":\"hello\"" : "\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
	controller_try_failed(c);
	settle();
	ck_assert_uint_eq(metric_count(item_find(c, "n/t")->duration), _i ? 1 : 2);
	end();
}
END_TEST

/* Every object runs again, also one that goes by what its last run found: of many, a few at a
   time. */
START_TEST(test_unsettle)
{
	unsigned i;

	begin();
	for (i = 0; i < 400; i++) {
		auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"t%u\",\"namespace\":"
						  "\"n\"},\"spec\":{\"say\":\"hello\"}}",
			i);

		fake_kube_put(kube, "toys", json);
	}
	settle();
	controller_unsettle(c);
	settle();
	for (i = 0; i < 400; i++) {
		auto_free char *key = mem_printf("n/t%u", i);

		ck_assert_uint_eq(metric_count(item_find(c, key)->duration), 2);
	}
	end();
}
END_TEST

/* ---- what has to be there -------------------------------------------------------------------- */

static const size_t REQUIRED[] = {
	offsetof(struct kind, name),
	offsetof(struct kind, resource),
	offsetof(struct kind, item_size),
	offsetof(struct kind, run_size),
	offsetof(struct kind, spec_new),
	offsetof(struct kind, depends_each),
	offsetof(struct kind, work),
	offsetof(struct kind, work_last),
	offsetof(struct kind, remove),
	offsetof(struct kind, remove_last),
	offsetof(struct kind, conditions),
	offsetof(struct kind, negative),
};

START_TEST(test_required)
{
	struct kind k = toy_kind;

	begin();
	memset((char *)&k + REQUIRED[_i], 0, sizeof(void *));
	new_of(&k);
}
END_TEST

/* rows: a failure that is not negative, a negative that is no condition, a host without a word for
   it, half a restore */
START_TEST(test_does_not_fit)
{
	static const char *const odd[] = {"Odd", NULL};
	static const char *const negative[] = {COND_STALLED, COND_RECONCILING, "Odd", NULL};
	struct kind k = toy_kind;

	begin();
	if (_i == 0)
		k.failures = odd;
	else if (_i == 1)
		k.negative = negative;
	else if (_i == 2)
		k.host = bare_host;
	else
		k.restore = k.work;
	new_of(&k);
}
END_TEST

START_TEST(test_without_metrics)
{
	begin();
	controller_new(&toy_kind, &(struct controller_opts){.loop = loop, .kube = client});
}
END_TEST

/* ---- what its metrics say -------------------------------------------------------------------- */

#define INFO \
	"\ngotk_resource_info{customresource_group=\"test.example\"," \
	"customresource_version=\"v1\",customresource_kind=\"Toy\",name=\"t\"," \
	"exported_namespace=\"n\","
#define OF_TOY "{kind=\"Toy\",name=\"t\",exported_namespace=\"n\"} "

static const char *toy_url(const struct spec *s)
{
	(void)s;
	return "oci://me:word@h.example/a\\b\"\n?token=x";
}

static const char *toy_revision(const struct item *i)
{
	(void)i;
	return "v1@sha256:ab";
}

static bool page_has(const char *text)
{
	auto_free char *now = page();

	return strstr(now, text) != NULL;
}

static void begin_shown(void)
{
	static struct kind k;

	k = toy_kind;
	k.url = toy_url;
	k.revision = toy_revision;
	begin_with(&k);
}

/* The labels follow the object, and go with it. */
START_TEST(test_resource_info)
{
	static const char rest[] = "revision=\"v1@sha256:ab\","
				   "url=\"oci://h.example/a\\\\b\\\"?\"} 1\n";
	auto_free char *unready = mem_printf(INFO "ready=\"False\",suspended=\"false\",%s", rest);
	auto_free char *ready = mem_printf(INFO "ready=\"True\",suspended=\"false\",%s", rest);
	auto_free char *paused = mem_printf(INFO "ready=\"True\",suspended=\"true\",%s", rest);

	begin_shown();
	toy("\"say\":\"hello\",\"interval\":\"1m\",\"secretRef\":{\"name\":\"s\"}");
	ck_assert(page_has(unready));
	ck_assert(page_has("\noci_object_interval_seconds" OF_TOY "60\n"));
	ck_assert(!page_has("oci_object_last_success_timestamp_seconds{")); /* none yet */
	change("{\"spec\":{\"secretRef\":null}}");
	ck_assert(page_has(ready));
	ck_assert(page_has("\noci_object_last_success_timestamp_seconds" OF_TOY "1800000000\n"));
	/* One that finds nothing new is a success, too; a failure is none. */
	pass(60000);
	ck_assert(page_has("\noci_object_last_success_timestamp_seconds" OF_TOY "1800000060\n"));
	change("{\"spec\":{\"secretRef\":{\"name\":\"s\"}}}");
	pass(60000);
	ck_assert(page_has(unready));
	ck_assert(page_has("\noci_object_last_success_timestamp_seconds" OF_TOY "1800000060\n"));
	change("{\"spec\":{\"secretRef\":null}}");
	change("{\"spec\":{\"suspend\":true}}");
	ck_assert(page_has(paused));
	ck_assert(!page_has("oci_object_interval_seconds{"));
	/* Somebody else writes: what is shown is what it says. */
	change("{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":"
	       "\"Unknown, and more\"}]}}");
	ck_assert(page_has(INFO "ready=\"Unknown\","));
	change("{\"status\":{\"conditions\":null}}");
	ck_assert(page_has(INFO "ready=\"\","));
	fake_kube_delete(kube, "toys", "n", "t");
	settle();
	ck_assert(!page_has("name=\"t\""));
	end();
}
END_TEST

static void row_take(void *arg, const struct page_row *r)
{
	ck_assert_str_eq(r->title, "Toy");
	*(json_t **)arg = row_json(r, true);
}

/* On the status page: a kind has no artifact, and says nothing more of itself. */
START_TEST(test_shown)
{
	auto_json json_t *row = NULL;

	begin_shown();
	toy("\"say\":\"hello\",\"interval\":\"1m\"");
	ck_assert(shown_row(c, "n/t", row_take, &row));
	ck_assert_str_eq(obj_str_or("", row, "kind"), "toy");
	ck_assert_str_eq(obj_str_or("", row, "state"), "ready");
	ck_assert_str_eq(obj_str_or("", row, "revision"), "v1@sha256:ab");
	ck_assert_ptr_nonnull(strstr(obj_str_or("", row, "url"), "oci://h.example/a"));
	ck_assert_ptr_null(strstr(obj_str_or("", row, "url"), "token"));
	ck_assert_ptr_null(obj_get(row, "artifactURL"));
	ck_assert(!shown_row(c, "n/other", row_take, &row));
	end();
}
END_TEST

/* controller-runtime's names. */
START_TEST(test_run_metrics)
{
	begin();
	fake_kube_fail(kube, "PATCH toys/t/status", 500, 1);
	toy("\"say\":\"hello\"");
	ck_assert(page_has("\ncontroller_runtime_reconcile_errors_total{controller=\"toy\"} 1\n"));
	ck_assert(page_has("\nworkqueue_retries_total{name=\"toy\",controller=\"toy\"} 1\n"));
	pass(750);
	change("{\"spec\":{\"interval\":\"soon\"}}"); /* stalls */
	ck_assert(page_has("\ncontroller_runtime_reconcile_errors_total{controller=\"toy\"} 1\n"));
	ck_assert(page_has(
		"\ncontroller_runtime_terminal_reconcile_errors_total{controller=\"toy\"} 1\n"));
	ck_assert(page_has(
		"\ncontroller_runtime_reconcile_time_seconds_count{controller=\"toy\"} 3\n"));
	ck_assert(page_has("\ncontroller_runtime_reconcile_time_seconds_bucket{controller="
			   "\"toy\",le=\"60\"} 3\n"));
	ck_assert(page_has(
		"\nworkqueue_queue_duration_seconds_count{name=\"toy\",controller=\"toy\"} 3\n"));
	ck_assert(page_has(
		"\nworkqueue_work_duration_seconds_count{name=\"toy\",controller=\"toy\"} 3\n"));
	ck_assert(page_has("\nworkqueue_work_duration_seconds_bucket{name=\"toy\",controller="
			   "\"toy\",le=\"1e-08\"} 0\n"));
	ck_assert(page_has(
		"\ncontroller_runtime_max_concurrent_reconciles{controller=\"toy\"} 16\n"));
	ck_assert(page_has(
		"\nworkqueue_unfinished_work_seconds{name=\"toy\",controller=\"toy\"} 0\n"));
	end();
}
END_TEST

/* During a run's last write. */
static void see_run(void *arg)
{
	clock_fake_add(3000);
	*(bool *)arg = page_has("\nworkqueue_unfinished_work_seconds{name=\"toy\",controller="
				"\"toy\"} 3\n") &&
		page_has("\nworkqueue_longest_running_processor_seconds{name=\"toy\",controller="
			 "\"toy\"} 3\n") &&
		page_has("\ncontroller_runtime_active_workers{controller=\"toy\"} 1\n");
}

START_TEST(test_run_in_flight)
{
	bool seen = false;

	begin();
	fake_kube_hook(kube, "PATCH toys/t/status", see_run, &seen);
	toy("\"say\":\"hello\"");
	ck_assert(seen);
	end();
}
END_TEST

static const char *long_url(const struct spec *s)
{
	static char url[5000];

	(void)s;
	memset(url, 'u', sizeof(url) - 1);
	return url;
}

/* Many objects, each with a URL as long as it likes: a slice is bounded, and each is there once. */
START_TEST(test_many_objects)
{
	enum { N = 300 };
	struct metrics_scrape *s;
	struct buf b = BUF_INIT(BUF_ANY);
	struct kind k = toy_kind;
	unsigned slices = 0, found = 0;
	const char *at;
	int i;

	k.url = long_url;
	begin_with(&k);
	for (i = 0; i < N; i++) {
		auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"t%d\",\"namespace\":"
						  "\"n\"},\"spec\":{\"say\":\"x\"}}",
			i);

		fake_kube_put(kube, "toys", json);
	}
	settle();
	s = metrics_scrape_start(metrics);
	for (;;) {
		size_t before = b.len;
		bool more = metrics_scrape_next(s, &b);

		slices++;
		ck_assert_uint_lt(b.len - before, 160 * 1024);
		if (!more)
			break;
	}
	metrics_scrape_end(s);
	ck_assert_uint_gt(slices, 5);
	ck_assert_uint_lt(b.len, N * 4000);
	for (at = b.p; (at = strstr(at, "\ngotk_resource_info{")); at++)
		found++;
	ck_assert_uint_eq(found, N);
	buf_clear(&b);
	end();
}
END_TEST

/* A condition that no run would take away again. */
START_TEST(test_unknown_failure)
{
	static const char *const others[] = {"SayFailed", NULL};
	struct kind k = toy_kind;

	k.failures = others;
	begin_with(&k);
	toy("\"say\":\"hello\",\"secretRef\":{\"name\":\"s\"}");
}
END_TEST

/* The optional is optional. */
START_TEST(test_without_failures)
{
	struct kind k = toy_kind;

	k.failures = NULL;
	k.finalizer = NULL;
	k.succeeded = NULL;
	begin_with(&k);
	toy("\"say\":\"hello\",\"interval\":\"soon\"");
	ck_assert_str_eq(cond(COND_READY), "False InvalidSpec");
	change("{\"spec\":{\"interval\":\"1m\"}}");
	ck_assert_str_eq(cond(COND_READY), "True Succeeded");
	end();
}
END_TEST

Suite *suite_controller(void);
Suite *suite_controller(void)
{
	Suite *s = suite_create("controller");
	TCase *tc = tcase_create("controller");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_created_and_changed);
	tcase_add_test(tc, test_suspended);
	tcase_add_test(tc, test_deleted);
	tcase_add_test(tc, test_conflict);
	tcase_add_test(tc, test_changed_under_it);
	tcase_add_test(tc, test_dependency);
	tcase_add_test(tc, test_dependency_elsewhere);
	tcase_add_test(tc, test_found_elsewhere);
	tcase_add_test(tc, test_only_the_common_conditions);
	tcase_add_test(tc, test_wrong_spec);
	tcase_add_test(tc, test_no_text);
	tcase_add_test(tc, test_secret_refused);
	tcase_add_test(tc, test_settled);
	tcase_add_test(tc, test_write_fails);
	tcase_add_test(tc, test_two_kinds);
	tcase_add_loop_test(tc, test_waits, 0, (int)ARRAY_LEN(WAITS));
	tcase_add_loop_test(tc, test_host_changed, 0, 2);
	tcase_add_loop_test(tc, test_try_failed, 0, 2);
	tcase_add_test(tc, test_unsettle);
	tcase_add_loop_test_raise_signal(tc, test_required, SIGABRT, 0, (int)ARRAY_LEN(REQUIRED));
	tcase_add_loop_test_raise_signal(tc, test_does_not_fit, SIGABRT, 0, 4);
	tcase_add_test_raise_signal(tc, test_without_metrics, SIGABRT);
	tcase_add_test_raise_signal(tc, test_unknown_failure, SIGABRT);
	tcase_add_test(tc, test_without_failures);
	tcase_add_test(tc, test_resource_info);
	tcase_add_test(tc, test_shown);
	tcase_add_test(tc, test_run_metrics);
	tcase_add_test(tc, test_run_in_flight);
	tcase_add_test(tc, test_many_objects);
	suite_add_tcase(s, tc);
	return s;
}
