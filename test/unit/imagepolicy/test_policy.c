/* What an ImagePolicy depends on, its status, and the digest: the rows of the contract that need an
   ImageRepository that comes and goes, a Namespace or a registry. */
#include "base/base64.h"
#include "base/mem.h"
#include "ctl/item.h"
#include "test/unit/imagepolicy/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA "\"policy\":{\"alphabetical\":{}}"
#define OTHER "\"imageRepositoryRef\":{\"name\":\"app\",\"namespace\":\"other\"}," ALPHA
#define IMAGE "ghcr.io/org/app"
#define LATEST "Latest image tag for " IMAGE " resolved to "

/* With a scanned ImageRepository apps/app. */
static void begin(struct world *w, const char *tags)
{
	world_begin(w);
	world_repository(w, "app", IMAGE, "");
	world_tags(w, "app", tags);
}

/* The same, whose image is at the fake registry. */
static void begin_at(struct world *w, const char *tags)
{
	auto_free char *image = NULL;

	world_begin(w);
	image = mem_printf("%s/app", fake_host(w->reg));
	world_repository(w, "app", image, "");
	world_tags(w, "app", tags);
}

static void expect_message(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void expect_message(struct world *w, const char *fmt, ...)
{
	auto_buf struct buf want = BUF_INIT(BUF_ANY);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&want, fmt, ap);
	va_end(ap);
	ck_assert_str_eq(world_status(w, "p", "Ready.message"), buf_str(&want));
}

START_TEST(ip_22_repository_missing_then_created)
{
	struct world w;

	world_begin(&w);
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: referenced ImageRepository 'apps/app' does not exist");
	world_repository(&w, "app", IMAGE, "");
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	expect_message(&w, LATEST "2; it won over '1': it is the greater text");
	ck_assert_str_eq(world_status(&w, "p", "Reconciling.status"), "");
	ck_assert_str_eq(world_status(&w, "p", "observedGeneration"), "1");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.name"), IMAGE);
	ck_assert_str_eq(world_status(&w, "p", "observedPreviousRef.tag"), "");
	/* It goes: the policy keeps what it had. */
	image_catalog_drop(w.catalog, "apps", "app");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "DependencyNotReady");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "2");
	world_clear(&w);
}
END_TEST

/* While nobody knows yet which ImageRepositories there are, or what tags one has, nothing is said:
   a restart is no reason to be not ready. */
START_TEST(ip_22_nothing_is_said_at_the_start)
{
	struct world w;

	world_init(&w);
	world_start(&w);
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_status(&w, "p", "Ready.status"), "");
	world_repository(&w, "app", IMAGE, "");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "p", "Ready.status"), "");
	image_catalog_listed(w.catalog);
	world_tags(&w, "app", "1");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	world_clear(&w);
}
END_TEST

START_TEST(ip_23_repository_not_scanned_yet)
{
	struct world w;

	world_begin(&w);
	world_repository(&w, "app", IMAGE, "");
	world_no_tags(&w, "app");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 30s error: no tags in database");
	/* Asked again after that time, to the same answer. */
	world_forget(&w);
	world_pass(&w, 29000);
	world_pass(&w, 8000);
	ck_assert_str_eq(world_writes(&w), "");
	/* A scan that found none is no better; the one that finds some is heard at once. */
	world_tags(&w, "app", "");
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 30s error: no tags in database");
	world_tags(&w, "app", "1");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	world_clear(&w);
}
END_TEST

/* The process is another one, and knows of the ImageRepository what its spec says. */
static void restart(struct world *w)
{
	world_stop(w);
	world_forget(w);
	world_start(w);
	world_repository(w, "app", IMAGE, "");
	image_catalog_listed(w->catalog);
	world_settle(w);
}

static bool has_events(struct world *w)
{
	return strstr(fake_kube_log(w->kube), "EVENT") != NULL;
}

/* A store that begins empty with each start is no reason to be not ready while the scan runs. */
START_TEST(ip_23_ready_before_the_first_scan)
{
	auto_free char *rm = NULL;
	struct world w;

	begin(&w, "1 2");
	world_policy(&w, "p", ALPHA);
	rm = mem_printf("rm %s/tags/apps/app", w.path);
	ck_assert_int_eq(system(rm), 0);
	restart(&w);
	world_no_tags(&w, "app");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert(!has_events(&w));
	/* But not for ever. */
	ck_assert_int_eq(system(rm), 0);
	restart(&w);
	world_no_tags(&w, "app");
	world_pass(&w, 29000);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_pass(&w, 2000);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 30s error: no tags in database");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "2");
	world_clear(&w);
}
END_TEST

/* Whoever finds the file broken says so to the catalog, and the ImageRepository scans. */
START_TEST(the_file_of_tags_is_lost)
{
	auto_free char *cut = NULL;
	struct world w;

	begin(&w, "1 2");
	cut = mem_printf("truncate -s 100 %s/tags/apps/app", w.path);
	ck_assert_int_eq(system(cut), 0);
	world_policy(&w, "p", ALPHA);
	ck_assert(!image_catalog_find(w.catalog, "apps", "app")->has);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 30s error: no tags in database");
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	/* Who is ready already waits for it. */
	world_forget(&w);
	ck_assert_int_eq(system(cut), 0);
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	ck_assert(!image_catalog_find(w.catalog, "apps", "app")->has);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert(!has_events(&w));
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_status(&w, "p", "lastHandledReconcileAt"), "now");
	world_clear(&w);
}
END_TEST

/* Also who asks for the digest again and again. */
START_TEST(the_file_is_lost_between_digests)
{
	auto_free char *cut = NULL;
	struct world w;

	begin_at(&w, "1 2");
	cut = mem_printf("truncate -s 100 %s/tags/apps/app", w.path);
	world_manifest(&w, "2", 'a', 200);
	world_manifest(&w, "2", 'a', 200);
	world_policy(&w, "p", "\"digestReflectionPolicy\":\"Always\",\"interval\":\"1m\"," ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_pass(&w, 61000);
	ck_assert_int_eq(system(cut), 0);
	world_forget(&w);
	world_pass(&w, 61000);
	ck_assert(!image_catalog_find(w.catalog, "apps", "app")->has);
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert(!has_events(&w));
	world_clear(&w);
}
END_TEST

/* That a policy is none is said whether or not there are tags. */
START_TEST(an_invalid_policy_without_tags)
{
	struct world w;

	world_begin(&w);
	world_repository(&w, "app", IMAGE, "");
	world_no_tags(&w, "app");
	world_policy(&w, "p", "\"policy\":{\"semver\":{\"range\":\"not\"}}");
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "InvalidPolicy");
	world_clear(&w);
}
END_TEST

/* Flux's controller has written the status: what it says is right, and nothing is new. */
START_TEST(after_flux_nothing_is_new)
{
	struct world w;

	begin(&w, "1 2");
	world_policy(&w, "p", ALPHA);
	fake_kube_merge(w.kube, "imagepolicies", "apps", "p",
		"{\"status\":{\"observedPreviousRef\":{\"name\":\"" IMAGE "\",\"tag\":\"1\"},"
		"\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"Succeeded\","
		"\"message\":\"" LATEST "2 (previously " IMAGE ":1)\",\"observedGeneration\":1,"
		"\"lastTransitionTime\":\"2027-01-15T08:00:00Z\"}]}}");
	restart(&w);
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert(!has_events(&w));
	expect_message(&w, LATEST "2 (previously " IMAGE ":1)");
	/* The next winner's message is ours. */
	world_tags(&w, "app", "1 2 3");
	expect_message(
		&w, LATEST "3 (previously " IMAGE ":2); it won over '2': it is the greater text");
	world_clear(&w);
}
END_TEST

/* A status may hold anything, and a tag becomes a part of a path that is asked for with the
   credentials of the ImageRepository. */
START_TEST(a_status_that_holds_no_tag)
{
	struct world w;

	begin_at(&w, "1 2");
	world_policy(&w, "p", ALPHA);
	world_forget(&w);
	fake_kube_merge(w.kube, "imagepolicies", "apps", "p",
		"{\"status\":{\"latestRef\":{\"tag\":\"z/../../../v2/other/manifests/x\"}}}");
	world_settle(&w);
	world_tags(&w, "app", "1 2 3");
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert_str_eq(world_answer(&w, "p"), "3");
	world_clear(&w);
}
END_TEST

START_TEST(ip_23_requeue_dependency)
{
	struct world w;

	world_init(&w);
	w.opts.requeue_dependency_ms = 90000;
	world_start(&w);
	image_catalog_listed(w.catalog);
	world_repository(&w, "app", IMAGE, "");
	world_no_tags(&w, "app");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"),
		"DependencyNotReady: retrying in 1m30s error: no tags in database");
	world_clear(&w);
}
END_TEST

#define DENIED "AccessDenied: access to ImageRepository 'other/app' is denied: "

START_TEST(ip_24_access_from)
{
	struct world w;

	world_begin(&w);
	fake_kube_put(
		w.kube, "namespaces", "{\"metadata\":{\"name\":\"apps\",\"namespace\":\"\"}}");
	world_repository(&w, "other/app", IMAGE, "");
	world_tags(&w, "other/app", "1");
	world_policy(&w, "p", OTHER);
	ck_assert_str_eq(world_answer(&w, "p"),
		DENIED "its accessFrom has no selector for the labels of this namespace");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.status"), "");
	world_repository(&w, "other/app", IMAGE,
		"\"accessFrom\":{\"namespaceSelectors\":[{\"matchLabels\":{\"team\":\"web\"}}]}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "AccessDenied");
	/* Nothing but the label changes. */
	fake_kube_merge(
		w.kube, "namespaces", "", "apps", "{\"metadata\":{\"labels\":{\"team\":\"web\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	fake_kube_merge(
		w.kube, "namespaces", "", "apps", "{\"metadata\":{\"labels\":{\"team\":\"db\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "AccessDenied");
	world_repository(&w, "other/app", IMAGE, "\"accessFrom\":{\"namespaceSelectors\":[{}]}");
	world_settle(&w);
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	world_clear(&w);
}
END_TEST

START_TEST(ip_25_no_cross_namespace_refs)
{
	struct world w;

	world_init(&w);
	w.opts.no_cross_namespace = true;
	world_start(&w);
	image_catalog_listed(w.catalog);
	world_repository(&w, "other/app", IMAGE, "\"accessFrom\":{\"namespaceSelectors\":[{}]}");
	world_tags(&w, "other/app", "1");
	world_policy(&w, "p", OTHER);
	ck_assert_str_eq(
		world_answer(&w, "p"), DENIED "references to other namespaces have been blocked");
	/* Its own namespace, written out, is none of the others. */
	world_repository(&w, "app", IMAGE, "");
	world_tags(&w, "app", "2");
	world_policy(
		&w, "q", "\"imageRepositoryRef\":{\"name\":\"app\",\"namespace\":\"apps\"}," ALPHA);
	ck_assert_str_eq(world_answer(&w, "q"), "2");
	world_clear(&w);
}
END_TEST

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define ALWAYS ",\"digestReflectionPolicy\":\"Always\",\"interval\":\"5m\""

START_TEST(ip_26_digest_never)
{
	struct world w;

	begin_at(&w, "1");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), "");
	ck_assert_str_eq(fake_log(w.reg), "");
	/* By itself it does not come again. */
	ck_assert(!timer_is_set(&item_find(w.c, "apps/p")->queue_item.timer));
	ck_assert(!queue_is_running(&item_find(w.c, "apps/p")->queue_item));
	world_clear(&w);
}
END_TEST

START_TEST(ip_26_digest_if_not_present)
{
	struct world w;

	begin_at(&w, "1");
	world_manifest(&w, "1", '1', 200);
	world_policy(&w, "p", ALPHA ",\"digestReflectionPolicy\":\"IfNotPresent\"");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	/* The tag has moved, which nobody asks about. */
	world_forget(&w);
	world_manifest(&w, "1", '2', 200);
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	ck_assert_str_eq(world_status(&w, "p", "lastHandledReconcileAt"), "now");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	ck_assert_str_eq(fake_log(w.reg), "");
	/* Of another tag it is asked for. */
	world_manifest(&w, "2", '2', 200);
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D2);
	ck_assert_str_eq(world_status(&w, "p", "observedPreviousRef.digest"), D1);
	world_clear(&w);
}
END_TEST

START_TEST(ip_26_digest_always)
{
	struct world w;

	begin_at(&w, "1");
	world_manifest(&w, "1", '1', 200);
	world_policy(&w, "p", ALPHA ALWAYS);
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	world_manifest(&w, "1", '2', 200);
	world_pass(&w, 299000);
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	world_pass(&w, 2000);
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D2);
	expect_message(&w,
		"Latest image tag for %s/app resolved to 1 with digest " D2
		" (previously %s/app:1@" D1 "); no other tag competes",
		fake_host(w.reg), fake_host(w.reg));
	world_clear(&w);
}
END_TEST

START_TEST(ip_26_digest_fails)
{
	struct world w;

	begin_at(&w, "1");
	fake_on(w.reg, "HEAD", "/v2/app/manifests/1")->status = 403;
	fake_on(w.reg, "GET", "/v2/app/manifests/1")->status = 403;
	world_policy(&w, "p", ALPHA ALWAYS);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "Failed");
	ck_assert_ptr_nonnull(strstr(
		world_status(&w, "p", "Ready.message"), "failed fetching digest of 127.0.0.1:"));
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "");
	world_clear(&w);
}
END_TEST

/* A pull Secret of the ImageRepository's namespace with user:PASSWORD. */
static void pull_secret(struct world *w, const char *password)
{
	auto_buf struct buf b64 = BUF_INIT(BUF_ANY);
	auto_free char *plain = NULL, *json = NULL;

	plain = mem_printf("{\"auths\":{\"%s\":{\"username\":\"user\",\"password\":\"%s\"}}}",
		fake_host(w->reg), password);
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf("{\"metadata\":{\"name\":\"pull\",\"namespace\":\"other\"},\"type\":"
			  "\"kubernetes.io/dockerconfigjson\",\"data\":{"
			  "\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w->kube, "secrets", json);
}

/* The registry is asked as the ImageRepository asks it, whose Secrets are where it is. */
START_TEST(ip_26_digest_by_the_repositorys_secret)
{
	auto_free char *image = NULL;
	struct fake_answer *head;
	struct world w;

	world_begin(&w);
	image = mem_printf("%s/app", fake_host(w.reg));
	fake_kube_put(
		w.kube, "namespaces", "{\"metadata\":{\"name\":\"apps\",\"namespace\":\"\"}}");
	world_repository(&w, "other/app", image,
		"\"secretRef\":{\"name\":\"pull\"},\"accessFrom\":{\"namespaceSelectors\":[{}]}");
	world_tags(&w, "other/app", "1");
	head = fake_on(w.reg, "HEAD", "/v2/app/manifests/1");
	head->challenge = "Basic realm=\"test\"";
	head->need = "Basic dXNlcjpnb29k"; /* user:good */
	head->headers = "Docker-Content-Digest: " D1 "\r\n";
	world_policy(&w, "p", OTHER ALWAYS);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "AuthenticationFailed");
	ck_assert_ptr_nonnull(
		strstr(world_status(&w, "p", "Ready.message"), "secret 'other/pull'"));
	/* It comes, and is the wrong one, and is mended: each is noticed. */
	pull_secret(&w, "bad");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "Failed");
	pull_secret(&w, "good");
	world_settle(&w);
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	world_clear(&w);
}
END_TEST

/* The API server refuses it by the CRD's rule; this is one of before the rule. */
START_TEST(ip_27_always_without_interval)
{
	struct world w;

	begin(&w, "1");
	world_policy(&w, "p", ALPHA ",\"digestReflectionPolicy\":\"Always\"");
	ck_assert_str_eq(world_answer(&w, "p"),
		"IntervalNotConfigured: spec.interval must be set when spec.digestReflectionPolicy "
		"is set to 'Always'");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.reason"), "IntervalNotConfigured");
	ck_assert_str_eq(world_status(&w, "p", "observedGeneration"), "1");
	world_clear(&w);
}
END_TEST

START_TEST(ip_28_always_then_never)
{
	struct world w;

	begin_at(&w, "1");
	world_manifest(&w, "1", '1', 200);
	world_policy(&w, "p", ALPHA ALWAYS);
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	world_change(&w, "p", "\"digestReflectionPolicy\":\"Never\",\"interval\":null");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), "");
	ck_assert_str_eq(world_status(&w, "p", "observedPreviousRef.tag"), "1");
	ck_assert_str_eq(world_status(&w, "p", "observedPreviousRef.digest"), D1);
	world_clear(&w);
}
END_TEST

/* 0.0.0.0 leads here, too, and is none of the addresses that do without TLS by themselves. */
START_TEST(ip_29_digest_of_an_insecure_repository)
{
	auto_free char *image = NULL;
	struct world w;

	world_begin(&w);
	image = mem_printf("0.0.0.0:%u/app", fake_port(w.reg));
	world_repository(&w, "app", image, "");
	world_tags(&w, "app", "1");
	world_manifest(&w, "1", '1', 200);
	world_policy(&w, "p", ALPHA ALWAYS);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "Failed");
	world_repository(&w, "app", image, "\"insecure\":true");
	world_settle(&w);
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.digest"), D1);
	world_clear(&w);
}
END_TEST

START_TEST(ip_30_message_with_previous)
{
	struct world w;

	begin(&w, "1");
	world_policy(&w, "p", ALPHA);
	expect_message(&w, LATEST "1; no other tag competes");
	world_tags(&w, "app", "1 2");
	expect_message(
		&w, LATEST "2 (previously " IMAGE ":1); it won over '1': it is the greater text");
	/* It stays until the next change. */
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	expect_message(
		&w, LATEST "2 (previously " IMAGE ":1); it won over '1': it is the greater text");
	ck_assert_ptr_nonnull(strstr(
		fake_kube_log(w.kube), "EVENT Succeeded " LATEST "2 (previously " IMAGE ":1);"));
	world_clear(&w);
}
END_TEST

/* Tags that look like ids: to a condition a text with another one is the same text. */
START_TEST(ip_30_message_of_hashes)
{
	struct world w;

	begin(&w, "sha-00000000aaaaaaaa1");
	world_policy(&w, "p", ALPHA);
	world_tags(&w, "app", "sha-00000000aaaaaaaa1 sha-00000000bbbbbbbb2");
	ck_assert_ptr_nonnull(strstr(world_status(&w, "p", "Ready.message"),
		LATEST "sha-00000000bbbbbbbb2 (previously"));
	world_clear(&w);
}
END_TEST

START_TEST(ip_31_a_tag_that_does_not_win)
{
	struct world w;

	begin(&w, "5 1");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "5");
	world_forget(&w);
	world_tags(&w, "app", "5 4 1");
	world_tags(&w, "app", "5 1");
	ck_assert_str_eq(world_writes(&w), "");
	expect_message(&w, LATEST "5; it won over '1': it is the greater text");
	/* Asked for by somebody it is written that he was heard, and nothing else is new. */
	world_tags(&w, "app", "5 4");
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	ck_assert_str_eq(world_writes(&w), "PATCH imagepolicies/p/status\n");
	expect_message(&w, LATEST "5; it won over '1': it is the greater text");
	world_clear(&w);
}
END_TEST

START_TEST(ip_32_suspend_and_resume)
{
	struct world w;

	begin(&w, "1");
	world_policy(&w, "p", ALPHA);
	world_change(&w, "p", "\"suspend\":true");
	world_tags(&w, "app", "1 2");
	world_annotate(&w, "p", "reconcile.fluxcd.io/requestedAt", "now");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "lastHandledReconcileAt"), "now");
	world_change(&w, "p", "\"suspend\":null");
	ck_assert_str_eq(world_answer(&w, "p"), "2");
	world_clear(&w);
}
END_TEST

START_TEST(ip_33_name_as_written)
{
	struct world w;

	world_begin(&w);
	world_repository(&w, "app", "docker.io/aamini/app", "");
	world_tags(&w, "app", "1");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_status(&w, "p", "latestRef.name"), "docker.io/aamini/app");
	expect_message(&w,
		"Latest image tag for docker.io/aamini/app resolved to 1; no other tag competes");
	world_clear(&w);
}
END_TEST

START_TEST(image_that_is_none)
{
	struct world w;

	world_begin(&w);
	world_repository(&w, "app", IMAGE ":1", "");
	world_policy(&w, "p", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"),
		"ImageURLInvalid: image '" IMAGE ":1' should not include a tag; remove ':1'");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.reason"), "ImageURLInvalid");
	world_repository(&w, "app", IMAGE, "");
	world_tags(&w, "app", "1");
	ck_assert_str_eq(world_answer(&w, "p"), "1");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.reason"), "");
	world_clear(&w);
}
END_TEST

START_TEST(it_is_deleted)
{
	struct world w;

	begin(&w, "1");
	world_policy(&w, "p", ALPHA);
	ck_assert_ptr_nonnull(fake_kube_get(w.kube, "imagepolicies", "apps", "p"));
	fake_kube_delete(w.kube, "imagepolicies", "apps", "p");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "imagepolicies", "apps", "p"));
	/* Nobody listens for it any more. */
	world_forget(&w);
	world_tags(&w, "app", "1 2");
	ck_assert_str_eq(world_writes(&w), "");
	world_clear(&w);
}
END_TEST

Suite *suite_policy(void);
Suite *suite_policy(void)
{
	Suite *s = suite_create("policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ip_22_repository_missing_then_created);
	tcase_add_test(tc, ip_22_nothing_is_said_at_the_start);
	tcase_add_test(tc, ip_23_repository_not_scanned_yet);
	tcase_add_test(tc, ip_23_ready_before_the_first_scan);
	tcase_add_test(tc, the_file_of_tags_is_lost);
	tcase_add_test(tc, an_invalid_policy_without_tags);
	tcase_add_test(tc, the_file_is_lost_between_digests);
	tcase_add_test(tc, after_flux_nothing_is_new);
	tcase_add_test(tc, a_status_that_holds_no_tag);
	tcase_add_test(tc, ip_23_requeue_dependency);
	tcase_add_test(tc, ip_24_access_from);
	tcase_add_test(tc, ip_25_no_cross_namespace_refs);
	tcase_add_test(tc, ip_26_digest_never);
	tcase_add_test(tc, ip_26_digest_if_not_present);
	tcase_add_test(tc, ip_26_digest_always);
	tcase_add_test(tc, ip_26_digest_fails);
	tcase_add_test(tc, ip_26_digest_by_the_repositorys_secret);
	tcase_add_test(tc, ip_27_always_without_interval);
	tcase_add_test(tc, ip_28_always_then_never);
	tcase_add_test(tc, ip_29_digest_of_an_insecure_repository);
	tcase_add_test(tc, ip_30_message_with_previous);
	tcase_add_test(tc, ip_30_message_of_hashes);
	tcase_add_test(tc, ip_31_a_tag_that_does_not_win);
	tcase_add_test(tc, ip_32_suspend_and_resume);
	tcase_add_test(tc, ip_33_name_as_written);
	tcase_add_test(tc, image_that_is_none);
	tcase_add_test(tc, it_is_deleted);
	suite_add_tcase(s, tc);
	return s;
}
