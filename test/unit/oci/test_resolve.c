#include "oci/resolve.h"

#include "oci/answer.h"
#include "oci/manifest.h"

#include "base/limits.h"
#include "test/unit/oci/fixture.h"

Suite *suite_resolve(void);

#define TAG_HEAD "HEAD /v2/app/manifests/1.0.0\n"
#define TAG_GET "GET /v2/app/manifests/1.0.0\n"
#define SOME_DIGEST "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct op *resolve(
	struct fixture *x, struct oci_identity *id, const struct oci_resolve_req *req)
{
	struct oci_resolve_req r = *req;
	struct op *op;

	r.target = (struct oci_target){&x->repo, id ? id : x->nobody, 60000};
	op = oci_resolve_start(x->oci, &r);
	fixture_wait(x, op);
	return op;
}

/* With a faked clock: pauses pass. */
static struct op *resolve_later(struct fixture *x)
{
	struct op *op = oci_resolve_start(x->oci,
		&(struct oci_resolve_req){.target = {&x->repo, x->nobody, 60000}, .tag = "1.0.0"});

	fixture_advance(x, op, 100, 10000);
	return op;
}

static struct op *resolve_tag(struct fixture *x)
{
	return resolve(x, NULL, &(struct oci_resolve_req){.tag = "1.0.0"});
}

START_TEST(one_head)
{
	struct fake_image image;
	char want[OCI_REVISION_MAX];
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0.0", "a/b", "hello", 5, &image);
	snprintf(want, sizeof(want), "1.0.0@%s", image.manifest_text);
	for (i = 0; i < 3; i++) {
		op = resolve_tag(&x);
		fixture_ok(op);
		ck_assert_str_eq(oci_resolve_result(op)->revision, want);
		ck_assert_str_eq(oci_resolve_result(op)->tag, "1.0.0");
		op_free(op);
	}
	/* TLS is tried once, then it is one request each, on one connection. */
	ck_assert_str_eq(fake_log(x.reg), "tls\n" TAG_HEAD TAG_HEAD TAG_HEAD);
	ck_assert_uint_eq(fake_connections(x.reg), 1);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(digest_asks_nobody)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	op = resolve(&x, NULL,
		&(struct oci_resolve_req){.digest = SOME_DIGEST, .tag = "1.0.0", .semver = "*"});
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision, SOME_DIGEST);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "");
	op_free(op);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.digest = "sha256:xyz"});
	fixture_failed(op, "sha256:xyz");
	fixture_failed(op, "/app");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
}
END_TEST

/* `1.0.0@sha256:...`: the digest counts, wherever the tag has moved to, and the tag is told. */
START_TEST(tag_with_digest)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = "1.0.0@" SOME_DIGEST});
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision, "1.0.0@" SOME_DIGEST);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "1.0.0");
	op_free(op);
	op = resolve(&x, NULL,
		&(struct oci_resolve_req){.tag = "1.0.0@sha256:xyz", .digest = SOME_DIGEST});
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision, SOME_DIGEST);
	op_free(op);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = "1.0.0@sha256:xyz"});
	fixture_failed(op, "sha256:xyz");
	op_free(op);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = "1.0.0@"});
	fixture_failed(op, "/app");
	op_free(op);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = "@" SOME_DIGEST});
	fixture_failed(op, "no valid tag");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
}
END_TEST

START_TEST(latest)
{
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "latest", "a/b", "hello", 5, &image);
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = ""});
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "latest");
	op_free(op);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(semver)
{
	struct fake_image image;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.1.0", "a/b", "hello", 5, &image);
	fake_on(x.reg, "GET", "/v2/app/tags/list")->body =
		"{\"name\":\"app\",\"tags\":[\"latest\",\"1.0.0\",\"1.1.0\",\"2.0.0\"]}";
	op = resolve(&x, NULL, &(struct oci_resolve_req){.semver = "1.x", .tag = "ignored"});
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "1.1.0");
	ck_assert_uint_eq(oci_resolve_result(op)->tags.total, 4);
	ck_assert_str_eq(oci_resolve_result(op)->tags.runner_up, "1.0.0");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg),
		"tls\nGET /v2/app/tags/list?n=1000\nHEAD /v2/app/manifests/1.1.0\n");
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(missing_tag)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	op = resolve_tag(&x);
	/* An answer to HEAD has no text: GET brings it. */
	fixture_failed(op, "tag '1.0.0' of '127.0.0.1:");
	fixture_failed(op, "404 Not Found (NAME_UNKNOWN: nothing here)");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert(oci_says_unknown(&op->err));
	ck_assert_int_eq(oci_resolve_result(op)->stage, OCI_RESOLVE_DIGEST);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "tls\n" TAG_HEAD TAG_GET);
	/* and it is not remembered as a registry without HEAD */
	fake_log_reset(x.reg);
	op_free(resolve_tag(&x));
	ck_assert_str_eq(fake_log(x.reg), TAG_HEAD TAG_GET);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *name;
	int status;
	const char *headers;
} refusals[] = {
	{"method not allowed", 405, NULL},
	{"forbidden", 403, NULL},
	{"server error", 501, NULL},
	{"no digest", 200, NULL},
	{"malformed digest", 200, "Docker-Content-Digest: sha256:zz\r\n"},
};

START_TEST(refused_head)
{
	struct fake_image image;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0");
	a->status = refusals[_i].status;
	a->headers = refusals[_i].headers;
	fake_image(x.reg, "app", "1.0.0", "a/b", "hello", 5, &image);
	op = resolve_tag(&x);
	fixture_ok(op);
	ck_assert(digest_equal(&oci_resolve_result(op)->digest, &image.manifest));
	op_free(op);
	op_free(resolve_tag(&x));
	/* The second time it is known. */
	ck_assert_str_eq(fake_log(x.reg), "tls\n" TAG_HEAD TAG_GET TAG_GET);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

/* A server error, or a tag that comes between HEAD and GET, does not turn HEAD off for the whole
   host for long. */
static const struct {
	int status;
	uint64_t after_ms;
} accidents[] = {
	{404, 0}, {500, 301000}, {502, 301000}, {504, 301000}, {405, 3601000}, {501, 3601000}};

START_TEST(head_again)
{
	struct fake_image image;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	bool again;

	clock_fake(1000000);
	fixture_init(&x);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0");
	a->status = accidents[_i].status;
	/* These three are asked again twice before GET is tried. */
	again = a->status == 500 || a->status == 502 || a->status == 504;
	a->times = again ? 3 : 1;
	fake_image(x.reg, "app", "1.0.0", "a/b", "hello", 5, &image);
	op = resolve_later(&x);
	fixture_ok(op);
	op_free(op);
	if (again) {
		ck_assert_str_eq(fake_log(x.reg), "tls\n" TAG_HEAD TAG_HEAD TAG_HEAD TAG_GET);
		fake_log_reset(x.reg);
	}
	if (accidents[_i].after_ms) {
		clock_fake_add(accidents[_i].after_ms - 4000);
		op_free(resolve_tag(&x));
		clock_fake_add(4000);
	}
	op_free(resolve_tag(&x));
	if (again)
		ck_assert_str_eq(fake_log(x.reg), TAG_GET TAG_HEAD);
	else
		ck_assert_str_eq(fake_log(x.reg),
			accidents[_i].after_ms ? "tls\n" TAG_HEAD TAG_GET TAG_GET TAG_HEAD
					       : "tls\n" TAG_HEAD TAG_GET TAG_HEAD);
	fake_image_clear(&image);
	fixture_clear(&x);
}
END_TEST

START_TEST(lying_digest)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0")->status = 405;
	a = fake_on(x.reg, "GET", "/v2/app/manifests/1.0.0");
	a->body = "{}";
	a->headers = "Docker-Content-Digest: " SOME_DIGEST "\r\n";
	op = resolve_tag(&x);
	fixture_failed(op, "the digest of what it sent is");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* One that is too large for the loop is hashed by a worker: the same digest, and the same lie is
   found. */
START_TEST(large_manifest)
{
	auto_buf struct buf json = BUF_INIT(LIMIT_MANIFEST);
	struct fake_answer *a;
	struct digest d;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	while (json.len < LIMIT_MIB)
		buf_adds(&json, "a manifest of no kind. ");
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0")->status = 405;
	a = fake_on(x.reg, "GET", "/v2/app/manifests/1.0.0");
	a->body = json.p;
	if (_i)
		a->headers = "Docker-Content-Digest: " SOME_DIGEST "\r\n";
	op = resolve_tag(&x);
	digest_mem(&d, DIGEST_SHA256, json.p, json.len);
	if (_i) {
		fixture_failed(op, "the digest of what it sent is");
	} else {
		fixture_ok(op);
		ck_assert(digest_equal(&oci_resolve_result(op)->digest, &d));
	}
	op_free(op);
	fixture_clear(&x);
}
END_TEST

static struct op *start_of_apps(struct fixture *x, void *arg)
{
	(void)arg;
	return oci_resolve_start(x->oci,
		&(struct oci_resolve_req){
			.target = {&x->repo, x->nobody, 60000}, .tag = "1.0.0", .owner = "apps"});
}

START_TEST(owner)
{
	auto_buf struct buf json = BUF_INIT(LIMIT_MANIFEST);
	struct fixture x;

	setenv("UV_THREADPOOL_SIZE", "4", 1);
	fixture_init(&x);
	while (json.len < LIMIT_MIB)
		buf_adds(&json, "a manifest of no kind. ");
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0")->status = 405;
	fake_on(x.reg, "GET", "/v2/app/manifests/1.0.0")->body = json.p;
	fixture_in_line(&x, start_of_apps, NULL);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *tag, *semver, *filter, *says;
	enum oci_resolve_stage stage;
} bad[] = {
	{"a b", NULL, NULL, "'a b' of", OCI_RESOLVE_DIGEST},
	{"../x", NULL, NULL, "no valid tag", OCI_RESOLVE_DIGEST},
	{"0.2.0+build.7", NULL, NULL,
		"is no valid tag; '+' needs the layerSelector.mediaType of a Helm chart, "
		"'application/vnd.cncf.helm.chart.content.v1.tar+gzip'",
		OCI_RESOLVE_DIGEST},
	{NULL, "not a range", NULL, "not a range", OCI_RESOLVE_TAGS},
	{NULL, "*", "(?=x)", "(?=x)", OCI_RESOLVE_TAGS},
	{NULL, "not a range", "(?=x)", "(?=x)", OCI_RESOLVE_TAGS}, /* the filter is read first */
};

START_TEST(bad_reference)
{
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	op = resolve(&x, NULL,
		&(struct oci_resolve_req){.tag = bad[_i].tag,
			.semver = bad[_i].semver,
			.semver_filter = bad[_i].filter});
	fixture_failed(op, bad[_i].says);
	ck_assert_int_eq(oci_resolve_result(op)->stage, bad[_i].stage);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
}
END_TEST

START_TEST(too_long_tag)
{
	char tag[OCI_TAG_MAX + 2];
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	memset(tag, 'x', sizeof(tag) - 1);
	tag[sizeof(tag) - 1] = '\0';
	op = resolve(&x, NULL, &(struct oci_resolve_req){.tag = tag});
	fixture_failed(op, "no valid tag");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
}
END_TEST

START_TEST(canceled)
{
	struct fixture x;
	struct op *op;
	bool done = false;

	fixture_init(&x);
	fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0")->way = FAKE_SILENT;
	op = oci_resolve_start(x.oci,
		&(struct oci_resolve_req){.target = {&x.repo, x.nobody, 60000}, .tag = "1.0.0"});
	op_then(op, fixture_done, &done);
	fixture_until(&x, TAG_HEAD);
	op_cancel(op);
	while (!done)
		loop_turn(x.loop, true);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* helm push writes 1.0.0+b as the tag 1.0.0_b. */
START_TEST(chart_tag)
{
	static const struct {
		const char *tag, *type, *revision; /* NULL: refused */
	} rows[] = {
		{"1.0.0+b", OCI_TYPE_HELM_CHART, "1.0.0_b@" SOME_DIGEST},
		{"1.0.0_b", OCI_TYPE_HELM_CHART, "1.0.0_b@" SOME_DIGEST},
		{"1.0.0+b", NULL, NULL},
		{"1.0.0+b", OCI_TYPE_FLUX_CONTENT, NULL},
	};
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1.0.0_b");
	a->headers = "Docker-Content-Digest: " SOME_DIGEST "\r\n";
	op = resolve(&x, NULL,
		&(struct oci_resolve_req){.tag = rows[_i].tag, .layer_type = rows[_i].type});
	if (rows[_i].revision) {
		fixture_ok(op);
		ck_assert_str_eq(oci_resolve_result(op)->revision, rows[_i].revision);
	} else {
		fixture_failed(op, "'1.0.0+b' of '127.0.0.1:");
		ck_assert_str_eq(fake_log(x.reg), "");
	}
	op_free(op);
	fixture_clear(&x);
}
END_TEST

Suite *suite_resolve(void)
{
	Suite *s = suite_create("resolve");
	TCase *t = tcase_create("resolve");

	tcase_add_test(t, one_head);
	tcase_add_loop_test(t, chart_tag, 0, 4);
	tcase_add_test(t, digest_asks_nobody);
	tcase_add_test(t, tag_with_digest);
	tcase_add_test(t, latest);
	tcase_add_test(t, semver);
	tcase_add_test(t, missing_tag);
	tcase_add_loop_test(t, refused_head, 0, ARRAY_LEN(refusals));
	tcase_add_loop_test(t, head_again, 0, ARRAY_LEN(accidents));
	tcase_add_test(t, lying_digest);
	tcase_add_loop_test(t, large_manifest, 0, 2);
	tcase_add_test(t, owner);
	tcase_add_loop_test(t, bad_reference, 0, ARRAY_LEN(bad));
	tcase_add_test(t, too_long_tag);
	tcase_add_test(t, canceled);
	suite_add_tcase(s, t);
	return s;
}
