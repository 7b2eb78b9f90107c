/*
 * Regular expressions of users (`semverFilter`, `filterTags`), in RE2's syntax as Go's
 * regexp/syntax takes it, in time linear in the text. The only user of RE2 and the only C++ file of
 * the project is behind this header.
 *
 * What RE2 and Go see differently is evened out before RE2 reads the pattern:
 *  - (?<name>x) is taken (older RE2 knows only (?P<name>x)); group names are ASCII letters, digits
 *    and _;
 *  - \C is refused;
 *  - \p{...} takes what Go 1.25 and later take: any case, blanks, - and _ in the name, long names
 *    of categories (\p{Letter}), Any, ASCII, Assigned, Cn and LC.
 * What stays different: a pattern is at most LIMIT_PATTERN bytes; its compiled form and caches are
 * at most LIMIT_PATTERN_MEMORY, and LIMIT_PATTERN_PROGRAM instructions (so \pL{10} and .{1000} are
 * refused where Go takes them); \p{Cn} and \P{Assigned} inside [...] are refused; `.` never matches
 * a byte that is not UTF-8 (registry tags are ASCII). Scripts of several words are refused
 * (\p{Old_Italic}), as Go 1.25 and 1.26 do.
 *
 * A compiled pattern is read only: any thread. An ordinary pattern compiles in microseconds and
 * takes 0.3 µs for a tag. Time grows with the product of program and text: the worst within the
 * limits compiles in about 10 ms, and takes as much for a tag of 128 bytes.
 */
#ifndef TEXT_MATCH_H
#define TEXT_MATCH_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct match;

/* Compiles. 0, *out is the caller's (match_free); or -1 (ERR_RETRY): the message names the pattern
   and what is wrong with it. */
int match_new(struct match **out, const char *pattern, struct err *err) must_check;
/* Instructions that it was compiled to: some 30 bytes of memory each. */
int match_program(const struct match *m);
/* NULL is fine. */
void match_free(struct match *m);
/* Does the pattern occur anywhere in the text (unanchored, as Go's MatchString)? */
bool match_text(const struct match *m, const char *text, size_t len);

/* What a group has matched, as offsets in the text. */
struct match_span {
	size_t from, to;
};

/* How many groups it has, beside the whole match, which is number 0. */
int match_groups(const struct match *m);
/* The name of group n, from 1 on. Several may have one name. Borrowed; NULL: it has none. */
const char *match_group_name(const struct match *m, int n);
/* The first match as Go has it (leftmost, then the alternatives in their order): spans[0] is the
   whole of it, then come its groups, n in all, which may be fewer than there are, but not more.
   False: there is no match, and spans are as they were. Costs more than match_text. */
bool match_spans(
	const struct match *m, const char *text, size_t len, struct match_span *spans, size_t n);
/* The first one that begins at `from` or behind it: what stands before it is seen by ^ and \b. */
bool match_spans_from(const struct match *m, const char *text, size_t len, size_t from,
	struct match_span *spans, size_t n);
/* Did the group take part in the match? */
bool match_span_took_part(const struct match_span *s);

#ifdef __cplusplus
}
#endif
#endif
