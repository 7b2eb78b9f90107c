#include "controllers/imageupdateautomation/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ctl/object.h"
#include "kube/selector.h"
#include "template/template.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE "\"sourceRef\":{\"kind\":\"GitRepository\",\"name\":\"app\"},\"interval\":\"5m\""
#define AUTHOR "\"author\":{\"name\":\"bot\",\"email\":\"bot@example.com\"}"
#define GIT ",\"git\":{\"commit\":{" AUTHOR "}}"

static struct automation_spec *read_spec(const char *spec)
{
	auto_free char *text = mem_printf(
		"{\"metadata\":{\"name\":\"a\",\"namespace\":\"apps\"},\"spec\":{%s}}", spec);
	json_t *obj = json_loads(text, JSON_ALLOW_NUL, NULL);
	struct spec *s;

	ck_assert_msg(obj != NULL, "%s", text);
	s = automation_spec_new(obj);
	json_decref(obj);
	return AUTOMATION_SPEC(s);
}

START_TEST(test_spec)
{
	struct automation_spec *s = read_spec(SOURCE
		",\"git\":{\"checkout\":{\"ref\":{\"branch\":\"staging\"}},\"commit\":{" AUTHOR
		",\"messageTemplate\":\"{{ .Values.a }}\",\"messageTemplateValues\":{\"b\":\"2\","
		"\"a\":\"1\"},\"signingKey\":{\"secretRef\":{\"name\":\"key\"}}},\"push\":{"
		"\"branch\":\"bot\",\"refspec\":\"refs/heads/a:refs/heads/b\",\"options\":{"
		"\"ci.skip\":\"\",\"a\":\"b\"}}},\"update\":{\"path\":\"./apps\",\"strategy\":"
		"\"Setters\"}");

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_ptr_null(s->misfit);
	ck_assert_str_eq(s->repository, "app");
	ck_assert_ptr_null(s->repository_ns);
	ck_assert_int_eq(s->spec.interval_ms, 300000);
	ck_assert(s->has_ref);
	ck_assert_str_eq(s->ref.branch, "staging");
	ck_assert_str_eq(s->author_name, "bot");
	ck_assert_str_eq(s->author_email, "bot@example.com");
	ck_assert_int_eq(s->values.len, 2);
	ck_assert_str_eq(s->values.p[0].name, "a");
	ck_assert_str_eq(s->signing_key, "key");
	ck_assert(!s->signing_ssh);
	ck_assert_str_eq(s->push_branch, "bot");
	ck_assert_str_eq(s->push_refspec, "refs/heads/a:refs/heads/b");
	ck_assert_str_eq(s->options.p[0].name, "a");
	ck_assert_str_eq(s->options.p[1].value, "");
	ck_assert_str_eq(s->path, "apps");
	ck_assert_ptr_null(s->selector);
	spec_unref(&s->spec);
}
END_TEST

START_TEST(test_spec_defaults)
{
	struct automation_spec *s = read_spec(SOURCE GIT ",\"suspend\":true");

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert(s->spec.suspend && !s->has_ref);
	ck_assert_ptr_nonnull(s->message);
	ck_assert_str_eq(s->path, "");
	ck_assert_ptr_null(s->push_branch);
	spec_unref(&s->spec);
}
END_TEST

/* As the commit has it: by this an own push is known again. */
START_TEST(test_iu_07_author)
{
	struct automation_spec *s = read_spec(
		SOURCE ",\"git\":{\"commit\":{\"author\":{\"name\":\" a <bot>\",\"email\":"
		       "\"<bot@x>\"}}}");

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_str_eq(s->author_name, "a  bot");
	ck_assert_str_eq(s->author_email, "bot@x");
	spec_unref(&s->spec);
}
END_TEST

/* What the CRD refuses, of an object that is older than it. */
static const struct {
	const char *spec, *wrong;
} wrongs[] = {
	{"\"interval\":\"1m\"" GIT, "spec.sourceRef has no name"},
	{SOURCE ",\"git\":{\"commit\":{}}", "spec.git.commit.author has no email"},
	{SOURCE ",\"git\":{\"commit\":{\"author\":{\"email\":\" <> \"}}}",
		"spec.git.commit.author has no email"},
	{SOURCE ",\"git\":{\"commit\":{" AUTHOR "},\"push\":{\"refspec\":\"+a:b\"}}",
		"spec.git.push.refspec must neither force nor delete: it begins with '+'"},
	{SOURCE ",\"git\":{\"commit\":{" AUTHOR "},\"push\":{\"refspec\":\":b\"}}",
		"spec.git.push.refspec must neither force nor delete: it begins with ':'"},
	{SOURCE ",\"git\":{\"commit\":{" AUTHOR ",\"signingKey\":{}}}",
		"spec.git.commit.signingKey names no Secret"},
	{"\"sourceRef\":{\"name\":\"a\"},\"interval\":\"soon\"" GIT, NULL},
	{SOURCE ",\"git\":{\"commit\":{\"author\":{\"email\":\"a\\u0000b\"}}}",
		"spec holds a NUL character"},
};

START_TEST(test_iu_07_spec_wrong)
{
	struct automation_spec *s = read_spec(wrongs[_i].spec);

	ck_assert_msg(s->spec.wrong != NULL, "%s", wrongs[_i].spec);
	if (wrongs[_i].wrong)
		ck_assert_str_eq(s->spec.wrong->msg, wrongs[_i].wrong);
	spec_unref(&s->spec);
}
END_TEST

/* What stalls with a reason of its own. */
static const struct {
	const char *spec, *reason, *message;
} misfits[] = {
	{SOURCE, "InvalidSourceConfiguration",
		"source kind 'GitRepository' necessitates field .spec.git: invalid source "
		"configuration"},
	{"\"sourceRef\":{\"kind\":\"Bucket\",\"name\":\"a\"},\"interval\":\"1m\"" GIT,
		"InvalidSourceConfiguration",
		"source kind 'Bucket' not supported: invalid source configuration"},
	{SOURCE GIT ",\"update\":{\"strategy\":\"Magic\"}", "InvalidUpdateStrategy",
		"unknown update strategy: Magic"},
	{SOURCE GIT
		",\"policySelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"X\"}]}",
		"InvalidPolicySelector",
		"failed to parse policy selector: 'X' is not a valid label selector operator"},
	{SOURCE GIT
		",\"policySelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}",
		"InvalidPolicySelector",
		"failed to parse policy selector: for 'in', 'notin' operators, values set can't be "
		"empty: 'a'"},
	{SOURCE GIT ",\"policySelector\":{\"matchLabels\":{\"a\":\"b,c\"}}",
		"InvalidPolicySelector", NULL},
	{SOURCE GIT ",\"policySelector\":{\"matchLabels\":{\"a b\":\"c\"}}",
		"InvalidPolicySelector", NULL},
	{SOURCE ",\"git\":{\"commit\":{" AUTHOR ",\"messageTemplate\":\"{{ \"}}",
		"GitOperationFailed", NULL},
};

START_TEST(test_iu_14_iu_15_tpl_05_misfits)
{
	struct automation_spec *s = read_spec(misfits[_i].spec);

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_msg(s->misfit != NULL, "%s", misfits[_i].spec);
	ck_assert_str_eq(s->misfit_reason, misfits[_i].reason);
	ck_assert_int_eq(s->misfit->kind, ERR_STALL);
	if (misfits[_i].message)
		ck_assert_str_eq(s->misfit->msg, misfits[_i].message);
	spec_unref(&s->spec);
}
END_TEST

static bool takes(const struct automation_spec *s, const char *labels)
{
	auto_free char *text = mem_printf("{\"metadata\":{\"labels\":{%s}}}", labels);
	json_t *obj = json_loads(text, 0, NULL);
	bool yes = kube_selector_match_labels(s->selector, obj);

	json_decref(obj);
	return yes;
}

START_TEST(test_iu_15_selector)
{
	struct automation_spec *s = read_spec(SOURCE GIT
		",\"policySelector\":{\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":"
		"[{\"key\":\"env\",\"operator\":\"In\",\"values\":[\"a\",\"b\"]},"
		"{\"key\":\"off\",\"operator\":\"DoesNotExist\"},"
		"{\"key\":\"x.io/on\",\"operator\":\"Exists\"},"
		"{\"key\":\"tier\",\"operator\":\"NotIn\",\"values\":[\"old\"]}]}");
	struct automation_spec *all = read_spec(SOURCE GIT ",\"policySelector\":{}");

	ck_assert_ptr_null(s->misfit);
	ck_assert(takes(s, "\"app\":\"web\",\"env\":\"b\",\"x.io/on\":\"\""));
	ck_assert(!takes(s, "\"app\":\"web\",\"env\":\"b\""));
	ck_assert(!takes(s, "\"app\":\"web\",\"env\":\"c\",\"x.io/on\":\"\""));
	ck_assert(!takes(s, "\"app\":\"web\",\"env\":\"a\",\"x.io/on\":\"\",\"tier\":\"old\""));
	ck_assert(!takes(s, "\"app\":\"web\",\"env\":\"a\",\"x.io/on\":\"\",\"off\":\"1\""));
	ck_assert_ptr_null(all->misfit);
	ck_assert(takes(all, "\"any\":\"thing\""));
	spec_unref(&s->spec);
	spec_unref(&all->spec);
}
END_TEST

static const struct {
	const char *path, *clean;
} paths[] = {
	{NULL, ""},
	{"", ""},
	{".", ""},
	{"./", ""},
	{"/", ""},
	{"apps", "apps"},
	{"./apps/", "apps"},
	{"/apps//web/./x.yaml", "apps/web/x.yaml"},
	{"apps/../web", "web"},
	{"../x", "x"},
	{"../../..", ""},
	{"a/../../b", "b"},
	{"a/b/../..", ""},
	{"..a/...", "..a/..."},
};

START_TEST(test_set_36_path)
{
	auto_free char *clean = automation_path_clean(paths[_i].path);

	ck_assert_str_eq(clean, paths[_i].clean);
}
END_TEST

/* It stands in a header of the commit. */
START_TEST(test_spec_author)
{
	struct automation_spec *s =
		read_spec(SOURCE ",\"git\":{\"commit\":{\"author\":{\"name\":\"a\\nparent <x>\","
				 "\"email\":\"b\\u0001@c>\"}}}");

	ck_assert_str_eq(s->author_name, "a parent  x");
	ck_assert_str_eq(s->author_email, "b @c");
	spec_unref(&s->spec);
}
END_TEST

START_TEST(test_spec_long)
{
	auto_free char *many = mem_zalloc(LIMIT_AUTOMATION_PAIRS + 1);
	auto_free char *text = NULL;
	struct automation_spec *s;

	memset(many, 'x', LIMIT_AUTOMATION_PAIRS);
	text = mem_printf(SOURCE ",\"git\":{\"commit\":{" AUTHOR
				 ",\"messageTemplateValues\":{\"a\":\"%s\"}}}",
		many);
	s = read_spec(text);
	ck_assert_str_eq(s->spec.wrong->msg,
		"spec.git.commit.messageTemplateValues is longer than 65536 bytes");
	spec_unref(&s->spec);
}
END_TEST

Suite *suite_spec(void);
Suite *suite_spec(void)
{
	Suite *s = suite_create("spec");
	TCase *t = tcase_create("spec");

	tcase_add_test(t, test_spec);
	tcase_add_test(t, test_spec_defaults);
	tcase_add_test(t, test_iu_07_author);
	tcase_add_loop_test(t, test_iu_07_spec_wrong, 0, ARRAY_LEN(wrongs));
	tcase_add_loop_test(t, test_iu_14_iu_15_tpl_05_misfits, 0, ARRAY_LEN(misfits));
	tcase_add_test(t, test_iu_15_selector);
	tcase_add_loop_test(t, test_set_36_path, 0, ARRAY_LEN(paths));
	tcase_add_test(t, test_spec_author);
	tcase_add_test(t, test_spec_long);
	suite_add_tcase(s, t);
	return s;
}
