/*
 * Versions and ranges as github.com/Masterminds/semver/v3 v3.5 means them, because that is what
 * `spec.ref.semver` of an OCIRepository has always meant. semver.org's grammar is stricter, npm's
 * ranges differ: neither is what is implemented here. test/e2e/textdiff.sh holds this file to the
 * Go module.
 *
 * A version is a plain value without memory of its own: copy it, drop it. The text it came from
 * stays with the caller. Any thread; a range is only read after it was parsed.
 *
 *	struct semver_range range;
 *	struct semver v, best;
 *
 *	if (semver_range_parse(&range, ">=1.2.0 <2.0.0 || ^3", &err))
 *		return -1;
 *	for each tag:
 *		if (semver_parse(&v, tag) && semver_range_match(&range, &v) &&
 *			(!found || semver_better(&v, tag, &best, best_tag)))
 *			best = v, ...
 *	semver_range_clear(&range);
 */
#ifndef TEXT_SEMVER_H
#define TEXT_SEMVER_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEMVER_TEXT_MAX \
	256 /* bytes of a version; longer ones are none (MaxVersionLen of the Go module) */
#define SEMVER_RANGE_MAX 512 /* bytes of a range (MaxConstraintLen) */
#define SEMVER_GROUPS_MAX 32 /* alternatives between || (MaxConstraintGroups) */

struct semver {
	uint64_t major, minor, patch;
	char pre[SEMVER_TEXT_MAX + 1]; /* "rc.1" of 1.0.0-rc.1; "" for a release */
};

/*
 * Reads a tag. True if it is a version: an optional `v`, numbers of any leading zeros that fit 64
 * bits, `-prerelease`, `+metadata`. Two dots at least must be in it, as Flux asks for; it does not
 * ask where, so `1.2-rc.1` is 1.2.0-rc.1, while `1.2` and `1.2-rc` are none. `V1.0.0`, `1.2.3.4`
 * and `1.2.3_a` are none. *v is untouched if it is none. Not an error value: most tags of a
 * repository are no versions, and that is normal.
 */
bool semver_parse(struct semver *v, const char *text) must_check;

/* -1, 0, 1. Precedence of semver.org section 11; metadata does not count. A numeric identifier past
   64 bits counts as text. */
int semver_compare(const struct semver *a, const struct semver *b);

/*
 * Is a the better choice than b? The higher version; of two equal ones (1.0.0 and v1.0.0, 1.0.0+a
 * and 1.0.0+b) the tag that comes first in byte order. So the choice does not depend on the order
 * in which a registry lists its tags. The peer's choice between equal versions is that of an
 * unstable sort: for up to twelve matches the one listed first, which is this one where the
 * registry lists in byte order; past that, whatever comes out.
 */
bool semver_better(
	const struct semver *a, const char *a_tag, const struct semver *b, const char *b_tag);

struct semver_term;
struct semver_range {
	struct semver_term *terms; /* all groups one after the other */
	size_t count;
};

/*
 * Parses a range: alternatives between `||`, in each terms that must all hold, divided by blanks or
 * commas. A term is an operator (none, = != > < >= => <= =< ~ ~> ^) and a version whose parts may
 * be missing or a wildcard (x, X, *); `A - B` means `>=A <=B`. A version with a prerelease matches
 * only in a group in which some term has a prerelease too.
 * 0; or -1 (ERR_RETRY, message names the range) and nothing to clear.
 */
int semver_range_parse(struct semver_range *r, const char *text, struct err *err) must_check;
void semver_range_clear(struct semver_range *r);
bool semver_range_match(const struct semver_range *r, const struct semver *v);

#endif
