#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "text/yaml_marks.h"

#include <check.h>
#include <string.h>

Suite *suite_yaml_marks(void);

/* "D{k:'v'}": documents D d, mappings and lists with their brackets (< > without), keys with a
   colon behind, scalars as the bytes of the text in quotes, aliases with *, tags before with !. */
static void dump(struct buf *b, const char *text, const struct ymark *k)
{
	static const char signs[] = "Dd{}[]";

	if (k->tag_end > k->tag_at)
		buf_addf(b, "%.*s ", (int)(k->tag_end - k->tag_at), text + k->tag_at);
	if (k->kind <= YMARK_LIST_END)
		buf_addc(b,
			k->kind > YMARK_DOC_END && !k->flow ? "..<>()"[k->kind] : signs[k->kind]);
	else
		buf_addf(b, "'%.*s'", (int)(k->end - k->body), text + k->body);
	if (k->key)
		buf_addc(b, ':');
}

static const struct {
	const char *text, *want;
} rows[] = {
	{"", ""},
	{"a: b\n", "D<'a':'b'>d"},
	{"\xef\xbb\xbf\xc3\xa4: \xf0\x9f\x98\x80 # \xe4\xb8\xad\n\xc3\xb6: \"\xc3\xa4\" \n",
		"D<'\xc3\xa4':'\xf0\x9f\x98\x80''\xc3\xb6':'\"\xc3\xa4\"'>d"},
	{"a: &x !!int 5\nb: !t &y\n  'c'\n*x : d\n", "D<'a':!!int '5''b':!t ''c'''*x':'d'>d"},
	{"a:\nb: [c, , d]\n", NULL},
	{"a:\nb: [c, {d}]\n", "D<'a':'''b':['c'{'d':''}]>d"},
	{"- a\n-\n- - b\n", "D('a'''('b'))d"},
	{"k:\n- a\n? x\n: y\n", "D<'k':('a')'x':'y'>d"},
	{"a: |  # c\n  x\n\n  y\nb: c\n", "D<'a':'|  # c\n  x\n\n  y\n''b':'c'>d"},
	{"a: b\n  c\n---\n'd\r\n e'\r\n", "D<'a':'b\n  c'>dD''d\r\n e''d"},
	{"? [a, b]\n: c\n", "D<[:'a''b']:'c'>d"},
};

START_TEST(test_bytes)
{
	const char *text = rows[_i].text;
	auto_buf struct buf got = BUF_INIT(BUF_ANY);
	struct ymarks *m = ymarks_new(text, strlen(text));
	const struct ymark *k;
	size_t last = 0;
	struct err err = {0};
	int rc;

	while ((rc = ymarks_next(m, &k, &err)) > 0) {
		ck_assert_uint_le(k->start, k->body);
		ck_assert_uint_le(k->body, k->end);
		ck_assert_uint_le(last, k->end);
		last = k->end;
		dump(&got, text, k);
	}
	if (rows[_i].want)
		ck_assert_msg(!rc && !strcmp(buf_str(&got), rows[_i].want), "'%s': '%s' %s", text,
			buf_str(&got), err.msg);
	else
		ck_assert_int_eq(rc, -1);
	ymarks_free(m);
}
END_TEST

START_TEST(test_where_it_is)
{
	static const char text[] = "# c\na:\n- b\n- c: d\n  e: f\n";
	struct ymarks *m = ymarks_new(text, sizeof(text) - 1);
	const struct ymark *k = NULL;
	struct err err;
	int i;

	/* D < a ( b < c d e f */
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(ymarks_next(m, &k, &err), 1);
	ck_assert_str_eq(k->value, "f");
	ck_assert(k->in_map && !k->in_list && !k->key);
	ck_assert_uint_eq(k->in, 3);
	ck_assert_uint_eq(k->index, 1);
	ck_assert_uint_eq(k->depth, 3);
	ck_assert_uint_eq(k->line, 5);
	ymarks_free(m);
}
END_TEST

static const struct {
	const char *text;
	unsigned long line;
} bad_rows[] = {{"a: b\nc: [\n", 3}, {"a: \"b\n\n", 3}, {"a: b\n c: d\n", 2}, {"a\r\nb: \001\n", 2},
	{"a: \xff\n", 1}};

START_TEST(test_bad)
{
	struct ymarks *m = ymarks_new(bad_rows[_i].text, strlen(bad_rows[_i].text));
	const struct ymark *k;
	struct err err = {0};
	int rc;

	while ((rc = ymarks_next(m, &k, &err)) > 0)
		;
	ck_assert_int_eq(rc, -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_uint_eq(ymarks_line(m), bad_rows[_i].line);
	ymarks_free(m);
}
END_TEST

Suite *suite_yaml_marks(void)
{
	Suite *s = suite_create("yaml_marks");
	TCase *t = tcase_create("yaml_marks");

	tcase_add_loop_test(t, test_bytes, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(t, test_where_it_is);
	tcase_add_loop_test(t, test_bad, 0, (int)ARRAY_LEN(bad_rows));
	suite_add_tcase(s, t);
	return s;
}
