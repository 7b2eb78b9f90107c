/* A list of tags that lacks the current one (resolve.h): when it is asked for, and what its answer
   makes of the choice. */
#include "fixture.h"
#include "oci/mirrors.h"
#include "oci/resolve.h"

#define OLD_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CURRENT "2.0.0@" OLD_DIGEST
#define LOWER "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define MOVED "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define LIST "GET /v2/app/tags/list?n=1000\n"
#define HEAD_CURRENT "HEAD /v2/app/manifests/2.0.0\n"
#define GET_CURRENT "GET /v2/app/manifests/2.0.0\n"
#define HEAD_LOWER "HEAD /v2/app/manifests/1.1.0\n"

static struct fixture x;

static void setup(void)
{
	fixture_init(&x);
}

static void teardown(void)
{
	fixture_clear(&x);
}

static void tag_is(struct fake_registry *f, const char *path, const char *digest)
{
	fake_on(f, "HEAD", path)->headers = digest;
}

static void list_is(struct fake_registry *f, const char *path, const char *tags)
{
	fake_on(f, "GET", path)->body = tags;
}

static struct op *resolve(const struct oci_resolve_req *req)
{
	struct oci_resolve_req r = *req;
	struct op *op;

	r.target = (struct oci_target){&x.repo, x.nobody, 60000};
	op = oci_resolve_start(x.oci, &r);
	fixture_wait(&x, op);
	return op;
}

static struct op *resolve_current(bool missed)
{
	return resolve(&(struct oci_resolve_req){
		.semver = ">=1.0.0", .current = CURRENT, .current_missed = missed});
}

static void expect(struct op *op, const char *revision, enum oci_current current, const char *log)
{
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision, revision);
	ck_assert_int_eq(oci_resolve_result(op)->current, current);
	if (log)
		ck_assert_str_eq(fake_log(x.reg), log);
	op_free(op);
}

/* Lists that lack it: with something lower, with nothing that matches, with nothing at all. */
static const char *const LACKING[] = {"{\"tags\":[\"1.0.0\",\"1.1.0\"]}",
	"{\"tags\":[\"0.1.0\",\"latest\"]}", "{\"tags\":[]}", "{\"tags\":null}"};

START_TEST(test_stays)
{
	struct op *op;

	list_is(x.reg, "/v2/app/tags/list", LACKING[_i]);
	tag_is(x.reg, "/v2/app/manifests/2.0.0", "Docker-Content-Digest: " MOVED "\r\n");
	op = resolve_current(_i % 2);
	ck_assert_str_eq(oci_resolve_result(op)->tags.tag, "2.0.0");
	ck_assert_str_eq(oci_resolve_result(op)->tags.runner_up, _i ? "" : "1.1.0");
	expect(op, "2.0.0@" MOVED, OCI_CURRENT_STAYS, "tls\n" LIST HEAD_CURRENT);
}
END_TEST

/* The first time nothing moves, not even the digest. */
START_TEST(test_missed)
{
	list_is(x.reg, "/v2/app/tags/list", LACKING[_i]);
	tag_is(x.reg, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
	expect(resolve_current(false), CURRENT, OCI_CURRENT_MISSED,
		"tls\n" LIST HEAD_CURRENT GET_CURRENT);
}
END_TEST

START_TEST(test_confirmed)
{
	struct op *op;

	list_is(x.reg, "/v2/app/tags/list", LACKING[_i]);
	tag_is(x.reg, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
	op = resolve_current(true);
	if (!_i) {
		expect(op, "1.1.0@" LOWER, OCI_CURRENT_GONE,
			"tls\n" LIST HEAD_CURRENT GET_CURRENT HEAD_LOWER);
		return;
	}
	fixture_failed(op, "no match found for semver '>=1.0.0'");
	ck_assert_int_eq(oci_resolve_result(op)->stage, OCI_RESOLVE_TAGS);
	ck_assert_int_eq(oci_resolve_result(op)->current, OCI_CURRENT_GONE);
	op_free(op);
}
END_TEST

/* What is no word of the registry itself that it is gone fails the op, however often. */
static const struct {
	int status;
	const char *body, *says;
} OTHER[] = {
	{404, "<html>nothing here</html>", "404 Not Found"},
	{404, "{\"errors\":[{\"code\":\"DENIED\"}]}", "404 Not Found (DENIED)"},
	{401, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}", "401"},
	{403, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}", "403 Forbidden"},
	{500, "{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}", "500 Internal Server Error"},
	{429, "", "429 Too Many Requests"},
};

START_TEST(test_other_failure)
{
	static const char *const methods[] = {"HEAD", "GET"};
	struct op *op;
	size_t i;

	list_is(x.reg, "/v2/app/tags/list", LACKING[_i % 2]);
	tag_is(x.reg, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
	for (i = 0; i < 2; i++) {
		struct fake_answer *a = fake_on(x.reg, methods[i], "/v2/app/manifests/2.0.0");

		a->status = OTHER[_i].status;
		a->body = OTHER[_i].body;
	}
	op = resolve_current(true);
	fixture_failed(op, OTHER[_i].says);
	fixture_failed(op, "tag '2.0.0' of '");
	ck_assert_int_eq(oci_resolve_result(op)->stage, OCI_RESOLVE_DIGEST);
	ck_assert_int_eq(oci_resolve_result(op)->current, OCI_CURRENT_LISTED);
	op_free(op);
	ck_assert_ptr_null(strstr(fake_log(x.reg), HEAD_LOWER));
}
END_TEST

/* The words of other registries for the same. */
START_TEST(test_words)
{
	static const char *const codes[] = {"MANIFEST_UNKNOWN", "NOT_FOUND", "TAG_EXPIRED"};
	auto_free char *body = mem_printf("{\"errors\":[{\"code\":\"%s\"}]}", codes[_i]);
	struct fake_answer *a = fake_on(x.reg, "GET", "/v2/app/manifests/2.0.0");

	a->status = 404;
	a->body = body;
	list_is(x.reg, "/v2/app/tags/list", LACKING[0]);
	expect(resolve_current(false), CURRENT, OCI_CURRENT_MISSED, NULL);
}
END_TEST

/* Where the list decides alone, nobody asks for the current tag. */
static const struct {
	const char *name, *range, *filter, *type, *current, *list;
} ALONE[] = {
	{"none", "*", NULL, NULL, NULL, "{\"tags\":[\"1.1.0\"]}"},
	{"empty", "*", NULL, NULL, "", "{\"tags\":[\"1.1.0\"]}"},
	{"only a digest", "*", NULL, NULL, OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"no digest", "*", NULL, NULL, "2.0.0@x", "{\"tags\":[\"1.1.0\"]}"},
	{"no tag", "*", NULL, NULL, "a b/../2.0.0@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"no version", "*", NULL, NULL, "latest@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"outside the range", "<2", NULL, NULL, CURRENT, "{\"tags\":[\"1.1.0\"]}"},
	{"a prerelease", ">=1", NULL, NULL, "2.0.0-rc@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"filtered", ">=1", "^1", NULL, CURRENT, "{\"tags\":[\"1.1.0\"]}"},
	{"it is lower", "*", NULL, NULL, "1.0.9@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"it is the choice", "*", NULL, NULL, "1.1.0@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
	{"a chart's, elsewhere", "*", NULL, NULL, "2.0.0_b@" OLD_DIGEST, "{\"tags\":[\"1.1.0\"]}"},
};

START_TEST(test_alone)
{
	list_is(x.reg, "/v2/app/tags/list", ALONE[_i].list);
	tag_is(x.reg, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
	expect(resolve(&(struct oci_resolve_req){.semver = ALONE[_i].range,
		       .semver_filter = ALONE[_i].filter,
		       .layer_type = ALONE[_i].type,
		       .current = ALONE[_i].current}),
		"1.1.0@" LOWER, OCI_CURRENT_LISTED, "tls\n" LIST HEAD_LOWER);
}
END_TEST

/* A chart's tag is asked for as the registry has it. */
START_TEST(test_chart)
{
	list_is(x.reg, "/v2/app/tags/list", LACKING[0]);
	tag_is(x.reg, "/v2/app/manifests/2.0.0_b", "Docker-Content-Digest: " MOVED "\r\n");
	expect(resolve(&(struct oci_resolve_req){.semver = "*",
		       .layer_type = "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
		       .current = "2.0.0_b@" OLD_DIGEST}),
		"2.0.0_b@" MOVED, OCI_CURRENT_STAYS, NULL);
}
END_TEST

/* Neither a tag nor a digest has a list. */
START_TEST(test_not_concerned)
{
	tag_is(x.reg, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
	expect(resolve(&(struct oci_resolve_req){.tag = "1.1.0", .current = CURRENT}),
		"1.1.0@" LOWER, OCI_CURRENT_LISTED, "tls\n" HEAD_LOWER);
	expect(resolve(&(struct oci_resolve_req){.digest = LOWER, .current = CURRENT}), LOWER,
		OCI_CURRENT_LISTED, "tls\n" HEAD_LOWER);
}
END_TEST

/* ---- mirrors --------------------------------------------------------------------------------- */

static struct fake_registry *mirror;

static void mirror_setup(bool fallback)
{
	auto_free char *text = NULL;
	struct err err = {0};
	struct oci_mirrors *m;

	mirror = fake_registry_new(x.loop);
	text = mem_printf("rules: [{match: '%s', fallback: %s, mirrors: [{url: 'http://%s', "
			  "insecure: true}]}]",
		fake_host(x.reg), fallback ? "true" : "false", fake_host(mirror));
	m = oci_mirrors_parse(text, strlen(text), &err);
	ck_assert_msg(m, "%s", err.msg);
	oci_client_use_mirrors(x.oci, m);
	list_is(mirror, "/v2/app/tags/list", LACKING[0]);
	tag_is(mirror, "/v2/app/manifests/1.1.0", "Docker-Content-Digest: " LOWER "\r\n");
}

/* A mirror that lags behind has neither the tag in its list nor the tag: the registry is asked. */
START_TEST(test_mirror_lags)
{
	mirror_setup(true);
	tag_is(x.reg, "/v2/app/manifests/2.0.0", "Docker-Content-Digest: " OLD_DIGEST "\r\n");
	expect(resolve_current(true), CURRENT, OCI_CURRENT_STAYS, "tls\n" HEAD_CURRENT);
	ck_assert_str_eq(fake_log(mirror), "tls\n" LIST HEAD_CURRENT GET_CURRENT);
	fake_registry_free(mirror);
}
END_TEST

/* Both say that it is gone: what is asked next begins at the mirror again. */
START_TEST(test_mirror_and_registry_agree)
{
	mirror_setup(true);
	expect(resolve_current(true), "1.1.0@" LOWER, OCI_CURRENT_GONE,
		"tls\n" HEAD_CURRENT GET_CURRENT);
	ck_assert_str_eq(fake_log(mirror), "tls\n" LIST HEAD_CURRENT GET_CURRENT HEAD_LOWER);
	fake_registry_free(mirror);
}
END_TEST

/* A mirror's word is not the registry's, which fails: nothing is known. */
START_TEST(test_mirror_alone_says_so)
{
	struct op *op;

	mirror_setup(true);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/2.0.0")->status = 503;
	fake_on(x.reg, "GET", "/v2/app/manifests/2.0.0")->status = 503;
	op = resolve_current(true);
	fixture_failed(op, "503 Service Unavailable");
	op_free(op);
	fake_registry_free(mirror);
}
END_TEST

/* Where the registry must not be asked, the mirror's word is the last one. */
START_TEST(test_mirror_without_fallback)
{
	mirror_setup(false);
	expect(resolve_current(true), "1.1.0@" LOWER, OCI_CURRENT_GONE, "");
	fake_registry_free(mirror);
}
END_TEST

Suite *suite_current(void);
Suite *suite_current(void)
{
	Suite *s = suite_create("current");
	TCase *t = tcase_create("current");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_stays, 0, ARRAY_LEN(LACKING));
	tcase_add_loop_test(t, test_missed, 0, ARRAY_LEN(LACKING));
	tcase_add_loop_test(t, test_confirmed, 0, ARRAY_LEN(LACKING));
	tcase_add_loop_test(t, test_other_failure, 0, ARRAY_LEN(OTHER));
	tcase_add_loop_test(t, test_words, 0, 3);
	tcase_add_loop_test(t, test_alone, 0, ARRAY_LEN(ALONE));
	tcase_add_test(t, test_chart);
	tcase_add_test(t, test_not_concerned);
	tcase_add_test(t, test_mirror_lags);
	tcase_add_test(t, test_mirror_and_registry_agree);
	tcase_add_test(t, test_mirror_alone_says_so);
	tcase_add_test(t, test_mirror_without_fallback);
	suite_add_tcase(s, t);
	return s;
}
