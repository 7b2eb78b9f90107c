/* A small manifest or blob: it is what its digest and size say, wherever it comes from. */
#include "oci/content.h"

#include "fixture.h"
#include "oci/answer.h"
#include "oci/contents.h"
#include "oci/identity.h"
#include "oci/mirrors.h"

static struct fixture x;
static const char TEXT[] = "{\"some\":\"thing\"}";
static struct digest digest;
static struct oci_identity *somebody; /* who asks; NULL: nobody */
static char *path;

static void setup(void)
{
	char text[DIGEST_TEXT_MAX];

	fixture_init(&x);
	digest_mem(&digest, DIGEST_SHA256, TEXT, strlen(TEXT));
	path = mem_printf("/v2/app/blobs/%s", digest_format(&digest, text));
}

static void teardown(void)
{
	free(path);
	fixture_clear(&x);
}

static struct op *get(const struct oci_content_req *with)
{
	struct oci_content_req req = *with;
	struct op *op;

	req.target = (struct oci_target){&x.repo, somebody ? somebody : x.nobody, 20000};
	op = oci_content_start(x.oci, &req);
	fixture_wait(&x, op);
	return op;
}

static struct op *get_blob(uint64_t size, uint64_t max)
{
	return get(&(struct oci_content_req){
		.blob = true, .digest = &digest, .size = size, .max = max});
}

START_TEST(test_blob)
{
	struct op *op;

	fake_on(x.reg, "GET", path)->body = TEXT;
	op = get_blob(strlen(TEXT), 1000);
	fixture_ok(op);
	ck_assert_str_eq(buf_str(oci_content_body(op)), TEXT);
	op_free(op);
}
END_TEST

/* Whoever knows the digest only learns size and type. */
START_TEST(test_any_size)
{
	struct fake_answer *a = fake_on(x.reg, "GET", path);
	struct op *op;

	a->body = TEXT;
	op = get_blob(OCI_SIZE_ANY, 1000);
	fixture_ok(op);
	ck_assert_uint_eq(oci_content_body(op)->len, strlen(TEXT));
	ck_assert_str_eq(oci_content_type(op), "");
	op_free(op);
	a->headers = "Content-Type: text/x\r\n";
	somebody = oci_identity_new(); /* for whom nothing is kept */
	op = get_blob(OCI_SIZE_ANY, 1000);
	fixture_ok(op);
	ck_assert_str_eq(oci_content_type(op), "text/x");
	op_free(op);
	oci_identity_unref(MOVE(somebody));
}
END_TEST

START_TEST(test_tag)
{
	struct op *op;

	fake_on(x.reg, "GET", "/v2/app/manifests/a")->body = TEXT;
	op = get(&(struct oci_content_req){.tag = "a", .max = 1000});
	fixture_ok(op);
	ck_assert_str_eq(buf_str(oci_content_body(op)), TEXT);
	op_free(op);
	op = get(&(struct oci_content_req){.tag = "b", .max = 1000});
	ck_assert(oci_says_missing(&op->err));
	op_free(op);
}
END_TEST

/* What it is, and what was said of it. */
static const struct {
	const char *body;
	uint64_t size, max;
	const char *why;
} lies[] = {
	{"{\"some\":\"thing\"]", 16, 1000, "the digest of what the registry sent is 'sha256:"},
	{"{}", 16, 1000, "has 2 bytes, not the 16 that were announced"},
	{TEXT, 15, 1000, "has 16 bytes, not the 15 that were announced"},
	{"{}", OCI_SIZE_ANY, 1000, "the digest of what the registry sent is 'sha256:"},
	{TEXT, OCI_SIZE_ANY, 15, "15"},
	{TEXT, 0, 1000, "has 16 bytes, not the 0 that were announced"},
	{TEXT, 2000, 1000, "has 2000 bytes, more than 1000"},
	{TEXT, 16, 15, "has 16 bytes, more than 15"},
	{TEXT, 5, 10, "10 bytes"},
};

START_TEST(test_lies)
{
	struct op *op;

	fake_on(x.reg, "GET", path)->body = lies[_i].body;
	op = get_blob(lies[_i].size, lies[_i].max);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_msg(strstr(op->err.msg, lies[_i].why), "row %d: %s", _i, op->err.msg);
	ck_assert(!oci_says_missing(&op->err));
	op_free(op);
}
END_TEST

/* A mirror that lies, or does not have it, is left. */
START_TEST(test_mirrors)
{
	struct fake_registry *mirror = fake_registry_new(x.loop);
	auto_free char *text =
		mem_printf("rules: [{match: '%s', mirrors: [{url: 'http://%s', insecure: true}]}]",
			fake_host(x.reg), fake_host(mirror));
	struct err err = {0};
	struct oci_mirrors *m = oci_mirrors_parse(text, strlen(text), &err);
	struct op *op;

	ck_assert_msg(m, "%s", err.msg);
	oci_client_use_mirrors(x.oci, m);
	fake_on(x.reg, "GET", path)->body = TEXT;
	if (_i == 1)
		fake_on(mirror, "GET", path)->body = "{\"some\":\"thing\"]";
	op = get_blob(strlen(TEXT), 1000);
	fixture_ok(op);
	ck_assert_str_eq(buf_str(oci_content_body(op)), TEXT);
	op_free(op);
	fake_registry_free(mirror);
}
END_TEST

Suite *suite_content(void);
static struct op *get_as(struct oci_identity *id, const char *name)
{
	struct op *op;

	snprintf(x.repo.name, sizeof(x.repo.name), "%s", name);
	op = oci_content_start(x.oci,
		&(struct oci_content_req){.target = {&x.repo, id, 20000},
			.blob = true,
			.digest = &digest,
			.size = strlen(TEXT),
			.max = 1000});
	fixture_wait(&x, op);
	return op;
}

/* It is fetched once; by another login, and in another repository, once more. */
START_TEST(test_kept)
{
	struct oci_identity *other = oci_identity_new();
	char text[DIGEST_TEXT_MAX];
	auto_free char *elsewhere = mem_printf("/v2/other/blobs/%s", digest_format(&digest, text));
	struct fake_answer *a = fake_on(x.reg, "GET", path), *b = fake_on(x.reg, "GET", elsewhere);
	struct op *op, *first;

	a->body = b->body = TEXT;
	first = get_as(x.nobody, "app");
	fixture_ok(first);
	fake_log_reset(x.reg);
	op = get_as(x.nobody, "app");
	fixture_ok(op);
	ck_assert_str_eq(fake_log(x.reg), "");
	ck_assert_str_eq(buf_str(oci_content_body(op)), TEXT);
	op_free(op);
	op = get_as(other, "app");
	fixture_ok(op);
	ck_assert_str_ne(fake_log(x.reg), "");
	op_free(op);
	fake_log_reset(x.reg);
	op = get_as(x.nobody, "other");
	fixture_ok(op);
	ck_assert_str_ne(fake_log(x.reg), "");
	op_free(op);
	a->status = 403;
	op = get_as(x.nobody, "app");
	fixture_ok(op);
	op_free(op);
	oci_identity_unref(other);
	other = oci_identity_new();
	op = get_as(other, "app");
	ck_assert_int_eq(op->err.code, 403);
	op_free(op);
	/* What is said of it has to fit all the same. */
	snprintf(x.repo.name, sizeof(x.repo.name), "app");
	op = get_blob(strlen(TEXT) + 1, 1000);
	ck_assert_msg(strstr(op->err.msg, "bytes, not the "), "%s", op->err.msg);
	op_free(op);
	ck_assert_str_eq(buf_str(oci_content_body(first)), TEXT);
	op_free(first);
	oci_identity_unref(other);
}
END_TEST

/* A manifest whose type was not said, or makes no sense, is asked for again. */
START_TEST(test_type_is_no_manifest)
{
	static const char *const headers[] = {NULL, "Content-Type: text/html\r\n",
		"Content-Type: application/vnd.oci.image.manifest.v1+json; charset=utf-8\r\n"};
	char text[DIGEST_TEXT_MAX];
	auto_free char *at = mem_printf("/v2/app/manifests/%s", digest_format(&digest, text));
	struct fake_answer *a = fake_on(x.reg, "GET", at);
	struct op *op;
	int i;

	a->body = TEXT;
	for (i = 0; i < 4; i++) {
		a->headers = headers[i < 3 ? i : 2];
		fake_log_reset(x.reg);
		op = get(&(struct oci_content_req){
			.digest = &digest, .size = OCI_SIZE_ANY, .max = 1000});
		fixture_ok(op);
		ck_assert_int_eq(*fake_log(x.reg) != '\0', i < 3);
		op_free(op);
	}
}
END_TEST

/* 4 MiB of them at most, and none of more than 256 KiB. */
START_TEST(test_kept_bounds)
{
	struct oci_contents *c = oci_contents_new();
	struct oci_target target = {&x.repo, x.nobody, 0};
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct digest d[20];
	struct oci_kept *k, *first = NULL;
	int i;

	for (i = 0; i < 256 << 10; i++)
		buf_addc(&body, 'x');
	for (i = 0; i < 20; i++) {
		digest_mem(&d[i], DIGEST_SHA256, &i, sizeof(i));
		oci_contents_put(c, &target, false, &d[i], &body, "t");
		if (!i)
			first = oci_contents_get(c, &target, false, &d[0]);
	}
	ck_assert_ptr_null(oci_contents_get(c, &target, false, &d[0]));
	ck_assert_ptr_null(oci_contents_get(c, &target, false, &d[4]));
	ck_assert_ptr_null(oci_contents_get(c, &target, true, &d[19]));
	k = oci_contents_get(c, &target, false, &d[19]);
	ck_assert(k && k->body.len == body.len && !strcmp(k->type, "t"));
	oci_kept_unref(k);
	buf_addc(&body, 'x');
	digest_mem(&d[0], DIGEST_SHA256, "large", 5);
	oci_contents_put(c, &target, false, &d[0], &body, "t");
	ck_assert_ptr_null(oci_contents_get(c, &target, false, &d[0]));
	oci_contents_free(c);
	ck_assert_uint_eq(first->body.len, 256 << 10);
	oci_kept_unref(first);
}
END_TEST

Suite *suite_content(void)
{
	Suite *s = suite_create("content");
	TCase *tc = tcase_create("content");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_blob);
	tcase_add_test(tc, test_any_size);
	tcase_add_test(tc, test_tag);
	tcase_add_test(tc, test_kept);
	tcase_add_test(tc, test_type_is_no_manifest);
	tcase_add_test(tc, test_kept_bounds);
	tcase_add_loop_test(tc, test_lies, 0, ARRAY_LEN(lies));
	tcase_add_loop_test(tc, test_mirrors, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
