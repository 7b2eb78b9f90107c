/* Where the next page of a registry's list is. Loop thread. */
#ifndef OCI_PAGE_H
#define OCI_PAGE_H
#include "base/err.h"

struct op;

/*
 * By the Link headers of an answer to req.h: *next is path and query from the root, the caller's;
 * NULL: it was the last page. -1 (ERR_RETRY): it is not at the registry's own host, to which
 * credentials go, or makes no sense.
 */
int oci_page_next(const struct op *answered, char **next, struct err *err) must_check;

#endif
