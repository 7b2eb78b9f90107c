#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/embedded.h"
#include "ev/loop.h"
#include "rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_api(void);

#define SECRETS "/api/v1/namespaces/default/secrets"
#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
#define PARTIAL "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"

static char *dup_str(const json_t *o, const char *key)
{
	return mem_strdup(obj_str_or("", o, "metadata", key));
}

/* ---- who may ask ----------------------------------------------------------------------------- */

START_TEST(test_access)
{
	struct rig r;
	struct stat st;
	auto_free char *kubeconfig = NULL, *host = NULL, *wrong = NULL, *longer = NULL;

	rig_start(&r, false);
	kubeconfig = mem_printf("%s/kubeconfig", r.state);
	ck_assert_int_eq(stat(kubeconfig, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(r.state, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	ck_assert_uint_eq(strlen(strrchr(r.base, '/')), 65);
	host = mem_strndup(r.base, strlen(r.base) - 65);
	rig_do(&r, 200, "GET", "/version", NULL);
	wrong = mem_printf("%s/version", host);
	rig_do(&r, 401, "GET", wrong, NULL);
	free(wrong);
	wrong = mem_printf("%s/version", r.base);
	wrong[strlen(host) + 10] = wrong[strlen(host) + 10] == 'a' ? 'b' : 'a';
	rig_do(&r, 401, "GET", wrong, NULL);
	longer = mem_printf("%sx/version", r.base);
	rig_do(&r, 401, "GET", longer, NULL);
	rig_stop(&r);
}
END_TEST

/* A page in a browser comes under another name, or with an Origin. */
START_TEST(test_browser)
{
	static const struct {
		const char *name, *value;
		int status;
	} rows[] = {
		{"Host", "evil.example.com", 403}, {"Host", "127.0.0.1", 403},
		{"Host", "localhost:1", 403}, {"Origin", "http://evil.example.com", 403},
		{"Origin", "null", 403}, {"Sec-Fetch-Site", "cross-site", 403},
		{"Sec-Fetch-Site", "none", 200},
		{"Host", NULL, 200}, /* localhost with the right port */
	};
	struct rig r;
	auto_free char *cmd = NULL, *value = NULL;
	const char *port;
	FILE *f;
	int status = 0;

	rig_start(&r, false);
	port = strrchr(r.base, ':') + 1;
	value = rows[_i].value ? mem_strdup(rows[_i].value)
			       : mem_printf("localhost:%d", atoi(port));
	/* curl in a process of its own: our client sets Host itself. The loop turns meanwhile. */
	cmd = mem_printf("curl -s -o %s/out -w '%%{http_code}' -H '%s: %s' %s/version >%s/code "
			 "2>/dev/null; touch %s/done",
		r.dir, rows[_i].name, value, r.base, r.dir, r.dir);
	free(MOVE(value));
	value = mem_printf("(%s) &", cmd);
	ck_assert_int_eq(system(value), 0);
	for (;;) {
		auto_free char *done = mem_printf("%s/done", r.dir);
		struct stat st;

		if (!stat(done, &st))
			break;
		loop_turn(r.loop, false);
	}
	free(cmd);
	cmd = mem_printf("%s/code", r.dir);
	f = fopen(cmd, "r");
	ck_assert_int_eq(fscanf(f, "%d", &status), 1);
	fclose(f);
	ck_assert_msg(status == rows[_i].status, "%s: %s: %d, want %d", rows[_i].name,
		rows[_i].value ? rows[_i].value : "localhost", status, rows[_i].status);
	rig_stop(&r);
}
END_TEST

/* ---- paths and methods ----------------------------------------------------------------------- */

static const struct {
	const char *method, *path;
	int status;
} PATHS[] = {
	{"GET", "/api", 200},
	{"GET", "/api/v1", 200},
	{"GET", "/apis", 200},
	{"GET", "/apis/", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1beta2", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io/v9", 404},
	{"GET", "/apis/nobody", 404},
	{"GET", "/api/v2", 404},
	{"GET", "/version", 200},
	{"GET", "/healthz", 200},
	{"GET", "/readyz", 200},
	{"GET", "/openapi/v2", 200},
	{"GET", "/openapi/v3", 200},
	{"GET", "/openapi/v3/api/v1", 200},
	{"GET", "/openapi/v3/apis/source.toolkit.fluxcd.io/v1beta2", 200},
	{"GET", "/openapi/v3/apis/source.toolkit.fluxcd.io/v9", 404},
	{"GET", "/openapi/v3/apis/source.toolkit.fluxcd.io", 404},
	{"GET", "/openapi/v3/apis/v1", 404},
	{"GET", "/openapi/v3/api/v1/x", 404},
	{"POST", "/openapi/v3", 405},
	{"GET", "/", 404},
	{"GET", "/metrics", 404},
	{"GET", REPOS, 200},
	{"GET", REPOS "/none", 404},
	{"GET", REPOS "/none/status", 404},
	{"GET", REPOS "/none/scale", 404},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1/ocirepositories", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1/ocirepositories/x", 404},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1beta2/namespaces/default/ocirepositories", 200},
	{"GET", "/apis/source.toolkit.fluxcd.io/v1/namespaces/default/foos", 404},
	{"GET", "/api/v1/secrets", 200},
	{"GET", "/api/v1/pods", 404},
	{"GET", "/api/v1/namespaces", 200},
	{"GET", "/api/v1/namespaces/default", 200},
	{"GET", "/api/v1/namespaces/default/status", 200},
	{"GET", "/api/v1/namespaces/default/namespaces", 404},
	{"GET", "/api/v1/namespaces/none/secrets", 200},
	{"GET", "/api/v1/namespaces/default/secrets/a/b/c/d/e/f/g", 404},
	{"HEAD", REPOS, 200},
	{"OPTIONS", REPOS, 405},
	{"DELETE", REPOS, 405},
	{"POST", "/version", 405},
	{"POST", "/api/v1/secrets", 405},
	{"PUT", REPOS, 405},
	{"DELETE", "/api/v1/namespaces/default/status", 405},
	{"DELETE", REPOS "/none", 404},
	{"GET", REPOS "?labelSelector=a%20in%20(", 400},
	{"GET", REPOS "?fieldSelector=spec.url%3Dx", 400},
	{"GET", REPOS "?limit=x", 400},
	{"GET", REPOS "?limit=-1", 400},
	{"GET", REPOS "?continue=!", 400},
	{"GET", REPOS "?continue=eyJ2IjotNSwibnMiOiIiLCJuIjoiIn0", 400},
	{"GET", REPOS "?resourceVersion=x", 400},
	{"GET", REPOS "?watch=1&sendInitialEvents=true", 422},
	{"GET", REPOS "?resourceVersion=5&resourceVersionMatch=Exact", 410},
};

START_TEST(test_paths)
{
	struct rig r;
	size_t i;

	rig_start(&r, false);
	for (i = 0; i < ARRAY_LEN(PATHS); i++)
		rig_do(&r, PATHS[i].status, PATHS[i].method, PATHS[i].path, NULL);
	rig_stop(&r);
}
END_TEST

/* A kind of the group that has v1 alone takes nothing from one that has more. */
START_TEST(test_group_versions)
{
	struct rig r;
	json_t *o;

	rig_start(&r, false);
	o = rig_expect(&r, 200, "GET", "/apis/source.toolkit.fluxcd.io", NULL);
	same_json("versions", json_object_get(o, "versions"),
		"[{\"groupVersion\":\"source.toolkit.fluxcd.io/v1\",\"version\":\"v1\"},"
		"{\"groupVersion\":\"source.toolkit.fluxcd.io/v1beta2\",\"version\":"
		"\"v1beta2\"}]");
	json_decref(o);
	rig_stop(&r);
}
END_TEST

/* kubectl makes its messages of these. */
START_TEST(test_statuses)
{
	struct rig r;
	json_t *o;

	rig_start(&r, false);
	o = rig_expect(&r, 404, "GET", REPOS "/x", NULL);
	same_json("not found", o,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
		"\"reason\":\"NotFound\",\"code\":404,"
		"\"message\":\"ocirepositories.source.toolkit.fluxcd.io \\\"x\\\" not found\","
		"\"details\":{\"name\":\"x\",\"group\":\"source.toolkit.fluxcd.io\",\"kind\":"
		"\"ocirepositories\"}}");
	json_decref(o);
	o = rig_expect(&r, 404, "GET", "/api/v1/namespaces/default/pods/x", NULL);
	same_json("no such kind", o,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
		"\"reason\":\"NotFound\",\"code\":404,"
		"\"message\":\"the server could not find the requested resource: the embedded API "
		"has only the kinds that kubectl api-resources lists\"}");
	json_decref(o);
	o = rig_expect(&r, 422, "POST", REPOS, REPO("x", "{\"url\":\"http://x\"}"));
	same_json("invalid", o,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","
		"\"reason\":\"Invalid\",\"code\":422,"
		"\"message\":\"OCIRepository.source.toolkit.fluxcd.io \\\"x\\\" is invalid: "
		"[spec.interval: Required value, "
		"spec.url: Invalid value: \\\"http://x\\\": spec.url in body should match "
		"'^oci://.*$']\","
		"\"details\":{\"name\":\"x\",\"group\":\"source.toolkit.fluxcd.io\",\"kind\":"
		"\"OCIRepository\",\"causes\":["
		"{\"reason\":\"FieldValueRequired\",\"message\":\"Required "
		"value\",\"field\":\"spec.interval\"},"
		"{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid value: \\\"http://x\\\": "
		"spec.url in body should match '^oci://.*$'\",\"field\":\"spec.url\"}]}}");
	json_decref(o);
	rig_stop(&r);
}
END_TEST

/* ---- create, get, update --------------------------------------------------------------------- */

START_TEST(test_create)
{
	static const struct {
		const char *path, *body;
		int status;
	} rows[] = {
		{REPOS, REPO("a", SPEC), 201},
		{REPOS, REPO("a", SPEC), 409},
		{REPOS, "", 400},
		{REPOS, "{", 400},
		{REPOS, "[]", 400},
		{REPOS, "{}", 400},
		{REPOS, "\"x\"", 400},
		{REPOS, REPO("A_b", SPEC), 422},
		{REPOS, REPO("", SPEC), 422},
		{REPOS, REPO("x", "[]"), 422},
		{REPOS,
			"{\"apiVersion\":\"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":"
			"\"x\"}}",
			400},
		{REPOS,
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1\",\"kind\":\"Foo\",\"metadata\":{\"name\":\"x\"}}",
			422},
		{REPOS,
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"x\","
			"\"namespace\":\"y\"},\"spec\":" SPEC "}",
			400},
		{REPOS,
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"x\",\"labels\":{"
			"\"a\":1}},\"spec\":" SPEC "}",
			400},
		{REPOS,
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"x\",\"labels\":{"
			"\"a b\":\"c\"}},\"spec\":" SPEC "}",
			422},
		{REPOS,
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"generateName\":\"g-\"},"
			"\"spec\":" SPEC "}",
			201},
		{REPOS "?dryRun=All", REPO("dry", SPEC), 201},
		{REPOS "?dryRun=Some", REPO("dry", SPEC), 400},
		{"/apis/source.toolkit.fluxcd.io/v1/namespaces/none/ocirepositories",
			REPO("a", SPEC), 404},
		{"/apis/source.toolkit.fluxcd.io/v1beta2/namespaces/default/ocirepositories",
			"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
			"v1beta2\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"old\"},"
			"\"spec\":" SPEC "}",
			201},
		{REPOS "?fieldValidation=Strict",
			REPO("s", "{\"interval\":\"5m\",\"url\":\"oci://h/a\",\"x\":1}"), 400},
		{REPOS "?fieldValidation=Strict",
			REPO("s",
				"{\"interval\":\"5m\",\"interval\":\"6m\",\"url\":\"oci://h/a\"}"),
			400},
		{REPOS "?fieldValidation=Ignore",
			REPO("i",
				"{\"interval\":\"5m\",\"interval\":\"6m\",\"url\":\"oci://h/"
				"a\",\"x\":1}"),
			201},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
			"\"stringData\":{\"a\":\"b\"},\"data\":{\"a\":\"eA==\",\"c\":\"eQ==\"}}",
			201},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"data\":{\"a\":\"!\"}}",
			400},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"data\":{\"a b\":\"eA==\"}}",
			422},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"type\":5}",
			400},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"type\":\"kubernetes.io/dockerconfigjson\"}",
			422},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"type\":\"kubernetes.io/"
			"dockerconfigjson\",\"stringData\":{\".dockerconfigjson\":\"{\"}}",
			422},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"type\":\"kubernetes.io/tls\"}",
			422},
		{SECRETS,
			"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"b\"},"
			"\"type\":\"kubernetes.io/basic-auth\"}",
			422},
		{"/api/v1/namespaces",
			"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"a."
			"b\"}}",
			422},
		{"/api/v1/namespaces/default/events",
			"{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\"},"
			"\"involvedObject\":{\"namespace\":\"x\"}}",
			422},
		{"/api/v1/namespaces/default/events",
			"{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\"},"
			"\"involvedObject\":{\"namespace\":\"default\"},\"eventTime\":\"2026-01-"
			"31T09:30:00Z\"}",
			400},
	};
	struct rig r;
	json_t *o;
	size_t i;

	rig_start(&r, false);
	for (i = 0; i < ARRAY_LEN(rows); i++)
		rig_do(&r, rows[i].status, "POST", rows[i].path, rows[i].body);
	o = rig_expect(&r, 200, "GET", REPOS "/a", NULL);
	same_json("defaults", json_object_get(o, "spec"),
		"{\"interval\":\"5m\",\"url\":\"oci://host/"
		"app\",\"timeout\":\"60s\",\"provider\":\"generic\"}");
	same_json("status", json_object_get(o, "status"), "{\"observedGeneration\":-1}");
	ck_assert_int_eq(obj_int(0, o, "metadata", "generation"), 1);
	ck_assert_uint_eq(strlen(obj_str_or("", o, "metadata", "uid")), 36);
	json_decref(o);
	rig_do(&r, 404, "GET", REPOS "/dry", NULL);
	o = rig_expect(&r, 200, "GET", SECRETS "/s", NULL);
	same_json("stringData wins and goes", json_object_get(o, "data"),
		"{\"a\":\"Yg==\",\"c\":\"eQ==\"}");
	ck_assert_ptr_null(json_object_get(o, "stringData"));
	ck_assert_str_eq(obj_str(o, "type"), "Opaque");
	json_decref(o);
	/* Either version shows what the other one made. */
	o = rig_expect(&r, 200, "GET", REPOS "/old", NULL);
	ck_assert_str_eq(obj_str(o, "apiVersion"), "source.toolkit.fluxcd.io/v1");
	json_decref(o);
	rig_stop(&r);
}
END_TEST

START_TEST(test_warnings)
{
	struct rig r;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS,
		REPO("a",
			"{\"interval\":\"5m\",\"interval\":\"6m\",\"url\":\"oci://h/"
			"a\",\"x\":1,\"ref\":{\"t\\\"\":2}}"));
	ck_assert_str_eq(r.warnings,
		"299 - \"duplicate field \\\"spec.interval\\\"\"|299 - \"unknown field "
		"\\\"spec.x\\\"\"|"
		"299 - \"unknown field \\\"spec.ref.t\\\"\\\"\"|");
	rig_stop(&r);
}
END_TEST

START_TEST(test_generation)
{
	static const struct {
		const char *name, *method, *path, *body;
		int status, generation;
		bool same_version;
	} rows[] = {
		{"a label", "PATCH", "/a", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}", 200, 1,
			false},
		{"the same again", "PATCH", "/a", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}", 200,
			1, true},
		{"the spec", "PATCH", "/a", "{\"spec\":{\"interval\":\"6m\"}}", 200, 2, false},
		{"no difference", "PATCH", "/a",
			"{\"spec\":{\"interval\":\"6m\",\"timeout\":null}}", 200, 2, true},
		{"status in the main path is not looked at", "PATCH", "/a",
			"{\"status\":{\"url\":\"http://x\"}}", 200, 2, true},
		{"status", "PATCH", "/a/status", "{\"status\":{\"url\":\"http://x\"}}", 200, 2,
			false},
		{"status changes nothing else", "PATCH", "/a/status",
			"{\"spec\":{\"interval\":\"9m\"},\"metadata\":{\"labels\":{\"q\":\"w\"},"
			"\"annotations\":{\"a\":\"b\"}}}",
			200, 2, true},
		{"status is validated", "PATCH", "/a/status", "{\"status\":{\"url\":5}}", 422, 0,
			false},
		{"a stale version", "PATCH", "/a", "{\"metadata\":{\"resourceVersion\":\"1\"}}",
			409, 0, false},
		{"status with a stale version", "PATCH", "/a/status",
			"{\"metadata\":{\"resourceVersion\":\"1\"}}", 409, 0, false},
		{"another name", "PATCH", "/a", "{\"metadata\":{\"name\":\"b\"}}", 400, 0, false},
		{"another kind", "PATCH", "/a", "{\"kind\":\"Foo\"}", 422, 0, false},
		{"another uid", "PATCH", "/a", "{\"metadata\":{\"uid\":\"b\"}}", 422, 0, false},
		{"what only the server says", "PATCH", "/a",
			"{\"metadata\":{\"generation\":99,\"creationTimestamp\":null,\"selfLink\":"
			"\"x\"}}",
			200, 2, true},
		{"no object", "PATCH", "/a", "[]", 400, 0, false},
		{"nobody", "PATCH", "/b", "{}", 404, 0, false},
		{"an unknown field", "PATCH", "/a?fieldValidation=Strict", "{\"spec\":{\"x\":1}}",
			422, 0, false},
		{"a PUT without a version", "PUT", "/a", REPO("a", SPEC), 422, 0, false},
		{"a PUT for nobody", "PUT", "/b", REPO("b", SPEC), 404, 0, false},
		{"a dry run", "PATCH", "/a?dryRun=All", "{\"spec\":{\"interval\":\"7m\"}}", 200, 3,
			true},
		{"which left no trace", "PATCH", "/a", "{}", 200, 2, true},
	};
	struct rig r;
	auto_free char *version = NULL;
	json_t *o;
	size_t i;

	rig_start(&r, false);
	o = rig_expect(&r, 201, "POST", REPOS, REPO("a", SPEC));
	version = dup_str(o, "resourceVersion");
	json_decref(o);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *path = mem_printf("%s%s", REPOS, rows[i].path);
		const char *now;

		o = rig_expect(&r, rows[i].status, rows[i].method, path, rows[i].body);
		if (rows[i].status == 200) {
			now = obj_str_or("", o, "metadata", "resourceVersion");
			ck_assert_msg(obj_int(0, o, "metadata", "generation") == rows[i].generation,
				"%s: generation %d, want %d", rows[i].name,
				(int)obj_int(0, o, "metadata", "generation"), rows[i].generation);
			ck_assert_msg(!strcmp(now, version) == rows[i].same_version,
				"%s: version %s after %s", rows[i].name, now, version);
			free(version);
			version = mem_strdup(now);
		}
		json_decref(o);
	}
	rig_stop(&r);
}
END_TEST

START_TEST(test_put)
{
	struct rig r;
	json_t *o, *again;
	char *text;

	rig_start(&r, false);
	o = rig_expect(&r, 201, "POST", REPOS, REPO("a", SPEC));
	json_object_set_new(json_object_get(o, "spec"), "interval", json_string("8m"));
	json_object_set_new(o, "status", json_object());
	text = json_dumps(o, 0);
	again = rig_expect(&r, 200, "PUT", REPOS "/a", text);
	ck_assert_int_eq(obj_int(0, again, "metadata", "generation"), 2);
	ck_assert_int_eq(obj_int(0, again, "status", "observedGeneration"), -1);
	json_decref(again);
	rig_do(&r, 409, "PUT", REPOS "/a", text); /* its version is old now */
	free(text);
	json_decref(o);
	/* A Secret needs none, and data that is not sent is gone. */
	rig_do(&r, 201, "POST", SECRETS,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
		"\"stringData\":{\"a\":\"b\"}}");
	o = rig_expect(&r, 200, "PUT", SECRETS "/s",
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
		"\"stringData\":{\"c\":\"d\"}}");
	same_json("data", json_object_get(o, "data"), "{\"c\":\"ZA==\"}");
	json_decref(o);
	rig_do(&r, 422, "PUT", SECRETS "/s",
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},\"type\":"
		"\"other\"}");
	rig_do(&r, 200, "PATCH", SECRETS "/s", "{\"immutable\":true}");
	rig_do(&r, 422, "PATCH", SECRETS "/s", "{\"stringData\":{\"c\":\"e\"}}");
	rig_do(&r, 422, "PATCH", SECRETS "/s", "{\"immutable\":null}");
	rig_do(&r, 200, "PATCH", SECRETS "/s", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
	rig_stop(&r);
}
END_TEST

START_TEST(test_types)
{
	static const struct {
		const char *method, *path, *type, *body;
		int status;
	} rows[] = {
		{"PATCH", REPOS "/a", "application/strategic-merge-patch+json", "{}", 415},
		{"PATCH", REPOS "/a", "application/json-patch+json", "[]", 200},
		{"PATCH", REPOS "/a", "application/apply-patch+yaml", "{}", 415},
		{"PATCH", SECRETS "/s", "application/strategic-merge-patch+json",
			"{\"data\":{\"a\":null}}", 200},
		{"PATCH", SECRETS "/s", "application/strategic-merge-patch+json", "{\"$what\":1}",
			400},
		{"POST", REPOS, "text/plain", REPO("b", SPEC), 415},
		{"POST", REPOS, "application/vnd.kubernetes.protobuf", "k8s", 415},
		{"POST", SECRETS, "application/vnd.kubernetes.protobuf", "k8s", 400},
		{"POST", REPOS, "application/json; charset=utf-8", REPO("b", SPEC), 201},
	};
	struct rig r;
	size_t i;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_do(&r, 201, "POST", SECRETS,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
		"\"stringData\":{\"a\":\"b\"}}");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		json_decref(rig_call(
			&r, rows[i].method, rows[i].path, rows[i].type, NULL, rows[i].body));
		ck_assert_msg(r.status == rows[i].status, "%s %s %s: %d, want %d", rows[i].method,
			rows[i].path, rows[i].type, r.status, rows[i].status);
	}
	json_decref(rig_call(&r, "GET", REPOS, NULL, "text/html", NULL));
	ck_assert_int_eq(r.status, 406);
	rig_stop(&r);
}
END_TEST

/* ---- delete ---------------------------------------------------------------------------------- */

START_TEST(test_delete)
{
	struct rig r;
	json_t *o;
	auto_free char *version = NULL;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_do(&r, 409, "DELETE", REPOS "/a", "{\"preconditions\":{\"uid\":\"x\"}}");
	rig_do(&r, 409, "DELETE", REPOS "/a", "{\"preconditions\":{\"resourceVersion\":\"1\"}}");
	rig_do(&r, 200, "DELETE", REPOS "/a?dryRun=All", NULL);
	rig_do(&r, 200, "DELETE", REPOS "/a", "{\"dryRun\":[\"All\"]}");
	o = rig_expect(&r, 200, "DELETE", REPOS "/a", "{\"propagationPolicy\":\"Background\"}");
	ck_assert_str_eq(obj_str(o, "status"), "Success");
	json_decref(o);
	rig_do(&r, 404, "DELETE", REPOS "/a", NULL);

	/* Finalizers hold it: marked, its generation raised once, until the last one goes. */
	rig_do(&r, 201, "POST", REPOS, REPO("f", SPEC));
	rig_do(&r, 200, "PATCH", REPOS "/f",
		"{\"metadata\":{\"finalizers\":[\"a.io/b\",\"c.io/d\"]}}");
	o = rig_expect(&r, 200, "DELETE", REPOS "/f", NULL);
	ck_assert_ptr_nonnull(obj_str(o, "metadata", "deletionTimestamp"));
	ck_assert_int_eq(obj_int(0, o, "metadata", "generation"), 2);
	version = dup_str(o, "resourceVersion");
	json_decref(o);
	o = rig_expect(&r, 200, "DELETE", REPOS "/f", NULL);
	ck_assert_str_eq(obj_str(o, "metadata", "resourceVersion"), version);
	json_decref(o);
	rig_do(&r, 422, "PATCH", REPOS "/f",
		"{\"metadata\":{\"finalizers\":[\"a.io/b\",\"e.io/f\"]}}");
	rig_do(&r, 200, "PATCH", REPOS "/f", "{\"spec\":{\"interval\":\"7m\"}}");
	rig_do(&r, 200, "PATCH", REPOS "/f", "{\"metadata\":{\"finalizers\":[\"c.io/d\"]}}");
	rig_do(&r, 200, "GET", REPOS "/f", NULL);
	rig_do(&r, 200, "PATCH", REPOS "/f", "{\"metadata\":{\"finalizers\":null}}");
	rig_do(&r, 404, "GET", REPOS "/f", NULL);
	rig_stop(&r);
}
END_TEST

#define IN_NS "/apis/source.toolkit.fluxcd.io/v1/namespaces/n/ocirepositories"

START_TEST(test_namespace)
{
	struct rig r;
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 403, "DELETE", "/api/v1/namespaces/default", NULL);
	rig_do(&r, 201, "POST", "/api/v1/namespaces",
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}");
	o = rig_expect(&r, 200, "GET", "/api/v1/namespaces/n", NULL);
	ck_assert_str_eq(obj_str(o, "status", "phase"), "Active");
	ck_assert_str_eq(obj_str(o, "metadata", "labels", "kubernetes.io/metadata.name"), "n");
	json_decref(o);
	rig_do(&r, 201, "POST", IN_NS, REPO("a", SPEC));
	rig_do(&r, 201, "POST", IN_NS, REPO("held", SPEC));
	rig_do(&r, 200, "PATCH", IN_NS "/held", "{\"metadata\":{\"finalizers\":[\"a.io/b\"]}}");
	o = rig_expect(&r, 200, "DELETE", "/api/v1/namespaces/n", NULL);
	ck_assert_str_eq(obj_str(o, "status", "phase"), "Terminating");
	json_decref(o);
	rig_do(&r, 404, "GET", IN_NS "/a", NULL);
	rig_do(&r, 403, "POST", IN_NS, REPO("b", SPEC));
	o = rig_expect(&r, 200, "GET", "/api/v1/namespaces/n", NULL);
	ck_assert_str_eq(obj_str(o, "status", "phase"), "Terminating");
	json_decref(o);
	rig_do(&r, 200, "PATCH", IN_NS "/held", "{\"metadata\":{\"finalizers\":null}}");
	rig_do(&r, 404, "GET", "/api/v1/namespaces/n", NULL);
	/* An empty one goes at once. */
	rig_do(&r, 201, "POST", "/api/v1/namespaces",
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}");
	rig_do(&r, 200, "DELETE", "/api/v1/namespaces/n", NULL);
	rig_do(&r, 404, "GET", "/api/v1/namespaces/n", NULL);
	rig_stop(&r);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------------------- */

static void make_many(struct rig *r, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		auto_free char *body =
			mem_printf("{\"apiVersion\":\"source.toolkit.fluxcd.io/"
				   "v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"r%"
				   "04u\",\"labels\":{\"odd\":\"%u\"}},\"spec\":%s}",
				i, i % 2, SPEC);

		rig_do(r, 201, "POST", REPOS, body);
	}
}

/* Follows the continue tokens; returns how many items came. All pages must name the first one's
   version. */
static size_t walk(struct rig *r, const char *query, const char *accept, unsigned *pages)
{
	auto_free char *token = NULL, *version = NULL, *last = NULL;
	size_t n = 0, i;

	*pages = 0;
	do {
		auto_free char *path = mem_printf(
			"%s?%s%s%s", REPOS, query, token ? "&continue=" : "", token ? token : "");
		json_t *o = rig_call(r, "GET", path, NULL, accept, NULL);
		const json_t *items;

		ck_assert_int_eq(r->status, 200);
		++*pages;
		if (!version)
			version = dup_str(o, "resourceVersion");
		ck_assert_str_eq(obj_str_or("", o, "metadata", "resourceVersion"), version);
		items = json_object_get(o, accept && strstr(accept, "Table") ? "rows" : "items");
		ck_assert_ptr_nonnull(items);
		for (i = 0; i < json_array_size(items); i++) {
			const json_t *one = json_array_get(items, i);
			const char *name =
				obj_str_or(obj_str_or("", one, "object", "metadata", "name"), one,
					"metadata", "name");

			ck_assert_msg(!last || strcmp(last, name) < 0, "%s after %s", name, last);
			free(last);
			last = mem_strdup(name);
			n++;
		}
		free(token);
		token = mem_strdup(obj_str(o, "metadata", "continue"));
		json_decref(o);
	} while (token);
	return n;
}

START_TEST(test_list)
{
	static const struct {
		const char *query, *accept;
		size_t items;
		unsigned pages;
	} rows[] = {
		{"", NULL, 450, 1},
		{"limit=100", NULL, 450, 5},
		{"limit=225", NULL, 450, 2},
		{"limit=449", NULL, 450, 2},
		{"limit=450", NULL, 450, 1},
		{"limit=500", NULL, 450, 1},
		{"labelSelector=odd%3D1", NULL, 225, 1},
		{"labelSelector=odd%3D1&limit=100", NULL, 225, 3},
		{"limit=100", TABLE, 450, 5},
		{"", TABLE, 450, 1},
		{"", PARTIAL, 450, 1},
		{"fieldSelector=metadata.name%3Dr0300", NULL, 1, 1},
		{"fieldSelector=metadata.name%3Dnone", NULL, 0, 1},
		{"labelSelector=odd%3D7&limit=5", NULL, 0, 1},
	};
	struct rig r;
	unsigned pages;
	size_t i, n;

	rig_start(&r, false);
	make_many(&r, 450);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		n = walk(&r, rows[i].query, rows[i].accept, &pages);
		ck_assert_msg(n == rows[i].items && pages == rows[i].pages,
			"%s: %zu items in %u pages, want %zu in %u", rows[i].query, n, pages,
			rows[i].items, rows[i].pages);
	}
	rig_stop(&r);
}
END_TEST

/* A later page carries the first one's version, so that a watch from it tells what changed between
   the pages. */
START_TEST(test_pages)
{
	struct rig r;
	auto_free char *version = NULL, *path = NULL;
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_do(&r, 201, "POST", REPOS, REPO("b", SPEC));
	o = rig_expect(&r, 200, "GET", REPOS "?limit=1", NULL);
	version = dup_str(o, "resourceVersion");
	path = mem_printf("%s?limit=1&continue=%s", REPOS, obj_str(o, "metadata", "continue"));
	json_decref(o);
	rig_do(&r, 200, "PATCH", REPOS "/a", "{\"spec\":{\"interval\":\"6m\"}}");
	o = rig_expect(&r, 200, "GET", path, NULL);
	ck_assert_str_eq(obj_str(o, "metadata", "resourceVersion"), version);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "items")), 1);
	json_decref(o);
	o = rig_expect(&r, 200, "GET", REPOS, NULL);
	ck_assert_str_ne(obj_str(o, "metadata", "resourceVersion"), version);
	json_decref(o);
	rig_stop(&r);
}
END_TEST

START_TEST(test_list_forms)
{
	struct rig r;
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	o = rig_call(&r, "GET", REPOS, NULL, TABLE, NULL);
	ck_assert_str_eq(obj_str(o, "kind"), "Table");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "columnDefinitions")), 5);
	same_json("row",
		json_array_get(obj_get(json_array_get(json_object_get(o, "rows"), 0), "cells"), 1),
		"\"oci://host/app\"");
	ck_assert_str_eq(obj_str(json_array_get(json_object_get(o, "rows"), 0), "object", "kind"),
		"PartialObjectMetadata");
	json_decref(o);
	o = rig_call(&r, "GET", REPOS "?includeObject=Object", NULL, TABLE, NULL);
	ck_assert_str_eq(obj_str(json_array_get(json_object_get(o, "rows"), 0), "object", "spec",
				 "interval"),
		"5m");
	json_decref(o);
	o = rig_call(&r, "GET", REPOS "/a", NULL, TABLE, NULL);
	ck_assert_str_eq(obj_str(o, "kind"), "Table");
	json_decref(o);
	o = rig_call(&r, "GET", REPOS, NULL, PARTIAL, NULL);
	ck_assert_str_eq(obj_str(o, "kind"), "PartialObjectMetadataList");
	ck_assert_ptr_null(obj_get(json_array_get(json_object_get(o, "items"), 0), "spec"));
	json_decref(o);
	rig_stop(&r);
}
END_TEST

/* ---- the state ------------------------------------------------------------------------------- */

START_TEST(test_restart)
{
	struct rig r;
	json_t *o;
	auto_free char *version = NULL, *uid = NULL, *old_base = NULL;

	rig_start(&r, false);
	o = rig_expect(&r, 201, "POST", REPOS, REPO("a", SPEC));
	version = dup_str(o, "resourceVersion");
	uid = dup_str(o, "uid");
	json_decref(o);
	rig_do(&r, 200, "DELETE", "/api/v1/namespaces/flux-system", NULL);
	o = rig_expect(&r, 200, "GET", REPOS "?limit=1", NULL);
	json_decref(o);
	old_base = mem_strdup(r.base);
	rig_restart(&r);
	ck_assert_str_ne(old_base, r.base); /* a new secret with every start */
	o = rig_expect(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_str_eq(obj_str(o, "metadata", "uid"), uid);
	ck_assert_str_eq(obj_str(o, "metadata", "resourceVersion"), version);
	json_decref(o);
	/* The first namespaces are made once, not with every start. */
	rig_do(&r, 404, "GET", "/api/v1/namespaces/flux-system", NULL);
	rig_do(&r, 200, "GET", "/api/v1/namespaces/default", NULL);
	o = rig_expect(&r, 200, "PATCH", REPOS "/a", "{\"spec\":{\"interval\":\"6m\"}}");
	ck_assert(atoll(obj_str(o, "metadata", "resourceVersion")) >= atoll(version) + 1000000);
	json_decref(o);
	rig_stop(&r);
}
END_TEST

static bool event_gone(void *arg)
{
	struct rig *r = arg;

	json_decref(rig_call(r, "GET", "/api/v1/namespaces/default/events/e", NULL, NULL, NULL));
	return r->status == 404;
}

/* Events go an hour after they were written last, and housekeeping does nothing else. */
START_TEST(test_events_expire)
{
	struct rig r;
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", "/api/v1/namespaces/default/events",
		"{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"e\"},"
		"\"involvedObject\":{\"namespace\":\"default\"}}");
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	clock_fake(clock_wall_ms());
	loop_test_advance(r.loop, 30 * 60 * 1000);
	rig_do(&r, 200, "PATCH", "/api/v1/namespaces/default/events/e", "{\"count\":2}");
	loop_test_advance(r.loop, 59 * 60 * 1000);
	rig_do(&r, 200, "GET", REPOS "/a", NULL); /* housekeeping ran before this */
	rig_do(&r, 200, "GET", "/api/v1/namespaces/default/events/e", NULL);
	loop_test_advance(r.loop, 2 * 60 * 1000);
	rig_poll(&r, event_gone, &r);
	rig_do(&r, 200, "GET", REPOS "/a", NULL);
	o = rig_expect(&r, 200, "GET", "/api/v1/namespaces", NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "items")), 3);
	json_decref(o);
	rig_stop(&r);
}
END_TEST

/* A full disk is an answer, not the end: what was there stays, and writing goes on when there is
   room again. */
START_TEST(test_full_disk)
{
	struct rig r;
	struct rlimit before, tight = {64 * 1024, RLIM_INFINITY};
	auto_free char *value = mem_zalloc(300001);
	auto_free char *body = NULL;
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	memset(value, 'x', 300000);
	body = mem_printf("{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":"
			  "\"big\"},\"stringData\":{\"a\":\"%s\"}}",
		value);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &tight), 0);
	o = rig_expect(&r, 500, "POST", SECRETS, body);
	ck_assert_msg(strstr(obj_str_or("", o, "message"), "state database") != NULL, "%s",
		obj_str_or("", o, "message"));
	json_decref(o);
	rig_do(&r, 404, "GET", SECRETS "/big", NULL);
	rig_do(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	rig_do(&r, 201, "POST", SECRETS, body);
	rig_restart(&r);
	rig_do(&r, 200, "GET", SECRETS "/big", NULL);
	rig_do(&r, 200, "GET", REPOS "/a", NULL);
	rig_stop(&r);
}
END_TEST

/* Wrong addresses and directories end the start with a reason. */
START_TEST(test_no_start)
{
	static const struct {
		const char *dir, *address, *message;
	} rows[] = {
		{NULL, "0.0.0.0:0", "loopback only"},
		{NULL, ":0", "loopback only"},
		{NULL, "192.0.2.1:0", "loopback only"},
		{NULL, "nonsense", "embedded API"},
		{"/proc/nope", "127.0.0.1:0", "/proc/nope"},
	};
	struct loop *l = loop_new();
	struct err err = {0};
	char dir[] = "/tmp/embedded-XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_ptr_null(embedded_start(&(struct embedded_opts){.loop = l,
						  .state_dir = rows[_i].dir ? rows[_i].dir : dir,
						  .address = rows[_i].address},
		&err));
	ck_assert_msg(strstr(err.msg, rows[_i].message) != NULL, "%s", err.msg);
	ck_assert_int_eq(loop_free(l), 0);
	ck_assert_int_eq(rmdir(dir), 0); /* nothing was left behind */
}
END_TEST

Suite *suite_api(void)
{
	Suite *s = suite_create("api");
	TCase *tc = tcase_create("api");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_access);
	tcase_add_loop_test(tc, test_browser, 0, 8);
	tcase_add_test(tc, test_paths);
	tcase_add_test(tc, test_group_versions);
	tcase_add_test(tc, test_statuses);
	tcase_add_test(tc, test_create);
	tcase_add_test(tc, test_warnings);
	tcase_add_test(tc, test_generation);
	tcase_add_test(tc, test_put);
	tcase_add_test(tc, test_types);
	tcase_add_test(tc, test_delete);
	tcase_add_test(tc, test_namespace);
	tcase_add_test(tc, test_list);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_list_forms);
	tcase_add_test(tc, test_restart);
	tcase_add_test(tc, test_events_expire);
	tcase_add_test(tc, test_full_disk);
	tcase_add_loop_test(tc, test_no_start, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}
