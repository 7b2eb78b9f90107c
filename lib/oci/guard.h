/*
 * Where requests may go. A registry chooses redirects, token servers and page links; none of them may lead to the controller's own
 * ports, and none from the outside into a private network. Addresses are judged as they are written: a name is not resolved here.
 * Loop thread.
 */
#ifndef OCI_GUARD_H
#define OCI_GUARD_H
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>

struct url;

struct oci_own_host {
	char *name; /* lower case, no dot at the end, no brackets */
	unsigned port; /* 0: every port */
};

struct oci_guard {
	VEC(unsigned) ports; /* at which this process listens */
	VEC(char *) addresses; /* of this machine, as they are written */
	VEC(struct oci_own_host) hosts; /* names under which it is known */
};

void oci_guard_init(struct oci_guard *g);
void oci_guard_clear(struct oci_guard *g);
void oci_guard_own_address(struct oci_guard *g, const char *address);
/* "host" or "host:port". */
void oci_guard_own_host(struct oci_guard *g, const char *host);

/* -1 (ERR_STALL) for one of our own ports. */
int oci_guard_check(const struct oci_guard *g, const struct url *u, struct err *err) must_check;
/* May a redirect lead from one to the other? -1 (ERR_RETRY) names where it would go. */
int oci_guard_redirect(const struct oci_guard *g, const struct url *from, const struct url *to,
	bool insecure, struct err *err) must_check;

#endif
