#include "controllers/ocirepository/spec.h"

#include "base/mem.h"
#include "base/obj.h"

#include "base/buf.h"
#include "base/limits.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
	struct err err = {0};
	json_t *o = obj_parse(text, strlen(text), "test", &err);

	ck_assert_msg(o != NULL, "%s", err.msg);
	return o;
}

START_TEST(test_spec)
{
	auto_json json_t *o =
		parse("{\"spec\":{\"url\":\"oci://r/a\",\"interval\":\"5m\",\"ignore\":\"\","
		      "\"ref\":{\"semver\":\">=1\",\"tag\":\"\",\"semverFilter\":\"x\"},"
		      "\"layerSelector\":{\"operation\":\"copy\",\"mediaType\":\"\"},"
		      "\"secretRef\":{\"name\":\"s\"},\"serviceAccountName\":\"a\","
		      "\"certSecretRef\":{\"name\":\"c\"},\"proxySecretRef\":{\"name\":\"\"},"
		      "\"insecure\":true,\"provider\":\"generic\"}}");
	struct spec *base = ocirepository_spec_new(o);
	const struct ocirepository_spec *s = OCIREPOSITORY_SPEC(base);

	ck_assert_ptr_null(base->wrong);
	ck_assert_str_eq(s->url, "oci://r/a");
	ck_assert_str_eq(s->semver, ">=1");
	ck_assert_str_eq(s->semver_filter, "x");
	ck_assert_ptr_null(s->tag);
	ck_assert_str_eq(s->ignore, "");
	ck_assert(ocirepository_copies(s) && s->insecure && !base->suspend);
	ck_assert_ptr_null(ocirepository_layer_type(s));
	ck_assert_str_eq(s->login.secret, "s");
	ck_assert_str_eq(s->login.service_account, "a");
	ck_assert_str_eq(s->login.cert, "c");
	ck_assert_ptr_null(s->login.proxy); /* an empty name is none */
	ck_assert_int_eq(base->interval_ms, 300000);
	ck_assert_int_eq(s->timeout_ms, 60000);
	ck_assert_ptr_null(s->not_built);
	spec_unref(base);
}
END_TEST

static const struct {
	const char *spec, *what, *provider;
} not_built_rows[] = {
	{"{\"verify\":{\"provider\":\"cosign\"}}", NULL, NULL},
	{"{\"verify\":{\"provider\":\"cosign\",\"secretRef\":null}}", NULL, NULL},
	{"{\"verify\":{\"provider\":\"notation\",\"secretRef\":{\"name\":\"s\"}}}", NULL, NULL},
	{"{\"verify\":{\"provider\":\"else\",\"secretRef\":{\"name\":\"s\"}}}",
		"such a spec.verify", NULL},
	{"{\"verify\":[]}", "such a spec.verify", NULL},
	{"{\"verify\":{\"secretRef\":{\"name\":\"s\"}}}", NULL, NULL},
	{"{\"verify\":null}", NULL, NULL},
	{"{\"provider\":\"aws\"}", NULL, "aws"},
	{"{\"provider\":\"generic\"}", NULL, NULL},
	{"{\"provider\":\"\"}", NULL, NULL},
	{"{\"provider\":\"new\"}", NULL, "new"},
};

START_TEST(test_not_built)
{
	auto_free char *text = mem_printf("{\"spec\":%s}", not_built_rows[_i].spec);
	auto_json json_t *o = parse(text);
	struct spec *base = ocirepository_spec_new(o);
	const struct ocirepository_spec *s = OCIREPOSITORY_SPEC(base);

	ck_assert_ptr_null(base->wrong);
	ck_assert_pstr_eq(s->not_built, not_built_rows[_i].what);
	ck_assert_pstr_eq(s->login.provider, not_built_rows[_i].provider);
	spec_unref(base);
}
END_TEST

START_TEST(test_bad_duration)
{
	auto_json json_t *o = parse("{\"spec\":{\"interval\":\"soon\"}}");
	struct spec *s = ocirepository_spec_new(o);

	ck_assert_ptr_nonnull(s->wrong);
	ck_assert_int_eq(s->wrong->kind, ERR_STALL);
	ck_assert_str_eq(s->wrong->msg, "spec.interval: 'soon' is not a duration");
	spec_unref(s);
}
END_TEST

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct {
	const char *value, *platform, *message; /* one of both, or none: the default */
} platform_rows[] = {
	{"\"linux/arm64\"", "linux/arm64", NULL},
	{"\"linux/arm/v7\"", "linux/arm/v7", NULL},
	{"\"linux/amd64\"", NULL, NULL},
	{"\"\"", NULL, "annotation 'oci-source-controller/platform': '' is no platform such as "},
	{"\"arm64\"", NULL, "annotation 'oci-source-controller/platform': 'arm64' is no platform"},
	{"7", NULL, "is no plain text"},
};

START_TEST(test_platform)
{
	auto_free char *text = mem_printf(
		"{\"metadata\":{\"annotations\":{\"" OCIREPOSITORY_PLATFORM "\":%s}},\"spec\":{}}",
		platform_rows[_i].value);
	auto_json json_t *o = parse(text);
	struct spec *s = ocirepository_spec_new(o);
	char got[OCI_PLATFORM_TEXT_MAX];

	ck_assert_msg(!s->wrong == !platform_rows[_i].message, "%s", platform_rows[_i].value);
	if (s->wrong) {
		ck_assert_int_eq(s->wrong->kind, ERR_STALL);
		ck_assert_msg(
			strstr(s->wrong->msg, platform_rows[_i].message), "%s", s->wrong->msg);
	}
	ck_assert_pstr_eq(OCIREPOSITORY_SPEC(s)->platform
			? oci_platform_format(OCIREPOSITORY_SPEC(s)->platform, got)
			: NULL,
		platform_rows[_i].platform);
	spec_unref(s);
}
END_TEST

#define DEMAND(name, value) "\"" VERIFY_DEMANDS_PREFIX name "\":\"" value "\""
#define WHO_IS "\"matchOIDCIdentity\":[{\"issuer\":\"a\",\"subject\":\"b\"}]"
#define BY_KEY "\"verify\":{\"secretRef\":{\"name\":\"a\"}"
#define OF_CERTIFICATES \
	"speak of certificates of cosign: they need matchOIDCIdentity in spec.verify, and no " \
	"secretRef"

static const struct {
	const char *annotations, *spec, *message, *logs;
} demands_rows[] = {
	{DEMAND("build-trigger", "push"), "\"verify\":{" WHO_IS "}", NULL, NULL},
	{DEMAND("require-log", "true"), "\"verify\":{" WHO_IS "}", NULL, NULL},
	{DEMAND("require-log", "true"), BY_KEY "}", NULL, NULL},
	{DEMAND("require-log", "true"), BY_KEY ",\"trustedRootSecretRef\":{\"name\":\"r\"}}", NULL,
		"r"},
	{DEMAND("require-log", "false"), BY_KEY ",\"trustedRootSecretRef\":{\"name\":\"r\"}}", NULL,
		NULL},
	{DEMAND("require-log", "true"), BY_KEY ",\"trustedRootSecretRef\":{}}",
		"spec.verify.trustedRootSecretRef has no name", NULL},
	{DEMAND("require-log", "true"), "\"suspend\":false", "need a spec.verify", NULL},
	{DEMAND("build-trigger", "push"), "\"suspend\":false", "need a spec.verify", NULL},
	{DEMAND("build-trigger", "push"), BY_KEY "}", OF_CERTIFICATES, NULL},
	{DEMAND("build-trigger", "push"),
		"\"verify\":{\"provider\":\"notation\",\"secretRef\":{\"name\":\"a\"}}",
		OF_CERTIFICATES, NULL},
	{DEMAND("require-log", "true"),
		"\"verify\":{\"provider\":\"notation\",\"secretRef\":{\"name\":\"a\"}}",
		"require-log': notation has no logs", NULL},
	{DEMAND("trigger", "push"), "\"suspend\":false", "nobody knows what that demands", NULL},
};

START_TEST(test_demands)
{
	auto_free char *text = mem_printf("{\"metadata\":{\"annotations\":{%s}},\"spec\":{%s}}",
		demands_rows[_i].annotations, demands_rows[_i].spec);
	auto_json json_t *o = parse(text);
	struct spec *s = ocirepository_spec_new(o);

	ck_assert_msg(!s->wrong == !demands_rows[_i].message, "%s", s->wrong ? s->wrong->msg : "");
	if (s->wrong) {
		ck_assert_int_eq(s->wrong->kind, ERR_STALL);
		ck_assert_msg(strstr(s->wrong->msg, demands_rows[_i].message), "%s", s->wrong->msg);
	}
	ck_assert_pstr_eq(OCIREPOSITORY_SPEC(s)->logs_secret, demands_rows[_i].logs);
	spec_unref(s);
}
END_TEST

static const struct {
	const char *spec, *message; /* NULL: it is taken */
} stalls_rows[] = {
	{"\"timeout\":\"0s\"", "spec.timeout: '0s' leaves no time for a request"},
	{"\"timeout\":\"0.4ms\"", "spec.timeout: '0.4ms' leaves no time for a request"},
	{"\"timeout\":\"-1s\"", "spec.timeout: '-1s' leaves no time for a request"},
	{"\"timeout\":\"9999999999999h\"", "spec.timeout: '9999999999999h' is not a duration"},
	{"\"timeout\":\"1ms\"", NULL},
	{"\"interval\":\"0s\"", NULL},
	{"\"ref\":{\"tag\":\"1.2.3@" EMPTY "\"}", NULL},
	{"\"ref\":{\"tag\":\"1.2.3@latest\"}",
		"spec.ref.tag: what follows '@' belongs in spec.ref.digest: "},
	{"\"ref\":{\"tag\":\"1.2.3@\"}",
		"spec.ref.tag: what follows '@' belongs in spec.ref.digest: "},
	{"\"ref\":{\"tag\":\"@" EMPTY "\"}", "spec.ref.tag: '@sha256:"},
	{"\"ref\":{\"tag\":\"a/b@" EMPTY "\"}", "spec.ref.tag: 'a/b@sha256:"},
	{"\"ref\":{\"tag\":\"1.2.3@\",\"semver\":\"1.x\"}", NULL},
};

/* What no registry can mend waits for another spec, and the message names the field. */
START_TEST(test_stalls)
{
	auto_free char *text = mem_printf("{\"spec\":{%s}}", stalls_rows[_i].spec);
	auto_json json_t *o = parse(text);
	struct spec *s = ocirepository_spec_new(o);

	ck_assert_msg(!s->wrong == !stalls_rows[_i].message, "%s", stalls_rows[_i].spec);
	/* A restore may still need it. */
	ck_assert_int_ge(OCIREPOSITORY_SPEC(s)->timeout_ms, 1);
	if (s->wrong) {
		ck_assert_int_eq(s->wrong->kind, ERR_STALL);
		ck_assert_msg(!strncmp(s->wrong->msg, stalls_rows[_i].message,
				      strlen(stalls_rows[_i].message)),
			"%s: %s", stalls_rows[_i].spec, s->wrong->msg);
	}
	spec_unref(s);
}
END_TEST

static const struct {
	const char *a, *b;
	bool equal;
} selector_rows[] = {{"null", "null", true}, {"{}", "null", false},
	{"{}", "{\"mediaType\":\"\"}", true},
	{"{\"mediaType\":\"a\"}", "{\"mediaType\":\"a\",\"operation\":\"copy\"}", false},
	{"{\"mediaType\":\"a\",\"operation\":\"copy\"}",
		"{\"operation\":\"copy\",\"mediaType\":\"a\"}", true}};

START_TEST(test_selector)
{
	auto_free char *text = mem_printf("{\"spec\":{\"layerSelector\":%s}}", selector_rows[_i].a);
	auto_json json_t *a = parse(text), *b = parse(selector_rows[_i].b), *back;
	struct spec *s = ocirepository_spec_new(a);

	ck_assert_msg(
		ocirepository_selector_is(OCIREPOSITORY_SPEC(s), b) == selector_rows[_i].equal,
		"%s %s", selector_rows[_i].a, selector_rows[_i].b);
	/* What is observed is what was given. */
	back = ocirepository_selector_json(OCIREPOSITORY_SPEC(s));
	ck_assert(back ? json_equal(back, obj_get(a, "spec", "layerSelector"))
		       : json_is_null(obj_get(a, "spec", "layerSelector")));
	spec_unref(s);
}
END_TEST

static const char *const long_members_rows[] = {"{\"url\":\"%s\"}",
	"{\"ref\":{\"semverFilter\":\"%s\"}}", "{\"ref\":{\"tag\":\"%s\"}}",
	"{\"secretRef\":{\"name\":\"%s\"}}"};

/* A megabyte of a filter would stay in memory for as long as the object is there. */
START_TEST(test_long_members)
{
	auto_buf struct buf longest = BUF_INIT(BUF_ANY);
	const char *at = strstr(long_members_rows[_i], "%s");
	auto_free char *text = NULL;
	json_t *o;
	struct spec *s;

	while (longest.len <= LIMIT_SPEC_TEXT)
		buf_addc(&longest, 'x');
	text = mem_printf("{\"spec\":%.*s%s%s}", (int)(at - long_members_rows[_i]),
		long_members_rows[_i], buf_str(&longest), at + 2);
	o = parse(text);
	s = ocirepository_spec_new(o);
	ck_assert_ptr_nonnull(s->wrong);
	ck_assert_int_eq(s->wrong->kind, ERR_STALL);
	ck_assert_ptr_nonnull(strstr(s->wrong->msg, "is longer than 8192 bytes"));
	ck_assert_uint_lt(s->size, 2000);
	spec_unref(s);
	json_decref(o);
}
END_TEST

Suite *suite_spec(void);
Suite *suite_spec(void)
{
	Suite *s = suite_create("spec");
	TCase *tc = tcase_create("spec");

	tcase_add_test(tc, test_spec);
	tcase_add_loop_test(tc, test_platform, 0, ARRAY_LEN(platform_rows));
	tcase_add_loop_test(tc, test_demands, 0, ARRAY_LEN(demands_rows));
	tcase_add_loop_test(tc, test_not_built, 0, ARRAY_LEN(not_built_rows));
	tcase_add_test(tc, test_bad_duration);
	tcase_add_loop_test(tc, test_stalls, 0, ARRAY_LEN(stalls_rows));
	tcase_add_loop_test(tc, test_long_members, 0, ARRAY_LEN(long_members_rows));
	tcase_add_loop_test(tc, test_selector, 0, ARRAY_LEN(selector_rows));
	suite_add_tcase(s, tc);
	return s;
}
