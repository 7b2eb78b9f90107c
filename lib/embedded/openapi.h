/*
 * /openapi/v3: what kubectl reads for `explain`, and to learn that a kind takes fieldValidation and
 * dryRun. The form is that of kube-apiserver (OpenAPI 3.0 and the x-kubernetes-* extensions), in
 * JSON: an index with a document for each group and version, and the documents, made from the CRDs
 * and from the built-in kinds when they are asked for. Any thread.
 */
#ifndef EMBEDDED_OPENAPI_H
#define EMBEDDED_OPENAPI_H
#include "base/err.h"

#include <jansson.h>

struct emb_kinds;

/* The index; the caller's. prefix: of every path of this API. A document's URL names a hash, which
   is another one when the document is. */
json_t *emb_openapi_index(const struct emb_kinds *ks, const char *prefix);
/* group "" is the core group. NULL: there is no such version, or (with *err filled, which is
   otherwise left alone) a schema cannot be read. */
json_t *emb_openapi_document(
	const struct emb_kinds *ks, const char *group, const char *version, struct err *err);

#endif
