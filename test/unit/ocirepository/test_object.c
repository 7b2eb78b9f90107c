#include "controllers/ocirepository/object.h"

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
	auto_json json_t *o = parse(
		"{\"spec\":{\"url\":\"oci://r/a\",\"interval\":\"5m\",\"ignore\":\"\","
		"\"ref\":{\"semver\":\">=1\",\"tag\":\"\",\"semverFilter\":\"x\"},"
		"\"layerSelector\":{\"operation\":\"copy\",\"mediaType\":\"\"},"
		"\"secretRef\":{\"name\":\"s\"},\"insecure\":true,\"provider\":\"generic\"}}");
	struct ocirepo_spec s;
	struct err err = {0};

	ck_assert_int_eq(ocirepo_spec_read(&s, o, &err), 0);
	ck_assert_str_eq(s.url, "oci://r/a");
	ck_assert_str_eq(s.semver, ">=1");
	ck_assert_str_eq(s.semver_filter, "x");
	ck_assert_ptr_null(s.tag);
	ck_assert_str_eq(s.ignore, "");
	ck_assert(s.copy && s.insecure && !s.suspend);
	ck_assert_ptr_null(s.layer_type);
	ck_assert_str_eq(s.secret, "s");
	ck_assert_int_eq(s.interval_ms, 300000);
	ck_assert_int_eq(s.timeout_ms, 60000);
	ck_assert_ptr_null(s.not_built);
}
END_TEST

START_TEST(test_not_built)
{
	static const struct {
		const char *spec, *field;
	} rows[] = {
		{"{\"verify\":{\"provider\":\"cosign\"}}", "verify"},
		{"{\"serviceAccountName\":\"x\"}", "serviceAccountName"},
		{"{\"certSecretRef\":{\"name\":\"x\"}}", "certSecretRef"},
		{"{\"proxySecretRef\":{\"name\":\"x\"}}", "proxySecretRef"},
		{"{\"provider\":\"aws\"}", "provider"},
		{"{\"provider\":\"generic\",\"serviceAccountName\":\"\"}", NULL},
	};
	auto_free char *text = mem_printf("{\"spec\":%s}", rows[_i].spec);
	auto_json json_t *o = parse(text);
	struct ocirepo_spec s;
	struct err err = {0};

	ck_assert_int_eq(ocirepo_spec_read(&s, o, &err), 0);
	ck_assert_msg(
		rows[_i].field ? s.not_built && !strcmp(s.not_built, rows[_i].field) : !s.not_built,
		"%s: got %s", rows[_i].spec, s.not_built ? s.not_built : "nothing");
}
END_TEST

START_TEST(test_bad_duration)
{
	auto_json json_t *o = parse("{\"spec\":{\"interval\":\"soon\"}}");
	struct ocirepo_spec s;
	struct err err = {0};

	ck_assert_int_eq(ocirepo_spec_read(&s, o, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_str_eq(err.msg, "spec.interval: 'soon' is not a duration");
}
END_TEST

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* What no registry can mend waits for another spec, and the message names the field. */
START_TEST(test_stalls)
{
	static const struct {
		const char *spec, *message; /* NULL: it is taken */
	} rows[] = {
		{"\"timeout\":\"0s\"", "spec.timeout: '0s' leaves no time for a request"},
		{"\"timeout\":\"0.4ms\"", "spec.timeout: '0.4ms' leaves no time for a request"},
		{"\"timeout\":\"-1s\"", "spec.timeout: '-1s' leaves no time for a request"},
		{"\"timeout\":\"9999999999999h\"",
			"spec.timeout: '9999999999999h' is not a duration"},
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
	auto_free char *text = mem_printf("{\"spec\":{%s}}", rows[_i].spec);
	auto_json json_t *o = parse(text);
	struct ocirepo_spec s;
	struct err err = {0};
	int rc = ocirepo_spec_read(&s, o, &err);

	ck_assert_msg(!rc == !rows[_i].message, "%s: %d %s", rows[_i].spec, rc, err.msg);
	ck_assert_int_ge(s.timeout_ms, 1); /* a restore may still need it */
	if (!rc)
		return;
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(!strncmp(err.msg, rows[_i].message, strlen(rows[_i].message)), "%s: %s",
		rows[_i].spec, err.msg);
}
END_TEST

/* 100 objects of 1 MiB each would be 100 MiB, for as long as they are there. */
START_TEST(test_too_large)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	auto_free char *kept = NULL;
	json_t *o, *back;
	bool whole;
	size_t i;

	buf_adds(&text,
		"{\"metadata\":{\"name\":\"n\",\"generation\":3},\"spec\":{\"url\":\"oci://h/r\","
		"\"interval\":\"1m\",\"suspend\":true,\"ignore\":\"");
	for (i = 0; i < LIMIT_OBJECT_KEPT; i++)
		buf_addc(&text, 'x');
	buf_adds(&text,
		"\"},\"status\":{\"conditions\":[],\"artifact\":{\"path\":\"p\",\"metadata\":{}}}"
		"}");
	o = parse(buf_str(&text));
	kept = ocirepo_compact(o, &whole);
	ck_assert(!whole);
	ck_assert_uint_lt(strlen(kept), 1000);
	back = parse(kept);
	ck_assert_int_eq(ocirepo_generation(back), 3);
	ck_assert_str_eq(obj_str(back, "status", "artifact", "path"), "p");
	json_decref(o);
	json_decref(back);
}
END_TEST

START_TEST(test_compact)
{
	auto_json json_t *o = parse(
		"{\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"n\",\"namespace\":\"x\",\"uid\":"
		"\"u\","
		"\"resourceVersion\":\"7\",\"generation\":2,\"managedFields\":[1],\"labels\":{"
		"\"a\":\"b\"},"
		"\"annotations\":{\"kubectl.kubernetes.io/last-applied-configuration\":\"...\","
		"\"reconcile.fluxcd.io/requestedAt\":\"now\",\"event.toolkit.fluxcd.io/"
		"env\":\"prod\"}},"
		"\"spec\":{\"url\":\"u\"},\"status\":{\"x\":1}}");
	bool whole;
	auto_free char *text = ocirepo_compact(o, &whole);
	auto_json json_t *back = parse(text);

	ck_assert_str_eq(ocirepo_requested_at(back), "now");
	ck_assert_int_eq(ocirepo_generation(back), 2);
	ck_assert(!ocirepo_deleting(back));
	ck_assert_uint_eq(json_object_size(obj_get(back, "metadata", "annotations")), 2);
	ck_assert_ptr_null(obj_get(back, "metadata", "managedFields"));
	ck_assert_ptr_null(obj_get(back, "metadata", "labels"));
	ck_assert(json_equal(obj_get(back, "spec"), obj_get(o, "spec")));
	ck_assert(json_equal(obj_get(back, "status"), obj_get(o, "status")));
}
END_TEST

START_TEST(test_selector)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {{"null", "null", true}, {"{}", "null", false},
		{"{}", "{\"mediaType\":\"\"}", true},
		{"{\"mediaType\":\"a\"}", "{\"mediaType\":\"a\",\"operation\":\"copy\"}", false},
		{"{\"mediaType\":\"a\",\"operation\":\"copy\"}",
			"{\"operation\":\"copy\",\"mediaType\":\"a\"}", true}};
	auto_json json_t *a = parse(rows[_i].a), *b = parse(rows[_i].b);

	ck_assert_msg(
		ocirepo_selector_equal(a, b) == rows[_i].equal, "%s %s", rows[_i].a, rows[_i].b);
}
END_TEST

Suite *suite_object(void);
Suite *suite_object(void)
{
	Suite *s = suite_create("object");
	TCase *tc = tcase_create("object");

	tcase_add_test(tc, test_spec);
	tcase_add_loop_test(tc, test_not_built, 0, 6);
	tcase_add_test(tc, test_bad_duration);
	tcase_add_loop_test(tc, test_stalls, 0, 12);
	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_compact);
	tcase_add_loop_test(tc, test_selector, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}
