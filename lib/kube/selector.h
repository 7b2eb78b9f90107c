/*
 * Label selectors ("a=b,c!=d,e in (x,y),!f") and field selectors ("metadata.name=x,type!=y") as a
 * client passes them (k8s.io/apimachinery labels.Parse and fields.ParseSelector). The text may be
 * hostile: it is capped at LIMIT_KUBE_SELECTOR, and parsing is linear.
 *
 * A parsed selector is read only: any thread. The owner frees. A selector of NULL matches
 * everything.
 *
 *	struct kube_selector *s;
 *	if (kube_selector_labels(&s, "sharding.fluxcd.io/key in (a,b)", err)) return -1;
 *	mine = kube_selector_match_labels(s, object);
 *	kube_selector_free(s);
 */
#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct kube_selector;

/*
 * What an object has in the field `path`, "" when it has nothing there; NULL: its kind has no such
 * field.
 */
typedef const char *kube_field_fn(const void *arg, const json_t *o, const char *path);

/*
 * *out NULL: the text is empty or NULL. The message is the API server's ("unable to parse
 * requirement: ...").
 */
int kube_selector_labels(struct kube_selector **out, const char *text, struct err *err) must_check;
/*
 * A field that `field` does not know, asked with an empty object, is an error ("field label not
 * supported: x").
 */
int kube_selector_fields(struct kube_selector **out, const char *text, kube_field_fn *field,
	const void *arg, struct err *err) must_check;
void kube_selector_free(struct kube_selector *s); /* NULL is fine */

/* The object's apiVersion and kind may be missing. */
bool kube_selector_match_labels(const struct kube_selector *s, const json_t *o);
bool kube_selector_match_fields(
	const struct kube_selector *s, kube_field_fn *field, const void *arg, const json_t *o);
/* The value that `key` must have ("metadata.name=x"); NULL: any. */
const char *kube_selector_value(const struct kube_selector *s, const char *key);

#endif
