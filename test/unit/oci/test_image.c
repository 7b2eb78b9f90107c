#include "oci/image.h"

#include "oci/answer.h"

#include "base/limits.h"
#include "ev/account.h"

#include "test/unit/oci/fixture.h"

Suite *suite_image(void);

static struct op *get(struct fixture *x, const struct digest *d, const char *layer_type)
{
	struct op *op = oci_image_start(x->oci,
		&(struct oci_image_req){.target = {&x->repo, x->nobody, 60000},
			.digest = d,
			.layer_type = layer_type});

	fixture_wait(x, op);
	return op;
}

START_TEST(image)
{
	const struct oci_image *got;
	struct fake_image i;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &i);
	op = get(&x, &i.manifest, NULL);
	fixture_ok(op);
	got = oci_image_result(op);
	ck_assert(digest_equal(&got->manifest_digest, &i.manifest));
	ck_assert(digest_equal(&got->layer->digest, &i.layer));
	ck_assert_uint_eq(got->layer->size, 5);
	ck_assert_str_eq(
		obj_str(got->manifest.annotations, "org.opencontainers.image.revision"), "main");
	op_free(op);
	op = get(&x, &i.manifest, "x/y");
	fixture_failed(op, "no layer has the media type 'x/y', there is 'a/b'");
	fixture_failed(op, i.manifest_text);
	ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_LAYER);
	op_free(op);
	fake_image_clear(&i);
	fixture_clear(&x);
}
END_TEST

/* An answer to GET of this digest. */
static char *put(struct fixture *x, const struct digest *d, const char *body, const char *headers)
{
	char text[DIGEST_TEXT_MAX];
	char *path = mem_printf("/v2/app/manifests/%s", digest_format(d, text));
	struct fake_answer *a = fake_on(x->reg, "GET", path);

	a->body = body;
	a->headers = headers;
	return path;
}

static const struct {
	const char *name, *body, *headers, *says;
	bool other; /* the body is not what the digest says */
	enum oci_image_stage stage;
} lies[] = {
	{"other bytes", "{\"layers\":[]}", NULL, "the digest of what the registry sent is", true,
		OCI_IMAGE_FETCH},
	{"other header", "{\"layers\":[]}",
		"Docker-Content-Digest: "
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n",
		"the registry says that its digest is", false, OCI_IMAGE_FETCH},
	{"garbage", "{\"layers\":", NULL, "not valid JSON", false, OCI_IMAGE_LAYER},
	{"html", "<html>", "Content-Type: text/html\r\n", "not valid JSON", false, OCI_IMAGE_LAYER},
	{"content type", "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"layers\":[]}",
		"Content-Type: " OCI_TYPE_INDEX "\r\n", "contradicts", false, OCI_IMAGE_LAYER},
	{"no layers", "{\"layers\":[]}", NULL, "no layers", false, OCI_IMAGE_LAYER},
	{"empty index", "{\"manifests\":[]}", NULL, "the index is empty", false, OCI_IMAGE_FETCH},
	{"an index of nothing", "{\"manifests\":[1]}", NULL, "is no object", false,
		OCI_IMAGE_FETCH},
	{"no platform",
		"{\"manifests\":[{\"digest\":\"sha256:"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\",\"size\":1,"
		"\"platform\":{\"os\":\"linux\",\"architecture\":\"s390x\"}}]}",
		NULL, "no manifest for linux/amd64", false, OCI_IMAGE_FETCH},
	{"schema 1", "{\"schemaVersion\":1,\"fsLayers\":[]}", NULL, "schema version 1", false,
		OCI_IMAGE_FETCH},
	{"another kind", "{\"mediaType\":\"a/b\",\"layers\":[]}", NULL, "'a/b' is not supported",
		false, OCI_IMAGE_FETCH},
};

START_TEST(lie)
{
	struct digest d;
	struct fixture x;
	struct op *op;
	char *path;

	fixture_init(&x);
	digest_mem(&d, DIGEST_SHA256, lies[_i].other ? "x" : lies[_i].body,
		lies[_i].other ? 1 : strlen(lies[_i].body));
	path = put(&x, &d, lies[_i].body, lies[_i].headers);
	op = get(&x, &d, NULL);
	fixture_failed(op, lies[_i].says);
	fixture_failed(op, "manifest of '127.0.0.1:");
	ck_assert_int_eq(oci_image_result(op)->stage, lies[_i].stage);
	op_free(op);
	free(path);
	fixture_clear(&x);
}
END_TEST

START_TEST(missing)
{
	struct digest d;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	digest_mem(&d, DIGEST_SHA256, "x", 1);
	op = get(&x, &d, NULL);
	fixture_failed(op, "404 Not Found");
	fixture_failed(
		op, "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
	ck_assert(oci_says_unknown(&op->err));
	ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_FETCH);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- indexes --------------------------------------------------------------------------------- */

static char *index_json(const char *digest, size_t size, const char *platform)
{
	return mem_printf(
		"{\"mediaType\":\"%s\",\"manifests\":[{\"mediaType\":\"%s\",\"digest\":\"%s\","
		"\"size\":%zu%s}]}",
		OCI_TYPE_INDEX, OCI_TYPE_MANIFEST, digest, size, platform);
}

START_TEST(index_child)
{
	static const char amd64[] = ",\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}";
	auto_free char *json = NULL, *path = NULL;
	const struct oci_image *got;
	struct fake_image i;
	struct digest d;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &i);
	json = index_json(i.manifest_text, strlen(i.json), amd64);
	digest_mem(&d, DIGEST_SHA256, json, strlen(json));
	path = put(&x, &d, json, "Content-Type: " OCI_TYPE_INDEX "\r\n");
	op = get(&x, &d, NULL);
	fixture_ok(op);
	got = oci_image_result(op);
	ck_assert(digest_equal(&got->manifest_digest, &i.manifest));
	ck_assert(digest_equal(&got->layer->digest, &i.layer));
	/* metadata comes from the child */
	ck_assert_str_eq(
		obj_str(got->manifest.annotations, "org.opencontainers.image.revision"), "main");
	op_free(op);
	fake_image_clear(&i);
	fixture_clear(&x);
}
END_TEST

/* An index that answers to its digest, with one entry: size bytes under `digest`. Free both. */
struct index {
	char *json, *path, text[DIGEST_TEXT_MAX];
	struct digest digest;
};

static void index_put(
	struct fixture *x, struct index *out, const char *digest, size_t size, const char *platform)
{
	out->json = index_json(digest, size, platform);
	digest_mem(&out->digest, DIGEST_SHA256, out->json, strlen(out->json));
	digest_format(&out->digest, out->text);
	out->path = put(x, &out->digest, out->json, NULL);
}

static void index_clear(struct index *i)
{
	free(i->json);
	free(i->path);
}

/* Two indexes are followed, with the platform that was asked for at each of them. */
START_TEST(index_nested)
{
	static const char arm64[] = ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}";
	struct index at[3];
	struct oci_platform want;
	struct fake_image i;
	struct err err = {0};
	struct fixture x;
	struct op *op;
	int n;

	fixture_init(&x);
	ck_assert(!oci_platform_parse(&want, "linux/arm64", &err));
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &i);
	index_put(&x, &at[0], i.manifest_text, strlen(i.json), arm64);
	index_put(&x, &at[1], at[0].text, strlen(at[0].json), arm64);
	index_put(&x, &at[2], at[1].text, strlen(at[1].json), arm64);
	for (n = 0; n < 3; n++) {
		op = oci_image_start(x.oci,
			&(struct oci_image_req){.target = {&x.repo, x.nobody, 60000},
				.digest = &at[n].digest,
				.platform = &want});
		fixture_wait(&x, op);
		if (n < 2) {
			fixture_ok(op);
			ck_assert(
				digest_equal(&oci_image_result(op)->manifest_digest, &i.manifest));
		} else {
			fixture_failed(op, "it is the third index in a row");
			fixture_failed(op, at[0].text);
			ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_FETCH);
		}
		op_free(op);
	}
	op = get(&x, &at[1].digest, NULL);
	fixture_failed(op, "no manifest for linux/amd64, only for 'linux/arm64'");
	op_free(op);
	for (n = 0; n < 3; n++)
		index_clear(&at[n]);
	fake_image_clear(&i);
	fixture_clear(&x);
}
END_TEST

START_TEST(index_lies)
{
	auto_free char *json = NULL, *path = NULL;
	struct fake_image i;
	struct digest d;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &i);
	if (_i == 0) /* another size */
		json = index_json(i.manifest_text, 3, "");
	else /* another platform */
		json = index_json(i.manifest_text, strlen(i.json),
			",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}");
	digest_mem(&d, DIGEST_SHA256, json, strlen(json));
	path = put(&x, &d, json, NULL);
	op = get(&x, &d, NULL);
	fixture_failed(op, _i == 0 ? "the index says 3" : "only for 'linux/arm64'");
	ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_FETCH);
	op_free(op);
	fake_image_clear(&i);
	fixture_clear(&x);
}
END_TEST

/* A manifest that is too large for the loop goes to a worker; the result is the same. */
START_TEST(large)
{
	auto_buf struct buf json = BUF_INIT(BUF_ANY);
	struct digest d;
	struct fixture x;
	struct op *op;
	char *path, *second;
	int n;

	fixture_init(&x);
	buf_adds(&json, "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"layers\":[");
	for (n = 0; n < 2000; n++)
		buf_addf(&json,
			"%s{\"mediaType\":\"t/"
			"%d\",\"size\":1,\"digest\":\"sha256:"
			"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
			n ? "," : "", n);
	buf_adds(&json, "]}");
	digest_mem(&d, DIGEST_SHA256, json.p, json.len);
	path = put(&x, &d, json.p, NULL);
	op = get(&x, &d, "t/1999");
	fixture_ok(op);
	ck_assert_str_eq(oci_image_result(op)->layer->media_type, "t/1999");
	op_free(op);

	/* and so is its failure */
	json.p[json.len - 1] = '!';
	digest_mem(&d, DIGEST_SHA256, json.p, json.len);
	second = put(&x, &d, json.p, NULL);
	op = get(&x, &d, NULL);
	fixture_failed(op, "not valid JSON");
	ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_LAYER);
	op_free(op);
	free(path);
	free(second);
	fixture_clear(&x);
}
END_TEST

static struct op *start_of_apps(struct fixture *x, void *arg)
{
	return oci_image_start(x->oci,
		&(struct oci_image_req){
			.target = {&x->repo, x->nobody, 60000}, .digest = arg, .owner = "apps"});
}

START_TEST(owner)
{
	auto_buf struct buf json = BUF_INIT(BUF_ANY);
	auto_free char *path = NULL;
	struct digest d;
	struct fixture x;

	setenv("UV_THREADPOOL_SIZE", "4", 1);
	fixture_init(&x);
	buf_adds(&json,
		"{\"mediaType\":\"" OCI_TYPE_MANIFEST
		"\",\"layers\":[{\"mediaType\":\"t\",\"size\":1,\"digest\":\"sha256:"
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}");
	while (json.len < LIMIT_MIB)
		buf_adds(&json, "                ");
	digest_mem(&d, DIGEST_SHA256, json.p, json.len);
	path = put(&x, &d, json.p, NULL);
	fixture_in_line(&x, start_of_apps, &d);
	fixture_clear(&x);
}
END_TEST

/* A large one takes memory for its tree, and gives all of it back; many small values are refused
   before there is a tree. */
START_TEST(memory)
{
	auto_buf struct buf json = BUF_INIT(LIMIT_MANIFEST);
	struct account *account;
	struct account_stats s;
	struct digest d;
	struct fixture x;
	struct op *op, *other;
	char *path;
	bool done = false;
	int i;

	fixture_init(&x);
	account = account_new(x.loop, 3 * LIMIT_MEMORY_MANIFEST / 2);
	oci_client_use_account(x.oci, account);
	buf_adds(&json, "{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"layers\":[],\"x\":[{}");
	while (json.len < LIMIT_MANIFEST - 8)
		buf_adds(&json, ",{}");
	buf_adds(&json, "]}");
	digest_mem(&d, DIGEST_SHA256, json.p, json.len);
	path = put(&x, &d, json.p, NULL);
	other = account_take(account, ACCOUNT_JOBS, "somebody", LIMIT_MEMORY_MANIFEST);
	op = oci_image_start(
		x.oci, &(struct oci_image_req){.target = {&x.repo, x.nobody, 60000}, .digest = &d});
	op_then(op, fixture_done, &done);
	do {
		loop_turn(x.loop, true);
		account_stats(account, ACCOUNT_JOBS, &s);
	} while (!s.waiting);
	for (i = 0; i < 20; i++)
		loop_turn(x.loop, false);
	ck_assert(!done);
	op_free(other);
	while (!done)
		loop_turn(x.loop, true);
	fixture_failed(op, "the manifest has more than 40000 values");
	ck_assert_int_eq(oci_image_result(op)->stage, OCI_IMAGE_LAYER);
	account_stats(account, ACCOUNT_JOBS, &s);
	ck_assert_uint_eq(s.held, 0);
	op_free(op);
	free(path);
	fixture_clear(&x);
	account_free(account);
}
END_TEST

START_TEST(canceled)
{
	auto_free char *line = NULL, *path = NULL;
	char text[DIGEST_TEXT_MAX];
	struct digest d;
	struct fixture x;
	struct op *op;
	bool done = false;

	fixture_init(&x);
	digest_mem(&d, DIGEST_SHA256, "x", 1);
	path = mem_printf("/v2/app/manifests/%s", digest_format(&d, text));
	line = mem_printf("GET %s\n", path);
	fake_on(x.reg, "GET", path)->way = FAKE_SILENT;
	op = oci_image_start(
		x.oci, &(struct oci_image_req){.target = {&x.repo, x.nobody, 60000}, .digest = &d});
	op_then(op, fixture_done, &done);
	fixture_until(&x, line);
	op_cancel(op);
	while (!done)
		loop_turn(x.loop, true);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

Suite *suite_image(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("image");

	tcase_add_test(t, image);
	tcase_add_loop_test(t, lie, 0, ARRAY_LEN(lies));
	tcase_add_test(t, missing);
	tcase_add_test(t, index_child);
	tcase_add_test(t, index_nested);
	tcase_add_loop_test(t, index_lies, 0, 2);
	tcase_add_test(t, large);
	tcase_add_test(t, owner);
	tcase_add_test(t, memory);
	tcase_add_test(t, canceled);
	suite_add_tcase(s, t);
	return s;
}
