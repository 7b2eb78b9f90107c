/* What notification-controller hears of an object: the same as the Events say, and more of where it
   comes from. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/poster.h"
#include "ev/loop.h"
#include "http/client.h"
#include "test/fake/receiver.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

Suite *suite_notices(void);

#define SLOW "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"gave up after %u ms\"}]}"
#define GROUP "source.toolkit.fluxcd.io/"

static struct world w;
static struct fake_image image;
static struct fake_receiver *receiver;
static struct http_client *http;
static struct poster *poster;

static void settle(void)
{
	int i;

	world_settle(&w);
	for (i = 0; i < 5000 && !poster_idle(poster); i++) {
		loop_turn(w.loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
	ck_assert(poster_idle(poster));
}

static void begin(void)
{
	world_init(&w);
	receiver = fake_receiver_new(w.loop);
	http = http_client_new(w.loop, &(struct http_client_opts){.max_connections = 4});
	poster = poster_new(
		w.loop, http, fake_receiver_url(receiver), "source-controller", "host-1");
	w.opts.controller.poster = poster;
	world_push(&w, "1.0", &w.layer, &image);
}

static void end(void)
{
	world_stop(&w);
	poster_stop(poster);
	poster_free(poster);
	http_client_free(http);
	fake_receiver_free(receiver);
	fake_image_clear(&image);
	world_clear(&w);
}

static void patch(const char *text)
{
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", text);
	settle();
}

static const char *last(const char *member)
{
	return obj_str_or("", fake_receiver_last(receiver), member);
}

static const char *metadata(const char *key)
{
	return obj_str_or("", fake_receiver_last(receiver), "metadata", key);
}

static const char *object(const char *key)
{
	return obj_str_or("", fake_receiver_last(receiver), "involvedObject", key);
}

START_TEST(test_story)
{
	auto_free char *message = NULL, *token = NULL;

	begin();
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"event.toolkit.fluxcd.io/team\":\"blue\","
		"\"other\":\"x\"}}}");
	world_start(&w);
	settle();
	ck_assert_str_eq(fake_receiver_said(receiver), "web info NewArtifact\n");
	ck_assert_str_eq(object("kind"), "OCIRepository");
	ck_assert_str_eq(object("apiVersion"), "source.toolkit.fluxcd.io/v1");
	ck_assert_str_eq(object("namespace"), "apps");
	ck_assert_str_ne(object("uid"), "");
	ck_assert_str_eq(object("resourceVersion"),
		obj_str(fake_kube_get(w.kube, "ocirepositories", "apps", "web"), "metadata",
			"resourceVersion"));
	ck_assert_str_eq(metadata(GROUP "revision"), world_status(&w, "web", "artifact.revision"));
	ck_assert_str_eq(metadata(GROUP "digest"), image.layer_text);
	ck_assert_str_eq(metadata(GROUP "originRevision"), "main");
	ck_assert_str_eq(metadata(GROUP "token"), "");
	ck_assert_str_eq(metadata("event.toolkit.fluxcd.io/team"), "blue");
	ck_assert_str_eq(metadata("other"), "");
	ck_assert_uint_eq(json_object_size(obj_get(fake_receiver_last(receiver), "metadata")), 4);
	message = mem_strdup(last("message"));

	patch("{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	ck_assert_str_eq(last("severity"), "error");
	ck_assert_str_eq(last("reason"), "OCIArtifactPullFailed");
	ck_assert_str_eq(last("message"), world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(metadata("event.toolkit.fluxcd.io/team"), "blue");
	ck_assert_str_eq(metadata(GROUP "revision"), "");

	/* The text is that of the artifact as it was: only the token makes it another one. */
	patch("{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
	ck_assert_str_eq(last("reason"), "Succeeded");
	ck_assert_str_eq(last("severity"), "info");
	ck_assert_str_eq(last("message"), message);
	ck_assert_str_eq(metadata(GROUP "originRevision"), "main");
	token = mem_strdup(metadata(GROUP "token"));
	ck_assert_uint_eq(strlen(token), 16);
	ck_assert_str_eq(fake_receiver_said(receiver),
		"web info NewArtifact\nweb error OCIArtifactPullFailed\nweb info Succeeded\n");

	/* From another failure it is another recovery. */
	patch("{\"spec\":{\"ref\":{\"tag\":\"3.0\"}}}");
	patch("{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
	ck_assert_str_eq(last("message"), message);
	ck_assert_str_ne(metadata(GROUP "token"), token);

	/* When nothing has changed, nothing is said. */
	world_pass(&w, 600000);
	settle();
	ck_assert_uint_eq(fake_receiver_requests(receiver), 5);
	end();
}
END_TEST

/* The same failure again and again, with another time in each answer: each run says it, in the same
   words, so that notification-controller can leave it out. */
START_TEST(test_same_words)
{
	auto_free char *first = NULL;
	struct fake_answer *answer;
	char body[200];
	unsigned i;

	begin();
	world_object(&w, "web", "\"ref\":{\"semver\":\">1\"}");
	snprintf(body, sizeof(body), SLOW, 100U);
	answer = fake_on(w.reg, "GET", "/v2/app/tags/list");
	answer->status = 403;
	answer->body = body;
	world_start(&w);
	settle();
	first = mem_strdup(last("message"));
	ck_assert_msg(strstr(first, "gave up after") != NULL, "%s", first);
	for (i = 1; i < 4; i++) {
		snprintf(body, sizeof(body), SLOW, 100 + i);
		world_pass(&w, 60000);
		settle();
		ck_assert_uint_eq(fake_receiver_requests(receiver), i + 1);
		ck_assert_str_eq(last("message"), first);
	}
	end();
}
END_TEST

/* Nobody is there: the object is as quick and as well as ever. */
START_TEST(test_dead)
{
	begin();
	fake_receiver_stop(receiver);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "Succeeded");
	ck_assert(world_has_event(&w, "NewArtifact"));
	fake_receiver_start(receiver);
	loop_test_advance(w.loop, 1200);
	settle();
	ck_assert_str_eq(fake_receiver_said(receiver), "web info NewArtifact\n");
	end();
}
END_TEST

Suite *suite_notices(void)
{
	Suite *s = suite_create("notices");
	TCase *tc = tcase_create("notices");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_story);
	tcase_add_test(tc, test_same_words);
	tcase_add_test(tc, test_dead);
	suite_add_tcase(s, tc);
	return s;
}
