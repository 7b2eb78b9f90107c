/*
 * JSON patch (RFC 6902 with JSON pointers of RFC 6901), as the API server takes it: a list of at
 * most LIMIT_EMBEDDED_PATCH_OPS operations, all or nothing for whoever drops the tree after a
 * failure. Any thread.
 *
 * Where the API server is laxer than the RFC and people lean on it, so is this: `replace` of a
 * member that is not there adds it, and `test` for null holds for a member that is not there. Its
 * other liberties (negative and 0-led indexes, paths without the first slash, a missing value) are
 * refused.
 *
 * What a patch costs is bounded: the depth of the result, the bytes that `copy` makes, and the
 * number of values that operations touch.
 */
#ifndef EMBEDDED_JSON_PATCH_H
#define EMBEDDED_JSON_PATCH_H
#include <jansson.h>

struct emb_status;

/* Changes *o, also when it fails half-way. ops is borrowed. 400: no list of operations; 413: too
   many of them, or too large a result; 422: one cannot be done, and the message says which. */
int emb_json_patch(json_t **o, const json_t *ops, struct emb_status *st);

#endif
