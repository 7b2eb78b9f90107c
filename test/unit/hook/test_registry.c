/* Types of registries: what their bodies have to be, and what they say was pushed. */
#include "test/unit/hook/fixture.h"

Suite *suite_registry(void);

#define FIRE HOOK_FIRE
#define BAD HOOK_BAD

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, NULL);
}

static void teardown(void)
{
	fixture_clear(&f);
}

struct row {
	const char *body;
	enum hook_said said;
};

static void rows_check(const char *type, const struct row *rows, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ck_assert_msg(fixture_said(&f, &(struct ask){.type = type, .body = rows[i].body}) ==
				rows[i].said,
			"%s %s", type, rows[i].body);
}

#define HUB_BODY \
	"{\"callback_url\":\"https://registry.hub.docker.com/u/acme/shop/hook/1/\"," \
	"\"push_data\":{\"pushed_at\":1769851800,\"pusher\":\"acme\",\"tag\":\"sha-0a1b2c3\"," \
	"\"images\":[]},\"repository\":{\"name\":\"shop\",\"namespace\":\"acme\"," \
	"\"repo_name\":\"acme/shop\",\"repo_url\":\"https://hub.docker.com/r/acme/shop\"," \
	"\"status\":\"Active\",\"star_count\":0,\"is_private\":true}}"

START_TEST(rc_16_dockerhub)
{
	static const struct row rows[] = {{"", BAD}, {"{}", FIRE}, {HUB_BODY, FIRE}, {"null", FIRE},
		{"[]", BAD}, {"{\"push_data\":{\"tag\":1}}", BAD}, {"{\"push_data\":\"x\"}", BAD},
		{"{\"Push_Data\":{\"TAG\":1}}", BAD}, {"{\"push_data\":null}", FIRE},
		{"{\"push_data\":{\"tag\":null}}", FIRE}, {"{\"repository\":[]}", BAD},
		{"text", BAD}, {"\"text\"", BAD}, {"1", BAD}, {"{} and more", FIRE}, {"{}{}", FIRE},
		{"{\"other\":[1,{}]}", FIRE}, {"{\"push_data\"", BAD}};
	struct ask none = {.type = "dockerhub"};
	struct op *op;

	rows_check("dockerhub", rows, ARRAY_LEN(rows));
	op = fixture_ask(&f, &none);
	ck_assert_int_eq(fixture_verdict(&none, op)->status, 400);
	ck_assert_ptr_nonnull(strstr(hook_verdict(op)->why, "'{}' is enough"));
	op_free(op);
}
END_TEST

#define QUAY_BODY \
	"{\"name\":\"repository\",\"repository\":\"acme/shop\",\"namespace\":\"acme\"," \
	"\"docker_url\":\"quay.io/acme/shop\",\"homepage\":\"https://quay.io/repository/acme/" \
	"shop\"," \
	"\"updated_tags\":[\"latest\",\"1.2.0\"]}"
#define ACR_BODY \
	"{\"id\":\"cb8c3971\",\"timestamp\":\"2026-01-31T09:30:00.1Z\",\"action\":\"push\"," \
	"\"target\":{\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\"," \
	"\"size\":524,\"digest\":\"sha256:80f0\",\"length\":524,\"repository\":\"team/shop\"," \
	"\"tag\":\"v1\"},\"request\":{\"id\":\"a\",\"host\":\"acme.azurecr.io\",\"method\":" \
	"\"PUT\"}}"

START_TEST(rc_17_quay_acr)
{
	static const struct row quay[] = {{QUAY_BODY, FIRE}, {"{}", FIRE},
		{"{\"docker_url\":", BAD}, {"{\"docker_url\":1}", BAD},
		{"{\"updated_tags\":\"x\"}", BAD}, {"{\"updated_tags\":[1]}", BAD},
		{"{\"updated_tags\":[null]}", FIRE}, {"null", FIRE}, {"[]", BAD}, {"{} x", FIRE}};
	static const struct row acr[] = {{ACR_BODY, FIRE}, {"{}", FIRE}, {"{\"action\":", BAD},
		{"{\"action\":{}}", BAD}, {"{\"target\":{\"tag\":[]}}", BAD}, {"null", FIRE},
		{"{\"target\":{\"repository\":true}}", BAD}, {"{} x", FIRE}};

	rows_check("quay", quay, ARRAY_LEN(quay));
	rows_check("acr", acr, ARRAY_LEN(acr));
}
END_TEST

/* Deeper or larger than any payload: refused before there is a tree. */
START_TEST(test_bounds)
{
	auto_free char *deep = mem_zalloc(2 * 10000 + 1);
	struct ask a = {.type = "quay", .body = deep};

	memset(deep, '[', 10000);
	memset(deep + 10000, ']', 10000);
	ck_assert_int_eq(fixture_said(&f, &a), BAD);
}
END_TEST

Suite *suite_registry(void)
{
	Suite *s = suite_create("registry");
	TCase *t = tcase_create("registry");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rc_16_dockerhub);
	tcase_add_test(t, rc_17_quay_acr);
	tcase_add_test(t, test_bounds);
	suite_add_tcase(s, t);
	return s;
}
