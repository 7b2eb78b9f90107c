/*
 * The trusted root of --sigstore-trusted-root, for objects that name none of their own: read at the
 * start, and again when it changes (ev/reread.h). Loop thread.
 */
#ifndef SOURCE_TRUST_FILE_H
#define SOURCE_TRUST_FILE_H
#include "base/err.h"

struct log_ctx;
struct loop;
struct reread;
struct trust_file;
struct verify_root;

/* NULL: the file cannot be used; *err names it. */
struct trust_file *trust_file_new(struct loop *l, const char *path, struct err *err) must_check;
void trust_file_free(struct trust_file *f); /* NULL is fine */
/* Borrowed until the file changes. */
struct verify_root *trust_file_root(const struct trust_file *f);
/* Logs what is odd about a root that was read just now, be it of the file or of a Secret. */
void trust_file_warn(const struct log_ctx *log, const struct verify_root *root);
/* For reread_on_taken and metrics. */
struct reread *trust_file_reread(const struct trust_file *f);

#endif
