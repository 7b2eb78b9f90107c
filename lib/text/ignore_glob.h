/*
 * One component of a path against one component of an ignore pattern, as Go's path/filepath.Match does it: * ? [a-z] [^a-z] and \
 * to escape; no other class syntax. For ignore.c. Time is at most the product of the two lengths.
 */
#ifndef TEXT_IGNORE_GLOB_H
#define TEXT_IGNORE_GLOB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Go's utf8.DecodeRune: the bytes used; a byte that is not UTF-8 is U+FFFD and one byte long. n is at least 1. */
size_t ignore_rune(const char *s, size_t n, uint32_t *rune);
/* Is the pattern well formed? A malformed one matches nothing and must not be given to ignore_glob. */
bool ignore_glob_valid(const char *pat, size_t len);
bool ignore_glob(const char *pat, size_t pat_len, const char *name, size_t name_len);

#endif
