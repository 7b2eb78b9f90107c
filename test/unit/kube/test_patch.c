#include "kube/patch.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static json_t *parse(const char *text)
{
	json_error_t why;
	json_t *o = text ? json_loads(text, JSON_DECODE_ANY, &why) : NULL;

	ck_assert_msg(!text || o, "'%s': %s", text, why.text);
	return o;
}

static void same(const char *what, json_t *got, const char *want)
{
	json_t *w = parse(want);
	char *text = got ? json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	ck_assert_msg((!got && !w) || json_equal(got, w), "%s: got '%s', want '%s'", what,
		text ? text : "nothing", want ? want : "nothing");
	free(text);
	json_decref(w);
}

/* RFC 7396 section 2, written down again for the test. */
static json_t *apply(json_t *target, const json_t *patch)
{
	json_t *out, *v;
	const char *key;

	if (!json_is_object(patch))
		return json_deep_copy(patch);
	out = json_is_object(target) ? json_deep_copy(target) : json_object();
	json_object_foreach ((json_t *)(uintptr_t)patch, key, v) {
		if (json_is_null(v))
			json_object_del(out, key);
		else
			json_object_set_new(out, key, apply(json_object_get(out, key), v));
	}
	return out;
}

static const struct {
	const char *from, *to, *want;
	const char *after; /* NULL: `to` itself */
} DIFFS[] = {
	{"{}", "{}", NULL, NULL},
	{"{\"a\":1}", "{\"a\":1}", NULL, NULL},
	{"{\"a\":1}", "{\"a\":2}", "{\"a\":2}", NULL},
	{"{\"a\":1}", "{}", "{\"a\":null}", NULL},
	{"{}", "{\"a\":1}", "{\"a\":1}", NULL},
	{"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1,\"c\":3}}", "{\"a\":{\"c\":3}}", NULL},
	{"{\"a\":{\"b\":1}}", "{\"a\":{\"c\":1}}", "{\"a\":{\"b\":null,\"c\":1}}", NULL},
	{"{\"a\":{\"b\":1}}", "{\"a\":5}", "{\"a\":5}", NULL},
	{"{\"a\":5}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}", NULL},
	{"{\"a\":[1,2]}", "{\"a\":[1,2,3]}", "{\"a\":[1,2,3]}", NULL},
	{"{\"a\":[1,2]}", "{\"a\":[1,2]}", NULL, NULL},
	{"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}", NULL},
	{"{}", "{\"a\":{}}", "{\"a\":{}}", NULL},
	/* null is absent */
	{"{\"a\":null}", "{}", NULL, "{\"a\":null}"},
	{"{}", "{\"a\":null}", NULL, "{}"},
	{"{\"a\":1}", "{\"a\":null}", "{\"a\":null}", "{}"},
	{"{}", "{\"a\":{\"b\":null,\"c\":1}}", "{\"a\":{\"c\":1}}", "{\"a\":{\"c\":1}}"},
	{"{\"a\":{\"c\":1}}", "{\"a\":{\"b\":null,\"c\":1}}", NULL, "{\"a\":{\"c\":1}}"},
	{"{\"a\":true,\"b\":\"x\"}", "{\"a\":false,\"b\":\"y\"}", "{\"a\":false,\"b\":\"y\"}",
		NULL},
	{"{\"a\":1}", "{\"a\":1.0}", "{\"a\":1.0}", NULL},
};

START_TEST(test_diff)
{
	json_t *from = parse(DIFFS[_i].from), *to = parse(DIFFS[_i].to), *d, *after;

	d = kube_merge_diff(from, to);
	same(DIFFS[_i].from, d, DIFFS[_i].want);
	after = d ? apply(from, d) : json_incref(from);
	same("applied", after, DIFFS[_i].after ? DIFFS[_i].after : DIFFS[_i].to);
	json_decref(after);
	json_decref(d);
	json_decref(from);
	json_decref(to);
}
END_TEST

#define META "\"metadata\":{\"uid\":\"u\",\"resourceVersion\":\"7\""

START_TEST(test_status)
{
	static const struct {
		const char *obj, *status, *want;
	} rows[] = {
		{"{" META "}}", "{\"a\":1}", "{" META "},\"status\":{\"a\":1}}"},
		{"{" META "},\"status\":{\"a\":1,\"b\":2}}", "{\"a\":1}",
			"{" META "},\"status\":{\"b\":null}}"},
		{"{" META "},\"status\":{\"a\":1}}", "{\"a\":1}", NULL},
		{"{" META "},\"status\":{\"a\":1}}", NULL, "{" META "},\"status\":{\"a\":null}}"},
		{"{" META "},\"status\":\"odd\"}", "{\"a\":1}", "{" META "},\"status\":{\"a\":1}}"},
		{"{" META "}}", NULL, NULL},
	};
	json_t *obj = parse(rows[_i].obj), *status = parse(rows[_i].status);
	json_t *got = kube_patch_status(obj, status);

	same(rows[_i].obj, got, rows[_i].want);
	json_decref(got);
	same("untouched", obj, rows[_i].obj);
	json_decref(obj);
	json_decref(status);
}
END_TEST

START_TEST(test_finalizers)
{
	static const struct {
		const char *list;
		bool has;
		const char *added, *removed;
	} rows[] = {
		{"", false, "{" META ",\"finalizers\":[\"f\"]}}", NULL},
		{",\"finalizers\":[]", false, "{" META ",\"finalizers\":[\"f\"]}}", NULL},
		{",\"finalizers\":[\"x\",\"y\"]", false,
			"{" META ",\"finalizers\":[\"x\",\"y\",\"f\"]}}", NULL},
		{",\"finalizers\":[\"x\",\"f\",\"y\"]", true, NULL,
			"{" META ",\"finalizers\":[\"x\",\"y\"]}}"},
		{",\"finalizers\":[\"f\"]", true, NULL, "{" META ",\"finalizers\":null}}"},
		{",\"finalizers\":[\"f\",\"f\"]", true, NULL, "{" META ",\"finalizers\":null}}"},
	};
	char *text = mem_printf("{" META "%s}}", rows[_i].list);
	json_t *obj = parse(text), *got;

	ck_assert_int_eq(kube_has_finalizer(obj, "f"), rows[_i].has);
	got = kube_patch_finalizer_add(obj, "f");
	same("add", got, rows[_i].added);
	json_decref(got);
	got = kube_patch_finalizer_remove(obj, "f");
	same("remove", got, rows[_i].removed);
	json_decref(got);
	json_decref(obj);
	free(text);
}
END_TEST

Suite *suite_patch(void);
Suite *suite_patch(void)
{
	Suite *s = suite_create("patch");
	TCase *tc = tcase_create("patch");

	tcase_add_loop_test(tc, test_diff, 0, (int)ARRAY_LEN(DIFFS));
	tcase_add_loop_test(tc, test_status, 0, 6);
	tcase_add_loop_test(tc, test_finalizers, 0, 6);
	suite_add_tcase(s, tc);
	return s;
}
