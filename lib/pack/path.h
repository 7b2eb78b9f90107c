/*
 * Names of archive entries: checks, the clean form, and the order of Go's filepath.Walk. Any
 * thread, no state.
 */
#ifndef PACK_PATH_H
#define PACK_PATH_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The order in which Go's filepath.Walk visits paths: component by component, each as bytes, a
 * directory before what is in it; so "a" < "a/b" < "a.txt". The root (".", or "" as this module's
 * clean form has it) comes first. <0, 0, >0.
 */
int pack_path_cmp(const char *a, const char *b);

/*
 * Checks a name of n bytes as an archive has it, and writes its clean form (no "./", no "//", no
 * trailing slash; "" is the root) to out, which has room for n + 1. *clean says that nothing but a
 * trailing slash had to go. Errors (ERR_RETRY, they name the entry): empty, absolute, `../`
 * anywhere or a last component `..`, backslash, NUL, invalid UTF-8, over LIMIT_ENTRY_PATH bytes or
 * LIMIT_PATH_DEPTH deep, a component over LIMIT_ENTRY_PART bytes.
 */
int pack_path_check(char *out, bool *clean, const char *name, size_t n, struct err *err) must_check;

#define PACK_QUOTE_MAX 260
/* n bytes of a stranger's name made safe to print: control and non-ASCII bytes as \xNN, cut with
   "..." after about 200. Returns out. */
char *pack_quote(char out[PACK_QUOTE_MAX], const char *name, size_t n);

#endif
