/*
 * Status conditions as Flux's controllers keep them (metav1.Condition; kstatus). A set belongs to
 * one object; at most one condition of a type. The rules are those that Flux's clients see: the
 * order in which conditions are written, when lastTransitionTime moves, and how Ready is summed up
 * from the others (docs/contract.md). Not shared between threads; the owner clears.
 */
#ifndef CTL_COND_H
#define CTL_COND_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Condition types that every kind has (fluxcd/pkg/apis/meta). */
#define COND_READY "Ready"
#define COND_RECONCILING "Reconciling"
#define COND_STALLED "Stalled"

enum cond_status { COND_TRUE, COND_FALSE, COND_UNKNOWN };

struct cond {
	char *type, *reason, *message;
	char *since; /* lastTransitionTime as text */
	enum cond_status status;
	int64_t generation; /* observedGeneration */
};

struct cond_set {
	struct cond *p;
	size_t len, cap;
	int64_t generation; /* of the object: every cond_put says it has seen this one */
};

#define COND_MESSAGE_MAX 32768

/* Reads status.conditions; what is no condition is left out. */
void cond_load(struct cond_set *s, const json_t *conditions, int64_t generation);
/* A new reference, sorted as Flux sorts: Stalled, Reconciling, Ready, then newest generation first,
   then by type. */
json_t *cond_json(struct cond_set *s);
void cond_clear(struct cond_set *s);

const struct cond *cond_get(const struct cond_set *s, const char *type);
bool cond_is(const struct cond_set *s, const char *type, enum cond_status status);
/*
 * lastTransitionTime moves only when status, reason or message differ; the generation is always the
 * set's. Of the same generation a message that differs only in ids and times (lib/base/vary.h) is
 * the same, and the one that is there stays.
 */
void cond_put(struct cond_set *s, const char *type, enum cond_status status, const char *reason,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void cond_del(struct cond_set *s, const char *type);
/* Is the type in the list, which ends with NULL, or is NULL? */
bool cond_in(const char *const *list, const char *type);
/* Every condition has seen the set's generation. */
void cond_observe(struct cond_set *s);

/*
 * Sums the types of `order` (ends with NULL) up into the condition `target`, which is positive.
 * Types in `negative` are True when something is wrong. The worst group wins: negative True,
 * positive False, positive True, negative False, Unknown; in it the first of `order` gives reason
 * and message. Nothing to sum up: target stays as it is.
 */
void cond_summarize(struct cond_set *s, const char *target, const char *const *order,
	const char *const *negative);

#endif
