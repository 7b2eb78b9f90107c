/*
 * One component of a path against one component of an ignore pattern, as Go's path/filepath.Match
 * does it: * ? [a-z] [^a-z] and \ to escape; no other class syntax. For ignore.c. Time is at most
 * the product of the two lengths, and counted in a budget.
 */
#ifndef TEXT_IGNORE_GLOB_H
#define TEXT_IGNORE_GLOB_H
#include "text/ignore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Once in a while: is the budget over, or the stop flag set? */
bool ignore_budget_look(struct ignore_budget *b);
/* Counts steps of a nanosecond or a few. False: it is over. */
static inline bool ignore_spend(struct ignore_budget *b, uint64_t steps)
{
	b->used += steps;
	return b->used < b->look_at || ignore_budget_look(b);
}

/* Go's utf8.DecodeRune: the bytes used; a byte that is not UTF-8 is U+FFFD and one byte long. n is
   at least 1. */
size_t ignore_rune(const char *s, size_t n, uint32_t *rune);
/* Is the pattern well formed? A malformed one matches nothing and must not be given to
   ignore_glob. */
bool ignore_glob_valid(const char *pat, size_t len);
/* Also false when the budget is over. */
bool ignore_glob(const char *pat, size_t pat_len, const char *name, size_t name_len,
	struct ignore_budget *b);

#endif
