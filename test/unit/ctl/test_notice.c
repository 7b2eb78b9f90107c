#include "ctl/notice.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/event.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_notice(void);

static const struct event_about ABOUT = {"source.toolkit.fluxcd.io/v1", "OCIRepository", "apps",
	"web", "11111111-2222-3333-4444-555555555555", "7", NULL};

/* Free it. */
static char *written(bool error, const char *reason, const char *message,
	const struct event_annotation *notes, const json_t *annotations)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	clock_fake(1800000000123);
	notice_write(&(struct notice){&ABOUT, error, reason, message, notes, annotations},
		"source-controller", "source-controller-7d9f", &b);
	ck_assert_uint_le(b.len, LIMIT_NOTICE);
	return buf_take(&b);
}

static json_t *parsed(const char *text)
{
	struct err err = {0};
	json_t *o = obj_parse(text, strlen(text), "notice", &err);

	ck_assert_msg(o != NULL, "%s: %.200s", err.msg, text);
	return o;
}

#define HEAD \
	"{\"involvedObject\":{\"kind\":\"OCIRepository\",\"namespace\":\"apps\"," \
	"\"name\":\"web\",\"uid\":\"11111111-2222-3333-4444-555555555555\"," \
	"\"apiVersion\":\"source.toolkit.fluxcd.io/v1\",\"resourceVersion\":\"7\"}," \
	"\"severity\":"
#define TIME "\"timestamp\":\"2027-01-15T08:00:00Z\","
#define FROM \
	"\"reportingController\":\"source-controller\"," \
	"\"reportingInstance\":\"source-controller-7d9f\","

START_TEST(test_exactly)
{
	const struct event_annotation notes[] = {
		{"source.toolkit.fluxcd.io/revision", "1.0@sha256:ab"}, {NULL, NULL}};
	auto_json json_t *annotations = parsed(
		"{\"event.toolkit.fluxcd.io/team\":\"a \\\"b\\\"\",\"other.io/x\":\"y\","
		"\"event.toolkit.fluxcd.io.evil/x\":\"y\",\"reconcile.fluxcd.io/requestedAt\":"
		"\"now\"}");
	auto_free char *info = written(false, "NewArtifact", "stored 'x'\n", notes, annotations);
	auto_free char *error = written(true, "URLInvalid", "no", NULL, NULL);

	ck_assert_str_eq(info,
		HEAD "\"info\"," TIME
		     "\"message\":\"stored 'x'\\n\",\"reason\":\"NewArtifact\"," FROM
		     "\"metadata\":{\"source.toolkit.fluxcd.io/revision\":\"1.0@sha256:ab\","
		     "\"event.toolkit.fluxcd.io/team\":\"a \\\"b\\\"\"}}");
	ck_assert_str_eq(error,
		HEAD "\"error\"," TIME "\"message\":\"no\",\"reason\":\"URLInvalid\"," FROM
		     "\"metadata\":{}}");
}
END_TEST

/* What has no room is left out, whatever it is; what comes after and has room is there. */
START_TEST(test_hostile_annotations)
{
	const struct event_annotation notes[] = {
		{"source.toolkit.fluxcd.io/digest", "sha256:ab"}, {NULL, NULL}};
	auto_json json_t *all = json_object(), *o = NULL;
	auto_free char *big = mem_alloc(200001), *text = NULL;
	char key[64];
	const json_t *metadata;
	size_t i;

	memset(big, '\x01', 200000); /* six bytes each */
	big[200000] = '\0';
	json_object_set_new(all, "event.toolkit.fluxcd.io/huge", json_string(big));
	big[20000] = '\0';
	json_object_set_new(all, "event.toolkit.fluxcd.io/escaped", json_string(big));
	json_object_set_new(all, "event.toolkit.fluxcd.io/small", json_string("x"));
	json_object_set_new(all, "event.toolkit.fluxcd.io/nul", json_stringn("a\0b", 3));
	json_object_set_new(all, "event.toolkit.fluxcd.io/number", json_integer(3));
	json_object_set_new(all, "event.toolkit.fluxcd.io/", json_string("bare"));
	for (i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "event.toolkit.fluxcd.io/n%zu", i);
		json_object_set_new(all, key, json_string("0123456789012345678901234567890"));
	}
	text = written(true, "R", "m", notes, all);
	o = parsed(text);
	metadata = obj_get(o, "metadata");
	ck_assert_str_eq(obj_str(metadata, "source.toolkit.fluxcd.io/digest"), "sha256:ab");
	ck_assert_str_eq(obj_str(metadata, "event.toolkit.fluxcd.io/small"), "x");
	ck_assert_str_eq(obj_str(metadata, "event.toolkit.fluxcd.io/"), "bare");
	ck_assert_ptr_null(obj_get(metadata, "event.toolkit.fluxcd.io/huge"));
	ck_assert_ptr_null(obj_get(metadata, "event.toolkit.fluxcd.io/escaped"));
	ck_assert_ptr_null(obj_get(metadata, "event.toolkit.fluxcd.io/nul"));
	ck_assert_ptr_null(obj_get(metadata, "event.toolkit.fluxcd.io/number"));
	ck_assert_ptr_nonnull(obj_get(metadata, "event.toolkit.fluxcd.io/n0"));
	ck_assert_uint_gt(strlen(text), LIMIT_NOTICE - 200);
}
END_TEST

START_TEST(test_message)
{
	auto_free char *big = mem_alloc(100001), *text = NULL, *odd = NULL;
	auto_json json_t *o = NULL, *p = NULL;

	memset(big, '\x02', 100000);
	big[100000] = '\0';
	text = written(true, "R", big, NULL, NULL);
	o = parsed(text);
	ck_assert_uint_eq(strlen(obj_str(o, "message")), 8192);
	odd = written(true, "R", "no \xff utf-8", NULL, NULL);
	p = parsed(odd);
	ck_assert_str_eq(obj_str(p, "message"), "no ? utf-8");
}
END_TEST

Suite *suite_notice(void)
{
	Suite *s = suite_create("notice");
	TCase *tc = tcase_create("notice");

	tcase_add_test(tc, test_exactly);
	tcase_add_test(tc, test_hostile_annotations);
	tcase_add_test(tc, test_message);
	suite_add_tcase(s, tc);
	return s;
}
