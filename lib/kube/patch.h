/*
 * JSON merge patches (RFC 7396) of what a controller writes: its finalizer, its annotations' echo,
 * its status. Each carries the uid and the resourceVersion of the object that was read, so a patch
 * made from an old copy is refused with 409 (err.code) and changes nothing: GET the object, and if
 * what the run depended on is the same, make the patch anew from the fresh copy and send it again.
 *
 *	auto_json json_t *patch = kube_patch_status(obj, wanted);
 *	if (!patch)
 *		nothing to write;
 *	kube_start(c, &(struct kube_req){.verb = KUBE_PATCH, .resource = &res, .ns = ns,
 *		.name = name, .subresource = "status", .body = patch});
 *
 * The caller owns what is returned (json_decref). Trees that are given stay as they are. Loop
 * thread.
 */
#ifndef KUBE_PATCH_H
#define KUBE_PATCH_H
#include <jansson.h>
#include <stdbool.h>

/* The smallest patch that makes `to` of `from`; NULL when they are equal. Values that are null in
   `to` count as absent: a merge patch cannot write them. Arrays are replaced as a whole. */
json_t *kube_merge_diff(const json_t *from, const json_t *to);
/* {"metadata":{"uid","resourceVersion"},"status":diff}; NULL when nothing differs. status NULL: an
   empty one. */
json_t *kube_patch_status(const json_t *obj, const json_t *status);
/* {"metadata":{"uid","resourceVersion","finalizers":[...]}}; the other finalizers keep their order.
   NULL when it is there (or, for remove, absent) already. */
json_t *kube_patch_finalizer_add(const json_t *obj, const char *finalizer);
json_t *kube_patch_finalizer_remove(const json_t *obj, const char *finalizer);
bool kube_has_finalizer(const json_t *obj, const char *finalizer);

#endif
