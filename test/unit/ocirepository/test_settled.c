/* A run that finds what the one before found reads and writes nothing; the first difference makes a
   whole one of it. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "source/env.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INTERVAL_MS 60000
#define TAG "/v2/app/manifests/1.0.0"
#define LIST "/v2/app/tags/list"

static const struct {
	const char *spec, *asked;
} rows[] = {
	{"\"ref\":{\"tag\":\"1.0.0\"}", "HEAD " TAG "\n"},
	{"\"ref\":{\"semver\":\">=0.1\"},\"layerSelector\":{\"operation\":\"copy\"},\"ignore\":"
	 "\"x\"",
		"GET " LIST "?n=1000\nHEAD " TAG "\n"},
	{"\"ref\":{\"semver\":\">=0.1-0\",\"semverFilter\":\"^1\"}",
		"GET " LIST "?n=1000\nHEAD " TAG "\n"},
};

static void secret(struct world *w)
{
	auto_buf struct buf b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	plain = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"dTpw\"}}}", fake_host(w->reg));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w->kube, "secrets", json);
}

static const char tags[] = "{\"tags\":[\"1.0.0\",\"2.0.0-x\"]}";
static struct fake_answer *list; /* as the one that begin() returns, of LIST */

/* An object that two runs found in order. The answer that is returned comes before all others once
   it has a path. */
static struct fake_answer *begin(struct world *w, struct fake_image *image, const char *spec)
{
	struct fake_answer *first;

	world_init(w);
	secret(w);
	first = fake_on(w->reg, "HEAD", "/none");
	list = fake_on(w->reg, "GET", "/none");
	fake_on(w->reg, "GET", LIST)->body = tags;
	world_push(w, "1.0.0", &w->layer, image);
	world_object(w, "web", spec);
	world_start(w);
	world_settle(w);
	ck_assert_str_eq(world_status(w, "web", "Ready.status"), "True");
	ck_assert(!world_item(w, "web")->settled);
	world_pass(w, INTERVAL_MS);
	ck_assert(world_item(w, "web")->settled);
	world_forget(w);
	return first;
}

static void end(struct world *w, struct fake_image *image)
{
	fake_image_clear(image);
	world_clear(w);
}

START_TEST(test_nothing_to_do)
{
	struct world w;
	struct fake_image image;
	int i;

	begin(&w, &image, rows[_i].spec);
	for (i = 0; i < 3; i++) {
		world_forget(&w);
		world_pass(&w, INTERVAL_MS);
		ck_assert_str_eq(fake_log(w.reg), rows[_i].asked);
		ck_assert_str_eq(world_writes(&w), "");
		ck_assert(world_item(&w, "web")->settled);
		world_pass(&w, INTERVAL_MS / 2);
		ck_assert_str_eq(fake_log(w.reg), rows[_i].asked);
	}
	ck_assert_uint_eq(metric_count(world_item(&w, "web")->duration), 5);
	end(&w, &image);
}
END_TEST

/* Each request once, as without the short way. */
START_TEST(test_tag_moves)
{
	struct world w;
	struct fake_image image, next;
	struct fake_answer *first = begin(&w, &image, rows[0].spec);
	auto_free char *wanted = NULL;

	world_push(&w, "next", &w.layer2, &next);
	first->path = TAG;
	first->headers = next.paths[3];
	first->body = next.json;
	world_pass(&w, INTERVAL_MS);
	wanted = mem_printf("HEAD " TAG "\nGET %s\nGET %s\n", next.paths[1], next.paths[2]);
	ck_assert_str_eq(fake_log(w.reg), wanted);
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert(world_has_event(&w, "NewArtifact"));
	/* And all over again, with the new one. */
	world_pass(&w, INTERVAL_MS);
	ck_assert(world_item(&w, "web")->settled);
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(fake_log(w.reg), "HEAD " TAG "\n");
	fake_image_clear(&next);
	end(&w, &image);
}
END_TEST

START_TEST(test_registry_fails)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, rows[1].spec);
	list->path = LIST;
	list->status = 404;
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.reason"), "ReadOperationFailed");
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), image.layer_text);
	ck_assert(world_has_event(&w, "ReadOperationFailed"));
	ck_assert(!world_item(&w, "web")->settled);
	list->path = "/none";
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.reason"), "");
	ck_assert(world_has_event(&w, "Succeeded"));
	end(&w, &image);
}
END_TEST

START_TEST(test_file_is_lost)
{
	struct world w;
	struct fake_image image;
	auto_free char *path = NULL;

	begin(&w, &image, rows[0].spec);
	path = mem_printf("%s/%s", w.root, world_status(&w, "web", "artifact.path"));
	ck_assert_int_eq(unlink(path), 0);
	world_pass(&w, INTERVAL_MS);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert(!world_has_event(&w, "ArtifactLost"));
	end(&w, &image);
}
END_TEST

static bool is_asked(struct world *w)
{
	return *fake_log(w->reg);
}

/* What a request needs of the spec is kept: the Secret, and how long to wait. */
START_TEST(test_credentials_and_timeout)
{
	struct world w;
	struct fake_image image;
	struct fake_answer *first;

	first = begin(&w, &image,
		"\"ref\":{\"tag\":\"1.0.0\"},\"timeout\":\"5s\",\"secretRef\":{\"name\":\"pull\"}");
	first->path = TAG;
	first->headers = image.paths[3];
	first->need = "Basic dTpw";
	first->challenge = "Basic realm=\"x\"";
	world_pass(&w, INTERVAL_MS);
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "HEAD " TAG " auth=Basic dTpw"));
	ck_assert(world_item(&w, "web")->settled);
	ck_assert_str_eq(world_writes(&w), "");
	first->way = FAKE_SILENT;
	world_forget(&w);
	loop_test_advance(w.loop, INTERVAL_MS);
	world_until(&w, is_asked, "the request");
	loop_test_advance(w.loop, 5001);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	end(&w, &image);
}
END_TEST

/* Somebody writes into the status: the next run puts it right. */
START_TEST(test_status_is_touched)
{
	struct world w;
	struct fake_image image;

	begin(&w, &image, rows[0].spec);
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"status\":{\"url\":\"http://elsewhere\",\"conditions\":null}}");
	world_settle(&w);
	ck_assert(!world_item(&w, "web")->settled);
	world_pass(&w, INTERVAL_MS);
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "url"), "/latest.tar.gz"));
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	end(&w, &image);
}
END_TEST

static bool is_touched(struct world *w)
{
	return !strstr(world_item(w, "web")->text, "conditions");
}

/*
 * The object changes while the registry is slow: with (0) the answer that nothing is new, (1) a new
 * digest, (2) a refusal. What was found out for the old one is not written to the new one; the next
 * run comes at once.
 */
START_TEST(test_changed_meanwhile)
{
	struct world w;
	struct fake_image image, next;
	struct fake_answer *first = begin(&w, &image, rows[1].spec);

	world_push(&w, "next", &w.layer2, &next);
	list->path = LIST;
	list->body = tags;
	list->way = FAKE_DRIP;
	list->drip_ms = 100;
	list->times = 1;
	first->path = _i ? TAG : "/none";
	first->headers = next.paths[3];
	first->body = next.json;
	first->status = _i == 2 ? 403 : 200;
	first->times = _i == 2;
	loop_test_advance(w.loop, INTERVAL_MS);
	world_until(&w, is_asked, "the request");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"status\":{\"artifact\":null,\"conditions\":null,\"url\":null}}");
	world_until(&w, is_touched, "the event");
	ck_assert_ptr_null(strstr(fake_log(w.reg), "HEAD"));
	world_forget(&w);
	world_pass(&w, sizeof(tags) * list->drip_ms);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"),
		_i == 1 ? next.layer_text : image.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_writes(&w), "PATCH ocirepositories/web/status\n");
	fake_image_clear(&next);
	end(&w, &image);
}
END_TEST

Suite *suite_settled(void);
Suite *suite_settled(void)
{
	Suite *s = suite_create("settled");
	TCase *tc = tcase_create("settled");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_nothing_to_do, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, test_tag_moves);
	tcase_add_test(tc, test_registry_fails);
	tcase_add_test(tc, test_file_is_lost);
	tcase_add_test(tc, test_credentials_and_timeout);
	tcase_add_test(tc, test_status_is_touched);
	tcase_add_loop_test(tc, test_changed_meanwhile, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
