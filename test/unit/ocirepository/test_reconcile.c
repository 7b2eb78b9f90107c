#include "base/base64.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/ocirepository.h"
#include "ev/loop.h"
#include "oci/manifest.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Writes of a first run */
#define WEB_WRITES "PATCH ocirepositories/web\nPATCH ocirepositories/web/status\n"

START_TEST(test_new_revision)
{
	struct world w;
	struct fake_image image;
	struct buf file;
	auto_free char *revision = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	revision = mem_printf("1.0@%s", image.manifest_text);
	ck_assert_str_eq(world_writes(&w), WEB_WRITES);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "Succeeded");
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Reconciling.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "1");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	/* A plain layer is the artifact. */
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "url"),
		"http://artifacts.test./ocirepository/apps/web/latest.tar.gz");
	world_file(&w, "web", &file);
	ck_assert_uint_eq(file.len, w.layer.len);
	ck_assert(!memcmp(file.p, w.layer.p, file.len));
	ck_assert(world_has_event(&w, "NewArtifact"));
	buf_clear(&file);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

START_TEST(test_unchanged)
{
	struct world w;
	struct fake_image image;
	int i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	for (i = 0; i < 3; i++) {
		world_forget(&w);
		loop_test_advance(w.loop, 60000); /* the interval; no jitter in this world */
		world_settle(&w);
		ck_assert_str_eq(world_writes(&w), "");
		ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	}
	/* Labels and other annotations are nobody's question. */
	world_forget(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"labels\":{\"a\":\"b\"},\"annotations\":{\"reconcile.fluxcd.io/"
		"other\":"
		"\"now\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "");
	/* Asked for: one write, the echo. */
	world_forget(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "now");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A choice says how it came about, in the Event of what was stored; and a tag that changes nothing
   writes nothing. */
START_TEST(test_choice)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *tags;

	world_init(&w);
	world_push(&w, "1.2.0", &w.layer, &image);
	tags = fake_on(w.reg, "GET", "/v2/app/tags/list");
	tags->body = "{\"tags\":[\"1.0.0\",\"1.1.0\",\"1.2.0\",\"latest\",\"9.9.9-a\"]}";
	world_object(&w, "web", "\"ref\":{\"semver\":\">=1.1.0\",\"semverFilter\":\"^[0-9]\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_msg(strstr(fake_kube_log(w.kube),
			      "/app'; chosen for semver '>=1.1.0': of 5 tags 4 pass the filter "
			      "'^[0-9]', 2 are in the range, '1.1.0' is the next best\n"),
		"%s", fake_kube_log(w.kube));
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "Succeeded");
	ck_assert_ptr_eq(strstr(world_status(&w, "web", "Ready.message"),
				 "stored artifact for "
				 "digest '1.2.0@sha256:"),
		world_status(&w, "web", "Ready.message"));
	ck_assert_ptr_null(strstr(world_status(&w, "web", "Ready.message"), "tags"));
	world_forget(&w);
	tags->body = "{\"tags\":[\"1.0.0\",\"1.1.0\",\"1.1.1\",\"1.2.0\"]}";
	world_pass(&w, 60000);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_kube_log(w.kube), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* What goes wrong, and what the status says. `answer` is added to the registry's: METHOD path
   status body. */
static const struct {
	const char *name, *spec;
	int status; /* of the manifest HEAD and GET; 0: none */
	const char *body;
	const char *cond, *reason, *stalled, *observed, *message;
} FAILURES[] = {
	{"no such tag", "\"ref\":{\"tag\":\"9.9\"}", 0, NULL, "FetchFailed",
		"OCIArtifactPullFailed", "", "-1", "9.9"},
	{"no match", "\"ref\":{\"semver\":\">=5\"}", 0, NULL, "FetchFailed", "ReadOperationFailed",
		"", "-1", ">=5"},
	{"bad range", "\"ref\":{\"semver\":\"not a range\"}", 0, NULL, "FetchFailed",
		"ReadOperationFailed", "", "-1", "not a range"},
	{"bad filter", "\"ref\":{\"semver\":\"*\",\"semverFilter\":\"(\"}", 0, NULL, "FetchFailed",
		"ReadOperationFailed", "", "-1", "("},
	{"bad digest", "\"ref\":{\"digest\":\"sha256:xyz\"}", 0, NULL, "FetchFailed",
		"OCIArtifactPullFailed", "", "-1", "sha256:xyz"},
	{"no such layer", "\"ref\":{\"tag\":\"1.0\"},\"layerSelector\":{\"mediaType\":\"a/b\"}", 0,
		NULL, "FetchFailed", "OCIArtifactLayerOperationFailed", "", "-1", "a/b"},
	{"bad url", "\"url\":\"oci://Upper/Case\"", 0, NULL, "FetchFailed", "URLInvalid", "True",
		"1", "oci://Upper/Case"},
	{"no secret", "\"secretRef\":{\"name\":\"gone\"}", 0, NULL, "FetchFailed",
		"AuthenticationFailed", "", "-1", "apps/gone"},
	{"verify by nobody",
		"\"verify\":{\"provider\":\"cosign\",\"trustedRootSecretRef\":{\"name\":\"\"}}", 0,
		NULL, "FetchFailed", "InvalidSpec", "True", "1",
		"spec.verify.trustedRootSecretRef has no name"},
	{"notation nobody", "\"verify\":{\"provider\":\"notation\"}", 0, NULL, "FetchFailed",
		"InvalidSpec", "True", "1", "spec.verify.secretRef has no name"},
	{"verify nobody", "\"verify\":{\"secretRef\":{\"name\":\"\"}}", 0, NULL, "FetchFailed",
		"InvalidSpec", "True", "1", "spec.verify.secretRef has no name"},
	{"provider", "\"provider\":\"aws\"", 0, NULL, "FetchFailed", "AuthenticationFailed", "",
		"-1", "failed to get credential from aws: "},
	{"unknown provider", "\"provider\":\"acme\"", 0, NULL, "", "FeatureGateDisabled", "True",
		"1", "acme"},
	{"service account", "\"serviceAccountName\":\"x\"", 0, NULL, "FetchFailed",
		"AuthenticationFailed", "", "-1",
		"failed to get credential: failed to get service account 'apps/x'"},
	{"certificates", "\"certSecretRef\":{\"name\":\"x\"}", 0, NULL, "FetchFailed",
		"AuthenticationFailed", "", "-1", "failed to generate transport for 'oci://"},
	{"proxy", "\"proxySecretRef\":{\"name\":\"x\"}", 0, NULL, "FetchFailed",
		"AuthenticationFailed", "", "-1", "failed to get proxy address: secret 'apps/x'"},
};

START_TEST(test_failure)
{
	struct world w;
	struct fake_image image;
	auto_free char *cond = mem_printf("%s.status", FAILURES[_i].cond);

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	fake_on(w.reg, "GET", "/v2/app/tags/list")->body =
		"{\"name\":\"app\",\"tags\":[\"1.0.0\",\"latest\"]}";
	world_object(&w, "web", FAILURES[_i].spec);
	world_start(&w);
	world_settle(&w);
	ck_assert_msg(!strcmp(world_status(&w, "web", "Ready.status"), "False"),
		"%s: Ready is '%s'", FAILURES[_i].name, world_status(&w, "web", "Ready.status"));
	ck_assert_msg(!strcmp(world_status(&w, "web", "Ready.reason"), FAILURES[_i].reason),
		"%s: reason '%s', message '%s'", FAILURES[_i].name,
		world_status(&w, "web", "Ready.reason"), world_status(&w, "web", "Ready.message"));
	ck_assert_msg(
		strstr(world_status(&w, "web", "Ready.message"), FAILURES[_i].message) != NULL,
		"%s: message '%s'", FAILURES[_i].name, world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), FAILURES[_i].stalled);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), FAILURES[_i].observed);
	if (*FAILURES[_i].cond)
		ck_assert_str_eq(world_status(&w, "web", cond), "True");
	if (!*FAILURES[_i].stalled)
		ck_assert_str_eq(
			world_status(&w, "web", "Reconciling.reason"), "ProgressingWithRetry");
	else
		ck_assert_str_eq(fake_log(w.reg), ""); /* before any request */
	ck_assert(world_has_event(&w, FAILURES[_i].reason));
	world_forget(&w);
	loop_test_advance(w.loop, 750);
	world_settle(&w);
	/* Tried again: no write, since nothing differs. Stalled: not tried at all. */
	ck_assert_str_eq(world_writes(&w), "");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

START_TEST(test_failure_and_recovery)
{
	struct world w;
	struct fake_image image, next;
	auto_free char *old = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	old = mem_strdup(world_status(&w, "web", "artifact.revision"));
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "1");
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), old); /* stays */
	ck_assert_str_eq(world_status(&w, "web", "ArtifactInStorage.status"), "True");
	world_forget(&w);
	world_push(&w, "2.0", &w.layer2, &next);
	loop_test_advance(w.loop, 1000);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), "2");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

START_TEST(test_suspend)
{
	struct world w;
	struct fake_image image;
	json_t *before, *after, *one;
	size_t i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	before = json_deep_copy(
		obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status"));
	world_forget(&w);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"spec\":{\"suspend\":true},\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/"
		"requestedAt\":\"x\"}}}");
	world_settle(&w);
	loop_test_advance(w.loop, 600000);
	world_settle(&w);
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	after = json_deep_copy(
		obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status"));
	json_object_del(after, "lastHandledReconcileAt");
	/* The new generation was seen; that is all. */
	json_object_set_new(before, "observedGeneration", json_integer(2));
	json_array_foreach (obj_get(before, "conditions"), i, one)
		json_object_set_new(one, "observedGeneration", json_integer(2));
	ck_assert(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

START_TEST(test_delete)
{
	struct world w;
	struct fake_image image;
	auto_free char *dir = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	dir = mem_printf("%s/ocirepository/apps/web", w.root);
	ck_assert_int_eq(access(dir, F_OK), 0);
	world_forget(&w);
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	ck_assert_int_eq(access(dir, F_OK), -1);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web\n");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Somebody else wrote in between: read again, and if it was none of the run's business, the
   difference is written anew. */
static void label(void *arg)
{
	struct world *w = arg;

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
}

static void change_spec(void *arg)
{
	struct world *w = arg;

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web",
		"{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
}

START_TEST(test_conflict)
{
	struct world w;
	struct fake_image image, next;
	bool spec = _i == 1;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_hook(w.kube, "PATCH ocirepositories/web/status", spec ? change_spec : label, &w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
		spec ? next.layer_text : image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedGeneration"), spec ? "2" : "1");
	/* No step was repeated for a label. */
	if (!spec)
		ck_assert_ptr_null(strstr(strstr(fake_log(w.reg), "HEAD") + 4, "HEAD"));
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* The same revision with other rules: the same path gets other bytes, the status first. */
START_TEST(test_new_rules)
{
	struct world w;
	struct fake_image image;
	struct buf before, after;
	bool refused = _i == 1;
	auto_free char *path = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	path = mem_strdup(world_status(&w, "web", "artifact.path"));
	world_file(&w, "web", &before);
	if (refused)
		fake_kube_fail(w.kube, "PATCH ocirepositories/web/status", 500, 1);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ignore\":\"*.md\"}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.path"), path);
	world_file(&w, "web", &after);
	if (refused) {
		/* Old status, old bytes. */
		ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
		ck_assert(after.len == before.len && !memcmp(after.p, before.p, after.len));
		buf_clear(&after);
		loop_test_advance(w.loop, 1000);
		world_settle(&w);
		world_file(&w, "web", &after);
	}
	ck_assert_str_ne(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedIgnore"), "*.md");
	{
		char text[DIGEST_TEXT_MAX];
		struct digest d;

		digest_mem(&d, DIGEST_SHA256, after.p, after.len);
		ck_assert_str_eq(
			world_status(&w, "web", "artifact.digest"), digest_format(&d, text));
	}
	buf_clear(&before);
	buf_clear(&after);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* A registry that does not answer holds the run at one step; then the object changes, goes away, or
   the program ends. */
static const struct {
	const char *method, *path;
} SILENT[] = {{"HEAD", "/v2/app/manifests/1.0"}, {"GET", "manifest"}, {"GET", "layer"}};

static bool asked(struct world *w)
{
	return strchr(fake_log(w->reg), '\n') != NULL && fake_most(w->reg) > 0;
}

START_TEST(test_cancel)
{
	struct world w;
	struct fake_image image, next;
	const char *path = SILENT[_i % 3].path;
	int what = _i / 3;
	struct fake_answer *a;
	int i;

	world_init(&w);
	/* Answers that come first count. */
	a = fake_on(w.reg, SILENT[_i % 3].method, "");
	a->way = FAKE_SILENT;
	a->times = 1;
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	a->path = !strcmp(path, "manifest") ? image.paths[1]
		: !strcmp(path, "layer")    ? image.paths[2]
					    : path;
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_until(&w, asked, "the first request");
	for (i = 0; i < 300; i++)
		loop_turn(w.loop, false);
	if (what == 0) {
		change_spec(&w);
		world_settle(&w);
		ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	} else if (what == 1) {
		fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
		world_settle(&w);
		ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
	} else {
		world_stop(&w);
		ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "");
	}
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

START_TEST(test_secret)
{
	static const char *const bad =
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},"
		"\"type\":\"kubernetes.io/"
		"dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"e30=\"}}";
	struct world w;
	struct fake_image image;
	auto_free char *good = NULL, *plain = NULL, *need = NULL;
	struct fake_answer *a;
	auto_buf struct buf b64 = BUF_INIT(4096), auth = BUF_INIT(4096);

	world_init(&w);
	ck_assert(!base64_encode(&auth, "user:word", 9, BASE64_STD));
	need = mem_printf("Basic %s", auth.p);
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/1.0");
	a->need = need;
	a->challenge = "Basic realm=\"test\"";
	a->status = 404;
	world_push(&w, "1.0", &w.layer, &image);
	fake_kube_put(w.kube, "secrets", bad);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	world_forget(&w);
	plain = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(w.reg), auth.p);
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	good = mem_printf("{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},"
			  "\"type\":\"kubernetes.io/"
			  "dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		b64.p);
	fake_kube_put(w.kube, "secrets",
		good); /* no clock moves: the change alone makes the object due */
	world_settle(&w);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), need));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* ---- restore --------------------------------------------------------------------------------- */

enum loss { GONE, OTHER_BYTES };

static void lose(struct world *w, enum loss how)
{
	auto_free char *path =
		mem_printf("%s/%s", w->root, world_status(w, "web", "artifact.path"));
	auto_free char *cmd = mem_printf(
		how == GONE ? "rm -rf %s/ocirepository; : %s" : "rm -rf %s/none; echo x > %s",
		w->root, path);

	ck_assert_int_eq(system(cmd), 0);
}

/* rows: suspended or not, which loss */
START_TEST(test_restore)
{
	struct world w;
	struct fake_image image;
	struct buf file;
	bool suspended = _i & 1;
	json_t *before;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	if (suspended)
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	before = json_deep_copy(
		obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status"));
	world_stop(&w);
	lose(&w, _i & 2 ? OTHER_BYTES : GONE);
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert(json_equal(before,
		obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status")));
	world_file(&w, "web", &file);
	ck_assert_uint_eq(file.len, w.layer.len);
	/* By digest first; the tag only in its own turn. */
	ck_assert(!strncmp(fake_log(w.reg), "GET /v2/app/manifests/sha256:", 29) ||
		strstr(fake_log(w.reg), "tls") == fake_log(w.reg));
	ck_assert(!!strstr(fake_log(w.reg), "HEAD") == !suspended);
	buf_clear(&file);
	json_decref(before);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* Somebody else packed what the status names: revision and path stay, digest and size become
   ours. */
START_TEST(test_restore_packed_by_another)
{
	struct world w;
	struct fake_image image;
	struct buf file;
	bool suspended = _i == 1;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_stop(&w);
	if (suspended)
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"status\":{\"artifact\":{\"digest\":\"sha256:"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"size\":1}}}");
	lose(&w, GONE);
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	world_file(&w, "web", &file);
	ck_assert_uint_eq(file.len, w.layer.len);
	buf_clear(&file);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* The registry has another image under the tag and has forgotten the old one. */
START_TEST(test_restore_lost)
{
	struct world w;
	struct fake_image image, next;
	bool suspended = _i == 1;
	uint64_t ms;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_stop(&w);
	if (suspended)
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	lose(&w, GONE);
	fake_registry_free(w.reg);
	w.reg = fake_registry_new(w.loop);
	world_push(&w, "1.0", &w.layer2, &next);
	{
		auto_free char *url =
			mem_printf("{\"spec\":{\"url\":\"oci://%s/app\"}}", fake_host(w.reg));

		fake_kube_merge(w.kube, "ocirepositories", "apps", "web", url);
	}
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	/* What the reference means now takes its place; a suspended object's is given up only after
	   a while. */
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert(!world_has_event(&w, "ArtifactLost"));
	for (ms = 750; suspended && ms < 100000; ms *= 2)
		world_pass(&w, ms);
	ck_assert_int_eq(world_has_event(&w, "ArtifactLost"), suspended);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
		suspended ? image.layer_text : next.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), suspended ? "False" : "True");
	ck_assert_str_eq(
		world_status(&w, "web", "ArtifactInStorage.status"), suspended ? "" : "True");
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

Suite *suite_reconcile(void);
Suite *suite_reconcile(void)
{
	Suite *s = suite_create("reconcile");
	TCase *tc = tcase_create("reconcile");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_new_revision);
	tcase_add_test(tc, test_unchanged);
	tcase_add_test(tc, test_choice);
	tcase_add_loop_test(tc, test_failure, 0, (int)ARRAY_LEN(FAILURES));
	tcase_add_test(tc, test_failure_and_recovery);
	tcase_add_test(tc, test_suspend);
	tcase_add_test(tc, test_delete);
	tcase_add_loop_test(tc, test_conflict, 0, 2);
	tcase_add_loop_test(tc, test_new_rules, 0, 2);
	tcase_add_loop_test(tc, test_cancel, 0, 9);
	tcase_add_test(tc, test_secret);
	tcase_add_loop_test(tc, test_restore, 0, 4);
	tcase_add_loop_test(tc, test_restore_packed_by_another, 0, 2);
	tcase_add_loop_test(tc, test_restore_lost, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
