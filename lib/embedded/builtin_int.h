/* What the built-in kinds share among themselves. */
#ifndef EMBEDDED_BUILTIN_INT_H
#define EMBEDDED_BUILTIN_INT_H
#include "base/limits.h"
#include "embedded/builtin.h"

/* core/v1 MaxSecretSize: the sum of all values of a Secret or a ConfigMap. */
#define BUILTIN_DATA_MAX (1 * LIMIT_MIB)

extern const struct emb_builtin_def emb_config_map, emb_service_account;

/* May this be a key of `data`? */
void emb_builtin_check_key(const char *field, const char *key, struct emb_causes *causes);
/* The bytes of a member whose values are base64 are added to *total; a text that is none is a
   400. */
int emb_builtin_check_base64(const json_t *o, const char *kind, const char *member, size_t *total,
	struct emb_causes *causes, struct emb_status *st);
/* Of an object that has `immutable` set: that one and these members (ends with NULL) stay. */
void emb_builtin_check_immutable(
	const json_t *o, const json_t *old, const char *const *members, struct emb_causes *causes);
/* The column of this name. */
void emb_builtin_add_age(json_t *cells, const json_t *o, int64_t now_ms);

#endif
