/*
 * The OCIRepository controller (source.toolkit.fluxcd.io/v1): watches the objects, runs the step tables of reconcile.c for each, writes
 * status and events, keeps the store's claims in step. docs/architecture.md has the picture. Loop thread.
 *
 *	struct ocirepo *c = ocirepo_new(&opts);
 *	ocirepo_start(c);
 *	... on SIGTERM: ocirepo_stop(c), turn the loop until ocirepo_idle(c), ocirepo_free(c)
 */
#ifndef OCIREPOSITORY_OCIREPOSITORY_H
#define OCIREPOSITORY_OCIREPOSITORY_H
#include "crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct event_recorder;
struct kube_client;
struct loop;
struct metrics;
struct oci_client;
struct ocirepo;
struct store;

struct ocirepo_opts {
	struct loop *loop;
	struct kube_client *kube;
	struct oci_client *oci;
	struct store *store;
	struct metrics *metrics;
	struct event_recorder *events;
	const char *ns; /* watch only this one; NULL: all */
	const char *label_selector; /* NULL: all objects */
	const char *
		adv_address; /* of artifact URLs: "source-controller.flux-system.svc.cluster.local.", or with a scheme before it */
	unsigned concurrent; /* runs past resolve; 0: 16 */
	unsigned jitter_percent;
	uint64_t min_retry_ms, max_retry_ms; /* 0: 750 ms, 15 min */
	enum digest_algo algo; /* of artifacts; DIGEST_NONE: sha256 */
	struct account *account; /* memory for layers; NULL: none is counted */
	uint64_t max_blob, max_expanded, max_entries; /* 0: lib/base/limits.h */
};

/* Strings are copied, the rest is borrowed. */
struct ocirepo *ocirepo_new(const struct ocirepo_opts *opts);
void ocirepo_start(struct ocirepo *c);
/* The first list was delivered: part of readiness. */
bool ocirepo_synced(void *c);
/* on_lost of the store: a file that a status names is gone. */
void ocirepo_file_lost(struct ocirepo *c, const char *path);
/* Takes no new runs; runs that are past the point of no return end by themselves, the others are cancelled. */
void ocirepo_stop(struct ocirepo *c);
bool ocirepo_idle(const struct ocirepo *c);
void ocirepo_free(struct ocirepo *c);

#endif
