/* Of several replicas one leads; what a follower does, and what becomes of runs when the role
   changes. */
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/role.h"
#include "ev/loop.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool leads;

static bool role(void *arg)
{
	(void)arg;
	return leads;
}

static void begin(struct world *w, bool as_leader)
{
	world_init(w);
	w->opts.controller.leads = role;
	leads = as_leader;
}

static void become(struct world *w, bool leader)
{
	leads = leader;
	role_changed(w->c);
}

static enum store_got ask(struct world *w, const char *path)
{
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	enum store_got got;
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	got = store_get(w->store, &p, &f, &fd);
	sys_close(fd);
	return got;
}

/* An object that is Ready, by a leader that is gone with its files. */
static void made(struct world *w, struct fake_image *image, const char *spec)
{
	auto_free char *cmd = NULL;

	world_push(w, "1.0", &w->layer, image);
	world_object(w, "web", spec);
	world_start(w);
	world_settle(w);
	ck_assert_str_eq(world_status(w, "web", "Ready.status"), "True");
	world_stop(w);
	cmd = mem_printf("rm -rf %s/ocirepository", w->root);
	ck_assert_int_eq(system(cmd), 0);
	world_forget(w);
	leads = false;
}

static void patch(struct world *w, const char *what)
{
	fake_kube_merge(w->kube, "ocirepositories", "apps", "web", what);
}

static const char *path_of(struct world *w)
{
	return world_status(w, "web", "artifact.path");
}

static void silent(struct world *w)
{
	ck_assert_str_eq(world_writes(w), "");
	ck_assert(!strstr(fake_kube_log(w->kube), "events"));
}

START_TEST(test_follower_restores)
{
	struct world w;
	struct fake_image image;

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	if (_i == 1)
		patch(&w, "{\"spec\":{\"suspend\":true}}");
	if (_i == 2) /* what its spec says now is the leader's business */
		patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_HIT);
	ck_assert(store_ready(w.store));
	silent(&w);
	/* Nothing more to do, whatever time it is and whoever asks. */
	patch(&w, "{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	fake_log_reset(w.reg);
	world_forget(&w);
	world_pass(&w, 3600000);
	ck_assert_str_eq(fake_log(w.reg), "");
	silent(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Of an object that has nothing yet the registry is asked by the leader. */
START_TEST(test_elected)
{
	struct world w;
	struct fake_image image;

	begin(&w, false);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_forget(&w);
	fake_log_reset(w.reg);
	world_start(&w);
	world_settle(&w);
	silent(&w);
	ck_assert_str_eq(fake_log(w.reg), "");
	become(&w, true);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	become(&w, false);
	world_forget(&w);
	world_pass(&w, 3600000);
	silent(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The Lease is lost while a layer comes: nothing is written any more, and nothing of it is left. */
static bool pulls(struct world *w)
{
	return strstr(fake_log(w->reg), "GET /v2/app/blobs/");
}

START_TEST(test_lost_in_a_pull)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;

	begin(&w, true);
	a = fake_on(w.reg, "GET", "");
	a->way = FAKE_SILENT;
	a->times = 1;
	world_push(&w, "1.0", &w.layer, &image);
	a->path = image.paths[2];
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_until(&w, pulls, "the pull");
	world_forget(&w);
	/* role_changed comes from a timer: the clock may have said so before. */
	leads = false;
	if (_i)
		become(&w, false);
	world_pass(&w, 120000);
	silent(&w);
	become(&w, false);
	become(&w, true);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_HIT);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* It is told to end, and readers come on: what was on its way is given up, nothing begins until the
   Lease is another's, and from then on it brings what is missing as any follower does. */
START_TEST(test_resigns)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a = fake_on(w.reg, "GET", image.paths[2]);
	a->way = FAKE_SILENT;
	a->times = 1;
	leads = true;
	fake_log_reset(w.reg);
	world_start(&w);
	world_until(&w, pulls, "the pull");
	world_forget(&w);
	role_resign(w.c);
	ck_assert(!role_resigned(w.c));
	world_settle(&w);
	ck_assert(role_resigned(w.c));
	fake_log_reset(w.reg);
	patch(&w, "{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_pass(&w, 60000);
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_WAIT);
	become(&w, false);
	ck_assert(role_resigned(w.c));
	world_settle(&w);
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_HIT);
	silent(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Who follows goes on with it. */
START_TEST(test_follower_resigns)
{
	struct world w;
	struct fake_image image;

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	role_resign(w.c);
	ck_assert(role_resigned(w.c));
	world_settle(&w);
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_HIT);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The leader has written another status: other bytes under the same path, or another path. */
START_TEST(test_told)
{
	struct world w;
	struct fake_image image, other;
	auto_free char *path = NULL, *status = NULL;
	auto_buf struct buf file = BUF_INIT(BUF_ANY);
	struct digest d = {0};
	char text[DIGEST_TEXT_MAX];

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	path = mem_strdup(path_of(&w));
	ck_assert_int_eq(ask(&w, path), STORE_HIT);
	if (_i) {
		/* What the layer is packed to has another digest than this one. */
		digest_mem(&d, DIGEST_SHA256, "x", 1);
		status = mem_printf(
			"{\"status\":{\"artifact\":{\"digest\":\"%s\"}}}", digest_format(&d, text));
		patch(&w, status);
		world_settle(&w);
		ck_assert_int_eq(ask(&w, path), STORE_WAIT);
		silent(&w);
		world_pass(&w, 900000);
		ck_assert_int_eq(ask(&w, path), STORE_WAIT);
		silent(&w);
	} else {
		world_push(&w, "2.0", &w.layer2, &other);
		become(&w, true);
		patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
		world_settle(&w);
		ck_assert_str_ne(path_of(&w), path);
		ck_assert_int_eq(ask(&w, path_of(&w)), STORE_HIT);
		fake_image_clear(&other);
	}
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* What no status names any more nobody brings: it is not waited for, and readiness neither. */
START_TEST(test_moved_on)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;
	struct store_stats s;

	begin(&w, true);
	a = fake_on(w.reg, "GET", "");
	a->status = 403;
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a->path = image.paths[1];
	world_start(&w);
	world_settle(&w);
	store_stats(w.store, &s);
	ck_assert_uint_eq(s.promised, 1);
	patch(&w,
		"{\"status\":{\"artifact\":{\"path\":\"ocirepository/apps/web/sha256:"
		"0000000000000000000000000000000000000000000000000000000000000001.tar.gz\"}}}");
	world_settle(&w);
	store_stats(w.store, &s);
	ck_assert_uint_eq(s.promised, 1);
	patch(&w, "{\"status\":{\"artifact\":null}}");
	world_settle(&w);
	store_stats(w.store, &s);
	ck_assert_uint_eq(s.promised, 0);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Another replica may have the file later, whatever is wrong with the spec. */
START_TEST(test_stalled)
{
	struct world w;
	struct fake_image image;

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	patch(&w, "{\"spec\":{\"url\":\"no url\"}}");
	world_start(&w);
	world_settle(&w);
	ck_assert(timer_is_set(&world_item(&w, "web")->queue_item.timer));
	ck_assert(store_ready(w.store));
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_WAIT);
	silent(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Whether something is lost for good the leader says. */
START_TEST(test_never_given_up)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;
	int i;

	begin(&w, true);
	a = fake_on(w.reg, "GET", "");
	a->status = 404;
	a->body = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}";
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a->path = image.paths[1];
	world_start(&w);
	world_settle(&w);
	for (i = 0; i < 6; i++)
		world_pass(&w, 900000);
	ck_assert_int_eq(ask(&w, path_of(&w)), STORE_WAIT);
	ck_assert(store_ready(w.store));
	silent(&w);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The finalizer is the leader's, the files everybody's. */
START_TEST(test_deleted)
{
	struct world w;
	struct fake_image image;
	auto_free char *path = NULL;
	struct store_stats s;

	begin(&w, true);
	made(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	path = mem_strdup(path_of(&w));
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_nonnull(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	silent(&w);
	store_stats(w.store, &s);
	ck_assert_uint_eq(s.files, 0);
	ck_assert_int_eq(ask(&w, path), STORE_MISS);
	become(&w, true);
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

Suite *suite_role(void);
Suite *suite_role(void)
{
	Suite *s = suite_create("role");
	TCase *tc = tcase_create("role");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_follower_restores, 0, 3);
	tcase_add_test(tc, test_elected);
	tcase_add_test(tc, test_resigns);
	tcase_add_test(tc, test_follower_resigns);
	tcase_add_loop_test(tc, test_lost_in_a_pull, 0, 2);
	tcase_add_loop_test(tc, test_told, 0, 2);
	tcase_add_test(tc, test_moved_on);
	tcase_add_test(tc, test_stalled);
	tcase_add_test(tc, test_never_given_up);
	tcase_add_test(tc, test_deleted);
	suite_add_tcase(s, tc);
	return s;
}
