/* What becomes of a layer: large ones, repacks, copies, indexes, other digests, and how long files
   stay. */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "oci/manifest.h"
#include "pack/tarw.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes that do not get smaller: a layer of them is larger than what stays in memory. */
static void noise(struct buf *out, size_t n)
{
	unsigned long long x = 88172645463325252ULL;
	struct buf plain = BUF_INIT(BUF_ANY);

	for (; n; n--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf_addc(&plain, (char)(x & 127));
	}
	world_layer(out, plain.p, plain.len);
	buf_clear(&plain);
}

static void check_file(struct world *w, const char *name, enum digest_algo algo)
{
	char text[DIGEST_TEXT_MAX];
	struct buf file;
	struct digest d;

	world_file(w, name, &file);
	digest_mem(&d, algo, file.p, file.len);
	ck_assert_str_eq(world_status(w, name, "artifact.digest"), digest_format(&d, text));
	ck_assert_int_eq(atoi(world_status(w, name, "artifact.size")), (int)file.len);
	buf_clear(&file);
}

static int entries(struct world *w, const char *dir)
{
	auto_free char *path = mem_printf("%s/%s", w->root, dir);
	DIR *d = opendir(path);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

START_TEST(test_large)
{
	struct world w;
	struct fake_image image;
	struct buf layer;
	auto_free char *path = NULL, *packed = NULL;

	world_init(&w);
	noise(&layer, 1 << 20);
	ck_assert_uint_gt(layer.len, 512 << 10);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	check_file(&w, "web", DIGEST_SHA256);
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	/* The same revision with a rule that takes something out: the same path, repacked. */
	path = mem_strdup(world_status(&w, "web", "artifact.path"));
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ignore\":\"app.yaml\"}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.path"), path);
	ck_assert_str_ne(world_status(&w, "web", "artifact.digest"), image.layer_text);
	check_file(&w, "web", DIGEST_SHA256);
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	/* And back to the layer itself. */
	packed = mem_strdup(world_status(&w, "web", "artifact.digest"));
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"spec\":{\"ignore\":\"nothing.here\"}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	check_file(&w, "web", DIGEST_SHA256);
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

/* A reset may take bytes with it that were sent before: then nothing was received, and no pause
   precedes another try. */
static bool broken_off(struct world *w)
{
	loop_test_advance(w->loop, 1);
	/* Unknown is what a slow pull says on its way: on a busy machine many of these milliseconds
	   pass. */
	return !strcmp(world_status(w, "web", "Ready.status"), "False");
}

/* Whatever goes wrong with a layer's bytes on their way has one reason, and is no fault of the
   disk. */
static const struct {
	int status;
	enum fake_way way;
	size_t cut;
	bool other; /* bytes of another layer */
} WIRE[] = {
	{404, FAKE_WHOLE, 0, false},
	{403, FAKE_WHOLE, 0, false},
	{500, FAKE_WHOLE, 0, false},
	{503, FAKE_WHOLE, 0, false},
	{200, FAKE_CUT, 0, false},
	{200, FAKE_CUT, 300000, false},
	{200, FAKE_RESET, 300000, false},
	{200, FAKE_WHOLE, 0, true},
};

START_TEST(test_layer_wire)
{
	static const char *const specs[] = {"\"ref\":{\"tag\":\"1.0\"}",
		"\"ref\":{\"tag\":\"1.0\"},\"layerSelector\":{\"operation\":\"copy\"}"};
	struct world w;
	struct fake_image image;
	struct buf layer;
	struct fake_answer *a;

	world_init(&w);
	noise(&layer, 1 << 20);
	a = fake_on(w.reg, "GET", "");
	world_push(&w, "1.0", &layer, &image);
	a->status = WIRE[_i / 2].status;
	a->way = WIRE[_i / 2].way;
	a->cut = WIRE[_i / 2].cut;
	a->path = image.paths[2];
	a->body = layer.p + WIRE[_i / 2].other;
	a->body_len = layer.len - WIRE[_i / 2].other;
	world_object(&w, "web", specs[_i % 2]);
	world_start(&w);
	world_until(&w, broken_off, "the failure");
	world_settle(&w);
	ck_assert_str_eq(
		world_status(&w, "web", "Ready.reason"), "OCIArtifactLayerOperationFailed");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "StorageOperationFailed.status"), "");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"), image.layer_text));
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

/* And a disk that is full is none of the registry's. rows: a small layer, a large one */
START_TEST(test_disk_full)
{
	struct world w;
	struct fake_image image;
	struct buf layer;

	world_init(&w);
	noise(&layer, _i ? 1 << 20 : 1000);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	sys_fault_after(SYS_WRITE, 1, ENOSPC);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "StorageOperationFailed.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "ArchiveOperationFailed");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.status"), "");
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	sys_fault_clear();
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "StorageOperationFailed.status"), "");
	ck_assert(world_has_event(&w, "NewArtifact"));
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

/* A disk that does not let the stored file be looked at: told, and the artifact of before stays in
   the status. */
START_TEST(test_disk_unreadable)
{
	auto_free char *url = NULL;
	struct world w;
	struct fake_image image;
	struct buf layer;

	world_init(&w);
	noise(&layer, 1000);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	url = mem_strdup(world_status(&w, "web", "artifact.url"));
	sys_fault_after(SYS_OPEN, 1, EIO);
	world_pass(&w, 120000);
	ck_assert_str_eq(world_status(&w, "web", "StorageOperationFailed.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "StatOperationFailed");
	ck_assert(strstr(world_status(&w, "web", "Ready.message"), "failed to stat the artifact"));
	ck_assert_str_eq(world_status(&w, "web", "artifact.url"), url);
	sys_fault_clear();
	world_pass(&w, 120000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "StorageOperationFailed.status"), "");
	ck_assert_str_eq(world_status(&w, "web", "artifact.url"), url);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

START_TEST(test_copy)
{
	struct world w;
	struct fake_image image;
	struct buf layer = BUF_INIT(BUF_ANY);

	world_init(&w);
	buf_adds(&layer, "no archive at all");
	fake_image(w.reg, "app", "1.0", "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
		layer.p, layer.len, &image);
	world_object(&w, "web",
		"\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"*\",\"layerSelector\":{\"mediaType\":"
		"\"application/vnd.cncf.helm.chart.content.v1.tar+gzip\",\"operation\":\"copy\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "observedLayerSelector.operation"), "copy");
	check_file(&w, "web", DIGEST_SHA256);
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/1.0\n");
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

/* A layer that is no archive: the message says what it is and what to write. What is one, and
   broken, says neither. */
START_TEST(test_no_archive)
{
	static const struct {
		const char *layer;
		bool says;
	} rows[] = {{"{\"kind\":\"List\"}", true}, {"BZh91AY&SY", true},
		{"\x1f\x8b\x08\1\1\1\1\1\1\1", false}};
	static const char says[] =
		"a layer of media type 'application/vnd.test+json' is not what 'extract' needs "
		"(layerSelector.operation 'copy' takes it as it is): the layer is no tar archive";
	struct world w;
	struct fake_image image;
	const char *message;

	world_init(&w);
	fake_image(w.reg, "app", "1.0", "application/vnd.test+json", rows[_i].layer,
		strlen(rows[_i].layer), &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(
		world_status(&w, "web", "Ready.reason"), "OCIArtifactLayerOperationFailed");
	message = world_status(&w, "web", "Ready.message");
	ck_assert_msg(rows[_i].says == !!strstr(message, says), "%s", message);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

START_TEST(test_index)
{
	struct world w;
	struct fake_image image, other;
	struct fake_answer *a;
	auto_free char *json = NULL, *headers = NULL, *path = NULL, *revision = NULL;
	char text[DIGEST_TEXT_MAX];
	struct digest d;
	int i;

	world_init(&w);
	world_push(&w, "amd", &w.layer, &image);
	world_push(&w, "arm", &w.layer2, &other);
	json = mem_printf(
		"{\"schemaVersion\":2,\"mediaType\":\"%s\",\"annotations\":{\"of\":\"index\"},"
		"\"manifests\":["
		"{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}},"
		"{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}}]}",
		OCI_TYPE_INDEX, OCI_TYPE_MANIFEST, other.manifest_text, strlen(other.json),
		OCI_TYPE_MANIFEST, image.manifest_text, strlen(image.json));
	digest_mem(&d, DIGEST_SHA256, json, strlen(json));
	digest_format(&d, text);
	headers = mem_printf(
		"Content-Type: %s\r\nDocker-Content-Digest: %s\r\n", OCI_TYPE_INDEX, text);
	path = mem_printf("/v2/app/manifests/%s", text);
	for (i = 0; i < 3; i++) {
		a = fake_on(w.reg, i ? "GET" : "HEAD", i == 2 ? path : "/v2/app/manifests/all");
		a->headers = headers;
		a->body = json;
	}
	world_object(&w, "web", "\"ref\":{\"tag\":\"all\"}");
	world_start(&w);
	world_settle(&w);
	revision = mem_printf("all@%s", text);
	/* The revision is the index's, what is in it the child's. */
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), revision);
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "artifact.path"), text));
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	{
		json_t *o = obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"),
			"status", "artifact", "metadata");

		ck_assert_uint_eq(json_object_size(o), 1);
		ck_assert_str_eq(obj_str(o, "org.opencontainers.image.revision"), "main");
	}
	fake_image_clear(&image);
	fake_image_clear(&other);
	world_clear(&w);
}
END_TEST

START_TEST(test_digest_algo)
{
	struct world w;
	struct fake_image image;
	auto_free char *path = NULL;

	world_init(&w);
	w.opts.algo = DIGEST_SHA512;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_object(&w, "cut", "\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"*.md\"");
	world_start(&w);
	world_settle(&w);
	check_file(&w, "web", DIGEST_SHA512);
	check_file(&w, "cut", DIGEST_SHA512);
	/* Another algorithm from now on: the artifacts there are stay as they are, also when they
	   have to be fetched again. */
	world_stop(&w);
	w.opts.algo = DIGEST_SHA256;
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "");
	path = mem_printf("%s/%s", w.root, world_status(&w, "cut", "artifact.path"));
	world_stop(&w);
	ck_assert_int_eq(unlink(path), 0);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_writes(&w), "");
	check_file(&w, "cut", DIGEST_SHA512);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

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

/* A superseded file stays for a minute, the current one for ever; also while the registry fails. */
START_TEST(test_retention)
{
	struct world w;
	struct fake_image image, next;
	auto_free char *old = NULL, *now = NULL;
	int i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	old = mem_strdup(world_status(&w, "web", "artifact.path"));
	for (i = 0; i < 70; i++)
		world_pass(&w, 2000); /* age alone does nothing */
	ck_assert_int_eq(ask(&w, old), STORE_HIT);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	now = mem_strdup(world_status(&w, "web", "artifact.path"));
	ck_assert_str_ne(now, old);
	ck_assert_int_eq(ask(&w, old), STORE_HIT);
	ck_assert_int_eq(ask(&w, now), STORE_HIT);
	if (_i)
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
			"{\"spec\":{\"ref\":{\"tag\":\"none\"}}}");
	for (i = 0; i < 70; i++)
		world_pass(&w, 2000);
	ck_assert_int_eq(ask(&w, old), STORE_MISS);
	ck_assert_int_eq(ask(&w, now), STORE_HIT);
	/* With its link, the only one in the folder. */
	ck_assert_int_eq(entries(&w, "ocirepository/apps/web"), 2);
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

/* The number counts as well: three revisions within the minute leave two. */
START_TEST(test_retention_records)
{
	static const char *const tags[] = {"1.0", "2.0", "3.0"};
	struct world w;
	struct fake_image image[3];
	struct buf layer[3];
	int i;

	world_init(&w);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	for (i = 0; i < 3; i++) {
		world_layer(&layer[i], tags[i], 3);
		world_push(&w, tags[i], &layer[i], &image[i]);
	}
	world_start(&w);
	for (i = 0; i < 3; i++) {
		auto_free char *to = mem_printf("{\"spec\":{\"ref\":{\"tag\":\"%s\"}}}", tags[i]);

		fake_kube_merge(w.kube, "ocirepositories", "apps", "web", to);
		world_pass(&w, 1000);
		ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image[i].layer_text);
	}
	ck_assert_int_eq(entries(&w, "ocirepository/apps/web"), 3);
	for (i = 0; i < 3; i++) {
		fake_image_clear(&image[i]);
		buf_clear(&layer[i]);
	}
	world_clear(&w);
}
END_TEST

/* "" is a rule set without rules, not the absence of one: said so, and not done again and again. */
START_TEST(test_empty_ignore)
{
	struct world w;
	struct fake_image image;
	const json_t *status;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"},\"ignore\":\"\"");
	world_start(&w);
	world_settle(&w);
	status = obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status");
	ck_assert_str_eq(obj_str_or("absent", status, "observedIgnore"), "");
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_str_eq(world_writes(&w), "");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ignore\":null}}");
	world_settle(&w);
	status = obj_get(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "status");
	ck_assert_str_eq(obj_str_or("absent", status, "observedIgnore"), "absent");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

/* A small layer with 1 MiB of ignore rules, which count four times: more than a job has at
   first. */
static void rules_layer(struct buf *out)
{
	auto_free char *text = mem_alloc(LIMIT_IGNORE_FILE);
	struct pack_tarw_result res;
	struct pack_tarw *t;
	struct err err = {0};

	memset(text, '\n', LIMIT_IGNORE_FILE);
	buf_init(out, BUF_ANY);
	t = pack_tarw_new(&(struct pack_tarw_out){.fd = -1, .mem = out});
	ck_assert(!pack_tarw_dir(t, ".", 0750, &err) &&
		!pack_tarw_file_mem(t, ".sourceignore", 0600, text, LIMIT_IGNORE_FILE, &err) &&
		!pack_tarw_file_mem(t, "app.yaml", 0600, "x", 1, &err) &&
		!pack_tarw_end(t, &res, &err));
	pack_tarw_free(t);
}

static struct account *account;

static struct account_stats jobs(void)
{
	struct account_stats s;

	account_stats(account, ACCOUNT_JOBS, &s);
	return s;
}

static bool waits(struct world *w)
{
	(void)w;
	return jobs().waiting > 0;
}

/* The job is done again with more memory, waits for it if need be, and may be cancelled
   meanwhile. */
START_TEST(test_memory)
{
	struct op *other = NULL;
	struct world w;
	struct fake_image image;
	struct buf layer;

	world_init(&w);
	rules_layer(&layer);
	account = w.opts.account = account_new(w.loop, 60 * LIMIT_MIB);
	if (_i)
		other = account_take(account, ACCOUNT_JOBS, "other", 40 * LIMIT_MIB);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	if (_i) {
		world_until(&w, waits, "a job that waits for memory");
		ck_assert_uint_eq(jobs().waiting, 16 * LIMIT_MIB);
	}
	if (_i == 2)
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	else
		op_free(MOVE(other));
	world_settle(&w);
	if (_i == 2) {
		ck_assert_uint_eq(jobs().waiting, 0);
		ck_assert_uint_eq(jobs().held, 40 * LIMIT_MIB);
		op_free(other);
	} else {
		ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
		ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	}
	ck_assert_uint_eq(jobs().held, 0);
	ck_assert_int_eq(entries(&w, ".tmp"), 0);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
	account_free(account);
}
END_TEST

/* Where there will never be enough, the layer is refused, and the message says why. */
START_TEST(test_memory_never)
{
	struct world w;
	struct fake_image image;
	struct buf layer;

	world_init(&w);
	rules_layer(&layer);
	account = w.opts.account = account_new(w.loop, 6 * LIMIT_MIB);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(
		world_status(&w, "web", "Ready.reason"), "OCIArtifactLayerOperationFailed");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "Ready.message"),
		"its names, ignore rules and window take more than the 4194304 bytes of memory"));
	ck_assert_uint_eq(jobs().held, 0);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
	account_free(account);
}
END_TEST

Suite *suite_artifact(void);
Suite *suite_artifact(void)
{
	Suite *s = suite_create("artifact");
	TCase *tc = tcase_create("artifact");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_large);
	tcase_add_loop_test(tc, test_layer_wire, 0, 2 * (int)ARRAY_LEN(WIRE));
	tcase_add_loop_test(tc, test_disk_full, 0, 2);
	tcase_add_test(tc, test_disk_unreadable);
	tcase_add_test(tc, test_copy);
	tcase_add_loop_test(tc, test_no_archive, 0, 3);
	tcase_add_test(tc, test_index);
	tcase_add_test(tc, test_digest_algo);
	tcase_add_loop_test(tc, test_retention, 0, 2);
	tcase_add_test(tc, test_retention_records);
	tcase_add_test(tc, test_empty_ignore);
	tcase_add_loop_test(tc, test_memory, 0, 3);
	tcase_add_test(tc, test_memory_never);
	suite_add_tcase(s, tc);
	return s;
}
