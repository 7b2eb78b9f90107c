/* Messages of protobuf in JSON: values that pass for what they are not. What is read of the texts
   of bundles and trusted roots is tested there. */
#include "test/unit/verify/vectors.h"
#include "verify/protojson.h"

Suite *suite_protojson(void);

#define OTHER "' is of another type"

static const struct verify_pj_field fields[] = {
	{"text", NULL, VERIFY_PJ_STRING},
	{"bytes", NULL, VERIFY_PJ_BYTES},
	{"number", NULL, VERIFY_PJ_INT},
	{"choice", "other_choice", VERIFY_PJ_ENUM},
	{"texts", NULL, VERIFY_PJ_STRINGS},
	{0},
};

static const struct {
	const char *name, *value, *why; /* NULL: fine */
} rows[] = {
	{"text", "\"a\"", NULL},
	{"text", "\"\"", NULL},
	{"bytes", "\"AAAA\"", NULL},
	{"number", "\"7\"", NULL},
	{"choice", "\"A_1\"", NULL},
	{"choice", "7", NULL},
	{"texts", "{\"a\":\"b\"}", NULL},
	/* Whoever reads up to a NUL reads another text than whoever has signed it. */
	{"text", "\"a\\u0000b\"", "'text" OTHER},
	{"bytes", "\"AAAA\\u0000#\"", "'bytes': malformed base64"},
	{"number", "\"7\\u00001\"", "'number" OTHER},
	{"choice", "\"A\\u0000B\"", "'choice" OTHER},
	{"texts", "{\"a\":\"b\\u0000c\"}", "'texts" OTHER},
	{"text", "7", "'text" OTHER},
	{"choice", "\"\"", "'choice" OTHER},
	{"choice", "[]", "'choice" OTHER},
	{"choice", "{}", "'choice" OTHER},
	{"choice", "true", "'choice" OTHER},
	{"choice", "1.5", "'choice" OTHER},
	{"choice", "\"A B\"", "'choice" OTHER},
};

START_TEST(test_rows)
{
	json_t *o = json_object(),
	       *value = json_loads(rows[_i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct err err = {0};
	int rc;

	ck_assert(value);
	json_object_set_new(o, rows[_i].name, value);
	rc = verify_pj_check(o, fields, "it", &err);
	ck_assert_msg(!rc == !rows[_i].why, "row %d: %s", _i, err.msg);
	if (rc)
		ck_assert_str_eq(err.msg, rows[_i].why);
	json_decref(o);
}
END_TEST

/* null is as good as not there, under both names. */
START_TEST(test_null)
{
	static const char *const texts[] = {"{}", "{\"choice\":null}", "{\"other_choice\":null}"};
	json_t *o = json_loads(texts[_i], 0, NULL);
	struct err err = {0};

	ck_assert_msg(!verify_pj_check(o, fields, "it", &err), "%s", err.msg);
	ck_assert_ptr_null(verify_pj_get(o, fields, "choice"));
	json_decref(o);
}
END_TEST

Suite *suite_protojson(void)
{
	Suite *s = suite_create("protojson");
	TCase *tc = tcase_create("protojson");

	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, test_null, 0, 3);
	suite_add_tcase(s, tc);
	return s;
}
