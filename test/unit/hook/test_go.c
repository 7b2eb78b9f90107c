/* Bodies and content types, held to what Go makes of them: test/e2e/tools/hookdiff has printed the
   table. HOOK_TABLE in the environment names another one (test/e2e/hookdiff.sh). */
#include "hook/read.h"
#include "test/unit/crypto/mac.h"
#include "test/unit/hook/fixture.h"

#include <stdio.h>

Suite *suite_go(void);

#define TABLE "test/unit/hook/data/go.tsv"
#define ROWS 2548

static struct fixture f;

static void setup(void)
{
	fixture_init(&f, "http://127.0.0.1:1");
}

static void teardown(void)
{
	fixture_clear(&f);
}

static bool takes(const char *type, const char *body)
{
	return fixture_said(&f, &(struct ask){.type = type, .body = body}) == HOOK_FIRE;
}

static bool hub_takes(const char *content, const char *body)
{
	return fixture_said(&f,
		       &(struct ask){.type = "github",
			       .headers = {"Content-Type", content, "X-Hub-Signature-256",
				       mac_text("sha256=", EVP_sha256(), TOKEN, body, false)},
			       .body = body}) == HOOK_FIRE;
}

static bool nexus_takes(const char *body)
{
	return fixture_said(&f,
		       &(struct ask){.type = "nexus",
			       .headers = {"X-Nexus-Webhook-Signature",
				       mac_text("", EVP_sha1(), TOKEN, body, false)},
			       .body = body}) == HOOK_FIRE;
}

/* With JSON filters want an object, and otherwise they see nothing. */
static bool shows_json(const char *content)
{
	return fixture_said(&f,
		       &(struct ask){.type = "generic",
			       .filtered = true,
			       .headers = {"Content-Type", content},
			       .body = "[]"}) == HOOK_UNREADABLE;
}

/* Without an issuer: who calls is asked before, and is of no interest here. */
static bool gcr_takes(const char *body)
{
	static const struct hook_type *type;
	struct secret token = {.p = (char *)TOKEN, .len = strlen(TOKEN)};
	struct ask none = {.type = "gcr"};
	struct hook_call call = {
		.header = fixture_header, .x = &none, .body = body, .len = strlen(body)};
	struct hook_verdict v = {0};
	struct hook_in in;
	bool good;

	type = hook_type_find("gcr");
	hook_in_init(&in, &(struct hook_spec){.type = type, .token = &token}, &call);
	hook_read(&in, &v);
	good = v.said == HOOK_FIRE;
	hook_verdict_clear(&v);
	hook_in_clear(&in);
	return good;
}

/* Links without tags, and an artifactId that is not there although it need not be: two mistakes of
   the SDK. The last one ends its program. */
static bool is_ours(const char *type, const char *body)
{
	static const char *const marks[] = {
		"\"links\":[{\"linkType\":\"PATH\",\"from\":{\"contextId\":\"1\"}}]",
		"\"links\":[{\"linkType\":\"END\"}]",
		"\"links\":[{\"linkType\":\"END\",\"from\":{\"contextId\":\"1\"}}]",
		"\"linkKind\":\"k\",\"target\":{\"contextId\":\"1\"}}]",
		"\"type\":\"build\",\"content\":{}",
		"\"type\":\"incident\",\"content\":{\"environment\":{\"id\":\"e\"}}",
		"\"artifactId\":\"pkg:oci/x?a\"",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(marks) && !strcmp(type, "cdevents"); i++)
		if (strstr(body, marks[i]))
			return true;
	return false;
}

static bool ours(const char *type, const char *input)
{
	if (!strcmp(type, "form"))
		return hub_takes("application/x-www-form-urlencoded", input);
	if (!strcmp(type, "hub"))
		/* what is a form here has to be one */
		return hub_takes(input, "");
	if (!strcmp(type, "content"))
		return shows_json(input);
	if (!strcmp(type, "nexus"))
		return nexus_takes(input);
	if (!strcmp(type, "gcr"))
		return gcr_takes(input);
	return takes(type, input);
}

/* TYPE, "ok" or "no", and the input as a JSON string. */
static void row_check(char *line, unsigned *mistakes)
{
	char *type = strtok_r(line, "\t", &line), *verdict = strtok_r(line, "\t", &line);
	json_t *input = json_loads(line, JSON_DECODE_ANY, NULL);
	const char *text = json_string_value(input);
	bool good = !strcmp(verdict, "ok");

	ck_assert_msg(text != NULL, "%s", line);
	if (is_ours(type, text)) {
		ck_assert_msg(!good && ours(type, text), "%s", text);
		++*mistakes;
	} else {
		ck_assert_msg(ours(type, text) == good, "%s, Go says %s: %s", type, verdict, text);
	}
	json_decref(input);
}

START_TEST(rc_16_to_21_go)
{
	const char *path = getenv("HOOK_TABLE");
	FILE *in = fopen(path ? path : TABLE, "r");
	unsigned rows = 0, mistakes = 0;
	char *line = NULL;
	size_t cap = 0;

	ck_assert_ptr_nonnull(in);
	for (; getline(&line, &cap, in) > 0; rows++)
		row_check(line, &mistakes);
	free(line);
	fclose(in);
	ck_assert(path || rows == ROWS);
	ck_assert_uint_eq(mistakes, 7);
}
END_TEST

Suite *suite_go(void)
{
	Suite *s = suite_create("go");
	TCase *t = tcase_create("go");

	tcase_set_timeout(t, 300);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rc_16_to_21_go);
	suite_add_tcase(s, t);
	return s;
}
