/*
 * JSON in the one form that TUF's signatures are of (OLPC's canonical JSON,
 * http://wiki.laptop.org/go/Canonical_JSON): no blanks, members in the order of their names' bytes,
 * in strings nothing escaped but '"' and '\', whole numbers only. Any thread.
 */
#ifndef VERIFY_TUF_CANONICAL_H
#define VERIFY_TUF_CANONICAL_H
#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* Appends it. -1: a number that is not whole, or past the limit of the buffer. */
int verify_tuf_canonical(const json_t *v, struct buf *out, struct err *err) must_check;

#endif
