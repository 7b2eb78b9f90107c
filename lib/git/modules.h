/*
 * `.gitmodules` (gitmodules(5), the syntax of git-config(1)): which repository belongs to which
 * gitlink. A stranger's text: names, paths and URLs that git refuses since CVE-2018-11235,
 * -17456, CVE-2019-1349, and CVE-2020-11008 are refused here. Any thread.
 */
#ifndef GIT_MODULES_H
#define GIT_MODULES_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#include <stddef.h>

struct gitc_modules_row {
	char *name, *path; /* path: clean, "a/b" */
	char *url; /* as it is written: may be relative */
};

struct gitc_modules {
	VEC(struct gitc_modules_row) rows;
};

/* Entries without path or url are left out; of two with one name the later value counts, as in git.
   Errors are ERR_RETRY with GITC_BAD_OBJECT and name the line or the module. */
int gitc_modules_parse(
	struct gitc_modules *out, const char *text, size_t n, struct err *err) must_check;
void gitc_modules_clear(struct gitc_modules *m);

/* An URL that begins with ./ or ../ as git resolves it against its parent repository's; another one
   is itself. Only http, https and ssh come out, or an error (ERR_RETRY). Credentials of the parent
   stay in what is resolved against it. */
int gitc_modules_url(
	struct buf *out, const char *parent, const char *url, struct err *err) must_check;

#endif
