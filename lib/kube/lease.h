/*
 * Holds a Lease (coordination.k8s.io/v1), so that of several processes one leads: what client-go's
 * leaderelection does, so that ours and its users exclude each other. An op that never ends by
 * itself.
 *
 * The Lease is read every retry_ms. When nobody holds it, it has this process's name, or its record
 * has not changed for as long as the record itself says (on this process's clock: nobody else's
 * time counts), it is written with the resourceVersion that was read. Who leads and could not write
 * for renew_ms leads no more, though the Lease still names it: others take over after duration_ms,
 * which is longer.
 *
 * op_cancel gives the Lease back (nobody holds it then), unless `keep` says otherwise, and ends the
 * op; op_drop does the same. on_change is not called for that. What the API server answers is
 * hostile as anywhere; what is no Lease reads as one that nobody holds. Milliseconds. Loop thread.
 *
 *	struct op *lease = kube_lease_start(client, &(struct kube_lease_req){.ns = "flux-system",
 *		.name = "source-controller-leader-election", .identity = "pod-1_0f3...",
 *		.duration_ms = 35000, .renew_ms = 30000, .retry_ms = 5000,
 *		.on_change = role_changed, .arg = me});
 */
#ifndef KUBE_LEASE_H
#define KUBE_LEASE_H
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct kube_client;
struct op;

struct kube_lease_req {
	const char *ns, *name, *identity; /* copied */
	uint64_t duration_ms, renew_ms, retry_ms; /* duration > renew > retry */
	bool keep; /* a cancel does not give it back */
	/* It leads, or leads no more; also when another one took over. */
	void (*on_change)(void *arg, bool leads);
	/* It cannot be read or written: once for a row of failures. May be NULL. */
	void (*on_error)(void *arg, const struct err *err);
	void *arg;
};

struct op *kube_lease_start(struct kube_client *c, const struct kube_lease_req *req);
/* Does it lead at this moment? By the clock, too: a process that was stopped may have lost it
   before on_change could say so. */
bool kube_lease_leads(const struct op *op);
/* Who held it when it was read last; "": nobody, or not known. Borrowed until the next turn. */
const char *kube_lease_holder(const struct op *op);

#endif
