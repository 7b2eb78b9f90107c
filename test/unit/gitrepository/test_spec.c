/* What a spec says, and whether it is what the status has seen. */
#include "controllers/gitrepository/spec.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/obj.h"

#include <check.h>
#include <string.h>

Suite *suite_spec(void);

static struct gitrepository_spec *read_spec(const char *spec)
{
	auto_free char *text = mem_printf("{\"metadata\":{\"name\":\"a\"},\"spec\":%s}", spec);
	json_error_t e;
	auto_json json_t *obj = json_loads(text, JSON_ALLOW_NUL, &e);

	ck_assert_msg(obj != NULL, "%s", e.text);
	return GITREPOSITORY_SPEC(gitrepository_spec_new(obj));
}

#define BASE "\"url\":\"https://git.test/a\",\"interval\":\"1m\""

START_TEST(test_all)
{
	struct gitrepository_spec *s = read_spec(
		"{" BASE ",\"suspend\":true,\"ignore\":\"\",\"recurseSubmodules\":true,"
		"\"include\":[{\"repository\":{\"name\":\"b\"}},{\"repository\":{\"name\":\"c\"},"
		"\"fromPath\":\"x\",\"toPath\":\"y\"}],\"sparseCheckout\":[\"./a\",\"b\"],"
		"\"verify\":{\"mode\":\"TagAndHEAD\",\"secretRef\":{\"name\":\"keys\"}}}");

	ck_assert_msg(!s->spec.wrong, "%s", s->spec.wrong ? s->spec.wrong->msg : "");
	ck_assert(s->spec.suspend && s->recurse);
	ck_assert_int_eq(s->spec.interval_ms, 60000);
	ck_assert_str_eq(s->ignore, "");
	ck_assert_uint_eq(s->includes.len, 2);
	ck_assert_str_eq(gitrepository_include_to(&s->includes.p[0]), "b");
	ck_assert_str_eq(gitrepository_include_to(&s->includes.p[1]), "y");
	ck_assert_str_eq(s->sparse.p[0], "./a");
	ck_assert_int_eq(s->verify, VERIFY_BOTH);
	ck_assert_str_eq(gitrepository_verify_mode(s->verify), "TagAndHEAD");
	gitrepository_spec_slim(&s->spec);
	ck_assert_ptr_null(s->ignore);
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *more, *says; /* says NULL: it is fine */
	enum gitrepository_verify verify;
} ROWS[] = {
	{"", NULL, VERIFY_NOTHING},
	{",\"verify\":{\"secretRef\":{\"name\":\"k\"}}", NULL, VERIFY_HEAD},
	{",\"verify\":{\"mode\":\"head\",\"secretRef\":{\"name\":\"k\"}}", NULL, VERIFY_HEAD},
	{",\"verify\":{\"mode\":\"Tag\",\"secretRef\":{\"name\":\"k\"}}", NULL, VERIFY_TAG},
	{",\"verify\":{\"mode\":\"Tag\"}", "spec.verify.secretRef has no name", VERIFY_TAG},
	{",\"verify\":{\"mode\":\"no\",\"secretRef\":{\"name\":\"k\"}}", "'no' is none",
		VERIFY_NOTHING},
	{",\"include\":[{}]", "spec.include[0].repository has no name", VERIFY_NOTHING},
	{",\"sparseCheckout\":[\"\"]", "spec.sparseCheckout[0] names no folder", VERIFY_NOTHING},
	{",\"timeout\":\"0s\"", "leaves no time", VERIFY_NOTHING},
	{",\"ref\":{\"tag\":\"a\\u0000b\"}", "NUL", VERIFY_NOTHING},
};

START_TEST(test_rows)
{
	auto_free char *text = mem_printf("{" BASE "%s}", ROWS[_i].more);
	struct gitrepository_spec *s = read_spec(text);

	if (ROWS[_i].says) {
		ck_assert_ptr_nonnull(s->spec.wrong);
		ck_assert_int_eq(s->spec.wrong->kind, ERR_STALL);
		ck_assert_msg(strstr(s->spec.wrong->msg, ROWS[_i].says) != NULL, "%s",
			s->spec.wrong->msg);
	} else {
		ck_assert_msg(!s->spec.wrong, "%s", s->spec.wrong ? s->spec.wrong->msg : "");
		ck_assert_int_eq(s->verify, ROWS[_i].verify);
	}
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *more, *status;
	bool same;
} SEEN[] = {
	{"", "{}", true},
	{",\"ignore\":\"\"", "{}", false},
	{",\"ignore\":\"a\"", "{\"observedIgnore\":\"a\"}", true},
	{"", "{\"observedIgnore\":\"a\"}", false},
	{",\"recurseSubmodules\":true", "{}", false},
	{",\"recurseSubmodules\":true", "{\"observedRecurseSubmodules\":true}", true},
	{",\"sparseCheckout\":[\"a\",\"b\"]", "{\"observedSparseCheckout\":[\"a\",\"b\"]}", true},
	{",\"sparseCheckout\":[\"a\",\"b\"]", "{\"observedSparseCheckout\":[\"b\",\"a\"]}", false},
	{",\"sparseCheckout\":[]", "{}", true},
	{",\"include\":[{\"repository\":{\"name\":\"b\"}}]",
		"{\"observedInclude\":[{\"repository\":{\"name\":\"b\"}}]}", true},
	{",\"include\":[{\"repository\":{\"name\":\"b\"},\"toPath\":\"x\"}]",
		"{\"observedInclude\":[{\"repository\":{\"name\":\"b\"}}]}", false},
	{"", "{\"observedInclude\":[{\"repository\":{\"name\":\"b\"}}]}", false},
};

START_TEST(test_seen)
{
	auto_free char *text = mem_printf("{" BASE "%s}", SEEN[_i].more);
	struct gitrepository_spec *s = read_spec(text), *back;
	json_error_t e;
	auto_json json_t *status = json_loads(SEEN[_i].status, 0, &e);
	auto_json json_t *observed = gitrepository_observed_json(status);

	ck_assert_msg(gitrepository_observed_is(s, status) == SEEN[_i].same, "%s", SEEN[_i].more);
	/* A restore goes by what was seen. */
	back = GITREPOSITORY_SPEC(gitrepository_spec_new(observed));
	ck_assert(gitrepository_observed_is(back, status));
	spec_unref(&back->spec);
	spec_unref(&s->spec);
}
END_TEST

Suite *suite_spec(void)
{
	Suite *s = suite_create("spec");
	TCase *tc = tcase_create("spec");

	tcase_add_test(tc, test_all);
	tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(tc, test_seen, 0, (int)ARRAY_LEN(SEEN));
	suite_add_tcase(s, tc);
	return s;
}
