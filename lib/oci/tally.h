/*
 * Requests to registries, token servers and where they redirect to: how many, by kind, host and
 * what came of it. For metrics, so what strangers choose is bounded: a host has numbers of its own
 * while there is room for LIMIT_REGISTRY_HOSTS_COUNTED of them, all others are "other". A host that
 * has never answered gives its room to one that has: names that lead nowhere keep no registry out.
 * What it had counted is added to "other", so that a sum over all hosts never goes back. Loop
 * thread.
 *
 *	oci_tally_add(&t, OCI_KIND_HEAD, &url, 200);
 *	oci_tally_each(&t, fn, arg);            fn(arg, OCI_KIND_HEAD, "ghcr.io", "200", 1)
 */
#ifndef OCI_TALLY_H
#define OCI_TALLY_H
#include "base/limits.h"
#include "base/vec.h"
#include "oci/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct url;

/* In place of a status. */
#define OCI_TALLY_ERROR 0 /* no answer, or not a whole one: "<error>", as client-go has it */
#define OCI_TALLY_CANCELED (-1) /* we wanted it no more: "<canceled>" */

struct oci_tally_count {
	uint8_t kind, code;
	uint64_t n;
};

struct oci_tally_host {
	char *name; /* NULL: of "other" */
	bool answered;
	VEC(struct oci_tally_count) counts;
};

/* Zeroed is empty. */
struct oci_tally {
	struct oci_tally_host other;
	VEC(struct oci_tally_host) hosts;
};

void oci_tally_clear(struct oci_tally *t);
/* status: of the answer, or one of the two above. */
void oci_tally_add(struct oci_tally *t, enum oci_kind kind, const struct url *url, int status);
/* code: "200"; a status that is not well known is "2xx". */
void oci_tally_each(const struct oci_tally *t,
	void (*fn)(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n),
	void *arg);

#endif
