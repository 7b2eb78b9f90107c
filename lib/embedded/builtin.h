/* The kinds without a CRD: Namespace, ConfigMap, Secret, ServiceAccount, Event. Their schemas are
   JSON beside their code, read by the same code as a CRD's. Read only. */
#ifndef EMBEDDED_BUILTIN_H
#define EMBEDDED_BUILTIN_H
#include "embedded/kind.h"

struct emb_builtin_def {
	const char *kind, *plural, *singular, *short_name;
	bool namespaced, has_status;
	const char *schema; /* JSON */
	const char *columns; /* JSON: [{name, type, format, description, priority}] */
	struct emb_builtin hooks;
};

extern const struct emb_builtin_def *const emb_builtins[]; /* ends with NULL */

#endif
