/*
 * What a signature has to pass: a table of checks with names, walked in order until one fails. Here
 * is the one place that says GOOD. Who wants to see more than the first failure gives a report, in
 * which each check stands that was reached. Any thread; a report is one thread's at a time.
 *
 *	static const struct verify_check rows[] = {{"signature", signature_check}, {0}};
 *	verdict = verify_checks_run(&(struct verify_checks){.rows = rows, .arg = &mine}, err);
 */
#ifndef VERIFY_CHECKS_H
#define VERIFY_CHECKS_H
#include "base/err.h"
#include "base/vec.h"
#include "verify/verdict.h"

#include <stdbool.h>

struct buf;

struct verify_check {
	const char *name; /* NULL: the end of the table */
	/* 0: passed. Whatever else it returns, it has not, and *err says why. */
	int (*check)(void *arg, struct err *err);
	/* Is there something to check? NULL: always. A row that must not be left out has none. */
	bool (*applies)(const void *arg);
	unsigned nth; /* its place in the policy's actions; 0 is always enforced */
};

/* What a failure comes to. */
enum verify_action {
	VERIFY_ENFORCE,
	VERIFY_LOG, /* it is written down, and nothing else comes of it */
	VERIFY_SKIP, /* nobody looks */
};

enum verify_outcome {
	VERIFY_FAILED,
	VERIFY_PASSED,
	VERIFY_LOGGED, /* failed, and the policy lets it pass */
	VERIFY_NOT_ASKED, /* there is nothing to check, or the policy skips it */
};

struct verify_report {
	VEC(struct verify_reported {
		const char *name; /* of the row */
		enum verify_outcome outcome;
		char *why; /* it failed; NULL: it did not */
	})
	rows;
};

void verify_report_clear(struct verify_report *r);

struct verify_checks {
	const struct verify_check *rows;
	void *arg; /* of each check */
	struct verify_report *report; /* NULL: nobody wants to see it */
	const enum verify_action *actions; /* by nth; NULL: all are enforced */
	/* What failed and is only logged: as words, and as bits, 1 << nth. With actions. */
	struct buf *logged;
	unsigned passed_by;
};

/* GOOD or BAD. */
enum verdict verify_checks_run(struct verify_checks *c, struct err *err) must_check;

#endif
