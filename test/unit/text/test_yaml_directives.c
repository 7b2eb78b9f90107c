/* A document with more directives than anybody writes is refused before libyaml sees it. */
#include "text/yaml_directives.h"

#include "base/buf.h"
#include "base/limits.h"
#include "text/yaml.h"
#include "text/yaml_marks.h"

#include <check.h>
#include <string.h>

#define N LIMIT_YAML_DIRECTIVES

static void directives(struct buf *b, unsigned n, const char *end)
{
	unsigned i;

	for (i = 0; i < n; i++)
		buf_addf(b, "%%TAG !t%u! t%s", i, end);
}

START_TEST(test_count)
{
	static const char *const ends[] = {"\n", "\r\n", "\r", "\xc2\x85", "\xe2\x80\xa8"};
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	/* Each document has its own. */
	for (i = 0; i < 3; i++) {
		directives(&b, N, ends[_i]);
		buf_addf(&b, "---%sa: 50%%%s...%s", ends[_i], ends[_i], ends[_i]);
	}
	ck_assert_uint_eq(yaml_directives_over(b.p, b.len), 0);
	directives(&b, N + 1, ends[_i]);
	ck_assert_uint_eq(yaml_directives_over(b.p, b.len), 3 * (N + 3) + N + 1);
	ck_assert_uint_eq(yaml_directives_over("", 0), 0);
}
END_TEST

static int marks(const struct buf *b, unsigned long *line)
{
	struct ymarks *m = ymarks_new(b->p, b->len);
	const struct ymark *k;
	struct err err = {0};
	int rc;

	while ((rc = ymarks_next(m, &k, &err)) > 0)
		;
	*line = ymarks_line(m);
	ymarks_free(m);
	return rc;
}

START_TEST(test_readers)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct ydocs docs;
	struct err err = {0};
	unsigned long line;

	buf_adds(&b, "\xef\xbb\xbf");
	directives(&b, N, "\n");
	buf_adds(&b, "---\na: 1\n");
	ck_assert_int_eq(marks(&b, &line), 0);
	ck_assert_int_eq(ydocs_parse(&docs, b.p, b.len, &err), 0);
	ydocs_clear(&docs);
	buf_adds(&b, "...\n");
	directives(&b, N + 1, "\n");
	buf_adds(&b, "---\nb: 1\n");
	ck_assert_int_eq(marks(&b, &line), -1);
	ck_assert_uint_eq(line, N + 3 + N + 1);
	ck_assert_int_eq(ydocs_parse(&docs, b.p, b.len, &err), -1);
	ck_assert_str_eq(err.msg, "line 132: more than 64 directives");
}
END_TEST

Suite *suite_yaml_directives(void);
Suite *suite_yaml_directives(void)
{
	Suite *s = suite_create("yaml_directives");
	TCase *t = tcase_create("yaml_directives");

	tcase_add_loop_test(t, test_count, 0, 5);
	tcase_add_test(t, test_readers);
	suite_add_tcase(s, t);
	return s;
}
