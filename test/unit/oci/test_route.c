/* Mirrors in turn, then the registry itself: what makes a question go on to the next, and what no
   mirror ever sees. `reg` is the registry, `one` and `two` are mirrors. */
#include "fixture.h"
#include "oci/blob.h"
#include "oci/image.h"
#include "oci/mirrors.h"
#include "oci/pace.h"
#include "oci/resolve.h"
#include "oci/route.h"

static struct fixture x;
static struct fake_registry *one, *two;
static struct fake_image image;
static const char LAYER[] = "the layer";

static void use(bool fallback)
{
	auto_free char *text = mem_printf("rules: [{match: '%s', fallback: %s, mirrors: [{url: "
					  "'http://%s/a', insecure: true}, {url: 'http://%s/b/c', "
					  "insecure: true}]}]",
		fake_host(x.reg), fallback ? "true" : "false", fake_host(one), fake_host(two));
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(text, strlen(text), &err);

	ck_assert_msg(m, "%s", err.msg);
	oci_client_use_mirrors(x.oci, m);
}

static void setup(void)
{
	fixture_init(&x);
	one = fake_registry_new(x.loop);
	two = fake_registry_new(x.loop);
	use(true);
}

static void teardown(void)
{
	fake_image_clear(&image);
	fake_registry_free(one);
	fake_registry_free(two);
	fixture_clear(&x);
}

static void has(struct fake_registry *f, const char *repo)
{
	fake_image_clear(&image);
	fake_image(f, repo, "1", "text/plain", LAYER, strlen(LAYER), &image);
}

static struct op *resolve(struct oci_identity *id, const char *semver)
{
	struct op *op = oci_resolve_start(x.oci,
		&(struct oci_resolve_req){
			.target = {&x.repo, id, 20000}, .tag = "1", .semver = semver});

	fixture_wait(&x, op);
	return op;
}

static struct op *blob(void)
{
	struct oci_descriptor d = {.size = strlen(LAYER)};
	struct op *op;

	digest_mem(&d.digest, DIGEST_SHA256, LAYER, strlen(LAYER));
	op = oci_blob_start(x.oci,
		&(struct oci_blob_req){.target = {&x.repo, x.nobody, 20000}, .blob = &d, .fd = -1});
	fixture_wait(&x, op);
	return op;
}

static void expect_blob(struct op *op)
{
	fixture_ok(op);
	ck_assert_uint_eq(oci_blob_mem(op)->len, strlen(LAYER));
	ck_assert_mem_eq(oci_blob_mem(op)->p, LAYER, strlen(LAYER));
	op_free(op);
}

START_TEST(test_first)
{
	struct op *op;

	has(one, "a/app");
	op = resolve(x.nobody, NULL);
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision + 2, image.manifest_text);
	op_free(op);
	ck_assert_str_eq(fake_log(one), "tls\nHEAD /v2/a/app/manifests/1\n");
	ck_assert_str_eq(fake_log(two), "");
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* How the first two answer, and where the tag is found in the end. */
START_TEST(test_status)
{
	static const int status[] = {400, 401, 403, 404, 429, 500, 502, 503, 307};
	struct fake_answer *a;
	struct op *op;

	a = fake_on(one, "HEAD", "/v2/a/app/manifests/1");
	a->status = status[_i];
	a = fake_on(one, "GET", "/v2/a/app/manifests/1");
	a->status = status[_i];
	a->headers = "Retry-After: 30\r\n";
	has(x.reg, "app");
	op = resolve(x.nobody, NULL);
	fixture_ok(op);
	ck_assert_str_eq(oci_resolve_result(op)->revision + 2, image.manifest_text);
	op_free(op);
	ck_assert_ptr_nonnull(strstr(fake_log(two), "HEAD /v2/b/c/app/manifests/1\n"));
}
END_TEST

START_TEST(test_no_fallback)
{
	auto_free char *text = NULL;
	struct op *op;

	use(false);
	has(x.reg, "app");
	op = resolve(x.nobody, NULL);
	fixture_failed(op, "/b/c/app': the registry answered 404");
	text = mem_printf(" (asked as a mirror of '%s/app'); before that its mirror '%s' did not "
			  "help: tag '1' of '%s/a/app': the registry answered 404 Not Found",
		fake_host(x.reg), fake_host(one), fake_host(one));
	ck_assert_msg(strstr(op->err.msg, text), "%s", op->err.msg);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* A name that is too long at each mirror, and nobody else may be asked. rows: a tag, a range */
START_TEST(test_too_long)
{
	struct op *op;

	use(false);
	memset(x.repo.name, 'n', OCI_NAME_MAX);
	x.repo.name[OCI_NAME_MAX] = '\0';
	op = resolve(x.nobody, _i ? ">=1" : NULL);
	fixture_failed(op, "' is too long for its mirrors");
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
}
END_TEST

/* Whoever reads the failure knows nothing of mirrors: it says of each why it did not help. */
START_TEST(test_words)
{
	auto_free char *text = NULL;
	struct op *op;

	fake_on(one, "HEAD", "/v2/a/app/manifests/1")->status = 403;
	fake_on(one, "GET", "/v2/a/app/manifests/1")->status = 403;
	op = resolve(x.nobody, NULL);
	text = mem_printf(
		"tag '1' of '%s/app': the registry answered 404 Not Found", fake_host(x.reg));
	ck_assert_msg(!strncmp(op->err.msg, text, strlen(text)), "%s", op->err.msg);
	free(text);
	text = mem_printf("; before that its mirror '%s' did not help: ", fake_host(one));
	ck_assert_msg(strstr(op->err.msg, text), "%s", op->err.msg);
	ck_assert_msg(strstr(op->err.msg, "answered 403"), "%s", op->err.msg);
	free(text);
	text = mem_printf("; before that its mirror '%s' did not help: ", fake_host(two));
	ck_assert_msg(strstr(op->err.msg, text), "%s", op->err.msg);
	op_free(op);
}
END_TEST

/* Nobody listens there: the second one has it. */
START_TEST(test_dead)
{
	struct op *op;

	has(two, "b/c/app");
	fake_registry_free(one);
	op = resolve(x.nobody, NULL);
	fixture_ok(op);
	op_free(op);
	one = fake_registry_new(x.loop);
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* A mirror that says nothing has its part of the time, no more. */
START_TEST(test_silent)
{
	struct op *op;

	clock_fake(1700000000000);
	fake_on(one, "HEAD", "/v2/a/app/manifests/1")->way = FAKE_SILENT;
	has(two, "b/c/app");
	op = oci_resolve_start(
		x.oci, &(struct oci_resolve_req){.target = {&x.repo, x.nobody, 20000}, .tag = "1"});
	fixture_advance(&x, op, 500, 15000);
	fixture_ok(op);
	op_free(op);
}
END_TEST

/* Another layer under that digest: it is thrown away, and the next one asked from the beginning. */
START_TEST(test_lies)
{
	struct oci_stats s;
	auto_free char *path = NULL;
	struct fake_answer *a;

	has(two, "b/c/app");
	path = mem_printf("/v2/a/app/blobs/%s", image.layer_text);
	a = fake_on(one, "GET", path);
	a->body = _i ? "short" : "the liar ";
	expect_blob(blob());
	oci_client_stats(x.oci, &s);
	ck_assert_uint_eq(s.mirror_asked, 2);
	ck_assert_uint_eq(_i ? s.mirror_failed : s.mirror_lied, 1);
}
END_TEST

/* The same of a manifest. */
START_TEST(test_lies_manifest)
{
	auto_free char *path = NULL;
	struct op *op;

	has(two, "b/c/app");
	path = mem_printf("/v2/a/app/manifests/%s", image.manifest_text);
	fake_on(one, "GET", path)->body = "{}";
	op = oci_image_start(x.oci,
		&(struct oci_image_req){
			.target = {&x.repo, x.nobody, 20000}, .digest = &image.manifest});
	fixture_wait(&x, op);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* In the middle of a layer the mirror goes away for good. */
START_TEST(test_cut)
{
	auto_free char *path = NULL;
	struct fake_answer *a;

	has(two, "b/c/app");
	path = mem_printf("/v2/a/app/blobs/%s", image.layer_text);
	a = fake_on(one, "GET", path);
	a->body = LAYER;
	a->way = FAKE_CUT;
	a->cut = 3;
	a->times = 1;
	expect_blob(blob());
}
END_TEST

/* The first list that is whole counts; one that breaks off on its second page does not. */
START_TEST(test_tags)
{
	auto_free char *digest = NULL;
	struct fake_answer *a;
	struct op *op;

	has(two, "b/c/app");
	digest = mem_printf("Docker-Content-Digest: %s\r\n", image.manifest_text);
	fake_on(two, "HEAD", "/v2/b/c/app/manifests/1.0.0")->headers = digest;
	a = fake_on(one, "GET", "/v2/a/app/tags/list?n=1000");
	a->body = "{\"tags\":[\"2.0.0\"]}";
	a->headers = "Link: </v2/a/app/tags/list?n=1000&last=2.0.0>; rel=\"next\"\r\n";
	fake_on(one, "GET", "/v2/a/app/tags/list?n=1000&last=2.0.0")->status = 500;
	fake_on(two, "GET", "/v2/b/c/app/tags/list")->body = "{\"tags\":[\"1.0.0\"]}";
	op = resolve(x.nobody, ">=0");
	fixture_ok(op);
	ck_assert_uint_eq(oci_resolve_result(op)->tags.total, 1);
	ck_assert_str_eq(oci_resolve_result(op)->tag, "1.0.0");
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* A mirror with nothing left. Who is patient leaves it for nobody; the others go on to the next. */
START_TEST(test_nothing_left)
{
	struct oci_resolve_req req = {.target = {&x.repo, x.nobody, 20000}, .tag = "1"};
	struct fake_image other;
	struct op *op;

	has(one, "a/app");
	fake_image(two, "b/c/app", "1", "text/plain", LAYER, strlen(LAYER), &other);
	fake_limit(one, 1, 60000, true, false);
	op_free(resolve(x.nobody, NULL));
	fake_log_reset(one);
	req.target.patient = true;
	op = oci_resolve_start(x.oci, &req);
	fixture_wait(&x, op);
	ck_assert_int_eq(op->err.code, OCI_PACED);
	ck_assert_int_eq(op->err.kind, ERR_HELD);
	op_free(op);
	ck_assert_str_eq(fake_log(two), "");
	op = resolve(x.nobody, NULL);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(fake_log(one), "");
	ck_assert_ptr_nonnull(strstr(fake_log(two), "HEAD /v2/b/c/app/manifests/1\n"));
	ck_assert_str_eq(fake_log(x.reg), "");
	fake_image_clear(&other);
}
END_TEST

/* Little is left, and a list was let through: the tag behind it is not put off. */
START_TEST(test_patient_once)
{
	struct oci_resolve_req req = {
		.target = {&x.repo, x.nobody, 20000, .patient = true}, .semver = ">=0"};
	struct op *op;
	int i;

	fake_image(one, "a/app", "1.0.0", "text/plain", LAYER, strlen(LAYER), &image);
	fake_on(one, "GET", "/v2/a/app/tags/list")->body = "{\"tags\":[\"1.0.0\"]}";
	fake_limit(one, 50, 60000, true, false);
	for (i = 0; i < 45; i++)
		op_free(resolve(x.nobody, ">=0"));
	for (i = 0; i < 3; i++) {
		op = oci_resolve_start(x.oci, &req);
		fixture_wait(&x, op);
		fixture_ok(op);
		op_free(op);
	}
}
END_TEST

/* What the registry has would match; the mirror has answered, though. */
START_TEST(test_no_match)
{
	struct op *op;

	fake_on(one, "GET", "/v2/a/app/tags/list")->body = "{\"tags\":[\"0.1.0\"]}";
	op = resolve(x.nobody, ">=1");
	fixture_failed(op, "no match found for semver '>=1': of 1 tags");
	op_free(op);
	ck_assert_str_eq(fake_log(two), "");
	ck_assert_str_eq(fake_log(x.reg), "");
}
END_TEST

/* Credentials are for a host: the registry's go to no mirror, the mirror's own to it alone. */
START_TEST(test_credentials)
{
	static const char basic[] = "Basic realm=\"x\"";
	struct oci_identity *id = oci_identity_new();
	struct fake_answer *a;
	struct op *op;

	oci_identity_add_basic(id, fake_host(x.reg), "u", "p");
	oci_identity_add_basic(id, fake_host(two), "m", "m");
	a = fake_on(one, "HEAD", "/v2/a/app/manifests/1");
	a->need = "Basic never";
	a->challenge = basic;
	a = fake_on(two, "HEAD", "/v2/b/c/app/manifests/1");
	a->need = "Basic bTpt";
	a->challenge = basic;
	a->status = 500;
	a = fake_on(two, "GET", "/v2/b/c/app/manifests/1");
	a->need = "Basic bTpt";
	a->challenge = basic;
	a->status = 500;
	a = fake_on(x.reg, "HEAD", "/v2/app/manifests/1");
	a->need = "Basic dTpw";
	a->challenge = basic;
	a->times = 2;
	has(x.reg, "app");
	op = resolve(id, NULL);
	fixture_ok(op);
	op_free(op);
	oci_identity_unref(id);
	ck_assert_msg(!strstr(fake_log(one), "auth="), "%s", fake_log(one));
	ck_assert_msg(strstr(fake_log(two), "auth=Basic bTpt"), "%s", fake_log(two));
	ck_assert_msg(!strstr(fake_log(two), "dTpw"), "%s", fake_log(two));
	ck_assert_msg(strstr(fake_log(x.reg), "auth=Basic dTpw"), "%s", fake_log(x.reg));
	ck_assert_msg(!strstr(fake_log(x.reg), "bTpt"), "%s", fake_log(x.reg));
}
END_TEST

/* A client certificate and a proxy are an object's way to the registry that it names. */
START_TEST(test_target)
{
	struct oci_identity *id = oci_identity_new();
	struct oci_mirror m = {.refs = 1};
	struct oci_target t = {&x.repo, id, 1000, &m}, plain = {&x.repo, id, 1000};

	buf_init(&oci_identity_trust(id)->cert_pem, 10);
	buf_adds(&oci_identity_trust(id)->cert_pem, "cert");
	oci_identity_proxy(id)->url = mem_strdup("http://proxy.test");
	ck_assert_uint_eq(oci_target_trust(&plain, false)->cert_pem.len, 4);
	ck_assert_str_eq(oci_target_proxy(&plain)->url, "http://proxy.test");
	ck_assert(oci_target_goes_aside(&plain));
	ck_assert_uint_eq(oci_target_trust(&t, false)->cert_pem.len, 0);
	ck_assert(!oci_target_trust(&t, false)->insecure);
	ck_assert(oci_target_trust(&t, true)->insecure);
	ck_assert_ptr_null(oci_target_proxy(&t));
	ck_assert(!oci_target_goes_aside(&t));
	oci_identity_unref(id);
}
END_TEST

static void heard(void *arg, const char *host)
{
	buf_addf(arg, "%s ", host);
}

/* Who waits for the registry waits for its mirrors. */
START_TEST(test_standing)
{
	auto_buf struct buf told = BUF_INIT(BUF_ANY);
	struct op *op;
	int i;

	ck_assert(!oci_client_is_proven(x.oci, &x.repo));
	ck_assert(!oci_client_is_up(x.oci, &x.repo));
	oci_client_on_change(x.oci, heard, &told);
	has(one, "a/app");
	op = resolve(x.nobody, NULL);
	op_free(op);
	for (i = 0; i < 5; i++)
		loop_turn(x.loop, false);
	ck_assert(oci_client_is_proven(x.oci, &x.repo));
	ck_assert(oci_client_is_up(x.oci, &x.repo));
	ck_assert_msg(strstr(buf_str(&told), fake_host(x.reg)), "%s", buf_str(&told));
	oci_client_off_change(x.oci, heard, &told);
	oci_client_use_mirrors(x.oci, NULL);
	ck_assert(!oci_client_is_proven(x.oci, &x.repo));
}
END_TEST

Suite *suite_route(void);
Suite *suite_route(void)
{
	Suite *s = suite_create("route");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_first);
	tcase_add_loop_test(tc, test_status, 0, 9);
	tcase_add_test(tc, test_no_fallback);
	tcase_add_test(tc, test_words);
	tcase_add_loop_test(tc, test_too_long, 0, 2);
	tcase_add_test(tc, test_dead);
	tcase_add_test(tc, test_silent);
	tcase_add_loop_test(tc, test_lies, 0, 2);
	tcase_add_test(tc, test_lies_manifest);
	tcase_add_test(tc, test_cut);
	tcase_add_test(tc, test_tags);
	tcase_add_test(tc, test_no_match);
	tcase_add_test(tc, test_nothing_left);
	tcase_add_test(tc, test_patient_once);
	tcase_add_test(tc, test_credentials);
	tcase_add_test(tc, test_target);
	tcase_add_test(tc, test_standing);
	suite_add_tcase(s, tc);
	return s;
}
