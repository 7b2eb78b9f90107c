/* Files that a status names and the store has lost: when they are given up, and when they are tried
   again. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "ev/loop.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void secret(struct world *w, const char *user)
{
	auto_buf struct buf auth = BUF_INIT(4096), b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	ck_assert(!base64_encode(&auth, user, strlen(user), BASE64_STD));
	plain = mem_printf(
		"{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(w->reg), buf_str(&auth));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w->kube, "secrets", json);
}

static void patch(struct world *w, const char *what)
{
	fake_kube_merge(w->kube, "ocirepositories", "apps", "web", what);
}

/* An object that is Ready with its file gone, and the controller down. */
static void lose(struct world *w, struct fake_image *image, const char *spec)
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
}

/* The Secret comes after the object, as it may when a cluster is built anew: its absence says
   nothing about the registry. */
START_TEST(test_secret_comes_late)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	secret(&w, "user:word");
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	if (_i)
		patch(&w, "{\"spec\":{\"suspend\":true}}");
	fake_kube_delete(w.kube, "secrets", "apps", "pull");
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_WAIT);
	ck_assert(!world_has_event(&w, "ArtifactLost"));
	secret(&w, "user:word");
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A refusal is no word about the artifact: it is tried again, the sooner when somebody changes the
   Secret or asks. */
START_TEST(test_forbidden)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;

	world_init(&w);
	secret(&w, "user:word");
	a = fake_on(w.reg, "GET", "");
	a->status = 403;
	a->times = 3; /* without and with the credentials; with them at once, when it is asked */
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	a->path = image.paths[1];
	patch(&w, "{\"spec\":{\"suspend\":true}}");
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_WAIT);
	ck_assert(!world_has_event(&w, "ArtifactLost"));
	ck_assert(store_ready(w.store));
	/* Asked: refused again, but heard. */
	patch(&w, "{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_WAIT);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	secret(&w, "other:word");
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A registry that is down: requests wait, readiness does not, and it is tried again. */
START_TEST(test_registry_down)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;
	json_t *before;

	world_init(&w);
	a = fake_on(w.reg, "GET", "");
	a->status = 501; /* no accident, which would be asked again within the run */
	a->times = 2;
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a->path = image.paths[1];
	patch(&w, "{\"spec\":{\"suspend\":true}}");
	before = json_deep_copy(obj_get(
		fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status", "artifact"));
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_WAIT);
	ck_assert(store_ready(w.store));
	world_pass(&w, 750);
	ck_assert_int_eq(ask(&w), STORE_WAIT);
	world_pass(&w, 1500);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	/* Then, and only then, that it was suspended is seen. */
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "2");
	ck_assert(json_equal(before,
		obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status",
			"artifact")));
	json_decref(before);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* While the file is not there, the status does not say that it is. rows: the registry has forgotten
   it, is down for a moment */
START_TEST(test_not_in_storage)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *get, *head, *tag;

	world_init(&w);
	get = fake_on(w.reg, "GET", "");
	get->status = _i ? 501 : 404;
	get->times = _i == 1;
	head = fake_on(w.reg, "HEAD", "");
	tag = fake_on(w.reg, "GET", "");
	head->status = tag->status = 404;
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	get->path = image.paths[1];
	head->path = tag->path = "/v2/app/manifests/1.0";
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "");
	world_pass(&w, 750);
	/* Found again by its digest, though the tag is gone. */
	ck_assert_int_eq(ask(&w), _i ? STORE_HIT : STORE_WAIT);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), _i ? "True" : "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A field that is not built yet: never restored, no request; 404, and it stays that at every
   look. */
START_TEST(test_not_built)
{
	struct world w;
	struct fake_image image;
	bool suspended = _i == 1;

	world_init(&w);
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	patch(&w,
		suspended ? "{\"spec\":{\"suspend\":true,\"verify\":{\"provider\":\"notation\"}}}"
			  : "{\"spec\":{\"verify\":{\"provider\":\"notation\"}}}");
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_MISS);
	ck_assert(world_has_event(&w, "ArtifactLost"));
	ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), suspended ? "" : "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "");
	patch(&w, "{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_MISS);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert(store_ready(w.store));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Given up once, found again by the normal run, lost again: restored. The registry says itself,
   again and again, that it does not have it; a proxy's 404 would not do. */
START_TEST(test_lost_twice)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;
	auto_free char *path = NULL;
	uint64_t ms;

	world_init(&w);
	a = fake_on(w.reg, "GET", "");
	a->status = 404;
	if (_i)
		a->body = "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}";
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a->path = image.paths[1];
	patch(&w, "{\"spec\":{\"suspend\":true}}");
	world_start(&w);
	world_settle(&w);
	for (ms = 750; ms < 40000; ms *= 2)
		world_pass(&w, ms);
	ck_assert_int_eq(ask(&w), STORE_WAIT); /* not yet */
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	world_pass(&w, ms);
	world_pass(&w, 2 * ms);
	ck_assert_int_eq(world_has_event(&w, "ArtifactLost"), _i);
	ck_assert_int_eq(ask(&w), _i ? STORE_MISS : STORE_WAIT);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), _i ? "False" : "True");
	a->path = "/nothing";
	patch(&w, "{\"spec\":{\"suspend\":false}}");
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	patch(&w, "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	path = mem_printf("rm %s/%s", w.root, world_status(&w, "web", "artifact.path"));
	ck_assert_int_eq(system(path), 0);
	ck_assert_int_eq(ask(&w), STORE_WAIT); /* the request notices */
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* What the status names cannot be fetched; the reference has moved on: the object follows it at
   once. rows: what the old manifest says */
static const int refused_with[] = {500, 410, 451, 403, 404};

START_TEST(test_stuck_restore)
{
	struct world w;
	struct fake_image image, next;
	struct fake_answer *a;

	world_init(&w);
	a = fake_on(w.reg, "GET", "");
	a->status = refused_with[_i];
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	a->path = image.paths[1];
	world_push(&w, "2.0", &w.layer2, &next);
	patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	ck_assert(store_ready(w.store));
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* The Secret changes after it was read, before the first list of Secrets has come. */
START_TEST(test_secret_changes_before_the_list)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *a;

	world_init(&w);
	secret(&w, "user:bad");
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/1.0");
	a->need = "Basic dXNlcjpnb29k"; /* user:good */
	a->challenge = "Basic realm=\"test\"";
	a->headers = "Content-Type: application/json\r\n";
	a->status = 404;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	fake_kube_fail(w.kube, "GET secrets/", 500, 1);
	world_start(&w);
	world_settle(&w);
	ck_assert_ptr_null(strstr(fake_log(w.reg), "dXNlcjpnb29k"));
	secret(&w, "user:good");
	world_pass(&w, 700); /* the list's second try; not the run's */
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "dXNlcjpnb29k"));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* One that nobody has to read again makes nobody run. */
START_TEST(test_secrets_of_no_concern)
{
	struct world w;
	struct fake_image image;

	world_init(&w);
	secret(&w, "user:word");
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	fake_kube_fail(w.kube, "GET secrets/", 500, 1);
	world_start(&w);
	world_settle(&w);
	world_forget(&w);
	world_pass(&w, 700); /* the first list: read already in this very version */
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_kube_put(w.kube, "secrets",
		"{\"metadata\":{\"name\":\"other\",\"namespace\":\"apps\"},\"type\":\"Opaque\"}");
	world_settle(&w);
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A status that somebody has spoilt names no artifact: nobody waits for it, and a new one is
   made. */
START_TEST(test_spoilt_status)
{
	static const char *const spoilt[] = {
		"{\"status\":{\"artifact\":{\"digest\":\"sha256:x\"}}}",
		"{\"status\":{\"artifact\":{\"digest\":null}}}",
		"{\"status\":{\"artifact\":{\"path\":\"ocirepository/apps/other/latest.tar.gz\"}}}",
		"{\"status\":{\"artifact\":{\"path\":\"../../etc/passwd\"}}}",
		"{\"status\":{\"artifact\":{\"revision\":\"what\"}}}",
		"{\"status\":null}",
	};
	struct world w;
	struct fake_image image;

	world_init(&w);
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"}");
	patch(&w, spoilt[_i]);
	world_start(&w);
	world_settle(&w);
	ck_assert(store_ready(w.store));
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/*
 * A file that an older version of this program packed, in another format: kept as it is while the
 * status names it (row 0). Once it is lost, the layer is packed in today's format, and the status
 * names that before it is served (row 1).
 */
START_TEST(test_older_format)
{
	static const char old[] = "what format 1 made of the layer";
	auto_free char *file = NULL, *status = NULL, *today = NULL, *mkdir = NULL;
	char text[DIGEST_TEXT_MAX];
	struct fake_image image;
	struct digest d;
	struct world w;
	struct buf got;
	FILE *f;

	world_init(&w);
	/* The rules make it a repack. */
	lose(&w, &image, "\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"app.yaml\"");
	today = mem_strdup(world_status(&w, "web", "artifact.digest"));
	ck_assert_str_ne(today, image.layer_text);
	digest_mem(&d, DIGEST_SHA256, old, strlen(old));
	status = mem_printf("{\"status\":{\"artifact\":{\"digest\":\"%s\",\"size\":%zu}}}",
		digest_format(&d, text), strlen(old));
	patch(&w, status);
	if (!_i) {
		file = mem_printf("%s/%s", w.root, world_status(&w, "web", "artifact.path"));
		mkdir = mem_printf("mkdir -p $(dirname %s)", file);
		ck_assert_int_eq(system(mkdir), 0);
		f = fopen(file, "w");
		ck_assert_ptr_nonnull(f);
		ck_assert_uint_eq(fwrite(old, 1, strlen(old), f), strlen(old));
		fclose(f);
	}
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), _i ? today : text);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	ck_assert_msg(!_i == !strstr(fake_log(w.reg), "/blobs/"), "%s", fake_log(w.reg));
	world_file(&w, "web", &got);
	digest_mem(&d, DIGEST_SHA256, got.p, got.len);
	ck_assert_str_eq(digest_format(&d, text), world_status(&w, "web", "artifact.digest"));
	buf_clear(&got);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static int64_t latest_size(struct world *w)
{
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, "ocirepository/apps/web/latest.tar.gz", &err), 0);
	if (store_get(w->store, &p, &f, &fd) != STORE_HIT)
		return -1;
	sys_close(fd);
	return (int64_t)f.size;
}

/* A new revision was published, its status refused, and the reference went back: status.url serves
   what the status names, and what nobody ever named goes as what is superseded. */
START_TEST(test_published_never_named)
{
	struct world w;
	struct fake_image a, b;
	struct store_stats st;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &a);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_int_eq(latest_size(&w), (int64_t)w.layer.len);
	world_push(&w, "2.0", &w.layer2, &b);
	fake_kube_fail(w.kube, "PATCH ocirepositories/web/status", 500, 1);
	patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.files, 2);
	ck_assert_int_eq(latest_size(&w), (int64_t)w.layer.len);
	patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
	world_pass(&w, 61000);
	world_pass(&w, 61000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_int_eq(latest_size(&w), (int64_t)w.layer.len);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.files, 1);
	fake_image_clear(&a);
	fake_image_clear(&b);
	world_clear(&w);
}
END_TEST

/* The file was lost, its restore failed, and then it was there again: the object comes at its
   interval, not at once for ever. */
START_TEST(test_back_by_itself)
{
	auto_free char *aside = NULL, *back = NULL;
	struct world w;
	struct fake_image image;
	struct fake_answer *head, *get;

	world_init(&w);
	head = fake_on(w.reg, "HEAD", "/none");
	get = fake_on(w.reg, "GET", "/none");
	head->status = get->status = 501;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_stop(&w);
	aside = mem_printf("mv %s/ocirepository %s/.aside", w.root, w.root);
	back = mem_printf("mv %s/.aside %s/ocirepository", w.root, w.root);
	ck_assert_int_eq(system(aside), 0);
	head->path = "/v2/app/manifests/1.0";
	get->path = "/v2/app/manifests/1.0";
	fake_on(w.reg, "GET", image.paths[1])->status = 501;
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	world_stop(&w);
	ck_assert_int_eq(system(back), 0);
	world_start(&w);
	head->path = get->path = "/none";
	world_settle(&w);
	world_pass(&w, 2000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	world_forget(&w);
	world_pass(&w, 50000);
	ck_assert_str_eq(fake_log(w.reg), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Somebody puts an older artifact back into the status, whose file is gone: Ready over a URL that
   answers 404 must not last. */
START_TEST(test_older_status)
{
	auto_free char *old = NULL, *cmd = NULL;
	json_t *artifact;
	struct world w;
	struct fake_image a, b;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &a);
	world_push(&w, "2.0", &w.layer2, &b);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	artifact = json_deep_copy(obj_get(
		fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status", "artifact"));
	old = json_dumps(artifact, JSON_COMPACT);
	json_decref(artifact);
	patch(&w, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	world_pass(&w, 61000); /* retention takes the first one */
	world_pass(&w, 61000);
	cmd = mem_printf("{\"status\":{\"artifact\":%s}}", old);
	patch(&w, cmd);
	world_settle(&w);
	ck_assert_int_eq(ask(&w), STORE_HIT);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), b.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&a);
	fake_image_clear(&b);
	world_clear(&w);
}
END_TEST

Suite *suite_restore(void);
Suite *suite_restore(void)
{
	Suite *s = suite_create("restore");
	TCase *tc = tcase_create("restore");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_secret_comes_late, 0, 2);
	tcase_add_test(tc, test_forbidden);
	tcase_add_test(tc, test_registry_down);
	tcase_add_loop_test(tc, test_not_in_storage, 0, 2);
	tcase_add_loop_test(tc, test_not_built, 0, 2);
	tcase_add_loop_test(tc, test_spoilt_status, 0, 6);
	tcase_add_loop_test(tc, test_lost_twice, 0, 2);
	tcase_add_test(tc, test_secret_changes_before_the_list);
	tcase_add_test(tc, test_secrets_of_no_concern);
	tcase_add_loop_test(tc, test_older_format, 0, 2);
	tcase_add_test(tc, test_published_never_named);
	tcase_add_loop_test(tc, test_stuck_restore, 0, (int)ARRAY_LEN(refused_with));
	tcase_add_test(tc, test_back_by_itself);
	tcase_add_test(tc, test_older_status);
	suite_add_tcase(s, tc);
	return s;
}
