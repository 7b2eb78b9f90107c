/*
 * The environment as the clouds' own libraries read it, taken once at the start of the process and
 * handed down: nothing else here calls getenv(3), and a test builds its own. It may hold keys and
 * passwords: nothing logs a value. Any thread, once it is filled.
 */
#ifndef CLOUD_ENV_H
#define CLOUD_ENV_H

/* The variables that count, with NULL behind the last. */
extern const char *const cloud_env_names[];

struct cloud_env {
	char **values; /* of the names, in their order; NULL: not set */
};

/* Those of the process. */
void cloud_env_read(struct cloud_env *e);
/* value is copied; NULL: not set. The name is one of the table. */
void cloud_env_set(struct cloud_env *e, const char *name, const char *value);
void cloud_env_copy(struct cloud_env *to, const struct cloud_env *from);
void cloud_env_clear(struct cloud_env *e); /* wipes */
/* NULL: not set, or empty. The name is one of the table. */
const char *cloud_env_get(const struct cloud_env *e, const char *name);

#endif
