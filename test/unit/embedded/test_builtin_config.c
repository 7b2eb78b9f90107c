#include "base/mem.h"
#include "base/obj.h"
#include "rig.h"

#include <string.h>

Suite *suite_builtin_config(void);

#define MAPS "/api/v1/namespaces/default/configmaps"
#define ACCOUNTS "/api/v1/namespaces/default/serviceaccounts"
#define STRATEGIC "application/strategic-merge-patch+json"

/* Status and message (its beginning) of kube-apiserver 1.34, but for bodies of the wrong type,
   which it words after Go. */
static const struct {
	const char *path, *kind, *members;
	int status;
	const char *message;
} ROWS[] = {
	{MAPS, "ConfigMap", "\"data\":{\"a\":\"b\"},\"binaryData\":{\"c\":\"AP8=\"}", 201, ""},
	{MAPS, "ConfigMap", "\"data\":{\"a b\":\"x\"}", 422,
		"ConfigMap \"x\" is invalid: data[a b]: Invalid value: \"a b\": a valid config key "
		"must consist of"},
	{MAPS, "ConfigMap", "\"data\":{\"a\":\"x\"},\"binaryData\":{\"a\":\"eA==\"}", 422,
		"ConfigMap \"x\" is invalid: data[a]: Invalid value: \"a\": duplicate of key "
		"present in binaryData"},
	{MAPS, "ConfigMap", "\"binaryData\":{\"..\":\"eA==\"}", 422,
		"ConfigMap \"x\" is invalid: binaryData[..]: Invalid value: \"..\": "},
	{MAPS, "ConfigMap", "\"binaryData\":{\"a\":\"!\"}", 400,
		"ConfigMap in version \"v1\" cannot be handled as a ConfigMap: illegal base64 "
		"data"},
	{MAPS, "ConfigMap", "\"data\":{\"a\":1}", 400,
		"ConfigMap in version \"v1\" cannot be handled as a ConfigMap: data.a"},
	{MAPS, "ConfigMap", "\"immutable\":1", 400,
		"ConfigMap in version \"v1\" cannot be handled as a ConfigMap: immutable"},
	{ACCOUNTS, "ServiceAccount",
		"\"secrets\":[{\"name\":\"a\"}],\"imagePullSecrets\":[{\"name\":\"b\"},{}],"
		"\"automountServiceAccountToken\":false",
		201, ""},
	{ACCOUNTS, "ServiceAccount", "\"imagePullSecrets\":[\"b\"]", 400,
		"ServiceAccount in version \"v1\" cannot be handled as a ServiceAccount: "
		"imagePullSecrets[0]"},
	{ACCOUNTS, "ServiceAccount", "\"automountServiceAccountToken\":1", 400,
		"ServiceAccount in version \"v1\" cannot be handled as a ServiceAccount: "
		"automountServiceAccountToken"},
};

static char *object(const char *kind, const char *name, const char *members)
{
	return mem_printf("{\"apiVersion\":\"v1\",\"kind\":\"%s\",\"metadata\":{\"name\":\"%s\"},%s"
			  "}",
		kind, name, members);
}

START_TEST(test_rows)
{
	struct rig r;
	size_t i;

	rig_start(&r, false);
	for (i = 0; i < ARRAY_LEN(ROWS); i++) {
		auto_free char *body = object(ROWS[i].kind, "x", ROWS[i].members);
		auto_free char *path = mem_printf("%s/x", ROWS[i].path);
		json_t *o = rig_call(&r, "POST", ROWS[i].path, NULL, NULL, body);

		ck_assert_msg(r.status == ROWS[i].status &&
				!strncmp(obj_str_or("", o, "message"), ROWS[i].message,
					strlen(ROWS[i].message)),
			"%s: %d %s", ROWS[i].members, r.status, obj_str_or("", o, "message"));
		json_decref(o);
		if (r.status == 201)
			rig_do(&r, 200, "DELETE", path, NULL);
	}
	rig_stop(&r);
}
END_TEST

START_TEST(test_too_long)
{
	struct rig r;
	auto_free char *value = mem_alloc(1024 * 1024 + 2), *members = NULL, *body = NULL;
	json_t *o;

	memset(value, 'x', 1024 * 1024 + 1);
	value[1024 * 1024 + 1] = '\0';
	members = mem_printf("\"data\":{\"a\":\"%s\"}", value);
	body = object("ConfigMap", "x", members);
	rig_start(&r, false);
	o = rig_expect(&r, 422, "POST", MAPS, body);
	ck_assert_str_eq(obj_str(o, "message"),
		"ConfigMap \"x\" is invalid: []: Too long: may not be more than 1048576 bytes");
	json_decref(o);
	/* One byte less is not too much. */
	strrchr(body, 'x')[0] = '"';
	strrchr(body, '"')[0] = ' ';
	rig_do(&r, 201, "POST", MAPS, body);
	rig_stop(&r);
}
END_TEST

static void check_message(struct rig *r, const char *body, const char *message)
{
	json_t *o = rig_expect(r, 422, "PUT", MAPS "/x", body);

	ck_assert_str_eq(obj_str(o, "message"), message);
	json_decref(o);
}

START_TEST(test_immutable)
{
	static const char data[] = "\"data\":{\"a\":\"b\"},\"binaryData\":{\"c\":\"eA==\"}";
	struct rig r;
	auto_free char *fixed = mem_printf("\"immutable\":true,%s", data);
	auto_free char *create = object("ConfigMap", "x", fixed);
	auto_free char *open = object("ConfigMap", "x", data);
	auto_free char *changed = object("ConfigMap", "x",
		"\"immutable\":true,\"data\":{\"a\":\"c\"},\"binaryData\":{\"c\":\"eA==\"}");
	auto_free char *less =
		object("ConfigMap", "x", "\"immutable\":true,\"data\":{\"a\":\"b\"}");

	rig_start(&r, false);
	rig_do(&r, 201, "POST", MAPS, create);
	rig_do(&r, 200, "PUT", MAPS "/x", create);
	check_message(&r, open,
		"ConfigMap \"x\" is invalid: immutable: Forbidden: field is immutable when "
		"`immutable` is set");
	check_message(&r, changed,
		"ConfigMap \"x\" is invalid: data: Forbidden: field is immutable when `immutable` "
		"is set");
	check_message(&r, less,
		"ConfigMap \"x\" is invalid: binaryData: Forbidden: field is immutable when "
		"`immutable` is set");
	rig_do(&r, 200, "DELETE", MAPS "/x", NULL);
	rig_stop(&r);
}
END_TEST

/* Without the age, which comes last. */
static void check_cells(struct rig *r, const char *path, const char *want)
{
	json_t *o = rig_call(
		r, "GET", path, NULL, "application/json;as=Table;v=v1;g=meta.k8s.io", NULL);
	json_t *cells = json_deep_copy(obj_get(json_array_get(obj_get(o, "rows"), 0), "cells"));

	ck_assert_uint_eq(json_array_size(cells), 3);
	json_array_remove(cells, 2);
	same_json(path, cells, want);
	json_decref(cells);
	json_decref(o);
}

/* As `kubectl get` shows them, and `kubectl patch` changes them. */
START_TEST(test_cells_and_patches)
{
	struct rig r;
	auto_free char *map =
		object("ConfigMap", "x", "\"data\":{\"a\":\"b\"},\"binaryData\":{\"c\":\"eA==\"}");
	auto_free char *account = object("ServiceAccount", "x",
		"\"secrets\":[{\"name\":\"a\",\"kind\":\"Secret\"}],\"imagePullSecrets\":[{"
		"\"name\":\"b\"}]");
	json_t *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", MAPS, map);
	rig_do(&r, 201, "POST", ACCOUNTS, account);
	check_cells(&r, MAPS, "[\"x\",2]");
	check_cells(&r, ACCOUNTS, "[\"x\",1]");
	o = rig_call(&r, "PATCH", ACCOUNTS "/x", STRATEGIC, NULL,
		"{\"imagePullSecrets\":[{\"name\":\"d\"}],\"secrets\":[{\"name\":\"z\"}]}");
	ck_assert_int_eq(r.status, 200);
	same_json(
		"pull Secrets are replaced", obj_get(o, "imagePullSecrets"), "[{\"name\":\"d\"}]");
	same_json("the others are joined", obj_get(o, "secrets"),
		"[{\"name\":\"a\"},{\"name\":\"z\"}]");
	json_decref(o);
	o = rig_call(&r, "PATCH", MAPS "/x", "application/json-patch+json", NULL,
		"[{\"op\":\"test\",\"path\":\"/kind\",\"value\":\"ConfigMap\"},{\"op\":\"add\","
		"\"path\":\"/data/n\",\"value\":\"1\"}]");
	ck_assert_int_eq(r.status, 200);
	same_json("a JSON patch", obj_get(o, "data"), "{\"a\":\"b\",\"n\":\"1\"}");
	json_decref(o);
	rig_stop(&r);
}
END_TEST

Suite *suite_builtin_config(void)
{
	Suite *s = suite_create("builtin_config");
	TCase *tc = tcase_create("builtin_config");

	tcase_add_test(tc, test_rows);
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_immutable);
	tcase_add_test(tc, test_cells_and_patches);
	suite_add_tcase(s, tc);
	return s;
}
