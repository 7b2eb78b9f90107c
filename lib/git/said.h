/*
 * A server's own words, for messages: printable, capped, the same each time (text/steady.h). Any
 * thread.
 */
#ifndef GIT_SAID_H
#define GIT_SAID_H
#include "base/buf.h"
#include "base/err.h"

/* Appends so much of it as `out` takes. */
void gitc_said_add(struct buf *out, const char *p, size_t n);
/* The server said in the protocol (ERR, band 3, what ssh wrote) that it will not: ERR_RETRY with
   "WHO: words" and the code of gitc.h that fits them. Returns -1. */
int gitc_said_error(const char *who, const char *p, size_t n, struct err *err);

#endif
