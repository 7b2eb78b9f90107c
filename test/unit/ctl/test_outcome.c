#include "ctl/outcome.h"

#include "base/mem.h"

#include <check.h>

static const struct {
	enum run_mode mode;
	enum run_end end;
	enum err_kind kind;
	bool suspended;
	enum outcome_status status;
	enum outcome_next next;
} rows[] = {
	{RUN_WORK, RUN_MADE, ERR_NONE, false, STATUS_SUCCESS, NEXT_INTERVAL},
	{RUN_WORK, RUN_UNCHANGED, ERR_NONE, false, STATUS_SUCCESS, NEXT_INTERVAL},
	{RUN_WORK, RUN_OPEN, ERR_RETRY, false, STATUS_FAILURE, NEXT_BACKOFF},
	{RUN_WORK, RUN_OPEN, ERR_WAIT, false, STATUS_FAILURE, NEXT_NAMED},
	{RUN_WORK, RUN_OPEN, ERR_HELD, false, STATUS_FAILURE, NEXT_WAIT},
	{RUN_WORK, RUN_OPEN, ERR_STALL, false, STATUS_FAILURE, NEXT_STOP},
	{RUN_WORK, RUN_MADE, ERR_RETRY, false, STATUS_FAILURE, NEXT_BACKOFF},
	{RUN_WORK, RUN_QUIET, ERR_NONE, true, STATUS_SUSPENDED, NEXT_STOP},
	{RUN_WORK, RUN_QUIET, ERR_RETRY, false, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_WORK, RUN_QUIET, ERR_WAIT, false, STATUS_NOTHING, NEXT_NAMED},
	{RUN_WORK, RUN_AGAIN, ERR_NONE, false, STATUS_NOTHING, NEXT_NOW},
	{RUN_WORK, RUN_AGAIN, ERR_RETRY, false, STATUS_NOTHING, NEXT_NOW},
	{RUN_WORK, RUN_GONE, ERR_RETRY, false, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_WORK, RUN_THEN_RESTORE, ERR_WAIT, false, STATUS_NOTHING, NEXT_GO_ON},
	{RUN_WORK, RUN_AGAIN, ERR_CANCELED, false, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_WORK, RUN_LATER, ERR_NONE, false, STATUS_NOTHING, NEXT_LATER},
	{RUN_RESTORE, RUN_MADE, ERR_NONE, false, STATUS_RESTORED, NEXT_NOW},
	{RUN_RESTORE, RUN_UNCHANGED, ERR_NONE, true, STATUS_RESTORED, NEXT_NOW},
	{RUN_RESTORE, RUN_OPEN, ERR_RETRY, false, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_RESTORE, RUN_OPEN, ERR_RETRY, true, STATUS_SUSPENDED, NEXT_BACKOFF},
	{RUN_RESTORE, RUN_OPEN, ERR_HELD, true, STATUS_SUSPENDED, NEXT_WAIT},
	{RUN_RESTORE, RUN_QUIET, ERR_RETRY, true, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_RESTORE, RUN_AGAIN, ERR_STALL, false, STATUS_NOTHING, NEXT_NOW},
	{RUN_REMOVE, RUN_OPEN, ERR_NONE, false, STATUS_NOTHING, NEXT_STOP},
	{RUN_REMOVE, RUN_OPEN, ERR_RETRY, true, STATUS_NOTHING, NEXT_BACKOFF},
	{RUN_REMOVE, RUN_GONE, ERR_RETRY, false, STATUS_NOTHING, NEXT_BACKOFF},
};

START_TEST(test_rows)
{
	struct outcome o =
		outcome_of(rows[_i].mode, rows[_i].end, rows[_i].kind, rows[_i].suspended);

	ck_assert_msg(o.status == rows[_i].status && o.next == rows[_i].next,
		"row %d: status %d, next %d", _i, o.status, o.next);
}
END_TEST

Suite *suite_outcome(void);
Suite *suite_outcome(void)
{
	Suite *s = suite_create("outcome");
	TCase *tc = tcase_create("outcome");

	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	suite_add_tcase(s, tc);
	return s;
}
