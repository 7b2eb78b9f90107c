#include "base/mem.h"
#include "base/obj.h"
#include "embedded/schema.h"
#include "embedded/status.h"
#include "rig.h"

#include <string.h>

Suite *suite_schema(void);

#define OBJ(props) "{\"type\":\"object\",\"properties\":{" props "}}"

#define RULED \
	"{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true," \
	"\"x-kubernetes-validations\":[{\"rule\":\"self.type == 'generic-oidc' || " \
	"has(self.secretRef)\",\"message\":\"m\"}]}"

/* schema, object, the object after pruning and defaults, unknown fields, causes as "field
   reason|" */
static const struct {
	const char *name, *schema, *in, *out, *unknown, *causes;
} ROWS[] = {
	{"unknown fields go, with their paths",
		OBJ("\"a\":" OBJ("\"b\":{\"type\":\"string\"}") ",\"l\":{\"type\":\"array\","
								"\"items\":" OBJ(
									"\"x\":{\"type\":"
									"\"string\"}") "}"),
		"{\"a\":{\"b\":\"1\",\"c\":2},\"z\":1,\"l\":[{\"x\":\"y\",\"q\":{\"r\":1}}]}",
		"{\"a\":{\"b\":\"1\"},\"l\":[{\"x\":\"y\"}]}", "a.c|z|l[0].q|", ""},
	{"the root's own three are kept", OBJ(""),
		"{\"apiVersion\":\"v\",\"kind\":\"k\",\"metadata\":{\"x\":1},\"y\":1}",
		"{\"apiVersion\":\"v\",\"kind\":\"k\",\"metadata\":{\"x\":1}}", "y|", ""},
	{"additionalProperties keep any name and are looked into",
		"{\"type\":\"object\",\"additionalProperties\":" OBJ(
			"\"a\":{\"type\":\"string\"}") "}",
		"{\"m\":{\"a\":\"1\",\"b\":2}}", "{\"m\":{\"a\":\"1\"}}", "m.b|", ""},
	{"x-kubernetes-preserve-unknown-fields",
		"{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}",
		"{\"m\":[1]}", "{\"m\":[1]}", "", ""},
	{"null that is not nullable goes, then the default comes",
		OBJ("\"a\":{\"type\":\"string\",\"default\":\"d\"},\"b\":{\"type\":\"string\"},"
		    "\"c\":{\"type\":\"string\",\"nullable\":true}"),
		"{\"a\":null,\"b\":null,\"c\":null}", "{\"a\":\"d\",\"c\":null}", "", ""},
	{"defaults in what is there, not in what is not",
		OBJ("\"a\":" OBJ("\"b\":{\"type\":\"integer\",\"default\":7}") ",\"c\":" OBJ(
			"\"d\":{\"type\":\"integer\",\"default\":8}")),
		"{\"a\":{}}", "{\"a\":{\"b\":7}}", "", ""},
	{"a default that brings defaults",
		OBJ("\"a\":{\"type\":\"object\",\"default\":{},\"properties\":{\"b\":{\"type\":"
		    "\"integer\",\"default\":7}}}"),
		"{}", "{\"a\":{\"b\":7}}", "", ""},
	{"types",
		OBJ("\"s\":{\"type\":\"string\"},\"i\":{\"type\":\"integer\"},\"n\":{\"type\":"
		    "\"number\"},\"b\":{\"type\":\"boolean\"},"
		    "\"o\":{\"type\":\"object\"},\"l\":{\"type\":\"array\"},\"x\":{\"x-kubernetes-"
		    "int-or-string\":true}"),
		"{\"s\":1,\"i\":1.5,\"n\":\"1\",\"b\":\"true\",\"o\":[],\"l\":{},\"x\":true}",
		"{\"s\":1,\"i\":1.5,\"n\":\"1\",\"b\":\"true\",\"o\":[],\"l\":{},\"x\":true}", "",
		"s FieldValueTypeInvalid|i FieldValueTypeInvalid|n FieldValueTypeInvalid|b "
		"FieldValueTypeInvalid|"
		"o FieldValueTypeInvalid|l FieldValueTypeInvalid|x FieldValueTypeInvalid|"},
	{"types that fit",
		OBJ("\"i\":{\"type\":\"integer\"},\"n\":{\"type\":\"number\"},\"x\":{\"x-"
		    "kubernetes-int-or-string\":true},"
		    "\"y\":{\"x-kubernetes-int-or-string\":true,\"anyOf\":[{\"type\":\"integer\"},{"
		    "\"type\":\"string\"}]}"),
		"{\"i\":2.0,\"n\":1,\"x\":1,\"y\":\"1\"}",
		"{\"i\":2.0,\"n\":1,\"x\":1,\"y\":\"1\"}", "", ""},
	{"required, at any depth",
		"{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":"
		"\"string\"},\"l\":{\"type\":\"array\",\"items\":"
		"{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"x\":{\"type\":"
		"\"string\"}}}}}}",
		"{\"l\":[{\"x\":\"\"},{}]}", "{\"l\":[{\"x\":\"\"},{}]}", "",
		"a FieldValueRequired|l[1].x FieldValueRequired|"},
	{"lengths count characters",
		OBJ("\"a\":{\"type\":\"string\",\"maxLength\":3,\"minLength\":2}"),
		"{\"a\":\"\xc3\xa4\xc3\xa4\xc3\xa4\"}", "{\"a\":\"\xc3\xa4\xc3\xa4\xc3\xa4\"}", "",
		""},
	{"too long", OBJ("\"a\":{\"type\":\"string\",\"maxLength\":3}"), "{\"a\":\"abcd\"}",
		"{\"a\":\"abcd\"}", "", "a FieldValueTooLong|"},
	{"too short", OBJ("\"a\":{\"type\":\"string\",\"minLength\":1}"), "{\"a\":\"\"}",
		"{\"a\":\"\"}", "", "a FieldValueInvalid|"},
	{"patterns are not anchored by themselves",
		OBJ("\"a\":{\"type\":\"string\",\"pattern\":\"b+\"},\"c\":{\"type\":\"string\","
		    "\"pattern\":\"^b+$\"}"),
		"{\"a\":\"xbx\",\"c\":\"xbx\"}", "{\"a\":\"xbx\",\"c\":\"xbx\"}", "",
		"c FieldValueInvalid|"},
	{"enum", OBJ("\"a\":{\"type\":\"string\",\"enum\":[\"x\",\"y\"]}"), "{\"a\":\"z\"}",
		"{\"a\":\"z\"}", "", "a FieldValueNotSupported|"},
	{"bounds",
		OBJ("\"a\":{\"type\":\"integer\",\"minimum\":0},\"b\":{\"type\":\"integer\","
		    "\"maximum\":5,\"exclusiveMaximum\":true},"
		    "\"c\":{\"type\":\"integer\",\"multipleOf\":3}"),
		"{\"a\":-1,\"b\":5,\"c\":4}", "{\"a\":-1,\"b\":5,\"c\":4}", "",
		"a FieldValueInvalid|b FieldValueInvalid|c FieldValueInvalid|"},
	{"date-time",
		OBJ("\"a\":{\"type\":\"string\",\"format\":\"date-time\"},\"b\":{\"type\":"
		    "\"string\",\"format\":\"date-time\"}"),
		"{\"a\":\"2026-01-31T09:30:00Z\",\"b\":\"yesterday\"}",
		"{\"a\":\"2026-01-31T09:30:00Z\",\"b\":\"yesterday\"}", "", "b FieldValueInvalid|"},
	{"items, their number and what is equal",
		OBJ("\"a\":{\"type\":\"array\",\"maxItems\":1},\"b\":{\"type\":\"array\","
		    "\"minItems\":1},"
		    "\"c\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"set\",\"items\":{"
		    "\"type\":\"string\"}},"
		    "\"d\":{\"type\":\"array\",\"x-kubernetes-list-type\":\"map\",\"x-kubernetes-"
		    "list-map-keys\":[\"k\"],"
		    "\"items\":{\"type\":\"object\",\"properties\":{\"k\":{\"type\":\"string\"},"
		    "\"v\":{\"type\":\"integer\"}}}}"),
		"{\"a\":[1,2],\"b\":[],\"c\":[\"x\",\"y\",\"x\"],\"d\":[{\"k\":\"1\",\"v\":1},{"
		"\"k\":\"1\",\"v\":2}]}",
		"{\"a\":[1,2],\"b\":[],\"c\":[\"x\",\"y\",\"x\"],\"d\":[{\"k\":\"1\",\"v\":1},{"
		"\"k\":\"1\",\"v\":2}]}",
		"",
		"a FieldValueTooMany|b FieldValueInvalid|c[2] FieldValueDuplicate|d[1] "
		"FieldValueDuplicate|"},
	{"rules, in items and in values of any name",
		OBJ("\"l\":{\"type\":\"array\",\"items\":" RULED
		    "},\"m\":{\"type\":\"object\",\"additionalProperties\":" RULED
		    "},\"n\":" RULED),
		"{\"l\":[{\"x\":1},{\"type\":\"generic-oidc\"},{}],\"m\":{\"a\":{}}}",
		"{\"l\":[{\"x\":1},{\"type\":\"generic-oidc\"},{}],\"m\":{\"a\":{}}}", "",
		"l[0] FieldValueInvalid|l[2] FieldValueInvalid|m.a FieldValueInvalid|"},
	{"64-bit integers survive", OBJ("\"a\":{\"type\":\"integer\",\"format\":\"int64\"}"),
		"{\"a\":9223372036854775807}", "{\"a\":9223372036854775807}", "", ""},
	{"int32", OBJ("\"a\":{\"type\":\"integer\",\"format\":\"int32\"}"), "{\"a\":2147483648}",
		"{\"a\":2147483648}", "", "a FieldValueInvalid|"},
};

START_TEST(test_rows)
{
	struct err err;
	json_t *def = json_of(ROWS[_i].schema), *o = json_of(ROWS[_i].in);
	struct emb_schema *s = emb_schema_new(def, &err);
	auto_emb_paths struct emb_paths unknown = {0};
	auto_emb_causes struct emb_causes causes = {0};
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	size_t i;

	ck_assert_msg(s != NULL, "%s: %s", ROWS[_i].name, err.msg);
	json_decref(def); /* nothing of it is needed any more */
	emb_schema_prune(s, o, &unknown);
	emb_schema_default(s, o);
	same_json(ROWS[_i].name, o, ROWS[_i].out);
	for (i = 0; i < unknown.len; i++)
		buf_addf(&text, "%s|", unknown.p[i]);
	ck_assert_msg(!strcmp(buf_str(&text), ROWS[_i].unknown), "%s: unknown %s, want %s",
		ROWS[_i].name, buf_str(&text), ROWS[_i].unknown);
	emb_schema_validate(s, o, &causes);
	buf_reset(&text);
	for (i = 0; i < json_array_size(causes.list); i++)
		buf_addf(&text, "%s %s|", obj_str(json_array_get(causes.list, i), "field"),
			obj_str(json_array_get(causes.list, i), "reason"));
	ck_assert_msg(!strcmp(buf_str(&text), ROWS[_i].causes), "%s: causes %s, want %s",
		ROWS[_i].name, buf_str(&text), ROWS[_i].causes);
	json_decref(o);
	emb_schema_free(s);
}
END_TEST

/* What we cannot evaluate is refused by name, never ignored. */
static const struct {
	const char *schema, *message;
} REFUSED[] = {
	{OBJ("\"a\":{\"type\":\"string\",\"x-kubernetes-validations\":[{\"rule\":\"self != "
	     "''\"}]}"),
		"a: the rule 'self != ''' of x-kubernetes-validations is not supported by the "
		"embedded API"},
	{OBJ("\"a\":{\"type\":\"object\",\"x-kubernetes-validations\":[{\"rule\":"
	     "\"self.type == 'generic-oidc' || has(self.secretRef)\",\"message\":\"m\","
	     "\"reason\":\"FieldValueForbidden\"}]}"),
		"a: the rule 'self.type == 'generic-oidc' || has(self.secretRef)' of "
		"x-kubernetes-validations is not supported by the embedded API"},
	{OBJ("\"a\":{\"type\":\"object\",\"x-kubernetes-validations\":[{\"rule\":"
	     "\"self.type == 'generic-oidc' || has(self.secretRef)\"}]}"),
		"a: the rule 'self.type == 'generic-oidc' || has(self.secretRef)' of "
		"x-kubernetes-validations is not supported by the embedded API"},
	{"{\"oneOf\":[{\"required\":[\"a\"]}]}",
		"the schema keyword 'oneOf' is not supported by the embedded API"},
	{OBJ("\"l\":{\"type\":\"array\",\"items\":{\"type\":\"strin\"}}"),
		"l: items: unknown type 'strin'"},
	{OBJ("\"m\":{\"type\":\"object\",\"additionalProperties\":5}"), ""},
	{OBJ("\"m\":7"), "m: a schema must be an object"},
};

START_TEST(test_refused)
{
	struct err err = {0};
	json_t *def = json_of(REFUSED[_i].schema);
	struct emb_schema *s = emb_schema_new(def, &err);

	ck_assert_msg((s == NULL) == (REFUSED[_i].message[0] != '\0'), "row %d", _i);
	ck_assert_str_eq(err.msg, REFUSED[_i].message);
	emb_schema_free(s);
	json_decref(def);
}
END_TEST

/* The sentences, as kube-apiserver 1.34 words them. */
static const struct {
	const char *prop, *value, *message;
} WORDS[] = {
	{"{\"type\":\"string\",\"pattern\":\"^oci://.*$\"}", "\"http://x\"",
		"Invalid value: \"http://x\": p in body should match '^oci://.*$'"},
	{"{\"type\":\"string\"}", "5",
		"Invalid value: \"integer\": p in body must be of type string: \"integer\""},
	{"{\"type\":\"string\",\"enum\":[\"extract\",\"copy\"]}", "\"x\"",
		"Unsupported value: \"x\": supported values: \"extract\", \"copy\""},
	{"{\"type\":\"string\",\"maxLength\":2}", "\"abc\"",
		"Too long: may not be more than 2 bytes"},
	{"{\"type\":\"string\",\"minLength\":1}", "\"\"",
		"Invalid value: \"\": p in body should be at least 1 chars long"},
	{"{\"type\":\"integer\",\"minimum\":0}", "-1",
		"Invalid value: -1: p in body should be greater than or equal to 0"},
	{"{\"type\":\"array\",\"minItems\":2}", "[{}]",
		"Invalid value: 1: p in body should have at least 2 items"},
	{"{\"type\":\"array\",\"items\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-"
	 "fields\":true},\"x-kubernetes-list-type\":\"map\","
	 "\"x-kubernetes-list-map-keys\":[\"k\"]}",
		"[{\"k\":\"1\",\"v\":1},{\"k\":\"1\",\"v\":2}]", "Duplicate value: {\"k\":\"1\"}"},
	{RULED, "{}", "Invalid value: \"object\": m"},
	{"{\"type\":\"string\",\"format\":\"date-time\"}", "\"x\"",
		"Invalid value: \"x\": p in body must be of type date-time: \"x\""},
};

START_TEST(test_words)
{
	auto_free char *schema = mem_printf(OBJ("\"p\":%s"), WORDS[_i].prop);
	auto_free char *value = mem_printf("{\"p\":%s}", WORDS[_i].value);
	json_t *def = json_of(schema), *o = json_of(value);
	auto_emb_causes struct emb_causes causes = {0};
	struct err err;
	struct emb_schema *s = emb_schema_new(def, &err);

	emb_schema_validate(s, o, &causes);
	ck_assert_int_eq((int)json_array_size(causes.list), 1);
	ck_assert_str_eq(obj_str(json_array_get(causes.list, 0), "message"), WORDS[_i].message);
	emb_schema_free(s);
	json_decref(o);
	json_decref(def);
}
END_TEST

/* A cause is never lost because its text is too long or cut. */
START_TEST(test_long_names)
{
	char *key = mem_alloc(200001);
	json_t *def =
		json_of("{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}");
	json_t *o = json_object();
	auto_emb_causes struct emb_causes causes = {0};
	struct err err;
	struct emb_schema *s = emb_schema_new(def, &err);

	memset(key, 'k', 200000);
	key[200000] = '\0';
	json_object_set_new(o, key, json_integer(5));
	emb_schema_validate(s, o, &causes);
	ck_assert_int_eq((int)json_array_size(causes.list), 1);
	free(key);
	emb_schema_free(s);
	json_decref(o);
	json_decref(def);
}
END_TEST

Suite *suite_schema(void)
{
	Suite *s = suite_create("schema");
	TCase *tc = tcase_create("schema");

	tcase_add_loop_test(tc, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(tc, test_refused, 0, (int)ARRAY_LEN(REFUSED));
	tcase_add_loop_test(tc, test_words, 0, (int)ARRAY_LEN(WORDS));
	tcase_add_test(tc, test_long_names);
	suite_add_tcase(s, tc);
	return s;
}
