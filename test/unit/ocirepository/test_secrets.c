/* Pull Secrets that change, with a watch that works, lags, is refused or breaks: which one a run
   uses, and how often it is read. */
#include "base/base64.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/event.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "kube/watch.h"
#include "source/env.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define INTERVAL_MS 60000
#define OLD "Basic dXNlcjpvbGQ=" /* user:old */
#define NEW_ONE "Basic dXNlcjpuZXc=" /* user:new */
#define REFUSED "GET secrets/" /* list and watch */
#define SPEC "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}"

static struct world w;
static struct fake_image image;
static struct fake_answer *head;

static void secret(const char *user)
{
	auto_buf struct buf auth = BUF_INIT(4096), b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	ck_assert(!base64_encode(&auth, user, strlen(user), BASE64_STD));
	plain = mem_printf(
		"{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(w.reg), buf_str(&auth));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w.kube, "secrets", json);
}

/* A registry that wants user:old, an object that has it. */
static void begin(bool watch)
{
	world_init(&w);
	secret("user:old");
	head = fake_on(w.reg, "HEAD", "/none");
	head->challenge = "Basic realm=\"test\"";
	head->need = OLD;
	world_push(&w, "1.0", &w.layer, &image);
	head->headers = image.paths[3];
	head->path = image.paths[0];
	world_object(&w, "web", SPEC);
	if (!watch)
		fake_kube_fail(w.kube, REFUSED, 403, 100000);
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	world_forget(&w);
}

static void end(void)
{
	fake_image_clear(&image);
	world_clear(&w);
}

static const void *kept(void)
{
	struct depends_parts parts = {0};
	struct depends_value *v = depends_vouched(w.c->depends, "apps/pull///", &parts);

	depends_parts_clear(&parts);
	if (v)
		v->unref(v);
	return v;
}

static bool asked_with(const char *credentials)
{
	return strstr(fake_log(w.reg), credentials) != NULL;
}

static void rotate(void)
{
	head->need = NEW_ONE;
	secret("user:new");
}

/* Nobody vouches: each run reads, and what is of the same version stays, with its tokens. */
START_TEST(test_without_a_watch)
{
	const void *before;

	begin(false);
	before = kept();
	world_pass(&w, INTERVAL_MS);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 2);
	ck_assert_ptr_eq(kept(), before);
	ck_assert(asked_with(OLD));
	rotate();
	world_forget(&w);
	world_pass(&w, INTERVAL_MS);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 3);
	ck_assert(asked_with(NEW_ONE) && !asked_with(OLD));
	ck_assert_str_eq(world_writes(&w), "");
	end();
}
END_TEST

/* Within seconds runs share what one has read; when the registry refuses that, the run reads
   itself. */
START_TEST(test_rotated_a_moment_ago)
{
	begin(false);
	rotate();
	fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"x\"}}}");
	world_settle(&w);
	ck_assert(asked_with(OLD) && asked_with(NEW_ONE));
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 2);
	ck_assert_str_eq(world_status(&w, "web", "lastHandledReconcileAt"), "x");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert(!world_has_event(&w, "OCIArtifactPullFailed"));
	end();
}
END_TEST

/* The watch is there and says nothing. */
START_TEST(test_refused_while_the_watch_is_late)
{
	begin(true);
	fake_kube_mute(w.kube, true);
	rotate();
	world_pass(&w, INTERVAL_MS);
	ck_assert(asked_with(OLD) && asked_with(NEW_ONE));
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	ck_assert(!world_has_event(&w, "OCIArtifactPullFailed"));
	fake_kube_mute(w.kube, false);
	end();
}
END_TEST

/* With a watch nobody reads without need; a refusal of what is right is read once a run and counts
   as the failure that it is. */
START_TEST(test_refused_for_good)
{
	unsigned before;

	begin(true);
	world_pass(&w, INTERVAL_MS);
	world_pass(&w, INTERVAL_MS);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	head->need = NEW_ONE;
	world_pass(&w, INTERVAL_MS);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 2);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "False");
	/* 0.75, 1.5, 3, 6 s, and one at 12 that does not come */
	before = fake_kube_secret_reads(w.kube);
	world_pass(&w, 750);
	world_pass(&w, 1500);
	world_pass(&w, 3000);
	world_pass(&w, 6000);
	world_pass(&w, 11000);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), before + 4);
	end();
}
END_TEST

/* The watch breaks and stays away: what it said once is worth nothing. rows: 403, 500 */
START_TEST(test_watch_breaks)
{
	begin(true);
	fake_kube_fail(w.kube, REFUSED, _i ? 500 : 403, 100000);
	fake_kube_cut(w.kube, "secrets");
	world_settle(&w);
	ck_assert(!kube_watch_live(depends_watch(w.c->depends, 0)));
	rotate();
	world_pass(&w, INTERVAL_MS);
	ck_assert(asked_with(NEW_ONE) && !asked_with(OLD));
	/* It comes back. */
	fake_kube_behave(w.kube);
	world_pass(&w, 30000);
	ck_assert(kube_watch_live(depends_watch(w.c->depends, 0)));
	world_pass(&w, INTERVAL_MS);
	world_pass(&w, INTERVAL_MS);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 2);
	ck_assert_str_eq(world_writes(&w), "");
	end();
}
END_TEST

/* rows: deleted while nobody watches; and before the first list, which then does not have it */
START_TEST(test_deleted_unseen)
{
	begin(false);
	fake_kube_delete(w.kube, "secrets", "apps", "pull");
	if (_i) {
		fake_kube_behave(w.kube);
		world_pass(&w, 30000);
		ck_assert(kube_watch_live(depends_watch(w.c->depends, 0)));
	}
	world_pass(&w, INTERVAL_MS);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "AuthenticationFailed");
	end();
}
END_TEST

/* Nothing of Secrets is allowed: that is for those who need one. */
START_TEST(test_forbidden)
{
	world_init(&w);
	secret("user:old");
	world_push(&w, "1.0", &w.layer, &image);
	fake_kube_fail(w.kube, REFUSED, 403, 100000);
	fake_kube_fail(w.kube, "GET secrets/pull", 403, 100000);
	world_object(&w, "web", SPEC);
	world_object(&w, "free", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "free", "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "AuthenticationFailed");
	fake_kube_behave(w.kube);
	world_pass(&w, 750);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static void registry_token(const char *token)
{
	auto_buf struct buf b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	plain = mem_printf(
		"{\"auths\":{\"%s\":{\"registrytoken\":\"%s\"}}}", fake_host(w.reg), token);
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w.kube, "secrets", json);
}

/* A credential that no header can carry is one that may be mended: the object is tried again,
   nobody has to touch it. */
START_TEST(test_unsendable)
{
	auto_free char *challenge = NULL;

	world_init(&w);
	challenge = mem_printf("Bearer realm=\"http://%s/token\"", fake_host(w.reg));
	registry_token("a\\nb");
	head = fake_on(w.reg, "HEAD", "/none");
	head->challenge = challenge;
	head->need = "Bearer good";
	world_push(&w, "1.0", &w.layer, &image);
	head->headers = image.paths[3];
	head->path = image.paths[0];
	world_object(&w, "web", SPEC);
	fake_kube_fail(w.kube, REFUSED, 403, 100000);
	world_start(&w);
	world_settle(&w);
	ck_assert_msg(strstr(world_status(&w, "web", "Ready.message"), "cannot be sent"), "%s",
		world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(world_status(&w, "web", "Stalled.status"), "");
	registry_token("good");
	world_pass(&w, 6000);
	ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

Suite *suite_secrets(void);
Suite *suite_secrets(void)
{
	Suite *s = suite_create("secrets");
	TCase *tc = tcase_create("secrets");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_without_a_watch);
	tcase_add_test(tc, test_rotated_a_moment_ago);
	tcase_add_test(tc, test_refused_while_the_watch_is_late);
	tcase_add_test(tc, test_refused_for_good);
	tcase_add_loop_test(tc, test_watch_breaks, 0, 2);
	tcase_add_loop_test(tc, test_deleted_unseen, 0, 2);
	tcase_add_test(tc, test_forbidden);
	tcase_add_test(tc, test_unsendable);
	suite_add_tcase(s, tc);
	return s;
}
