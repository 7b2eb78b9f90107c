/*
 * What comes of a check. Zeroed memory, a path that was forgotten and every error are BAD: a check
 * says GOOD in one place, at its end.
 */
#ifndef VERIFY_VERDICT_H
#define VERIFY_VERDICT_H

enum verdict {
	VERDICT_BAD, /* *err says why */
	VERDICT_GOOD,
	/* The policy lets it pass although it does not know who has signed: it counts as accepted,
	   and not as verified. */
	VERDICT_IGNORED,
	/* Nothing is wrong with what was looked at, and somebody has to be asked before it is
	   known. */
	VERDICT_OPEN,
};

#endif
