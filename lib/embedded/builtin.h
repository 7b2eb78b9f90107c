/* The kinds without a CRD: Secret, Namespace, Event. Their schemas are JSON in builtin.c, read by
   the same code as a CRD's. Read only. */
#ifndef EMBEDDED_BUILTIN_H
#define EMBEDDED_BUILTIN_H
#include "embedded/kind.h"

/* One definition; the array ends with a NULL kind. */
struct emb_builtin_def {
	const char *kind, *plural, *singular, *short_name;
	bool namespaced, has_status;
	const char *schema; /* JSON */
	const char *columns; /* JSON: [{name, type, format, description, priority}] */
	struct emb_builtin hooks;
};

extern const struct emb_builtin_def emb_builtins[];

#endif
