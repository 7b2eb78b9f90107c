/*
 * The Link header (RFC 8288 section 3): where the next page of a list is. No state, any thread.
 */
#ifndef OCI_LINK_H
#define OCI_LINK_H
#include "base/err.h"

/* The target of the first link of this header value whose rel has the word "next"; *target (the
   caller's) is NULL when there is none. -1 (ERR_RETRY): the header is malformed. */
int oci_link_next(const char *value, char **target, struct err *err) must_check;

#endif
