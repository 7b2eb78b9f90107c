#include "ctl/object.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"

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

static void keep_name(const json_t *status, json_t *kept)
{
	object_member_keep(kept, status, "name");
	object_member_keep(kept, status, "nothing");
}

/* 100 objects of 1 MiB each would be 100 MiB, for as long as they are there. */
START_TEST(test_too_large)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	auto_free char *kept = NULL;
	json_t *o, *back;
	bool whole;
	size_t i;

	buf_adds(&text,
		"{\"metadata\":{\"name\":\"n\",\"generation\":3},\"status\":{\"conditions\":[],"
		"\"observedIgnore\":\"");
	for (i = 0; i < LIMIT_OBJECT_KEPT; i++)
		buf_addc(&text, 'x');
	buf_adds(&text, "\",\"name\":\"x\",\"artifact\":{\"path\":\"p\"}}}");
	o = parse(buf_str(&text));
	kept = object_text(o, 0, keep_name, &whole);
	ck_assert(!whole);
	ck_assert_uint_lt(strlen(kept), 1000);
	back = parse(kept);
	ck_assert_int_eq(object_generation(back), 3);
	/* What the framework reads, and what the kind says. */
	ck_assert_uint_eq(json_object_size(obj_get(back, "status")), 2);
	ck_assert_ptr_nonnull(obj_get(back, "status", "conditions"));
	ck_assert_str_eq(obj_str(back, "status", "name"), "x");
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
	auto_free char *text = object_text(o, 0, NULL, &whole);
	auto_json json_t *back = parse(text);

	ck_assert_str_eq(object_requested_at(back), "now");
	ck_assert_int_eq(object_generation(back), 2);
	ck_assert(!object_deleting(back));
	ck_assert_uint_eq(json_object_size(obj_get(back, "metadata", "annotations")), 2);
	ck_assert_ptr_null(obj_get(back, "metadata", "managedFields"));
	ck_assert_ptr_null(obj_get(back, "metadata", "labels"));
	ck_assert_ptr_null(obj_get(back, "spec"));
	ck_assert(json_equal(obj_get(back, "status"), obj_get(o, "status")));
}
END_TEST

/* What stands beside the text counts, too. */
START_TEST(test_room)
{
	auto_json json_t *o = parse("{\"metadata\":{\"name\":\"n\"},\"status\":{\"x\":1}}");
	char *text;
	bool whole;

	text = object_text(o, 1000, NULL, &whole);
	ck_assert(whole);
	free(text);
	text = object_text(o, LIMIT_OBJECT_KEPT, NULL, &whole);
	ck_assert(!whole);
	ck_assert_ptr_null(strstr(text, "\"x\""));
	free(text);
}
END_TEST

Suite *suite_object(void);
Suite *suite_object(void)
{
	Suite *s = suite_create("object");
	TCase *tc = tcase_create("object");

	tcase_add_test(tc, test_too_large);
	tcase_add_test(tc, test_compact);
	tcase_add_test(tc, test_room);
	suite_add_tcase(s, tc);
	return s;
}
