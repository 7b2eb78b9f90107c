/* What refers to a manifest: by the registry's list or the tag, and at mirrors. */
#include "oci/referrers.h"

#include "base/limits.h"
#include "base/vec.h"
#include "fixture.h"
#include "oci/mirrors.h"

#define TYPE "application/vnd.test"
#define INDEX_HEADERS "Content-Type: " OCI_TYPE_INDEX "\r\n"
#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define API "/v2/app/referrers/sha256:" HEX
#define TAG "/v2/app/manifests/sha256-" HEX
#define ENTRY(size, type) \
	"{\"digest\":\"sha256:" HEX "\",\"size\":" size ",\"artifactType\":\"" type "\"}"
#define LIST(entries) "{\"manifests\":[" entries "]}"

static struct fixture x;

static void setup(void)
{
	fixture_init(&x);
}

static void teardown(void)
{
	fixture_clear(&x);
}

static struct op *ask(void)
{
	struct digest subject;
	struct err err = {0};
	struct op *op;

	ck_assert(!digest_parse(&subject, "sha256:" HEX, &err));
	op = oci_referrers_start(x.oci,
		&(struct oci_referrers_req){
			.target = {&x.repo, x.nobody, 20000}, .subject = &subject, .type = TYPE});
	fixture_wait(&x, op);
	return op;
}

static struct fake_answer *on(struct fake_registry *f, const char *path, const char *body)
{
	struct fake_answer *a = fake_on(f, "GET", path);

	a->body = body;
	a->headers = INDEX_HEADERS;
	return a;
}

START_TEST(test_order)
{
	const struct oci_referrers *l;
	struct op *op;

	on(x.reg, API,
		LIST(ENTRY("1", "text/plain") "," ENTRY(
			"2", TYPE ".v1") ",{\"digest\":\"sha256:" HEX
					 "\",\"size\":3}," ENTRY("4", TYPE)));
	op = ask();
	fixture_ok(op);
	l = oci_referrers_result(op);
	ck_assert_uint_eq(l->len, 4);
	ck_assert_uint_eq(l->p[0].size, 2);
	ck_assert_uint_eq(l->p[1].size, 4);
	ck_assert_uint_eq(l->p[2].size, 1);
	ck_assert_uint_eq(l->p[3].size, 3);
	op_free(op);
	ck_assert_str_eq(fake_log(x.reg), "tls\nGET " API "\n");
}
END_TEST

/* How the list is refused, and the tag counts. */
START_TEST(test_tag)
{
	static const int status[] = {404, 400, 406, 200};
	struct fake_answer *a = on(x.reg, API, LIST(ENTRY("1", TYPE)));
	struct op *op;

	a->status = status[_i];
	a->headers = "Content-Type: " OCI_TYPE_INDEX "; charset=utf-8\r\n";
	on(x.reg, TAG, LIST(ENTRY("2", TYPE)));
	op = ask();
	fixture_ok(op);
	ck_assert_uint_eq(oci_referrers_result(op)->len, 1);
	ck_assert_uint_eq(oci_referrers_result(op)->p[0].size, 2);
	op_free(op);
}
END_TEST

START_TEST(test_none)
{
	struct op *op = ask();

	fixture_ok(op);
	ck_assert_uint_eq(oci_referrers_result(op)->len, 0);
	op_free(op);
}
END_TEST

static const struct {
	int status;
	const char *body, *why;
} failures[] = {
	{403, "", "403"},
	{501, "", "501"},
	{200, "{}", "the list of referrers is no index"},
	{200, "{", "the list of referrers is not valid JSON"},
	{200, LIST("{}"), "an entry has no digest or no size"},
	{200, LIST("{\"digest\":\"sha256:" HEX "\",\"size\":-1}"),
		"an entry has no digest or no size"},
};

START_TEST(test_failures)
{
	struct fake_answer *a = on(x.reg, API, failures[_i].body);
	struct op *op;

	a->status = failures[_i].status;
	on(x.reg, TAG, LIST(ENTRY("2", TYPE)));
	op = ask();
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_msg(strstr(op->err.msg, failures[_i].why), "%s", op->err.msg);
	op_free(op);
	ck_assert_ptr_null(strstr(fake_log(x.reg), TAG));
}
END_TEST

START_TEST(test_most)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct op *op;
	int i;

	buf_adds(&text, "{\"manifests\":[");
	for (i = 0; i < LIMIT_REFERRERS + 1; i++)
		buf_addf(&text, "%s" ENTRY("%d", TYPE), i ? "," : "", i);
	buf_adds(&text, "]}");
	on(x.reg, API, buf_str(&text));
	op = ask();
	fixture_ok(op);
	ck_assert_uint_eq(oci_referrers_result(op)->len, LIMIT_REFERRERS);
	op_free(op);
}
END_TEST

/* Behind more than a hundred others, in the same page or in a later one (_i). */
START_TEST(test_behind_others)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	const struct oci_referrers *l;
	struct fake_answer *a;
	struct op *op;
	int i;

	buf_adds(&text, "{\"manifests\":[");
	for (i = 0; i < LIMIT_REFERRERS + 50; i++)
		buf_addf(&text, "%s" ENTRY("%d", "text/plain"), i ? "," : "", i);
	buf_adds(&text, _i ? "]}" : "," ENTRY("1000", TYPE) "]}");
	if (_i) {
		a = on(x.reg, API "?page=2", LIST(ENTRY("1000", TYPE)));
		a = on(x.reg, API, buf_str(&text));
		a->headers = INDEX_HEADERS "Link: <" API "?page=2>; rel=\"next\"\r\n";
	} else {
		on(x.reg, API, buf_str(&text));
	}
	op = ask();
	fixture_ok(op);
	l = oci_referrers_result(op);
	ck_assert_uint_eq(l->len, LIMIT_REFERRERS);
	ck_assert(l->p[0].typed && l->p[0].size == 1000);
	ck_assert(!l->p[1].typed && l->p[1].size == 0);
	ck_assert_uint_eq(l->p[99].size, 98);
	op_free(op);
}
END_TEST

/* A list that never ends, or goes on elsewhere, or whose next page is none. */
static const struct {
	const char *link, *next, *why; /* why NULL: what was found counts */
	unsigned asked;
} pages[] = {
	{API "?page=2", LIST(ENTRY("1", "text/plain")), NULL, LIMIT_REFERRERS_PAGES},
	{"https://elsewhere.test" API, NULL, "which is not the registry's own host", 1},
	{API "?page=2", "{", "the list of referrers is not valid JSON", 2},
	{"/v2/app/nothing", NULL, "404", 2},
};

START_TEST(test_pages)
{
	auto_free char *headers =
		mem_printf(INDEX_HEADERS "Link: <%s>; rel=\"next\"\r\n", pages[_i].link);
	struct fake_answer *a;
	unsigned asked = 0;
	const char *at;
	struct op *op;

	if (pages[_i].next) {
		a = on(x.reg, API "?page=2", pages[_i].next);
		a->headers = headers;
	}
	a = on(x.reg, API, LIST(ENTRY("7", TYPE)));
	a->headers = headers;
	op = ask();
	if (pages[_i].why)
		ck_assert_msg(op->err.kind == ERR_RETRY && strstr(op->err.msg, pages[_i].why), "%s",
			op->err.msg);
	else
		fixture_ok(op);
	if (!pages[_i].why)
		ck_assert_uint_eq(oci_referrers_result(op)->p[0].size, 7);
	op_free(op);
	for (at = fake_log(x.reg); (at = strstr(at, "GET /v2/app")); at++)
		asked++;
	ck_assert_msg(asked == pages[_i].asked, "%u: %s", asked, fake_log(x.reg));
	ck_assert_ptr_null(strstr(fake_log(x.reg), TAG));
}
END_TEST

/* A mirror that has no list, or an empty one, proves nothing; one that has is believed. */
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
	on(x.reg, API, LIST(ENTRY("1", TYPE)));
	if (_i == 1)
		on(mirror, API, LIST(""));
	if (_i == 2)
		on(mirror, API, "{");
	if (_i == 3)
		on(mirror, API, LIST(ENTRY("5", TYPE)));
	op = ask();
	fixture_ok(op);
	ck_assert_uint_eq(oci_referrers_result(op)->len, 1);
	ck_assert_uint_eq(oci_referrers_result(op)->p[0].size, _i == 3 ? 5 : 1);
	op_free(op);
	fake_registry_free(mirror);
}
END_TEST

START_TEST(test_digest_tag)
{
	char tag[OCI_DIGEST_TAG_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, "", 0);
	ck_assert_str_eq(oci_digest_tag(&d, ".sig", tag), "sha256-" HEX ".sig");
	digest_mem(&d, DIGEST_SHA512, "", 0);
	ck_assert_uint_eq(strlen(oci_digest_tag(&d, "", tag)), 7 + 64);
}
END_TEST

Suite *suite_referrers(void);
Suite *suite_referrers(void)
{
	Suite *s = suite_create("referrers");
	TCase *tc = tcase_create("referrers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_order);
	tcase_add_loop_test(tc, test_tag, 0, 4);
	tcase_add_test(tc, test_none);
	tcase_add_loop_test(tc, test_failures, 0, ARRAY_LEN(failures));
	tcase_add_test(tc, test_most);
	tcase_add_loop_test(tc, test_behind_others, 0, 2);
	tcase_add_loop_test(tc, test_pages, 0, ARRAY_LEN(pages));
	tcase_add_loop_test(tc, test_mirrors, 0, 4);
	tcase_add_test(tc, test_digest_tag);
	suite_add_tcase(s, tc);
	return s;
}
