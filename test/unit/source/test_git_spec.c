/* Where, as whom and which revision: what of a GitRepository's spec both kinds of Git read. */
#include "source/git_spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "git/oid.h"
#include "source/git_resolve.h"

#include <check.h>
#include <string.h>

Suite *suite_git_spec(void);

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *v = json_loads(text, 0, &e);

	ck_assert_msg(v != NULL, "%s", e.text);
	return v;
}

START_TEST(test_all)
{
	auto_json json_t *o =
		parse("{\"url\":\"https://git.test/a\",\"timeout\":\"10s\","
		      "\"secretRef\":{\"name\":\"s\"},\"proxySecretRef\":{\"name\":\"p\"},"
		      "\"serviceAccountName\":\"robot\",\"provider\":\"azure\","
		      "\"ref\":{\"branch\":\"b\",\"tag\":\"t\",\"semver\":\"1.x\","
		      "\"name\":\"refs/x\",\"commit\":\"c\"}}");
	struct git_spec s = {0};
	struct err err = {0};
	size_t size = 0;

	ck_assert_int_eq(git_spec_read(&s, o, &size, &err), 0);
	ck_assert_str_eq(s.url, "https://git.test/a");
	ck_assert_int_eq(s.timeout_ms, 10000);
	ck_assert_str_eq(s.secret, "s");
	ck_assert_str_eq(s.proxy, "p");
	ck_assert_str_eq(s.service_account, "robot");
	ck_assert_str_eq(s.provider, "azure");
	ck_assert_str_eq(s.ref.branch, "b");
	ck_assert_str_eq(s.ref.tag, "t");
	ck_assert_str_eq(s.ref.semver, "1.x");
	ck_assert_str_eq(s.ref.name, "refs/x");
	ck_assert_str_eq(s.ref.commit, "c");
	ck_assert_uint_gt(size, 40);
	git_spec_clear(&s);
}
END_TEST

START_TEST(test_least)
{
	auto_json json_t *o = parse("{\"provider\":\"generic\",\"ref\":{\"branch\":\"\"}}");
	struct git_spec s = {0};
	struct err err = {0};
	size_t size = 0;

	ck_assert_int_eq(git_spec_read(&s, o, &size, &err), 0);
	ck_assert_str_eq(s.url, "");
	ck_assert_int_eq(s.timeout_ms, 60000);
	ck_assert_ptr_null(s.provider);
	ck_assert_ptr_null(s.ref.branch);
	git_spec_clear(&s);
}
END_TEST

static const struct {
	const char *timeout, *says;
} WRONG[] = {
	{"\"0s\"", "leaves no time for a request"},
	{"\"soon\"", "timeout"},
};

START_TEST(test_wrong)
{
	auto_free char *text = mem_printf("{\"url\":\"u\",\"timeout\":%s}", WRONG[_i].timeout);
	auto_json json_t *o = parse(text);
	struct git_spec s = {0};
	struct err err = {0};
	size_t size = 0;

	ck_assert_int_eq(git_spec_read(&s, o, &size, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, WRONG[_i].says) != NULL, "%s", err.msg);
	git_spec_clear(&s);
}
END_TEST

START_TEST(test_too_long)
{
	auto_json json_t *o = json_object(), *ref = json_object();
	auto_free char *tag = mem_zalloc(LIMIT_SPEC_TEXT + 2);
	struct git_spec s = {0};
	struct err err = {0};
	size_t size = 0;

	memset(tag, 'a', LIMIT_SPEC_TEXT + 1);
	json_object_set_new(ref, "tag", json_string(tag));
	json_object_set(o, "ref", ref);
	ck_assert_int_eq(git_spec_read(&s, o, &size, &err), -1);
	ck_assert_str_eq(err.msg, "spec.ref.tag is longer than 8192 bytes");
	git_spec_clear(&s);
}
END_TEST

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

static const struct {
	const char *revision;
	bool good;
} REVISIONS[] = {
	{"main@sha1:" COMMIT, true},
	{"a@b@sha1:" COMMIT, true},
	{"sha1:" COMMIT, true},
	{"main@sha256:" COMMIT, false},
	{"main@sha1:" COMMIT "0", false},
	{"main/" COMMIT, false},
	{"", false},
};

START_TEST(test_revision)
{
	struct gitc_oid oid;
	char hex[GITC_OID_HEX];
	struct err err = {0};
	int rc = git_revision_commit(REVISIONS[_i].revision, &oid, &err);

	ck_assert_msg((rc == 0) == REVISIONS[_i].good, "'%s'", REVISIONS[_i].revision);
	if (!rc)
		ck_assert_str_eq(gitc_oid_format(&oid, hex), COMMIT);
}
END_TEST

Suite *suite_git_spec(void)
{
	Suite *s = suite_create("git_spec");
	TCase *tc = tcase_create("git_spec");

	tcase_add_test(tc, test_all);
	tcase_add_test(tc, test_least);
	tcase_add_loop_test(tc, test_wrong, 0, (int)ARRAY_LEN(WRONG));
	tcase_add_test(tc, test_too_long);
	tcase_add_loop_test(tc, test_revision, 0, (int)ARRAY_LEN(REVISIONS));
	suite_add_tcase(s, tc);
	return s;
}
