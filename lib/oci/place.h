/*
 * Where a repository really is, for who must know two spellings of one place as the same: no
 * request goes by it. Letter case and empty parts are none of its business: struct oci_repo has
 * neither. A trailing dot of the host goes, an address is written one way (IPv4 inside of IPv6 is
 * IPv4), and whatever Docker Hub is called is index.docker.io, with `library/` before a name of one
 * part.
 *
 * Plain values. Any thread.
 */
#ifndef OCI_PLACE_H
#define OCI_PLACE_H
#include "oci/ref.h"

#include <stdbool.h>

struct oci_place {
	char host[OCI_HOST_MAX + 1]; /* without a port */
	unsigned port; /* 0: none, or one that goes without saying: 443, 80 */
	char name[OCI_NAME_MAX + 1];
};

void oci_place_of(struct oci_place *p, const struct oci_repo *repo);
/* The i-th name of its host, the first of which is in there. NULL: it has no more. */
const char *oci_place_name(const struct oci_place *p, size_t i);
/* The same server? */
bool oci_place_same_host(const struct oci_place *a, const struct oci_place *b);

#endif
