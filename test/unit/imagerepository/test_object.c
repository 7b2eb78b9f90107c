/* Images that are none, who may ask, what the registry refuses, Events, and the end. */
#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "ctl/role.h"
#include "ev/op.h"
#include "test/unit/imagerepository/world.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *suite_object(void);

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
	ck_assert_msg(
		!strcmp(status("Ready.status"), want) && !strcmp(status("Ready.reason"), reason),
		"Ready is %s", status("Ready.message"));
}

static void check_text(const char *path, const char *part)
{
	ck_assert_msg(strstr(status(path), part) != NULL, "%s: '%s' lacks '%s'", path, status(path),
		part);
}

/* ---- images ---------------------------------------------------------------------------------- */

static const struct {
	const char *row, *image, *says;
} bad[] = {
	{"ir_03", "ghcr.io/org/app:1.0", "should not include a tag; remove ':1.0'"},
	{"ir_03", "alpine:3", "image 'alpine:3' should not include a tag; remove ':3'"},
	{"ir_04", "ghcr.io/org/app@sha256:abc", "remove '@sha256:abc'"},
	{"ir_05", "oci://ghcr.io/org/app", "remove 'oci://'"},
	{"ir_05", "https://ghcr.io/org/app", "remove 'https://'"},
	{"ir_06", "ghcr.io/Org/app", "lower case"},
	{"ir_06", "ghcr.io/a", "at least 2 characters"},
	{"ir_06", "", "at least 2 characters"},
};

START_TEST(ir_03_to_06_invalid_image)
{
	auto_free char *spec = mem_printf("\"image\":\"%s\"", bad[_i].image);

	begin(NULL);
	world_object(&w, "web", spec);
	check_ready("False", "ImageURLInvalid");
	ck_assert_str_eq(status("Stalled.status"), "True");
	ck_assert_str_eq(status("Stalled.reason"), "ImageURLInvalid");
	ck_assert_str_eq(status("Reconciling.status"), "");
	ck_assert_str_eq(status("observedGeneration"), "1");
	check_text("Ready.message", bad[_i].says);
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert_ptr_nonnull(image_catalog_find(w.catalog, "apps", "web")->wrong);
	world_forget(&w);
	world_pass(&w, 200000);
	ck_assert_str_eq(world_writes(&w), "");
	end();
}
END_TEST

/* Nobody is asked: names of Docker Hub, without a scan. */
START_TEST(ir_02_canonical)
{
	static const char *const images[] = {
		"alpine", "docker.io/alpine", "index.docker.io/library/alpine"};
	auto_free char *spec = mem_printf("\"suspend\":true,\"image\":\"%s\"", images[_i]);

	begin(NULL);
	world_object(&w, "web", spec);
	ck_assert_str_eq(image_catalog_find(w.catalog, "apps", "web")->canonical,
		"index.docker.io/library/alpine");
	end();
}
END_TEST

START_TEST(ir_06_an_ipv6_host_is_tried)
{
	begin(NULL);
	fake_kube_put(w.kube, "imagerepositories",
		"{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{\"image\":\"[::"
		"1]"
		":1/app/xx\",\"interval\":\"1m\",\"timeout\":\"5s\"}}");
	world_elapse(&w, 8000);
	check_ready("False", "ReadOperationFailed");
	ck_assert_str_eq(status("Stalled.status"), "");
	end();
}
END_TEST

START_TEST(ir_07_corrected_after_a_stall)
{
	auto_free char *patch = NULL;

	begin("1.0");
	world_object(&w, "web", "\"image\":\"x:1\"");
	check_ready("False", "ImageURLInvalid");
	patch = mem_printf("{\"spec\":{\"image\":\"%s/app\"}}", fake_host(w.reg));
	world_merge(&w, "web", patch);
	check_ready("True", "Succeeded");
	ck_assert_str_eq(status("Stalled.status"), "");
	ck_assert_str_eq(status("observedGeneration"), "2");
	end();
}
END_TEST

/* The same as before a slip of the pen: it is not the old result that is told, but a new one. */
START_TEST(ir_07_back_to_what_it_was)
{
	auto_free char *patch = NULL;

	begin("1.0");
	world_object(&w, "web", "");
	world_merge(&w, "web", "{\"spec\":{\"image\":\"x:1\"}}");
	check_ready("False", "ImageURLInvalid");
	patch = mem_printf("{\"spec\":{\"image\":\"%s/app\"}}", fake_host(w.reg));
	world_forget(&w);
	world_merge(&w, "web", patch);
	check_ready("True", "Succeeded");
	ck_assert_uint_eq(world_scans(&w), 1);
	end();
}
END_TEST

START_TEST(ir_37_a_stall_after_a_failure)
{
	begin(NULL);
	world_object(&w, "web", "");
	check_ready("False", "ReadOperationFailed");
	world_forget(&w);
	world_merge(&w, "web", "{\"spec\":{\"image\":\"x:1\"}}");
	check_ready("False", "ImageURLInvalid");
	check_text("Ready.message", "remove ':1'");
	ck_assert_str_eq(status("Stalled.message"), status("Ready.message"));
	ck_assert_uint_eq(world_events(&w, "ImageURLInvalid"), 1);
	end();
}
END_TEST

/* ---- as whom --------------------------------------------------------------------------------- */

#define AUTH "Basic dTpw" /* u:p */
#define CHALLENGE "Basic realm=\"x\""

static void secret(const char *name, const char *type, const char *host)
{
	auto_free char *config =
		mem_printf("{\"auths\":{\"%s\":{\"username\":\"u\",\"password\":\"p\"}}}", host);
	auto_json json_t *o = json_pack("{s:{s:s,s:s},s:s,s:{}}", "metadata", "name", name,
		"namespace", "apps", "type", type, "data");
	auto_buf struct buf b64 = BUF_INIT(BUF_ANY);
	auto_free char *text = NULL;

	ck_assert(!base64_encode(&b64, config, strlen(config), 0));
	json_object_set_new(
		json_object_get(o, "data"), ".dockerconfigjson", json_string(buf_str(&b64)));
	text = json_dumps(o, 0);
	fake_kube_put(w.kube, "secrets", text);
}

static void private_tags(void)
{
	struct fake_answer *a = world_tags(&w, "1.0");

	a->need = AUTH;
	a->challenge = CHALLENGE;
}

START_TEST(ir_25_secret)
{
	begin(NULL);
	private_tags();
	world_object(&w, "web", "\"secretRef\":{\"name\":\"pull\"}");
	check_ready("False", "AuthenticationFailed");
	check_text("Ready.message", "failed to get secret 'apps/pull'");
	secret("pull", "kubernetes.io/dockerconfigjson", fake_host(w.reg));
	world_settle(&w);
	check_ready("True", "Succeeded");
	end();
}
END_TEST

/* Of another registry: nobody's name is told there. */
START_TEST(ir_25_no_entry_for_the_host)
{
	begin("1.0");
	secret("pull", "kubernetes.io/dockerconfigjson", "elsewhere.example");
	world_object(&w, "web", "\"secretRef\":{\"name\":\"pull\"}");
	check_ready("True", "Succeeded");
	ck_assert_ptr_null(strstr(fake_log(w.reg), "auth="));
	end();
}
END_TEST

START_TEST(ir_26_service_account_with_two_secrets)
{
	begin(NULL);
	private_tags();
	secret("one", "kubernetes.io/dockerconfigjson", "elsewhere.example");
	secret("two", "kubernetes.io/dockerconfigjson", fake_host(w.reg));
	fake_kube_put(w.kube, "serviceaccounts",
		"{\"metadata\":{\"name\":\"sa\",\"namespace\":\"apps\"},\"imagePullSecrets\":[{"
		"\"name\":\"one\"},{\"name\":\"two\"}]}");
	world_object(&w, "web", "\"serviceAccountName\":\"sa\"");
	check_ready("True", "Succeeded");
	end();
}
END_TEST

START_TEST(ir_27_gate_off)
{
	begin("1.0");
	world_object(&w, "web", "\"provider\":\"aws\",\"serviceAccountName\":\"sa\"");
	check_ready("False", "FeatureGateDisabled");
	ck_assert_str_eq(status("Stalled.status"), "True");
	ck_assert_str_eq(fake_log(w.reg), "");
	end();
}
END_TEST

/* A pull Secret beside a provider does not count: the cloud is not this registry's. */
START_TEST(ir_27_a_secret_beside_a_provider)
{
	begin(NULL);
	private_tags();
	secret("pull", "kubernetes.io/dockerconfigjson", fake_host(w.reg));
	world_object(&w, "web", "\"provider\":\"aws\",\"secretRef\":{\"name\":\"pull\"}");
	check_ready("False", "AuthenticationFailed");
	check_text("Ready.message", "failed to get credential from aws");
	end();
}
END_TEST

/* Nor do those of its ServiceAccount, which would let it past the gate. */
START_TEST(ir_27_pull_secrets_beside_a_provider)
{
	begin(NULL);
	private_tags();
	secret("pull", "kubernetes.io/dockerconfigjson", fake_host(w.reg));
	fake_kube_put(w.kube, "serviceaccounts",
		"{\"metadata\":{\"name\":\"sa\",\"namespace\":\"apps\"},\"imagePullSecrets\":[{"
		"\"name\":\"pull\"}]}");
	world_object(&w, "web", "\"provider\":\"aws\",\"serviceAccountName\":\"sa\"");
	check_ready("False", "FeatureGateDisabled");
	w.opts.registry.object_level = true;
	world_stop(&w);
	world_start(&w);
	world_merge(&w, "web", "{\"spec\":{\"interval\":\"2m\"}}");
	check_ready("False", "AuthenticationFailed");
	ck_assert_str_eq(fake_log(w.reg), "");
	end();
}
END_TEST

/* Without `insecure` on a loopback address; with it see the integration tests, which have names. */
START_TEST(ir_30_loopback)
{
	begin("1.0");
	world_object(&w, "web", "");
	check_ready("True", "Succeeded");
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "tls\n"));
	end();
}
END_TEST

/* ---- what the registry refuses --------------------------------------------------------------- */

static const int refusals[] = {401, 403, 404, 500};

START_TEST(ir_31_refused)
{
	auto_free char *json = NULL;
	struct fake_answer *a;

	begin(NULL);
	a = world_tags(&w, "1.0");
	a->status = refusals[_i];
	json = mem_printf("{\"metadata\":{\"name\":\"web\",\"namespace\":\"apps\"},\"spec\":{"
			  "\"image\":\"%s/app\",\"interval\":\"1m\"}}",
		fake_host(w.reg));
	fake_kube_put(w.kube, "imagerepositories", json);
	world_elapse(&w, 10000);
	check_ready("False", "ReadOperationFailed");
	check_text("Ready.message", "scan failed: ");
	ck_assert_str_eq(status("Reconciling.reason"), "ProgressingWithRetry");
	ck_assert_str_eq(status("observedGeneration"), "");
	a->status = 200;
	world_elapse(&w, 60000);
	world_settle(&w);
	check_ready("True", "Succeeded");
	end();
}
END_TEST

START_TEST(ir_31_retry_after)
{
	struct fake_answer *a;

	begin(NULL);
	a = world_tags(&w, "1.0");
	a->status = 429;
	a->headers = "Retry-After: 300\r\n";
	world_object(&w, "web", "");
	check_ready("False", "ReadOperationFailed");
	a->status = 200;
	world_forget(&w);
	world_elapse(&w, 290000);
	ck_assert_uint_eq(world_scans(&w), 0);
	world_elapse(&w, 60000);
	world_settle(&w);
	check_ready("True", "Succeeded");
	end();
}
END_TEST

/* ---- Events, suspension, the end ------------------------------------------------------------- */

START_TEST(ir_35_events)
{
	struct fake_answer *a;

	begin(NULL);
	world_tags(&w, "1.0")->times = 2;
	a = world_tags(&w, "1.0 2.0");
	world_object(&w, "web", "");
	ck_assert_uint_eq(world_events(&w, "Succeeded"), 1);
	world_forget(&w);
	world_pass(&w, 60000);
	ck_assert_uint_eq(world_scans(&w), 1);
	ck_assert_uint_eq(world_events(&w, "Succeeded"), 0);
	world_pass(&w, 60000);
	ck_assert_uint_eq(world_scans(&w), 2);
	ck_assert_uint_eq(world_events(&w, "Succeeded"), 1);
	world_forget(&w);
	a->status = 404;
	world_pass(&w, 60000);
	ck_assert_uint_eq(world_events(&w, "ReadOperationFailed"), 1);
	a->status = 200;
	world_elapse(&w, 30000);
	world_settle(&w);
	check_ready("True", "Succeeded");
	/* With the words of the Event before, which counts it. */
	ck_assert_ptr_nonnull(strstr(fake_kube_log(w.kube), "PATCH events/"));
	end();
}
END_TEST

START_TEST(ir_32_suspended)
{
	auto_free char *scanned = NULL;

	begin("1.0");
	world_object(&w, "web", "");
	scanned = mem_strdup(status("Ready.message"));
	world_merge(&w, "web", "{\"spec\":{\"suspend\":true}}");
	world_forget(&w);
	world_pass(&w, 120000);
	ck_assert_uint_eq(world_scans(&w), 0);
	ck_assert_str_eq(world_writes(&w), "");
	world_merge(&w, "web",
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	ck_assert_str_eq(status("lastHandledReconcileAt"), "now");
	ck_assert_str_eq(status("Ready.message"), scanned);
	ck_assert_uint_eq(world_scans(&w), 0);
	world_merge(&w, "web", "{\"spec\":{\"suspend\":false}}");
	ck_assert_uint_eq(world_scans(&w), 1);
	check_ready("True", "Succeeded");
	end();
}
END_TEST

/* Policies of one that is suspended go on with its tags. */
START_TEST(ir_32_suspended_and_restarted)
{
	begin("1.0");
	world_object(&w, "web", "");
	world_merge(&w, "web", "{\"spec\":{\"suspend\":true}}");
	world_stop(&w);
	world_start(&w);
	ck_assert(image_catalog_find(w.catalog, "apps", "web")->has);
	end();
}
END_TEST

START_TEST(ir_33_deleted)
{
	begin("1.0");
	world_object(&w, "web", "");
	ck_assert_str_eq(world_file(&w, "web"), "1.0");
	fake_kube_delete(w.kube, "imagerepositories", "apps", "web");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "imagerepositories", "apps", "web"));
	ck_assert_str_eq(world_file(&w, "web"), "(none)");
	ck_assert_ptr_null(image_catalog_find(w.catalog, "apps", "web"));
	end();
}
END_TEST

/* While nobody looked. */
START_TEST(ir_33_deleted_meanwhile)
{
	begin("1.0");
	world_object(&w, "web", "");
	world_object(&w, "other", "");
	world_stop(&w);
	fake_kube_merge(
		w.kube, "imagerepositories", "apps", "web", "{\"metadata\":{\"finalizers\":null}}");
	fake_kube_delete(w.kube, "imagerepositories", "apps", "web");
	world_start(&w);
	ck_assert_str_eq(world_file(&w, "web"), "(none)");
	ck_assert_str_eq(world_file(&w, "other"), "1.0");
	end();
}
END_TEST

/* Whoever wants to read the tags, and finds that somebody has taken them away, makes a scan. */
START_TEST(tags_are_lost)
{
	auto_free char *rm = NULL;

	begin("1.0");
	world_object(&w, "web", "\"interval\":\"1h\"");
	rm = mem_printf("rm %s/tags/apps/web", w.path);
	ck_assert_int_eq(system(rm), 0);
	world_forget(&w);
	image_catalog_doubt(w.catalog, "apps", "web");
	world_settle(&w);
	ck_assert_uint_eq(world_scans(&w), 1);
	ck_assert_str_eq(world_file(&w, "web"), "1.0");
	end();
}
END_TEST

static bool leads;

static bool ask_leads(void *arg)
{
	(void)arg;
	return leads;
}

/* A follower asks nobody. Who leads then, without a file of its own, does. */
START_TEST(follower)
{
	world_init(&w);
	world_tags(&w, "1.0");
	leads = false;
	w.opts.controller.leads = ask_leads;
	world_start(&w);
	world_object(&w, "web", "");
	ck_assert_uint_eq(world_scans(&w), 0);
	ck_assert_str_eq(world_writes(&w), "");
	leads = true;
	role_changed(w.c);
	world_settle(&w);
	check_ready("True", "Succeeded");
	ck_assert_uint_eq(world_scans(&w), 1);
	end();
}
END_TEST

/* The file of a replica that leads again is older than the status of the one that led since: its
   tags may have been deleted, and must not be chosen from. */
START_TEST(follower_leads_again)
{
	world_init(&w);
	world_tags(&w, "1.0 6.6.6")->times = 1;
	world_tags(&w, "1.0 1.1");
	leads = true;
	w.opts.controller.leads = ask_leads;
	world_start(&w);
	world_object(&w, "web", "\"interval\":\"1h\"");
	check_ready("True", "Succeeded");
	leads = false;
	role_changed(w.c);
	world_settle(&w);
	ck_assert(image_catalog_find(w.catalog, "apps", "web")->has);
	world_merge(&w, "web", "{\"status\":{\"lastScanResult\":{\"revision\":\"sha256:1\"}}}");
	ck_assert(!image_catalog_find(w.catalog, "apps", "web")->looked);
	leads = true;
	role_changed(w.c);
	world_settle(&w);
	ck_assert_uint_eq(world_scans(&w), 2);
	ck_assert_str_eq(world_file(&w, "web"), "1.1 1.0");
	ck_assert(image_catalog_find(w.catalog, "apps", "web")->has);
	end();
}
END_TEST

/* A volume that takes no bytes. */
START_TEST(no_room)
{
	begin("1.0");
	sys_fault_after(SYS_FDATASYNC, 1, ENOSPC);
	world_object(&w, "web", "");
	check_ready("False", "Failure");
	check_text("Ready.message", "failed to store the tags of");
	sys_fault_clear();
	world_elapse(&w, 10000);
	world_settle(&w);
	check_ready("True", "Succeeded");
	end();
}
END_TEST

Suite *suite_object(void)
{
	Suite *s = suite_create("object");
	TCase *t = tcase_create("object");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, ir_03_to_06_invalid_image, 0, (int)ARRAY_LEN(bad));
	tcase_add_loop_test(t, ir_02_canonical, 0, 3);
	tcase_add_test(t, ir_06_an_ipv6_host_is_tried);
	tcase_add_test(t, ir_07_corrected_after_a_stall);
	tcase_add_test(t, ir_07_back_to_what_it_was);
	tcase_add_test(t, ir_37_a_stall_after_a_failure);
	tcase_add_test(t, ir_25_secret);
	tcase_add_test(t, ir_25_no_entry_for_the_host);
	tcase_add_test(t, ir_26_service_account_with_two_secrets);
	tcase_add_test(t, ir_27_gate_off);
	tcase_add_test(t, ir_27_a_secret_beside_a_provider);
	tcase_add_test(t, ir_27_pull_secrets_beside_a_provider);
	tcase_add_test(t, ir_30_loopback);
	tcase_add_loop_test(t, ir_31_refused, 0, (int)ARRAY_LEN(refusals));
	tcase_add_test(t, ir_31_retry_after);
	tcase_add_test(t, ir_35_events);
	tcase_add_test(t, ir_32_suspended);
	tcase_add_test(t, ir_32_suspended_and_restarted);
	tcase_add_test(t, ir_33_deleted);
	tcase_add_test(t, ir_33_deleted_meanwhile);
	tcase_add_test(t, tags_are_lost);
	tcase_add_test(t, follower);
	tcase_add_test(t, follower_leads_again);
	tcase_add_test(t, no_room);
	suite_add_tcase(s, t);
	return s;
}
