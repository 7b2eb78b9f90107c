/* The compiled form of a schema, shared by schema.c (making, pruning, defaults) and schema_check.c
   (validation). */
#ifndef EMBEDDED_SCHEMA_INT_H
#define EMBEDDED_SCHEMA_INT_H
#include "embedded/rule.h"
#include "embedded/schema.h"

#include <stdbool.h>

enum emb_type { EMB_ANY, EMB_OBJECT, EMB_ARRAY, EMB_STRING, EMB_INTEGER, EMB_NUMBER, EMB_BOOLEAN };

struct emb_prop {
	char *name;
	struct emb_schema *schema;
};

/* One of x-kubernetes-validations. */
struct emb_check {
	emb_rule_fn holds;
	char *message;
};

struct emb_schema {
	enum emb_type type;
	bool nullable, preserve, int_or_string, embedded;
	bool any_extra; /* additionalProperties: true */
	bool has_min, has_max, open_min, open_max;
	struct emb_prop *props; /* sorted by name */
	size_t n_props;
	char **required; /* ends with NULL, or NULL */
	struct emb_schema *extra; /* additionalProperties */
	struct emb_schema *items;
	json_t *enums; /* array or NULL */
	json_t *dflt;
	char *pattern;
	struct match *match;
	char *format;
	double min, max, multiple; /* multiple 0: none */
	long long min_len, max_len, min_items, max_items, min_props, max_props; /* -1: none */
	bool unique;
	bool is_set, is_map; /* x-kubernetes-list-type */
	char **map_keys; /* ends with NULL */
	struct emb_check *checks;
	size_t n_checks;
	bool checks_below; /* here or in a schema below there are checks */
};

/* The schema of a member; NULL: unknown. *known is set to true for members without any schema that
   are kept. */
const struct emb_schema *emb_schema_member(
	const struct emb_schema *s, const char *name, bool *known);

#endif
