/*
 * The token of a Receiver: the key `token` of its Secret, and of type gcr `email` and `audience`.
 * It is kept as long as the watch of the Secret's metadata vouches for it (ctl/depends.h), so a
 * call reads the Secret only where nobody can know that it is the same. Loop thread.
 *
 *	v = receiver_token_kept(c, ns, secret);
 *	if (!v) op = receiver_token_read(c, ns, secret), and when that is done
 *		v = receiver_token_took(c, ns, secret, kube_result(op), &err)
 *	... RECEIVER_TOKEN(v)->token; receiver_token_unref(v)
 */
#ifndef RECEIVER_TOKEN_H
#define RECEIVER_TOKEN_H
#include "base/err.h"
#include "base/secret.h"
#include "crypto/digest.h"
#include "ctl/depends.h"

#include <jansson.h>
#include <stdbool.h>

struct controller;
struct op;

struct receiver_token {
	struct depends_value value;
	unsigned refs;
	struct secret token; /* never empty */
	char *email, *audience; /* NULL: the Secret has none */
};

#define RECEIVER_TOKEN(v) CONTAINER_OF(v, struct receiver_token, value)

/* A new reference; NULL: it has to be read. */
struct depends_value *receiver_token_kept(struct controller *c, const char *ns, const char *secret);
struct op *receiver_token_read(struct controller *c, const char *ns, const char *secret);
/* Of the Secret that was read: a new reference, or NULL (ERR_RETRY): it has no token. */
struct depends_value *receiver_token_took(struct controller *c, const char *ns, const char *secret,
	const json_t *obj, struct err *err);
void receiver_token_unref(struct depends_value *v); /* NULL is fine */

/* "/hook/" and the hexadecimal sha256 of token, name and namespace. */
#define RECEIVER_PATH_PREFIX "/hook/"
#define RECEIVER_PATH_MAX (sizeof(RECEIVER_PATH_PREFIX) + DIGEST_HEX_MAX)
/* v NULL: without a token (generic-oidc). Returns out. */
char *receiver_path(const struct depends_value *v, const char *ns, const char *name,
	char out[RECEIVER_PATH_MAX]);

#endif
