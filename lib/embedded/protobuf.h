/*
 * Request bodies in Kubernetes' protobuf form (application/vnd.kubernetes.protobuf): the four bytes
 * "k8s\0", then a runtime.Unknown that names apiVersion and kind and holds the object. kubectl 1.34
 * sends `create secret`, `create configmap` and the like in no other way. The kinds that people
 * create (k8s.io/api/core/v1/generated.proto). Every byte is hostile: lengths are checked against
 * what is left, depth and wire types are bounded, text must be UTF-8, unknown fields are skipped as
 * protobuf demands. Any thread.
 */
#ifndef EMBEDDED_PROTOBUF_H
#define EMBEDDED_PROTOBUF_H
#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

/* The object as JSON, with apiVersion and kind (caller's); NULL with *err filled. */
json_t *emb_protobuf_read(const void *data, size_t len, struct err *err) must_check;

#endif
