/*
 * Signed certificate timestamps in certificates (RFC 6962 section 3): a log promises that it has
 * seen the certificate before it was issued. Any thread.
 */
#ifndef CRYPTO_SCT_H
#define CRYPTO_SCT_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct cert;
struct pubkey;

#define SCT_LOG_ID 32
#define SCT_MAX 16 /* in one certificate */

struct sct {
	const unsigned char *log_id; /* SCT_LOG_ID bytes; all of this is borrowed from the list */
	uint64_t time_ms; /* since 1970 UTC */
	const unsigned char *extensions, *sig;
	size_t extensions_len, sig_len;
	unsigned char hash, algo; /* of the signature: RFC 5246 section 7.4.1.4.1 */
};

/* Those of a certificate; they borrow from it. Returns how many; -1: it has none, or they cannot
   be read. */
int sct_read(struct sct out[SCT_MAX], const struct cert *c, struct err *err) must_check;
/* Has the log with this key signed it? tbs: of cert_tbs; issuer_key: of who has issued it. */
bool sct_verifies(const struct sct *s, const struct buf *tbs, const struct digest *issuer_key,
	const struct pubkey *log_key);

#endif
