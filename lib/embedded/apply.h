/*
 * `kubectl apply` for one manifest, inside the server: the three-way merge with the last-applied
 * annotation, in a transaction of its own. Runs on a worker, from the chain's jobs only.
 */
#ifndef EMBEDDED_APPLY_H
#define EMBEDDED_APPLY_H
#include "embedded/manifests.h"
#include "embedded/tx.h"

enum emb_applied { EMB_APPLY_SAME, EMB_APPLY_CREATED, EMB_APPLY_CHANGED, EMB_APPLY_FAILED };

/* The change is appended to *changes. A namespace that does not exist is made. EMB_APPLY_FAILED:
   *st says why. What is created is marked as the folder's own (objects.h). */
enum emb_applied emb_apply(struct emb_db *db, const struct emb_kinds *kinds,
	const struct emb_manifest *m, struct emb_changes *changes, struct emb_status *st);
/* Deletes what the folder created and no manifest names any more. Returns how many, or -1 with *st
   filled. */
int emb_apply_prune(struct emb_db *db, const struct emb_kinds *kinds,
	const struct emb_manifests *ms, struct emb_changes *changes, struct emb_status *st);

#endif
