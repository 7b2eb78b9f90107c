/* Objects that follow one tag at the same time: few requests for all of them, and none of them
   depends on another. */
#include "base/mem.h"
#include "ev/loop.h"
#include "oci/registry.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define OBJECTS 48

static struct world w;
static struct fake_image image;
static struct fake_answer *silent;

static void setup(void)
{
	world_init(&w);
	silent = fake_on(w.reg, "HEAD", "");
	silent->way = FAKE_SILENT;
	silent->times = 1;
	world_push(&w, "1.0", &w.layer, &image);
}

static void teardown(void)
{
	fake_image_clear(&image);
	world_clear(&w);
}

static int heads(void)
{
	const char *at = fake_log(w.reg);
	int n = 0;

	for (; (at = strstr(at, "HEAD ")); at++)
		n++;
	return n;
}

/* A registry has eight places for checks (isolation.md), and who has one of them shares. */
START_TEST(test_few_requests)
{
	char name[16];
	int i;

	for (i = 0; i < OBJECTS; i++) {
		snprintf(name, sizeof(name), "web%d", i);
		world_object(&w, name, "\"ref\":{\"tag\":\"1.0\"}");
	}
	world_start(&w);
	world_settle(&w);
	for (i = 0; i < 3; i++) {
		world_forget(&w);
		world_pass(&w, 60000);
		ck_assert_int_ge(heads(), 1);
		ck_assert_int_le(heads(), OBJECTS / 4);
		ck_assert_str_eq(world_writes(&w), "");
	}
}
END_TEST

static bool head_asked(struct world *world)
{
	(void)world;
	return heads() > 0;
}

/* The one that began it is deleted, or changed, while the registry is silent: the other one waits
   on, with its own end. */
START_TEST(test_one_goes)
{
	world_object(&w, "one", "\"ref\":{\"tag\":\"1.0\"}");
	world_object(&w, "two", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	world_forget(&w);
	silent->path = "/v2/app/manifests/1.0";
	loop_test_advance(w.loop, 60000);
	world_until(&w, head_asked, "the question");
	if (_i)
		fake_kube_delete(w.kube, "ocirepositories", "apps", "one");
	else
		fake_kube_merge(
			w.kube, "ocirepositories", "apps", "one", "{\"spec\":{\"suspend\":true}}");
	world_pass(&w, 60000);
	ck_assert_str_eq(world_status(&w, "two", "Ready.status"), "False");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "two", "Ready.message"), "not done within"));
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "two", "Ready.status"), "True");
	if (!_i)
		ck_assert_str_eq(world_status(&w, "one", "Ready.status"), "True");
}
END_TEST

#define PULLS 8
#define BIG 700000

/* And the first half is there: it goes on after a pause. */
static bool all_join(struct world *world)
{
	struct http_client_stats http;
	struct oci_stats stats;

	http_client_stats(world->http, &http);
	oci_client_stats(world->oci, &stats);
	return stats.blobs_shared == PULLS - 1 && stats.requests[OCI_KIND_BLOB] &&
		!http.open_requests;
}

/* What their tag means anew is downloaded once, and each of them has a file of its own. */
START_TEST(test_one_download)
{
	struct buf big = BUF_INIT(BUF_ANY), got;
	struct fake_answer *half = fake_on(w.reg, "GET", "");
	struct oci_stats stats;
	struct fake_image second;
	char name[16];
	uint32_t r = 1;
	int i;

	for (i = 0; i < BIG; i++) {
		char c = (char)((r = r * 1664525 + 1013904223) >> 24);

		ck_assert_int_eq(buf_add(&big, &c, 1), 0);
	}
	world_push(&w, "2.0", &big, &second);
	half->path = second.paths[2];
	half->body = big.p;
	half->body_len = big.len;
	half->way = FAKE_CUT;
	half->cut = BIG / 2;
	half->ranges = true;
	half->times = 1;
	for (i = 0; i < PULLS; i++) {
		snprintf(name, sizeof(name), "big%d", i);
		world_object(&w, name,
			"\"ref\":{\"tag\":\"2.0\"},"
			"\"layerSelector\":{\"operation\":\"copy\"}");
	}
	world_start(&w);
	world_until(&w, all_join, "all pulls to join the first one");
	for (i = 0; i < 100; i++)
		loop_turn(w.loop, false);
	world_pass(&w, 1000);
	oci_client_stats(w.oci, &stats);
	ck_assert_uint_eq(stats.requests[OCI_KIND_BLOB], 2);
	for (i = 0; i < PULLS; i++) {
		snprintf(name, sizeof(name), "big%d", i);
		ck_assert_str_eq(world_status(&w, name, "Ready.status"), "True");
		ck_assert_str_eq(world_status(&w, name, "artifact.digest"), second.layer_text);
		world_file(&w, name, &got);
		ck_assert_uint_eq(got.len, big.len);
		ck_assert(!memcmp(got.p, big.p, got.len));
		buf_clear(&got);
	}
	fake_image_clear(&second);
	buf_clear(&big);
}
END_TEST

Suite *suite_share(void);
Suite *suite_share(void)
{
	Suite *s = suite_create("share");
	TCase *t = tcase_create("share");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_few_requests);
	tcase_add_loop_test(t, test_one_goes, 0, 2);
	tcase_add_test(t, test_one_download);
	suite_add_tcase(s, t);
	return s;
}
