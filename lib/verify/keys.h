/*
 * The public keys of one Secret: those entries whose names end in ".pub", as cosign writes them.
 * One of them that cannot be read makes all of them useless, so that the outcome depends on no
 * order. References are counted on the loop thread; a check may run in any thread.
 */
#ifndef VERIFY_KEYS_H
#define VERIFY_KEYS_H
#include "base/err.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stddef.h>

struct pubkey;
struct verify_keys;

struct verify_key {
	struct pubkey *key;
	char *name; /* of its entry */
};

/* Of a Secret as the API server has it. 0, *out is a reference of the caller's; or -1 (ERR_RETRY):
   there is no key in it, or one that is not taken; the message names the entry. */
int verify_keys_read(struct verify_keys **out, const json_t *secret, struct err *err) must_check;
struct verify_keys *verify_keys_ref(struct verify_keys *k);
void verify_keys_unref(struct verify_keys *k); /* NULL is fine */
/* Of the keys, whatever else the Secret holds: other keys have another one. */
const struct digest *verify_keys_digest(const struct verify_keys *k);
/* About, in bytes. */
size_t verify_keys_size(const struct verify_keys *k);
/* Whose signature is it? NULL: of none of them. Gives up when *stop is set; NULL: never. */
const struct verify_key *verify_keys_find(const struct verify_keys *k, const void *sig,
	size_t sig_len, const void *data, size_t n, const atomic_bool *stop);

#endif
