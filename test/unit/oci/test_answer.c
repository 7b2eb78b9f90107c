#include "oci/answer.h"

#include "base/mem.h"

#include <check.h>
#include <errno.h>

static const struct {
	enum err_kind kind;
	int code;
	bool later;
} ROWS[] = {
	{ERR_RETRY, -ETIMEDOUT, true},
	{ERR_RETRY, -ECONNREFUSED, true},
	{ERR_RETRY, -ECONNRESET, true},
	{ERR_RETRY, -EHOSTUNREACH, true},
	{ERR_RETRY, -ENETUNREACH, true},
	{ERR_RETRY, 500, true},
	{ERR_RETRY, 502, true},
	{ERR_RETRY, 503, true},
	{ERR_RETRY, 504, true},
	{ERR_RETRY, 429, true},
	{ERR_WAIT, 0, true},
	{ERR_HELD, 0, true},
	{ERR_RETRY, 0, false}, /* other content than was asked for */
	{ERR_RETRY, -EPROTO, false}, /* a certificate */
	{ERR_RETRY, -EFBIG, false},
	{ERR_RETRY, -ENOENT, false},
	{ERR_RETRY, -ENOSPC, false}, /* our disk */
	{ERR_RETRY, 400, false},
	{ERR_RETRY, 401, false},
	{ERR_RETRY, 403, false},
	{ERR_RETRY, 404, false},
	{ERR_RETRY, 501, false},
};

START_TEST(test_later)
{
	const struct err err = {.kind = ROWS[_i].kind, .code = ROWS[_i].code};

	ck_assert_int_eq(oci_says_later(&err), ROWS[_i].later);
}
END_TEST

Suite *suite_answer(void);
Suite *suite_answer(void)
{
	Suite *s = suite_create("answer");
	TCase *tc = tcase_create("answer");

	tcase_add_loop_test(tc, test_later, 0, (int)ARRAY_LEN(ROWS));
	suite_add_tcase(s, tc);
	return s;
}
