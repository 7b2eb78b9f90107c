/*
 * The name of a Git object: the SHA-1 of what it is. Plain values, any thread.
 *
 *	struct gitc_oid oid;
 *	char text[GITC_OID_HEX];
 *
 *	if (!gitc_oid_parse(&oid, "6b1c...", 40)) ...
 *	gitc_oid_format(&oid, text);
 */
#ifndef GIT_OID_H
#define GIT_OID_H
#include <stdbool.h>
#include <stddef.h>

#define GITC_OID_HEX 41 /* with its NUL */

struct gitc_oid {
	unsigned char b[20];
};

/* Exactly 40 hex digits, in lower case as every server writes them. False: it is none, *out is
   untouched. */
bool gitc_oid_parse(struct gitc_oid *out, const char *text, size_t n);
/* Returns out. */
char *gitc_oid_format(const struct gitc_oid *oid, char out[GITC_OID_HEX]);
bool gitc_oid_equal(const struct gitc_oid *a, const struct gitc_oid *b);
/* As strcmp, by bytes. */
int gitc_oid_compare(const struct gitc_oid *a, const struct gitc_oid *b);
/* All zero: "there is none", in a push. */
bool gitc_oid_is_zero(const struct gitc_oid *oid);

#endif
