/* When a repository is scanned, and what its status says then. */
#include "base/clock.h"
#include "base/mem.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "test/unit/imagerepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_scan(void);

static struct world w;

static void begin(const char *tags)
{
	world_init(&w);
	if (tags)
		world_tags(&w, tags);
	world_start(&w);
}

static void end(void)
{
	world_clear(&w);
}

static const char *status(const char *path)
{
	return world_status(&w, "web", path);
}

static void check_ready(const char *want, const char *reason)
{
	ck_assert_str_eq(status("Ready.status"), want);
	ck_assert_str_eq(status("Ready.reason"), reason);
}

static void check_scanned(const char *count)
{
	check_ready("True", "Succeeded");
	ck_assert_str_eq(status("lastScanResult.tagCount"), count);
	ck_assert_str_eq(status("Reconciling.status"), "");
	ck_assert_str_eq(status("Stalled.status"), "");
}

static void check_text(const char *path, const char *part)
{
	ck_assert_msg(strstr(status(path), part) != NULL, "%s: '%s' lacks '%s'", path, status(path),
		part);
}

START_TEST(ir_01_and_08_first_scan)
{
	auto_free char *canonical = NULL, *text = NULL;

	begin("1.0 2.0 latest");
	world_object(&w, "web", "");
	check_scanned("3");
	canonical = mem_printf("%s/app", fake_host(w.reg));
	ck_assert_str_eq(status("canonicalImageName"), canonical);
	ck_assert_str_eq(status("observedGeneration"), "1");
	ck_assert_str_eq(status("observedExclusionList"), "^.*\\.sig$");
	ck_assert_str_eq(status("lastScanResult.scanTime"), "2027-01-15T08:00:00Z");
	check_text("lastScanResult.revision", "sha256:");
	text = mem_printf("successful scan: found 3 tags with checksum %s",
		status("lastScanResult.revision"));
	ck_assert_str_eq(status("Ready.message"), text);
	ck_assert_str_eq(world_file(&w, "web"), "latest 2.0 1.0");
	ck_assert_str_eq(world_writes(&w),
		"PATCH imagerepositories/web\nPATCH imagerepositories/web/status\n");
	end();
}
END_TEST

START_TEST(ir_09_default_exclusion)
{
	begin("1.0 sha256-abc.sig 1.0.sig.old");
	world_object(&w, "web", "");
	check_scanned("2");
	ck_assert_str_eq(world_file(&w, "web"), "1.0.sig.old 1.0");
	end();
}
END_TEST

START_TEST(ir_10_empty_list_is_the_default)
{
	begin("1.0 sha256-abc.sig");
	world_object(&w, "web", "\"exclusionList\":[]");
	check_scanned("1");
	ck_assert_str_eq(status("observedExclusionList"), "^.*\\.sig$");
	end();
}
END_TEST

static char *patterns(unsigned n)
{
	struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	buf_adds(&b, "{\"spec\":{\"exclusionList\":[");
	for (i = 0; i < n; i++)
		buf_addf(&b, "%s\"^v%u$\"", i ? "," : "", i);
	buf_adds(&b, "]}}");
	return buf_take(&b);
}

START_TEST(ir_11_own_list_of_25_and_26)
{
	auto_free char *most = patterns(25), *more = patterns(26);

	begin("v0 v24 v25 x.sig");
	world_object(&w, "web", "");
	check_scanned("3");
	world_merge(&w, "web", most);
	check_scanned("2");
	ck_assert_str_eq(world_file(&w, "web"), "x.sig v25");
	/* An API server with the schema would not take it. */
	world_merge(&w, "web", more);
	ck_assert_str_eq(status("Stalled.reason"), "InvalidSpec");
	check_text("Stalled.message", "26 entries, more than 25");
	ck_assert_str_eq(world_file(&w, "web"), "x.sig v25");
	end();
}
END_TEST

START_TEST(ir_12_and_13_exclusion_changed_and_reordered)
{
	begin("1.0 2.0-rc 3.0-dev");
	world_object(&w, "web", "\"exclusionList\":[\"rc\",\"dev\"]");
	check_scanned("1");
	world_forget(&w);
	world_merge(&w, "web", "{\"spec\":{\"exclusionList\":[\"dev\",\"rc\",\"rc\"]}}");
	ck_assert_uint_eq(world_scans(&w), 0);
	check_scanned("1");
	ck_assert_str_eq(status("observedGeneration"), "2");
	world_merge(&w, "web", "{\"spec\":{\"exclusionList\":[\"rc\"]}}");
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("2");
	ck_assert_str_eq(status("observedExclusionList"), "rc");
	end();
}
END_TEST

START_TEST(ir_14_invalid_exclusion)
{
	begin("1.0");
	world_object(&w, "web", "\"exclusionList\":[\"(\"]");
	check_ready("False", "ReadOperationFailed");
	ck_assert_str_eq(status("Stalled.status"), "True");
	ck_assert_str_eq(status("Reconciling.status"), "");
	ck_assert_str_eq(status("observedGeneration"), "1");
	check_text("Ready.message", "scan failed: exclusionList: ");
	ck_assert_uint_eq(world_scans(&w), 0);
	world_forget(&w);
	world_pass(&w, 200000);
	ck_assert_str_eq(world_writes(&w), "");
	world_merge(&w, "web", "{\"spec\":{\"exclusionList\":[\"x\"]}}");
	check_scanned("1");
	end();
}
END_TEST

START_TEST(ir_15_image_changed)
{
	auto_free char *patch = NULL;

	begin("1.0");
	fake_on(w.reg, "GET", "/v2/other/tags/list")->body = "{\"tags\":[\"a\",\"b\"]}";
	world_object(&w, "web", "");
	check_scanned("1");
	patch = mem_printf("{\"spec\":{\"image\":\"%s/other\"}}", fake_host(w.reg));
	world_merge(&w, "web", patch);
	check_scanned("2");
	check_text("canonicalImageName", "/other");
	ck_assert_str_eq(world_file(&w, "web"), "b a");
	end();
}
END_TEST

#define REQUEST(text) \
	"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"" text "\"}}}"

START_TEST(ir_16_requested)
{
	begin("1.0");
	world_object(&w, "web", "");
	world_pass(&w, 5000);
	world_forget(&w);
	world_merge(&w, "web", REQUEST("now"));
	ck_assert_uint_eq(world_scans(&w), 1);
	ck_assert_str_eq(status("lastHandledReconcileAt"), "now");
	ck_assert_str_eq(status("lastScanResult.scanTime"), "2027-01-15T08:00:05Z");
	/* The interval counts from there. */
	world_pass(&w, 56000);
	ck_assert_uint_eq(world_scans(&w), 1);
	world_pass(&w, 4000);
	ck_assert_uint_eq(world_scans(&w), 2);
	end();
}
END_TEST

START_TEST(ir_17_requested_while_the_registry_is_down)
{
	struct fake_answer *a;

	begin(NULL);
	a = world_tags(&w, "1.0");
	world_object(&w, "web", "\"interval\":\"1h\"");
	check_scanned("1");
	a->status = 500;
	fake_kube_merge(w.kube, "imagerepositories", "apps", "web", REQUEST("now"));
	world_elapse(&w, 10000);
	ck_assert_str_eq(status("lastHandledReconcileAt"), "now");
	check_ready("False", "ReadOperationFailed");
	ck_assert_str_eq(status("Reconciling.reason"), "ProgressingWithRetry");
	world_elapse(&w, 60000);
	check_ready("False", "ReadOperationFailed");
	a->status = 200;
	world_elapse(&w, 120000);
	world_settle(&w);
	check_scanned("1");
	end();
}
END_TEST

/* Whatever wakes it: so close to the end of the interval the scan is due. */
START_TEST(less_than_a_second_is_left)
{
	begin("1.0");
	world_object(&w, "web", "");
	world_forget(&w);
	world_pass(&w, 58500);
	world_merge(&w, "web", "{\"spec\":{\"timeout\":\"30s\"}}");
	ck_assert_uint_eq(world_scans(&w), 0);
	world_pass(&w, 700);
	world_merge(&w, "web", "{\"spec\":{\"timeout\":\"31s\"}}");
	ck_assert_uint_eq(world_scans(&w), 1);
	end();
}
END_TEST

/* What the status says was made with another list than what is in the database. */
START_TEST(a_file_of_another_list)
{
	begin("1.0 2.0-rc");
	world_object(&w, "web", "");
	check_scanned("2");
	world_stop(&w);
	world_forget(&w);
	fake_kube_merge(w.kube, "imagerepositories", "apps", "web",
		"{\"spec\":{\"exclusionList\":[\"rc\"]},\"status\":{\"observedExclusionList\":["
		"\"rc\"]}"
		"}");
	world_start(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	ck_assert_str_eq(world_file(&w, "web"), "1.0");
	end();
}
END_TEST

START_TEST(ir_18_restarted_with_its_store)
{
	begin("1.0 2.0");
	world_object(&w, "web", "");
	world_pass(&w, 20000);
	world_stop(&w);
	world_forget(&w);
	world_start(&w);
	ck_assert_uint_eq(world_scans(&w), 0);
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert(image_catalog_find(w.catalog, "apps", "web")->has);
	world_pass(&w, 38000);
	ck_assert_uint_eq(world_scans(&w), 0);
	world_pass(&w, 2000);
	ck_assert_uint_eq(world_scans(&w), 1);
	end();
}
END_TEST

/* Killed between the file and the status; or the status is of another controller. */
START_TEST(restarted_with_another_status)
{
	begin("1.0 2.0");
	world_object(&w, "web", "\"interval\":\"1h\"");
	world_stop(&w);
	world_forget(&w);
	fake_kube_merge(w.kube, "imagerepositories", "apps", "web",
		"{\"status\":{\"lastScanResult\":{\"revision\":\"3021489\",\"tagCount\":1}}}");
	world_start(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("2");
	ck_assert(image_catalog_find(w.catalog, "apps", "web")->has);
	end();
}
END_TEST

START_TEST(ir_19_restarted_with_an_empty_store)
{
	auto_free char *rm = NULL;

	begin("1.0 2.0");
	rm = mem_printf("rm -rf %s/tags", w.path);
	world_object(&w, "web", "");
	world_pass(&w, 20000);
	world_stop(&w);
	ck_assert_int_eq(system(rm), 0);
	world_forget(&w);
	world_start(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("2");
	ck_assert_str_eq(status("lastScanResult.scanTime"), "2027-01-15T08:00:20Z");
	ck_assert_str_eq(world_file(&w, "web"), "2.0 1.0");
	end();
}
END_TEST

static void turn_until(bool (*fn)(void))
{
	uint64_t from = clock_ns();

	while (!fn()) {
		loop_turn(w.loop, false);
		ck_assert_msg(clock_ns() - from < 20000000000ULL, "it does not come");
	}
}

static bool is_asked(void)
{
	return world_scans(&w) > 0;
}

static bool is_said(void)
{
	return *status("Ready.status") != '\0';
}

START_TEST(ir_19_says_that_it_scans)
{
	auto_free char *json = NULL;

	begin(NULL);
	world_tags(&w, "1.0")->way = FAKE_SILENT;
	json = mem_printf("{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{"
			  "\"image\":\"%s/app\",\"interval\":\"1m\"}}",
		fake_host(w.reg));
	fake_kube_put(w.kube, "imagerepositories", json);
	turn_until(is_asked);
	loop_test_advance(w.loop, 10000);
	turn_until(is_said);
	ck_assert_str_eq(status("Ready.status"), "Unknown");
	ck_assert_str_eq(status("Reconciling.message"), "scanning: first scan");
	ck_assert_str_eq(status("Reconciling.reason"), "Progressing");
	end();
}
END_TEST

START_TEST(ir_20_timeout)
{
	auto_free char *json = NULL;

	begin(NULL);
	world_tags(&w, "1.0")->way = FAKE_SILENT;
	json = mem_printf("{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{"
			  "\"image\":\"%s/app\",\"interval\":\"1m\",\"timeout\":\"3s\"}}",
		fake_host(w.reg));
	fake_kube_put(w.kube, "imagerepositories", json);
	turn_until(is_asked);
	loop_test_advance(w.loop, 2900);
	loop_turn(w.loop, false);
	ck_assert_str_eq(status("Ready.status"), "");
	loop_test_advance(w.loop, 100);
	turn_until(is_said);
	check_ready("False", "ReadOperationFailed");
	check_text("Ready.message", "scan failed: ");
	end();
}
END_TEST

/* Each page is in time, and all together are not. */
START_TEST(ir_20_timeout_of_all_pages)
{
	auto_free char *json = NULL;
	struct fake_answer *a;

	begin(NULL);
	a = world_tags(&w, "1.0");
	a->headers = "Link: </v2/app/tags/list?n=1000&last=1.0>; rel=\"next\"\r\n";
	a->times = 1;
	world_tags(&w, "2.0")->way = FAKE_SILENT;
	json = mem_printf("{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{"
			  "\"image\":\"%s/app\",\"interval\":\"1m\",\"timeout\":\"3s\"}}",
		fake_host(w.reg));
	fake_kube_put(w.kube, "imagerepositories", json);
	turn_until(is_asked);
	loop_test_advance(w.loop, 3000);
	turn_until(is_said);
	check_ready("False", "ReadOperationFailed");
	ck_assert_str_eq(world_file(&w, "web"), "(none)");
	end();
}
END_TEST

START_TEST(ir_21_no_tags)
{
	begin("");
	world_object(&w, "web", "");
	check_scanned("0");
	ck_assert_str_eq(status("lastScanResult.latestTags"), "");
	ck_assert_uint_eq(world_scans(&w), 1);
	/* That nothing is there is known: whatever wakes it, nobody is asked. */
	world_merge(&w, "web", "{\"spec\":{\"timeout\":\"30s\"}}");
	ck_assert_uint_eq(world_scans(&w), 1);
	world_stop(&w);
	world_start(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("0");
	end();
}
END_TEST

static char *page(unsigned from, unsigned n)
{
	struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	buf_adds(&b, "{\"tags\":[");
	for (i = 0; i < n; i++)
		buf_addf(&b, "%s\"sha-%040u\"", i ? "," : "", from + i);
	buf_adds(&b, "]}");
	return buf_take(&b);
}

static void pages(enum fake_way last)
{
	static const char *const paths[] = {
		"/v2/app/tags/list?n=1000", "/v2/app/tags/list?page=2", "/v2/app/tags/list?page=3"};
	static const char *const next[] = {"Link: </v2/app/tags/list?page=2>; rel=\"next\"\r\n",
		"Link: </v2/app/tags/list?page=3>; rel=\"next\"\r\n", NULL};
	static const unsigned sizes[] = {1000, 1000, 500};
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct fake_answer *a = fake_on(w.reg, "GET", paths[i]);

		a->body = w.tags[w.ntags++] = page(i * 1000, sizes[i]);
		a->headers = next[i];
		a->way = i == 2 ? last : a->way;
	}
}

/* 2,500 tags of 44 bytes take more than the first budget: the list is asked for again. */
START_TEST(ir_22_pages)
{
	begin(NULL);
	pages(FAKE_WHOLE);
	world_object(&w, "web", "");
	check_scanned("2500");
	ck_assert_uint_eq(image_catalog_find(w.catalog, "apps", "web")->head.count, 2500);
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("2500");
	end();
}
END_TEST

START_TEST(ir_22_pages_with_an_account)
{
	world_init(&w);
	pages(FAKE_WHOLE);
	w.account = account_new(w.loop, 48 << 20);
	world_start(&w);
	world_object(&w, "web", "");
	check_scanned("2500");
	world_stop(&w);
	account_free(w.account);
	end();
}
END_TEST

static struct account_stats memory(void)
{
	struct account_stats s;

	account_stats(w.account, ACCOUNT_BODIES, &s);
	return s;
}

static bool waits_for_memory(void)
{
	return memory().waiting > 0;
}

static bool last_page_is_asked_for(void)
{
	return memory().held && strstr(fake_log(w.reg), "page=3");
}

/* Without waiting for what comes of it. */
static void put_object(const char *timeout)
{
	auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},"
					  "\"spec\":{\"image\":\"%s/app\",\"interval\":\"1h\","
					  "\"timeout\":\"%s\"}}",
		fake_host(w.reg), timeout);

	fake_kube_put(w.kube, "imagerepositories", json);
}

/* A wait for memory is no fault of the registry's, whose time it does not take. */
START_TEST(waiting_for_memory_takes_no_time)
{
	struct op *all;

	world_init(&w);
	pages(FAKE_WHOLE);
	w.account = account_new(w.loop, 48 << 20);
	all = account_take(w.account, ACCOUNT_BODIES, "somebody", 48 << 20);
	world_start(&w);
	put_object("5s");
	turn_until(waits_for_memory);
	world_elapse(&w, 20000);
	ck_assert(waits_for_memory());
	ck_assert_str_ne(status("Ready.status"), "False");
	op_free(all);
	world_settle(&w);
	check_scanned("2500");
	world_stop(&w);
	account_free(w.account);
	end();
}
END_TEST

/* A registry that stalls holds memory for as long as nobody else wants it. */
START_TEST(a_slow_list_holds_no_memory)
{
	struct op *other;

	world_init(&w);
	pages(FAKE_SILENT);
	w.account = account_new(w.loop, 48 << 20);
	world_start(&w);
	put_object("1h");
	turn_until(last_page_is_asked_for);
	world_elapse(&w, 15000);
	ck_assert_uint_gt(memory().held, 0);
	other = account_take(w.account, ACCOUNT_BODIES, "somebody", 48 << 20);
	world_elapse(&w, 25000);
	ck_assert(other->done);
	ck_assert_str_eq(status("Ready.reason"), "ReadOperationFailed");
	ck_assert_ptr_nonnull(strstr(status("Ready.message"),
		"the list of tags came with less than 64 KiB a second over 10s, and others wait"));
	op_free(other);
	world_stop(&w);
	account_free(w.account);
	end();
}
END_TEST

START_TEST(ir_23_latest_tags)
{
	begin("1 2 3 4 5 6 7 8 9 10 latest V1");
	world_object(&w, "web", "");
	check_scanned("12");
	ck_assert_str_eq(status("lastScanResult.latestTags"), "latest V1 9 8 7 6 5 4 3 2");
	end();
}
END_TEST

START_TEST(ir_24_revision)
{
	auto_free char *before = NULL;

	begin(NULL);
	world_tags(&w, "1 2")->times = 2;
	world_tags(&w, "2 3 1");
	world_object(&w, "web", "");
	before = mem_strdup(status("lastScanResult.revision"));
	world_pass(&w, 60000);
	ck_assert_uint_eq(world_scans(&w), 2);
	ck_assert_str_eq(status("lastScanResult.revision"), before);
	ck_assert_str_eq(status("lastScanResult.scanTime"), "2027-01-15T08:01:00Z");
	world_pass(&w, 60000);
	check_scanned("3");
	ck_assert_str_ne(status("lastScanResult.revision"), before);
	end();
}
END_TEST

/* One PATCH a run. */
START_TEST(writes)
{
	begin("1");
	world_object(&w, "web", "");
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_str_eq(world_writes(&w), "PATCH imagerepositories/web/status\n");
	end();
}
END_TEST

START_TEST(ir_34_two_objects_of_one_image)
{
	begin("1.0 1.1-rc 1.2.sig");
	world_object(&w, "web", "");
	world_object(&w, "all", "\"exclusionList\":[\"^$\"]");
	check_scanned("2");
	ck_assert_str_eq(world_status(&w, "all", "lastScanResult.tagCount"), "3");
	ck_assert_str_eq(world_file(&w, "web"), "1.1-rc 1.0");
	ck_assert_str_eq(world_file(&w, "all"), "1.2.sig 1.1-rc 1.0");
	end();
}
END_TEST

/* A tag that was pushed counts at once, and a scan follows. */
START_TEST(pushed)
{
	begin(NULL);
	world_tags(&w, "1.0")->times = 1;
	world_tags(&w, "1.0 1.1 1.2");
	world_object(&w, "web", "\"interval\":\"1h\"");
	check_scanned("1");
	world_forget(&w);
	image_catalog_push(w.catalog, image_catalog_find(w.catalog, "apps", "web"), "1.1");
	world_settle(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	check_scanned("3");
	end();
}
END_TEST

Suite *suite_scan(void)
{
	Suite *s = suite_create("scan");
	TCase *t = tcase_create("scan");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, ir_01_and_08_first_scan);
	tcase_add_test(t, ir_09_default_exclusion);
	tcase_add_test(t, ir_10_empty_list_is_the_default);
	tcase_add_test(t, ir_11_own_list_of_25_and_26);
	tcase_add_test(t, ir_12_and_13_exclusion_changed_and_reordered);
	tcase_add_test(t, ir_14_invalid_exclusion);
	tcase_add_test(t, ir_15_image_changed);
	tcase_add_test(t, ir_16_requested);
	tcase_add_test(t, ir_17_requested_while_the_registry_is_down);
	tcase_add_test(t, less_than_a_second_is_left);
	tcase_add_test(t, a_file_of_another_list);
	tcase_add_test(t, ir_18_restarted_with_its_store);
	tcase_add_test(t, restarted_with_another_status);
	tcase_add_test(t, ir_19_restarted_with_an_empty_store);
	tcase_add_test(t, ir_19_says_that_it_scans);
	tcase_add_test(t, ir_20_timeout);
	tcase_add_test(t, ir_20_timeout_of_all_pages);
	tcase_add_test(t, ir_21_no_tags);
	tcase_add_test(t, ir_22_pages);
	tcase_add_test(t, ir_22_pages_with_an_account);
	tcase_add_test(t, waiting_for_memory_takes_no_time);
	tcase_add_test(t, a_slow_list_holds_no_memory);
	tcase_add_test(t, ir_23_latest_tags);
	tcase_add_test(t, ir_24_revision);
	tcase_add_test(t, writes);
	tcase_add_test(t, ir_34_two_objects_of_one_image);
	tcase_add_test(t, pushed);
	suite_add_tcase(s, t);
	return s;
}
