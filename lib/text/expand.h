/*
 * Templates as Go's (*regexp.Regexp).Expand takes them, for `filterTags.extract`: `$name`,
 * `${name}`, `$1`, `${1}` and `$0` stand for what a group of the pattern has matched, `$$` for a
 * dollar sign.
 *
 * `$name` takes the longest run of letters, digits and _ (letters of any script), so `$1x` is the
 * group "1x" and not the group 1. A run of digits is a group's number, unless it begins with a zero
 * that is not alone, or has more than nine digits: then it is a name. A group that is not there, or
 * that took no part in the match, is empty; of several groups of one name the first that took part
 * counts. A dollar sign that begins none of these is copied, and what follows it is plain text
 * again. test/e2e/textdiff.sh holds this file to Go.
 *
 * A compiled template is read only: any thread.
 */
#ifndef TEXT_EXPAND_H
#define TEXT_EXPAND_H
#include "base/buf.h"
#include "base/err.h"

struct expand;
struct match;
struct match_span;

/* For matches of this pattern, which is borrowed for as long as the template is there. 0, *out is
   the caller's (expand_free); or -1 (ERR_RETRY): it is longer than LIMIT_EXTRACT bytes, or the
   pattern has so many groups and instructions that one match would take long: the time grows with
   the product of both, which is at most LIMIT_EXTRACT_COST. */
int expand_new(
	struct expand **out, const char *text, const struct match *m, struct err *err) must_check;
void expand_free(struct expand *x); /* NULL is fine */
/* The first group that it names and the pattern has not; NULL: there is none. */
const char *expand_missing(const struct expand *x);
/* Adds to `to` what the template comes to for the first match in the text, as buf_add does. False:
   there is no match. */
bool expand_text(const struct expand *x, const char *text, size_t len, struct buf *to) must_check;
/* The same for the first match that begins at `from` or behind it, which is *whole. */
bool expand_from(const struct expand *x, const char *text, size_t len, size_t from,
	struct match_span *whole, struct buf *to) must_check;

#endif
