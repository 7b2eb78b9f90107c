#include "controllers/imagepolicy/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "controllers/imagepolicy/imagepolicy.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct imagepolicy_spec *read_spec(const char *spec, const char *annotations)
{
	auto_free char *text = mem_printf("{\"metadata\":{\"name\":\"p\",\"namespace\":\"apps\","
					  "\"annotations\":{%s}},\"spec\":{%s}}",
		annotations, spec);
	json_t *obj = json_loads(text, JSON_ALLOW_NUL, NULL);
	struct spec *s;

	ck_assert_msg(obj != NULL, "%s", text);
	s = imagepolicy_spec_new(obj);
	json_decref(obj);
	return IMAGEPOLICY_SPEC(s);
}

#define REF "\"imageRepositoryRef\":{\"name\":\"app\"}"

START_TEST(test_spec)
{
	struct imagepolicy_spec *s =
		read_spec(REF ",\"policy\":{\"numerical\":{\"order\":\"desc\"}},\"filterTags\":{"
			      "\"pattern\":\"a\"},"
			      "\"digestReflectionPolicy\":\"Always\",\"interval\":\"0s\"",
			"");

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_str_eq(s->repository, "app");
	ck_assert_ptr_null(s->from);
	ck_assert(s->chosen && s->desc && !s->no_interval);
	ck_assert_int_eq(s->by, CHOOSE_NUMERICAL);
	ck_assert_str_eq(s->pattern, "a");
	ck_assert_ptr_null(s->extract);
	ck_assert_int_eq(s->digest, REFLECT_ALWAYS);
	ck_assert_int_eq(s->spec.interval_ms, 600000);
	spec_unref(&s->spec);
}
END_TEST

/* An interval counts with Always alone, and is not shorter than a second. */
START_TEST(test_spec_interval)
{
	struct imagepolicy_spec *s;

	s = read_spec(REF ",\"interval\":\"1m\"", "");
	ck_assert_int_eq(s->spec.interval_ms, 0);
	spec_unref(&s->spec);
	s = read_spec(REF ",\"digestReflectionPolicy\":\"Always\",\"interval\":\"1ms\"", "");
	ck_assert_int_eq(s->spec.interval_ms, 1000);
	spec_unref(&s->spec);
	s = read_spec(REF ",\"digestReflectionPolicy\":\"Always\"", "");
	ck_assert(s->no_interval);
	spec_unref(&s->spec);
}
END_TEST

START_TEST(test_spec_namespace)
{
	struct imagepolicy_spec *s;

	s = read_spec("\"imageRepositoryRef\":{\"name\":\"app\",\"namespace\":\"other\"}", "");
	ck_assert_str_eq(s->namespace, "other");
	ck_assert_str_eq(s->from, "apps");
	spec_unref(&s->spec);
	s = read_spec("\"imageRepositoryRef\":{\"name\":\"app\",\"namespace\":\"apps\"}", "");
	ck_assert_ptr_null(s->from);
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *spec, *annotations, *says;
} wrong_rows[] = {
	{"", "", "spec.imageRepositoryRef has no name"},
	{"\"imageRepositoryRef\":{\"name\":\"a\\u0000b\"}", "", "spec holds a NUL character"},
	{REF ",\"digestReflectionPolicy\":\"Always\",\"interval\":\"soon\"", "",
		"spec.interval: 'soon'"},
	{REF, "\"" IMAGEPOLICY_PIN "\":\"a b\"",
		"annotation 'oci-source-controller/pin': 'a b' is no tag"},
	{REF, "\"" IMAGEPOLICY_SKIP "\":\"a\\u0000\"",
		"annotation 'oci-source-controller/skip' is no plain text"},
	{REF, "\"" IMAGEPOLICY_AGE "\":\"-1h\"",
		"annotation 'oci-source-controller/minimum-age': '-1h' is no duration"},
};

START_TEST(test_spec_wrong)
{
	struct imagepolicy_spec *s = read_spec(wrong_rows[_i].spec, wrong_rows[_i].annotations);

	ck_assert_ptr_nonnull(s->spec.wrong);
	ck_assert_int_eq(s->spec.wrong->kind, ERR_STALL);
	ck_assert_msg(strstr(s->spec.wrong->msg, wrong_rows[_i].says) == s->spec.wrong->msg, "%s",
		s->spec.wrong->msg);
	spec_unref(&s->spec);
}
END_TEST

START_TEST(test_spec_long)
{
	char long_text[LIMIT_SPEC_TEXT + 2];
	auto_free char *spec = NULL;
	struct imagepolicy_spec *s;

	memset(long_text, 'a', sizeof(long_text));
	long_text[LIMIT_SPEC_TEXT + 1] = '\0';
	spec = mem_printf("\"" IMAGEPOLICY_SKIP "\":\"%s\"", long_text);
	s = read_spec(REF, spec);
	ck_assert_str_eq(s->spec.wrong->msg,
		"annotation 'oci-source-controller/skip' is longer than 4096 bytes");
	spec_unref(&s->spec);
	free(spec);
	spec = mem_printf(REF ",\"filterTags\":{\"pattern\":\"%s\"}", long_text);
	s = read_spec(spec, "");
	ck_assert_ptr_nonnull(s->spec.wrong);
	ck_assert_str_eq(s->spec.wrong->msg, "spec.filterTags.pattern is longer than 8192 bytes");
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *spec, *annotations, *reference, *rule;
} shown_rows[] = {
	{REF ",\"policy\":{\"semver\":{\"range\":\"1.x\"}},\"filterTags\":{\"pattern\":\"^v\","
	     "\"extract\":\"$0\"}",
		"", "semver 1.x, filter ^v, extract $0", "The highest version in the range."},
	{REF ",\"policy\":{\"alphabetical\":{}}", "", "alphabetical asc", "The greatest text."},
	{REF ",\"policy\":{\"numerical\":{\"order\":\"desc\"}}", "\"" IMAGEPOLICY_PIN "\":\"1\"",
		"pin 1, numerical desc", "The tag is pinned: it wins whatever else is there."},
	{REF, "", "", "None is given."},
};

START_TEST(test_shown)
{
	struct imagepolicy_spec *s = read_spec(shown_rows[_i].spec, shown_rows[_i].annotations);
	struct kind_shown shown = {BUF_INIT(KIND_SHOWN_MAX), ""};

	imagepolicy_kind.shown(&s->spec, &shown);
	ck_assert_str_eq(buf_str(&shown.reference), shown_rows[_i].reference);
	ck_assert_str_eq(shown.rule, shown_rows[_i].rule);
	buf_clear(&shown.reference);
	spec_unref(&s->spec);
}
END_TEST

Suite *suite_spec(void);
Suite *suite_spec(void)
{
	Suite *s = suite_create("spec");
	TCase *tc = tcase_create("spec");

	tcase_add_test(tc, test_spec);
	tcase_add_test(tc, test_spec_interval);
	tcase_add_test(tc, test_spec_namespace);
	tcase_add_loop_test(tc, test_spec_wrong, 0, ARRAY_LEN(wrong_rows));
	tcase_add_test(tc, test_spec_long);
	tcase_add_loop_test(tc, test_shown, 0, ARRAY_LEN(shown_rows));
	suite_add_tcase(s, tc);
	return s;
}
