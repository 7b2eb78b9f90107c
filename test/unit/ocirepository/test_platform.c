/* The annotation that names the platform of an index: it counts as the spec does, though the
   generation does not move with it. */
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/spec.h"
#include "oci/manifest.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define OCTETS "\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":%zu"
#define PLATFORM(arch) "\"platform\":{\"os\":\"linux\",\"architecture\":\"" arch "\"}"

/* app:1.0 is an index of two images. */
struct multi {
	struct world w;
	struct fake_image amd64, arm64;
	char *json, *headers, *path, digest[DIGEST_TEXT_MAX];
};

static void multi_init(struct multi *m)
{
	struct digest d;
	struct fake_answer *a;
	int i;

	world_init(&m->w);
	world_push(&m->w, "amd64", &m->w.layer, &m->amd64);
	world_push(&m->w, "arm64", &m->w.layer2, &m->arm64);
	m->json = mem_printf("{\"mediaType\":\"%s\",\"manifests\":[{" OCTETS
			     "," PLATFORM("amd64") "},{" OCTETS "," PLATFORM("arm64") "}]}",
		OCI_TYPE_INDEX, m->amd64.manifest_text, strlen(m->amd64.json),
		m->arm64.manifest_text, strlen(m->arm64.json));
	digest_mem(&d, DIGEST_SHA256, m->json, strlen(m->json));
	digest_format(&d, m->digest);
	m->headers = mem_printf("Docker-Content-Digest: %s\r\n", m->digest);
	m->path = mem_printf("/v2/app/manifests/%s", m->digest);
	for (i = 0; i < 3; i++) {
		a = fake_on(
			m->w.reg, i ? "GET" : "HEAD", i == 2 ? m->path : "/v2/app/manifests/1.0");
		a->headers = m->headers;
		a->body = m->json;
	}
	world_object(&m->w, "web", "\"ref\":{\"tag\":\"1.0\"}");
}

/* text: a JSON value. */
static void annotate(void *arg, const char *value)
{
	struct multi *m = arg;
	auto_free char *patch = mem_printf(
		"{\"metadata\":{\"annotations\":{\"" OCIREPOSITORY_PLATFORM "\":%s}}}", value);

	fake_kube_merge(m->w.kube, "ocirepositories", "apps", "web", patch);
}

static void multi_clear(struct multi *m)
{
	fake_image_clear(&m->amd64);
	fake_image_clear(&m->arm64);
	free(m->json);
	free(m->headers);
	free(m->path);
	world_clear(&m->w);
}

/* What the status says of the artifact; made_for "": for nothing in particular. */
static void check_is(struct multi *m, const struct fake_image *image, const char *made_for)
{
	auto_free char *revision = mem_printf("1.0@%s", m->digest);
	const json_t *o = fake_kube_get(m->w.kube, "ocirepositories", "apps", "web");

	ck_assert_str_eq(world_status(&m->w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&m->w, "web", "artifact.revision"), revision);
	ck_assert_str_eq(world_status(&m->w, "web", "artifact.digest"), image->layer_text);
	ck_assert_str_eq(
		obj_str_or("", o, "status", "artifact", "metadata", OCIREPOSITORY_PLATFORM),
		made_for);
	/* beside what the manifest says of itself */
	ck_assert_str_eq(obj_str_or("", o, "status", "artifact", "metadata",
				 "org.opencontainers.image.revision"),
		"main");
}

START_TEST(test_changed)
{
	struct multi m;

	multi_init(&m);
	world_start(&m.w);
	world_settle(&m.w);
	check_is(&m, &m.amd64, "");
	world_forget(&m.w);
	annotate(&m, "\"linux/arm64\"");
	world_settle(&m.w);
	check_is(&m, &m.arm64, "linux/arm64");
	ck_assert_str_eq(world_writes(&m.w), "PATCH ocirepositories/web/status\n");
	/* and there it stays, over a restart too */
	world_stop(&m.w);
	world_start(&m.w);
	world_settle(&m.w);
	world_forget(&m.w);
	world_pass(&m.w, 60000);
	ck_assert_str_eq(world_writes(&m.w), "");
	ck_assert_str_eq(fake_log(m.w.reg), "HEAD /v2/app/manifests/1.0\n");
	annotate(&m, "null");
	world_settle(&m.w);
	check_is(&m, &m.amd64, "");
	/* The default needs no new one. */
	world_forget(&m.w);
	annotate(&m, "\"linux/amd64\"");
	world_settle(&m.w);
	check_is(&m, &m.amd64, "");
	ck_assert_str_eq(world_writes(&m.w), "");
	multi_clear(&m);
}
END_TEST

START_TEST(test_wrong)
{
	struct multi m;

	multi_init(&m);
	annotate(&m, "\"arm64\"");
	world_start(&m.w);
	world_settle(&m.w);
	ck_assert_str_eq(world_status(&m.w, "web", "Stalled.status"), "True");
	ck_assert_str_eq(world_status(&m.w, "web", "Stalled.reason"), "InvalidSpec");
	ck_assert_str_eq(world_status(&m.w, "web", "Ready.message"),
		"annotation '" OCIREPOSITORY_PLATFORM
		"': 'arm64' is no platform such as linux/arm64 or linux/arm/v7");
	ck_assert_str_eq(fake_log(m.w.reg), "");
	/* Another value is another spec. */
	annotate(&m, "\"linux/riscv64\"");
	world_settle(&m.w);
	ck_assert_str_eq(world_status(&m.w, "web", "Stalled.status"), "");
	ck_assert_str_eq(world_status(&m.w, "web", "Ready.reason"), "OCIArtifactPullFailed");
	ck_assert_msg(strstr(world_status(&m.w, "web", "Ready.message"),
			      "the index has no manifest for linux/riscv64, only for "
			      "'linux/amd64', 'linux/arm64'"),
		"%s", world_status(&m.w, "web", "Ready.message"));
	annotate(&m, "\"linux/arm64\"");
	world_settle(&m.w);
	check_is(&m, &m.arm64, "linux/arm64");
	multi_clear(&m);
}
END_TEST

static void annotate_arm64(void *arg)
{
	annotate(arg, "\"linux/arm64\"");
}

/* It changes while the status of what was made without it is written. */
START_TEST(test_changed_meanwhile)
{
	struct multi m;

	multi_init(&m);
	fake_kube_mute(m.w.kube, _i);
	fake_kube_hook(m.w.kube, "PATCH ocirepositories/web/status", annotate_arm64, &m);
	world_start(&m.w);
	fake_kube_mute(m.w.kube, false);
	world_settle(&m.w);
	check_is(&m, &m.arm64, "linux/arm64");
	multi_clear(&m);
}
END_TEST

/* What was lost comes back for the platform that it was made for, whatever the object says by
   now. */
START_TEST(test_restored)
{
	auto_free char *cmd = NULL;
	struct buf file;
	struct multi m;

	multi_init(&m);
	annotate(&m, "\"linux/arm64\"");
	world_start(&m.w);
	world_settle(&m.w);
	world_stop(&m.w);
	cmd = mem_printf("rm -rf %s/ocirepository", m.w.root);
	ck_assert_int_eq(system(cmd), 0);
	fake_kube_merge(
		m.w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	if (_i)
		annotate(&m, "null");
	world_start(&m.w);
	world_settle(&m.w);
	world_file(&m.w, "web", &file);
	ck_assert_uint_eq(file.len, m.w.layer2.len);
	ck_assert(!memcmp(file.p, m.w.layer2.p, file.len));
	buf_clear(&file);
	check_is(&m, &m.arm64, "linux/arm64");
	multi_clear(&m);
}
END_TEST

/* Nobody else has a say in it: not the manifest, in that name. */
START_TEST(test_not_from_the_manifest)
{
	static const char json[] = "{\"mediaType\":\"" OCI_TYPE_MANIFEST
				   "\",\"layers\":[{\"mediaType\":\"" OCI_TYPE_FLUX_CONTENT
				   "\",\"digest\":\"%s\",\"size\":%zu}],\"annotations\":{"
				   "\"" OCIREPOSITORY_PLATFORM "\":\"linux/arm64\"}}";
	auto_free char *body = NULL, *headers = NULL, *path = NULL;
	char text[DIGEST_TEXT_MAX];
	struct multi m;
	struct fake_answer *a;
	struct digest d;
	int i;

	multi_init(&m);
	body = mem_printf(json, m.amd64.layer_text, m.w.layer.len);
	digest_mem(&d, DIGEST_SHA256, body, strlen(body));
	headers = mem_printf("Docker-Content-Digest: %s\r\n", digest_format(&d, text));
	path = mem_printf("/v2/app/manifests/%s", text);
	for (i = 0; i < 2; i++) {
		a = fake_on(m.w.reg, i ? "GET" : "HEAD", i ? path : "/v2/app/manifests/2.0");
		a->headers = headers;
		a->body = body;
	}
	world_object(&m.w, "lies", "\"ref\":{\"tag\":\"2.0\"}");
	world_start(&m.w);
	world_settle(&m.w);
	ck_assert_str_eq(world_status(&m.w, "lies", "Ready.status"), "True");
	ck_assert_ptr_null(obj_get(fake_kube_get(m.w.kube, "ocirepositories", "apps", "lies"),
		"status", "artifact", "metadata"));
	world_forget(&m.w);
	world_pass(&m.w, 60000);
	ck_assert_str_eq(world_writes(&m.w), "");
	multi_clear(&m);
}
END_TEST

Suite *suite_platform(void);
Suite *suite_platform(void)
{
	Suite *s = suite_create("platform");
	TCase *tc = tcase_create("platform");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_changed);
	tcase_add_test(tc, test_wrong);
	tcase_add_loop_test(tc, test_changed_meanwhile, 0, 2);
	tcase_add_loop_test(tc, test_restored, 0, 2);
	tcase_add_test(tc, test_not_from_the_manifest);
	suite_add_tcase(s, tc);
	return s;
}
