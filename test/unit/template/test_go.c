/* Templates held to Go's text/template with sprig: test/e2e/tools/tmpldiff has printed the table.
   TEMPLATE_TABLE in the environment names another one (test/e2e/tmpldiff.sh). */
#include "base/limits.h"
#include "template/template.h"
#include "test/unit/template/message.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_go(void);

#define TABLE "test/unit/template/data/go.tsv"
#define ROWS 1772

static json_t *column(char **line)
{
	json_t *j =
		json_loads(strtok_r(*line, "\t\n", line), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

	ck_assert_ptr_nonnull(j);
	return j;
}

/* What it comes to: '=' and the result, or '!' and the error. */
static char run(
	const char *text, size_t len, const struct value *data, struct buf *out, struct err *err)
{
	struct tmpl *t;
	int rc;

	*err = (struct err){0};
	if (tmpl_parse(&t, text, len, err))
		return '!';
	rc = tmpl_run(t, data, out, err);
	tmpl_free(t);
	return rc ? '!' : '=';
}

static bool is_same(
	char kind, char got, const json_t *want, const struct buf *out, const struct err *err)
{
	size_t len = json_string_length(want);

	if (kind == '=')
		return got == '=' && out->len == len &&
			!memcmp(buf_str(out), json_string_value(want), len);
	if (got != '!' || err->kind != ERR_STALL)
		return false;
	if (kind == '?')
		return err->code == TMPL_BAD;
	/* Ours are cut at the end of an error value, and where a node is long. */
	return (err->code == TMPL_BAD || err->code == TMPL_REMOVED) &&
		(!strcmp(err->msg, json_string_value(want)) || len > 400);
}

static unsigned check(char *line, const struct value *data)
{
	json_t *text = column(&line), *want;
	char kind = strtok_r(line, "\t", &line)[0], got;
	auto_buf struct buf out = BUF_INIT(LIMIT_TEMPLATE_RESULT);
	struct err err;
	bool same;

	want = column(&line);
	got = run(json_string_value(text), json_string_length(text), data, &out, &err);
	same = is_same(kind, got, want, &out, &err);
	if (!same)
		fprintf(stderr, "template: %s\n  Go   %c %s\n  ours %c %s\n",
			json_string_value(text), kind, json_string_value(want), got,
			got == '=' ? buf_str(&out) : err.msg);
	json_decref(text);
	json_decref(want);
	return !same;
}

START_TEST(tpl_01_to_08_go)
{
	const char *path = getenv("TEMPLATE_TABLE");
	FILE *in = fopen(path ? path : TABLE, "r");
	struct value_pool pool = VALUE_POOL(LIMIT_MIB);
	const struct value *data = NULL;
	unsigned rows = 0, wrong = 0;
	char *line = NULL;
	size_t cap = 0;

	ck_assert_ptr_nonnull(in);
	while (getline(&line, &cap, in) > 0) {
		char *at = line + 2;

		if (line[0] == 'D') {
			json_t *j = column(&at);

			value_pool_clear(&pool);
			data = message_new(&pool, j);
			ck_assert(!value_pool_over(&pool));
			json_decref(j);
			continue;
		}
		rows++;
		wrong += check(at, data);
	}
	free(line);
	fclose(in);
	value_pool_clear(&pool);
	ck_assert_msg(!wrong, "%u of %u templates differ", wrong, rows);
	ck_assert_msg(path || rows == ROWS, "%u rows", rows);
}
END_TEST

Suite *suite_go(void)
{
	Suite *s = suite_create("go");
	TCase *tc = tcase_create("templates");

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, tpl_01_to_08_go);
	suite_add_tcase(s, tc);
	return s;
}
