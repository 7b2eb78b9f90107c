/* A list of tags that goes backwards: a choice gives way to a lower version only when its tag was
   found gone twice, and what a run says of that. */
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "source/absence.h"
#include "source/item.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BOTH "{\"tags\":[\"1.0.0\",\"2.0.0\"]}"
#define LOWER "{\"tags\":[\"1.0.0\"]}"
#define NOTHING "{\"tags\":[]}"
#define CURRENT_PATH "/v2/app/manifests/2.0.0"
#define HOUR_MS (3600 * 1000)

static struct world w;
static struct fake_image lower, current;
static struct fake_answer *tags, *no_head, *no_get;
static int log_fd;

/* Two versions, the higher one stored, and looked for again only after an hour. */
static void setup(void)
{
	world_init(&w);
	log_fd = memfd_create("log", 0);
	log_set_fd(log_fd);
	tags = fake_on(w.reg, "GET", "/v2/app/tags/list");
	tags->body = BOTH;
	no_head = fake_on(w.reg, "HEAD", "");
	no_get = fake_on(w.reg, "GET", "");
	world_push(&w, "1.0.0", &w.layer, &lower);
	world_push(&w, "2.0.0", &w.layer2, &current);
	world_object(&w, "web", "\"ref\":{\"semver\":\">=1.0.0\"}");
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"interval\":\"1h\"}}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), current.layer_text);
	world_forget(&w);
}

static void teardown(void)
{
	log_set_fd(-1);
	close(log_fd);
	fake_image_clear(&lower);
	fake_image_clear(&current);
	world_clear(&w);
}

/* From now on the registry answers so when it is asked for the current tag. */
static void current_answers(int status, const char *body)
{
	no_head->path = no_get->path = CURRENT_PATH;
	no_head->status = no_get->status = status;
	no_get->body = body;
}

static void current_goes(void)
{
	current_answers(404, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}");
}

static void current_comes_back(void)
{
	no_head->path = no_get->path = "";
}

/* Lines of the log with this text. */
static int logged(const char *text)
{
	auto_buf struct buf all = BUF_INIT(BUF_ANY);
	char piece[4096];
	const char *at;
	off_t from = 0;
	ssize_t n;
	int lines = 0;

	while ((n = pread(log_fd, piece, sizeof(piece), from)) > 0) {
		buf_add(&all, piece, (size_t)n);
		from += n;
	}
	for (at = buf_str(&all); (at = strstr(at, text)); at++)
		lines++;
	return lines;
}

static int asked(const char *line)
{
	const char *at = fake_log(w.reg);
	int n = 0;

	for (; (at = strstr(at, line)); at++)
		n++;
	return n;
}

static void stays(const char *writes)
{
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), current.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_str_eq(world_writes(&w), writes);
}

static void moved(void)
{
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), lower.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_ptr_null(ARTIFACT_ITEM(world_item(&w, "web"))->absence);
}

static void request(const char *value)
{
	auto_free char *patch = mem_printf(
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"%s\"}}}",
		value);

	fake_kube_merge(w.kube, "ocirepositories", "apps", "web", patch);
	world_settle(&w);
}

/* The list lacks it, the registry has it: however often, nothing moves, and it is said once. */
START_TEST(test_list_lacks_it)
{
	int i;

	tags->body = _i ? NOTHING : LOWER;
	for (i = 1; i <= 3; i++) {
		world_pass(&w, HOUR_MS);
		stays("");
		ck_assert_int_eq(asked("HEAD " CURRENT_PATH "\n"), i);
		ck_assert_int_eq(logged("the tag list lacks the current tag"), 1);
	}
	/* It is not one that the next run is in a hurry for. */
	world_pass(&w, ABSENCE_AGAIN_MS);
	ck_assert_int_eq(asked("HEAD " CURRENT_PATH "\n"), 3);
	/* A list that has it is the end of that; another one that does not is news. */
	tags->body = BOTH;
	world_pass(&w, HOUR_MS);
	ck_assert_ptr_null(ARTIFACT_ITEM(world_item(&w, "web"))->absence);
	tags->body = LOWER;
	world_pass(&w, HOUR_MS);
	ck_assert_int_eq(logged("the tag list lacks the current tag"), 2);
	stays("");
}
END_TEST

/* A tag that moves goes on moving, whatever the list says. */
START_TEST(test_moves_while_unlisted)
{
	struct fake_image next;
	struct buf layer;

	world_layer(&layer, "three", 5);
	tags->body = LOWER;
	world_pass(&w, HOUR_MS);
	fake_image(w.reg, "app", "next", "application/vnd.cncf.flux.content.v1.tar+gzip", layer.p,
		layer.len, &next);
	no_head->path = CURRENT_PATH;
	no_head->headers = next.paths[3];
	world_pass(&w, HOUR_MS);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), next.layer_text);
	ck_assert_ptr_nonnull(strstr(fake_kube_log(w.kube),
		"chosen for semver '>=1.0.0': of 1 tags 1 is in the range, '1.0.0' is the next "
		"best"));
	fake_image_clear(&next);
	buf_clear(&layer);
}
END_TEST

/* Gone: the first time nothing moves, but the next run comes soon. */
START_TEST(test_gone_twice)
{
	tags->body = LOWER;
	current_goes();
	world_pass(&w, HOUR_MS);
	stays("");
	ck_assert_int_eq(logged("the current tag is gone: it stays until that is confirmed"), 1);
	ck_assert_int_eq(asked("HEAD /v2/app/manifests/1.0.0\n"), 0);
	world_pass(&w, ABSENCE_AGAIN_MS - 1);
	stays("");
	world_pass(&w, 1);
	moved();
	ck_assert_int_eq(logged("the current tag is confirmed gone: the tag list counts"), 1);
	ck_assert(world_has_event(&w, "NewArtifact"));
}
END_TEST

/* Two runs within seconds are one: somebody asks again and again. */
START_TEST(test_too_soon)
{
	tags->body = LOWER;
	current_goes();
	request("a");
	stays("PATCH ocirepositories/web/status\n");
	world_forget(&w);
	loop_test_advance(w.loop, ABSENCE_CONFIRM_MS - 1);
	request("b");
	stays("PATCH ocirepositories/web/status\n");
	loop_test_advance(w.loop, 1);
	request("c");
	moved();
}
END_TEST

/* In between the registry had it, or the list, or another revision came: it counts anew. */
START_TEST(test_back_in_between)
{
	tags->body = LOWER;
	current_goes();
	world_pass(&w, HOUR_MS);
	if (_i)
		tags->body = BOTH;
	current_comes_back();
	world_pass(&w, ABSENCE_AGAIN_MS);
	tags->body = LOWER;
	current_goes();
	world_pass(&w, HOUR_MS);
	stays("");
	world_pass(&w, ABSENCE_AGAIN_MS);
	moved();
}
END_TEST

/* A failure in between says nothing: it fails as any does, and what was found before stays. */
START_TEST(test_failure_in_between)
{
	tags->body = LOWER;
	current_goes();
	world_pass(&w, HOUR_MS);
	current_answers(501, "");
	if (_i)
		tags->status = 501;
	world_pass(&w, ABSENCE_AGAIN_MS);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), current.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.reason"),
		_i ? "ReadOperationFailed" : "OCIArtifactPullFailed");
	tags->status = 200;
	current_goes();
	world_pass(&w, 1000);
	moved();
}
END_TEST

/* A restart forgets the first time: one more is needed. */
START_TEST(test_restart)
{
	tags->body = LOWER;
	current_goes();
	world_pass(&w, HOUR_MS);
	world_stop(&w);
	loop_test_advance(w.loop, ABSENCE_AGAIN_MS);
	world_forget(&w);
	world_start(&w);
	world_settle(&w);
	stays("");
	world_pass(&w, ABSENCE_AGAIN_MS);
	moved();
}
END_TEST

/* Nothing matches any more. Confirmed, that is a failure as it always was, and the artifact
   stays. When something matches again it is taken. */
START_TEST(test_no_match)
{
	tags->body = NOTHING;
	current_goes();
	world_pass(&w, HOUR_MS);
	stays("");
	world_pass(&w, ABSENCE_AGAIN_MS);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), current.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "web", "FetchFailed.reason"), "ReadOperationFailed");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "web", "FetchFailed.message"),
		"no match found for semver '>=1.0.0'"));
	world_pass(&w, 750);
	ck_assert_int_eq(logged("the current tag is confirmed gone"), 1);
	tags->body = LOWER;
	world_pass(&w, 1500);
	moved();
}
END_TEST

/* Somebody has changed the spec, and the tag was never there, or is not what is wanted. rows:
   another repository, a lower range */
START_TEST(test_other_spec)
{
	auto_free char *url =
		mem_printf("{\"spec\":{\"url\":\"oci://%s/other\"}}", fake_host(w.reg));
	struct fake_image other;

	fake_image(w.reg, "other", "1.0.0", "application/vnd.cncf.flux.content.v1.tar+gzip",
		w.layer.p, w.layer.len, &other);
	fake_on(w.reg, "GET", "/v2/other/tags/list")->body = LOWER;
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		_i ? "{\"spec\":{\"ref\":{\"semver\":\"<2\"}}}" : url);
	world_settle(&w);
	moved();
	ck_assert_int_eq(logged("the current tag"), !_i);
	fake_image_clear(&other);
}
END_TEST

/* Its file is lost, and its tag gone for the first time: it is fetched by its digest. */
START_TEST(test_file_is_lost)
{
	auto_free char *path =
		mem_printf("%s/%s", w.root, world_status(&w, "web", "artifact.path"));

	tags->body = LOWER;
	current_goes();
	ck_assert_int_eq(unlink(path), 0);
	world_pass(&w, HOUR_MS);
	ck_assert_str_eq(world_status(&w, "web", "artifact.digest"), current.layer_text);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_int_eq(access(path, R_OK), 0);
	world_pass(&w, ABSENCE_AGAIN_MS);
	moved();
}
END_TEST

Suite *suite_absence(void);
Suite *suite_absence(void)
{
	Suite *s = suite_create("absence");
	TCase *t = tcase_create("absence");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_list_lacks_it, 0, 2);
	tcase_add_test(t, test_moves_while_unlisted);
	tcase_add_test(t, test_gone_twice);
	tcase_add_test(t, test_too_soon);
	tcase_add_loop_test(t, test_back_in_between, 0, 2);
	tcase_add_loop_test(t, test_failure_in_between, 0, 2);
	tcase_add_test(t, test_restart);
	tcase_add_test(t, test_no_match);
	tcase_add_loop_test(t, test_other_spec, 0, 2);
	tcase_add_test(t, test_file_is_lost);
	suite_add_tcase(s, t);
	return s;
}
