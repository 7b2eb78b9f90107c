/* How much of includes is looked at before they are refused. */
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/gitrepository/run.h"
#include "ctl/controller.h"

#include <check.h>
#include <string.h>

Suite *suite_ring(void);

static struct gitrepository_spec *spec_of_one(void)
{
	auto_json json_t *obj = json_pack("{s:{s:s},s:{s:s,s:s}}", "metadata", "name", "a", "spec",
		"url", "https://git.test/a", "interval", "1m");

	return GITREPOSITORY_SPEC(gitrepository_spec_new(obj));
}

/* Each of them is a question, though all of them ask for the same object. */
START_TEST(test_ring_includes)
{
	struct controller c = {0};
	struct gitrepository_spec *s = spec_of_one();
	struct run r = {.c = &c, .ns = "apps", .name = "a", .spec = &s->spec};
	struct err err = {0};

	while (s->includes.len < LIMIT_GIT_INCLUDES)
		*vec_add(&s->includes) = (struct gitrepository_include){mem_strdup("b"), 0, 0};
	ck_assert_int_eq(gitrepository_ring_check(&r, &err), 0);
	*vec_add(&s->includes) = (struct gitrepository_include){mem_strdup("b"), 0, 0};
	ck_assert_int_eq(gitrepository_ring_check(&r, &err), -1);
	ck_assert_int_eq(err.kind, ERR_WAIT);
	ck_assert_msg(strstr(err.msg, "more than 1000 objects, or name more than 10000") != NULL,
		"%s", err.msg);
	spec_unref(&s->spec);
}
END_TEST

Suite *suite_ring(void)
{
	Suite *s = suite_create("ring");
	TCase *tc = tcase_create("ring");

	tcase_add_test(tc, test_ring_includes);
	suite_add_tcase(s, tc);
	return s;
}
