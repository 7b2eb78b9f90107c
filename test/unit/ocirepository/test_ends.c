/* How runs end: none comes back without end, says what is not so, or takes old news for new. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ev/loop.h"
#include "kube/watch.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct world w;
static struct fake_image image, next;

static void patch(const char *what)
{
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", what);
}

/* Real time, for what would never settle. */
static void turns(int n)
{
	while (n--) {
		loop_turn(w.loop, false);
		if (n % 10 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static void run_in_root(const char *command)
{
	auto_free char *cmd = mem_printf(
		"cd %s && P='%s' && %s", w.root, world_status(&w, "web", "artifact.path"), command);

	ck_assert_int_eq(system(cmd), 0);
}

static void status_names(const char *path, const char *revision, const char *digest)
{
	auto_free char *p = mem_printf(
		"{\"status\":{\"artifact\":{\"path\":\"ocirepository/apps/web/%s.tar.gz\","
		"\"revision\":\"1.0@%s\",\"digest\":\"%s\",\"url\":\"http://x/y\","
		"\"lastUpdateTime\":\"2026-01-01T00:00:00Z\"}}}",
		path, revision, digest);

	patch(p);
}

static void end(void)
{
	fake_image_clear(&image);
	world_clear(&w);
}

/* Flux can write digests that nobody here reads (blake3): such an artifact counts as none. */
START_TEST(test_unreadable_digest)
{
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"suspend\":true");
	status_names(image.manifest_text, image.manifest_text,
		"blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
	world_start(&w);
	turns(3000);
	ck_assert_uint_le(w.c->queue.adds, 3);
	end();
}
END_TEST

/* What the revision means is not the file that is missing: it is not fetched again and again. */
START_TEST(test_path_of_another_revision)
{
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"suspend\":true");
	status_names(next.manifest_text, image.manifest_text, image.layer_text);
	world_start(&w);
	turns(6000);
	ck_assert_uint_le(w.c->queue.adds, 5);
	ck_assert_ptr_null(strstr(fake_log(w.reg), "GET /v2/app/blobs"));
	fake_image_clear(&next);
	end();
}
END_TEST

static void secret(const char *user)
{
	auto_buf struct buf auth = BUF_INIT(4096), b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	ck_assert(!base64_encode(&auth, user, strlen(user), BASE64_STD));
	plain = mem_printf(
		"{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(w.reg), buf_str(&auth));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf("{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
			  "\"kubernetes.io/dockerconfigjson\",\"data\":{"
			  "\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w.kube, "secrets", json);
}

/* A run that counts for nothing, since the Secret has changed, has nothing to be glad of. */
START_TEST(test_no_success_after_reread)
{
	struct fake_answer *head;

	world_init(&w);
	secret("user:old");
	head = fake_on(w.reg, "HEAD", "/none");
	head->challenge = "Basic realm=\"test\"";
	head->need = "Basic dXNlcjpuZXc=";
	world_push(&w, "1.0", &w.layer, &image);
	head->headers = image.paths[3];
	head->path = image.paths[0];
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	fake_kube_fail(w.kube, "GET secrets/", 403, 100000);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	secret("user:new");
	head->need = "Basic bm9uZTpub25l"; /* that one is refused, too */
	fake_kube_log_reset(w.kube);
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert(!world_has_event(&w, "Succeeded"));
	end();
}
END_TEST

/* Nor has one that only finds that a restore has to come. */
START_TEST(test_no_success_before_restore)
{
	struct fake_answer *get, *head, *tag;

	world_init(&w);
	get = fake_on(w.reg, "GET", "");
	head = fake_on(w.reg, "HEAD", "");
	tag = fake_on(w.reg, "GET", "");
	get->status = head->status = tag->status = 501;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	head->path = tag->path = image.paths[0];
	world_pass(&w, 60000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	patch("{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	run_in_root("rm \"$P\"");
	get->path = image.paths[1];
	fake_kube_log_reset(w.kube);
	patch("{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert(!world_has_event(&w, "Succeeded"));
	end();
}
END_TEST

static bool head_asked(struct world *unused)
{
	(void)unused;
	return strstr(fake_log(w.reg), "HEAD ") != NULL;
}

/* A restore that finds the file there has compared nothing: the run after it must. */
START_TEST(test_not_settled_by_restore)
{
	struct fake_answer *head;

	world_init(&w);
	head = fake_on(w.reg, "HEAD", "");
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"timeout\":\"5s\"");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	/* The file becomes another one, the spec changes, and the registry says nothing this once;
	   then the file is put back. */
	run_in_root("cp \"$P\" keep && rm \"$P\" && echo x >\"$P\"");
	head->path = image.paths[0];
	head->way = FAKE_SILENT;
	fake_log_reset(w.reg);
	patch("{\"spec\":{\"ignore\":\"notes.md\"}}");
	world_until(&w, head_asked, "HEAD");
	turns(50);
	run_in_root("cp keep new && mv new \"$P\"");
	head->way = FAKE_WHOLE;
	head->path = "/none";
	world_pass(&w, 5000);
	world_pass(&w, 60000);
	world_pass(&w, 60000);
	ck_assert_str_eq(world_status(&w, "web", "observedIgnore"), "notes.md");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	end();
}
END_TEST

static void status_changed(void *arg)
{
	(void)arg;
	patch("{\"status\":{\"foo\":\"bar\"}}");
}

/* The word that a file is back is said again after a conflict. */
START_TEST(test_restored_after_conflict)
{
	struct fake_answer *get, *head;

	world_init(&w);
	get = fake_on(w.reg, "GET", "");
	head = fake_on(w.reg, "HEAD", "");
	get->status = head->status = 501;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	run_in_root("rm \"$P\"");
	head->path = image.paths[0];
	get->path = image.paths[1];
	world_pass(&w, 60000);
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "");
	patch("{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	get->path = "/none";
	fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", status_changed, NULL);
	world_pass(&w, 60000);
	world_pass(&w, 60000);
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "True");
	end();
}
END_TEST

/* A database that was restored without its versions going back may bring another spec under a
   generation that was seen. */
START_TEST(test_same_generation)
{
	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	/* The change under spec raises it to what it was. */
	patch("{\"metadata\":{\"generation\":0},\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	ck_assert_int_eq(obj_int(0, fake_kube_get(w.kube, "ocirepositories", "apps", "web"),
				 "metadata", "generation"),
		1);
	world_settle(&w);
	world_pass(&w, 60000);
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "artifact.revision"), "2.0@"));
	fake_image_clear(&next);
	end();
}
END_TEST

Suite *suite_ends(void);
Suite *suite_ends(void)
{
	Suite *s = suite_create("ends");
	TCase *tc = tcase_create("ends");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_unreadable_digest);
	tcase_add_test(tc, test_path_of_another_revision);
	tcase_add_test(tc, test_no_success_after_reread);
	tcase_add_test(tc, test_no_success_before_restore);
	tcase_add_test(tc, test_not_settled_by_restore);
	tcase_add_test(tc, test_restored_after_conflict);
	tcase_add_test(tc, test_same_generation);
	suite_add_tcase(s, tc);
	return s;
}
