/* What Go's ServeMux makes of a target. */
#include "controllers/receiver/way.h"

#include <check.h>
#include <string.h>

Suite *suite_way(void);

static const struct {
	const char *target;
	enum receiver_way way;
	const char *elsewhere;
} WAYS[] = {
	{"/hook/abc", WAY_HOOK, NULL},
	{"/hook/", WAY_HOOK, NULL},
	{"/hook/abc/", WAY_HOOK, NULL},
	{"/hook/abc?x=/../y", WAY_HOOK, NULL},
	{"/hook/%2e%2e/", WAY_HOOK, NULL},
	{"/hook/a.b/...", WAY_HOOK, NULL},
	{"/hook", WAY_ELSEWHERE, "/hook/"},
	{"/hook?a=b", WAY_ELSEWHERE, "/hook/?a=b"},
	{"//hook", WAY_ELSEWHERE, "/hook/"},
	{"//x", WAY_ELSEWHERE, "/x"},
	{"/./", WAY_ELSEWHERE, "/"},
	{"/.", WAY_ELSEWHERE, "/"},
	{"/hook//abc", WAY_ELSEWHERE, "/hook/abc"},
	{"/hook/./abc/", WAY_ELSEWHERE, "/hook/abc/"},
	{"/hook/a/../abc?q", WAY_ELSEWHERE, "/hook/abc?q"},
	{"/hook/abc/.", WAY_ELSEWHERE, "/hook/abc"},
	{"/hook/abc/..", WAY_ELSEWHERE, "/hook/"},
	{"/../../..", WAY_ELSEWHERE, "/"},
	{"//evil.example/", WAY_ELSEWHERE, "/evil.example/"},
	{"/", WAY_NOWHERE, NULL},
	{"/hooks/abc", WAY_NOWHERE, NULL},
	{"/HOOK/abc", WAY_NOWHERE, NULL},
	{"/%68ook/abc", WAY_NOWHERE, NULL},
	{"http://a/hook/abc", WAY_NOWHERE, NULL},
};

START_TEST(rc_04_way)
{
	auto_buf struct buf b = BUF_INIT(1024);

	ck_assert_msg(receiver_way_of(WAYS[_i].target, &b) == WAYS[_i].way, "%s: %s",
		WAYS[_i].target, buf_str(&b));
	if (WAYS[_i].elsewhere)
		ck_assert_str_eq(buf_str(&b), WAYS[_i].elsewhere);
}
END_TEST

Suite *suite_way(void)
{
	Suite *s = suite_create("way");
	TCase *t = tcase_create("all");

	tcase_add_loop_test(t, rc_04_way, 0, sizeof(WAYS) / sizeof(WAYS[0]));
	suite_add_tcase(s, t);
	return s;
}
