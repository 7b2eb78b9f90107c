/*
 * What any controller reads of a Kubernetes object (apimachinery's ObjectMeta), and the object as
 * text for the time between two runs: its metadata and status, without what no run looks at. The
 * spec is left out: it is read once, into a struct of its kind (spec.h). Loop thread.
 */
#ifndef CTL_OBJECT_H
#define CTL_OBJECT_H
#include "base/err.h"
#include "base/secret.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* kubectl and flux set it to a time to have an object reconciled now (fluxcd/pkg/apis/meta). */
#define OBJECT_REQUESTED_AT "reconcile.fluxcd.io/requestedAt"

/* Borrowed from the tree. "" and 0 when absent. */
const char *object_ns(const json_t *obj);
const char *object_name(const json_t *obj);
const char *object_uid(const json_t *obj);
/* Its resourceVersion. */
const char *object_version(const json_t *obj);
const char *object_requested_at(const json_t *obj);
int64_t object_generation(const json_t *obj);
bool object_deleting(const json_t *obj);

/* Does any string in there hold a NUL? No rule, name or reference has one: to read on without what
   follows would mean something else than what was written. */
bool object_has_nul(const json_t *v);
/* A Go duration of the spec ("5m"); `fallback` when it is not there. -1: it is none (ERR_STALL). */
int object_duration(const json_t *spec, const char *key, int64_t fallback_ms, int64_t *out_ms,
	struct err *err) must_check;

/* The bytes of an entry of a Secret, in place of what is in *out; empty: it has no such key, or an
   empty one. -1 (ERR_RETRY): it is not what the API server would have taken; the message names the
   key. */
int object_secret_value(
	const json_t *secret, const char *key, struct secret *out, struct err *err) must_check;

/* A digest of these annotations (kind.h; or NULL), to be compared: their values may be long.
   DIGEST_NONE: it has none of them. */
struct digest object_annotations(const json_t *obj, const char *const *keys);
/* Are they what this digest is of? */
bool object_annotations_are(const json_t *obj, const char *const *keys, const struct digest *d);

/* Compact JSON without spec, managedFields, labels and foreign annotations. When that and `room`
   bytes more are over LIMIT_OBJECT_KEPT, *whole is false, and of the status there are only the
   members that the framework reads, and what `status_kept` (kind.h; or NULL) adds. Free it. */
char *object_text(const json_t *obj, size_t room,
	void (*status_kept)(const json_t *status, json_t *kept), bool *whole);
/* The member, if it is there, is shared with `to`. */
void object_member_keep(json_t *to, const json_t *from, const char *key);

#endif
