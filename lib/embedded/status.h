/*
 * How the API says no: metav1.Status (Kubernetes API conventions, "Error codes"). kubectl builds
 * its message from reason, message and details, so the sentences here are the API server's own. A
 * function that can refuse takes `struct emb_status *st` last and returns 0, or -1 with *st filled
 * (the first failure stays). Any thread, one at a time.
 */
#ifndef EMBEDDED_STATUS_H
#define EMBEDDED_STATUS_H
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

#include <jansson.h>
#include <stdbool.h>

struct emb_kind;

struct emb_status {
	int code; /* HTTP; 0: nothing went wrong */
	const char *reason; /* a constant: "NotFound" */
	struct buf message;
	char *name; /* details */
	const struct emb_kind *kind;
	json_t *causes; /* array or NULL */
};

#define EMB_STATUS_INIT ((struct emb_status){.message = BUF_INIT(LIMIT_EMBEDDED_MESSAGE)})
void emb_status_init(struct emb_status *st);
void emb_status_clear(struct emb_status *st);
#define auto_emb_status __attribute__((cleanup(emb_status_clear)))

/* Returns -1. kind and name (may be NULL) are the details. */
int emb_status_set(struct emb_status *st, int code, const char *reason, const struct emb_kind *kind,
	const char *name, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
int emb_bad_request(struct emb_status *st, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int emb_not_found(struct emb_status *st, const struct emb_kind *kind, const char *name);
int emb_conflict(
	struct emb_status *st, const struct emb_kind *kind, const char *name, const char *why);
int emb_internal(struct emb_status *st, const struct err *err);

/* ---- lists of field errors, which become one 422 */
struct emb_causes {
	json_t *list; /* of {reason, message, field}; NULL: none yet */
};
void emb_causes_clear(struct emb_causes *c);
#define auto_emb_causes __attribute__((cleanup(emb_causes_clear)))
/* reason: "FieldValueRequired", ...; the message as in "Required value". At most
   LIMIT_EMBEDDED_CAUSES are kept. */
void emb_cause(struct emb_causes *c, const char *reason, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* 0 when there is none; else -1 and `Kind.group "name" is invalid: ...`. */
int emb_invalid(
	struct emb_status *st, const struct emb_kind *kind, const char *name, struct emb_causes *c);

/* The Status object as JSON. */
void emb_status_write(const struct emb_status *st, struct buf *out);
/* The Status of a success (DELETE). */
json_t *emb_success_json(const struct emb_kind *kind, const char *name, const char *uid);

#endif
