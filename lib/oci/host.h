/*
 * How to speak to a registry, learnt by asking; whether it answers is health.h's. A record's key is
 * host and `insecure`: an object that may use plain http teaches the others nothing. Nor does one
 * that asks through a proxy of its own, since its proxy may have answered: it has a record of its
 * own. At most LIMIT_REGISTRY_HOSTS; what a request points at stays. Loop thread.
 */
#ifndef OCI_HOST_H
#define OCI_HOST_H
#include "base/lru.h"

#include <stdint.h>

struct oci_target;

struct oci_host {
	struct lru_item item;
	unsigned users; /* requests that point here */
	enum { OCI_SPEAKS_UNKNOWN, OCI_SPEAKS_TLS, OCI_SPEAKS_PLAIN } speaks;
	/* On clock_ms(): HEAD of a manifest was refused where GET was not. */
	uint64_t no_head_until;
};

void oci_hosts_init(struct lru *hosts);
/* Made when it is not there. */
struct oci_host *oci_host_get(struct lru *hosts, const struct oci_target *target);

#endif
