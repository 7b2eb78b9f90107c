#include "base/mem.h"
#include "embedded/patch.h"
#include "embedded/status.h"
#include "rig.h"

#include <string.h>

Suite *suite_patch(void);

/* RFC 7386, appendix A, all of it, and what follows from it. */
static const struct {
	const char *o, *patch, *out;
} MERGE[] = {
	{"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	{"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
	{"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
	{"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
	{"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
	{"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
	{"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
	{"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
	{"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
	{"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
	{"{\"a\":\"foo\"}", "null", "null"},
	{"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
	{"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
	{"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
	{"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	{"{\"a\":\"x\"}", "{\"a\":{\"b\":null,\"c\":1}}", "{\"a\":{\"c\":1}}"},
};

START_TEST(test_merge)
{
	json_t *o = json_of(MERGE[_i].o), *patch = json_of(MERGE[_i].patch);

	emb_patch_merge(&o, patch);
	same_json(MERGE[_i].patch, o, MERGE[_i].out);
	same_json("the patch stays", patch, MERGE[_i].patch);
	json_decref(patch);
	json_decref(o);
}
END_TEST

/* out NULL: refused. */
static const struct {
	const char *name, *o, *patch, *out;
} STRATEGIC[] = {
	{"maps merge", "{\"data\":{\"a\":\"1\",\"b\":\"2\"}}",
		"{\"data\":{\"b\":null,\"c\":\"3\"}}", "{\"data\":{\"a\":\"1\",\"c\":\"3\"}}"},
	{"finalizers are a set", "{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}",
		"{\"metadata\":{\"finalizers\":[\"b\",\"c\"],\"$setElementOrder/"
		"finalizers\":[\"a\",\"b\",\"c\"]}}",
		"{\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}"},
	{"out of a set", "{\"metadata\":{\"finalizers\":[\"a\",\"b\"]}}",
		"{\"metadata\":{\"$deleteFromPrimitiveList/finalizers\":[\"a\",\"z\"]}}",
		"{\"metadata\":{\"finalizers\":[\"b\"]}}"},
	{"other lists are one value", "{\"spec\":{\"finalizers2\":[\"a\"]}}",
		"{\"spec\":{\"finalizers2\":[\"b\"]}}", "{\"spec\":{\"finalizers2\":[\"b\"]}}"},
	{"owners merge by uid",
		"{\"metadata\":{\"ownerReferences\":[{\"uid\":\"1\",\"name\":\"x\"},{\"uid\":\"2\"}"
		"]}}",
		"{\"metadata\":{\"ownerReferences\":[{\"uid\":\"1\",\"kind\":\"K\"},{\"uid\":\"3\"}"
		",{\"uid\":\"2\",\"$patch\":\"delete\"}]}}",
		"{\"metadata\":{\"ownerReferences\":[{\"uid\":\"1\",\"name\":\"x\",\"kind\":\"K\"},"
		"{\"uid\":\"3\"}]}}"},
	{"a list replaced", "{\"status\":{\"conditions\":[{\"type\":\"A\"}]}}",
		"{\"status\":{\"conditions\":[{\"$patch\":\"replace\"},{\"type\":\"B\"}]}}",
		"{\"status\":{\"conditions\":[{\"type\":\"B\"}]}}"},
	{"a map replaced", "{\"metadata\":{\"labels\":{\"a\":\"1\"}}}",
		"{\"metadata\":{\"labels\":{\"$patch\":\"replace\",\"b\":\"2\"}}}",
		"{\"metadata\":{\"labels\":{\"b\":\"2\"}}}"},
	{"a map deleted", "{\"data\":{\"a\":\"1\"},\"x\":1}", "{\"data\":{\"$patch\":\"delete\"}}",
		"{\"x\":1}"},
	{"retainKeys", "{\"m\":{\"a\":1,\"b\":2,\"c\":3}}",
		"{\"m\":{\"$retainKeys\":[\"a\",\"d\"],\"d\":4}}", "{\"m\":{\"a\":1,\"d\":4}}"},
	{"a directive nobody knows", "{}", "{\"$what\":1}", NULL},
	{"a value nobody knows", "{\"m\":{}}", "{\"m\":{\"$patch\":\"explode\"}}", NULL},
	{"an owner without its key", "{}",
		"{\"metadata\":{\"ownerReferences\":[{\"name\":\"x\"}]}}", NULL},
};

START_TEST(test_strategic)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	json_t *o = json_of(STRATEGIC[_i].o), *patch = json_of(STRATEGIC[_i].patch);
	int rc = emb_patch_strategic(o, patch, &st);

	if (STRATEGIC[_i].out) {
		ck_assert_msg(!rc, "%s: %s", STRATEGIC[_i].name, buf_str(&st.message));
		same_json(STRATEGIC[_i].name, o, STRATEGIC[_i].out);
	} else {
		ck_assert_msg(rc == -1 && st.code == 400, "%s: taken", STRATEGIC[_i].name);
	}
	json_decref(patch);
	json_decref(o);
}
END_TEST

static const struct {
	const char *name, *last, *wanted, *live, *out;
} THREE[] = {
	{"new fields", "{}", "{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
	{"a field that was mine goes", "{\"a\":1,\"c\":1}", "{\"a\":1}",
		"{\"a\":1,\"b\":2,\"c\":1}", "{\"a\":1,\"b\":2}"},
	{"also after somebody changed it", "{\"c\":1}", "{}", "{\"c\":9}", "{}"},
	{"what others wrote stays, deep down", "{\"s\":{\"i\":\"5m\",\"t\":1}}",
		"{\"s\":{\"i\":\"6m\"}}", "{\"s\":{\"i\":\"5m\",\"t\":1,\"u\":2},\"status\":3}",
		"{\"s\":{\"i\":\"6m\",\"u\":2},\"status\":3}"},
	{"what others changed of mine comes back", "{\"s\":{\"i\":1}}", "{\"s\":{\"i\":1}}",
		"{\"s\":{\"i\":2}}", "{\"s\":{\"i\":1}}"},
	{"never applied before", NULL, "{\"a\":{\"x\":1}}", "{\"a\":{\"y\":2}}",
		"{\"a\":{\"x\":1,\"y\":2}}"},
	{"lists are one value", "{\"l\":[1]}", "{\"l\":[2]}", "{\"l\":[1,3]}", "{\"l\":[2]}"},
	{"a map becomes a value", "{\"a\":{\"x\":1}}", "{\"a\":5}", "{\"a\":{\"x\":1,\"y\":1}}",
		"{\"a\":5}"},
};

START_TEST(test_three_way)
{
	json_t *last = THREE[_i].last ? json_of(THREE[_i].last) : NULL;
	json_t *wanted = json_of(THREE[_i].wanted), *live = json_of(THREE[_i].live);

	emb_patch_three_way(live, last, wanted);
	same_json(THREE[_i].name, live, THREE[_i].out);
	json_decref(last);
	json_decref(wanted);
	json_decref(live);
}
END_TEST

Suite *suite_patch(void)
{
	Suite *s = suite_create("patch");
	TCase *tc = tcase_create("patch");

	tcase_add_loop_test(tc, test_merge, 0, (int)ARRAY_LEN(MERGE));
	tcase_add_loop_test(tc, test_strategic, 0, (int)ARRAY_LEN(STRATEGIC));
	tcase_add_loop_test(tc, test_three_way, 0, (int)ARRAY_LEN(THREE));
	suite_add_tcase(s, tc);
	return s;
}
