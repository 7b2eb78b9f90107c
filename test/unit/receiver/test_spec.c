/* What is read of a spec, and what is wrong with it. */
#include "controllers/receiver/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_spec(void);

#define HEAD "\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},"

/* spec: without braces. */
static struct receiver_spec *read_spec(const char *annotations, const char *spec)
{
	auto_free char *text = mem_printf(
		"{\"metadata\":{\"annotations\":{%s}},\"spec\":{%s}}", annotations, spec);
	struct err err = {0};
	auto_json json_t *obj = obj_parse_api(text, strlen(text), "test", &err);

	ck_assert_msg(obj != NULL, "%s", err.msg);
	return RECEIVER_SPEC(receiver_spec_new(obj));
}

/* spec: with a %s where the text goes. */
static struct receiver_spec *read_long(const char *spec, const char *piece, size_t n)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY), all = BUF_INIT(BUF_ANY);
	const char *at = strstr(spec, "%s");

	while (n--)
		buf_adds(&b, piece);
	buf_add(&all, spec, (size_t)(at - spec));
	buf_add(&all, b.p, b.len);
	buf_adds(&all, at + 2);
	return read_spec("", buf_str(&all));
}

START_TEST(test_read)
{
	struct receiver_spec *s = read_spec("",
		HEAD
		"\"events\":[\"push\",\"ping\"],\"resourceFilter\":\"true\",\"resources\":["
		"{\"kind\":\"Bucket\",\"name\":\"*\",\"matchLabels\":{\"a/b\":\"c\",\"d\":\"\"},"
		"\"filter\":\"false\"},"
		"{\"apiVersion\":\"helm.toolkit.fluxcd.io/v2\",\"kind\":\"HelmRelease\","
		"\"name\":\"x.y\",\"namespace\":\"n\"}]");
	struct receiver_resource *r = s->resources.p;

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_int_eq(s->spec.interval_ms, 600000);
	ck_assert_str_eq(s->secret, "t");
	ck_assert_str_eq(s->events[1], "ping");
	ck_assert_ptr_null(s->events[2]);
	ck_assert(s->filtered && !s->feeds && !s->selects);
	ck_assert_str_eq(r->group, "source.toolkit.fluxcd.io");
	ck_assert_str_eq(r->version, "v1");
	ck_assert_str_eq(r->selector, "a/b=c,d=");
	ck_assert_ptr_null(r->name);
	ck_assert_str_eq(r->filter, "false");
	r++;
	ck_assert_str_eq(r->target->plural, "helmreleases");
	ck_assert_str_eq(r->version, "v2");
	ck_assert_str_eq(r->name, "x.y");
	ck_assert_str_eq(r->ns, "n");
	ck_assert_ptr_null(r->wrong);
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *resource, *wrong;
} RESOURCES[] = {
	{"\"kind\":\"Toy\",\"name\":\"a\"", "there is no such kind"},
	{"\"kind\":\"Bucket\",\"name\":\"a/b\"", "its name is none"},
	{"\"kind\":\"Bucket\",\"name\":\"..\"", "its name is none"},
	{"\"kind\":\"Bucket\",\"name\":\"\"", "its name is none"},
	{"\"kind\":\"Bucket\",\"name\":\"a\",\"namespace\":\"a/b\"", "its namespace is none"},
	{"\"kind\":\"Bucket\",\"name\":\"a\",\"namespace\":\"*\"", "its namespace is none"},
	{"\"kind\":\"Bucket\",\"name\":\"a\",\"apiVersion\":\"a/b/c\"", "its apiVersion is none"},
	{"\"kind\":\"Bucket\",\"name\":\"a\",\"apiVersion\":\"../v1\"", "its apiVersion is none"},
	{"\"kind\":\"Bucket\",\"name\":\"a\",\"apiVersion\":\"g.x/v1?a\"",
		"its apiVersion is none"},
	{"\"kind\":\"Kustomization\",\"name\":\"a\"", "apiVersion has to be given for its kind"},
	{"\"kind\":\"Bucket\",\"name\":\"*\"", "with the name '*' it needs matchLabels"},
	{"\"kind\":\"Bucket\",\"name\":\"*\",\"matchLabels\":[]",
		"with the name '*' it needs matchLabels"},
	{"\"kind\":\"Bucket\",\"name\":\"*\",\"matchLabels\":{\"a\":\"b,c=d\"}",
		"its matchLabels hold what is no label"},
	{"\"kind\":\"Bucket\",\"name\":\"*\",\"matchLabels\":{\"a\":1}",
		"its matchLabels hold what is no label"},
};

/* Such a resource fails by itself: the object is fine. */
START_TEST(test_wrong_resource)
{
	auto_free char *text = mem_printf(HEAD "\"resources\":[{%s}]", RESOURCES[_i].resource);
	struct receiver_spec *s = read_spec("", text);

	ck_assert_ptr_null(s->spec.wrong);
	ck_assert_str_eq(s->resources.p[0].wrong, RESOURCES[_i].wrong);
	spec_unref(&s->spec);
}
END_TEST

static const struct {
	const char *spec, *piece;
	size_t n;
	const char *wrong; /* NULL: nothing is */
} LONG[] = {
	{HEAD "\"resources\":[%s{}]", "{},", LIMIT_RECEIVER_RESOURCES - 1, NULL},
	{HEAD "\"resources\":[%s{}]", "{},", LIMIT_RECEIVER_RESOURCES, "spec.resources has 1001"},
	{HEAD "\"resources\":[],\"resourceFilter\":\"%s\"", "x", LIMIT_RECEIVER_FILTERS, NULL},
	{HEAD "\"resources\":[],\"resourceFilter\":\"%s\"", "x", LIMIT_RECEIVER_FILTERS + 1,
		"the filters are longer"},
	{HEAD "\"resources\":[{\"filter\":\"xxxxxxxxx\"},{\"filter\":\"%s\"}]", "x",
		LIMIT_RECEIVER_FILTERS - 8, "the filters are longer"},
	{HEAD "\"resources\":[{\"kind\":\"%s\"}]", "x", LIMIT_SPEC_TEXT + 1,
		"spec.resources[].kind is longer"},
	{HEAD "\"resources\":[],\"events\":[\"%s\"]", "x", LIMIT_SPEC_TEXT + 1,
		"spec.events[] is longer"},
	{HEAD "\"resources\":[],\"events\":[%s\"x\"]", "\"x\",", LIMIT_RECEIVER_RESOURCES,
		"spec.events has more"},
	{"\"type\":\"%s\",\"secretRef\":{\"name\":\"t\"},\"resources\":[]", "x", 100000,
		"is not known"},
	{HEAD "\"resources\":[],\"interval\":\"%s\"", "1h", 3, NULL},
	{HEAD "\"resources\":[],\"resourceFilter\":\"a%s\"", "\\u0000", 1, "NUL"},
};

START_TEST(test_limits)
{
	struct receiver_spec *s = read_long(LONG[_i].spec, LONG[_i].piece, LONG[_i].n);

	if (LONG[_i].wrong) {
		ck_assert_ptr_nonnull(s->spec.wrong);
		ck_assert_msg(strstr(s->spec.wrong->msg, LONG[_i].wrong) != NULL, "%s",
			s->spec.wrong->msg);
		ck_assert_int_eq(s->spec.wrong->kind, ERR_STALL);
	} else {
		ck_assert_msg(!s->spec.wrong, "%s", s->spec.wrong->msg);
	}
	spec_unref(&s->spec);
}
END_TEST

START_TEST(test_annotation)
{
	static const struct {
		const char *annotation;
		bool feeds, selects;
	} rows[] = {{"", false, false},
		{"\"oci-source-controller/payload\":\"select\"", true, true},
		{"\"oci-source-controller/payload\":\"\"", true, false}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct receiver_spec *s = read_spec(rows[i].annotation, HEAD "\"resources\":[]");

		ck_assert_int_eq(s->feeds, rows[i].feeds);
		ck_assert_int_eq(s->selects, rows[i].selects);
		spec_unref(&s->spec);
	}
}
END_TEST

Suite *suite_spec(void)
{
	Suite *s = suite_create("spec");
	TCase *t = tcase_create("all");

	tcase_add_test(t, test_read);
	tcase_add_loop_test(t, test_wrong_resource, 0, (int)ARRAY_LEN(RESOURCES));
	tcase_add_loop_test(t, test_limits, 0, (int)ARRAY_LEN(LONG));
	tcase_add_test(t, test_annotation);
	suite_add_tcase(s, t);
	return s;
}
