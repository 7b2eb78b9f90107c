/*
 * Names that a tree may have: what git refuses to put on a disk of any system (its core.protectNTFS
 * and core.protectHFS) is refused, since whoever unpacks an artifact may run one of them. Any
 * thread.
 */
#ifndef GIT_NAMES_H
#define GIT_NAMES_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* One component: not empty, `.` or `..`, no slash, no NUL, at most LIMIT_ENTRY_PART bytes, and
   nothing that NTFS or HFS+ would take for `.git`: other case, trailing dots and blanks, a stream
   behind a colon, `git~1`, characters that HFS+ overlooks. NULL: it may; else a word why not. */
const char *gitc_name_refused(const char *name, size_t n);
/* A whole relative path, each component so; also not over LIMIT_ENTRY_PATH. */
const char *gitc_path_refused(const char *path, size_t n);

#endif
