/* Objects that come, go and change while something is on its way: nothing dangles, nothing is left
   behind, nothing spins. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "base/sys.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "kube/watch.h"
#include "source/env.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int count(const char *text, const char *what)
{
	int n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void turns(struct world *w, int n)
{
	while (n--)
		loop_turn(w->loop, false);
}

/* As kubectl delete and apply by somebody who also took the finalizer away. */
static void recreate(struct world *w, const char *spec)
{
	fake_kube_merge(
		w->kube, "ocirepositories", "apps", "web", "{\"metadata\":{\"finalizers\":null}}");
	if (fake_kube_get(w->kube, "ocirepositories", "apps", "web"))
		fake_kube_delete(w->kube, "ocirepositories", "apps", "web");
	world_object(w, "web", spec);
}

START_TEST(test_recreated)
{
	struct world w;
	struct fake_image image, next;
	char uid[64];

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	snprintf(uid, sizeof(uid), "%s", world_item(&w, "web")->uid);
	recreate(&w, "\"ref\":{\"tag\":\"2.0\"}");
	world_settle(&w);
	ck_assert_str_ne(world_item(&w, "web")->uid, uid);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	/* The new one lives on by itself: interval, metrics, file. */
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/2.0\n");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_uint_eq(metric_count(world_item(&w, "web")->duration), 2);
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

static atomic_int at_point, go_on;

/* On a worker: says that it came by and waits until the test lets it go on. */
static void hold_worker(const char *point, void *arg)
{
	/* arg: a point, or several of them */
	if (!strstr(arg, point) || atomic_load(&go_on))
		return;
	atomic_fetch_add(&at_point, 1);
	while (!atomic_load(&go_on))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static bool is_at_point(struct world *w)
{
	(void)w;
	return atomic_load(&at_point);
}

static void arm(const char *point)
{
	atomic_store(&at_point, 0);
	atomic_store(&go_on, 0);
	sys_on_point(hold_worker, (void *)(uintptr_t)point);
}

static bool is_leaving(struct world *w)
{
	return !kube_watch_find(w->c->watch, "apps", "web") ||
		map_get(&w->c->leaving, "apps/web") != NULL;
}

/* The run of the one that is gone is with a worker that cannot be stopped: its namesake waits for
   its end. */
START_TEST(test_recreated_during_a_run)
{
	struct world w;
	struct fake_image image, next;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	arm("store.written");
	world_start(&w);
	world_until(&w, is_at_point, "the worker");
	recreate(&w, "\"ref\":{\"tag\":\"2.0\"}");
	world_until(&w, is_leaving, "the deletion");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	turns(&w, 500);
	ck_assert_int_eq(count(fake_log(w.reg), "HEAD"), 1);
	ck_assert_uint_eq(w.c->queue.running, 1);
	atomic_store(&go_on, 1);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	ck_assert_uint_eq(w.c->items, 1);
	sys_fault_clear();
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

static int files_on_disk(struct world *w)
{
	auto_free char *cmd =
		mem_printf("find %s/ocirepository -name 'sha*' 2>/dev/null | wc -l", w->root);
	FILE *p = popen(cmd, "r");
	int n = -1;

	ck_assert_int_eq(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

static bool second_generation(struct world *w)
{
	return world_item(w, "web")->generation == 2;
}

/* Cancelled after the rename: the file is known to the store, and goes when its time has come. */
START_TEST(test_cancel_after_rename)
{
	struct world w;
	struct fake_image image, next;
	struct store_stats st;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	arm("store.renamed");
	world_start(&w);
	world_until(&w, is_at_point, "the worker");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_until(&w, second_generation, "the change");
	atomic_store(&go_on, 1);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	store_stats(w.store, &st);
	ck_assert_int_eq(files_on_disk(&w), 2);
	ck_assert_uint_eq(st.files, 2);
	world_pass(&w, 61000);
	ck_assert_int_eq(files_on_disk(&w), 1);
	sys_fault_clear();
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

static enum store_got ask(struct world *w)
{
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	enum store_got got;
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, world_status(w, "web", "artifact.path"), &err), 0);
	got = store_get(w->store, &p, &f, &fd);
	sys_close(fd);
	return got;
}

static bool is_held(struct world *w)
{
	return ask(w) == STORE_WAIT;
}

/* A cancel that comes between the store's hold and the run's hearing of it. */
START_TEST(test_cancel_at_hold)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ignore\":\"*.md\"}}");
	world_until(&w, is_held, "the hold");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ignore\":null}}");
	queue_cancel(&world_item(&w, "web")->queue_item, CAUSE_SHUTDOWN);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "3");
	ck_assert_int_eq(ask(&w), STORE_HIT);
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

static void to_two(void *arg)
{
	struct world *w = arg;

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web",
		"{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
}

/* Somebody wrote, the PATCH is refused, and the watch is late: the object is read, not asked for
   again and again. */
START_TEST(test_conflict_while_the_watch_is_late)
{
	struct world w;
	struct fake_image image, next;
	bool finalizer = _i == 0;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	if (finalizer)
		fake_kube_hook(w.kube, "PATCH ocirepositories/web", relabel, &w);
	else
		fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", to_two, &w);
	fake_kube_mute(w.kube, true);
	world_start(&w);
	turns(&w, 3000);
	world_settle(&w);
	ck_assert_msg(count(world_writes(&w), "\n") <= 5, "writes:\n%s", world_writes(&w));
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
		finalizer ? image.layer_text : next.layer_text);
	fake_kube_mute(w.kube, false);
	world_settle(&w);
	ck_assert_msg(count(world_writes(&w), "\n") <= 5, "writes:\n%s", world_writes(&w));
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

static void request(void *arg)
{
	struct world *w = arg;

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"y\"}}}");
}

/* The API server's database is restored from a backup: its versions are lower than those we know,
   and what it says counts all the same. */
START_TEST(test_restored_from_a_backup)
{
	struct world w;
	struct fake_image image, next;
	int i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	fake_kube_go_back(w.kube);
	to_two(&w);
	for (i = 0; i < 8; i++)
		world_pass(&w, 4000);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "2");
	/* And it is followed as before. */
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* A refusal that is no matter of versions, from a webhook say: tried again with back-off, not as
   fast as the API server can answer. */
START_TEST(test_conflict_without_a_cause)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_fail(w.kube, "PATCH ocirepositories/web", 409, 1000);
	world_start(&w);
	turns(&w, 3000);
	ck_assert_int_eq(count(world_writes(&w), "\n"), 1);
	world_pass(&w, 750);
	ck_assert_int_eq(count(world_writes(&w), "\n"), 2);
	fake_kube_behave(w.kube);
	world_pass(&w, 1500);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Somebody asks while a run is under way: what it has pulled is written down, or who asks often
   enough keeps a long pull from ever ending. The request is answered by the next run. rows: the
   watch has told of it, or is late */
START_TEST(test_asked_during_a_run)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", request, &w);
	fake_kube_mute(w.kube, _i == 1);
	world_start(&w);
	turns(&w, 3000);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "y");
	ck_assert_int_eq(count(fake_log(w.reg), "/blobs/"), 1);
	/* The finalizer, the refused one, the result, and the answer to the request. */
	ck_assert_int_eq(count(world_writes(&w), "\n"), 4);
	fake_kube_mute(w.kube, false);
	world_settle(&w);
	ck_assert_int_eq(count(world_writes(&w), "\n"), 4);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The same when the run in between has nothing else to say. */
START_TEST(test_asked_twice_for_nothing)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", request, &w);
	fake_kube_mute(w.kube, _i == 1);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_pass(&w, _i ? 70000 : 0);
	fake_kube_mute(w.kube, false);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "y");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The same at the end: the finalizer's removal is refused. */
START_TEST(test_conflict_at_deletion)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_forget(&w);
	fake_kube_hook(w.kube, "PATCH ocirepositories/web", relabel, &w);
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	ck_assert_str_eq(
		world_writes(&w), "PATCH ocirepositories/web\nPATCH ocirepositories/web\n");
	ck_assert_uint_eq(w.c->items, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static int threads(void)
{
	return atoi(getenv("UV_THREADPOOL_SIZE"));
}

static bool heavy_are_held(struct world *w)
{
	(void)w;
	return atomic_load(&at_point) == threads() - 1;
}

static bool all_are_held(struct world *w)
{
	(void)w;
	return atomic_load(&at_point) == threads();
}

static bool is_deleting(struct world *w)
{
	return world_item(w, "web")->deleting;
}

/* Somebody takes the finalizer away before the files could be removed, and makes the object anew:
   none of the old files is left. */
START_TEST(test_cancel_at_removal)
{
	struct world w;
	struct fake_image image, next;
	auto_free char *old = NULL;
	int i;

	/* With more threads one namespace does not get them all. */
	setenv("UV_THREADPOOL_SIZE", "2", 1);
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_object(&w, "other", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	old = mem_printf("%s/%s", w.root, world_status(&w, "web", "artifact.path"));
	/* All workers have something to do: the removal waits in line. */
	arm("store.written store.removing");
	for (i = 0; i < threads(); i++) {
		char name[16];

		snprintf(name, sizeof(name), "o%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
	}
	world_until(&w, heavy_are_held, "the heavy workers");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "other");
	world_until(&w, all_are_held, "the last worker");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_until(&w, is_deleting, "the deletion");
	turns(&w, 50);
	recreate(&w, "\"ref\":{\"tag\":\"2.0\"}");
	world_until(&w, is_leaving, "the event");
	turns(&w, 50);
	atomic_store(&go_on, 1);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_int_eq(access(old, F_OK), -1);
	sys_fault_clear();
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* Others' finalizers keep the object alive after ours is gone: its files are, it is not looked
   after any more, and a start does not wait. */
START_TEST(test_foreign_finalizer)
{
	struct world w;
	struct fake_image image;
	struct store_stats st;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"finalizers\":[\"finalizers.fluxcd.io\",\"other/one\"]}}");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_nonnull(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	ck_assert_int_eq(files_on_disk(&w), 0);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.objects, 0); /* nothing for the sweep to find again and again */
	world_stop(&w);
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert(store_ready(w.store));
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"metadata\":{\"finalizers\":null}}");
	world_settle(&w);
	ck_assert_uint_eq(w.c->items, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Its labels do not match any more: the run in flight ends, nothing is written, the files stay for
   the sweep. */
START_TEST(test_leaves_the_selector)
{
	struct world w;
	struct fake_image image;
	struct store_stats st;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	arm("store.renamed");
	world_start(&w);
	world_until(&w, is_at_point, "the worker");
	world_forget(&w);
	fake_kube_leave(w.kube, "ocirepositories", "apps", "web");
	world_until(&w, is_leaving, "the event");
	atomic_store(&go_on, 1);
	world_settle(&w);
	ck_assert_uint_eq(w.c->items, 0);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_int_eq(files_on_disk(&w), 1);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.files, 1);
	sys_fault_clear();
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static bool is_ready(struct world *w)
{
	return store_ready(w->store);
}

/* A registry that does not answer holds all runs, but the files that are there are served after a
   start. */
START_TEST(test_start_while_the_registry_hangs)
{
	enum { N = 140 };
	struct world w;
	struct fake_image image;
	struct fake_answer *silent;
	char name[16];
	int i;

	world_init(&w);
	silent = fake_on(w.reg, "HEAD", "");
	silent->way = FAKE_SILENT;
	world_push(&w, "1.0", &w.layer, &image);
	for (i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
	}
	world_start(&w);
	world_settle(&w);
	world_stop(&w);
	silent->path = "/v2/app/manifests/1.0";
	world_start(&w);
	world_until(&w, is_ready, "readiness");
	for (i = 0; i < N; i++) {
		struct store_file f;

		snprintf(name, sizeof(name), "o%d", i);
		ck_assert_msg(store_known(w.store, world_status(&w, name, "artifact.path"), &f),
			"%s", name);
	}
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* SIGTERM at any turn of a start and of the first runs: objects that are new, Ready, lost, being
   deleted. */
START_TEST(test_stop_at_any_time)
{
	struct world w;
	struct fake_image image;
	auto_free char *lost = NULL;
	int i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_object(&w, "lost", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_stop(&w);
	lost = mem_printf("%s/%s", w.root, world_status(&w, "lost", "artifact.path"));
	for (i = 0; i < 40; i++) {
		char name[16];

		snprintf(name, sizeof(name), "new%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
		unlink(lost);
		if (i > 2) {
			snprintf(name, sizeof(name), "new%d", i - 2);
			fake_kube_delete(w.kube, "ocirepositories", "apps", name);
		}
		world_start(&w);
		turns(&w, i * 6);
		world_stop(&w);
	}
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(access(lost, F_OK), 0);
	ck_assert_str_eq(world_status(&w, "new39", "Ready.status"), "True");
	ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "new37"));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Anybody may write one into a string; the object is refused, not all that the watch says. */
START_TEST(test_nul)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "bad", "\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"a\\u0000b\"");
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"event.toolkit.fluxcd.io/x\":\"a\\u0000b\"}}}");
	fake_kube_put(w.kube, "secrets",
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"apps\",\"annotations\":{\"x\":"
		"\"\\u0000\"}}}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "bad", "Stalled.status"), "True");
	ck_assert_str_eq(world_status(&w, "bad", "Ready.message"), "spec holds a NUL character");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/*
 * One 404, from whatever stands before the API server; the watch says nothing of the kind. rows:
 * the PATCH of the finalizer, that of the status, the GET after a conflict of either, the status
 * when it has something new to tell, the finalizer's removal
 */
static const struct {
	const char *line;
	const char *conflict;
	bool later, deleting;
} lost[] = {
	{"PATCH ocirepositories/web", NULL, false, false},
	{"PATCH ocirepositories/web/status", NULL, false, false},
	{"GET ocirepositories/web", "PATCH ocirepositories/web", false, false},
	{"GET ocirepositories/web", "PATCH ocirepositories/web/status", false, false},
	{"PATCH ocirepositories/web/status", NULL, true, false},
	{"PATCH ocirepositories/web", NULL, true, true},
};

START_TEST(test_one_404)
{
	struct world w;
	struct fake_image image, next;
	int i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	if (lost[_i].later) {
		world_start(&w);
		world_settle(&w);
	}
	fake_kube_fail(w.kube, lost[_i].line, 404, 1);
	if (lost[_i].conflict)
		fake_kube_fail(w.kube, lost[_i].conflict, 409, 1);
	if (lost[_i].deleting)
		fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	else if (lost[_i].later)
		to_two(&w);
	if (!lost[_i].later)
		world_start(&w);
	world_settle(&w);
	ck_assert_ptr_nonnull(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	ck_assert(!world_has_event(&w, "ReconcileError"));
	for (i = 0; i < 3; i++)
		world_pass(&w, 750);
	if (lost[_i].deleting) {
		ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	} else {
		ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
		ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
			lost[_i].later ? next.layer_text : image.layer_text);
		/* And it goes on. */
		world_forget(&w);
		world_pass(&w, 60000);
		ck_assert_int_eq(count(fake_log(w.reg), "HEAD"), 1);
	}
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* Gone for real, and the watch is late: no storm until it says so. */
START_TEST(test_gone_and_the_watch_is_late)
{
	struct world w;
	struct fake_image image, next;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	to_two(&w);
	fake_kube_mute(w.kube, true);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"metadata\":{\"finalizers\":null}}");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_forget(&w);
	world_settle(&w);
	world_pass(&w, 60000);
	ck_assert_int_le(count(world_writes(&w), "\n"), 3);
	fake_kube_mute(w.kube, false);
	world_settle(&w);
	world_forget(&w);
	world_pass(&w, 600000);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

static bool is_synced(struct world *w)
{
	return controller_synced(w->c);
}

static struct controller *second;

static bool second_is_synced(struct world *w)
{
	(void)w;
	return controller_synced(second);
}

static bool second_is_idle(struct world *w)
{
	(void)w;
	return controller_idle(second);
}

/* Two on one store: the first list of only one of them says nothing of what has no owner. */
START_TEST(test_second_controller)
{
	struct world w;
	struct ocirepository_opts opts;
	struct fake_image image;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_start(&w);
	opts = w.opts;
	opts.controller = w.c->opts;
	opts.controller.ns = "other";
	opts.registry.oci = w.oci;
	opts.registry.cloud = w.cloud;
	opts.store = w.store;
	second = ocirepository_new(&opts);
	world_until(&w, is_synced, "the first list");
	ck_assert(!store_ready(w.store));
	controller_start(second);
	world_until(&w, second_is_synced, "the second list");
	ck_assert(store_ready(w.store));
	controller_stop(second);
	world_until(&w, second_is_idle, "the second to end");
	controller_free(second);
	/* The registry answers for the first time: only the one that is left is told. */
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	fake_image_clear(&image);
	world_stop(&w);
	world_clear(&w);
}
END_TEST

Suite *suite_lifetime(void);
Suite *suite_lifetime(void)
{
	Suite *s = suite_create("lifetime");
	TCase *tc = tcase_create("lifetime");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_recreated);
	tcase_add_test(tc, test_recreated_during_a_run);
	tcase_add_test(tc, test_cancel_after_rename);
	tcase_add_test(tc, test_cancel_at_hold);
	tcase_add_loop_test(tc, test_conflict_while_the_watch_is_late, 0, 2);
	tcase_add_test(tc, test_restored_from_a_backup);
	tcase_add_test(tc, test_conflict_without_a_cause);
	tcase_add_loop_test(tc, test_asked_during_a_run, 0, 2);
	tcase_add_loop_test(tc, test_asked_twice_for_nothing, 0, 2);
	tcase_add_test(tc, test_conflict_at_deletion);
	tcase_add_test(tc, test_cancel_at_removal);
	tcase_add_test(tc, test_foreign_finalizer);
	tcase_add_test(tc, test_leaves_the_selector);
	tcase_add_test(tc, test_stop_at_any_time);
	tcase_add_test(tc, test_nul);
	tcase_add_loop_test(tc, test_one_404, 0, sizeof(lost) / sizeof(*lost));
	tcase_add_test(tc, test_gone_and_the_watch_is_late);
	tcase_add_test(tc, test_start_while_the_registry_hangs);
	tcase_add_test(tc, test_second_controller);
	suite_add_tcase(s, tc);
	return s;
}
