/*
 * YAML to JSON values, for kubeconfig and the manifests of the embedded API. Reads what kubectl
 * reads: one or more documents, scalars resolved as sigs.k8s.io/yaml does (YAML 1.1 as Go's yaml.v2
 * has it: yes/no/on/off are booleans, 0x and 0b and 1_000 are numbers, a date stays a string,
 * whatever is quoted stays a string), keys of other types turned into strings, anchors, aliases and
 * merge keys (<<). JSON is taken too, several objects in a row included.
 *
 * Stricter than kubectl: a key that stands twice in a mapping is an error, with its line. An
 * explicit key always wins over a merged one, wherever << stands. Integers past 64 bits signed
 * become reals, as in Kubernetes itself; .inf and .nan are errors.
 *
 * Limits: LIMIT_YAML_FILE bytes, LIMIT_YAML_DEPTH levels, LIMIT_YAML_NODES values and
 * LIMIT_YAML_EXPANDED bytes of strings after aliases are expanded. An alias is a copy: changing one
 * value never changes another. Any thread.
 *
 *	struct ydocs docs;
 *
 *	if (ydocs_parse(&docs, text, len, &err))
 *		return err_wrap(&err, "%s", file);      (file: line 12: key 'name' stands twice)
 *	for (size_t i = 0; i < docs.count; i++)
 *		use(docs.at[i].root, docs.at[i].line);
 *	ydocs_clear(&docs);
 */
#ifndef TEXT_YAML_H
#define TEXT_YAML_H
#include "base/err.h"

#include <jansson.h>
#include <stddef.h>

struct ydoc {
	/* owned by the list; MOVE it out, or json_incref. Never null: empty documents are left
	   out */
	json_t *root;
	unsigned line; /* 1-based line of its first value */
};

struct ydocs {
	struct ydoc *at;
	size_t count;
};

/* 0; or -1 (ERR_STALL), the message starts with "line N: ", and there is nothing to clear. */
int ydocs_parse(struct ydocs *docs, const char *text, size_t len, struct err *err) must_check;
void ydocs_clear(struct ydocs *docs);

#endif
