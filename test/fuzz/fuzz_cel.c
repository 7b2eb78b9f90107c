/*
 * Input: an expression, the line `---`, the JSON of `req` and `vars`. Properties: a filter is an
 * expression, and comes to the same bool; what is evaluated twice is the same, and so it is in
 * parentheses; behind `false &&` nothing counts.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "text/cel.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const vars[] = {"res", "req", "vars", NULL};

static json_t *eval(const char *text, const json_t *const *values, bool *taken, struct err *err)
{
	struct cel *c;
	json_t *out = NULL;

	*err = (struct err){0};
	*taken = !cel_new_any(&c, text, vars, err);
	BUG_IF(*taken ? err->kind != ERR_NONE : err->kind != ERR_STALL || !err->msg[0]);
	if (!*taken)
		return NULL;
	if (cel_eval(c, values, &out, err))
		BUG_IF(err->kind != ERR_RETRY || !err->msg[0] || out);
	else
		BUG_IF(err->kind != ERR_NONE || !out);
	cel_free(c);
	return out;
}

/* A result that another one, with something around it, must be; unless a limit came between. */
static void same(const char *text, const json_t *const *values, const json_t *want)
{
	auto_json json_t *got = NULL;
	struct err err;
	bool taken;

	got = eval(text, values, &taken, &err);
	if (!taken &&
		(strstr(err.msg, "levels deep") || strstr(err.msg, "complex") ||
			strstr(err.msg, "too large")))
		return;
	BUG_IF(!taken);
	if (!got && (strstr(err.msg, "steps") || strstr(err.msg, "more than")))
		return;
	BUG_IF(!got != !want);
	BUG_IF(got && !json_equal(got, want));
}

static void check_filter(
	const char *text, const json_t *const *values, const json_t *value, const struct err *why)
{
	struct err err = {0};
	struct cel *c;
	bool yes;

	if (cel_new(&c, text, vars, &err)) {
		BUG_IF(err.kind != ERR_STALL);
		return;
	}
	if (cel_bool(c, values, &yes, &err))
		BUG_IF(value && json_is_boolean(value));
	else
		BUG_IF(!value ? !strstr(why->msg, "more than") : json_is_true(value) != yes);
	cel_free(c);
}

static void check(const char *text, const json_t *const *values)
{
	auto_json json_t *value = NULL, *no = json_false();
	auto_free char *around = mem_printf("(%s\n)", text);
	auto_free char *with_false = mem_printf("false && [%s\n].size() == 9", text);
	struct err err;
	bool taken;

	value = eval(text, values, &taken, &err);
	if (!taken)
		return;
	check_filter(text, values, value, &err);
	same(text, values, value);
	if (strlen(around) > LIMIT_CEL_TEXT)
		return;
	same(around, values, value);
	if (strlen(with_false) <= LIMIT_CEL_TEXT)
		same(with_false, values, no);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *all = mem_strndup((const char *)data, size);
	auto_json json_t *req = NULL;
	char *json = strstr(all, "\n---\n");
	const json_t *values[] = {NULL, NULL, NULL};
	struct err err;

	if (json) {
		*json = 0;
		req = obj_parse_api(json + 5, strlen(json + 5), "req", &err);
		values[1] = values[2] = req;
	}
	check(all, values);
	return 0;
}
