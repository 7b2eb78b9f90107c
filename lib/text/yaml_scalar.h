/*
 * What one YAML scalar means, as go.yaml.in/yaml/v2 resolves it for sigs.k8s.io/yaml. For yaml.c.
 * Nothing here keeps the text.
 */
#ifndef TEXT_YAML_SCALAR_H
#define TEXT_YAML_SCALAR_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yscalar_kind {
	YSCALAR_NULL,
	YSCALAR_BOOL,
	YSCALAR_INT,
	YSCALAR_BIG, /* an integer past int64_t that fits 64 bits: in r, as Kubernetes reads it */
	YSCALAR_REAL,
	YSCALAR_STR,
};

struct yscalar {
	enum yscalar_kind kind;
	bool b;
	int64_t i;
	double r;
};

/*
 * text is terminated by a NUL behind its len bytes. tag: what stands in the file, resolved
 * ("tag:yaml.org,2002:int"), or NULL. plain: neither quoted nor a block, and so free to be
 * something other than a string. -1 when the tag does not fit the text.
 */
int yscalar_resolve(struct yscalar *s, const char *text, size_t len, const char *tag, bool plain,
	struct err *err) must_check;

#define YSCALAR_KEY_MAX 32
/* The key that a scalar other than a string makes in JSON. NULL for null and BIG, which cannot be
   one. */
const char *yscalar_key(const struct yscalar *s, char out[YSCALAR_KEY_MAX]);

#endif
