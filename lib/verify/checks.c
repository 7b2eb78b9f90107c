#include "verify/checks.h"

#include "base/buf.h"
#include "base/mem.h"

void verify_report_clear(struct verify_report *r)
{
	struct verify_reported *row;

	vec_each (&r->rows, row)
		free(row->why);
	vec_clear(&r->rows);
}

static void tell(const struct verify_checks *c, const struct verify_check *row,
	enum verify_outcome outcome, const char *why)
{
	if (c->report)
		*vec_add(&c->report->rows) =
			(struct verify_reported){row->name, outcome, mem_strdup(why)};
}

static enum verify_action action_of(const struct verify_checks *c, const struct verify_check *row)
{
	return row->nth && c->actions ? c->actions[row->nth] : VERIFY_ENFORCE;
}

/* -1: the signature is not good. */
static int row_run(struct verify_checks *c, const struct verify_check *row, struct err *err)
{
	enum verify_action action = action_of(c, row);
	struct err why = {0};

	if (action == VERIFY_SKIP || (row->applies && !row->applies(c->arg))) {
		tell(c, row, VERIFY_NOT_ASKED, NULL);
		return 0;
	}
	if (!row->check(c->arg, &why)) {
		tell(c, row, VERIFY_PASSED, NULL);
		return 0;
	}
	if (action != VERIFY_LOG) {
		tell(c, row, VERIFY_FAILED, why.msg);
		*err = why;
		return -1;
	}
	tell(c, row, VERIFY_LOGGED, why.msg);
	c->passed_by |= 1U << row->nth;
	buf_addf(c->logged, "%s%s: %.300s", c->logged->len ? "; " : "", row->name, why.msg);
	return 0;
}

enum verdict verify_checks_run(struct verify_checks *c, struct err *err)
{
	const struct verify_check *row;

	BUG_IF(!c->rows->name); /* who checks nothing finds nothing good */
	for (row = c->rows; row->name; row++)
		if (row_run(c, row, err))
			return VERDICT_BAD;
	return VERDICT_GOOD;
}
