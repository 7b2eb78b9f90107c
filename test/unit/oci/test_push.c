#include "oci/push.h"

#include "test/unit/oci/fixture.h"

#include <fcntl.h>
#include <unistd.h>

Suite *suite_push(void);

#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"layers\":[]}"

struct pushed {
	struct fixture x;
	struct oci_push_blob blobs[2];
	char *heads[2];
	uint64_t done, total;
};

static void progress(void *arg, uint64_t done, uint64_t total)
{
	struct pushed *p = arg;

	ck_assert_uint_ge(done, p->done);
	p->done = done;
	p->total = total;
}

static void init(struct pushed *p)
{
	char text[DIGEST_TEXT_MAX];
	int i;

	*p = (struct pushed){.done = 0};
	fixture_init(&p->x);
	p->blobs[0] = (struct oci_push_blob){.mem = "layer", .size = 5, .fd = -1};
	p->blobs[1] = (struct oci_push_blob){.size = 6};
	p->blobs[1].fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(p->blobs[1].fd, "config", 6), 6);
	digest_mem(&p->blobs[0].digest, DIGEST_SHA256, "layer", 5);
	digest_mem(&p->blobs[1].digest, DIGEST_SHA256, "config", 6);
	for (i = 0; i < 2; i++)
		p->heads[i] =
			mem_printf("/v2/app/blobs/%s", digest_format(&p->blobs[i].digest, text));
}

static void clear(struct pushed *p)
{
	close(p->blobs[1].fd);
	free(p->heads[0]);
	free(p->heads[1]);
	fixture_clear(&p->x);
}

static struct op *push(struct pushed *p, const char *const *tags)
{
	struct op *op = oci_push_start(p->x.oci,
		&(struct oci_push_req){.target = {&p->x.repo, p->x.nobody, 60000},
			.blobs = p->blobs,
			.blob_count = 2,
			.manifest = MANIFEST,
			.manifest_len = strlen(MANIFEST),
			.media_type = OCI_TYPE_MANIFEST,
			.tags = tags,
			.progress = progress,
			.arg = p});

	fixture_wait(&p->x, op);
	return op;
}

static void accepts(struct pushed *p, const char *location)
{
	struct fake_answer *a = fake_on(p->x.reg, "POST", "/v2/app/blobs/uploads/");

	a->status = 202;
	a->headers = location;
	fake_on(p->x.reg, "PUT", "/up")->status = 201;
	fake_on(p->x.reg, "PUT", "/v2/app/manifests/1.0")->status = 201;
	fake_on(p->x.reg, "PUT", "/v2/app/manifests/latest")->status = 201;
}

START_TEST(whole)
{
	static const char *const tags[] = {"1.0", "latest", NULL};
	auto_free char *want = NULL;
	struct digest d;
	struct pushed p;
	struct op *op;

	init(&p);
	accepts(&p, "Location: /up?state=a%2Fb\r\n");
	op = push(&p, tags);
	fixture_ok(op);
	digest_mem(&d, DIGEST_SHA256, MANIFEST, strlen(MANIFEST));
	ck_assert(digest_equal(oci_push_digest(op), &d));
	op_free(op);
	want = mem_printf("tls\nHEAD %s\nPOST /v2/app/blobs/uploads/\n"
			  "PUT /up?state=a%%2Fb&digest=%s\nHEAD %s\nPOST /v2/app/blobs/uploads/\n"
			  "PUT /up?state=a%%2Fb&digest=%s\n"
			  "PUT /v2/app/manifests/1.0\nPUT /v2/app/manifests/latest\n",
		p.heads[0], strrchr(p.heads[0], '/') + 1, p.heads[1], strrchr(p.heads[1], '/') + 1);
	ck_assert_str_eq(fake_log(p.x.reg), want);
	ck_assert_str_eq(buf_str(fake_bodies(p.x.reg)), "layerconfig" MANIFEST MANIFEST);
	ck_assert_uint_eq(p.done, 11);
	ck_assert_uint_eq(p.total, 11);
	clear(&p);
}
END_TEST

START_TEST(already_there)
{
	static const char *const tags[] = {"1.0", NULL};
	struct pushed p;
	struct op *op;

	init(&p);
	accepts(&p, "Location: /up\r\n");
	fake_on(p.x.reg, "HEAD", p.heads[0]);
	fake_on(p.x.reg, "HEAD", p.heads[1]);
	op = push(&p, tags);
	fixture_ok(op);
	op_free(op);
	ck_assert_str_eq(buf_str(fake_bodies(p.x.reg)), MANIFEST);
	ck_assert_uint_eq(p.done, 11);
	clear(&p);
}
END_TEST

static const struct {
	const char *location, *says;
} places[] = {
	{"X: y\r\n", "does not say where"},
	{"Location: http://evil.example/up\r\n", "another host, 'evil.example'"},
	{"Location: gopher://x\r\n", "place for the upload"},
};

START_TEST(bad_place)
{
	static const char *const tags[] = {"1.0", NULL};
	struct pushed p;
	struct op *op;

	init(&p);
	accepts(&p, places[_i].location);
	op = push(&p, tags);
	fixture_failed(op, places[_i].says);
	op_free(op);
	ck_assert(!strstr(fake_log(p.x.reg), "PUT"));
	clear(&p);
}
END_TEST

START_TEST(refused)
{
	static const char *const tags[] = {"1.0", NULL};
	struct fake_answer *a;
	struct pushed p;
	struct op *op;

	init(&p);
	a = fake_on(p.x.reg, "POST", "/v2/app/blobs/uploads/");
	a->status = 403;
	a->body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"read only\"}]}";
	op = push(&p, tags);
	fixture_failed(op, "403 Forbidden (DENIED: read only)");
	op_free(op);
	clear(&p);
}
END_TEST

START_TEST(other_digest)
{
	static const char *const tags[] = {"1.0", NULL};
	struct fake_answer *a;
	struct pushed p;
	struct op *op;

	init(&p);
	fake_on(p.x.reg, "HEAD", p.heads[0]);
	fake_on(p.x.reg, "HEAD", p.heads[1]);
	a = fake_on(p.x.reg, "PUT", "/v2/app/manifests/1.0");
	a->status = 201;
	a->headers = "Docker-Content-Digest: "
		     "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n";
	op = push(&p, tags);
	fixture_failed(op, "the registry stored 'sha256:e3b0");
	op_free(op);
	clear(&p);
}
END_TEST

START_TEST(bad_tag)
{
	static const char *const tags[] = {"1/0", NULL};
	struct pushed p;
	struct op *op;

	init(&p);
	fake_on(p.x.reg, "HEAD", p.heads[0]);
	fake_on(p.x.reg, "HEAD", p.heads[1]);
	op = push(&p, tags);
	fixture_failed(op, "no valid tag");
	op_free(op);
	ck_assert_str_eq(fake_log(p.x.reg), "");
	clear(&p);
}
END_TEST

/* The token for a push asks for more. */
START_TEST(write_scope)
{
	static const char *const tags[] = {"1.0", NULL};
	auto_free char *challenge = NULL;
	struct fake_answer *a;
	struct pushed p;
	struct op *op;

	init(&p);
	challenge =
		mem_printf("Bearer realm=\"http://%s/token\",service=\"s\"", fake_host(p.x.reg));
	a = fake_on(p.x.reg, "HEAD", p.heads[0]);
	a->need = "Bearer t";
	a->challenge = challenge;
	fake_on(p.x.reg, "HEAD", p.heads[1]);
	fake_on(p.x.reg, "GET", "/token")->body = "{\"token\":\"t\"}";
	fake_on(p.x.reg, "PUT", "/v2/app/manifests/1.0")->status = 201;
	op = push(&p, tags);
	fixture_ok(op);
	op_free(op);
	ck_assert_msg(strstr(fake_log(p.x.reg), "scope=repository%3Aapp%3Apull%2Cpush\n"), "%s",
		fake_log(p.x.reg));
	clear(&p);
}
END_TEST

/* ---- tags ------------------------------------------------------------------------------------ */

static struct op *retag(struct fixture *x, const char *from, const char *const *tags)
{
	struct op *op = oci_retag_start(x->oci,
		&(struct oci_retag_req){
			.target = {&x->repo, x->nobody, 60000}, .from = from, .tags = tags});

	fixture_wait(x, op);
	return op;
}

START_TEST(promote)
{
	static const char *const tags[] = {"latest", "stable", NULL};
	struct fake_image i;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_image(x.reg, "app", "1.0", "a/b", "hello", 5, &i);
	fake_on(x.reg, "PUT", "/v2/app/manifests/latest")->status = 201;
	fake_on(x.reg, "PUT", "/v2/app/manifests/stable")->status = 201;
	op = retag(&x, "1.0", tags);
	fixture_ok(op);
	ck_assert(digest_equal(oci_push_digest(op), &i.manifest));
	op_free(op);
	ck_assert_uint_eq(fake_bodies(x.reg)->len, 2 * strlen(i.json));
	ck_assert(!strncmp(buf_str(fake_bodies(x.reg)), i.json, strlen(i.json)));
	op = retag(&x, i.manifest_text, tags);
	fixture_ok(op);
	op_free(op);
	op = retag(&x, "9.9", tags);
	fixture_failed(op, "manifest '9.9' of '127.0.0.1:");
	fixture_failed(op, "404");
	op_free(op);
	fake_image_clear(&i);
	fixture_clear(&x);
}
END_TEST

START_TEST(promote_lie)
{
	static const char *const tags[] = {"latest", NULL};
	static const char digest[] =
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "GET",
		"/v2/app/manifests/"
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
		->body = MANIFEST;
	op = retag(&x, digest, tags);
	fixture_failed(op, "sent something else");
	op_free(op);
	ck_assert(!strstr(fake_log(x.reg), "PUT"));
	fixture_clear(&x);
}
END_TEST

Suite *suite_push(void)
{
	Suite *s = suite_create("push");
	TCase *t = tcase_create("push");

	tcase_add_test(t, whole);
	tcase_add_test(t, already_there);
	tcase_add_loop_test(t, bad_place, 0, ARRAY_LEN(places));
	tcase_add_test(t, refused);
	tcase_add_test(t, other_digest);
	tcase_add_test(t, bad_tag);
	tcase_add_test(t, write_scope);
	tcase_add_test(t, promote);
	tcase_add_test(t, promote_lie);
	suite_add_tcase(s, t);
	return s;
}
