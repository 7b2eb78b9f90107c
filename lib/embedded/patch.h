/*
 * Patches on JSON trees. Any thread.
 *
 * JSON merge patch (RFC 7386), strategic merge patch for the built-in kinds (Kubernetes
 * "strategic-merge-patch.md"), and the three-way merge of `kubectl apply` for the folder of
 * manifests. Depth is bounded by the parser that made the trees.
 */
#ifndef EMBEDDED_PATCH_H
#define EMBEDDED_PATCH_H
#include <jansson.h>

struct emb_status;

/* Changes *o; patch is borrowed. */
void emb_patch_merge(json_t **o, const json_t *patch);
/* o is an object. Directives $patch, $retainKeys, $deleteFromPrimitiveList and $setElementOrder;
   lists that merge: metadata.finalizers (as a set), metadata.ownerReferences (by uid),
   status.conditions (by type), secrets of a ServiceAccount (by name); other lists are replaced. 400
   for a directive it does not know. */
int emb_patch_strategic(json_t *o, const json_t *patch, struct emb_status *st);
/* Brings live, an object, to what `wanted` says: fields of wanted are set, fields that `last` had
   and wanted has not are removed, all others stay. last may be NULL. */
void emb_patch_three_way(json_t *live, const json_t *last, const json_t *wanted);

#endif
