/*
 * The file of --verification-rules: read at the start, and again when it changes (ev/reread.h).
 * Loop thread.
 */
#ifndef SOURCE_RULES_FILE_H
#define SOURCE_RULES_FILE_H
#include "base/err.h"

struct loop;
struct reread;
struct rules;
struct rules_file;

/* NULL: the file cannot be used; *err names it. */
struct rules_file *rules_file_new(struct loop *l, const char *path, struct err *err) must_check;
void rules_file_free(struct rules_file *f); /* NULL is fine */
/* Borrowed until the file changes. f NULL: NULL, there are none. */
struct rules *rules_file_rules(const struct rules_file *f);
/* For reread_on_taken and metrics. */
struct reread *rules_file_reread(const struct rules_file *f);

#endif
