/*
 * What a command has found or made, on stdout: a line of text, or with --output=json an object a
 * line, with the members of `flux push artifact --output json`. Main thread.
 */
#ifndef OCICTL_SHOW_H
#define OCICTL_SHOW_H
#include "base/buf.h"
#include "base/js.h"
#include "crypto/digest.h"

struct args;

/* tag may be "". */
void ocictl_show(const struct args *a, const char *tag, const struct digest *digest);

/* The same object without its end, for more members; then it is printed. */
void ocictl_show_begin(
	struct js_w *w, const struct args *a, const char *tag, const struct digest *digest);
void ocictl_show_end(struct js_w *w);

#endif
