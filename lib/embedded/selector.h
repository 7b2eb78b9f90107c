/*
 * Label selectors ("a=b,c!=d,e in (x,y),!f") and field selectors ("metadata.name=x,type!=y") as a client passes them
 * (k8s.io/apimachinery labels.Parse and fields.ParseSelector). Hostile text: capped at LIMIT_EMBEDDED_SELECTOR, linear.
 *
 * A parsed selector is read only: any thread. The owner frees.
 */
#ifndef EMBEDDED_SELECTOR_H
#define EMBEDDED_SELECTOR_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct emb_kind;
struct emb_selector;

/* *out NULL: the text is empty, everything matches. The message is the API server's ("unable to parse requirement: ..."). */
int emb_selector_labels(struct emb_selector **out, const char *text, struct err *err) must_check;
/* Fields the kind does not know are an error ("field label not supported: x"). */
int emb_selector_fields(struct emb_selector **out, const char *text, const struct emb_kind *k,
	struct err *err) must_check;
struct emb_selector *emb_selector_copy(const struct emb_selector *s);
void emb_selector_free(struct emb_selector *s); /* NULL is fine */

/* NULL matches everything. o: the object (apiVersion and kind may be missing). */
bool emb_selector_match_labels(const struct emb_selector *s, const json_t *o);
bool emb_selector_match_fields(
	const struct emb_selector *s, const struct emb_kind *k, const json_t *o);
/* The value that metadata.name must have ("metadata.name=x"); NULL: any. */
const char *emb_selector_name(const struct emb_selector *s);

#endif
