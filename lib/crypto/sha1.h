/*
 * SHA-1, as Git ends its packs: a checksum, no proof of anything. Names of Git's objects are proven
 * with another one, which looks for collisions (lib/git/hash.h). Any thread, one context in one
 * thread at a time; the owner clears it.
 */
#ifndef CRYPTO_SHA1_H
#define CRYPTO_SHA1_H
#include <stddef.h>

#define SHA1_SIZE 20

struct sha1 {
	void *md; /* EVP_MD_CTX */
};

/* All abort when OpenSSL cannot do it (no memory). Begins anew. */
void sha1_init(struct sha1 *s);
void sha1_update(struct sha1 *s, const void *p, size_t n);
void sha1_final(struct sha1 *s, unsigned char out[SHA1_SIZE]);
void sha1_clear(struct sha1 *s);

#endif
