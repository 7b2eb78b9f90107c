#include "base/mem.h"
#include "table.h"

#include <check.h>

/* Frozen tables of what the Go modules say; test/e2e/textdiff.sh says how they are made. The count
   is pinned: a cut table would pass. */
static const struct {
	const char *path;
	unsigned long rows;
} tables[] = {{"test/unit/text/data/semver.tsv", 5892}, {"test/unit/text/data/ignore.tsv", 2122},
	{"test/unit/text/data/yaml.tsv", 941}, {"test/unit/text/data/policy.tsv", 6690}};

START_TEST(test_frozen)
{
	struct table_result res = {0};

	ck_assert_int_eq(table_run(tables[_i].path, &res), 0);
	ck_assert_msg(res.failed == 0, "%s: %lu rows differ", tables[_i].path, res.failed);
	ck_assert_uint_eq(res.passed, tables[_i].rows);
}
END_TEST

Suite *suite_table(void);
Suite *suite_table(void)
{
	Suite *s = suite_create("table");
	TCase *tc = tcase_create("table");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_frozen, 0, ARRAY_LEN(tables));
	suite_add_tcase(s, tc);
	return s;
}
