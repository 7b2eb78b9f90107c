/*
 * Numbers as Go's strconv.ParseFloat(s, 64) takes them, because that is what a `numerical` policy
 * has always meant: decimal and hexadecimal floating-point literals, underscores between digits,
 * inf, infinity and nan in any case. test/e2e/textdiff.sh holds this file to Go. Nothing is kept.
 * Any thread.
 */
#ifndef TEXT_NUMBER_H
#define TEXT_NUMBER_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_TEXT_MAX 1024 /* bytes; a longer text is none */

/* True if it is a number: *out is the nearest double, which may be infinite or nan. What is too
   large for one is no number; what is too small is 0. *out is untouched if it is none. */
bool number_parse(double *out, const char *text, size_t len) must_check;

#endif
