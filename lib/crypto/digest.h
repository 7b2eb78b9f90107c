/*
 * Digests: hashing, and the text form that OCI uses for content addresses (image-spec,
 * descriptor.md "Digests"): `<algorithm>:<lower-case hex>`, for the algorithms sha256, sha384 and
 * sha512.
 *
 * struct digest and struct digest_ctx are the caller's; nothing here takes a loop, and every
 * function may run in any thread (one context in one thread at a time). Only digest_ctx holds
 * memory: digest_ctx_clear() frees it, auto_digest_ctx does so by itself.
 *
 *	auto_digest_ctx struct digest_ctx h = {0};
 *	struct digest want, got;
 *
 *	if (digest_parse(&want, "sha256:2c26...", err))
 *		return -1;
 *	digest_ctx_init(&h, want.algo);
 *	digest_update(&h, p, n);
 *	digest_final(&h, &got);
 *	if (!digest_equal(&want, &got)) ...
 */
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H
#include "base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum digest_algo {
	DIGEST_NONE, /* what a zeroed struct says */
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
};

#define DIGEST_BIN_MAX 64
#define DIGEST_HEX_MAX (2 * DIGEST_BIN_MAX + 1)
#define DIGEST_TEXT_MAX (7 + DIGEST_HEX_MAX) /* "sha512:", hex, NUL */

struct digest {
	enum digest_algo algo;
	unsigned char bin[DIGEST_BIN_MAX]; /* digest_size() bytes count, the rest is zero */
};

/* "sha256", "sha384", "sha512": a flag's value or the part before the colon. Anything else is an
   error that names the value. */
int digest_algo_parse(enum digest_algo *algo, const char *name, struct err *err) must_check;
const char *digest_algo_name(enum digest_algo algo);
/* Bytes of the binary form: 32, 48, 64; 0 for DIGEST_NONE. */
size_t digest_size(enum digest_algo algo);

/* Exactly `<algo>:<hex>` with the algorithm's own length, lower-case. Errors are ERR_RETRY; *d is
   untouched then. */
int digest_parse(struct digest *d, const char *text, struct err *err) must_check;
/* The same for text that is not terminated. */
int digest_parse_n(struct digest *d, const char *text, size_t len, struct err *err) must_check;
/* "sha256:..." ("" for DIGEST_NONE). Returns out. */
char *digest_format(const struct digest *d, char out[DIGEST_TEXT_MAX]);
/* The hex alone. Returns out. */
char *digest_hex(const struct digest *d, char out[DIGEST_HEX_MAX]);
/* Same algorithm, same bytes. Two DIGEST_NONE are not equal to anything: what was never computed
   proves nothing. */
bool digest_equal(const struct digest *a, const struct digest *b);

/* The digest of n bytes in memory. Aborts when OpenSSL cannot do it (no memory). */
void digest_mem(struct digest *out, enum digest_algo algo, const void *data, size_t n);

/* Incremental. init may be called again on a context at any time (it starts over, and keeps the
   memory). */
struct digest_ctx {
	void *md; /* EVP_MD_CTX */
	enum digest_algo algo;
	uint64_t bytes; /* fed since init */
};
#define auto_digest_ctx __attribute__((cleanup(digest_ctx_clear)))
void digest_ctx_init(struct digest_ctx *c, enum digest_algo algo);
void digest_update(struct digest_ctx *c, const void *data, size_t n);
/* Ends it; a new init is needed before the next update. */
void digest_final(struct digest_ctx *c, struct digest *out);
void digest_ctx_clear(struct digest_ctx *c);

/*
 * The digest of a whole file, read with pread(2) from its start (the descriptor's own position
 * stays). Blocks: call it in a worker. stop, when not NULL, is polled every 64 KiB: ERR_CANCELED.
 * size, when not NULL, gets the bytes read.
 */
int digest_fd(struct digest *out, enum digest_algo algo, int fd, const atomic_bool *stop,
	uint64_t *size, struct err *err) must_check;

/* Bytes hashed by this process since it started, all threads: a counter for /metrics. */
uint64_t digest_bytes_total(void);

#endif
