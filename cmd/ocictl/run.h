/*
 * What every command needs to ask a registry: a loop, clients, the credentials of the command line
 * of Docker's configuration or of a cloud. Main thread.
 *
 *	struct run r;
 *	if (!ocictl_run_init(&r, a, &err))
 *		rc = ocictl_run_wait(&r, oci_resolve_start(r.oci, ...), &op);
 *	ocictl_run_clear(&r);
 */
#ifndef OCICTL_RUN_H
#define OCICTL_RUN_H
#include "cmd/ocictl/args.h"
#include "oci/target.h"

struct loop;
struct op;

struct run {
	struct loop *loop;
	struct http_client *http;
	struct oci_client *oci;
	struct oci_identity *identity;
	struct cloud *cloud; /* NULL: no --provider */
};

/* To be cleared after a failure too. */
int ocictl_run_init(struct run *r, const struct args *a, struct err *err) must_check;
void ocictl_run_clear(struct run *r);
struct oci_target ocictl_run_target(const struct run *r, const struct args *a);
/* Turns the loop until the op is done. It stays the caller's. -1: it failed, *err says how. */
int ocictl_run_wait(struct run *r, struct op *op, struct err *err) must_check;
/* What was printed must have arrived. The exit status. */
int ocictl_flush(int rc);

#endif
