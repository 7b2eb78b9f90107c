/*
 * A token or password: wiped when cleared, and without any printf, JSON or log form. Only the code
 * that sends it reads `p`. The owner clears; one thread at a time.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H
#include <stdbool.h>
#include <stddef.h>

struct secret {
	char *p; /* NUL-terminated, NULL when empty */
	size_t len;
};

#define auto_secret __attribute__((cleanup(secret_clear)))

/* Copies; what was there is wiped. */
void secret_set(struct secret *s, const char *p, size_t len);
void secret_copy(struct secret *to, const struct secret *from);
void secret_clear(struct secret *s);
/* In constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);

#endif
