/* What is ours alone: limits, codes of errors, functions that are not built. What Go has too,
   test_go.c has. */
#include "template/template.h"

#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_template(void);

static const struct value_type data_type = {VALUE_STRUCT, "source.TemplateData", NULL, NULL};

static int run_text(const char *text, size_t len, struct buf *out, struct err *err)
{
	struct value_pool pool = VALUE_POOL(LIMIT_MIB);
	struct value *data = value_struct(&pool, &data_type);
	struct tmpl *t;
	int rc;

	*err = (struct err){0};
	value_gone(&pool, data, "Updated", "use another one");
	value_field(&pool, data, "Name", value_string(&pool, "web", 3));
	rc = tmpl_parse(&t, text, len, err);
	if (!rc) {
		rc = tmpl_run(t, data, out, err);
		tmpl_free(t);
	}
	value_pool_clear(&pool);
	return rc;
}

static void refused(const char *text, enum tmpl_code code, const char *words)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err;

	ck_assert_msg(run_text(text, strlen(text), &out, &err) == -1, "%.100s", text);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(err.code == (int)code && strstr(err.msg, words), "%.100s: %d %s", text,
		err.code, err.msg);
}

static const struct {
	const char *text;
	enum tmpl_code code;
	const char *words;
} rows[] = {
	{"{{ .Updated }}", TMPL_REMOVED, "use another one"},
	{"{{ .Nope }}", TMPL_BAD,
		"template: commit message:1:3: executing \"commit message\" at <.Nope>: can't "
		"evaluate field Nope in type source.TemplateData"},
	{"{{ nope }}", TMPL_BAD, "template: commit message:1: function \"nope\" not defined"},
	{"{{ genCA \"x\" 1 }}", TMPL_NOT_BUILT, "function \"genCA\" is not built here"},
	{"{{ call .Name }}", TMPL_NOT_BUILT, "function \"call\" is not built here"},
	{"{{ 1i }}", TMPL_NOT_BUILT, "complex number 1i is not built here"},
	/* steps, memory, the result, depth */
	{"{{ range 1000000 }}{{ end }}", TMPL_LIMIT, "too many steps"},
	{"{{ range 99 }}{{ range 99 }}{{ range 99 }}{{ end }}{{ end }}{{ end }}", TMPL_LIMIT,
		"too many steps"},
	{"{{ $s := \"x\" }}{{ range 30 }}{{ $s = print $s $s }}{{ end }}", TMPL_LIMIT, "too long"},
	{"{{ $l := list 1 }}{{ range 30 }}{{ $l = concat $l $l }}{{ end }}", TMPL_LIMIT, "too m"},
	{"{{ range 60000 }}{{ printf \"%100d\" 1 }}{{ end }}", TMPL_LIMIT, "too"},
	{"{{ repeat 1000000000 \"x\" }}", TMPL_LIMIT, "too long"},
	{"{{ indent 1000000000 \"x\" }}", TMPL_LIMIT, "too long"},
	{"{{ printf \"%1000000d%1000000d\" 1 2 }}", TMPL_LIMIT, "too long"},
	{"{{ until 1000000000 }}", TMPL_LIMIT, "too many steps"},
	{"{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", TMPL_LIMIT,
		"nested too deep"},
	{"{{ $d := dict }}{{ range 300 }}{{ $d = dict \"a\" $d }}{{ end }}{{ $d }}", TMPL_LIMIT,
		"nested too deep"},
	{"{{ $d := list }}{{ range 300 }}{{ $d = list $d }}{{ end }}{{ toJson $d }}", TMPL_LIMIT,
		"too long"},
	{"{{ $s := repeat 900000 \"a\" }}{{ range 99 }}{{ regexMatch \"(a|b){300}c\" $s }}{{ end "
	 "}}",
		TMPL_LIMIT, "too many steps"},
	{"{{ $l := until 9000 }}{{ uniq (list $l (reverse $l)) }}{{ range 999 }}"
	 "{{ has $l (list (until 9000) $l) }}{{ end }}",
		TMPL_LIMIT, "too"},
	{"{{ split \"\" (repeat 50000 \"x\") }}", TMPL_LIMIT, "too many steps"},
};

START_TEST(tpl_05_limits)
{
	refused(rows[_i].text, rows[_i].code, rows[_i].words);
}
END_TEST

/* A text of n times the same, with something before and behind. */
static void refused_many(const char *before, const char *what, size_t n, const char *behind)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, before);
	for (; n; n--)
		buf_adds(&b, what);
	buf_adds(&b, behind);
	refused(buf_str(&b), TMPL_LIMIT, "");
}

START_TEST(tpl_05_size)
{
	refused_many("", "x", LIMIT_TEMPLATE_TEXT + 1, "");
	refused_many("{{ ", "(", 5000, "1 }}");
	refused_many("", "{{ if 1 }}", 5000, "x");
	refused_many("", "{{ block \"a\" 1 }}", 3000, "x");
	refused_many("{{ if 1 }}", "{{ else if 1 }}", 4000, "x{{ end }}");
}
END_TEST

/* The largest text, and what it comes to. */
START_TEST(tpl_03_largest)
{
	auto_free char *text = mem_alloc(LIMIT_TEMPLATE_TEXT);
	auto_buf struct buf out = BUF_INIT(LIMIT_TEMPLATE_RESULT);
	struct err err;

	memset(text, 'x', LIMIT_TEMPLATE_TEXT);
	ck_assert_int_eq(run_text(text, LIMIT_TEMPLATE_TEXT, &out, &err), 0);
	ck_assert_uint_eq(out.len, LIMIT_TEMPLATE_TEXT);
	ck_assert_int_eq(run_text("{{ .Name }}\n\n", 13, &out, &err), 0);
	ck_assert_str_eq(buf_str(&out) + LIMIT_TEMPLATE_TEXT, "web\n\n");
}
END_TEST

/* Past the limit of its pool a value is not made, and what takes it does nothing. */
START_TEST(tpl_07_pool)
{
	struct value_pool pool = VALUE_POOL(600);
	struct value *map = value_map(&pool, &value_type_map_string), *s;
	unsigned i;

	for (i = 0; i < 100; i++) {
		s = value_string(&pool, "abcdefgh", 8);
		value_put(&pool, map, s, s);
		value_field(&pool, value_struct(&pool, &data_type), "a", s);
	}
	ck_assert(value_pool_over(&pool));
	ck_assert_uint_le(pool.used, 600);
	value_pool_clear(&pool);
	ck_assert(!value_pool_over(&pool) && !pool.used);
}
END_TEST

Suite *suite_template(void)
{
	Suite *s = suite_create("template");
	TCase *tc = tcase_create("bounds");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, tpl_05_limits, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, tpl_05_size);
	tcase_add_test(tc, tpl_03_largest);
	tcase_add_test(tc, tpl_07_pool);
	suite_add_tcase(s, tc);
	return s;
}
