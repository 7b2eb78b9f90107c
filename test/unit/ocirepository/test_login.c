/* As whom a run asks when several objects say so: a ServiceAccount's imagePullSecrets, a CA, a
   proxy; what is missing or wrong among them, and that a change of any takes effect at once. */
#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ev/loop.h"
#include "kube/watch.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define GOOD "Basic dXNlcjpnb29k" /* user:good */
#define BAD "Basic dXNlcjpiYWQ=" /* user:bad */

static struct world w;
static struct fake_image image;
static struct fake_answer *head;

/* A pull Secret of this name with "user:PASSWORD" for the registry. */
static void pull_secret(const char *name, const char *password)
{
	auto_buf struct buf auth = BUF_INIT(4096), b64 = BUF_INIT(4096);
	auto_free char *user = mem_printf("user:%s", password), *plain = NULL, *json = NULL;

	ck_assert(!base64_encode(&auth, user, strlen(user), BASE64_STD));
	plain = mem_printf(
		"{\"auths\":{\"%s\":{\"auth\":\"%s\"}}}", fake_host(w.reg), buf_str(&auth));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},\"type\":"
			  "\"kubernetes.io/dockerconfigjson\",\"data\":{"
			  "\".dockerconfigjson\":\"%s\"}}",
		name, buf_str(&b64));
	fake_kube_put(w.kube, "secrets", json);
}

/* An Opaque Secret with one value. */
static void secret(const char *name, const char *key, const char *value)
{
	auto_buf struct buf b64 = BUF_INIT(4096);
	auto_free char *json = NULL;

	ck_assert(!base64_encode(&b64, value, strlen(value), BASE64_STD));
	json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},\"type\":"
			  "\"Opaque\",\"data\":{\"%s\":\"%s\"}}",
		name, key, buf_str(&b64));
	fake_kube_put(w.kube, "secrets", json);
}

/* A ServiceAccount "robot" with these imagePullSecrets: "{\"name\":\"a\"}". */
static void account(const char *secrets)
{
	auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"robot\",\"namespace\":"
					  "\"apps\"},\"imagePullSecrets\":[%s]}",
		secrets);

	fake_kube_put(w.kube, "serviceaccounts", json);
}

/* A registry that wants user:good. */
static void begin(void)
{
	world_init(&w);
	head = fake_on(w.reg, "HEAD", "/none");
	head->challenge = "Basic realm=\"test\"";
	head->need = GOOD;
	world_push(&w, "1.0", &w.layer, &image);
	head->headers = image.paths[3];
	head->path = image.paths[0];
}

static void object(const char *more)
{
	auto_free char *spec = mem_printf("\"ref\":{\"tag\":\"1.0\"},%s", more);

	world_object(&w, "web", spec);
	world_start(&w);
	world_settle(&w);
}

static void end(void)
{
	fake_image_clear(&image);
	world_clear(&w);
}

static const char *ready(void)
{
	return world_status(&w, "web", "Ready.status");
}

static void failed(const char *message)
{
	ck_assert_str_eq(ready(), "False");
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "AuthenticationFailed");
	ck_assert_msg(strstr(world_status(&w, "web", "Ready.message"), message) != NULL, "%s",
		world_status(&w, "web", "Ready.message"));
	ck_assert_str_eq(fake_log(w.reg), ""); /* before any request */
}

START_TEST(test_account)
{
	begin();
	pull_secret("one", "good");
	account("{\"name\":\"one\"}");
	object("\"serviceAccountName\":\"robot\"");
	ck_assert_str_eq(ready(), "True");
	/* Unchanged: nothing is read. */
	world_forget(&w);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	world_pass(&w, 60000);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), 1);
	end();
}
END_TEST

START_TEST(test_account_without_secrets)
{
	begin();
	head->need = NULL;
	account("");
	object("\"serviceAccountName\":\"robot\"");
	ck_assert_str_eq(ready(), "True");
	end();
}
END_TEST

START_TEST(test_account_names_what_is_not_there)
{
	begin();
	account("{\"name\":\"gone\"}");
	object("\"serviceAccountName\":\"robot\"");
	failed("service account 'apps/robot': failed to get image pull secret 'apps/gone'");
	/* It comes, and is not waited for. */
	pull_secret("gone", "good");
	world_settle(&w);
	ck_assert_str_eq(ready(), "True");
	end();
}
END_TEST

/* The Secret of the spec comes first. */
START_TEST(test_secret_before_account)
{
	begin();
	pull_secret("mine", "good");
	pull_secret("one", "bad");
	account("{\"name\":\"one\"}");
	object("\"serviceAccountName\":\"robot\",\"secretRef\":{\"name\":\"mine\"}");
	ck_assert_str_eq(ready(), "True");
	ck_assert_ptr_null(strstr(fake_log(w.reg), BAD));
	end();
}
END_TEST

/* An account that names another Secret is another identity, and so is a Secret that it names when
   it changes: at once, without a back-off. */
START_TEST(test_account_changes)
{
	begin();
	pull_secret("one", "bad");
	pull_secret("two", "bad");
	account("{\"name\":\"one\"}");
	object("\"serviceAccountName\":\"robot\"");
	ck_assert_str_eq(ready(), "False");
	account("{\"name\":\"two\"}");
	world_settle(&w);
	ck_assert_str_eq(ready(), "False");
	world_forget(&w);
	pull_secret("two", "good");
	world_settle(&w);
	ck_assert_str_eq(ready(), "True");
	/* The one that is not named any more is nobody's. */
	world_forget(&w);
	pull_secret("one", "worse");
	world_settle(&w);
	ck_assert_str_eq(fake_log(w.reg), "");
	end();
}
END_TEST

START_TEST(test_many_pull_secrets)
{
	auto_buf struct buf names = BUF_INIT(BUF_ANY);
	int i;

	begin();
	for (i = 0; i < 65; i++)
		buf_addf(&names, "%s{\"name\":\"s%d\"}", i ? "," : "", i);
	account(buf_str(&names));
	object("\"serviceAccountName\":\"robot\"");
	failed("it has more than 64 imagePullSecrets");
	end();
}
END_TEST

/* Credentials that are given win over a provider. Without any, a ServiceAccount may be one's
   identity only with the gate. */
START_TEST(test_provider)
{
	begin();
	pull_secret("one", "good");
	account(_i ? "{\"name\":\"one\"}" : "");
	object("\"serviceAccountName\":\"robot\",\"provider\":\"aws\"");
	ck_assert_str_eq(ready(), _i ? "True" : "False");
	ck_assert_str_eq(
		world_status(&w, "web", "Stalled.reason"), _i ? "" : "FeatureGateDisabled");
	end();
}
END_TEST

/* What a cloud would look at is kept with each identity: it has a limit. rows: just so long, one
   byte more */
START_TEST(test_long_annotation)
{
	auto_free char *value = mem_zalloc(LIMIT_CLOUD_ANNOTATION + 2), *json = NULL;

	world_init(&w);
	w.opts.registry.object_level = true;
	memset(value, 'a', LIMIT_CLOUD_ANNOTATION + (size_t)_i);
	json = mem_printf(
		"{\"metadata\":{\"name\":\"robot\",\"namespace\":\"apps\",\"annotations\":{"
		"\"iam.gke.io/gcp-service-account\":\"%s\"}}}",
		value);
	fake_kube_put(w.kube, "serviceaccounts", json);
	world_object(&w, "web", "\"serviceAccountName\":\"robot\",\"provider\":\"gcp\"");
	world_start(&w);
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "Ready.reason"), "AuthenticationFailed");
	ck_assert_msg(!strstr(world_status(&w, "web", "Ready.message"),
			      "service account 'apps/robot': its annotation "
			      "'iam.gke.io/gcp-service-account' is longer than 2048 bytes") == !_i,
		"%s", world_status(&w, "web", "Ready.message"));
	world_clear(&w);
}
END_TEST

/* An Opaque Secret with a user and a password is none that counts, as with Flux's: it says so. */
START_TEST(test_opaque)
{
	begin();
	secret("one", "password", "good");
	object("\"secretRef\":{\"name\":\"one\"}");
	ck_assert_msg(strstr(world_status(&w, "web", "Ready.message"),
			      "no credentials were given: Secret 'apps/one' of type 'Opaque' is no "
			      "pull secret (type 'kubernetes.io/dockerconfigjson')"),
		"%s", world_status(&w, "web", "Ready.message"));
	end();
}
END_TEST

static const struct {
	const char *key, *value, *spec, *message;
} wrong[] = {
	{"ca.crt", "hunter2", "\"certSecretRef\":{\"name\":\"x\"}",
		"/app': secret 'apps/x': failed to parse CA certificate"},
	{"tls.crt", "hunter2", "\"certSecretRef\":{\"name\":\"x\"}",
		"secret 'apps/x': contains 'tls.crt' but missing 'tls.key'"},
	{"other", "hunter2", "\"certSecretRef\":{\"name\":\"x\"}",
		"secret 'apps/x': must contain either 'ca.crt' or both"},
	{"address", "ftp://u:hunter2@h", "\"proxySecretRef\":{\"name\":\"x\"}",
		"failed to get proxy address: secret 'apps/x': proxy URL must use one"},
	{"other", "hunter2", "\"proxySecretRef\":{\"name\":\"x\"}",
		"failed to get proxy address: secret 'apps/x': key 'address' not found"},
};

START_TEST(test_wrong)
{
	begin();
	secret("x", wrong[_i].key, wrong[_i].value);
	object(wrong[_i].spec);
	failed(wrong[_i].message);
	ck_assert_ptr_null(strstr(world_status(&w, "web", "Ready.message"), "hunter2"));
	ck_assert_ptr_null(strstr(fake_kube_log(w.kube), "hunter2"));
	end();
}
END_TEST

/* All that goes to the registry goes through the proxy; test/integration/login_test.sh has a real
   one. The fake registry plays it here, and has no answer to such requests. */
START_TEST(test_proxy)
{
	auto_free char *address = NULL;

	begin();
	address = mem_printf("http://%s", fake_host(w.reg));
	secret("way", "address", address);
	object("\"url\":\"oci://127.0.0.1:1/app\",\"proxySecretRef\":{\"name\":\"way\"},"
	       "\"insecure\":true");
	ck_assert_str_eq(ready(), "False");
	ck_assert_ptr_nonnull(strstr(fake_log(w.reg), "CONNECT 127.0.0.1:1\n"));
	ck_assert_ptr_nonnull(
		strstr(fake_log(w.reg), "HEAD http://127.0.0.1:1/v2/app/manifests/1.0\n"));
	/* Its address changes: the next run is the new one's, at once. */
	world_forget(&w);
	secret("way", "address", "http://127.0.0.1:9");
	world_settle(&w);
	ck_assert_str_eq(fake_log(w.reg), "");
	ck_assert_msg(strstr(world_status(&w, "web", "Ready.message"), "port 9") != NULL, "%s",
		world_status(&w, "web", "Ready.message"));
	end();
}
END_TEST

Suite *suite_login(void);
Suite *suite_login(void)
{
	Suite *s = suite_create("login");
	TCase *tc = tcase_create("login");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_account);
	tcase_add_test(tc, test_account_without_secrets);
	tcase_add_test(tc, test_account_names_what_is_not_there);
	tcase_add_test(tc, test_secret_before_account);
	tcase_add_test(tc, test_account_changes);
	tcase_add_test(tc, test_many_pull_secrets);
	tcase_add_loop_test(tc, test_provider, 0, 2);
	tcase_add_loop_test(tc, test_long_annotation, 0, 2);
	tcase_add_test(tc, test_opaque);
	tcase_add_loop_test(tc, test_wrong, 0, ARRAY_LEN(wrong));
	tcase_add_test(tc, test_proxy);
	suite_add_tcase(s, tc);
	return s;
}
